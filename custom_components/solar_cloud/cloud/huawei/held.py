"""A hold, and a temporary limit of the feed-in: settings that are put back.

Nothing on the plant ends them. They are put back unless somebody has changed them since.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..control import Evidence, Forced, Progress, Run, Setting
from ..errors import AnswerLost, CloudError, Occupied, Refused
from ..quota import Purpose
from .bodies import body_of
from .controls import PlantControls
from .items import DISCHARGE_LIMIT, EXACT, KIND_OF, LIMIT, LIMITED, SCOPE
from .known import Known
from .reads import Reads
from .tasks import Kind, Task, Tasks

KINDS: dict[Forced, Kind] = {
    Forced.HOLD: Kind.BATTERY,
    Forced.LIMIT_EXPORT: Kind.POWER,
}
BACK, GIVEN, DONE, WAS = "back", "given", "done", "was"
FRESH = timedelta(minutes=1)
UNKNOWN_LIMIT = (
    "the plant's feed-in limit is not known, so it could not be put back; "
    "set export_limit or export_limit_enabled first"
)


class HeldRuns:
    """Sets what a run asks for, and puts it back; `kept` is stored by `store`."""

    def __init__(
        self,
        tasks: Tasks,
        controls: PlantControls,
        known: Known,
        reads: Reads,
        clock: Clock,
        kept: dict[str, dict[str, Any]],
        store: Callable[[], Awaitable[None]],
    ) -> None:
        """Share what is known."""
        self._tasks = tasks
        self._controls = controls
        self._known = known
        self._reads = reads
        self._clock = clock
        self._kept = kept
        self._store = store

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return what a run will change, so that it can be put back.

        Raises Occupied while what an earlier run has changed is being put back.
        """
        self._wait_for_back(run)
        if run.kind is Forced.LIMIT_EXPORT:
            return await self._limit(run.plant)
        limit = self._known.value(run.plant, DISCHARGE_LIMIT)
        if not limit:
            raise Refused("the battery's discharge_power_limit is not known")
        return {DISCHARGE_LIMIT: limit}

    def _wait_for_back(self, run: Run) -> None:
        for task in self._tasks.given(run.plant, KINDS[run.kind]):
            if task.owner.endswith(BACK) and task.is_on_its_way:
                retry_at = datetime.fromtimestamp(
                    max(task.ask, self._clock.now().timestamp() + 1), UTC
                )
                raise Occupied("the limit is being put back", retry_at=retry_at)

    async def _limit(self, plant: str) -> dict[str, Any]:
        """Return the limit of the feed-in as it is, as far as a task can set it again."""
        told = self._known.is_told(plant, LIMITED)
        if not (told and self._clock.now() - self._known.at(plant, LIMITED) < FRESH):
            await self._reads.read(plant, Kind.POWER, Purpose.COMMAND)
        value = self._known.value
        limited, limit = value(plant, LIMITED), value(plant, LIMIT)
        exact = value(plant, EXACT)
        if limited is None or exact is not True or (limited and limit is None):
            raise Refused(UNKNOWN_LIMIT)
        if not limited:
            return {LIMITED: False, WAS: limit}
        scope = value(plant, SCOPE)
        return {LIMIT: limit} | ({SCOPE: scope} if scope else {})

    async def start(self, run: Run) -> None:
        """Set what a run asks for, unless it may be set."""
        task = self._tasks.find(run.plant, KINDS[run.kind], run.id)
        if task is None or task.is_lost:
            await self._give(run, run.id, wanted_by(run))

    async def _give(self, run: Run, owner: str, changes: Mapping[str, Setting]) -> None:
        """Give a task of a run, which sets something, or puts it back."""
        kind = KINDS[run.kind]
        changes = {key: row for key, row in changes.items() if key in KIND_OF}
        body = body_of(kind, run.plant, changes, self._known)
        task = Task(plant=run.plant, kind=kind, changes=body.changes, owner=owner)
        lost = owner in self._kept
        self._kept[owner] = {GIVEN: True}
        try:
            await self._controls.give(task, body.fields)
        except AnswerLost:
            raise
        except CloudError:
            if not lost:
                del self._kept[owner]
            raise

    async def started(self, run: Run) -> Progress:
        """Return how far the start of a run has come."""
        return await self._is_set(run, run.id)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Put back what a run has set; nothing is sent where that is done."""
        owner = _back(run)
        task = self._tasks.find(run.plant, KINDS[run.kind], owner)
        if self._kept.get(owner, {}).get(DONE) or (task and not task.is_lost):
            return
        if self._is_ours(run):
            await self._give(run, owner, before)
        else:
            await self._note(owner)

    def _is_ours(self, run: Run) -> bool:
        """Return whether a run may have set what nobody has changed since."""
        given = self._kept.get(run.id)
        if given is None:
            return False
        value = self._known.value
        return not given.get(DONE) or all(
            _same(value(run.plant, key), row) for key, row in wanted_by(run).items()
        )

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far putting back has come."""
        progress = await self._is_set(run, _back(run))
        if not progress:
            return progress
        if before.get(WAS) is not None:
            self._known.recall(run.plant, LIMIT, before[WAS])
        await self._forget(run)
        return replace(progress, found=self._controls.found(run.plant))

    async def _is_set(self, run: Run, owner: str) -> Progress:
        """Return how far a task of a run has come."""
        task = self._tasks.find(run.plant, KINDS[run.kind], owner)
        if task is None:
            done = self._kept.get(owner, {}).get(DONE, False)
            return Progress(done=done, evidence=Evidence.TASK)
        if task.is_lost:
            progress = await self._found_out(task)
        else:
            progress = await self._controls.end_of(task)
        if progress:
            await self._note(owner)
        return progress

    async def _found_out(self, task: Task) -> Progress:
        """Return what the plant shows of a task that was lost.

        Where it cannot tell, a run that may have been set is taken as such; what has to be
        put back is given again.
        """
        progress = await self._controls.look_for(task)
        if progress:
            await self._tasks.found_so(task)
            return await self._controls.end_of(task)
        if task.owner.endswith(BACK):
            return Progress(done=False)
        return progress

    async def _note(self, owner: str) -> None:
        """Note that a task of a run has been carried out."""
        self._kept[owner] = {DONE: True}
        await self._store()

    async def _forget(self, run: Run) -> None:
        for owner in (run.id, _back(run)):
            self._kept.pop(owner, None)
            if task := self._tasks.find(run.plant, KINDS[run.kind], owner):
                await self._tasks.drop(task)
        await self._store()


def wanted_by(run: Run) -> dict[str, Setting]:
    """Return what a hold or a limit sets."""
    if run.kind is Forced.HOLD:
        return {DISCHARGE_LIMIT: 0.0}
    return {LIMIT: float(run.power or 0.0)}


def _back(run: Run) -> str:
    return f"{run.id}/{BACK}"


def _same(known: Setting | None, wanted: Setting) -> bool:
    """Return whether two powers are the same watt."""
    return known is not None and abs(float(known) - float(wanted)) <= 1
