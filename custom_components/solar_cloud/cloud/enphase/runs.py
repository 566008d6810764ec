"""Forced charge and hold, as composites of settings: nothing on the system ends them.

A forced charge is Full Backup, which charges with all power, also from the grid where the
owner's settings let it; a hold is a reserve at the present state of charge. Both are put
back unless somebody has changed them since.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from ..control import Absent, Forced, Progress, Run, RunRange, Setting
from ..errors import Refused
from ..values import number
from .settings import FULL, INDEPENDENCE, MODE, RESERVE, battery_told, flag, mode_of
from .steering import Steering

BACKUP = "backup"
FROM_GRID = "charge_from_grid"
WANTED = "wanted"


class Runs:
    """Starts and ends runs of systems."""

    def __init__(self, steering: Steering, soc: Callable[[str], float | None]) -> None:
        """Take what knows a system's state of charge."""
        self._steering = steering
        self._soc = soc

    def range(self, system: str) -> RunRange | None:
        """Return what can be forced: a charge where the grid may charge, a hold."""
        held = self._steering.controls.get(system, {}).get(MODE)
        if held is None or isinstance(held, Absent):
            return None
        kinds = {Forced.HOLD}
        if flag(self._steering.known(system).get(FROM_GRID)):
            kinds.add(Forced.CHARGE)
        return RunRange(kinds=frozenset(kinds), powered=False)

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return the settings as they are, and what the run will set."""
        told = await self._steering.battery(run.plant)
        before = _settings(told)
        if before[MODE] is None or before[RESERVE] is None:
            raise Refused("the battery follows somebody else at the moment")
        if run.kind is Forced.CHARGE and not flag(told.get(FROM_GRID)):
            raise Refused("charging from the grid is switched off in the vendor's app")
        return before | {WANTED: self._wanted(run, before)}

    def _wanted(self, run: Run, before: Mapping[str, Any]) -> dict[str, Setting]:
        if run.kind is Forced.CHARGE:
            return {MODE: BACKUP}
        soc = self._soc(run.plant)
        if soc is None:
            raise Refused("the state of charge is not known")
        return {RESERVE: float(max(before[RESERVE], min(FULL, ceil(soc))))}

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Set what the run asks for, unless it is set already."""
        if not await self._is_set(run, before[WANTED]):
            await self._steering.write(run.plant, before[WANTED])

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether it is set."""
        return Progress(done=await self._is_set(run, before[WANTED]))

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Put back what was set before; what somebody has changed since stays."""
        if await self._is_set(run, before[WANTED]):
            back = {key: row for key, row in before.items() if key != WANTED}
            await self._steering.write(run.plant, _known(back))

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the run's settings are gone."""
        now = _settings(await self._steering.battery(run.plant))
        back = {key: row for key, row in before.items() if key != WANTED}
        ours = all(now.get(key) == row for key, row in before[WANTED].items())
        done = now == back or not ours
        found = battery_told(self._steering.known(run.plant), self._steering.now())
        return Progress(done=done, found=found)

    async def _is_set(self, run: Run, wanted: Mapping[str, Setting]) -> bool:
        now = _settings(await self._steering.battery(run.plant))
        return all(now.get(key) == row for key, row in wanted.items())


def _settings(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the battery's settings in our words."""
    return {
        MODE: mode_of(told.get("battery_mode")),
        RESERVE: number(told.get("reserve_soc")),
        INDEPENDENCE: flag(told.get("energy_independence")),
    }


def _known(values: Mapping[str, Any]) -> dict[str, Setting]:
    return {key: value for key, value in values.items() if value is not None}
