"""When to ask a plant: soon after its logger's upload, found by asking earlier and earlier.

The vendor does not tell when a logger uploads, only that it does every 15 minutes. So
each poll comes a minute earlier than the last one, until one comes too early. Never is a
plant asked twice within five minutes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .limits import INTERVAL, LEAST

STEP = 60.0
AGAIN = timedelta(days=1)


@dataclass(slots=True)
class _Known:
    """What is known of a plant: its newest value, and since when its rhythm is found."""

    newest: datetime | None = None
    settled: datetime | None = None
    late: float = 0.0


class Rhythm:
    """The upload rhythms of plants."""

    def __init__(self) -> None:
        """Start without knowing any."""
        self._plants: dict[str, _Known] = {}

    def wait(self, plant: str, newest: datetime | None, now: datetime) -> float:
        """Return how long in s to wait after a poll that found `newest`."""
        known = self._plants.setdefault(plant, _Known())
        came = known.newest is None or newest is None or newest > known.newest
        late, known.late, known.newest = known.late, 0.0, newest
        if not came:
            # A little later will do; a logger that stays silent is not waited for.
            known.settled, known.late = now, 0.0 if late else LEAST
            return INTERVAL if late else LEAST
        if late:
            return INTERVAL - late + STEP
        walking = known.settled is None or now - known.settled >= AGAIN
        return INTERVAL - STEP if walking else INTERVAL
