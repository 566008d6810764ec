"""Alarms that go on, with the vendor's words for their kinds (version 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import CloudError
from ..model import Alarm
from ..values import number, text
from . import endpoints as on
from .client import EnphaseClient

TYPES_FOR = timedelta(days=30)


class Alarms:
    """Fetches the alarms of systems; the kinds are kept in memory."""

    def __init__(
        self, client: EnphaseClient, clock: Clock, memory: dict[str, Any]
    ) -> None:
        """Keep under `event_types`."""
        self._client = client
        self._clock = clock
        self._kept: dict[str, Any] = memory.setdefault("event_types", {})

    async def fetch(self, system: str) -> tuple[Alarm, ...]:
        """Return the alarms of a system that are not over."""
        body = await self._client.call(on.OPEN_ALARMS, system=system)
        rows = body.get("alarms") if isinstance(body, Mapping) else None
        found = [row for row in rows or () if isinstance(row, Mapping)]
        if found:
            await self._kinds()
        return tuple(self._alarm(system, row) for row in found)

    async def _kinds(self) -> None:
        """Ask for the kinds of events where it is time to."""
        now = self._clock.now()
        at = self._kept.get("at")
        if at and now - datetime.fromisoformat(at) < TYPES_FOR:
            return
        try:
            body = await self._client.call(on.EVENT_TYPES)
        except CloudError:
            return
        rows = body.get("event_types") if isinstance(body, Mapping) else None
        self._kept["types"] = {
            str(row.get("event_type_id")): {
                "name": text(row.get("event_name")),
                "advice": text(row.get("recommended_action")),
            }
            for row in rows or ()
            if isinstance(row, Mapping)
        }
        self._kept["at"] = now.isoformat()

    def _alarm(self, system: str, row: Mapping[str, Any]) -> Alarm:
        code = text(row.get("event_type_id")) or "-"
        kind = self._kept.get("types", {}).get(code, {})
        stamp = number(row.get("alarm_start_time"))
        events = row.get("events")
        first = events[0] if isinstance(events, list) and events else {}
        serial = first.get("serial_number") if isinstance(first, Mapping) else None
        return Alarm(
            id=text(row.get("id")) or f"{system}.{code}.{stamp}",
            device=text(serial) or system,
            code=code,
            text=kind.get("name") or code,
            at=datetime.fromtimestamp(stamp, UTC) if stamp else None,
            severity=text(row.get("severity")),
            advice=kind.get("advice"),
        )
