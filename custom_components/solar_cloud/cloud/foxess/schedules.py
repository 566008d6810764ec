"""The owner's schedule in our words: scheduler groups, or the two charge windows."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..control import Schedule, Window
from ..errors import NotSupported, Refused
from ..quota import Purpose
from ..values import number, truth
from . import endpoints as on
from .client import FoxessClient
from .controls import InverterControls
from .errnos import QueryFailed
from .groups import HIGHEST_SOC, LAST_MINUTE, NEUTRAL, Group, Held, overlap, windows
from .items import MODE_NAMES, MODES, SCHEDULE_ENABLED
from .scheduler import Scheduler
from .tolerant import mapping

EVERY_DAY = frozenset(range(1, 8))
CHARGE, DISCHARGE, HOLD = "charge", "discharge", "hold"
FORCED = {CHARGE: "ForceCharge", DISCHARGE: "ForceDischarge"}
CHARGE_WINDOWS = (1, 2)


class Schedules:
    """Reads and writes the owner's schedule of the devices of an account."""

    def __init__(
        self,
        client: FoxessClient,
        scheduler: Scheduler,
        controls: InverterControls,
        *,
        rated: Callable[[str], float | None],
    ) -> None:
        """Share the client, the scheduler and the devices' locks; `rated` is in W."""
        self._client = client
        self._scheduler = scheduler
        self._controls = controls
        self._rated = rated

    async def get(self, sn: str) -> Schedule:
        """Return the scheduler's groups, else the charge windows."""
        async with self._controls.lock(sn):
            if (held := await self._held(sn)) is None:
                return await self._charge_windows(sn)
        return Schedule(
            enabled=held.enabled,
            windows=tuple(_window(group) for group in held.groups if group.enabled),
        )

    async def set(self, sn: str, wanted: Collection[Window]) -> None:
        """Replace the schedule and turn the scheduler on; raises Refused."""
        _check(wanted)
        async with self._controls.lock(sn):
            if (held := await self._held(sn)) is None:
                await self._set_charge_windows(sn, wanted)
                return
            rated = self._rated(sn)
            groups = [
                group for window in wanted for group in _groups(window, held, rated)
            ]
            if len(groups) > held.slots:
                raise Refused(f"the device holds at most {held.slots} windows")
            await self._scheduler.write(sn, held, groups)
            now = await self._scheduler.read(sn, Purpose.COMMAND)
            if not now.enabled:
                await self._scheduler.switch(sn, True)

    async def _held(self, sn: str) -> Held | None:
        """Return what the scheduler holds, None on a device that has none."""
        try:
            return await self._scheduler.read(sn, Purpose.COMMAND)
        except NotSupported:
            return None
        except QueryFailed:
            if not self._controls.is_unknown(sn, SCHEDULE_ENABLED):
                raise
            return None

    async def _charge_windows(self, sn: str) -> Schedule:
        answer = await self._client.read(on.CHARGE_TIME_GET, sn, Purpose.COMMAND)
        found = [
            Window(
                start=_minute(answer.get(f"startTime{slot}")),
                end=_end(_minute(answer.get(f"endTime{slot}"))),
                mode=CHARGE,
            )
            for slot in CHARGE_WINDOWS
            if truth(answer.get(f"enable{slot}"))
        ]
        return Schedule(enabled=bool(found), windows=tuple(found))

    async def _set_charge_windows(self, sn: str, wanted: Collection[Window]) -> None:
        """Send both windows, as the interface wants; 23:59 stands for midnight."""
        if any(window.mode != CHARGE for window in wanted):
            raise Refused("without a scheduler the device knows charge windows only")
        if any(window.power or window.target_soc for window in wanted):
            raise Refused("the device's charge windows have no power and no target")
        spans = [
            span for window in wanted for span in windows(window.start, window.end)
        ]
        if len(spans) > len(CHARGE_WINDOWS):
            raise Refused(f"the device holds at most {len(CHARGE_WINDOWS)} windows")
        sent: dict[str, Any] = {}
        for slot in CHARGE_WINDOWS:
            used = slot <= len(spans)
            start, last = spans[slot - 1] if used else (0, -1)
            sent[f"enable{slot}"] = used
            sent[f"startTime{slot}"] = _clock(start)
            sent[f"endTime{slot}"] = _clock(min(last + 1, LAST_MINUTE))
        await self._client.change(on.CHARGE_TIME_SET, sn, **sent)


def _check(wanted: Collection[Window]) -> None:
    """Refuse what the vendor would refuse, and what it would misunderstand."""
    if any(frozenset(window.days) != EVERY_DAY for window in wanted):
        raise Refused("windows apply to every day of the week")
    if any(window.start == window.end for window in wanted):
        raise Refused("a window must not end when it starts")
    if overlap(span for window in wanted for span in windows(window.start, window.end)):
        raise Refused("the windows overlap")


def _window(group: Group) -> Window:
    mode = group.mode.split("(", 1)[0]
    forced = next((ours for ours, name in FORCED.items() if name == mode), None)
    if mode == NEUTRAL and group.parameters.get("minSocOnGrid", 0) >= HIGHEST_SOC:
        return Window(start=group.start, end=group.end + 1, mode=HOLD)
    return Window(
        start=group.start,
        end=group.end + 1,
        mode=forced or MODES.get(mode, mode),
        power=group.parameters.get("fdPwr") if forced else None,
        target_soc=group.parameters.get("fdSoc") if forced else None,
    )


def _groups(window: Window, held: Held, rated: float | None) -> list[Group]:
    mode = FORCED.get(window.mode) or MODE_NAMES.get(window.mode)
    if window.mode == HOLD:
        mode = NEUTRAL
    if mode is None or not held.offers(mode):
        raise Refused(f"the device's scheduler does not offer {window.mode}")
    parameters = _parameters(window, held, rated)
    return [
        Group(start=first, end=last, mode=mode, parameters=parameters)
        for first, last in windows(window.start, window.end)
    ]


def _parameters(window: Window, held: Held, rated: float | None) -> dict[str, float]:
    low, high = held.lowest_soc, held.highest_soc
    most = held.most_power(rated)
    target, power = window.target_soc, window.power
    if target is not None and not low <= target <= high:
        raise Refused(f"the target must be between {low:g} and {high:g} %")
    if power is not None and (power <= 0 or (most and power > most)):
        raise Refused(f"the power must be above 0 and at most {most or power:g} W")
    default = {CHARGE: high, DISCHARGE: low}.get(window.mode, high)
    stop = default if target is None else target
    return {
        "minSocOnGrid": high if window.mode == HOLD else low,
        "fdSoc": stop,
        "maxSoc": stop if window.mode == CHARGE else high,
        "fdPwr": (most or 0.0) if power is None else power,
    }


def _minute(moment: Any) -> int:
    found: Mapping[str, Any] = mapping(moment)
    return int(
        (number(found.get("hour")) or 0) * 60 + (number(found.get("minute")) or 0)
    )


def _end(minute: int) -> int:
    return LAST_MINUTE + 1 if minute == LAST_MINUTE else minute


def _clock(minute: int) -> dict[str, int]:
    hour, rest = divmod(minute, 60)
    return {"hour": hour, "minute": rest}
