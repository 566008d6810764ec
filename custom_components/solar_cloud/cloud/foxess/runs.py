"""Forced charge, forced discharge and hold as groups of the FoxESS scheduler.

The device knows only daily windows: a run's window ends when the run ends, and is taken
out afterwards. The owner's own schedule is put back exactly as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any

from ..control import Control, Forced, Run, RunRange
from ..daily import span
from ..errors import CloudError, Refused
from .controls import InverterControls
from .groups import Group, Held, cut, windows
from .items import shows
from .scheduler import Scheduler

MODES: dict[Forced, tuple[str, ...]] = {
    Forced.CHARGE: ("ForceCharge", "ForceCharge(AC)", "ForceCharge(BAT)"),
    Forced.DISCHARGE: ("ForceDischarge", "ForceDischarge(AC)", "ForceDischarge(BAT)"),
    Forced.HOLD: ("SelfUse",),
}
LIMIT = "export_limit"
RESERVE = "backup_reserve"
MAX_SOC = "max_soc"

type Soc = Callable[[str], float | None]
type Rated = Callable[[str], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What `prepare` found on a device: its schedule, and the groups of the run."""

    owner: Held
    run: tuple[Group, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Before:
        """Return what JSON has carried."""
        return cls(
            owner=Held.from_dict(data), run=tuple(Group(**row) for row in data["run"])
        )

    def during(self) -> list[Group]:
        """Return the groups while the run lasts; the owner's sleeping ones stay asleep."""
        owner = self.owner
        awake = [group for group in owner.groups if owner.enabled and group.enabled]
        spans = [(group.start, group.end) for group in self.run]
        return [*self.run, *cut(awake, spans, owner.version)]

    def is_held(self, held: Held) -> bool:
        """Return whether a device holds the run, awake."""
        awake = [group for group in held.groups if group.enabled]
        return held.enabled and all(_among(group, awake) for group in self.run)

    def leaves(self, held: Held) -> bool:
        """Return whether a device still holds a part of the run, asleep or not."""
        return any(_among(group, self.run) for group in held.groups)

    def after(self, held: Held) -> tuple[Group, ...]:
        """Return the groups to put back; those that somebody has changed are kept."""
        others = tuple(group for group in held.groups if not _among(group, self.run))
        if _alike(others, self.during()[: held.slots][len(self.run) :]):
            return self.owner.groups
        return others


class Runs:
    """Starts and ends forced runs on the devices of an account."""

    def __init__(
        self,
        scheduler: Scheduler,
        controls: InverterControls,
        *,
        zone: Callable[[str], tzinfo],
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
            return {"limit": (await self._limit(sn)).value}
        await self._controls.settle(sn)
        async with self._controls.lock(sn):
            held = await self._scheduler.read_whole(sn)
        offset = await self._controls.clock_offset(sn)
        groups = self._groups(run, sn, held, offset)
        return held.as_dict() | {
            "run": [asdict(group) for group in groups],
            "offset": offset,
        }

    async def _limit(self, sn: str) -> Control:
        found = (await self._controls.read(sn, [LIMIT]))[LIMIT]
        if not isinstance(found, Control):
            raise Refused("the device has no export limit")
        return found

    def _groups(
        self, run: Run, sn: str, held: Held, offset: float
    ) -> tuple[Group, ...]:
        mode = next((name for name in MODES[run.kind] if held.offers(name)), None)
        if mode is None:
            raise Refused(f"the inverter does not offer {run.kind}")
        parameters = self._parameters(run, sn, held)
        return tuple(
            Group(start=first, end=last, mode=mode, parameters=parameters)
            for first, last in windows(
                *span(run.start, run.end, self._zone(sn), offset)
            )
        )

    def _parameters(self, run: Run, sn: str, held: Held) -> dict[str, float]:
        """Return a group's parameters, for which minSocOnGrid <= fdSoc <= maxSoc holds."""
        floor = max(held.lowest_soc, self._setting(sn, RESERVE, held.lowest_soc))
        ceiling = held.highest_soc
        power = self._power(run, sn, held)
        match run.kind:
            case Forced.CHARGE:
                wanted = run.target_soc
                if wanted is None:
                    wanted = self._setting(sn, MAX_SOC, ceiling)
                # The device charges to the lower of the two.
                target = most = _within(wanted, floor, ceiling)
            case Forced.DISCHARGE:
                wanted = floor if run.target_soc is None else run.target_soc
                target, most = _within(wanted, floor, ceiling), ceiling
            case _:
                if (soc := self._soc(sn)) is None:
                    raise Refused("the state of charge is not known")
                floor = _within(float(int(soc)), floor, ceiling)
                target = most = ceiling
        return {"minSocOnGrid": floor, "fdSoc": target, "maxSoc": most, "fdPwr": power}

    def _setting(self, sn: str, key: str, default: float) -> float:
        known = self._controls.last(sn, key)
        value = known.value if isinstance(known, Control) else None
        return float(value) if isinstance(value, (int, float)) else default

    def _power(self, run: Run, sn: str, held: Held) -> float:
        """Return W for a group."""
        most = held.most_power(self._rated(sn))
        asked = most if run.share is None else run.share
        if run.kind is Forced.HOLD:
            return float(most or 0.0)
        if asked is None:
            raise Refused("the power is not known; give one")
        if asked <= 0:
            raise Refused("the power must be above 0")
        return float(round(min(asked, most) if most else asked))

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send the run; the owner's own groups are cut where the run's window is."""
        for sn in run.devices:
            async with self._controls.lock(sn):
                await self._start(run, sn, before[sn])

    async def _start(self, run: Run, sn: str, data: Mapping[str, Any]) -> None:
        if run.kind is Forced.LIMIT_EXPORT:
            await self._controls.send_alone(sn, LIMIT, run.share or 0.0)
            return
        before = Before.from_dict(data)
        await self._scheduler.write(sn, before.owner, before.during())
        now = await self._scheduler.read_version(sn, before.owner.version)
        if not now.enabled:
            await self._scheduler.switch(sn, True)

    async def started(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether every device holds the run."""
        return all([await self._holds(run, sn, before[sn]) for sn in run.devices])

    async def _holds(self, run: Run, sn: str, data: Mapping[str, Any]) -> bool:
        if run.kind is Forced.LIMIT_EXPORT:
            return shows(await self._limit(sn), run.share or 0.0)
        before = Before.from_dict(data)
        held = await self._scheduler.read_version(sn, before.owner.version)
        return before.is_held(held)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take the run out; a schedule changed by somebody else meanwhile is kept.

        A device that cannot be reached does not keep the others from being freed.
        """
        failure: CloudError | None = None
        for sn in run.devices:
            try:
                async with self._controls.lock(sn):
                    await self._stop(run, sn, before[sn])
            except CloudError as err:
                failure = failure or err
        if failure:
            raise failure

    async def _stop(self, run: Run, sn: str, data: Mapping[str, Any]) -> None:
        if run.kind is Forced.LIMIT_EXPORT:
            await self._controls.send_alone(sn, LIMIT, data["limit"])
            return
        before = Before.from_dict(data)
        owner = before.owner
        held = await self._scheduler.read_version(sn, owner.version)
        if before.leaves(held):
            groups = before.after(held)
            changed = bool(groups) and groups is not owner.groups
            await self._scheduler.write(sn, held, groups)
            if changed:
                return
            # At once, as a write may turn the scheduler on, and wake the owner's groups.
            if not owner.enabled:
                await self._scheduler.switch(sn, False)
                return
            held = await self._scheduler.read_version(sn, owner.version)
        elif not _alike(held.groups, owner.groups):
            return
        if held.enabled != owner.enabled:
            await self._scheduler.switch(sn, owner.enabled)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether everything is as it was before the run."""
        return all([await self._is_free(run, sn, before[sn]) for sn in run.devices])

    async def _is_free(self, run: Run, sn: str, data: Mapping[str, Any]) -> bool:
        if run.kind is Forced.LIMIT_EXPORT:
            return shows(await self._limit(sn), data["limit"])
        before = Before.from_dict(data)
        held = await self._scheduler.read_version(sn, before.owner.version)
        if before.leaves(held):
            return False
        own = _alike(held.groups, before.owner.groups)
        return not own or held.enabled == before.owner.enabled

    def range(self, sn: str, held: Held) -> RunRange:
        """Return what a run may ask of a device."""
        return RunRange(
            kinds=frozenset(
                kind for kind, names in MODES.items() if any(map(held.offers, names))
            ),
            max_power=held.most_power(self._rated(sn)),
            min_soc=held.lowest_soc,
            max_soc=held.highest_soc,
        )


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _among(group: Group, others: tuple[Group, ...] | list[Group]) -> bool:
    return any(group.same(other) for other in others)


def _alike(groups: tuple[Group, ...], others: tuple[Group, ...] | list[Group]) -> bool:
    return len(groups) == len(others) and all(_among(row, others) for row in groups)
