"""A vendor that counts every call by brute force, and refuses what goes over a limit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A limit as a vendor's document words it."""

    limit: int = 0
    per_device: int = 0
    rolling: float | None = None
    zone: ZoneInfo | None = None
    monthly: bool = False
    spacing: float = 0.0
    of_endpoint: bool = False
    of_subject: bool = False
    endpoints: tuple[str, ...] = ()


@dataclass
class Arrival:
    """A call as it arrived."""

    at: float
    endpoint: str
    subjects: tuple[str, ...]


@dataclass
class Referee:
    """The vendor; its clock shows the true time and an offset."""

    rules: tuple[Rule, ...]
    offset: float = 0.0
    devices: int = 1
    arrivals: list[Arrival] = field(default_factory=list)

    def refuses(self, call: Arrival) -> Rule | None:
        """Count a call, or return the rule that it breaks."""
        for rule in self.rules:
            if rule.endpoints and call.endpoint not in rule.endpoints:
                continue
            if rule.of_subject:
                if any(self._broken(rule, call, {one}) for one in call.subjects):
                    return rule
            elif self._broken(rule, call, None):
                return rule
        self.arrivals.append(call)
        return None

    def free(self, rule: Rule, at: float) -> int:
        """Return what remains of an account's limit."""
        return self._limit(rule) - self._spent(rule, Arrival(at, "", ()), None)

    def _limit(self, rule: Rule) -> int:
        return rule.limit + rule.per_device * self.devices

    def _broken(self, rule: Rule, call: Arrival, subject: set[str] | None) -> bool:
        if rule.spacing and any(
            call.at - row.at < rule.spacing
            for row in self._counted(rule, call, subject)
        ):
            return True
        if not self._limit(rule):
            return False
        cost = 1 if rule.of_subject else max(1, len(call.subjects))
        return self._spent(rule, call, subject) + cost > self._limit(rule)

    def _spent(self, rule: Rule, call: Arrival, subject: set[str] | None) -> int:
        return sum(
            1 if rule.of_subject else max(1, len(row.subjects))
            for row in self._counted(rule, call, subject)
            if self._same_window(rule, row.at, call.at)
        )

    def _counted(
        self, rule: Rule, call: Arrival, subject: set[str] | None
    ) -> Iterable[Arrival]:
        return (
            row
            for row in self.arrivals
            if (not rule.of_endpoint or row.endpoint == call.endpoint)
            and (not rule.endpoints or row.endpoint in rule.endpoints)
            and (subject is None or subject & set(row.subjects))
        )

    def _same_window(self, rule: Rule, then: float, now: float) -> bool:
        if rule.rolling:
            return now - then <= rule.rolling
        width = 7 if rule.monthly else 10
        return self._date(rule, then)[:width] == self._date(rule, now)[:width]

    def _date(self, rule: Rule, at: float) -> str:
        utc = datetime.fromtimestamp(at + self.offset, UTC)
        return utc.astimezone(rule.zone).isoformat()
