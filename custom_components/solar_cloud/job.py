"""The import of a plant's past: how far it is, and the part that is being fetched."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from .cloud.model import Energies, EnergyRow

ONE_DAY = timedelta(days=1)

# What is written together, as each part moves all later sums: so many days, while memory
# holds their rows.
TOGETHER = 366
MOST_ROWS = 100_000
# Empty days after which the past is taken to be over.
EMPTY = 62


@dataclass(slots=True, kw_only=True)
class Job:
    """The import of a plant's past, from `last` back to `first`; `next` is yet to come.

    Without `first` it goes back until the vendor has nothing more.
    """

    last: str
    next: str
    first: str | None = None
    done: bool = False
    empty: int = 0
    offsets: dict[str, float] = field(default_factory=dict)

    @property
    def coming(self) -> date:
        """Return the day that is next."""
        return date.fromisoformat(self.next)

    @property
    def until(self) -> date:
        """Return the day to go back to."""
        return date.fromisoformat(self.first) if self.first else date.min

    @property
    def progress(self) -> float | None:
        """Return how much is done in %, None while nobody knows how much there is."""
        if self.done:
            return 100.0
        if self.first is None:
            return None
        last = date.fromisoformat(self.last)
        whole = (last - self.until).days + 1
        return round(100 * (last - self.coming).days / whole, 1)


@dataclass(slots=True, kw_only=True)
class Part:
    """Days back from `last` that are written together; `day` is the next one to fetch."""

    last: date
    day: date
    rows: list[EnergyRow] = field(default_factory=list)
    beginning: bool = False
    empty: int = 0

    def add(self, found: Energies) -> None:
        """Add what was fetched, from the next day back."""
        empty = not any(row.kwh for row in found.rows)
        self.empty = self.empty + (self.day - found.first).days + 1 if empty else 0
        self.rows += found.rows
        self.day, self.beginning = found.first - ONE_DAY, found.beginning

    def whole(self, first: date) -> bool:
        """Return whether it is enough to write, or nothing comes before it."""
        return (
            self.beginning
            or self.day < max(first, self.last - timedelta(days=TOGETHER - 1))
            or len(self.rows) >= MOST_ROWS
            or self.empty >= EMPTY
        )
