"""The windows of the mode time of use (5.2.3): charge or discharge, by days of the week."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..control import Window
from ..errors import Refused
from ..values import number, text

MOST = 14
MIDNIGHT = 24 * 60
CHARGE, DISCHARGE = "charge", "discharge"
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)

type Wire = dict[str, Any]


def to_wire(wanted: Collection[Window]) -> list[Wire]:
    """Return windows as a task takes them; raises Refused for what none can hold.

    The last minute that the vendor knows is 23:59, which stands for midnight.
    """
    if not wanted:
        raise Refused("time of use needs at least one window")
    if len(wanted) > MOST:
        raise Refused(f"the plant holds at most {MOST} windows")
    for window in wanted:
        _check(window)
    rows = list(wanted)
    if any(
        _overlap(one, other)
        for number_, one in enumerate(rows)
        for other in rows[:number_]
    ):
        raise Refused("the windows overlap")
    return [
        {
            "startTime": _clock(window.start),
            "endTime": _clock(window.end),
            "chargeOrDischarge": window.mode,
            "repeat": sorted(window.days),
        }
        for window in rows
    ]


def _check(window: Window) -> None:
    if window.mode not in (CHARGE, DISCHARGE):
        raise Refused(f"a window charges or discharges; the plant has no {window.mode}")
    if window.power is not None or window.target_soc is not None:
        raise Refused("the plant's windows have no power and no target")
    if not 0 <= window.start < window.end <= MIDNIGHT:
        raise Refused("a window must end after it starts, on the same day")
    if not window.days or not set(window.days) <= set(EVERY_DAY):
        raise Refused("days are 1 (Monday) to 7 (Sunday)")


def _overlap(one: Window, other: Window) -> bool:
    apart = one.end <= other.start or other.end <= one.start
    return not apart and bool(set(one.days) & set(other.days))


def from_wire(rows: Any) -> list[Wire]:
    """Return the windows that can be understood, as a task takes them again."""
    found: list[Wire] = []
    for row in rows if isinstance(rows, Iterable) else ():
        if not isinstance(row, Mapping):
            continue
        start, end = minute(row.get("startTime")), minute(row.get("endTime"))
        mode = str(row.get("chargeOrDischarge")).lower()
        days = _days(row.get("repeat"))
        if start is None or end is None or mode not in (CHARGE, DISCHARGE) or not days:
            continue
        found.append(
            {
                "startTime": _clock(start),
                "endTime": _clock(end),
                "chargeOrDischarge": mode,
                "repeat": days,
            }
        )
    return found


def shown(rows: Iterable[Wire]) -> tuple[Window, ...]:
    """Return windows that `to_wire` or `from_wire` made, in our words."""
    return tuple(
        Window(
            start=minute(row["startTime"]) or 0,
            end=_end(minute(row["endTime"]) or 0),
            mode=row["chargeOrDischarge"],
            days=tuple(row["repeat"]),
        )
        for row in rows
    )


def minute(clock: Any) -> int | None:
    """Return the minute of the day of HH:MM, None when it is none."""
    hours, _, rest = (text(clock) or "").partition(":")
    hour, minutes = number(hours), number(rest[:2])
    if hour is None or minutes is None or not 0 <= minutes < 60:
        return None
    found = int(hour) * 60 + int(minutes)
    return found if 0 <= found <= MIDNIGHT else None


def _end(last: int) -> int:
    return MIDNIGHT if last == MIDNIGHT - 1 else last


def _days(rows: Any) -> list[int]:
    found = (
        {int(day) for row in rows if (day := number(row))}
        if isinstance(rows, list)
        else set()
    )
    return sorted(found & set(EVERY_DAY))


def _clock(at: int) -> str:
    hour, rest = divmod(min(at, MIDNIGHT - 1), 60)
    return f"{hour:02d}:{rest:02d}"
