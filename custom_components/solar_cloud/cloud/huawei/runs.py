"""Forced charge and discharge, hold, and a temporary limit of the feed-in.

The duration of a forced run is the plant's own hard end. A hold and a limit are settings,
which nothing on the plant ends: they are put back unless somebody has changed them since.
What was sent is stored before and after, so that after a crash nothing is sent twice.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..control import Evidence, Forced, Progress, Run, RunRange, Setting
from ..errors import AnswerLost, CloudError, Occupied, PartlyDone, Refused
from ..quota import Purpose
from .bodies import body_of
from .charges import CHARGE, DISCHARGE, Charges, Status
from .controls import PlantControls
from .items import DISCHARGE_LIMIT, EXACT, KIND_OF, LIMIT, LIMITED, SCOPE
from .known import Known
from .reads import Reads
from .sites import Battery, Site
from .tasks import Kind, Task, Tasks, nobody

SWITCHES = {Forced.CHARGE: CHARGE, Forced.DISCHARGE: DISCHARGE}
KINDS: dict[Forced, Kind] = {
    Forced.HOLD: Kind.BATTERY,
    Forced.LIMIT_EXPORT: Kind.POWER,
}
BACK, GIVEN, DONE, WAS = "back", "given", "done", "was"
# The plant tells anew every three minutes how far a charge task has come.
REFRESHED = 185.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """After how many seconds to ask: about a start, again, about an end by itself.

    And when to try again what found another task running. A start is proved by telemetry;
    where calls are few, that is waited for.
    """

    look: float
    look_again: float
    ended: float
    occupied: float


# From a run's end until it is told for sure that it has ended.
SETTLED = REFRESHED + 30.0
OFTEN = Pace(look=REFRESHED, look_again=300, ended=SETTLED, occupied=62)
RARELY = Pace(look=400, look_again=1800, ended=SETTLED, occupied=300)
# A task that goes on longer than that beyond its own end is stopped after all.
OVERRUN = 900.0
FRESH = timedelta(minutes=1)
# A run that ends so soon by itself is not ended.
NEARLY_OVER = 60.0
GONE = ("20008", "20044", "20050", "20616", "20620")
UNKNOWN_LIMIT = (
    "the plant's feed-in limit is not known, so it could not be put back; "
    "set export_limit or export_limit_enabled first"
)


@dataclass(slots=True, kw_only=True)
class Sent:
    """What was sent for a forced run, as it is stored; instants in s since 1970.

    Without a `request` it is not known whether it arrived, unless it is `running`: then
    the vendor has said that such a task is being carried out.
    """

    plant: str
    sent: float
    until: float
    request: int | None = None
    running: bool = False
    look: float = 0.0
    over: bool = False
    overrun: bool = False
    stop_sent: float | None = None
    stop: int | None = None
    stop_look: float = 0.0


class Runs:
    """Starts and ends the runs of an account's plants; `memory` is stored."""

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
        self._charges = charges
        self._tasks = tasks
        self._controls = controls
        self._known = known
        self._reads = reads
        self._clock = clock
        self._kept: dict[str, dict[str, Any]] = memory.setdefault("runs", {})
        self._pace = RARELY if rationed else OFTEN
        self.remember: Callable[[], Awaitable[None]] = nobody

    @property
    def _now(self) -> float:
        return self._clock.now().timestamp()

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
        """Return what a run will change; nothing for a forced run.

        Raises Occupied while what an earlier run has changed is being put back.
        """
        self._wait_for_back(run)
        if run.kind is Forced.HOLD:
            limit = self._known.value(run.plant, DISCHARGE_LIMIT)
            if not limit:
                raise Refused("the battery's discharge_power_limit is not known")
            return {DISCHARGE_LIMIT: limit}
        if run.kind is Forced.LIMIT_EXPORT:
            return await self._limit(run.plant)
        return {}

    def _wait_for_back(self, run: Run) -> None:
        for task in self._tasks.given(run.plant, KINDS.get(run.kind)):
            if task.owner.endswith(BACK) and task.is_on_its_way:
                retry_at = datetime.fromtimestamp(max(task.ask, self._now + 1), UTC)
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

    # --- start -------------------------------------------------------------------------

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run, unless it may be running."""
        if run.kind in SWITCHES:
            await self._start_charge(run)
            return
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

    async def _start_charge(self, run: Run) -> None:
        sent = self._sent(run)
        if sent and (sent.request is not None or sent.running):
            return
        lost = sent is not None
        minutes = max(1, round((run.end.timestamp() - self._now) / 60))
        until = self._now + minutes * 60
        sent = Sent(plant=run.plant, sent=self._now, until=until)
        await self._keep(run, sent)
        switch = SWITCHES[run.kind]
        try:
            sent.request = await self._charges.start(
                run.plant, switch, minutes, run.share
            )
        except AnswerLost, PartlyDone:
            raise
        except CloudError as err:
            if not lost:
                await self._forget(run)
            if not isinstance(err, Occupied):
                raise
            if not lost:
                retry_at = datetime.fromtimestamp(self._now + self._pace.occupied, UTC)
                raise Occupied(err.words, code=err.code, retry_at=retry_at) from None
            # What runs is what was sent when the answer was lost.
            sent.running = True
        sent.look = self._now + self._pace.look
        await self._keep(run, sent)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the start of a run has come."""
        if run.kind not in SWITCHES:
            return await self._is_set(run, run.id)
        sent = self._sent(run)
        if sent is None or not (sent.running or sent.request is not None):
            return Progress(done=False)
        if sent.over:
            return Progress(done=True, evidence=Evidence.TASK, ended=True)
        if sent.request is None:
            return Progress(done=None)
        if self._now < sent.look:
            return _later(sent.look)
        status = await self._status(run, sent.request)
        sent.look = self._now + self._pace.look_again
        progress = _judged(sent, status)
        await self._keep(run, sent)
        return progress

    async def _status(self, run: Run, request: int) -> Status:
        """Ask about a task; one that the vendor no longer knows tells nothing."""
        try:
            return await self._charges.status(run.plant, request)
        except CloudError as err:
            if err.code not in GONE:
                raise
            return Status()

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
        await self.remember()

    # --- stop --------------------------------------------------------------------------

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out; nothing is sent where that is done, or happens by itself."""
        if run.kind in SWITCHES:
            await self._stop_charge(run)
            return
        owner = f"{run.id}/{BACK}"
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

    async def _stop_charge(self, run: Run) -> None:
        sent = self._sent(run)
        if sent is None or sent.over or sent.stop is not None:
            return
        if self._is_replaced(sent):
            sent.over = True
            await self._keep(run, sent)
            return
        left = sent.until - self._now
        if sent.request is not None and left <= NEARLY_OVER and not sent.overrun:
            return
        sent.stop_sent = self._now
        await self._keep(run, sent)
        try:
            sent.stop = await self._charges.stop(run.plant)
        except Refused:
            if left > 0:
                raise
            # Its own end is past, and there is nothing to stop.
            sent.over = True
        sent.stop_look = self._now + REFRESHED
        await self._keep(run, sent)

    def _is_replaced(self, sent: Sent) -> bool:
        """Return whether another run has been started since: a stop would end that."""
        return any(
            row.get("plant") == sent.plant and row["sent"] > sent.sent
            for row in self._kept.values()
        )

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the end of a run has come."""
        if run.kind not in SWITCHES:
            progress = await self._is_set(run, f"{run.id}/{BACK}")
        else:
            progress = await self._charge_stopped(run)
        if progress:
            if WAS in before and before[WAS] is not None:
                self._known.recall(run.plant, LIMIT, before[WAS])
            await self._forget(run)
            return replace(progress, found=self._controls.found(run.plant))
        return progress

    async def _charge_stopped(self, run: Run) -> Progress:
        sent = self._sent(run)
        if sent is None or sent.over:
            return Progress(done=True, evidence=Evidence.TASK)
        request, look = sent.stop, sent.stop_look
        if request is None:
            request, look = sent.request, max(look, sent.until + self._pace.ended)
        if self._now < look:
            return _later(look)
        status = await self._status(run, request) if request is not None else Status()
        if status.running:
            sent.stop_look = self._now + REFRESHED
            sent.overrun = self._now > sent.until + OVERRUN
            await self._keep(run, sent)
            return _later(sent.stop_look)
        if status.failed and sent.stop is not None and self._now < sent.until:
            sent.stop = None
            await self._keep(run, sent)
            return Progress(done=False, error=Refused(status.complaint))
        return Progress(done=True, evidence=Evidence.TASK)

    # --- what is stored ----------------------------------------------------------------

    def _sent(self, run: Run) -> Sent | None:
        row = self._kept.get(run.id)
        return Sent(**row) if row else None

    async def _keep(self, run: Run, sent: Sent) -> None:
        self._kept[run.id] = asdict(sent)
        await self.remember()

    async def _forget(self, run: Run) -> None:
        for owner in (run.id, f"{run.id}/{BACK}"):
            self._kept.pop(owner, None)
            if kind := KINDS.get(run.kind):
                if task := self._tasks.find(run.plant, kind, owner):
                    await self._tasks.drop(task)
        await self.remember()


def wanted_by(run: Run) -> dict[str, Setting]:
    """Return what a hold or a limit sets."""
    if run.kind is Forced.HOLD:
        return {DISCHARGE_LIMIT: 0.0}
    return {LIMIT: float(run.power or 0.0)}


def _judged(sent: Sent, status: Status) -> Progress:
    """Return what the batteries tell of a run."""
    over = not status.running
    if status.failed or status.exception:
        sent.over = over
        part = bool(status.done or status.running)
        error = PartlyDone if part else Refused
        return Progress(done=False, error=error(status.complaint))
    if status.done and over:
        sent.over = True
        return Progress(done=True, evidence=Evidence.TASK, ended=True)
    return _later(sent.look)


def _same(known: Setting | None, wanted: Setting) -> bool:
    """Return whether two powers are the same watt."""
    return known is not None and abs(float(known) - float(wanted)) <= 1


def _later(at: float) -> Progress:
    return Progress(done=None, again_at=datetime.fromtimestamp(at, UTC))
