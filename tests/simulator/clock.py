"""The one clock of the simulator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Now = Callable[[], datetime]


def system_now() -> datetime:
    """Return the present by the machine's clock, in UTC."""
    return datetime.now(UTC)


class Clock:
    """A source of time that tests may set and advance."""

    def __init__(self, source: Now = system_now) -> None:
        """Start with a source of aware datetimes."""
        self._source = source
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the simulator's present, in UTC."""
        return self._source().astimezone(UTC) + self._offset

    def seconds(self) -> float:
        """Return the simulator's present as a Unix time."""
        return self.now().timestamp()

    def set(self, now: datetime) -> None:
        """Move the present to an instant; the source runs on from there."""
        self._offset = now - self._source()

    def advance(self, seconds: float) -> None:
        """Move the present by some seconds."""
        self._offset += timedelta(seconds=seconds)
