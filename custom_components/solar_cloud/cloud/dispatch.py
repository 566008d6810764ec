"""The life of a setting's command: queued, accepted, read back, and told as it was.

Per device one write at a time; the newest value wins; after a lost answer the device is
asked before anything is sent again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from .clock import Clock
from .control import Absent, Control, Evidence, Outcome, Setting, State
from .errors import (
    AnswerLost,
    Busy,
    CloudError,
    CloudUnavailable,
    QuotaExceeded,
    UnexpectedAnswer,
    understood,
)
from .vendor import Vendor

FRESH = timedelta(minutes=1)
READ_BACK_AFTER = (0.0, 5.0, 15.0, 40.0)
RETRY_AFTER = (5.0, 20.0, 60.0)
RETRY_QUOTA_AFTER = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=24)
LOOK_UP_EVERY = 5.0
CLOCK_AGREES = 120.0
TOLERANCE = 1e-6


class WritesSpent(CloudError):
    """The user's own bound on writes per device and day is reached."""

    key = "writes_spent"


@dataclass(slots=True, eq=False)
class Pending:
    """A command on its way, and what has become of it so far."""

    plant: str
    device: str
    key: str
    value: Setting
    outcome: asyncio.Future[Outcome]
    state: State = State.QUEUED


type Batch = dict[str, Pending]


@dataclass(slots=True)
class _Queue:
    """The commands that wait for a device, and whether somebody carries them out.

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
        self._queues: dict[str, _Queue] = {}
        self.writes = Writes()

    def submit(self, device: str, key: str, value: Setting) -> Pending:
        """Take a command in; an older one for the same control is superseded."""
        queue = self._queues.setdefault(device, _Queue(device))
        if older := queue.waiting.pop(key, None):
            self._finish(older, State.SUPERSEDED)
        plant = self._house.plant_of(device)
        outcome = asyncio.get_running_loop().create_future()
        pending = Pending(plant, device, key, value, outcome)
        queue.waiting[key] = pending
        if not queue.busy:
            queue.busy = True
            self._house.spawn(self._work(queue))
        return pending

    def queued(self, pending: Pending) -> Outcome:
        """Report a command that still waits, or whose proof does."""
        return self._report(pending, pending.state)

    async def _work(self, queue: _Queue) -> None:
        try:
            while queue.waiting:
                batch, queue.waiting = queue.waiting, {}
                await self._carry_out(queue, batch)
        finally:
            queue.busy = False

    async def _carry_out(self, queue: _Queue, batch: Batch) -> None:
        for key in list(batch):
            if self._shown(queue, batch[key]):
                self._finish(batch.pop(key), State.CONFIRMED, Evidence.READ_BACK)
        try:
            try:
                await self._send(queue, batch)
            except AnswerLost:
                if not await self._read_back(queue, batch):
                    self._finish_all(batch, State.UNCONFIRMED)
                await self._send(queue, batch)
            await self._prove(queue, batch, State.FAILED)
        except AnswerLost as err:
            await self._prove(queue, batch, State.FAILED, err)
        except UnexpectedAnswer as err:
            await self._prove(queue, batch, State.REFUSED, err)
        except CloudError as err:
            self._finish_all(batch, State.FAILED, err)

    def _shown(self, queue: _Queue, pending: Pending) -> bool:
        """Return whether a fresh read-back shows the value already; never for a button."""
        known = self._house.known(pending.device, pending.key)
        written = queue.written.get(pending.key)
        return (
            isinstance(known, Control)
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
            except QuotaExceeded as err:
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
        self, queue: _Queue, batch: Batch, err: QuotaExceeded, latest: datetime
    ) -> None:
        """Wait for the vendor's limit, as long as nobody wants something newer."""
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
        otherwise: State,
        err: CloudError | None = None,
    ) -> None:
        """Confirm what the device shows; what it does not show in time has failed."""
        answered = await self._read_back(queue, batch)
        self._finish_all(batch, otherwise if answered else State.UNCONFIRMED, err)

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
        if not pending.outcome.done():
            pending.outcome.set_result(outcome)

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
