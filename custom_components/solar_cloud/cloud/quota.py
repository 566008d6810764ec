"""The ledger: which call may be made when, so that no allowance is ever exceeded.

The ledger keeps the vendor's time: it is anchored to the clock the vendor's answers show
and runs on a monotonic clock, so a jump of the local clock opens no window early. What it
has spent is stored in lots, ahead of the calls, so a crash can only make it too careful.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from .clock import Clock
from .errors import QuotaExceeded

SLOTS_PER_WINDOW = 240
HORIZONS = (1 / 24, 1 / 8, 1 / 4, 1 / 2, 1)
BOUNDARY = 60.0
CLOCK_TOLERANCE = 5.0


class Purpose(StrEnum):
    """Why a call is made; the reserve is kept for commands."""

    COMMAND = auto()
    POLL = auto()
    HISTORY = auto()


PATIENCE: dict[Purpose, float] = {
    Purpose.COMMAND: 30.0,
    Purpose.POLL: 10.0,
    Purpose.HISTORY: 10.0,
}


class Per(StrEnum):
    """Whose calls an allowance counts together."""

    ACCOUNT = auto()
    SUBJECT = auto()


class Window(Protocol):
    """A span over which the vendor counts."""

    def slots(self, at: float) -> frozenset[int]:
        """Return the slots in which a call made at `at` is booked."""
        ...

    def expires(self, slot: int) -> float:
        """Return when calls booked in a slot no longer count."""
        ...

    def horizons(self, at: float) -> tuple[float, ...]:
        """Return spans (s) over which a plan made at `at` must hold."""
        ...


@dataclass(frozen=True, slots=True)
class Rolling:
    """A window that slides: the last `seconds` count."""

    seconds: float

    @property
    def _slot(self) -> float:
        return self.seconds / SLOTS_PER_WINDOW

    def slots(self, at: float) -> frozenset[int]:
        """Return the slot of an instant."""
        return frozenset({int(at // self._slot)})

    def expires(self, slot: int) -> float:
        """Return the end of the slot plus the window: never early."""
        return (slot + 1) * self._slot + self.seconds

    def horizons(self, at: float) -> tuple[float, ...]:
        """Return parts of the window, so that a burst does not starve what follows."""
        return tuple(part * self.seconds for part in HORIZONS)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A window that the vendor's calendar opens: each day, or each month."""

    zone: ZoneInfo
    monthly: bool = False

    def _period(self, at: float) -> int:
        day = datetime.fromtimestamp(at, self.zone).date()
        return (day.replace(day=1) if self.monthly else day).toordinal()

    def slots(self, at: float) -> frozenset[int]:
        """Return the period; near a boundary both, as the clocks may differ."""
        return frozenset({self._period(at - BOUNDARY), self._period(at + BOUNDARY)})

    def expires(self, slot: int) -> float:
        """Return the start of the next period."""
        first = datetime.fromordinal(slot)
        after = (
            (first.replace(day=28) + timedelta(days=4)).replace(day=1)
            if self.monthly
            else first + timedelta(days=1)
        )
        return after.replace(tzinfo=self.zone).timestamp()

    def horizons(self, at: float) -> tuple[float, ...]:
        """Return the time left in the period."""
        return (max(1.0, self.expires(self._period(at)) - at),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a vendor allows: `limit` calls a window, and `spacing` seconds in between.

    `endpoints` is empty where every endpoint counts; `each` counts them one by one;
    `reserve` calls are kept for commands.
    """

    name: str
    limit: int | None = None
    window: Window | None = None
    endpoints: frozenset[str] = frozenset()
    each: bool = False
    per: Per = Per.ACCOUNT
    spacing: float = 0.0
    reserve: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that somebody wants to make; `subjects` are the devices it is about."""

    endpoint: str
    purpose: Purpose = Purpose.POLL
    subjects: tuple[str, ...] = ()
    cost: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A call that is repeated every `interval` seconds."""

    call: Call
    interval: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of an allowance: for everybody, and for commands."""

    allowance: str
    polls: int
    commands: int
    limit: int
    resets: datetime | None


@dataclass(slots=True)
class _Account:
    """The books of one allowance, endpoint and subject."""

    booked: dict[int, int] = field(default_factory=dict)
    last: float = 0.0
    closed_until: float = 0.0
    refusals: int = 0
    correction: int = 0
    corrected_at: float = 0.0

    def used(self, window: Window, at: float) -> int:
        """Return the calls that still count at an instant."""
        return sum(
            count for slot, count in self.booked.items() if window.expires(slot) > at
        )

    def prune(self, window: Window, before: float) -> None:
        """Forget what has long expired."""
        self.booked = {
            slot: count
            for slot, count in self.booked.items()
            if window.expires(slot) > before
        }

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "booked": [[slot, count] for slot, count in self.booked.items()],
            "last": self.last,
            "closed_until": self.closed_until,
            "refusals": self.refusals,
            "correction": self.correction,
            "corrected_at": self.corrected_at,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        return cls(**{**data, "booked": dict(data["booked"])})


type Save = Callable[[dict[str, Any]], Awaitable[None]]


class Ledger:
    """The books of one account at a vendor."""

    def __init__(
        self,
        allowances: Iterable[Allowance],
        clock: Clock,
        *,
        stored: Mapping[str, Any] | None = None,
        save: Save | None = None,
    ) -> None:
        """Open the books, from what was stored where there is something."""
        self._clock = clock
        self._save = save
        self._lock = asyncio.Lock()
        self._allowances: tuple[Allowance, ...] = ()
        self._subjects: frozenset[str] = frozenset()
        self._accounts: dict[str, _Account] = {}
        self._credit = 0
        self._anchor = clock.now().timestamp()
        self._monotonic = clock.monotonic()
        self.made: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.allow(allowances)
        if stored:
            self._restore(stored)

    @property
    def time(self) -> float:
        """Return the vendor's time as far as we know it, in seconds since 1970."""
        return self._anchor + self._clock.monotonic() - self._monotonic

    def allow(
        self, allowances: Iterable[Allowance], subjects: Iterable[str] = ()
    ) -> None:
        """Take over the allowances, which may depend on the devices there are."""
        self._allowances = tuple(allowances)
        self._subjects = frozenset(subjects) or self._subjects

    def sync(self, vendor_time: datetime) -> None:
        """Follow the clock that an answer of the vendor showed."""
        ahead = vendor_time.timestamp() - self.time
        if abs(ahead) > CLOCK_TOLERANCE:
            self._anchor += ahead

    def earliest(self, call: Call) -> datetime:
        """Return when a call may be made, by every allowance that counts it."""
        return datetime.fromtimestamp(self._earliest(call), UTC)

    @asynccontextmanager
    async def admit(self, call: Call) -> AsyncIterator[None]:
        """Wait for a call's turn, book it, and hold the account's lock while it runs.

        Raises QuotaExceeded when the turn is further away than the purpose can wait.
        """
        waited = 0.0
        while True:
            async with self._lock:
                wait = self._earliest(call) - self.time
                if wait <= 0:
                    await self._store_ahead()
                    self._book(call)
                    try:
                        yield
                    finally:
                        self._touch(call)
                    return
            waited += wait
            if waited > PATIENCE[call.purpose]:
                raise QuotaExceeded(retry_at=self.earliest(call))
            await self._clock.sleep(wait)

    def learn(self, name: str, remaining: int) -> None:
        """Believe the vendor's count of the calls that remain over our own."""
        for allowance in self._named(name):
            if allowance.limit is None or allowance.window is None:
                continue
            account = self._account(self._key(allowance))
            used = account.used(allowance.window, self.time)
            account.correction = remaining - (allowance.limit - used)
            account.corrected_at = self.time

    def close(self, name: str, call: Call, first: float, longest: float) -> datetime:
        """Close one allowance after a refusal: longer each time, until a call succeeds."""
        until = self.time
        for allowance in self._named(name):
            for key in self._keys(allowance, call):
                account = self._account(key)
                pause = min(first * 2**account.refusals, longest)
                account.refusals += 1
                account.closed_until = until = self.time + pause
        self.refused[call.endpoint] = self.refused.get(call.endpoint, 0) + 1
        return datetime.fromtimestamp(until, UTC)

    def succeeded(self, call: Call) -> None:
        """Forget the refusals of the allowances that a call was counted in."""
        for _, account in self._matching(call):
            account.refusals = 0

    def stretch(self, demands: Iterable[Demand]) -> float:
        """Return by how much all intervals must grow for the demands to fit."""
        at = self.time
        rates: dict[str, float] = {}
        owner: dict[str, Allowance] = {}
        for demand in demands:
            for allowance in self._allowances:
                for key in self._keys(allowance, demand.call):
                    cost = _cost(allowance, demand.call)
                    rates[key] = rates.get(key, 0.0) + cost / demand.interval
                    owner[key] = allowance
        return max(
            (self._stretch(owner[key], key, rate, at) for key, rate in rates.items()),
            default=1.0,
        )

    def left(self) -> Left | None:
        """Return the tightest window, or None while nothing is limited."""
        at = self.time
        found = [
            self._left(allowance, key, at)
            for allowance in self._allowances
            if allowance.limit is not None
            for key in self._keys(allowance, Call(endpoint="", subjects=()))
        ]
        return min(found, key=lambda left: left.polls / left.limit, default=None)

    def as_dict(self, ahead: int = 0) -> dict[str, Any]:
        """Return a form that JSON can hold; `ahead` calls may still be made on it."""
        return {
            "time": self.time,
            "ahead": ahead,
            "accounts": {key: row.as_dict() for key, row in self._accounts.items()},
        }

    async def flush(self) -> None:
        """Store the books as they are, with no call outstanding."""
        self._credit = 0
        if self._save:
            await self._save(self.as_dict())

    def adopt(self, other: Ledger) -> None:
        """Take over the books of another secret of the same account."""
        self._restore(other.as_dict())

    def _restore(self, stored: Mapping[str, Any]) -> None:
        self._anchor = max(self._anchor, stored["time"])
        self._accounts = {
            key: _Account.from_dict(row) for key, row in stored["accounts"].items()
        }
        if not (ahead := stored["ahead"]):
            return
        for allowance in self._allowances:
            for key in [key for key in self._accounts if _owns(allowance, key)]:
                account = self._accounts[key]
                account.last = self.time
                if allowance.window:
                    count = ahead * (
                        max(1, len(self._subjects))
                        if allowance.per is Per.ACCOUNT
                        else 1
                    )
                    for slot in allowance.window.slots(self.time):
                        account.booked[slot] = account.booked.get(slot, 0) + count

    async def _store_ahead(self) -> None:
        if self._credit <= 0:
            self._credit = self._lot()
            if self._save:
                await self._save(self.as_dict(ahead=self._credit))
        self._credit -= 1

    def _lot(self) -> int:
        limits = [row.limit for row in self._allowances if row.limit is not None]
        return max(1, min(limits, default=100) // 100)

    def _named(self, name: str) -> list[Allowance]:
        return [row for row in self._allowances if row.name == name]

    def _account(self, key: str) -> _Account:
        return self._accounts.setdefault(key, _Account())

    def _key(self, allowance: Allowance, endpoint: str = "", subject: str = "") -> str:
        return f"{allowance.name}|{endpoint if allowance.each else ''}|{subject}"

    def _keys(self, allowance: Allowance, call: Call) -> list[str]:
        if call.endpoint and allowance.endpoints:
            if call.endpoint not in allowance.endpoints:
                return []
        if allowance.per is Per.ACCOUNT:
            return [self._key(allowance, call.endpoint)]
        subjects = call.subjects or tuple(sorted(self._subjects))
        return [self._key(allowance, call.endpoint, subject) for subject in subjects]

    def _matching(self, call: Call) -> list[tuple[Allowance, _Account]]:
        return [
            (allowance, self._account(key))
            for allowance in self._allowances
            for key in self._keys(allowance, call)
        ]

    def _earliest(self, call: Call) -> float:
        at = self.time
        return max(
            (
                _opens(allowance, account, call, at)
                for allowance, account in self._matching(call)
            ),
            default=at,
        )

    def _book(self, call: Call) -> None:
        at = self.time
        self.made[call.endpoint] = self.made.get(call.endpoint, 0) + 1
        for allowance, account in self._matching(call):
            account.last = at
            if not (window := allowance.window):
                continue
            account.prune(window, at - 2 * BOUNDARY)
            for slot in window.slots(at):
                cost = _cost(allowance, call)
                account.booked[slot] = account.booked.get(slot, 0) + cost

    def _touch(self, call: Call) -> None:
        for _, account in self._matching(call):
            account.last = self.time

    def _stretch(self, allowance: Allowance, key: str, rate: float, at: float) -> float:
        if (limit := allowance.limit) is None or not (window := allowance.window):
            return max(1.0, rate * allowance.spacing)
        account = self._account(key)
        total = limit + _correction(allowance, account, at) - allowance.reserve
        worst = 1.0
        for horizon in window.horizons(at):
            available = max(1, total - account.used(window, at + horizon))
            worst = max(worst, rate * horizon / available)
        return worst

    def _left(self, allowance: Allowance, key: str, at: float) -> Left:
        account = self._account(key)
        assert allowance.limit is not None
        limit = allowance.limit + _correction(allowance, account, at)
        used = account.used(allowance.window, at) if allowance.window else 0
        resets = account.closed_until
        if allowance.window and account.booked:
            resets = max(resets, min(map(allowance.window.expires, account.booked)))
        return Left(
            allowance=allowance.name,
            polls=max(0, limit - used - allowance.reserve),
            commands=max(0, limit - used),
            limit=max(1, allowance.limit),
            resets=datetime.fromtimestamp(resets, UTC) if resets > at else None,
        )


def _owns(allowance: Allowance, key: str) -> bool:
    return key.split("|", 1)[0] == allowance.name


def _cost(allowance: Allowance, call: Call) -> int:
    return call.cost if allowance.per is Per.ACCOUNT else 1


def _correction(allowance: Allowance, account: _Account, at: float) -> int:
    """Return what the vendor's own count adds or takes, until a window has passed."""
    if not account.corrected_at or not (window := allowance.window):
        return 0
    booked = max(window.slots(account.corrected_at))
    return account.correction if window.expires(booked) > at else 0


def _opens(allowance: Allowance, account: _Account, call: Call, at: float) -> float:
    """Return when one allowance lets a call through."""
    opens = max(at, account.closed_until)
    if allowance.spacing and account.last:
        opens = max(opens, account.last + allowance.spacing)
    if allowance.limit is None or not (window := allowance.window):
        return opens
    limit = allowance.limit + _correction(allowance, account, at)
    if call.purpose is not Purpose.COMMAND:
        limit -= allowance.reserve
    excess = account.used(window, at) + _cost(allowance, call) - limit
    for slot in sorted(account.booked):
        if excess <= 0:
            break
        if (expires := window.expires(slot)) > at:
            excess -= account.booked[slot]
            opens = max(opens, expires)
    if excess > 0:
        soonest = max(map(window.expires, window.slots(at)))
        opens = max(opens, soonest)
    return opens
