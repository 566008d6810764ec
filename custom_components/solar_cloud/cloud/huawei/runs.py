"""The runs of an account's plants: forced by a charge task, or held by a setting."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..clock import Clock
from ..control import Forced, Progress, Run, RunRange
from .charges import Charges
from .controls import PlantControls
from .forced import SWITCHES, ForcedRuns
from .held import HeldRuns
from .items import DISCHARGE_LIMIT
from .known import Known
from .reads import Reads
from .sites import Battery, Site
from .tasks import Tasks, nobody


class Runs:
    """Starts and ends runs; `memory` is stored."""

    def __init__(
        self,
        charges: Charges,
        tasks: Tasks,
        controls: PlantControls,
        known: Known,
        reads: Reads,
        clock: Clock,
        memory: dict[str, Any],
        *,
        rationed: bool,
    ) -> None:
        """Go on with the runs from before; `rationed` where calls are few."""
        self._controls = controls
        self._known = known
        self.remember: Callable[[], Awaitable[None]] = nobody
        kept: dict[str, dict[str, Any]] = memory.setdefault("runs", {})
        self._forced = ForcedRuns(charges, clock, kept, self._store, rationed=rationed)
        self._held = HeldRuns(tasks, controls, known, reads, clock, kept, self._store)

    async def _store(self) -> None:
        await self.remember()

    def range(self, site: Site, battery: Battery) -> RunRange | None:
        """Return what a run may ask of a battery.

        A hold changes the most that the battery gives, which must be known to be put back.
        """
        kinds: set[Forced] = set()
        if self._controls.missing(site.plant):
            return None
        if battery.forcible:
            kinds |= {Forced.CHARGE, Forced.DISCHARGE}
        if not battery.lg and self._known.value(site.plant, DISCHARGE_LIMIT):
            kinds.add(Forced.HOLD)
        if not kinds:
            return None
        powers = [row for row in (battery.max_charge, battery.max_discharge) if row]
        return RunRange(kinds=frozenset(kinds), max_power=max(powers, default=None))

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return what a run will change; nothing for a forced run."""
        return {} if run.kind in SWITCHES else await self._held.prepare(run)

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run, unless it may be running."""
        if run.kind in SWITCHES:
            await self._forced.start(run)
        else:
            await self._held.start(run)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the start of a run has come."""
        if run.kind in SWITCHES:
            return await self._forced.started(run)
        return await self._held.started(run)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out; nothing is sent where that is done, or happens by itself."""
        if run.kind in SWITCHES:
            await self._forced.stop(run)
        else:
            await self._held.stop(run, before)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the end of a run has come."""
        if run.kind not in SWITCHES:
            return await self._held.stopped(run, before)
        progress = await self._forced.stopped(run)
        if progress:
            await self._forced.forget(run)
        return progress
