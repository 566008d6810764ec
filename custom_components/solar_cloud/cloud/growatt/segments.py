"""Windows of the day in Growatt's machines: slots with a priority, and how runs fit in.

Minutes are as on the wire: the end is exclusive, and 23:59 stands for midnight. Windows
never overlap, never cross midnight, and lie in the slots in the order of the day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum, auto
from itertools import pairwise
from typing import Any, Self

from ..daily import DAY

LAST = DAY - 1


class Priority(StrEnum):
    """What comes first in a window."""

    LOAD = auto()
    BATTERY = auto()
    GRID = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One slot: minutes of the day, and whether it is switched on."""

    priority: Priority
    start: int = 0
    end: int = 0
    on: bool = False

    @property
    def is_empty(self) -> bool:
        """Return whether the slot holds no window."""
        return self.start >= self.end

    @property
    def is_awake(self) -> bool:
        """Return whether the slot holds a window that is switched on."""
        return self.on and not self.is_empty

    @property
    def is_all_day(self) -> bool:
        """Return whether the window is the whole day."""
        return self.is_awake and self.start == 0 and self.end >= LAST

    @property
    def asleep(self) -> Segment:
        """Return the slot with its window switched off."""
        return replace(self, on=False) if self.is_awake else self

    def alike(self, other: Segment) -> bool:
        """Return whether both are one window, asleep or not."""
        return replace(self, on=other.on) == other


type Slots = tuple[Segment, ...]
# Which priority each slot is for; None where it may have any.
type Layout = tuple[Priority | None, ...]

NINE: Layout = (None,) * 9
HALVES: Layout = (Priority.BATTERY,) * 3 + (Priority.GRID,) * 3
PAIR: Layout = (Priority.BATTERY, Priority.GRID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a machine holds: its slots, and the values that are for all of them.

    The values are `charge_power`, `charge_stop`, `mains`, `discharge_power`,
    `discharge_stop`, `reserve` and `load_stop`, in %, as far as the machine tells them.
    """

    slots: Slots
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_awake(self) -> bool:
        """Return whether any window is awake."""
        return any(slot.is_awake for slot in self.slots)

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what JSON has carried."""
        return cls(slots=slots_of(data["slots"]), values=data["values"])


def slots_of(rows: Iterable[Mapping[str, Any]]) -> Slots:
    """Return slots that JSON has carried."""
    return tuple(
        Segment(**{**row, "priority": Priority(row["priority"])}) for row in rows
    )


def windows(start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return a span of minutes, end exclusive, as windows of one day."""
    begin = start % DAY
    finish = begin + end - start
    if end - start >= LAST:
        return ((0, LAST),)
    parts = ((begin, min(finish, LAST)), (0, finish - DAY))
    return tuple((first, last) for first, last in parts if first < last)


def overlap(slots: Iterable[Segment]) -> bool:
    """Return whether windows that are awake have time in common."""
    spans = sorted((slot.start, slot.end) for slot in slots if slot.is_awake)
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def during(layout: Layout, owner: Slots, run: Sequence[Segment]) -> Slots:
    """Return the slots while a run lasts: its windows, and the owner's around them.

    Those that are asleep stay so; where there are not slots enough, the last windows of
    the day are left out.
    """
    slots = list(owner)
    for priority in dict.fromkeys(layout):
        places = [place for place, row in enumerate(layout) if row is priority]
        awake = [owner[place] for place in places if owner[place].is_awake]
        mine = [row for row in run if priority in (None, row.priority)]
        kept = _cut(awake, run)
        if mine or kept != awake:
            wanted = [*mine, *kept[: len(places) - len(mine)]]
            _fill(slots, places, sorted(wanted, key=lambda row: row.start))
    return tuple(slots)


def _cut(awake: Iterable[Segment], run: Iterable[Segment]) -> list[Segment]:
    """Return the owner's windows without the run's time, and a minute around it."""
    kept = list(awake)
    for row in run:
        kept = [
            piece
            for slot in kept
            for piece in (
                (slot,)
                if slot.end < row.start or slot.start > row.end
                else (
                    replace(slot, end=row.start - 1),
                    replace(slot, start=row.end + 1),
                )
            )
            if piece.start < piece.end
        ]
    return kept


def _fill(
    slots: list[Segment], places: Sequence[int], wanted: Sequence[Segment]
) -> None:
    """Put windows into slots, so that few change and the order is that of the day."""
    stay = {place: slots[place] for place in places if slots[place] in wanted}
    rest = [row for row in wanted if row not in stay.values()]
    free = sorted(
        (place for place in places if place not in stay),
        key=lambda place: (not (slots[place].is_awake or slots[place].is_empty), place),
    )
    filled = stay | dict(zip(sorted(free[: len(rest)]), rest, strict=True))
    starts = [filled[place].start for place in sorted(filled)]
    if starts != sorted(starts):
        filled = dict(zip(places, wanted, strict=False))
    for place in places:
        slots[place] = filled.get(place) or slots[place].asleep


def restored(layout: Layout, owner: Slots, ran: Slots, held: Slots) -> Slots:
    """Return the slots to put back; what somebody has changed meanwhile is kept."""
    put_back = _apart if layout is PAIR else _whole
    return tuple(
        now if mine == run else put_back(mine, run, now)
        for mine, run, now in zip(owner, ran, held, strict=True)
    )


def _whole(mine: Segment, run: Segment, now: Segment) -> Segment:
    return mine if now.alike(mine) or now.alike(run) else now


def _apart(mine: Segment, run: Segment, now: Segment) -> Segment:
    """Put a window back, and its switch, which is a setting of its own."""
    times = mine if now.alike(run) else now
    on = mine.on if now.on == run.on else now.on
    return replace(times, on=on)


def steps(held: Slots, wanted: Slots) -> list[tuple[int, Segment]]:
    """Return the writes that lead from one to the other, slot by slot.

    What changes is put to sleep first, so that no two windows overlap meanwhile.
    """
    changed = [
        (place, now, row)
        for place, (now, row) in enumerate(zip(held, wanted, strict=True))
        if now != row
    ]
    asleep = [
        (place, replace(now, on=False))
        for place, now, row in changed
        if now.on and row.on
    ]
    return [
        *asleep,
        *((place, row) for place, _, row in changed if not row.is_awake),
        *((place, row) for place, _, row in changed if row.is_awake),
    ]
