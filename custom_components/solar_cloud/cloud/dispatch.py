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
from .errors import AnswerLost, Busy, CloudError, CloudUnavailable, QuotaExceeded
from .vendor import Vendor

FRESH = timedelta(minutes=1)
READ_BACK_AFTER = (0.0, 5.0, 15.0, 40.0)
RETRY_AFTER = (5.0, 20.0, 60.0)
LONGEST_WAIT = timedelta(hours=24)
CLOCK_AGREES = 120.0
TOLERANCE = 1e-6


class WritesSpent(CloudError):
    """The user's own bound on writes per device and day is reached."""

    key = "writes_spent"


@dataclass(slots=True, eq=False)
class Pending:
    """A command on its way, and what has become of it so far."""

    device: str
    key: str
    value: Setting
    outcome: asyncio.Future[Outcome]
    state: State = State.QUEUED


@dataclass(slots=True)
class _Queue:
    """The commands that wait for a device, and whether somebody carries them out."""

    waiting: dict[str, Pending] = field(default_factory=dict)
    busy: bool = False


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
        queue = self._queues.setdefault(device, _Queue())
        if older := queue.waiting.pop(key, None):
            self._finish(older, State.SUPERSEDED)
        pending = Pending(
            device, key, value, asyncio.get_running_loop().create_future()
        )
        queue.waiting[key] = pending
        if not queue.busy:
            queue.busy = True
            self._house.spawn(self._work(queue, device))
        return pending

    def queued(self, pending: Pending) -> Outcome:
        """Report a command that still waits, or whose proof does."""
        return self._report(pending, pending.state)

    async def _work(self, queue: _Queue, device: str) -> None:
        try:
            while queue.waiting:
                batch, queue.waiting = queue.waiting, {}
                await self._carry_out(queue, device, batch)
        finally:
            queue.busy = False

    async def _carry_out(
        self, queue: _Queue, device: str, batch: dict[str, Pending]
    ) -> None:
        for key in list(batch):
            if self._shown(device, key, batch[key].value):
                self._finish(batch.pop(key), State.CONFIRMED, Evidence.READ_BACK)
        if not batch:
            return
        try:
            lost = await self._send(queue, device, batch)
            if batch and lost:
                await self._find_out(queue, device, batch)
            elif batch:
                await self._read_back(device, batch)
        except CloudError as err:
            for pending in batch.values():
                self._finish(pending, State.FAILED, err=err)

    def _shown(self, device: str, key: str, value: Setting) -> bool:
        """Return whether a fresh read-back shows the value already."""
        known = self._house.known(device, key)
        return (
            isinstance(known, Control)
            and self._clock.now() - known.at <= FRESH
            and known.value is not None
            and agrees(known, value)
        )

    async def _send(
        self, queue: _Queue, device: str, batch: dict[str, Pending]
    ) -> bool:
        """Send once the limits let it through; returns whether the answer was lost."""
        started = self._clock.now()
        for pause in (*RETRY_AFTER, None):
            self._drop_superseded(queue, batch)
            if not batch:
                return False
            try:
                await self._write(device, batch)
            except QuotaExceeded as err:
                await self._wait(queue, batch, err.retry_at, started)
            except AnswerLost:
                return True
            except Busy, CloudUnavailable:
                if pause is None:
                    raise
                await self._clock.sleep(pause)
            except CloudError as err:
                for key in list(batch):
                    self._finish(batch.pop(key), State.REFUSED, err=err)
                return False
            else:
                return False
        return await self._send(queue, device, batch)

    async def _wait(
        self,
        queue: _Queue,
        batch: dict[str, Pending],
        retry_at: datetime | None,
        started: datetime,
    ) -> None:
        """Wait for the vendor's limit, as long as nobody wants something newer."""
        for pending in batch.values():
            self._report(pending, State.QUEUED)
        now = self._clock.now()
        until = retry_at or now + timedelta(minutes=1)
        if until - started > LONGEST_WAIT:
            raise QuotaExceeded(retry_at=retry_at)
        while (left := (until - self._clock.now()).total_seconds()) > 0 and batch:
            await self._clock.sleep(min(left, 30.0))
            self._drop_superseded(queue, batch)

    def _drop_superseded(self, queue: _Queue, batch: dict[str, Pending]) -> None:
        for key in list(batch):
            if key in queue.waiting:
                self._finish(batch.pop(key), State.SUPERSEDED)

    async def _write(self, device: str, batch: dict[str, Pending]) -> None:
        today, most = self._house.today(), self._house.writes_per_day()
        if most is not None and self.writes.today(device, today) + len(batch) > most:
            raise WritesSpent
        for _ in batch:
            self.writes.add(device, today)
        changes = {key: pending.value for key, pending in batch.items()}
        refused = await self._vendor.write(device, changes)
        for key, err in refused.items():
            self._finish(batch.pop(key), State.REFUSED, err=err)
        for pending in batch.values():
            self._report(pending, State.ACCEPTED)

    async def _find_out(
        self, queue: _Queue, device: str, batch: dict[str, Pending]
    ) -> None:
        """After a lost answer: read back, and send once more what did not arrive."""
        await self._read_back(device, batch, final=False)
        if not batch:
            return
        await self._send(queue, device, batch)
        if batch:
            await self._read_back(device, batch)

    async def _read_back(
        self, device: str, batch: dict[str, Pending], *, final: bool = True
    ) -> None:
        """Confirm what the device shows; what it does not show in time has failed."""
        answered = False
        for pause in READ_BACK_AFTER:
            await self._clock.sleep(pause)
            try:
                found = await self._vendor.read(device, list(batch))
            except CloudError:
                continue
            answered = True
            self._house.learned(device, found)
            for key, control in found.items():
                if isinstance(control, Control) and agrees(control, batch[key].value):
                    self._finish(batch.pop(key), State.CONFIRMED, Evidence.READ_BACK)
            if not batch or not final:
                return
        state = State.FAILED if answered else State.UNCONFIRMED
        if final:
            for key in list(batch):
                self._finish(batch.pop(key), state)

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
            plant=self._house.plant_of(pending.device),
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
