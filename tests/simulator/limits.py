"""Limits on calls, as tables: so many in a rolling window, per whatever key."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# A client that keeps a spacing to the millisecond must not be refused because
# the loopback delivered one call a little late and the next in time.
TOLERANCE = 0.02

type Keys[X] = Callable[[X], Iterable[tuple[str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit[X]:
    """A limit: the calls that a window allows for each key of an exchange."""

    name: str
    window: float
    allowed: Callable[[X], int]
    keys: Keys[X]


class LimitBoard[X]:
    """Counts the calls of a vendor against its limits."""

    def __init__(self, limits: tuple[Limit[X], ...]) -> None:
        """Start with nothing spent."""
        self._limits = limits
        self._spent: dict[tuple[str, str], deque[tuple[float, int]]] = {}

    def spent(self, limit: Limit[X], key: str, at: float) -> int:
        """Return what has been spent in the window that ends at an instant."""
        calls = self._spent.setdefault((limit.name, key), deque())
        while calls and calls[0][0] <= at - limit.window + TOLERANCE:
            calls.popleft()
        return sum(cost for _, cost in calls)

    def refused_by(self, exchange: X, at: float) -> Limit[X] | None:
        """Return the limit that refuses an exchange, else count it against all."""
        for limit in self._limits:
            allowed = limit.allowed(exchange)
            for key, cost in limit.keys(exchange):
                if self.spent(limit, key, at) + cost > allowed:
                    return limit
        for limit in self._limits:
            for key, cost in limit.keys(exchange):
                self._spent[limit.name, key].append((at, cost))
        return None

    def spend(self, limit: Limit[X], key: str, at: float, cost: int) -> None:
        """Spend calls that another client of the account has made."""
        self._spent.setdefault((limit.name, key), deque()).append((at, cost))
