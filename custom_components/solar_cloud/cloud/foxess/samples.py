"""The newest samples of inverters: asked when they should be there, up to 50 in a call."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from itertools import batched
from typing import Any

from ..clock import Clock
from ..errors import CloudError, DeviceGone, Refused
from ..model import Device, Reading, Snapshot
from ..publication import STALE_PERIODS, Publication
from ..quantity import Kind, quantity
from ..values import instant
from .client import BATCH, FoxessClient
from .inventory import Inventory
from .listing import Listing
from .readings import Sample, read
from .today import Today

PERIOD = 300.0
# Shorter than the age at which a reading is no longer current.
SLEEPING_POLL = timedelta(minutes=15)
GRACE = timedelta(hours=2)
V0_FOR = timedelta(hours=24)
STALE = timedelta(seconds=STALE_PERIODS * PERIOD)

DARK_POWERS = ("pv_power", "inverter_power", "string_power")
OWN_YIELD, PRODUCTION = "pv_energy", "inverter_energy"
SECOND_METER = "external_pv_power"
ONLINE = "online"
STATE, ASLEEP = "inverter_state", "standby"


class Samples:
    """Fetches and keeps the newest sample of each inverter of an account."""

    def __init__(
        self,
        client: FoxessClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
        listing: Listing,
    ) -> None:
        """Keep in `memory` when each inverter uploads, and when it was last in the dark."""
        self._client = client
        self._clock = clock
        self._memory = memory
        self._inventory = inventory
        self._listing = listing
        self._in_the_dark: dict[str, str] = memory.setdefault("in_the_dark", {})
        self._own_yield: list[str] = memory.setdefault("pv_energy_seen", [])
        self._publications = {
            sn: Publication.from_dict(row)
            for sn, row in memory.get("publications", {}).items()
        }
        self._today = Today(memory)
        self._gone = False
        self.readings: dict[str, Mapping[str, Reading]] = {}
        self.devices: dict[str, Device] = {}

    def restore(self, snapshot: Snapshot) -> None:
        """Take over what was fetched before a restart."""
        self.readings = dict(snapshot.readings)
        self.devices = dict(snapshot.devices)

    def has(self, sn: str, key: str) -> bool:
        """Return whether an inverter delivers a quantity."""
        return key in self.readings.get(sn, {})

    def has_own_yield(self, sn: str) -> bool:
        """Return whether an inverter counts what its strings yield."""
        return sn in self._own_yield

    def anchor(self, sn: str, day: date, today: Mapping[str, float]) -> None:
        """Learn from a report how the day began, while ours is the newest sample."""
        publication, now = self._publication(sn), self._clock.now()
        if publication.measured is None or now >= publication.measured + timedelta(
            seconds=publication.period
        ):
            return
        lifetimes = {key: row.value for key, row in self.readings[sn].items()}
        self._today.anchor(sn, day, lifetimes, today)

    def soc(self, sn: str) -> float | None:
        """Return the present SOC of an inverter's batteries, by their capacity."""
        since = self._clock.now() - STALE
        found: list[tuple[float, float]] = []
        for device in self._inventory.batteries(sn):
            rows = self.readings.get(device.id, {})
            reading, size = rows.get("battery_soc"), rows.get("battery_capacity")
            if reading and reading.at >= since and isinstance(reading.value, float):
                weight = size.value if size and isinstance(size.value, float) else 1.0
                found.append((reading.value, weight))
        total = sum(weight for _, weight in found)
        return sum(soc * weight for soc, weight in found) / total if total else None

    # --- when --------------------------------------------------------------------------

    def due(self, stretch: float, dark: Collection[str]) -> datetime:
        """Return when the next sample of any inverter should be there."""
        now = self._clock.now()
        return min(
            self._next(sn, now, stretch, dark) for sn in self._inventory.inverters()
        )

    def _next(
        self, sn: str, now: datetime, stretch: float, dark: Collection[str]
    ) -> datetime:
        publication = self._publication(sn)
        dark_now = self._inventory.devices[sn].plant in dark
        if dark_now and publication.seen and self._sleeps(sn, now, dark):
            shown = self.readings.get(sn, {}).get(STATE)
            asleep = shown is not None and shown.value == ASLEEP
            # When it has just fallen asleep, that is shown at once.
            return publication.seen + SLEEPING_POLL if asleep else now
        return publication.due(now, stretch)

    def _publication(self, sn: str) -> Publication:
        return self._publications.setdefault(sn, Publication(period=PERIOD))

    def _sleeps(self, sn: str, now: datetime, dark: Collection[str]) -> bool:
        """Return whether an inverter without a battery has gone to sleep for the night.

        It wakes up some time after sunrise.
        """
        device = self._inventory.devices[sn]
        if device.has_battery:
            return False
        if device.plant in dark:
            self._in_the_dark[sn] = now.isoformat()
        if (last := self._in_the_dark.get(sn)) is None:
            return False
        return now - datetime.fromisoformat(last) <= GRACE and self._is_stale(sn, now)

    def _is_stale(self, sn: str, now: datetime) -> bool:
        measured = self._publication(sn).measured
        return measured is None or now - measured > STALE

    # --- fetch -------------------------------------------------------------------------

    async def poll(self, dark: Collection[str]) -> Snapshot:
        """Fetch the samples that are due, else all ("Get device real-time data").

        Raises when none came; what did not come stays as it was.
        """
        now = self._clock.now()
        everyone = self._inventory.inverters()
        due = [sn for sn in everyone if self._next(sn, now, 1.0, dark) <= now]
        came = False
        asked = due or everyone
        for sns in batched(asked, BATCH, strict=False):
            try:
                rows = await self._fetch(sns)
            except CloudError:
                if not came:
                    raise
                break
            came = True
            self._take(sns, rows)
            # A large account must not hold up everybody else.
            await asyncio.sleep(0)
        now = self._clock.now()
        for sn in everyone:
            if sn in asked:
                self._tell_online(sn, now)
            if self._sleeps(sn, now, dark):
                self.readings[sn] = _asleep(self.readings.get(sn, {}), now)
        self._memory["publications"] = {
            sn: row.as_dict() for sn, row in self._publications.items()
        }
        return Snapshot(
            at=now, readings=dict(self.readings), devices=dict(self.devices)
        )

    def _tell_online(self, sn: str, now: datetime) -> None:
        """Tell what the list, which is read hourly, need not have noticed yet."""
        online = Reading(value=not self._is_stale(sn, now), at=now)
        self.readings[sn] = {**self.readings.get(sn, {}), ONLINE: online}

    def take_gone(self) -> bool:
        """Return once whether an inverter is missed, so that the list is read again."""
        gone, self._gone = self._gone, False
        return gone

    async def _fetch(self, sns: Collection[str]) -> list[dict[str, Any]]:
        if self._is_v0():
            return await self._one_by_one(sns, v0=True)
        try:
            return await self._client.realtime(list(sns))
        except DeviceGone:
            if len(sns) == 1:
                self._gone = True
                raise
            return await self._one_by_one(sns)
        except Refused:
            rows = await self._one_by_one(sns, v0=True)
            self._memory["realtime_v0"] = self._clock.now().isoformat()
            return rows

    def _is_v0(self) -> bool:
        """Return whether the server knew only the old interface within the last day."""
        since: str | None = self._memory.get("realtime_v0")
        if since is None:
            return False
        return self._clock.now() - datetime.fromisoformat(since) < V0_FOR

    async def _one_by_one(
        self, sns: Collection[str], *, v0: bool = False
    ) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for sn in sns:
            try:
                rows += await self._client.realtime([sn], v0=v0)
            except DeviceGone:
                self._gone = True
        return rows

    def _take(self, sns: Collection[str], rows: list[dict[str, Any]]) -> None:
        """Take over the samples; who is asked and left out must not be asked at once."""
        now = self._clock.now()
        answers = {str(row.get("deviceSN")): row for row in rows}
        for sn in sns:
            if row := answers.get(sn):
                self._take_sample(self._inventory.devices[sn], row, now)
            else:
                self._publication(sn).observe(None, now)
                self._gone = True

    def _take_sample(
        self, device: Device, row: Mapping[str, Any], now: datetime
    ) -> None:
        datas = row.get("datas")
        if not isinstance(datas, list) or not datas:
            self._publication(device.id).observe(None, now)
            return
        measured = instant(row.get("time"), self._inventory.zone(device.id))
        at = min(measured or now, now)
        self._publication(device.id).observe(at, now)
        sample = read(
            [data for data in datas if isinstance(data, Mapping)],
            self._listing.capacities(device),
        )
        self._settle(device, sample)
        day = at.astimezone(self._inventory.zone(device.id)).date()
        today = self._today.energies(device.id, day, sample.inverter)
        self.readings[device.id] = _stamped({**today, **sample.inverter}, at)
        for n, values in sample.batteries.items():
            battery = self._listing.battery(device, n)
            self.devices[battery.id] = battery
            self.readings[battery.id] = _stamped(values, at)

    def _settle(self, device: Device, sample: Sample) -> None:
        """Settle what a sample alone does not tell."""
        values = sample.inverter
        self._settle_yield(device, sample)
        if not self._listing.has_third_party(device.id):
            values.pop(SECOND_METER, None)

    def _settle_yield(self, device: Device, sample: Sample) -> None:
        """Keep one source of the yield: PVEnergyTotal once it was seen, else generation."""
        values = sample.inverter
        if values.get(OWN_YIELD):
            if device.id not in self._own_yield:
                self._own_yield.append(device.id)
            return
        values.pop(OWN_YIELD, None)
        if device.id not in self._own_yield and PRODUCTION in values:
            values[OWN_YIELD] = values[PRODUCTION]


def _stamped(values: Mapping[str, Any], at: datetime) -> dict[str, Reading]:
    return {key: Reading(value=value, at=at) for key, value in values.items()}


def _asleep(readings: Mapping[str, Reading], now: datetime) -> dict[str, Reading]:
    """Return the readings of an inverter at night: no power, counters as they were.

    What the service still tells of voltages and the like is frozen or erroneous.
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
