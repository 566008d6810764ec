"""The book of one allowance, endpoint and subject: what was spent when, in vendor time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .windows import BOUNDARY, Window


@dataclass(slots=True)
class Book:
    """Calls by slot, and how long a refusal closes the book.

    `fresh` are the calls made since the vendor last showed its clock, whose dates may
    therefore be wrong.
    """

    booked: dict[int, int] = field(default_factory=dict)
    fresh: dict[int, int] = field(default_factory=dict)
    last: float = 0.0
    closed_at: float = 0.0
    pause: float = 0.0
    refusals: int = 0

    @property
    def closed_until(self) -> float:
        """Return when the pause after a refusal ends."""
        return self.closed_at + self.pause

    def used(self, window: Window, at: float) -> int:
        """Return the calls that still count at an instant."""
        first = window.first(at)
        return sum(count for slot, count in self.booked.items() if slot >= first)

    def ahead(self, window: Window, at: float) -> Iterator[tuple[float, int]]:
        """Yield spans (s) to come, and the calls that still count up to their end."""
        shortest, longest = window.horizons(at)
        used = self.used(window, at)
        first = window.first(at)
        for slot in sorted(slot for slot in self.booked if slot >= first):
            if (span := window.expires(slot) - at) >= shortest:
                yield span, used
            used -= self.booked[slot]
        yield longest, used

    def add(self, slots: frozenset[int], count: int) -> None:
        """Book calls."""
        for rows in (self.booked, self.fresh):
            for slot in slots:
                rows[slot] = rows.get(slot, 0) + count

    def settle(self, begun: frozenset[int], ended: frozenset[int], count: int) -> None:
        """Date calls that took a while at their end."""
        if begun != ended:
            self._take(dict.fromkeys(begun - ended, count))
            self.add(ended - begun, count)

    def take_back(self, slots: frozenset[int], count: int) -> None:
        """Book calls no longer."""
        self._take(dict.fromkeys(slots, count))

    def correct(self, window: Window, at: float, used: int) -> None:
        """Follow the vendor's count: foreign calls are booked now, the oldest go first."""
        self._keep(window.sure(at))
        foreign = used - sum(self.booked.values())
        if foreign > 0:
            self.add(window.slots(at), foreign)
        for slot in sorted(self.booked):
            taken = min(max(0, -foreign), self.booked[slot])
            self._take({slot: taken})
            foreign += taken

    def prune(self, window: Window, before: float) -> None:
        """Forget what expired long before an instant that surely has passed."""
        self._keep(window.first(before - 2 * BOUNDARY))

    def _keep(self, first: int) -> None:
        self.booked = {key: row for key, row in self.booked.items() if key >= first}
        self.fresh = {key: row for key, row in self.fresh.items() if key >= first}

    def shift(self, window: Window | None, ahead: float, now: float) -> None:
        """Follow a correction of the clock by `ahead` seconds to `now`.

        What is dated later than now happened by now; and what has happened since the
        vendor last showed its clock is dated now, so that it does not expire early.
        """
        self.last = min(self.last + max(ahead, 0.0), now) if self.last else 0.0
        self.closed_at = min(self.closed_at, now)
        if not window:
            return
        slots = window.slots(now)
        wrong = {key: row for key, row in self.booked.items() if key > max(slots)}
        moved = self._take(self.fresh if ahead > 0 else wrong)
        if moved:
            self.add(slots, moved)

    def _take(self, rows: Mapping[int, int]) -> int:
        """Take calls out of slots, as far as they are there; returns how many."""
        taken = 0
        for slot, count in rows.items():
            taken += min(count, self.booked.get(slot, 0))
            self.booked[slot] = self.booked.get(slot, 0) - count
        self.booked = {slot: count for slot, count in self.booked.items() if count > 0}
        return taken

    def merge(self, other: Book) -> None:
        """Add what another book of the same allowance holds."""
        for slot, count in other.booked.items():
            self.booked[slot] = self.booked.get(slot, 0) + count
        self.last = max(self.last, other.last)
        if other.closed_until > self.closed_until:
            self.closed_at, self.pause = other.closed_at, other.pause

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "booked": list(self.booked.items()),
            "fresh": list(self.fresh.items()),
            "last": self.last,
            "closed_at": self.closed_at,
            "pause": self.pause,
            "refusals": self.refusals,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        return cls(
            **{
                **data,
                "booked": dict(data["booked"]),
                "fresh": dict(data["fresh"]),
            }
        )
