"""The ledger: which call may be made when, so that no allowance is ever exceeded.

The ledger keeps the vendor's time: it is anchored to the clock that the vendor's answers
show and runs on a monotonic clock, so a jump of the local clock opens no window early.
What it may spend is stored in lots, ahead of the calls, so a crash only makes it too
careful. One thing cannot be known: how long Home Assistant was down. When books that were
full are opened again under a local clock that runs ahead, one call is made too early; its
answer shows the vendor's clock, and as nothing is forgotten before, it stays at that one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from .allowance import Allowance, Call, Demand, Left, Per, Purpose
from .books import Book
from .clock import Clock
from .errors import QuotaExceeded
from .windows import Calendar, Rolling, Window

__all__ = [
    "Allowance",
    "Calendar",
    "Call",
    "Demand",
    "Ledger",
    "Left",
    "Per",
    "Purpose",
    "Rolling",
    "Window",
]

LOTS = 100
CLOCK_TOLERANCE = 5.0
SHORTEST_SLEEP = 0.001
TURN = 1.0
GIVE_WAY = 0.1
MANY_BOOKS = 500

PATIENCE: dict[Purpose, float] = {
    Purpose.COMMAND: 30.0,
    Purpose.POLL: 10.0,
    Purpose.HISTORY: 10.0,
}


@dataclass(slots=True)
class _Plan:
    """What the feeds ask of one book, per second."""

    allowance: Allowance
    cost: float = 0.0
    calls: float = 0.0


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
        self._books: dict[str, Book] = {}
        self._counted: dict[Call, tuple[tuple[Allowance, str, int], ...]] = {}
        self._plan: dict[str, _Plan] = {}
        self._demands: dict[str, tuple[Demand, ...]] = {}
        self._ahead: dict[str, int] | None = None
        self._spent: dict[str, int] = {}
        self._doubt: Mapping[str, int] | None = None
        self._news = False
        self._commands = 0
        self._anchor = clock.now().timestamp()
        self._monotonic = clock.monotonic()
        self.made: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.allow(allowances)
        if stored:
            self._restore(stored)
        self._opened = self.time
        self._proven = stored["time"] if stored else self._anchor

    @property
    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._monotonic

    @property
    def time(self) -> float:
        """Return the vendor's time as far as we know it, in seconds since 1970."""
        return self._anchor + self._elapsed

    def allow(
        self, allowances: Iterable[Allowance], subjects: Iterable[str] = ()
    ) -> None:
        """Take over the allowances, which may depend on the devices there are."""
        self._allowances = tuple(allowances)
        self._subjects = frozenset(subjects) or self._subjects
        self._counted.clear()
        self._plan = {}

    def sync(self, vendor_time: datetime) -> None:
        """Follow the clock that an answer of the vendor showed."""
        ahead = vendor_time.timestamp() - self.time
        if abs(ahead) > CLOCK_TOLERANCE:
            self._anchor += ahead
            self._opened = self.time
            for allowance in self._allowances:
                for book in self._of(allowance).values():
                    book.shift(allowance.window, ahead, self.time)
        self._proven = self._anchor
        for book in self._books.values():
            book.fresh = {}

    def earliest(self, call: Call) -> datetime:
        """Return when, by the local clock, a call may be made by every allowance."""
        return self._local(self._earliest(call))

    @asynccontextmanager
    async def admit(self, call: Call) -> AsyncIterator[None]:
        """Wait for a call's turn, book it, and hold the account's lock while it runs.

        Raises QuotaExceeded when the turn is further away than the purpose can wait.
        """
        command = call.purpose is Purpose.COMMAND
        waited = 0.0
        while True:
            async with self._lock:
                wait = self._earliest(call) - self.time
                if wait <= 0 and (command or not self._commands):
                    begun = await self._book(call)
                    try:
                        yield
                    finally:
                        self._settle(call, begun)
                    return
            if wait <= 0:
                await self._clock.sleep(GIVE_WAY)
                continue
            # The turns of others are no quota that is used up.
            waited += wait if wait > TURN else 0.0
            if waited > PATIENCE[call.purpose]:
                await self._keep_news()
                raise QuotaExceeded(retry_at=self.earliest(call))
            self._commands += command
            try:
                await self._clock.sleep(max(wait, SHORTEST_SLEEP))
            finally:
                self._commands -= command

    def limits(self, name: str, endpoint: str) -> bool:
        """Return whether there is an allowance of this name that counts an endpoint."""
        return any(
            row.name == name and (not row.endpoints or endpoint in row.endpoints)
            for row in self._allowances
        )

    def learn(self, name: str, remaining: int, call: Call | None = None) -> None:
        """Believe the vendor's count of the calls that remain over our own."""
        at = self.time
        self._news = True
        for allowance, key, _ in self._matching(call or Call(endpoint="")):
            limit, window = allowance.limit, allowance.window
            if allowance.name == name and limit and window:
                self._books[key].correct(window, at, limit - remaining)

    def close(self, name: str, call: Call, first: float, longest: float) -> datetime:
        """Close one allowance after a refusal: longer each time, until a call succeeds."""
        at = until = self.time
        self._news = True
        for allowance, key, _ in self._matching(call):
            if allowance.name == name:
                book = self._books[key]
                book.closed_at = at
                book.pause = min(first * 2**book.refusals, longest)
                book.refusals += 1
                until = book.closed_until
        self.refused[call.endpoint] = self.refused.get(call.endpoint, 0) + 1
        return self._local(until)

    def forgive(self, call: Call, but: str) -> None:
        """Take back the last call, which the vendor counted for nobody; not from `but`."""
        at = self.time
        for allowance, key, cost in self._matching(call):
            if allowance.name != but:
                book = self._books[key]
                book.last = 0.0
                if window := allowance.window:
                    book.take_back(window.slots(at), cost)

    def succeeded(self, call: Call) -> None:
        """Forget the refusals of the allowances that a call was counted in."""
        for _, key, _ in self._matching(call):
            self._books[key].refusals = 0

    def stretch(self, demands: Iterable[Demand], holder: str = "") -> float:
        """Return by how much all intervals must grow for all holders' demands to fit."""
        self._demands[holder] = tuple(demands)
        self._plan = {}
        for demand in chain.from_iterable(self._demands.values()):
            if demand.call not in self._counted:
                self._counted[demand.call] = tuple(self._matching(demand.call))
            for allowance, key, cost in self._counted[demand.call]:
                if not allowance.stretches:
                    continue
                plan = self._plan.setdefault(key, _Plan(allowance))
                plan.cost += cost / demand.interval
                plan.calls += 1 / demand.interval
        at = self.time
        return max(
            (_stretch(plan, self._books[key], at) for key, plan in self._plan.items()),
            default=1.0,
        )

    def leave(self, holder: str) -> None:
        """Forget the demands of a holder, who asks nothing any more."""
        self._demands.pop(holder, None)

    def left(self) -> Left | None:
        """Return the tightest window, or None while nothing is limited."""
        at = self.time
        found = [
            self._left(allowance, allowance.limit, allowance.window, book, at)
            for allowance in self._allowances
            if allowance.limit and allowance.window and allowance.stretches
            for book in (*self._of(allowance).values(), Book())
        ]
        return min(found, key=lambda left: left.polls / left.limit, default=None)

    def as_dict(self, ahead: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Return a form that JSON can hold; `ahead` calls may still be made on it."""
        return {
            "time": self.time,
            "ahead": ahead,
            "books": {key: row.as_dict() for key, row in self._books.items()},
        }

    async def flush(self) -> None:
        """Store the books as they are, with no call outstanding."""
        self._ahead, self._news = None, False
        if self._save:
            await self._save(self.as_dict())

    def adopt(self, other: Ledger) -> None:
        """Add the books of another secret of the same account."""
        self._ahead = None
        self.sync(datetime.fromtimestamp(other.time, UTC))
        for key, book in other._books.items():
            self._books.setdefault(key, Book()).merge(book)

    def clear(self) -> None:
        """Forget all calls: another ledger has them now."""
        self._books.clear()
        self._counted.clear()
        self._plan = {}

    def _restore(self, stored: Mapping[str, Any]) -> None:
        self._anchor = max(self._anchor, stored["time"])
        self._books = {key: Book.from_dict(row) for key, row in stored["books"].items()}
        self._doubt = stored["ahead"]
        for allowance in self._allowances:
            for book in self._of(allowance).values():
                self._doubt_book(allowance, book, self.time)

    def _doubt_book(self, allowance: Allowance, book: Book, at: float) -> None:
        """Book what a crash may have hidden."""
        if self._doubt is None:
            return
        book.last = at
        if allowance.window and (count := self._doubt.get(allowance.name)):
            book.add(allowance.window.slots(at), count)

    def _local(self, at: float) -> datetime:
        return self._clock.now() + timedelta(seconds=at - self.time)

    def _of(self, allowance: Allowance) -> dict[str, Book]:
        return {
            key: book
            for key, book in self._books.items()
            if key.split("|", 1)[0] == allowance.name
        }

    def _keys(self, allowance: Allowance, call: Call) -> list[str]:
        if call.endpoint and allowance.endpoints:
            if call.endpoint not in allowance.endpoints:
                return []
        endpoint = call.endpoint if allowance.each else ""
        if allowance.per is Per.ACCOUNT:
            return [f"{allowance.name}|{endpoint}|"]
        subjects = call.subjects or tuple(sorted(self._subjects))
        return [f"{allowance.name}|{endpoint}|{subject}" for subject in subjects]

    def _matching(self, call: Call) -> list[tuple[Allowance, str, int]]:
        """Return the allowances that count a call, with the key of the book and the cost."""
        found = [
            (allowance, key, allowance.cost(call))
            for allowance in self._allowances
            for key in self._keys(allowance, call)
        ]
        for allowance, key, _ in found:
            if key not in self._books:
                self._books[key] = Book()
                self._doubt_book(allowance, self._books[key], self._opened)
        return found

    def _earliest(self, call: Call) -> float:
        at = self.time
        return max(
            (
                self._opens(allowance, key, cost, call.purpose, at)
                for allowance, key, cost in self._matching(call)
            ),
            default=at,
        )

    def _opens(
        self, allowance: Allowance, key: str, cost: int, purpose: Purpose, at: float
    ) -> float:
        """Return when one allowance lets a call through."""
        book = self._books[key]
        opens = max(at, book.closed_until)
        if allowance.spacing and book.last:
            opens = max(opens, book.last + allowance.spacing)
        if allowance.limit is None or not (window := allowance.window):
            return opens
        limit = allowance.limit
        if purpose is not Purpose.COMMAND:
            limit -= allowance.reserve
        opens = max(opens, _frees(book, window, cost, limit, at))
        if purpose is Purpose.HISTORY and (plan := self._plan.get(key)):
            if any(
                used + cost + plan.cost * span > limit
                for span, used in book.ahead(window, at)
            ):
                opens = max(opens, at + window.horizons(at)[0])
        return opens

    async def _book(self, call: Call) -> float:
        """Book a call; what it may lead to is stored before it is made."""
        self._forget()
        rows = self._matching(call)
        to_store = None
        if self._news or not self._covered(rows):
            self._news, self._spent = False, {}
            self._ahead = {
                row.name: max(row.cost(call), row.limit // LOTS)
                for row in self._allowances
                if row.limit
            }
            to_store = self.as_dict(self._ahead)
        at = self.time
        proven = self._proven + self._elapsed
        for allowance, key, cost in rows:
            book = self._books[key]
            book.last = at
            self._spent[key] = self._spent.get(key, 0) + cost
            if window := allowance.window:
                slots = window.slots(at)
                if not slots <= book.booked.keys():
                    book.prune(window, proven)
                book.add(slots, cost)
        if to_store and self._save:
            try:
                await self._save(to_store)
            except BaseException:
                self._ahead = None
                raise
        self.made[call.endpoint] = self.made.get(call.endpoint, 0) + 1
        return at

    def _forget(self) -> None:
        """Forget spacings that are over: requests that are made once leave many books."""
        if len(self._books) <= MANY_BOOKS:
            return
        at = self.time
        for allowance in self._allowances:
            if allowance.window or allowance.per is not Per.SUBJECT:
                continue
            for key, book in self._of(allowance).items():
                if max(book.last + allowance.spacing, book.closed_until) < at:
                    self._counted.clear()
                    del self._books[key]

    async def _keep_news(self) -> None:
        """Store what the vendor told, while no call can be made that would."""
        if self._news and self._save:
            self._news = False
            await self._save(self.as_dict(self._ahead))

    def _covered(self, rows: list[tuple[Allowance, str, int]]) -> bool:
        """Return whether the stored books already hold a call."""
        ahead = self._ahead
        return ahead is not None and all(
            self._spent.get(key, 0) + cost <= ahead.get(allowance.name, 0)
            for allowance, key, cost in rows
            if allowance.limit
        )

    def _settle(self, call: Call, begun: float) -> None:
        at = self.time
        for allowance, key, cost in self._matching(call):
            book = self._books[key]
            book.last = at
            if window := allowance.window:
                book.settle(window.slots(begun), window.slots(at), cost)

    def _left(
        self, allowance: Allowance, limit: int, window: Window, book: Book, at: float
    ) -> Left:
        free = max(0, limit - book.used(window, at))
        first = window.first(at)
        resets = book.closed_until
        if resets > at:
            free = 0
        elif counting := [slot for slot in book.booked if slot >= first]:
            resets = window.expires(min(counting))
        polls = max(0, free - allowance.reserve)
        spent = at
        if (used := book.used(window, at)) and polls:
            spent += polls * (at - window.began(at)) / used
        return Left(
            allowance=allowance.name,
            polls=polls,
            commands=free,
            limit=limit,
            resets=self._local(resets) if resets > at else None,
            spent=self._local(spent) if at < spent < resets else None,
        )


def _frees(book: Book, window: Window, cost: int, limit: int, at: float) -> float:
    """Return when a window has room for a call."""
    first = window.first(at)
    excess = book.used(window, at) + cost - limit
    opens = at
    for slot in sorted(slot for slot in book.booked if slot >= first):
        if excess <= 0:
            return opens
        excess -= book.booked[slot]
        opens = window.expires(slot)
    if excess > 0:
        opens = max(map(window.expires, window.slots(at)))
    return opens


def _stretch(plan: _Plan, book: Book, at: float) -> float:
    """Return by how much the feeds must slow down for one book."""
    allowance = plan.allowance
    worst = max(1.0, plan.calls * allowance.spacing)
    if not allowance.limit or not (window := allowance.window):
        return worst
    total = allowance.limit - allowance.reserve
    if sum(book.booked.values()) + plan.cost * window.horizons(at)[1] <= total:
        return worst
    for span, used in book.ahead(window, at):
        worst = max(worst, plan.cost * span / max(1, total - used))
    return worst
