"""Steering Huawei plants: settings given as tasks, followed, and read where it is offered."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ..clock import Clock
from ..control import Absent, Control, Progress, Reason, Setting
from ..dispatch import agrees
from ..errors import (
    AnswerLost,
    Busy,
    CloudError,
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from ..model import Controls
from ..quota import Purpose
from .bodies import body_of
from .items import (
    DISCHARGE_LIMIT,
    GRID_CHARGE,
    KEYS,
    KIND_OF,
    LIMIT,
    LIMITED,
    SCOPE,
    SURPLUS,
    control_of,
    task_told,
)
from .known import Known
from .permission import Permission
from .reads import Reads
from .sites import Site
from .tasks import End, Kind, Task, Tasks

SOON = timedelta(minutes=10)
DAY = timedelta(days=1)
# Reads of one interface must be a minute apart.
APART = timedelta(seconds=65)
# For how long (s) a plant is asked what became of a task that was lost.
LOOKED_FOR = 300.0
NOT_SHOWN = "the plant does not show it"
NEVER_MIND = (Busy, CloudUnavailable, UnexpectedAnswer)

FORCED, HOLD = ("force_charge", "force_discharge"), "hold"
RUNS = (*FORCED, HOLD, "stop_forced")

type Found = dict[str, Control | Absent]


class PlantControls:
    """Reads and writes the settings of an account's plants."""

    def __init__(
        self,
        tasks: Tasks,
        known: Known,
        permission: Permission,
        reads: Reads,
        clock: Clock,
        *,
        plants: Callable[[], Collection[str]],
        site: Callable[[str], Site],
    ) -> None:
        """Share what is known; `plants` and `site` tell what there is."""
        self._tasks = tasks
        self._known = known
        self._permission = permission
        self._reads = reads
        self._clock = clock
        self._plants = plants
        self._site = site
        self._polled = clock.now()
        self._not_before = clock.now()

    # --- what is shown -----------------------------------------------------------------

    def found(self, plant: str) -> Found:
        """Return all controls of a plant as they are known."""
        site = self._site(plant)
        return {key: self._found(site, key) for key in KEYS} | self._no_runs(site)

    def _no_runs(self, site: Site) -> Found:
        """Return why a plant cannot be forced to do something, those runs alone."""
        if reason := self.missing(site.plant):
            return dict.fromkeys(RUNS, Absent(reason=reason))
        found: Found = {}
        if not any(battery.forcible for battery in site.batteries):
            found |= dict.fromkeys(FORCED, Absent(reason=Reason.UNSUPPORTED))
        if not site.settable:
            found[HOLD] = Absent(reason=Reason.UNSUPPORTED)
        elif not self._known.value(site.plant, DISCHARGE_LIMIT):
            # A hold changes it, and what nobody knows cannot be put back.
            found[HOLD] = Absent(reason=Reason.UNKNOWN)
        return found

    def _found(self, site: Site, key: str) -> Control | Absent:
        if reason := self._missing(site, key):
            return Absent(reason=reason)
        known = self._known
        return control_of(
            key,
            site,
            known.value(site.plant, key),
            known.at(site.plant, key),
            has_windows=bool(known.windows(site.plant)),
            assumed=not known.is_told(site.plant, key),
        )

    def _missing(self, site: Site, key: str) -> Reason | None:
        """Return why a plant does not offer a setting."""
        if key in (LIMIT, LIMITED, SCOPE):
            if not site.metered:
                return Reason.NO_METER
        elif not site.settable:
            return Reason.UNSUPPORTED
        if reason := self.missing(site.plant):
            return reason
        if key in (SURPLUS, GRID_CHARGE) and not self._known.windows(site.plant):
            # They go with the windows of time of use, which nobody has told yet.
            return Reason.UNKNOWN
        return None

    def missing(self, plant: str) -> Reason | None:
        """Return why a plant cannot be steered at all, None when it can."""
        return self._permission.missing(plant)

    # --- write -------------------------------------------------------------------------

    async def write(
        self, plant: str, changes: Mapping[str, Setting]
    ) -> dict[str, CloudError]:
        """Give settings as tasks, one of each kind; returns those that no task can hold."""
        refused: dict[str, CloudError] = {}
        for kind in Kind:
            part = {key: row for key, row in changes.items() if KIND_OF[key] is kind}
            if part and not await self._is_shown(plant, kind, part):
                await self._write(plant, kind, part, refused)
        return refused

    async def _is_shown(
        self, plant: str, kind: Kind, part: Mapping[str, Setting]
    ) -> bool:
        """Return whether the plant shows that a task that was lost has been carried out.

        Raises AnswerLost where it cannot be asked: what may have arrived is not sent again.
        """
        task = self._tasks.find(plant, kind)
        if task is None or not task.is_lost or not part.items() <= task.changes.items():
            return False
        shown = await self._shows(task)
        if shown is None:
            raise AnswerLost("it is not known whether the task arrived")
        if shown:
            await self._tasks.found_so(task)
        return shown

    async def _shows(self, task: Task) -> bool | None:
        """Ask whether a plant holds what a task was to set; None where it cannot tell."""
        if not await self._reads.read(task.plant, task.kind, Purpose.COMMAND):
            return None
        found = self.found(task.plant)
        return all(
            isinstance(control := found[key], Control)
            and not control.assumed
            and agrees(control, value)
            for key, value in task.changes.items()
            if key in KEYS
        )

    async def _write(
        self,
        plant: str,
        kind: Kind,
        part: Mapping[str, Setting],
        refused: dict[str, CloudError],
    ) -> None:
        body = body_of(kind, plant, part, self._known)
        refused |= body.refused
        if body.changes:
            task = Task(plant=plant, kind=kind, changes=body.changes)
            await self.give(task, body.fields)

    async def give(self, task: Task, fields: Mapping[str, object]) -> Task:
        """Give a task, and learn from it what the account may do."""
        try:
            given = await self._tasks.give(task, fields)
        except PermissionDenied as err:
            self._permission.learn(task.plant, err)
            raise
        self._permission.works(task.plant)
        return given

    # --- follow ------------------------------------------------------------------------

    async def follow(self, plant: str, keys: Collection[str]) -> Progress:
        """Return how far the task has come that was last given for some settings."""
        task = self._tasks.find(plant, KIND_OF[next(iter(keys))])
        return Progress(done=None) if task is None else await self.end_of(task)

    async def end_of(self, task: Task) -> Progress:
        """Return how far a task has come; at its end, what it has set is known."""
        progress = await self._tasks.follow(task)
        if progress.done is None and not progress.again_at:
            progress = await self.look_for(task)
        if progress.done is None and progress.again_at:
            return progress
        if progress:
            self._keep(task)
        elif progress.done is None or task.may_be_done:
            self._known.forget(task.plant, task.changes)
        await self._tasks.drop(task)
        return replace(progress, found=self.found(task.plant))

    async def look_for(self, task: Task) -> Progress:
        """Ask the plant, for a while, what became of a task that was lost."""
        now = self._clock.now()
        young = now.timestamp() - task.sent < LOOKED_FOR
        again_at: datetime | None = now + APART
        try:
            shown = await self._shows(task)
        except (QuotaExceeded, *NEVER_MIND) as err:
            shown = None
            if isinstance(err, QuotaExceeded):
                again_at = err.retry_at or again_at
        else:
            if shown is None:
                again_at = None
        if shown or (shown is False and not young):
            return Progress(done=shown, error=None if shown else Refused(NOT_SHOWN))
        return Progress(done=None, again_at=again_at if young else None)

    def _keep(self, task: Task) -> None:
        """Know what a task has set; the plant may have cut a number."""
        told = task_told(task.kind, task.told)
        changes = task.changes | {key: told[key] for key in told if key in task.changes}
        self._known.done(task.plant, changes, self._clock.now())
        if task.windows:
            self._known.keep_windows(task.plant, task.windows)

    def unfinished(self) -> list[tuple[str, dict[str, Setting]]]:
        """Return the settings whose tasks have not been followed to their end."""
        return [
            (task.plant, {key: row for key, row in task.changes.items() if key in KEYS})
            for task in self._tasks.open()
            if task.end is not End.FAILED
        ]

    # --- read --------------------------------------------------------------------------

    async def read(self, plant: str, keys: Collection[str]) -> Found:
        """Read settings afresh where the server tells them; else as they are known."""
        for kind in {KIND_OF[key] for key in keys if key in KIND_OF}:
            with suppress(QuotaExceeded):
                await self._reads.read(plant, kind, Purpose.COMMAND)
        found = self.found(plant) if keys else {}
        return {key: found[key] for key in keys if key in found}

    def restore(self, polled: datetime) -> None:
        """Take over when settings were read before a restart."""
        self._polled = polled

    async def poll(self) -> Controls:
        """Find out what may be steered, and read what is due; returns all that is known."""
        self._polled = self._clock.now()
        self._permission.forgive()
        with suppress(QuotaExceeded, *NEVER_MIND):
            await self._permission.find_out()
        if self._permission.is_granted:
            await self._read_due()
        return {plant: self.found(plant) for plant in self._plants()}

    async def _read_due(self) -> None:
        """Read, of each interface, the plant that has waited longest."""
        due = self._due()
        asked: set[Kind] = set()
        for (plant, kind), at in sorted(due.items(), key=lambda row: row[1]):
            if kind in asked or at > self._clock.now().timestamp():
                continue
            asked.add(kind)
            try:
                await self._reads.read(plant, kind, Purpose.POLL)
            except (QuotaExceeded, *NEVER_MIND):
                self._not_before = self._clock.now() + SOON

    def _due(self) -> dict[tuple[str, Kind], float]:
        """Return when each plant's settings should be read next."""
        return {
            (plant, kind): at
            for (plant, kind), at in self._reads.next(self._plants()).items()
            if kind is not Kind.MODE or self._site(plant).settable
        }

    def due(self) -> datetime:
        """Return when `poll` should run next."""
        if self._permission.is_due:
            return self._polled + SOON
        latest = self._polled + DAY
        if not self._permission.is_granted:
            return latest
        first = min(self._due().values(), default=latest.timestamp())
        at = datetime.fromtimestamp(first, UTC)
        return min(max(at, self._polled + APART, self._not_before), latest)
