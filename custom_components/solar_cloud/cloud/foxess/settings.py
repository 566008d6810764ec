"""The settings of FoxESS devices on the wire: single items, pairs, meters, the clock."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..errors import Blocked, CloudError, NotSupported, Refused, UnexpectedAnswer
from ..quota import Purpose
from ..values import number
from . import endpoints as on
from .client import FoxessClient
from .errnos import QueryFailed
from .items import (
    BATTERY_SOC,
    ITEMS,
    PEAK_SHAVING,
    SOC_RANGE,
    SYNC_CLOCK,
    WATTS,
    Row,
    clock_of,
    control_of,
    factor_of,
    fields_of_clock,
    is_empty,
    number_of,
    plain,
    wire,
)
from .tolerant import mapping
from .verdicts import Verdicts

# A meter limits the feed-in in its other modes only.
METER_NORMAL = ("normal", "0")
METER_LIMIT = "feedinPower"
BY_BATTERY_SOC = ""

type Found = dict[str, Control | Absent]


class Settings:
    """Reads and writes the settings of an account's devices, one or one pair at a time."""

    def __init__(
        self,
        client: FoxessClient,
        clock: Clock,
        memory: dict[str, Any],
        verdicts: Verdicts,
        *,
        zone: Callable[[str], tzinfo],
    ) -> None:
        """Keep in `memory` by which item, factor and step each setting was read."""
        self._client = client
        self._clock = clock
        self._verdicts = verdicts
        self._zone = zone
        self._sources: dict[str, dict[str, list[Any]]] = memory
        self.meters: frozenset[str] = frozenset()

    async def read(self, sn: str, key: str, purpose: Purpose) -> Found:
        """Read a setting, and what comes with it; raises what the device answers."""
        if sn in self.meters:
            return {key: await self._meter_limit(sn, purpose)}
        if key in PEAK_SHAVING:
            return await self._peak_shaving(sn, purpose)
        if key == SYNC_CLOCK:
            if (offset := await self._offset(sn, purpose)) is None:
                raise Refused("the device has no clock")
            return {key: Control(value=offset, at=self._clock.now())}
        return {key: await self._item(sn, ITEMS[key], purpose)}

    async def write(self, sn: str, part: Mapping[str, Setting]) -> None:
        """Send one setting, or a pair that the vendor takes together."""
        key, value = next(iter(part.items()))
        if sn in self.meters:
            await self._send_meter_limit(sn, value)
        elif key in PEAK_SHAVING:
            await self._send_peak_shaving(sn, part)
        elif key == SYNC_CLOCK:
            now = self._clock.now().astimezone(self._zone(sn))
            await self._client.change(on.TIME_SET, sn, **fields_of_clock(now))
        elif len(part) > 1 or self._source(sn, ITEMS[key])[0] == BY_BATTERY_SOC:
            await self._send_battery_soc(sn, part)
        else:
            await self._send_item(sn, ITEMS[key], value)

    # --- single items ("Get the device settings item") ---------------------------------

    async def _item(self, sn: str, row: Row, purpose: Purpose) -> Control | Absent:
        """Read an item by the first of its names that the device answers."""
        failure: CloudError = NotSupported(f"the device has no {row.item}")
        for item in (row.item, *row.others):
            if self._verdicts.is_unknown(sn, item):
                continue
            try:
                answer = await self._client.read(on.SETTING_GET, sn, purpose, key=item)
            except NotSupported, Blocked:
                self._verdicts.refused(sn, item, certain=True)
                continue
            except (Refused, QueryFailed) as err:
                self._verdicts.refused(sn, item, certain=False)
                failure = err
                continue
            if is_empty(answer):
                self._verdicts.refused(sn, item, certain=False)
                failure = Refused(f"{item} has no value")
                continue
            self._verdicts.answered(sn, item)
            return self._found(sn, row, item, answer)
        if row.key in BATTERY_SOC:
            return await self._battery_soc(sn, row.key, purpose)
        raise failure

    def _found(
        self, sn: str, row: Row, item: str, answer: Mapping[str, Any]
    ) -> Control | Absent:
        control = control_of(row, answer, self._clock.now())
        if isinstance(control, Control):
            factor = factor_of(answer, row.units) or 1.0
            source = [item, factor, control.step]
            self._sources.setdefault(sn, {})[row.key] = source
        return control

    def _source(self, sn: str, row: Row) -> list[Any]:
        """Return the item, factor and step by which a setting was last read."""
        return self._sources.get(sn, {}).get(row.key) or [row.item, 1.0, None]

    async def _send_item(self, sn: str, row: Row, value: Setting) -> None:
        item, factor, step = self._source(sn, row)
        await self._client.change(
            on.SETTING_SET, sn, key=item, value=wire(row, value, factor, step)
        )

    # --- pairs -------------------------------------------------------------------------

    async def _battery_soc(self, sn: str, key: str, purpose: Purpose) -> Control:
        """Read a floor where only the battery's own interface knows it."""
        answer = await self._client.read(on.SOC_GET, sn, purpose)
        if (value := number(answer.get(BATTERY_SOC[key]))) is None:
            raise Refused("the battery has no floor")
        self._sources.setdefault(sn, {})[key] = [BY_BATTERY_SOC, 1.0, 1.0]
        low, high = SOC_RANGE
        return Control(
            value=value, at=self._clock.now(), minimum=low, maximum=high, step=1
        )

    async def _send_battery_soc(self, sn: str, part: Mapping[str, Setting]) -> None:
        """Send the floors of the battery, both of which the interface wants."""
        answer = await self._client.read(on.SOC_GET, sn, Purpose.COMMAND)
        sent: dict[str, int] = {}
        for ours, theirs in BATTERY_SOC.items():
            value = number(part.get(ours, answer.get(theirs)))
            if value is None:
                raise UnexpectedAnswer(f"no {theirs}")
            sent[theirs] = round(value)
        await self._client.change(on.SOC_SET, sn, **sent)

    async def _peak_shaving(self, sn: str, purpose: Purpose) -> Found:
        answer = await self._client.read(on.PEAK_SHAVING_GET, sn, purpose)
        now = self._clock.now()
        return {
            ours: number_of(mapping(answer.get(theirs)), units, now)
            for ours, (theirs, units) in PEAK_SHAVING.items()
        }

    async def _send_peak_shaving(self, sn: str, part: Mapping[str, Setting]) -> None:
        """Send import limit and SOC, both of which the interface wants."""
        answer = await self._client.read(on.PEAK_SHAVING_GET, sn, Purpose.COMMAND)
        sent: dict[str, float] = {}
        for ours, (theirs, units) in PEAK_SHAVING.items():
            row = mapping(answer.get(theirs))
            held, factor = number(row.get("value")), factor_of(row, units)
            if held is None or factor is None:
                raise UnexpectedAnswer(f"no {theirs}")
            sent[theirs] = float(part[ours]) / factor if ours in part else held
        await self._client.change(
            on.PEAK_SHAVING_SET,
            sn,
            importLimit=round(sent["importLimit"], 6),
            soc=round(sent["soc"]),
        )

    # --- meters ("Meter: Get the device settings item") --------------------------------

    async def _meter_limit(self, sn: str, purpose: Purpose) -> Control | Absent:
        """Return the meter's feed-in limit, which only modes other than normal have."""
        answer = await self._client.read(on.METER_SETTING_GET, sn, purpose)
        if _meter_mode(answer).lower().startswith(METER_NORMAL):
            return Absent(reason=Reason.UNSUPPORTED)
        return number_of(mapping(answer.get(METER_LIMIT)), WATTS, self._clock.now())

    async def _send_meter_limit(self, sn: str, watts: Setting) -> None:
        answer = await self._client.read(on.METER_SETTING_GET, sn, Purpose.COMMAND)
        row = mapping(answer.get(METER_LIMIT))
        factor = factor_of(row, WATTS) or 1.0
        step = number(row.get("precision"))
        limit = plain(float(watts), factor, step and step * factor)
        await self._client.change(
            on.METER_SETTING_SET,
            sn,
            mode=_meter_mode(answer),
            **{METER_LIMIT: limit},
        )

    # --- the device's clock ("Get the device time") ------------------------------------

    async def clock_offset(self, sn: str) -> float:
        """Return by how many seconds a device's clock is ahead, 0 if it tells no time."""
        try:
            return await self._offset(sn, Purpose.COMMAND) or 0.0
        except Refused, QueryFailed:
            return 0.0

    async def _offset(self, sn: str, purpose: Purpose) -> float | None:
        shown = clock_of(await self._client.read(on.TIME_GET, sn, purpose))
        if shown is None:
            return None
        local = self._clock.now().astimezone(self._zone(sn)).replace(tzinfo=None)
        return round((shown - local).total_seconds(), 1)


def _meter_mode(answer: Mapping[str, Any]) -> str:
    return str(mapping(answer.get("mode")).get("value") or METER_NORMAL[0])
