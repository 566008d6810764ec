"""What a system does now: powers of its meters and batteries, and whether it is heard of."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..model import Reading
from . import endpoints as on, live
from .client import EnphaseClient, NotInPlan
from .energy import Energy, midnight_of
from .listing import LAG, Listing, System

type Found = dict[str, Mapping[str, Reading]]


class Powers:
    """Fetches powers; tells the others what comes with them."""

    def __init__(
        self, client: EnphaseClient, clock: Clock, listing: Listing, energy: Energy
    ) -> None:
        """Take who is to hear of reports and of the production until today."""
        self._client = client
        self._clock = clock
        self._listing = listing
        self._energy = energy

    async def fetch(self, system: System, zone: ZoneInfo) -> Found:
        """Return powers: of the meters, else of the summary."""
        found = await self._fetch(system, zone)
        now = self._clock.now()
        if system.reported is not None:
            silent = now - system.reported
            online = Reading(value=silent < 2 * system.upload + LAG, at=now)
            found[system.id] = {**found.get(system.id, {}), "online": online}
        return found

    async def _fetch(self, system: System, zone: ZoneInfo) -> Found:
        old = self._client.is_old
        if not old and system.has_production_meter:
            with suppress(NotInPlan):
                body = await self._client.call(on.LATEST, system=system.id)
                if found := live.latest(body, system):
                    self._heard(system, found)
                    return {**found}
        endpoint = on.OLD_SUMMARY if old else on.SUMMARY
        body = await self._client.call(endpoint, system=system.id)
        if isinstance(body, Mapping):
            self._listing.heard(system.id, body)
        told = live.summary(body)
        if system.has_production_meter:
            # The meter's own intervals count what it produced.
            return {system.id: _powers(told.readings)}
        self._anchor(system, told, body, zone)
        return {system.id: told.readings}

    def _anchor(
        self, system: System, found: live.Summary, body: Any, zone: ZoneInfo
    ) -> None:
        """Let the counter go on from what a summary of today says."""
        today = self._clock.now().astimezone(zone).date()
        if found.before is not None and body.get("summary_date") == today.isoformat():
            midnight = midnight_of(today, zone)
            self._energy.produced(system, midnight, found.before)

    def _heard(
        self, system: System, found: Mapping[str, Mapping[str, Reading]]
    ) -> None:
        """Take over that a gateway has told of powers."""
        newest = max(row.at for rows in found.values() for row in rows.values())
        self._listing.heard(system.id, {"last_report_at": newest.timestamp()})


def _powers(readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """Return the powers among readings."""
    return {key: row for key, row in readings.items() if key.endswith("_power")}
