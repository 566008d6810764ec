"""The active alarms of an account (5.1.3.1): new ones at each poll, old ones in turn."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import CloudError
from ..model import Alarm, Reading, Snapshot
from ..quota import Call
from ..values import number, text
from . import endpoints as on
from .client import HuaweiClient
from .inventory import Inventory
from .listing import Listing
from .samples import PARTIAL

# What one query may span, and how far back it may reach.
SPAN = timedelta(days=31)
REACH = timedelta(days=365)
PROBLEM = "problem"

LANGUAGES: dict[str, str] = {
    "zh": "zh_CN",
    "en": "en_US",
    "ja": "ja_JP",
    "it": "it_IT",
    "nl": "nl_NL",
    "pt": "pt_BR",
    "de": "de_DE",
    "fr": "fr_FR",
    "es": "es_ES",
    "pl": "pl_PL",
}
SEVERITIES: dict[int, str] = {1: "critical", 2: "major", 3: "minor", 4: "warning"}

type Span = tuple[datetime, datetime]


class Alarms:
    """Keeps the active alarms; spans of the past are asked once, and again while they hold one."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        inventory: Inventory,
        listing: Listing,
        language: str,
    ) -> None:
        """Ask in the nearest of the API's ten languages."""
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._listing = listing
        self._language = LANGUAGES.get(language, LANGUAGES["en"])
        self._found: dict[str, Alarm] = {}
        self._searched: datetime | None = None
        self._rechecked: dict[datetime, datetime] = {}
        self._turn = False

    def restore(self, snapshot: Snapshot) -> None:
        """Take over the alarms that were known before a restart."""
        self._found = {alarm.id: alarm for alarm in snapshot.alarms}

    def calls(self) -> tuple[Call, ...]:
        """Return the calls of one poll."""
        batches = len(list(self._inventory.batches(self._listing.closed)))
        return tuple(Call(endpoint=on.ALARMS.path) for _ in range(batches))

    async def poll(self) -> Snapshot:
        """Ask for the alarms of the last month, and for one earlier span.

        Where the allowance is for one of them, they take turns.
        """
        now = self._clock.now()
        recent = (now - SPAN, now)
        earlier = self._earlier(now)
        spans = [recent, earlier] if earlier else [recent]
        if earlier and self._turn:
            spans.reverse()
        failure: CloudError | None = None
        asked: list[Span] = []
        for span in spans:
            try:
                await self._ask(span)
            except PARTIAL as err:
                failure = failure or err
                break
            asked.append(span)
        self._turn = bool(earlier) and earlier not in asked
        if failure and not asked:
            raise failure
        if earlier in asked and earlier:
            self._rechecked[earlier[0]] = now
            if self._searched is None or earlier[0] < self._searched:
                self._searched = earlier[0]
        return self._snapshot(now)

    def _earlier(self, now: datetime) -> Span | None:
        """Return a span before the last month that is still to be asked, or has alarms."""
        oldest = now - REACH
        before = min(self._searched or now - SPAN, now - SPAN)
        if before - oldest > timedelta(days=1):
            return max(before - SPAN, oldest), before
        old = sorted(
            alarm.at
            for alarm in self._found.values()
            if alarm.at and oldest <= alarm.at < now - SPAN
        )
        spans: list[Span] = []
        for at in old:
            if not spans or at >= spans[-1][1]:
                spans.append((at, min(at + SPAN, now - SPAN)))
        never = datetime.min.replace(tzinfo=UTC)
        return min(
            spans, key=lambda span: self._rechecked.get(span[0], never), default=None
        )

    async def _ask(self, span: Span) -> None:
        """Replace what is known of a span by what is active now."""
        begin, end = span
        active: dict[str, Alarm] = {}
        for batch in self._inventory.batches(self._listing.closed):
            for row in await self._client.alarms(batch, begin, end, self._language):
                if alarm := self._alarm(row):
                    active[alarm.id] = alarm
        kept = {
            key: alarm
            for key, alarm in self._found.items()
            if alarm.at is not None and not begin <= alarm.at <= end
        }
        self._found = kept | active

    def _alarm(self, row: Mapping[str, Any]) -> Alarm | None:
        plant, code = text(row.get("stationCode")), text(row.get("alarmId"))
        if plant not in self._inventory.plants or not code:
            return None
        serial, name = text(row.get("esnCode")) or "", text(row.get("devName")) or ""
        device = self._inventory.by_serial(serial, plant) or self._inventory.by_name(
            name, plant
        )
        raised = number(row.get("raiseTime"))
        at = datetime.fromtimestamp(raised / 1000, UTC) if raised else None
        cause = text(row.get("alarmCause"))
        words = text(row.get("alarmName")) or code
        parts = (plant, serial or name, code, row.get("causeId"), raised)
        return Alarm(
            id="_".join(str(part or "") for part in parts),
            device=device.id if device else plant,
            code=code,
            text=f"{words}: {cause}" if cause else words,
            at=at,
            severity=SEVERITIES.get(int(number(row.get("lev")) or 0)),
            advice=text(row.get("repairSuggestion")),
        )

    def _snapshot(self, now: datetime) -> Snapshot:
        """Return the alarms, and which plants have one."""
        devices = self._inventory.devices
        troubled = {
            devices[alarm.device].plant if alarm.device in devices else alarm.device
            for alarm in self._found.values()
        }
        return Snapshot(
            at=now,
            readings={
                plant: {PROBLEM: Reading(value=plant in troubled, at=now)}
                for plant in self._inventory.chosen
            },
            alarms=tuple(self._found.values()),
            alarms_told=True,
        )
