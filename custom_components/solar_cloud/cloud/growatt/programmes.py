"""The windows of a machine on the wire, with the values that are for all of them.

A MIN has nine windows, each written alone (`time_segmentN`). SPH and SPA have three in which
the battery and three in which the grid comes first, and a write replaces all three with
their power, stop SOC and mains charging. A storage machine has one window for charging and
one for discharging (section 4.3.12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import NotSupported, Refused
from ..values import number, text, truth
from . import endpoints as on
from .segments import (
    HALVES,
    LAST,
    NINE,
    PAIR,
    Held,
    Layout,
    Priority,
    Segment,
    Slots,
    steps,
)
from .settings import Look, Settings

CHARGE = ("charge_power", "charge_stop", "mains")
DISCHARGE = ("discharge_power", "discharge_stop")
# Where the values are told; MIN writes each by the name beside it.
_WITH_WINDOWS: Mapping[str, tuple[str, ...]] = {
    "charge_power": ("chargepowercommand",),
    "charge_stop": ("wchargesoclowlimit2", "wchargesoclowlimit"),
    "mains": ("acchargeenable",),
    "discharge_power": ("dischargepowercommand",),
    "discharge_stop": ("wdischargesoclowlimit2", "wdischargesoclowlimit"),
    "load_stop": ("wdischargesoclowlimit1",),
}
VALUES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    on.MIN.name: {
        "charge_power": ("chargepowercommand",),
        "charge_stop": ("wchargesoclowlimit",),
        "mains": ("acchargeenable",),
        "discharge_power": ("dischargepowercommand",),
        "discharge_stop": ("wdischargesoclowlimit",),
        "reserve": ("ongriddischargestopsoc",),
    },
    on.SPH.name: _WITH_WINDOWS,
    on.SPA.name: _WITH_WINDOWS,
}
IDS: Mapping[str, str] = {
    "charge_power": "charge_power",
    "charge_stop": "charge_stop_soc",
    "mains": "ac_charge",
    "discharge_power": "discharge_power",
    "discharge_stop": "discharge_stop_soc",
    "reserve": "on_grid_discharge_stop_soc",
}
SEGMENT_ID = "time_segment{}"
SEGMENT_START = "forcedtimestart{}"

# Storage: 4.3.12. Today's page has the name of the switch with a slip.
CHARGE_WINDOW = "storage_ac_charge_hour_start"
CHARGE_SWITCH = (
    "storage_ac_charge_enable_disable",
    "storage_ac_charge_enable_disenable",
)
CHARGE_LIMIT = "storage_ac_charge_soc_limit"
DISCHARGE_WINDOW = "storage_cmd_forced_discharge_time1"
# 0 enables.
DISCHARGE_SWITCH = "storage_cmd_forced_discharge_enable"

PRIORITIES = (Priority.LOAD, Priority.BATTERY, Priority.GRID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One kind of an SPH's or SPA's windows: what it is written by and how it is told."""

    name: str
    places: slice
    start: str
    stop: str
    switches: tuple[str, ...]
    values: tuple[str, ...]


def _halves(prefix: str) -> tuple[Half, Half]:
    return (
        Half(
            name=f"{prefix}_ac_charge_time_period",
            places=slice(0, 3),
            start="forcedchargetimestart{}",
            stop="forcedchargetimestop{}",
            switches=("forcedchargestopswitch{}", "batfirstswitch{}"),
            values=CHARGE,
        ),
        Half(
            name=f"{prefix}_ac_discharge_time_period",
            places=slice(3, 6),
            start="forceddischargetimestart{}",
            stop="forceddischargetimestop{}",
            switches=("forceddischargestopswitch{}", "gridfirstswitch{}"),
            values=DISCHARGE,
        ),
    )


HALVES_OF = {on.SPH.name: _halves("mix"), on.SPA.name: _halves("spa")}
LOAD_STOP = {
    on.SPH.name: ("mix_load_flast_value_multi",),
    on.SPA.name: ("spa_load_flast", "spa_load_flast_value_multi"),
}
LAYOUTS: Mapping[str, Layout] = {
    on.MIN.name: NINE,
    on.SPH.name: HALVES,
    on.SPA.name: HALVES,
    on.STORAGE.name: PAIR,
}


class Programmes:
    """Reads and writes the windows of the machines of an account."""

    def __init__(self, settings: Settings) -> None:
        """Share the settings."""
        self._settings = settings

    def layout(self, sn: str) -> Layout | None:
        """Return which windows a machine has, None where it has none."""
        return LAYOUTS.get(self._settings.machine(sn).family.name)

    async def read(self, look: Look) -> Held:
        """Return what a machine holds; raises NotSupported where it tells no windows."""
        family = look.machine.family
        if family is on.STORAGE:
            return await _read_storage(look)
        if family.name not in VALUES:
            raise NotSupported("the machine has no windows")
        answer = await look.answer()
        halves = HALVES_OF.get(family.name)
        starts = [half.start for half in halves] if halves else [SEGMENT_START]
        if any(text(answer.get(start.format(1))) is None for start in starts):
            raise NotSupported("the machine does not tell its windows")
        slots = _of_halves(answer, halves) if halves else _of_segments(answer)
        values: dict[str, float] = {}
        for name, fields in VALUES[family.name].items():
            if (value := await look.told(*fields)) is None:
                value = await self._ask(look, name)
            if value is not None:
                values[name] = value
        return Held(slots=slots, values=values)

    async def _ask(self, look: Look, name: str) -> float | None:
        """Return a value that the one answer does not tell, where the machine does."""
        family = look.machine.family
        if family is on.MIN:
            return number(await look.parameter(IDS[name]))
        for half in HALVES_OF[family.name]:
            if name in half.values:
                told = await look.numbers(half.name)
                whole = len(told) == len(half.values) + 5 * 3
                return float(told[half.values.index(name)]) if whole else None
        return number(await look.parameter(*LOAD_STOP[family.name]))

    async def write(self, look: Look, held: Held, wanted: Held) -> None:
        """Send what differs; values come before the windows that need them."""
        family = look.machine.family
        if family is on.STORAGE:
            await self._write_storage(look, held, wanted)
        elif family is on.MIN:
            await self._write_min(look.sn, held, wanted)
        else:
            await self._write_halves(look, held, wanted)

    # --- MIN ---------------------------------------------------------------------------

    async def _write_min(self, sn: str, held: Held, wanted: Held) -> None:
        writes = steps(held.slots, wanted.slots)
        asleep = [row for row in writes if not row[1].is_awake]
        for place, segment in asleep:
            await self._send_segment(sn, place, segment)
        for name in _changed(held, wanted):
            await self._settings.send(sn, IDS[name], _plain(wanted.values[name]))
        for place, segment in writes[len(asleep) :]:
            await self._send_segment(sn, place, segment)

    async def _send_segment(self, sn: str, place: int, segment: Segment) -> None:
        await self._settings.send(
            sn,
            SEGMENT_ID.format(place + 1),
            str(PRIORITIES.index(segment.priority)),
            *_times(segment),
            str(int(segment.on)),
        )

    # --- SPH and SPA -------------------------------------------------------------------

    async def _write_halves(self, look: Look, held: Held, wanted: Held) -> None:
        family, changed = look.machine.family.name, _changed(held, wanted)
        if "load_stop" in changed:
            name = await look.known(*LOAD_STOP[family])
            value = _plain(wanted.values["load_stop"])
            await self._settings.send(look.sn, name, value)
        halves = [
            half
            for half in HALVES_OF[family]
            if wanted.slots[half.places] != held.slots[half.places]
            or set(half.values) & set(changed)
        ]
        # What loses windows comes first, so that no two of both kinds overlap meanwhile.
        halves.sort(key=lambda half: _gains(half, held, wanted))
        for half in halves:
            await self._send_half(look.sn, half, wanted)

    async def _send_half(self, sn: str, half: Half, wanted: Held) -> None:
        for name in half.values:
            if name not in wanted.values:
                raise Refused(f"the machine does not tell its {name.replace('_', ' ')}")
        await self._settings.send(
            sn,
            half.name,
            *(_plain(wanted.values[name]) for name in half.values),
            *(
                value
                for segment in wanted.slots[half.places]
                for value in (*_times(segment), str(int(segment.on)))
            ),
        )

    # --- storage -----------------------------------------------------------------------

    async def _write_storage(self, look: Look, held: Held, wanted: Held) -> None:
        if "charge_stop" in _changed(held, wanted):
            value = _plain(wanted.values["charge_stop"])
            await self._settings.send(look.sn, CHARGE_LIMIT, value)
        writes = (
            (CHARGE_WINDOW, CHARGE_SWITCH, "1", "0"),
            (DISCHARGE_WINDOW, (DISCHARGE_SWITCH,), "0", "1"),
        )
        for now, row, (window, switch, enable, disable) in zip(
            held.slots, wanted.slots, writes, strict=True
        ):
            if now.on and not row.on:
                await self._settings.send(look.sn, await look.known(*switch), disable)
            if not now.alike(row):
                await self._settings.send(look.sn, window, *_times(row))
            if row.on and not now.on:
                await self._settings.send(look.sn, await look.known(*switch), enable)


async def _read_storage(look: Look) -> Held:
    charge = await look.numbers(CHARGE_WINDOW)
    discharge = await look.numbers(DISCHARGE_WINDOW)
    enabled = truth(await look.parameter(*CHARGE_SWITCH))
    prohibited = truth(await look.parameter(DISCHARGE_SWITCH))
    limit = number(await look.parameter(CHARGE_LIMIT))
    if enabled is None or prohibited is None:
        raise NotSupported("the machine does not tell whether its windows are enabled")
    slots = (
        _window(Priority.BATTERY, charge, enabled),
        _window(Priority.GRID, discharge, not prohibited),
    )
    return Held(slots=slots, values={} if limit is None else {"charge_stop": limit})


def _window(priority: Priority, told: tuple[int, ...], enabled: bool) -> Segment:
    if len(told) != 4:
        raise NotSupported("the machine does not tell its windows")
    start, end = told[0] * 60 + told[1], told[2] * 60 + told[3]
    return Segment(priority=priority, start=start, end=end, on=enabled)


def _of_segments(answer: Mapping[str, Any]) -> Slots:
    """Return the nine windows of a MIN."""
    return tuple(
        _segment(
            PRIORITIES[_index(answer.get(f"time{place}mode"))],
            answer.get(SEGMENT_START.format(place)),
            answer.get(f"forcedtimestop{place}"),
            answer.get(f"forcedstopswitch{place}"),
        )
        for place in range(1, len(NINE) + 1)
    )


def _of_halves(answer: Mapping[str, Any], halves: tuple[Half, Half]) -> Slots:
    """Return the two times three windows of an SPH or SPA."""
    return tuple(
        _segment(
            priority,
            answer.get(half.start.format(place)),
            answer.get(half.stop.format(place)),
            next(
                (
                    answer[switch.format(place)]
                    for switch in half.switches
                    if truth(answer.get(switch.format(place))) is not None
                ),
                None,
            ),
        )
        for half, priority in zip(
            halves, (Priority.BATTERY, Priority.GRID), strict=True
        )
        for place in (1, 2, 3)
    )


def _segment(priority: Priority, start: Any, stop: Any, switch: Any) -> Segment:
    """Return a slot; times that are none make it an empty one."""
    begin, end = _minute(start), _minute(stop)
    if begin is None or end is None:
        return Segment(priority=priority)
    return Segment(priority=priority, start=begin, end=end, on=truth(switch) is True)


def _index(mode: Any) -> int:
    found = number(mode)
    return int(found) if found in (1, 2) else 0


def _minute(shown: Any) -> int | None:
    """Return the minute of the day that "6:0" or "24:00" tells."""
    parts = [number(part) for part in str(shown).split(":")]
    if len(parts) < 2 or parts[0] is None or parts[1] is None:
        return None
    hour, minute = int(parts[0]), int(parts[1])
    found = hour * 60 + minute
    return found if 0 <= minute < 60 and 0 <= found <= LAST + 1 else None


def _times(segment: Segment) -> tuple[str, str, str, str]:
    """Return a window as hours and minutes; midnight is 23:59."""
    begin, end = divmod(segment.start, 60), divmod(min(segment.end, LAST), 60)
    return str(begin[0]), str(begin[1]), str(end[0]), str(end[1])


def _changed(held: Held, wanted: Held) -> list[str]:
    """Return the values to send."""
    return [
        name for name, value in wanted.values.items() if held.values.get(name) != value
    ]


def _gains(half: Half, held: Held, wanted: Held) -> bool:
    """Return whether a half has a window more awake than before."""
    before = held.slots[half.places]
    return any(
        slot.is_awake and slot not in before for slot in wanted.slots[half.places]
    )


def _plain(value: float) -> str:
    return f"{value:g}"
