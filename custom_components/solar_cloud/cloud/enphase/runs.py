"""Forced charge and hold, as composites of settings: nothing on the system ends them.

A forced charge is Full Backup, which charges with all power, also from the grid where the
owner's settings let it; a hold is a reserve at the present state of charge. Both are put
back unless somebody has changed them since.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from ..control import Control, Forced, Progress, Run, RunRange, Setting
from ..errors import Refused
from .settings import BACKUP, FULL, MODE, RESERVE
from .steering import Steering

WANTED = "wanted"
OURS = (MODE, RESERVE)


class Runs:
    """Starts and ends runs of systems."""

    def __init__(self, steering: Steering, soc: Callable[[str], float | None]) -> None:
        """Take what knows a system's state of charge."""
        self._steering = steering
        self._soc = soc

    def range(self, system: str) -> RunRange | None:
        """Return what can be forced: a charge where the grid may charge, a hold."""
        held = self._steering.controls.get(system, {})
        if not isinstance(held.get(MODE), Control):
            return None
        kinds = {Forced.HOLD}
        if self._steering.charges_from_grid(system):
            kinds.add(Forced.CHARGE)
        return RunRange(kinds=frozenset(kinds), powered=False)

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return mode and reserve as they are, and what the run will set."""
        now = await self._steering.battery(run.plant)
        before = {key: now[key] for key in OURS}
        if None in before.values():
            raise Refused("the battery follows somebody else at the moment")
        if run.kind is Forced.HOLD:
            return before | {WANTED: {RESERVE: self._floor(run, before[RESERVE])}}
        if not self._steering.charges_from_grid(run.plant):
            raise Refused("charging from the grid is switched off in the vendor's app")
        return before | {WANTED: {MODE: BACKUP}}

    def _floor(self, run: Run, reserve: float) -> float:
        """Return the reserve below which nothing more is taken out."""
        soc = self._soc(run.plant)
        if soc is None:
            raise Refused("the state of charge is not known")
        return max(reserve, float(ceil(soc)))

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Set what the run asks for, unless it is set already."""
        if not await self._is_set(run, before):
            await self._send(run, before[WANTED])

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether it is set."""
        return self._progress(run, done=await self._is_set(run, before))

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Put back what was set before; what somebody has changed since stays."""
        if back := await self._left(run, before):
            await self._send(run, back)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the run's settings are gone."""
        return self._progress(run, done=not await self._left(run, before))

    async def _send(self, run: Run, changes: Mapping[str, Setting]) -> None:
        for err in (await self._steering.write(run.plant, changes)).values():
            raise err

    async def _is_set(self, run: Run, before: Mapping[str, Any]) -> bool:
        now = await self._steering.battery(run.plant)
        return all(now[key] == value for key, value in before[WANTED].items())

    async def _left(self, run: Run, before: Mapping[str, Any]) -> dict[str, Setting]:
        """Return what is still as the run has set it, with what was there before.

        Full Backup sets a reserve of 100 % by itself.
        """
        now = await self._steering.battery(run.plant)
        ours = {RESERVE: FULL} | before[WANTED]
        return {
            key: before[key]
            for key, value in ours.items()
            if now[key] == value and before[key] != value
        }

    def _progress(self, run: Run, *, done: bool) -> Progress:
        """Return how far it has come, with the settings that were read."""
        held = self._steering.controls[run.plant]
        return Progress(done=done, found={key: held[key] for key in OURS})
