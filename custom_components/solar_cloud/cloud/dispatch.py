"""The life of a setting's command: queued, accepted, proved, and told as it was.

One write at a time to a device's lane, which are the settings that go together; the newest
value wins; after a lost answer the device is asked before anything is sent again. What a
vendor carries out as a task is followed to its end, the rest is read back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from .clock import Clock
from .control import Absent, Control, Evidence, Outcome, Progress, Setting, State
from .errors import (
    AnswerLost,
    Busy,
    CloudError,
    CloudUnavailable,
    Deferred,
    UnexpectedAnswer,
    understood,
)
from .vendor import Vendor

FRESH = timedelta(minutes=1)
READ_BACK_AFTER = (0.0, 5.0, 15.0, 40.0)
RETRY_AFTER = (5.0, 20.0, 60.0)
RETRY_QUOTA_AFTER = timedelta(minutes=1)
# Seconds after which what found the device busy is sent again.
RETRY_TASK_AFTER = (60.0, 120.0, 300.0, 600.0, 900.0)
LONGEST_WAIT = timedelta(hours=24)
# Seconds for which a task waits for what is set in the same moment.
GATHERED_FOR = 0.5
LOOK_UP_EVERY = 5.0
CLOCK_AGREES = 120.0
ENDS = {
    True: State.CONFIRMED,
    False: State.FAILED,
    None: State.UNCONFIRMED,
}
TOLERANCE = 1e-6


class WritesSpent(CloudError):
    """The user's own bound on writes per device and day is reached."""

    key = "writes_spent"


@dataclass(slots=True, eq=False)
class Pending:
    """A command on its way, and what has become of it so far.

    `answer` is for who gave it: the outcome, or that a task for it was taken on.
    """

    plant: str
    device: str
    key: str
    value: Setting
    outcome: asyncio.Future[Outcome]
    answer: asyncio.Future[Outcome]
    state: State = State.QUEUED


type Batch = dict[str, Pending]


@dataclass(slots=True)
class _Queue:
    """The commands that wait for a device's lane, and whether they are being carried out.

    `written` tells when each control was last written to: what is known from before then
    proves nothing.
    """

    device: str
    waiting: Batch = field(default_factory=dict)
    busy: bool = False
    written: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Writes:
    """How often each device was written to today."""

    day: date | None = None
    count: dict[str, int] = field(default_factory=dict)

    def today(self, device: str, day: date) -> int:
        """Return the writes to a device on a day."""
        return self.count.get(device, 0) if self.day == day else 0

    def add(self, device: str, day: date) -> None:
        """Count a write."""
        if self.day != day:
            self.day, self.count = day, {}
        self.count[device] = self.count.get(device, 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the dispatcher needs of the one who runs it."""

    plant_of: Callable[[str], str]
    known: Callable[[str, str], Control | Absent | None]
    learned: Callable[[str, Mapping[str, Control | Absent]], None]
    report: Callable[[Outcome], None]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    today: Callable[[], date]
    writes_per_day: Callable[[], int | None]


class Dispatcher:
    """Carries out the settings of an account's devices."""

    def __init__(self, vendor: Vendor, clock: Clock, house: House) -> None:
        """Start with empty queues."""
        self._vendor = vendor
        self._clock = clock
        self._house = house
        self._queues: dict[tuple[str, str], _Queue] = {}
        self.writes = Writes()

    def submit(self, device: str, key: str, value: Setting) -> Pending:
        """Take a command in; an older one for the same control is superseded."""
        queue = self._queue(device, key)
        if older := queue.waiting.pop(key, None):
            self._finish(older, State.SUPERSEDED)
        pending = self._pending(device, key, value)
        queue.waiting[key] = pending
        if not queue.busy:
            queue.busy = True
            self._house.spawn(self._work(queue))
        return pending

    def resume(self) -> None:
        """Follow the tasks that nobody follows: those from before a restart."""
        for device, changes in self._vendor.unfinished():
            queue = self._queue(device, next(iter(changes)))
            if not queue.busy:
                queue.busy = True
                batch = {
                    key: self._pending(device, key, value, State.ACCEPTED)
                    for key, value in changes.items()
                }
                self._house.spawn(self._work(queue, batch))

    def _queue(self, device: str, key: str) -> _Queue:
        lane = self._vendor.lane(key)
        return self._queues.setdefault((device, lane), _Queue(device))

    def _pending(
        self, device: str, key: str, value: Setting, state: State = State.QUEUED
    ) -> Pending:
        plant = self._house.plant_of(device)
        loop = asyncio.get_running_loop()
        outcome, answer = loop.create_future(), loop.create_future()
        return Pending(plant, device, key, value, outcome, answer, state)

    def queued(self, pending: Pending) -> Outcome:
        """Report a command that still waits, or whose proof does."""
        return self._report(pending, pending.state)

    async def _work(self, queue: _Queue, sent: Batch | None = None) -> None:
        """Carry out what waits, after what was `sent` before a restart."""
        try:
            if sent:
                await self._conclude(queue, sent, self._prove)
            while queue.waiting:
                if self._vendor.tasks:
                    await self._clock.sleep(GATHERED_FOR)
                batch, queue.waiting = queue.waiting, {}
                await self._carry_out(queue, batch)
        finally:
            queue.busy = False

    async def _carry_out(self, queue: _Queue, batch: Batch) -> None:
        for key in list(batch):
            if self._shown(queue, batch[key]):
                self._finish(batch.pop(key), State.CONFIRMED, Evidence.READ_BACK)
        await self._conclude(queue, batch, self._deliver)

    async def _conclude(
        self,
        queue: _Queue,
        batch: Batch,
        first: Callable[[_Queue, Batch], Awaitable[None]],
    ) -> None:
        """Do a first thing with a batch, and then what it takes to know its end."""
        try:
            await first(queue, batch)
            await self._prove(queue, batch)
        except AnswerLost as err:
            await self._prove(queue, batch, State.FAILED, err)
        except UnexpectedAnswer as err:
            await self._prove(queue, batch, State.REFUSED, err)
        except CloudError as err:
            self._finish_all(batch, State.FAILED, err)

    async def _deliver(self, queue: _Queue, batch: Batch) -> None:
        """Send a batch; after a lost answer once more, but never blindly."""
        try:
            await self._send(queue, batch)
        except AnswerLost:
            # A vendor of tasks finds out by itself before it gives one twice.
            if not (self._vendor.tasks or await self._read_back(queue, batch)):
                self._finish_all(batch, State.UNCONFIRMED)
            await self._send(queue, batch)

    def _shown(self, queue: _Queue, pending: Pending) -> bool:
        """Return whether a fresh read-back shows the value already; never for a button."""
        known = self._house.known(pending.device, pending.key)
        written = queue.written.get(pending.key)
        return (
            isinstance(known, Control)
            and not known.assumed
            and self._clock.now() - known.at <= FRESH
            and (written is None or known.at >= written)
            and not (pending.value is True and isinstance(known.value, float))
            and agrees(known, pending.value)
        )

    async def _send(self, queue: _Queue, batch: Batch) -> None:
        """Send what the device does not hold yet, once the limits let it through.

        Raises AnswerLost or UnexpectedAnswer when it is not known whether it arrived.
        """
        latest = self._clock.now() + LONGEST_WAIT
        pauses = list(RETRY_AFTER)
        while batch:
            try:
                await self._write(queue, batch)
            except Deferred as err:
                await self._wait(queue, batch, err, latest)
            except AnswerLost, UnexpectedAnswer:
                raise
            except Busy, CloudUnavailable:
                if not pauses:
                    raise
                await self._pause(queue, batch, pauses.pop(0))
            except CloudError as err:
                self._finish_all(batch, State.REFUSED, err)
            else:
                return

    async def _wait(
        self, queue: _Queue, batch: Batch, err: Deferred, latest: datetime
    ) -> None:
        """Wait until the vendor lets it through, or somebody wants something newer."""
        now = self._clock.now()
        until = err.retry_at or now + RETRY_QUOTA_AFTER
        if until > latest:
            raise err
        for pending in batch.values():
            self._report(pending, State.QUEUED)
        # A limit that opens just now is not asked again in the same instant.
        await self._pause(queue, batch, max(1.0, (until - now).total_seconds()))

    async def _pause(self, queue: _Queue, batch: Batch, seconds: float) -> None:
        """Sleep, but not longer than something in the batch is still wanted."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._drop_superseded(queue, batch)
        while batch and (left := (until - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, LOOK_UP_EVERY))
            self._drop_superseded(queue, batch)

    def _drop_superseded(self, queue: _Queue, batch: Batch) -> None:
        for key in batch.keys() & queue.waiting.keys():
            self._finish(batch.pop(key), State.SUPERSEDED)

    async def _write(self, queue: _Queue, batch: Batch) -> None:
        today, most = self._house.today(), self._house.writes_per_day()
        if most is not None:
            allowed = max(0, most - self.writes.today(queue.device, today))
            for key in list(batch)[allowed:]:
                self._finish(batch.pop(key), State.REFUSED, err=WritesSpent())
            if not batch:
                return
        changes = {key: pending.value for key, pending in batch.items()}
        try:
            with understood():
                refused = await self._vendor.write(queue.device, changes)
        except AnswerLost, UnexpectedAnswer:
            self._wrote(queue, batch, today)
            raise
        for key, reason in refused.items():
            self._finish(batch.pop(key), State.REFUSED, err=reason)
        self._wrote(queue, batch, today)
        for pending in batch.values():
            self._report(pending, State.ACCEPTED)

    def _wrote(self, queue: _Queue, batch: Batch, today: date) -> None:
        """Count what was written, or may have been."""
        for key in batch:
            self.writes.add(queue.device, today)
            queue.written[key] = self._clock.now()

    async def _prove(
        self,
        queue: _Queue,
        batch: Batch,
        otherwise: State = State.FAILED,
        err: CloudError | None = None,
    ) -> None:
        """Confirm what the device shows; what it does not show in time has failed."""
        if self._vendor.tasks:
            await self._follow(queue, batch, err)
            return
        answered = await self._read_back(queue, batch)
        self._finish_all(batch, otherwise if answered else State.UNCONFIRMED, err)

    async def _follow(
        self, queue: _Queue, batch: Batch, err: CloudError | None = None
    ) -> None:
        """Follow a task to its end; what found the device busy is sent again later."""
        pauses = list(RETRY_TASK_AFTER)
        while batch:
            progress = await self._end_of_task(queue, batch)
            if isinstance(progress.error, Busy) and pauses:
                for pending in batch.values():
                    self._report(pending, State.QUEUED, err=progress.error)
                await self._pause(queue, batch, pauses.pop(0))
                err = await self._redeliver(queue, batch)
                continue
            self._house.learned(queue.device, progress.found)
            state = ENDS[progress.done]
            evidence = progress.evidence if progress else None
            error = None if progress else progress.error or err
            for key in list(batch):
                self._finish(batch.pop(key), state, evidence, error)

    async def _redeliver(self, queue: _Queue, batch: Batch) -> CloudError | None:
        """Give a task again; returns why it is not known whether it arrived."""
        try:
            await self._deliver(queue, batch)
        except (AnswerLost, UnexpectedAnswer) as err:
            return err
        except CloudError as err:
            self._finish_all(batch, State.FAILED, err)
        return None

    async def _end_of_task(self, queue: _Queue, batch: Batch) -> Progress:
        """Ask about a task, as often as the vendor wants, until its end is known."""
        latest = self._clock.now() + LONGEST_WAIT
        while True:
            now = self._clock.now()
            try:
                with understood():
                    progress = await self._vendor.follow(queue.device, list(batch))
            except CloudError as err:
                known = err.retry_at if isinstance(err, Deferred) else None
                again_at = known or now + RETRY_QUOTA_AFTER
            else:
                if progress.done is not None or progress.again_at is None:
                    return progress
                again_at = progress.again_at
            if now >= latest:
                return Progress(done=None)
            wait = max(1.0, (again_at - now).total_seconds())
            await self._clock.sleep(wait)

    async def _read_back(self, queue: _Queue, batch: Batch) -> bool:
        """Confirm what the device shows by and by; returns whether it answered."""
        answered = False
        for pause in READ_BACK_AFTER:
            await self._pause(queue, batch, pause)
            if not batch:
                break
            try:
                found = await self._read(queue.device, batch)
            except CloudError:
                continue
            answered = True
            self._house.learned(queue.device, found)
            for key, control in found.items():
                if (
                    key in batch
                    and isinstance(control, Control)
                    and agrees(control, batch[key].value)
                ):
                    self._finish(batch.pop(key), State.CONFIRMED, Evidence.READ_BACK)
        return answered

    async def _read(self, device: str, batch: Batch) -> Mapping[str, Control | Absent]:
        with understood():
            return await self._vendor.read(device, list(batch))

    def _finish_all(
        self, batch: Batch, state: State, err: CloudError | None = None
    ) -> None:
        for key in list(batch):
            self._finish(batch.pop(key), state, err=err)

    def _finish(
        self,
        pending: Pending,
        state: State,
        evidence: Evidence | None = None,
        err: CloudError | None = None,
    ) -> None:
        outcome = self._report(pending, state, evidence, err)
        for future in (pending.outcome, pending.answer):
            if not future.done():
                future.set_result(outcome)

    def _report(
        self,
        pending: Pending,
        state: State,
        evidence: Evidence | None = None,
        err: CloudError | None = None,
    ) -> Outcome:
        pending.state = state
        outcome = Outcome(
            plant=pending.plant,
            device=pending.device,
            control=pending.key,
            value=pending.value,
            state=state,
            at=self._clock.now(),
            evidence=evidence,
            code=err.code if err else None,
            message=(err.words or err.key) if err else None,
            writes_today=self.writes.today(pending.device, self._house.today()),
        )
        self._house.report(outcome)
        taken_on = state is State.ACCEPTED and self._vendor.tasks
        if taken_on and not pending.answer.done():
            pending.answer.set_result(outcome)
        return outcome


def agrees(control: Control, value: Setting) -> bool:
    """Return whether what a device shows is what was asked for."""
    shown = control.value
    if value is True and isinstance(shown, float):
        return abs(shown) <= CLOCK_AGREES
    if isinstance(shown, (int, float)) and isinstance(value, (int, float)):
        step = control.step or 0.0
        return abs(float(shown) - float(value)) <= max(step / 2, TOLERANCE)
    return shown == value
