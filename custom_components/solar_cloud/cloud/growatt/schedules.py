"""The owner's schedule in our words: the windows of a machine."""

import asyncio
from collections.abc import Callable, Collection, Iterable

from ..control import Schedule, Window
from ..daily import DAY
from ..errors import Refused
from . import endpoints as on
from .modes import MODES, Modes
from .programmes import Programmes
from .runs import STORAGE_TARGETS, Runs
from .segments import LAST, Held, Layout, Priority, Segment, overlap
from .settings import Look, Settings

EVERY_DAY = frozenset(range(1, 8))
CHARGE, DISCHARGE, HOLD = "charge", "discharge", "hold"
PRIORITIES = {
    CHARGE: Priority.BATTERY,
    HOLD: Priority.BATTERY,
    DISCHARGE: Priority.GRID,
    **{mode: priority for priority, mode in MODES.items()},
}
# Which values a kind of window has: power and stop SOC.
VALUES = {
    Priority.BATTERY: ("charge_power", "charge_stop"),
    Priority.GRID: ("discharge_power", "discharge_stop"),
}
MAINS = {CHARGE: 1.0, HOLD: 0.0}

type Lock = Callable[[str], asyncio.Lock]


class Schedules:
    """Reads and writes the owner's schedule of the machines of an account."""

    def __init__(
        self,
        settings: Settings,
        programmes: Programmes,
        modes: Modes,
        runs: Runs,
        *,
        lock: Lock,
    ) -> None:
        """Share what reads and writes the windows."""
        self._settings = settings
        self._programmes = programmes
        self._modes = modes
        self._runs = runs
        self._lock = lock

    async def get(self, sn: str) -> Schedule:
        """Return the windows that are awake."""
        look = self._settings.look(sn)
        async with self._lock(sn):
            held = await self._programmes.read(look)
        starts = {slot.start for slot in held.slots if slot.is_awake}
        return Schedule(
            enabled=held.is_awake,
            windows=tuple(
                _window(look, held, slot, starts)
                for slot in sorted(held.slots, key=lambda slot: slot.start)
                if slot.is_awake
            ),
        )

    async def set(self, sn: str, wanted: Collection[Window]) -> None:
        """Replace the schedule; raises Refused for what the machine cannot hold."""
        look = self._settings.look(sn)
        _check(wanted)
        self._runs.require_free(sn)
        async with self._lock(sn):
            held = await self._programmes.read(look)
            layout = self._programmes.layout(sn) or ()
            slots = _slots(layout, held, wanted)
            values = {**held.values, **_values(look, held, wanted)}
            new = Held(slots=slots, values=values)
            await self._programmes.write(look, held, new)
            self._modes.forget(sn)


def _check(wanted: Collection[Window]) -> None:
    """Refuse what no machine can hold."""
    if any(frozenset(window.days) != EVERY_DAY for window in wanted):
        raise Refused("windows apply to every day of the week")
    for window in wanted:
        if window.mode not in PRIORITIES:
            raise Refused(f"the machine's windows do not offer {window.mode}")
        if not 0 <= window.start < window.end <= DAY:
            raise Refused("a window ends after it starts, on the same day")


def _slots(
    layout: Layout, held: Held, wanted: Collection[Window]
) -> tuple[Segment, ...]:
    """Return the slots for a schedule; those that are not needed are empty."""
    ordered = sorted(wanted, key=lambda window: window.start)
    starts = {window.start for window in ordered}
    slots = [
        Segment(priority=priority or slot.priority)
        for priority, slot in zip(layout, held.slots, strict=True)
    ]
    for priority in dict.fromkeys(layout):
        places = [place for place, row in enumerate(layout) if row is priority]
        mine = [
            Segment(
                priority=PRIORITIES[window.mode],
                start=window.start,
                end=_end(window.end, starts),
                on=True,
            )
            for window in ordered
            if priority in (None, PRIORITIES[window.mode])
        ]
        if len(mine) > len(places):
            raise Refused(f"the machine holds at most {len(places)} such windows")
        for place, segment in zip(places, mine, strict=False):
            slots[place] = segment
    # Outside of windows the load comes first anyway.
    held_by_none = [w for w in ordered if PRIORITIES[w.mode] is Priority.LOAD]
    if held_by_none and None not in layout:
        raise Refused("the machine has no windows in which the load comes first")
    if overlap(slots):
        raise Refused("the windows overlap")
    return tuple(slots)


def _end(end: int, starts: Collection[int]) -> int:
    """Return an end as the machine takes it: before midnight, and before the next window."""
    return min(end - 1 if end in starts else end, LAST)


def _values(look: Look, held: Held, wanted: Collection[Window]) -> dict[str, float]:
    """Return the values that are for all windows of a kind; what is not named stays."""
    found: dict[str, float] = {}
    mains = {MAINS[window.mode] for window in wanted if window.mode in MAINS}
    if len(mains) > 1:
        raise Refused(
            "the machine charges from the grid in all such windows or in none"
        )
    if mains and look.machine.family is not on.STORAGE:
        found["mains"] = mains.pop()
    if 0.0 in mains:
        raise Refused("the machine's windows do not offer hold")
    for priority, (power, stop) in VALUES.items():
        mine = [row for row in wanted if PRIORITIES[row.mode] is priority]
        if (watts := _one(window.power for window in mine)) is not None:
            found[power] = _rate(look, watts)
        if (target := _one(window.target_soc for window in mine)) is not None:
            found[_stop(held, stop)] = _target(look, stop, target)
    return found


def _one(asked: Iterable[float | None]) -> float | None:
    """Return what windows of a kind ask for, which can only be one thing."""
    found = set(asked)
    if len(found) > 1:
        raise Refused("all windows of a kind have the same power and target")
    return found.pop() if found else None


def _stop(held: Held, stop: str) -> str:
    """Return by which value discharging ends: with the grid there, where that is told."""
    if stop == "discharge_stop" and "reserve" in held.values:
        return "reserve"
    return stop


def _rate(look: Look, watts: float) -> float:
    rated = look.machine.rated
    if look.machine.family is on.STORAGE:
        raise Refused("the machine's windows have no power")
    if not rated or not 0 < watts <= rated:
        raise Refused(f"the power must be above 0 and at most {rated or 0:g} W")
    return float(max(1, round(watts * 100 / rated)))


def _target(look: Look, stop: str, target: float) -> float:
    low, high = 0.0, 100.0
    if look.machine.family is on.STORAGE:
        if stop == "discharge_stop":
            raise Refused("the machine's window for discharging has no target")
        low, high = STORAGE_TARGETS
    if not low <= target <= high:
        raise Refused(f"the target must be between {low:g} and {high:g} %")
    return float(round(target))


def _window(look: Look, held: Held, slot: Segment, starts: set[int]) -> Window:
    """Return a slot in our words."""
    values, rated = held.values, look.machine.rated
    power, stop = VALUES.get(slot.priority, ("", ""))
    rate = values.get(power)
    mains = values.get("mains", 1.0)
    mode = {
        Priority.LOAD: MODES[Priority.LOAD],
        Priority.BATTERY: CHARGE if mains else HOLD,
        Priority.GRID: DISCHARGE,
    }[slot.priority]
    return Window(
        start=slot.start,
        end=slot.end + 1 if slot.end + 1 in {*starts, DAY} else slot.end,
        mode=mode,
        power=None if rate is None or not rated or mode == HOLD else rate * rated / 100,
        target_soc=None if mode == HOLD else values.get(_stop(held, stop)),
    )
