"""When the newest data should be there: each device's rhythm, the paces, and the night."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..model import DeviceKind, Reading
from ..publication import STALE_PERIODS, Publication
from ..quantity import Kind, quantity
from .client import GrowattClient
from .inventory import Inventory
from .requests import Request

PERIOD = 300.0
# s until a sample shows, and by how much less to try: who comes too early waits for a period.
LAG = 30.0
DECAY = 0.1
SLEEPING_POLL = timedelta(minutes=15)
STALE = timedelta(seconds=STALE_PERIODS * PERIOD)
GRACE = timedelta(hours=2)
# Less than this lies between any two calls.
MOMENT = timedelta(seconds=1)
A_WHILE = timedelta(seconds=8)
WORTH_ASKING = timedelta(seconds=PERIOD / 10)
DARK_POWERS = ("pv_power", "inverter_power", "string_power")
STATE, ASLEEP = "inverter_state", "standby"


class Rhythm:
    """Knows when each device uploads, and which of them sleep."""

    def __init__(
        self, client: GrowattClient, memory: dict[str, Any], inventory: Inventory
    ) -> None:
        """Keep in `memory` when each device uploads, and when it was last in the dark."""
        self._client = client
        self._memory = memory
        self._inventory = inventory
        self._in_the_dark: dict[str, str] = memory.setdefault("in_the_dark", {})
        self._publications = {
            sn: Publication.from_dict(row)
            for sn, row in memory.get("publications", {}).items()
        }

    def keep(self) -> None:
        """Put the rhythms into the memory."""
        self._memory["publications"] = {
            sn: row.as_dict() for sn, row in self._publications.items()
        }

    def observe(self, sn: str, measured: datetime | None, now: datetime) -> None:
        """Learn from what was asked at `now`."""
        self._publication(sn).observe(measured, now)

    def next_round(
        self,
        rows: Collection[Request],
        now: datetime,
        stretch: float,
        dark: Collection[str],
    ) -> datetime:
        """Return when a plant should be asked: once all that are awake have news."""
        awake = [row for row in rows if not self._is_dark(row, now, dark)]
        if not awake:
            return min(self._next(row, now, stretch, dark) for row in rows)
        due = max(self._news(row, now, stretch, dark) for row in awake)
        slow = [row for row in awake if row.is_slow] or awake
        may = [self._earliest(row, now) for row in slow]
        # They are asked one after the other, so each may wait a little for its turn.
        return _put_off(due, min(may) if max(may) - min(may) < A_WHILE else max(may))

    def _is_dark(self, asked: Request, now: datetime, dark: Collection[str]) -> bool:
        """Return whether a request is about inverters that sleep."""
        return all(self.sleeps(sn, now, dark) for sn in asked.devices)

    def _next(
        self, asked: Request, now: datetime, stretch: float, dark: Collection[str]
    ) -> datetime:
        """Return when a request should be made by itself, as far as it may be."""
        news = self._news(asked, now, stretch, dark)
        return max(news, self._earliest(asked, now))

    def _earliest(self, asked: Request, now: datetime) -> datetime:
        """Return when a request may be made next."""
        earliest = self._client.earliest(asked.endpoint, asked.params)
        return now if earliest - now <= MOMENT else earliest

    def _news(
        self, asked: Request, now: datetime, stretch: float, dark: Collection[str]
    ) -> datetime:
        """Return when the first of a request's devices should have a new sample."""
        return min(self._next_of(sn, now, stretch, dark) for sn in asked.devices)

    def _next_of(
        self, sn: str, now: datetime, stretch: float, dark: Collection[str]
    ) -> datetime:
        """Return when the next sample of a device should be there."""
        publication = self._publication(sn)
        if publication.seen and self._inventory.devices[sn].plant in dark:
            if self.sleeps(sn, now, dark):
                return publication.seen + SLEEPING_POLL
        return publication.due(now, stretch)

    def _publication(self, sn: str) -> Publication:
        unknown = Publication(period=PERIOD, lag=LAG, decay=DECAY)
        return self._publications.setdefault(sn, unknown)

    def sleeps(self, sn: str, now: datetime, dark: Collection[str]) -> bool:
        """Return whether an inverter without a battery has gone to sleep for the night."""
        device = self._inventory.devices[sn]
        if device.has_battery or device.kind is not DeviceKind.INVERTER:
            return False
        if device.plant in dark:
            self._in_the_dark[sn] = now.isoformat()
        if (last := self._in_the_dark.get(sn)) is None:
            return False
        return now - datetime.fromisoformat(last) <= GRACE and self.is_stale(sn, now)

    def is_stale(self, sn: str, now: datetime) -> bool:
        """Return whether a device has not told anything for long."""
        measured = self._publication(sn).measured
        return measured is None or now - measured > STALE

    def due(
        self, rows: Collection[Request], now: datetime, dark: Collection[str]
    ) -> list[Request]:
        """Return what is to be asked of a plant now; who sleeps is asked more seldom."""
        if self.next_round(rows, now, 1.0, dark) > now:
            return []
        return [
            row
            for row in rows
            if not self._is_dark(row, now, dark)
            or self._next(row, now, 1.0, dark) <= now
        ]

    def present(self, plant: str, now: datetime) -> datetime:
        """Return the instant of a plant's newest samples, now where all are silent."""
        found = [
            row.measured
            for sn, row in self._publications.items()
            if sn in self._inventory.devices
            and self._inventory.devices[sn].plant == plant
            and row.measured
            and not self.is_stale(sn, now)
        ]
        return max(found, default=now)


def _put_off(due: datetime, earliest: datetime) -> datetime:
    """Return when to ask for a sample that is due before it may be asked for.

    Shortly after it is there it is asked for as soon as may be, else with the next one:
    so that samples are young when they come, and no call is made just before one. What is
    late by a period, as after a restart, does not wait.
    """
    late, period = earliest - due, timedelta(seconds=PERIOD)
    if late <= timedelta():
        return due
    return earliest if late <= WORTH_ASKING or late >= period else due + period


def asleep(readings: Mapping[str, Reading], now: datetime) -> dict[str, Reading]:
    """Return the readings of an inverter at night: no power, counters as they were.

    What the service still tells of voltages and the like is the last sample's.
    """
    return {
        **{key: _dark(key, row, now) for key, row in readings.items()},
        STATE: Reading(value=ASLEEP, at=now),
    }


def _dark(key: str, row: Reading, now: datetime) -> Reading:
    if key.startswith(DARK_POWERS):
        return Reading(value=0.0, at=now)
    if quantity(key).kind in (Kind.MEASUREMENT, Kind.POWER):
        return Reading(value=None, at=row.at)
    return row
