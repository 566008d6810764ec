"""Counters that never lie: they do not fall, and yesterday's value is not today's."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from .quantity import Kind, Quantity

BELIEVED_AFTER = timedelta(hours=6)
LATE_MIDNIGHT = timedelta(hours=3)
UNTIL_IT_WAKES = timedelta(hours=11)
SAME_AS_YESTERDAY = 0.98
WORTH_DOUBTING = 0.3
GROWN = 0.5
# What a counter of the day may lose and still be the same day's, and what tells a reset.
DIPPED = 0.5
RESET = 0.1


@dataclass(slots=True, kw_only=True)
class Mark:
    """The highest value of a counter, and since when lower ones have been seen."""

    high: float
    at: str
    low_since: str | None = None
    day: str | None = None
    yesterday: float = 0.0

    def show(self, value: float, at: datetime, *, trusted: bool = False) -> float:
        """Return what may be shown: a lower value only after it has stayed for hours."""
        if value < self.high and self.low_since is None:
            self.low_since = at.isoformat()
        if trusted or value >= self.high or self._stayed_low(at):
            self.high, self.at, self.low_since = value, at.isoformat(), None
        return self.high

    def _stayed_low(self, at: datetime) -> bool:
        assert self.low_since
        return at - datetime.fromisoformat(self.low_since) >= BELIEVED_AFTER


FIELDS = tuple(row.name for row in fields(Mark))


class Counters:
    """The high-water marks of an account's counters."""

    def __init__(self, stored: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Take over the marks that were stored."""
        self._marks: dict[str, dict[str, Mark]] = {}
        for name, row in (stored or {}).items():
            subject, _, key = name.rpartition("|")
            self._marks.setdefault(subject, {})[key] = Mark(**row)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return a form that JSON can hold."""
        return {
            f"{subject}|{key}": {name: getattr(mark, name) for name in FIELDS}
            for subject, marks in self._marks.items()
            for key, mark in marks.items()
        }

    def known(self, subject: str) -> dict[str, tuple[float, datetime]]:
        """Return the counters of a subject as they last were."""
        return {
            key: (mark.high, datetime.fromisoformat(mark.at))
            for key, mark in self._marks.get(subject, {}).items()
        }

    def accept(
        self,
        subject: str,
        row: Quantity,
        key: str,
        value: float,
        at: datetime,
        now: datetime,
        *,
        trusted: bool = False,
    ) -> float:
        """Return what a counter may show; `at` and `now` in the plant's time zone.

        A sum of counters that were accepted themselves is `trusted`: it may fall with them.
        """
        marks = self._marks.setdefault(subject, {})
        if row.kind is Kind.DAY_COUNTER:
            return self._day(marks, key, value, at, now)
        if (mark := marks.get(key)) is None:
            mark = marks[key] = Mark(high=value, at=at.isoformat())
        return mark.show(value, at, trusted=trusted)

    def accumulate(self, subject: str, key: str, today: float, at: datetime) -> float:
        """Return a lifetime counter made of one that a device resets each day.

        `at` in the plant's time zone. It begins with what the first day has counted. A reset
        may come late or early; a dip and a value that stays over midnight count once.
        """
        marks = self._marks.setdefault(subject, {})
        day = at.date().isoformat()
        if (mark := marks.get(key)) is None:
            mark = marks[key] = Mark(
                high=today, at=at.isoformat(), day=day, yesterday=today
            )
            return mark.high
        last, silent = mark.yesterday, at - datetime.fromisoformat(mark.at)
        overnight = mark.day != day
        if today < last:
            begun = today <= RESET * last or (
                overnight and (today < DIPPED * last or silent > LATE_MIDNIGHT)
            )
        else:
            # The counter was out of sight while it was reset.
            begun = (
                overnight
                and silent > LATE_MIDNIGHT
                and today * SAME_AS_YESTERDAY > last
            )
        if begun:
            mark.day = day
        if begun or today > last:
            mark.high = round(mark.high + (today if begun else today - last), 3)
            mark.yesterday = today
        mark.at = at.isoformat()
        return mark.high

    def _day(
        self,
        marks: dict[str, Mark],
        key: str,
        value: float,
        at: datetime,
        now: datetime,
    ) -> float:
        today = now.date().isoformat()
        if (mark := marks.get(key)) is None:
            mark = marks[key] = Mark(high=0.0, at=at.isoformat(), day=today)
        if mark.day != today:
            mark.yesterday, mark.high, mark.day = mark.high, 0.0, today
        if at.date() != now.date() or self._is_yesterdays(mark, value, now):
            return mark.high
        return mark.show(value, at)

    def _is_yesterdays(self, mark: Mark, value: float, now: datetime) -> bool:
        """Return whether a value soon after midnight still is the day before's.

        A value that just stands there may be so until the inverter wakes.
        """
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        stands = SAME_AS_YESTERDAY * value <= mark.yesterday and not mark.high
        return (
            now - midnight < (UNTIL_IT_WAKES if stands else LATE_MIDNIGHT)
            and mark.yesterday > WORTH_DOUBTING
            and value >= SAME_AS_YESTERDAY * mark.yesterday
            and mark.high < GROWN * mark.yesterday
        )
