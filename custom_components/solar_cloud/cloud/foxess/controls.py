"""What can be steered on a FoxESS inverter, and how: tables, and what walks them.

Never offered: GridCode, SysSwitch, GroundProtection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..errors import Blocked, Busy, CloudError, DeviceOffline, NotSupported, Refused
from ..model import Controls
from ..quota import Purpose
from ..values import number, truth
from . import endpoints as on
from .client import FoxessClient
from .scheduler import Scheduler

MODES: dict[str, str] = {
    "SelfUse": "self_consumption",
    "Feedin": "feed_in_priority",
    "Backup": "backup",
    "PeakShaving": "peak_shaving",
}
MODE_NAMES: dict[str, str] = {ours: theirs for theirs, ours in MODES.items()}
MODE = "battery_mode"

WATT, PERCENT = "W", "%"
PERMANENT_AFTER = 3
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item of "Get the device settings item": its name and what it is to us.

    `unit` is the vendor's unit that makes it this control; `factor` leads to ours;
    `idle` items are refused while the scheduler is on.
    """

    key: str
    item: str
    unit: str = ""
    factor: float = 1.0
    idle: bool = False


SELECT_ROWS = (Row(key=MODE, item="WorkMode", idle=True),)

NUMBER_ROWS = (
    Row(key="min_soc", item="MinSoc", idle=True),
    Row(key="backup_reserve", item="MinSocOnGrid", idle=True),
    Row(key="max_soc", item="MaxSoc", idle=True),
    Row(key="export_limit", item="ExportLimit", unit=WATT),
    Row(key="active_power_rate", item="ActivePowerLimit", unit=PERCENT),
    Row(key="charge_current_limit", item="MaxSetChargeCurrent"),
    Row(key="discharge_current_limit", item="MaxSetDischargeCurrent"),
)

SWITCH_ROWS = (
    Row(key="backup_output", item="EpsOutPut"),
    Row(key="eco_mode", item="ECOMode"),
    Row(key="low_power_mode", item="LowPowerMode"),
    Row(key="meter_enabled", item="Meter1Enable"),
    Row(key="second_meter_enabled", item="Meter2Enable"),
)

ITEMS: dict[str, Row] = {
    row.key: row for row in (*SELECT_ROWS, *NUMBER_ROWS, *SWITCH_ROWS)
}
# Newer inverters know their export limit under the second name only.
ALTERNATIVES = {"export_limit": "ExportLimitPower"}
KILO = 1000.0

# "Get the device peakshaving settings": kW and %, always written together.
PEAK_SHAVING: dict[str, tuple[str, float]] = {
    "import_limit": ("importLimit", 1000.0),
    "peak_shaving_soc": ("soc", 1.0),
}
# "Get the minimum soc settings for the battery of device": both at once, 10 to 100.
BATTERY_SOC: dict[str, str] = {"min_soc": "minSoc", "backup_reserve": "minSocOnGrid"}
SOC_RANGE = (10.0, 100.0)

METER_KEYS = ("export_limit",)
METER_NORMAL = "normal"
METER_NORMAL_MODES = (METER_NORMAL, "0", "normalmode", "normal mode")

SCHEDULE_ENABLED = "schedule_enabled"
SYNC_CLOCK = "sync_clock"
BATTERY_ONLY = frozenset(
    (
        MODE,
        "min_soc",
        "backup_reserve",
        "max_soc",
        "charge_current_limit",
        "discharge_current_limit",
        "backup_output",
        SCHEDULE_ENABLED,
        *PEAK_SHAVING,
    )
)
KEYS: tuple[str, ...] = (*ITEMS, *PEAK_SHAVING, SCHEDULE_ENABLED, SYNC_CLOCK)

type Found = dict[str, Control | Absent]


class InverterControls:
    """Reads and writes the settings of the inverters of an account."""

    def __init__(
        self,
        client: FoxessClient,
        scheduler: Scheduler,
        clock: Clock,
        memory: dict[str, Any],
        *,
        zone: Callable[[str], tzinfo],
    ) -> None:
        """Keep in `memory` what each device does not know, by its firmware."""
        self._zone = zone
        self.meters: frozenset[str] = frozenset()
        self._client = client
        self._scheduler = scheduler
        self._clock = clock
        self._unknown: dict[str, dict[str, Any]] = memory.setdefault("unsupported", {})
        self._kilowatts: dict[str, list[str]] = memory.setdefault("kilowatts", {})
        self._owed: dict[str, bool] = memory.setdefault("scheduler_owed", {})
        self._locks: dict[str, asyncio.Lock] = {}
        self._last: dict[str, Found] = {}
        self._carried: set[tuple[str, str]] = set()
        self.remember: Callable[[], Awaitable[None]] | None = None

    def lock(self, sn: str) -> asyncio.Lock:
        """Return the lock under which a device is changed."""
        return self._locks.setdefault(sn, asyncio.Lock())

    def firmware(self, sn: str, version: str) -> None:
        """Ask again for what a device did not know, once its firmware is another."""
        known = self._unknown.get(sn)
        if not known or known["firmware"] != version:
            self._unknown[sn] = {"firmware": version, "keys": {}}

    async def read(
        self, sn: str, keys: Collection[str], purpose: Purpose = Purpose.COMMAND
    ) -> Found:
        """Read settings afresh; those that the device does not know are Absent.

        A device that cannot be reached keeps, in a poll, the settings it had.
        """
        found: Found = {}
        for key in keys:
            if key in found:
                continue
            if purpose is Purpose.POLL and (fresh := self._fresh(sn, key)):
                found[key] = fresh
                continue
            if self._is_unknown(sn, key):
                found[key] = Absent(reason=Reason.UNSUPPORTED)
                continue
            try:
                found |= await self._read(sn, key, purpose)
            except NotSupported:
                self._mark(sn, key, certain=True)
                found[key] = Absent(reason=Reason.UNSUPPORTED)
            except DeviceOffline:
                if purpose is Purpose.COMMAND:
                    raise
                found[key] = self.last(sn, key) or Absent(reason=Reason.UNKNOWN)
            except Refused, Busy:
                self._mark(sn, key, certain=False)
                found[key] = Absent(reason=Reason.UNKNOWN)
            else:
                self._unmark(sn, key)
            self.found(sn).update(found)
        return {key: found[key] for key in keys}

    def _fresh(self, sn: str, key: str) -> Control | None:
        """Return what was read just before we were started, so that it is not asked twice."""
        if (sn, key) not in self._carried:
            return None
        self._carried.discard((sn, key))
        known = self.last(sn, key)
        if isinstance(known, Control) and self._clock.now() - known.at < FRESH:
            return known
        return None

    def take_over(self, controls: Controls) -> None:
        """Take over what was read before a restart."""
        for sn, found in controls.items():
            self._last.setdefault(sn, {}).update(found)
            self._carried |= {(sn, key) for key in found}

    def found(self, sn: str) -> Found:
        """Return what a device has answered so far; it grows while it is read."""
        return self._last.setdefault(sn, {})

    def last(self, sn: str, key: str) -> Control | Absent | None:
        """Return what a device last answered for a setting."""
        return self._last.get(sn, {}).get(key)

    async def _read(self, sn: str, key: str, purpose: Purpose) -> Found:
        now = self._clock.now()
        if key in PEAK_SHAVING:
            result = await self._client.read(on.PEAK_SHAVING_GET, sn, purpose)
            return {
                ours: _number_control(result.get(theirs) or {}, factor, now)
                for ours, (theirs, factor) in PEAK_SHAVING.items()
            }
        if key == SCHEDULE_ENABLED:
            held = await self._scheduler.read(sn, purpose)
            return {key: Control(value=held.enabled, at=now)}
        if key == SYNC_CLOCK:
            return {key: Control(value=await self.clock_offset(sn, purpose), at=now)}
        if sn in self.meters:
            return {key: await self._meter_limit(sn, purpose)}
        return {key: await self._item(sn, ITEMS[key], purpose)}

    async def _item(self, sn: str, row: Row, purpose: Purpose) -> Control | Absent:
        answer: dict[str, Any] = {}
        if not self._is_unknown(sn, row.item):
            try:
                answer = await self._client.read(
                    on.SETTING_GET, sn, purpose, key=row.item
                )
            except NotSupported, Blocked:
                self._mark(sn, row.item, certain=True)
        if not answer.get("value") and row.key in BATTERY_SOC:
            self._mark(sn, row.item, certain=True)
            return await self._battery_soc(sn, row.key, purpose)
        if not answer.get("value") and row.key in ALTERNATIVES:
            answer = await self._client.read(
                on.SETTING_GET, sn, purpose, key=ALTERNATIVES[row.key]
            )
        if answer.get("value") in (None, ""):
            raise NotSupported(f"{row.item} has no value")
        if row.unit == WATT and str(answer.get("unit")).lower() == "kw":
            row = replace(row, factor=KILO)
            self._kilowatts.setdefault(sn, []).append(row.key)
        return _control(row, answer, self._clock.now())

    async def _meter_limit(self, sn: str, purpose: Purpose) -> Control | Absent:
        """Return the meter's feed-in limit, which only modes other than normal have."""
        answer = await self._client.read(on.METER_SETTING_GET, sn, purpose)
        mode = str((answer.get("mode") or {}).get("value") or METER_NORMAL)
        if mode.lower() in METER_NORMAL_MODES:
            return Absent(reason=Reason.UNSUPPORTED)
        limit = answer.get("feedinPower") or {}
        factor = KILO if str(limit.get("unit")).lower() == "kw" else 1.0
        return _number_control(limit, factor, self._clock.now())

    async def _send_meter_limit(self, sn: str, watts: Setting) -> None:
        answer = await self._client.read(on.METER_SETTING_GET, sn, Purpose.COMMAND)
        limit = answer.get("feedinPower") or {}
        factor = KILO if str(limit.get("unit")).lower() == "kw" else 1.0
        await self._client.change(
            on.METER_SETTING_SET,
            sn,
            mode=str((answer.get("mode") or {}).get("value")),
            feedinPower=f"{float(watts) / factor:g}",
        )

    async def clock_offset(self, sn: str, purpose: Purpose = Purpose.COMMAND) -> float:
        """Return by how many seconds the device's clock is ahead of the plant's time."""
        answer = await self._client.read(on.TIME_GET, sn, purpose)
        device = clock_of(answer)
        if device is None:
            return 0.0
        local = self._clock.now().astimezone(self._zone(sn)).replace(tzinfo=None)
        return round((device - local).total_seconds(), 1)

    async def _battery_soc(self, sn: str, key: str, purpose: Purpose) -> Control:
        answer = await self._client.read(on.SOC_GET, sn, purpose)
        return Control(
            value=number(answer.get(BATTERY_SOC[key])),
            at=self._clock.now(),
            minimum=SOC_RANGE[0],
            maximum=SOC_RANGE[1],
            step=1,
        )

    async def write(
        self, sn: str, changes: Mapping[str, Setting]
    ) -> dict[str, CloudError]:
        """Send settings; returns those that were refused, by key."""
        refused: dict[str, CloudError] = {}
        async with self.lock(sn):
            if SCHEDULE_ENABLED in changes:
                await self._scheduler.switch(sn, bool(changes[SCHEDULE_ENABLED]))
            plain, idle = self._by_need(changes)
            await self._send(sn, plain, refused)
            if idle:
                await self._send_idle(sn, idle, refused)
        return refused

    async def send_alone(self, sn: str, key: str, value: Setting) -> None:
        """Send one setting of a device whose lock the caller holds."""
        await self._send_group(sn, {key: value})

    def _by_need(
        self, changes: Mapping[str, Setting]
    ) -> tuple[dict[str, Setting], dict[str, Setting]]:
        plain: dict[str, Setting] = {}
        idle: dict[str, Setting] = {}
        for key, value in changes.items():
            if key == SCHEDULE_ENABLED:
                continue
            needs = key in ITEMS and ITEMS[key].idle
            (idle if needs else plain)[key] = value
        return plain, idle

    async def _send_idle(
        self, sn: str, changes: Mapping[str, Setting], refused: dict[str, CloudError]
    ) -> None:
        """Send settings that are refused while the scheduler is on: off, write, on."""
        if self._scheduler_on(sn):
            async with self._scheduler_off(sn):
                await self._send(sn, changes, refused)
            return
        await self._send(sn, changes, refused)
        blocked = {
            key: changes[key]
            for key, err in refused.items()
            if key in changes and isinstance(err, Blocked)
        }
        if blocked and await self._scheduler.flag(sn, Purpose.COMMAND):
            for key in blocked:
                del refused[key]
            async with self._scheduler_off(sn):
                await self._send(sn, blocked, refused)

    def _scheduler_on(self, sn: str) -> bool:
        held = self._scheduler.last(sn)
        return held is not None and held.enabled

    @asynccontextmanager
    async def _scheduler_off(self, sn: str) -> AsyncIterator[None]:
        """Turn the scheduler off for a moment; a crash in between is made good later."""
        await self._owe(sn, True)
        await self._scheduler.switch(sn, False)
        try:
            yield
        finally:
            await self._scheduler.switch(sn, True)
            await self._owe(sn, False)

    async def _owe(self, sn: str, owed: bool) -> None:
        if owed:
            self._owed[sn] = True
        else:
            self._owed.pop(sn, None)
        if self.remember:
            await self.remember()

    async def settle(self, sn: str) -> None:
        """Turn the scheduler on again where a crash left it off."""
        if self._owed.get(sn) and not self.lock(sn).locked():
            async with self.lock(sn):
                await self._scheduler.switch(sn, True)
                await self._owe(sn, False)

    async def _send(
        self,
        sn: str,
        changes: Mapping[str, Setting],
        refused: dict[str, CloudError],
    ) -> None:
        for keys in _groups(changes):
            part = {key: changes[key] for key in keys}
            try:
                await self._send_group(sn, part)
            except Refused as err:
                refused |= dict.fromkeys(keys, err)

    async def _send_group(self, sn: str, part: Mapping[str, Setting]) -> None:
        key, value = next(iter(part.items()))
        if sn in self.meters:
            await self._send_meter_limit(sn, value)
        elif key in PEAK_SHAVING:
            await self._send_peak_shaving(sn, part)
        elif len(part) > 1 or self._by_battery_soc(sn, key):
            await self._send_battery_soc(sn, part)
        elif key == SYNC_CLOCK:
            now = self._clock.now().astimezone(self._zone(sn))
            await self._client.change(on.TIME_SET, sn, **fields_of_clock(now))
        else:
            row = ITEMS[key]
            await self._client.change(
                on.SETTING_SET, sn, key=row.item, value=self._wire(sn, row, value)
            )

    def _by_battery_soc(self, sn: str, key: str) -> bool:
        """Return whether a floor is only known to the battery interface."""
        return key in BATTERY_SOC and self._is_unknown(sn, ITEMS[key].item)

    async def _send_battery_soc(self, sn: str, part: Mapping[str, Setting]) -> None:
        answer = await self._client.read(on.SOC_GET, sn, Purpose.COMMAND)
        sent = {
            theirs: int(float(part.get(ours, number(answer.get(theirs)) or 0)))
            for ours, theirs in BATTERY_SOC.items()
        }
        await self._client.change(on.SOC_SET, sn, **sent)

    async def _send_peak_shaving(self, sn: str, part: Mapping[str, Setting]) -> None:
        answer = await self._client.read(on.PEAK_SHAVING_GET, sn, Purpose.COMMAND)
        sent: dict[str, float] = {}
        for ours, (theirs, factor) in PEAK_SHAVING.items():
            held = number((answer.get(theirs) or {}).get("value")) or 0.0
            sent[theirs] = float(part[ours]) / factor if ours in part else held
        sent["soc"] = int(sent["soc"])
        await self._client.change(on.PEAK_SHAVING_SET, sn, **sent)

    def _wire(self, sn: str, row: Row, value: Setting) -> str:
        if row.key == MODE:
            return MODE_NAMES[str(value)]
        if isinstance(value, bool):
            return str(int(value))
        factor = KILO if row.key in self._kilowatts.get(sn, ()) else row.factor
        return f"{float(value) / factor:g}"

    def _is_unknown(self, sn: str, key: str) -> bool:
        known = self._unknown.get(sn, {}).get("keys", {})
        return bool(known.get(key, 0) >= PERMANENT_AFTER)

    def _mark(self, sn: str, key: str, *, certain: bool) -> None:
        entry = self._unknown.setdefault(sn, {"firmware": "", "keys": {}})
        count = entry["keys"].get(key, 0) + 1
        entry["keys"][key] = PERMANENT_AFTER if certain else count

    def _unmark(self, sn: str, key: str) -> None:
        self._unknown.get(sn, {}).get("keys", {}).pop(key, None)


def _groups(changes: Mapping[str, Setting]) -> list[tuple[str, ...]]:
    """Return the keys in the order they are sent; what goes together in one tuple."""
    together = [
        tuple(key for key in group if key in changes)
        for group in (BATTERY_SOC, PEAK_SHAVING)
    ]
    single = [
        (key,) for key in changes if key not in BATTERY_SOC and key not in PEAK_SHAVING
    ]
    return [*single, *(keys for keys in together if keys)]


def _control(row: Row, answer: Mapping[str, Any], now: datetime) -> Control | Absent:
    if row.key == MODE:
        return Control(
            value=MODES.get(str(answer["value"])),
            at=now,
            options=tuple(
                MODES[mode] for mode in answer.get("enumList") or MODES if mode in MODES
            ),
        )
    if row in SWITCH_ROWS:
        value = truth(answer["value"])
        if value is None:
            return Absent(reason=Reason.UNKNOWN)
        return Control(value=value, at=now)
    unit = str(answer.get("unit") or "")
    if row.unit == PERCENT and unit != PERCENT:
        return Absent(reason=Reason.UNKNOWN)
    return _number_control(answer, row.factor, now)


def _number_control(
    answer: Mapping[str, Any], factor: float, now: datetime
) -> Control | Absent:
    value = number(answer.get("value"))
    if value is None:
        return Absent(reason=Reason.UNSUPPORTED)
    limits = answer.get("range") or {}
    low, high = number(limits.get("min")), number(limits.get("max"))
    step = number(answer.get("precision"))
    return Control(
        value=round(value * factor, 3),
        at=now,
        minimum=None if low is None else low * factor,
        maximum=None if high is None else high * factor,
        step=None if step is None else step * factor,
    )


def fields_of_clock(at: datetime) -> dict[str, str]:
    """Return the fields of "Set the device time": local time, the year of two digits."""
    return {
        "year": f"{at.year % 100}",
        "month": f"{at.month}",
        "day": f"{at.day}",
        "hour": f"{at.hour}",
        "minute": f"{at.minute}",
        "second": f"{at.second}",
    }


def clock_of(answer: Mapping[str, Any]) -> datetime | None:
    """Return the local time that "Get the device time" tells, or None."""
    found = [
        number(answer.get(name))
        for name in ("year", "month", "day", "hour", "minute", "second")
    ]
    year, month, day, hour, minute, second = (
        -1 if value is None else int(value) for value in found
    )
    try:
        return datetime(
            year + 2000 if year < 100 else year, month, day, hour, minute, second
        )
    except ValueError:
        return None
