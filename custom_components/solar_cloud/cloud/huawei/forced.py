"""Forced charge and discharge: one task for all batteries of a plant.

The duration is the plant's own hard end. What was sent is stored before and after, so that
after a crash no run is started twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..control import Evidence, Forced, Progress, Run
from ..errors import AnswerLost, CloudError, Occupied, PartlyDone, Refused
from .charges import CHARGE, DISCHARGE, Charges, Status

SWITCHES = {Forced.CHARGE: CHARGE, Forced.DISCHARGE: DISCHARGE}
# The plant tells anew every three minutes how far a charge task has come.
REFRESHED = 185.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """After how many seconds to ask: about a start, again, about an end.

    And when to try again what found another task running. A start is proved by telemetry;
    where calls are few, that is waited for.
    """

    look: float
    look_again: float
    ended: float
    occupied: float


# From an end until it is told for sure: an inverter takes a while to follow.
SETTLED = REFRESHED + 30.0
ENDED_AGAIN, LONGEST_PAUSE = 65.0, 1800.0
OFTEN = Pace(look=REFRESHED, look_again=300, ended=ENDED_AGAIN, occupied=62)
RARELY = Pace(look=400, look_again=1800, ended=SETTLED, occupied=300)
# A task that goes on longer than that beyond its own end is stopped after all.
OVERRUN = 900.0
# A run that ends so soon by itself is not ended.
NEARLY_OVER = 60.0
GONE = ("20008", "20044", "20050", "20616", "20620")


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
    looks: int = 0


class ForcedRuns:
    """Starts and ends the charge tasks of plants; `kept` is stored by `store`."""

    def __init__(
        self,
        charges: Charges,
        clock: Clock,
        kept: dict[str, dict[str, Any]],
        store: Callable[[], Awaitable[None]],
        *,
        rationed: bool,
    ) -> None:
        """Go on with the runs from before; `rationed` where calls are few."""
        self._charges = charges
        self._clock = clock
        self._kept = kept
        self._store = store
        self._pace = RARELY if rationed else OFTEN

    @property
    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def start(self, run: Run) -> None:
        """Send a run, unless it may be running."""
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
                await self.forget(run)
            if not isinstance(err, Occupied):
                raise
            if not lost:
                retry_at = datetime.fromtimestamp(self._now + self._pace.occupied, UTC)
                raise Occupied(err.words, code=err.code, retry_at=retry_at) from None
            # What runs is what was sent when the answer was lost.
            sent.running = True
        sent.look = self._now + self._pace.look
        await self._keep(run, sent)

    async def started(self, run: Run) -> Progress:
        """Return how far the start of a run has come."""
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

    async def stop(self, run: Run) -> None:
        """Stop a run; not one that ends by itself, or that another has replaced."""
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
        sent.stop_look = self._now + self._pace.ended
        await self._keep(run, sent)

    def _is_replaced(self, sent: Sent) -> bool:
        """Return whether another run has been started since: a stop would end that."""
        return any(
            row.get("plant") == sent.plant and row["sent"] > sent.sent
            for row in self._kept.values()
        )

    async def stopped(self, run: Run) -> Progress:
        """Return how far the end of a run has come."""
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
            pause = min(ENDED_AGAIN * 2 ** max(0, sent.looks - 3), LONGEST_PAUSE)
            sent.looks += 1
            sent.stop_look = self._now + pause
            sent.overrun = self._now > sent.until + OVERRUN
            await self._keep(run, sent)
            return _later(sent.stop_look)
        if status.failed and sent.stop is not None and self._now < sent.until:
            sent.stop = None
            await self._keep(run, sent)
            return Progress(done=False, error=Refused(status.complaint))
        return Progress(done=True, evidence=Evidence.TASK)

    async def forget(self, run: Run) -> None:
        """Forget what was sent for a run."""
        self._kept.pop(run.id, None)
        await self._store()

    def _sent(self, run: Run) -> Sent | None:
        row = self._kept.get(run.id)
        return Sent(**row) if row else None

    async def _keep(self, run: Run, sent: Sent) -> None:
        self._kept[run.id] = asdict(sent)
        await self._store()


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


def _later(at: float) -> Progress:
    return Progress(done=None, again_at=datetime.fromtimestamp(at, UTC))
