"""What Solar-Log allows: no number is published, only that there is a quota.

Loggers upload every 15 minutes, so more calls would bring nothing. What the vendor
refuses with HTTP 429 closes the account for as long as it says, and slows the polls down.
"""

from datetime import datetime, timedelta
from typing import Any

from ..quota import Allowance
from .endpoints import CHANNELS, MONTH

CALLS = "calls"
PAST = "past"
# Years are read in some minutes, not in one breath.
PAST_SPACING = 10.0
INTERVAL = 900.0
LEAST = 300.0
# First and longest pause in s after a refusal that names none.
PAUSES = (900.0, 7200.0)

SLOWER, SLOWEST = 1.5, 4.0
QUIET = timedelta(days=1)
PACE, SINCE = "pace", "since"


def past(endpoint: str) -> str:
    """Return under which name a call about the past is counted."""
    return f"{endpoint} (past)"


def allowances() -> tuple[Allowance, ...]:
    """Return what can be closed by a refusal, and what keeps calls about the past apart."""
    of_the_past = frozenset((past(CHANNELS), past(MONTH)))
    return (
        Allowance(name=CALLS),
        Allowance(name=PAST, endpoints=of_the_past, spacing=PAST_SPACING),
    )


class Pace:
    """By how much the polls are slowed down, as refusals have taught."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Keep in `memory` the factor, and when it last changed."""
        self._memory: dict[str, Any] = memory.setdefault(PACE, {})

    @property
    def factor(self) -> float:
        """Return by how much the interval grows."""
        found: float = self._memory.get(PACE, 1.0)
        return found

    def refused(self, now: datetime) -> None:
        """Learn that the calls were too many."""
        self._memory[PACE] = min(self.factor * SLOWER, SLOWEST)
        self._memory[SINCE] = now.isoformat()

    def succeeded(self, now: datetime) -> None:
        """Learn that they are few enough: after a quiet day a step back is tried."""
        since = self._memory.get(SINCE)
        if since and now - datetime.fromisoformat(since) >= QUIET:
            self._memory[PACE] = max(1.0, self.factor / SLOWER)
            self._memory[SINCE] = now.isoformat() if self.factor > 1 else None
