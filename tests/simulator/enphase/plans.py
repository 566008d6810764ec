"""Plans of an application key: hits per minute and month, and which calls it covers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, auto
from typing import Any


class Group(StrEnum):
    """A group of calls that a plan has or has not."""

    DETAILS = auto()
    PRODUCTION = auto()
    CONSUMPTION = auto()
    DEVICE = auto()
    STREAMING = auto()
    CONFIGURATION = auto()


BASIC = frozenset({Group.DETAILS, Group.PRODUCTION, Group.CONSUMPTION})
MONITORING = BASIC | {Group.DEVICE, Group.STREAMING}
ALL = MONITORING | {Group.CONFIGURATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a plan allows."""

    name: str
    minute: int
    month: int
    groups: frozenset[Group]


PLANS = {
    "watt": Plan(name="Watt", minute=10, month=1000, groups=BASIC),
    "kilowatt": Plan(name="Kilowatt", minute=50, month=50_000, groups=MONITORING),
    "megawatt": Plan(name="Megawatt", minute=100, month=300_000, groups=ALL),
    "partner": Plan(name="Partner", minute=300, month=1_500_000, groups=ALL),
}
# The old version's free plan, as long as it was sold.
OLD_WATT = Plan(name="Watt", minute=10, month=10_000, groups=frozenset())


def _month(at: float, later: int = 0) -> float:
    """Return the beginning of a calendar month."""
    now = datetime.fromtimestamp(at, UTC)
    month = now.year * 12 + now.month - 1 + later
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


@dataclass(slots=True, kw_only=True)
class App:
    """An application: its key, and the hits of all who use it."""

    key: str
    plan: Plan
    client_id: str = ""
    client_secret: str = ""
    _hits: dict[tuple[str, float], int] = field(default_factory=dict)

    def _windows(self, at: float) -> tuple[tuple[str, float, float, int], ...]:
        """Return name, start, end and limit of the windows of an instant."""
        minute = at // 60 * 60
        return (
            ("minute", minute, minute + 60, self.plan.minute),
            ("month", _month(at), _month(at, 1), self.plan.month),
        )

    def hits(self, at: float, period: str = "month") -> int:
        """Return the hits of the window of an instant."""
        start = next(row[1] for row in self._windows(at) if row[0] == period)
        return self._hits.get((period, start), 0)

    def spend(self, at: float, hits: int) -> None:
        """Spend hits that another program with the same key has made."""
        for name, start, _, _ in self._windows(at):
            self._hits[name, start] = self._hits.get((name, start), 0) + hits

    def hit(self, at: float) -> dict[str, Any] | None:
        """Count a hit; returns the window that is used up instead, if one is."""
        for name, start, end, limit in self._windows(at):
            if self._hits.get((name, start), 0) >= limit:
                return {
                    "period": name,
                    "period_start": int(start),
                    "period_end": int(end),
                    "limit": limit,
                }
        self.spend(at, 1)
        return None
