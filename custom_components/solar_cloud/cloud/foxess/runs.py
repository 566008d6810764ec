"""Forced charge, forced discharge and hold as groups of the FoxESS scheduler.

The device knows only daily windows: a run's window ends when the run ends, and is taken
out afterwards. The owner's own schedule is put back exactly as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from ..control import Control, Forced, Run, RunRange
from ..errors import Refused
from .controls import InverterControls
from .scheduler import Group, Held, Scheduler, cut, windows

MODES: dict[Forced, tuple[str, ...]] = {
    Forced.CHARGE: ("ForceCharge", "ForceCharge(AC)", "ForceCharge(BAT)"),
    Forced.DISCHARGE: ("ForceDischarge", "ForceDischarge(AC)", "ForceDischarge(BAT)"),
    Forced.HOLD: ("SelfUse",),
}
LIMIT = "export_limit"
RESERVE = "backup_reserve"
LOWEST_SOC, HIGHEST_SOC = 10.0, 100.0

type Zone = Callable[[str], tzinfo]
type Soc = Callable[[str], float | None]
type Rated = Callable[[str], float | None]


class Runs:
    """Starts and ends forced runs on the devices of an account."""

    def __init__(
        self,
        scheduler: Scheduler,
        controls: InverterControls,
        *,
        zone: Zone,
        soc: Soc,
        rated: Rated,
    ) -> None:
        """Take what is known of a device: time zone, SOC in %, rated power in W."""
        self._scheduler = scheduler
        self._controls = controls
        self._zone = zone
        self._soc = soc
        self._rated = rated

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Read what the run will change, and decide what will be sent, per device."""
        return {sn: await self._prepare(run, sn) for sn in run.devices}

    async def _prepare(self, run: Run, sn: str) -> dict[str, Any]:
        if run.kind is Forced.LIMIT_EXPORT:
            found = await self._controls.read(sn, [LIMIT])
            if not isinstance(control := found[LIMIT], Control):
                raise Refused("the inverter has no export limit")
            return {"limit": control.value}
        held = await self._scheduler.read_whole(sn)
        offset = await self._controls.clock_offset(sn)
        groups = self._groups(run, sn, held, offset)
        return held.as_dict() | {
            "run": [asdict(group) for group in groups],
            "offset": offset,
        }

    def _groups(
        self, run: Run, sn: str, held: Held, offset: float
    ) -> tuple[Group, ...]:
        mode = next(
            (name for name in MODES[run.kind] if not held.modes or name in held.modes),
            None,
        )
        if mode is None:
            raise Refused(f"the inverter does not offer {run.kind}")
        start, end = self._minutes(run, sn, offset)
        parameters = self._parameters(run, sn, held)
        return tuple(
            Group(start=first, end=last, mode=mode, parameters=parameters)
            for first, last in windows(start, end)
        )

    def _minutes(self, run: Run, sn: str, offset: float) -> tuple[int, int]:
        """Return the run's span by the device's clock, in minutes of its first day.

        Begun minutes count, so that the window is never shorter than the run.
        """
        zone = self._zone(sn)
        start = run.start.astimezone(zone).replace(tzinfo=None)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        first = (start - midnight).total_seconds() + offset
        length = (run.end - run.start).total_seconds()
        return int(first // 60), int(-((first + length) // -60))

    def _parameters(self, run: Run, sn: str, held: Held) -> dict[str, float]:
        low, high = held.range("minSocOnGrid")
        floor = low if low is not None else LOWEST_SOC
        ceiling = held.range("maxSoc")[1] or high or HIGHEST_SOC
        reserve = self._controls.last(sn, RESERVE)
        if isinstance(reserve, Control) and isinstance(reserve.value, float):
            floor = max(floor, reserve.value)
        power = self._power(run, sn, held)
        match run.kind:
            case Forced.CHARGE:
                target = _within(run.target_soc, floor, ceiling, ceiling)
                return {
                    "minSocOnGrid": floor,
                    "fdSoc": target,
                    "maxSoc": target,
                    "fdPwr": power,
                }
            case Forced.DISCHARGE:
                target = _within(run.target_soc, floor, ceiling, floor)
                return {
                    "minSocOnGrid": floor,
                    "fdSoc": target,
                    "maxSoc": ceiling,
                    "fdPwr": power,
                }
            case _:
                if (soc := self._soc(sn)) is None:
                    raise Refused("the state of charge is not known")
                return {
                    "minSocOnGrid": _within(float(int(soc)), floor, ceiling, ceiling),
                    "fdSoc": ceiling,
                    "maxSoc": ceiling,
                    "fdPwr": power,
                }

    def _power(self, run: Run, sn: str, held: Held) -> float:
        """Return W for a group; a range wider than the inverter's rating is bogus."""
        limits = (held.range("fdPwr")[1], self._rated(sn))
        most = min((limit for limit in limits if limit), default=None)
        asked = run.share
        if asked is None:
            asked = most
        if asked is None and run.kind is not Forced.HOLD:
            raise Refused("the power is not known; give one")
        return float(round(min(asked or 0.0, most) if most else asked or 0.0))

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send the run; the owner's own groups are cut where the run's window is."""
        for sn in run.devices:
            async with self._controls.lock(sn):
                await self._start(run, sn, before[sn])

    async def _start(self, run: Run, sn: str, before: Mapping[str, Any]) -> None:
        if run.kind is Forced.LIMIT_EXPORT:
            await self._controls.send_alone(sn, LIMIT, run.share or 0.0)
            return
        held = Held.from_dict(before)
        await self._scheduler.write(sn, held, _during(before))
        now = await self._scheduler.read_version(sn, held.version)
        if not now.enabled:
            await self._scheduler.switch(sn, True)

    async def started(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether every device holds the run."""
        return all([await self._holds(run, sn, before[sn]) for sn in run.devices])

    async def _holds(self, run: Run, sn: str, before: Mapping[str, Any]) -> bool:
        if run.kind is Forced.LIMIT_EXPORT:
            return await self._limit_is(sn, run.share or 0.0)
        held = await self._scheduler.read_version(sn, before["version"])
        return held.enabled and _contains(held, _run_groups(before))

    async def _limit_is(self, sn: str, watts: object) -> bool:
        found = (await self._controls.read(sn, [LIMIT]))[LIMIT]
        return isinstance(found, Control) and found.value == watts

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take the run out; a schedule changed by somebody else meanwhile is kept."""
        for sn in run.devices:
            async with self._controls.lock(sn):
                await self._stop(run, sn, before[sn])

    async def _stop(self, run: Run, sn: str, before: Mapping[str, Any]) -> None:
        if run.kind is Forced.LIMIT_EXPORT:
            await self._controls.send_alone(sn, LIMIT, before["limit"])
            return
        owner = Held.from_dict(before)
        held = await self._scheduler.read_version(sn, owner.version)
        if (groups := _after(held, before)) is not None:
            await self._scheduler.write(sn, owner, groups)
            if not owner.enabled:
                # At once, as the owner's sleeping groups are awake since the write.
                await self._scheduler.switch(sn, False)
            held = await self._scheduler.read_version(sn, owner.version)
        elif held.groups != owner.groups:
            return
        if held.enabled != owner.enabled:
            await self._scheduler.switch(sn, owner.enabled)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether no device holds the run any more."""
        return all([await self._is_free(run, sn, before[sn]) for sn in run.devices])

    async def _is_free(self, run: Run, sn: str, before: Mapping[str, Any]) -> bool:
        if run.kind is Forced.LIMIT_EXPORT:
            return await self._limit_is(sn, before["limit"])
        held = await self._scheduler.read_version(sn, before["version"])
        if not _contains_any(held, _run_groups(before)):
            return True
        return not held.enabled and not Held.from_dict(before).enabled

    def range(self, sn: str, held: Held | None) -> RunRange:
        """Return what a run may ask of a device."""
        if held is None:
            return RunRange(kinds=frozenset())
        kinds = frozenset(
            kind
            for kind, names in MODES.items()
            if not held.modes or any(name in held.modes for name in names)
        )
        limits = [limit for limit in (held.range("fdPwr")[1], self._rated(sn)) if limit]
        low, high = held.range("fdSoc")
        return RunRange(
            kinds=kinds,
            max_power=min(limits, default=None),
            min_soc=LOWEST_SOC if low is None else low,
            max_soc=high or HIGHEST_SOC,
        )


def _within(value: float | None, low: float, high: float, default: float) -> float:
    return default if value is None else min(max(value, low), high)


def _run_groups(before: Mapping[str, Any]) -> tuple[Group, ...]:
    return tuple(Group(**row) for row in before["run"])


def _during(before: Mapping[str, Any]) -> list[Group]:
    """Return the groups while the run lasts; the owner's sleeping ones are not woken."""
    held, run = Held.from_dict(before), _run_groups(before)
    awake = [group for group in held.groups if held.enabled and group.enabled]
    own = cut(awake, [(group.start, group.end) for group in run])
    return [*run, *own][: held.slots]


def _contains(held: Held, groups: tuple[Group, ...]) -> bool:
    return all(any(own.same_run(group) for own in held.groups) for group in groups)


def _contains_any(held: Held, groups: tuple[Group, ...]) -> bool:
    return any(own.same_run(group) for own in held.groups for group in groups)


def _after(held: Held, before: Mapping[str, Any]) -> list[Group] | None:
    """Return the groups to put back, None when there is nothing of ours to take out."""
    run, owner = _run_groups(before), Held.from_dict(before)
    if not _contains_any(held, run):
        return None
    others = [
        group for group in held.groups if not any(group.same_run(own) for own in run)
    ]
    expected = _during(before)[len(run) :]
    if len(others) == len(expected) and all(
        any(group.same_run(own) for own in expected) for group in others
    ):
        return list(owner.groups)
    return others
