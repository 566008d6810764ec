"""The owner's schedule in our words: scheduler groups, or the two charge windows."""

from collections.abc import Collection, Mapping
from typing import Any

from ..control import Schedule, Window
from ..errors import NotSupported, Refused
from ..quota import Purpose
from ..values import number, truth
from . import endpoints as on
from .client import FoxessClient
from .controls import MODE_NAMES, MODES, InverterControls
from .scheduler import LAST_MINUTE, Group, Held, Scheduler, windows

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
CHARGE, DISCHARGE, HOLD = "charge", "discharge", "hold"
FORCED = {CHARGE: "ForceCharge", DISCHARGE: "ForceDischarge"}
CHARGE_WINDOWS = (1, 2)
FULL = 100.0


class Schedules:
    """Reads and writes the owner's schedule of the devices of an account."""

    def __init__(
        self, client: FoxessClient, scheduler: Scheduler, controls: InverterControls
    ) -> None:
        """Share the client, the scheduler and the devices' locks."""
        self._client = client
        self._scheduler = scheduler
        self._controls = controls

    async def get(self, sn: str) -> Schedule:
        """Return the scheduler's groups, else the charge windows."""
        try:
            held = await self._scheduler.read(sn, Purpose.COMMAND)
        except NotSupported:
            return await self._charge_windows(sn)
        return Schedule(
            enabled=held.enabled,
            windows=tuple(_window(group) for group in held.groups if group.enabled),
        )

    async def set(self, sn: str, wanted: Collection[Window]) -> None:
        """Replace the schedule and turn the scheduler on; raises Refused."""
        if any(tuple(window.days) != EVERY_DAY for window in wanted):
            raise Refused("windows apply to every day of the week")
        async with self._controls.lock(sn):
            try:
                held = await self._scheduler.read(sn, Purpose.COMMAND)
            except NotSupported:
                await self._set_charge_windows(sn, wanted)
                return
            groups = [group for window in wanted for group in _groups(window, held)]
            if len(groups) > held.slots:
                raise Refused(f"the device holds at most {held.slots} windows")
            await self._scheduler.write(sn, held, groups)
            now = await self._scheduler.read(sn, Purpose.COMMAND)
            if not now.enabled:
                await self._scheduler.switch(sn, True)

    async def _charge_windows(self, sn: str) -> Schedule:
        answer = await self._client.read(on.CHARGE_TIME_GET, sn, Purpose.COMMAND)
        found = [
            Window(
                start=_minute(answer.get(f"startTime{slot}")),
                end=_minute(answer.get(f"endTime{slot}")),
                mode=CHARGE,
            )
            for slot in CHARGE_WINDOWS
            if truth(answer.get(f"enable{slot}"))
        ]
        return Schedule(enabled=bool(found), windows=tuple(found))

    async def _set_charge_windows(self, sn: str, wanted: Collection[Window]) -> None:
        if any(window.mode != CHARGE for window in wanted):
            raise Refused("without a scheduler the device knows charge windows only")
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


def _window(group: Group) -> Window:
    mode = group.mode.split("(", 1)[0]
    forced = next((ours for ours, name in FORCED.items() if name == mode), None)
    if mode == "SelfUse" and group.parameters.get("minSocOnGrid", 0) >= FULL:
        return Window(start=group.start, end=group.end + 1, mode=HOLD)
    power = group.parameters.get("fdPwr")
    target = group.parameters.get("fdSoc")
    return Window(
        start=group.start,
        end=group.end + 1,
        mode=forced or MODES.get(mode, mode),
        power=power if forced else None,
        target_soc=target if forced else None,
    )


def _groups(window: Window, held: Held) -> list[Group]:
    mode = FORCED.get(window.mode) or MODE_NAMES.get(window.mode)
    if window.mode == HOLD:
        mode = "SelfUse"
    if mode is None or (held.modes and mode not in held.modes):
        raise Refused(f"the device's scheduler does not offer {window.mode}")
    parameters = _parameters(window, held)
    return [
        Group(start=first, end=last, mode=mode, parameters=parameters)
        for first, last in windows(window.start, window.end)
    ]


def _parameters(window: Window, held: Held) -> dict[str, float]:
    low = held.range("minSocOnGrid")[0] or 10.0
    high = held.range("maxSoc")[1] or FULL
    most = held.range("fdPwr")[1] or 0.0
    target = window.target_soc
    if target is not None and not low <= target <= high:
        raise Refused(f"the target must be between {low:g} and {high:g} %")
    if window.power is not None and most and window.power > most:
        raise Refused(f"the power must be at most {most:g} W")
    floor = high if window.mode == HOLD else low
    stop = {CHARGE: target or high, DISCHARGE: target or low}.get(window.mode, high)
    return {
        "minSocOnGrid": floor,
        "fdSoc": stop,
        "maxSoc": stop if window.mode == CHARGE else high,
        "fdPwr": window.power if window.power is not None else most,
    }


def _minute(moment: Mapping[str, Any] | None) -> int:
    found = moment or {}
    return int(
        (number(found.get("hour")) or 0) * 60 + (number(found.get("minute")) or 0)
    )


def _clock(minute: int) -> dict[str, int]:
    hour, rest = divmod(minute, 60)
    return {"hour": hour, "minute": rest}
