"""The newest data of inverters, meters and sensors: one call for a family of devices.

Several devices of a family are asked together where there is such an endpoint; who is
alone, or cannot be asked so, is asked by itself. All of a plant are asked at the same
time, so that its values belong together.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from ..clock import Clock
from ..errors import DeviceGone
from ..model import Device, DeviceKind, Reading, Snapshot, Value
from ..publication import STALE_PERIODS, Publication
from ..quantity import Kind, quantity
from ..quota import Call
from ..values import text
from . import endpoints as on
from .balance import balanced
from .client import GrowattClient
from .inventory import Inventory
from .readings import read, read_meter, read_sensor
from .stamps import Stamps, epoch
from .tolerant import PARTIAL, Gathering, mapping

PERIOD = 300.0
# s until a sample shows, and by how much less to try: who comes too early waits for a period.
LAG = 30.0
DECAY = 0.1
BATCH = 100
# Above this, fewer calls are worth more than values of one instant.
MANY_PLANTS = 5
FIRST_PAGE = ("pageNum", "1")
SLEEPING_POLL = timedelta(minutes=15)
STALE = timedelta(seconds=STALE_PERIODS * PERIOD)
GRACE = timedelta(hours=2)
# Less than this lies between any two calls.
MOMENT = timedelta(seconds=1)
A_WHILE = timedelta(seconds=8)
WORTH_ASKING = timedelta(seconds=PERIOD / 10)
DARK_POWERS = ("pv_power", "inverter_power", "string_power")
OTHER_SUN = "external_pv_power"
GRID = "grid"
ONLINE, STATE, ASLEEP = "online", "inverter_state", "standby"
BEHIND = {
    DeviceKind.METER: (on.METER_LAST, read_meter),
    DeviceKind.SENSOR: (on.SENSOR_LAST, read_sensor),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call for the newest data: what is asked, and which devices it is about."""

    endpoint: on.Endpoint
    arguments: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]

    @property
    def params(self) -> dict[str, str]:
        """Return the arguments as they are sent."""
        return dict(self.arguments)

    @property
    def is_slow(self) -> bool:
        """Return whether it may be made once in five minutes only."""
        return self.endpoint.pace is on.Pace.FIVE_MINUTES


class Samples:
    """Fetches and keeps the newest data of each device of an account."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
    ) -> None:
        """Keep in `memory` the parts of each inverter, its rhythm and its stamps' clock."""
        self._client = client
        self._clock = clock
        self._memory = memory
        self._inventory = inventory
        self._stamps = Stamps(memory)
        self._parts: dict[str, list[str]] = memory.setdefault("parts", {})
        self._in_the_dark: dict[str, str] = memory.setdefault("in_the_dark", {})
        self._publications = {
            sn: Publication.from_dict(row)
            for sn, row in memory.get("publications", {}).items()
        }
        self._no_summer: list[str] = memory.setdefault("no_summer_time", [])
        self._gone = False
        self.readings: dict[str, Mapping[str, Reading]] = {}
        self.devices: dict[str, Device] = {}

    def restore(self, snapshot: Snapshot) -> None:
        """Take over what was fetched before a restart."""
        self.readings = dict(snapshot.readings)
        self.devices = dict(snapshot.devices)

    def has_parts(self, sn: str) -> frozenset[str]:
        """Return which strings, batteries and meters of an inverter were seen."""
        return frozenset(self._parts.get(sn, ()))

    def sees_grid(self, sn: str) -> bool | None:
        """Return whether an inverter measures the grid, None before its first sample."""
        return GRID in self._parts[sn] if sn in self._parts else None

    def stamps_of(self, sn: str) -> timedelta:
        """Return how far an inverter's stamps are ahead of UTC."""
        return self._stamps.offset(sn, self._inventory.zone(sn), self._clock.now())

    def take_gone(self) -> bool:
        """Return once whether a device is missed, so that the list is read again."""
        gone, self._gone = self._gone, False
        return gone

    # --- when --------------------------------------------------------------------------

    def calls(self) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        return tuple(
            self._client.planned(row.endpoint, row.params)
            for rows in self._rounds()
            for row in rows
        )

    def due(self, stretch: float, dark: Collection[str]) -> datetime:
        """Return when the next samples of any plant should be there."""
        now = self._clock.now()
        if self._fell_asleep(now, dark):
            return now
        return min(
            (self._next_round(rows, now, stretch, dark) for rows in self._rounds()),
            default=now + timedelta(seconds=PERIOD),
        )

    def _next_round(
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
        return all(self._sleeps(sn, now, dark) for sn in asked.devices)

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
            if self._sleeps(sn, now, dark):
                return publication.seen + SLEEPING_POLL
        return publication.due(now, stretch)

    def _publication(self, sn: str) -> Publication:
        unknown = Publication(period=PERIOD, lag=LAG, decay=DECAY)
        return self._publications.setdefault(sn, unknown)

    def _sleeps(self, sn: str, now: datetime, dark: Collection[str]) -> bool:
        """Return whether an inverter without a battery has gone to sleep for the night."""
        device = self._inventory.devices[sn]
        if device.has_battery or device.kind is not DeviceKind.INVERTER:
            return False
        if device.plant in dark:
            self._in_the_dark[sn] = now.isoformat()
        if (last := self._in_the_dark.get(sn)) is None:
            return False
        return now - datetime.fromisoformat(last) <= GRACE and self._is_stale(sn, now)

    def _fell_asleep(self, now: datetime, dark: Collection[str]) -> bool:
        """Return whether an inverter sleeps that is not shown so: that asks no one."""
        return any(
            self._sleeps(sn, now, dark)
            and STATE in self.readings.get(sn, {})
            and self.readings[sn][STATE].value != ASLEEP
            for sn in self._inventory.inverters()
        )

    def _is_stale(self, sn: str, now: datetime) -> bool:
        measured = self._publication(sn).measured
        return measured is None or now - measured > STALE

    # --- what is asked -----------------------------------------------------------------

    def _rounds(self) -> Iterator[list[Request]]:
        """Yield what is asked together: of each plant, of many plants by the family."""
        plants = list(self._inventory.plants)
        if len(plants) > MANY_PLANTS:
            yield from ([row] for row in self._requests(plants))
            return
        for plant in plants:
            # The slow ones first, so that they keep their rhythm.
            rows = sorted(self._requests([plant]), key=lambda row: not row.is_slow)
            if rows:
                yield rows

    def _requests(self, plants: Collection[str]) -> Iterator[Request]:
        for kind, sns in self._inventory.by_family(plants).items():
            family = on.FAMILIES[kind]
            if family.many is None or len(sns) == 1:
                yield from (_alone(family, sn) for sn in sns)
                continue
            for part in batched(sorted(sns), BATCH, strict=False):
                yield Request(
                    endpoint=family.many,
                    arguments=((family.batch, ",".join(part)), FIRST_PAGE),
                    devices=part,
                )
        for kind_behind, (endpoint, _) in BEHIND.items():
            behind = self._inventory.behind_loggers(kind_behind)
            for sn, (logger, address) in behind.items():
                if self._inventory.devices[sn].plant not in plants:
                    continue
                yield Request(
                    endpoint=endpoint,
                    arguments=(("datalog_sn", logger), ("address", address)),
                    devices=(sn,),
                )

    async def poll(self, dark: Collection[str]) -> Snapshot:
        """Fetch what is due, else all; raises when nothing came.

        What did not come stays as it was.
        """
        now = self._clock.now()
        rounds = list(self._rounds())
        due = [row for rows in rounds for row in self._due(rows, now, dark)]
        if not due and not self._fell_asleep(now, dark):
            due = [row for rows in rounds for row in rows]
        gathering = Gathering()
        for row in due:
            await gathering.add(self._fetch(row))
        gathering.require()
        now = self._clock.now()
        for kind in BEHIND:
            for sn in self._inventory.behind_loggers(kind):
                self._tell_online(sn, now)
        for sn in self._inventory.inverters():
            self._tell_online(sn, now)
            if self._sleeps(sn, now, dark):
                at = self._present(self._inventory.devices[sn].plant, now)
                self.readings[sn] = _asleep(self.readings.get(sn, {}), at)
        for plant in self._inventory.plants:
            self._tell_load(plant, now)
        self._memory["publications"] = {
            sn: row.as_dict() for sn, row in self._publications.items()
        }
        return Snapshot(
            at=now, readings=dict(self.readings), devices=dict(self.devices)
        )

    def _due(
        self, rows: Collection[Request], now: datetime, dark: Collection[str]
    ) -> list[Request]:
        """Return what is to be asked of a plant now; who sleeps is asked more seldom."""
        if self._next_round(rows, now, 1.0, dark) > now:
            return []
        return [
            row
            for row in rows
            if not self._is_dark(row, now, dark)
            or self._next(row, now, 1.0, dark) <= now
        ]

    def _present(self, plant: str, now: datetime) -> datetime:
        """Return the instant of a plant's newest samples, now where all are silent."""
        found = [
            row.measured
            for sn, row in self._publications.items()
            if sn in self._inventory.devices
            and self._inventory.devices[sn].plant == plant
            and row.measured
            and not self._is_stale(sn, now)
        ]
        return max(found, default=now)

    async def _fetch(self, asked: Request) -> bool:
        """Make a request, and ask one by one where a batch is refused."""
        try:
            data = await self._client.ask(asked.endpoint, asked.params)
        except DeviceGone:
            self._gone = True
            if len(asked.devices) == 1:
                raise
        except PARTIAL:
            if len(asked.devices) == 1:
                raise
        else:
            for sn in asked.devices:
                self._take(sn, _fields_of(data, sn, alone=len(asked.devices) == 1))
            return True
        return await self._one_by_one(asked)

    async def _one_by_one(self, asked: Request) -> bool:
        gathering = Gathering()
        for sn in asked.devices:
            await gathering.add(self._fetch(_alone(self._inventory.family(sn), sn)))
        gathering.require()
        return True

    # --- what came ---------------------------------------------------------------------

    def _take(self, sn: str, fields: Mapping[str, Any]) -> None:
        now = self._clock.now()
        device = self._inventory.devices[sn]
        measured = self._stamps.instant(
            sn,
            text(fields.get("time")) or fields.get("timeText"),
            self._inventory.zone(sn),
            now,
            fresh=self._is_listed_online(sn),
            calendar=epoch(fields),
        )
        if not fields or measured is None:
            self._publication(sn).observe(None, now)
            return
        self._publication(sn).observe(measured, now)
        if device.kind is not DeviceKind.INVERTER:
            known = set(self._parts.get(sn, ()))
            values = BEHIND[device.kind][1](fields, known)
            self._parts[sn] = sorted(known)
            self.readings[sn] = _stamped(values, measured)
            return
        self._learn_summer_time(device)
        self._take_inverter(device, fields, measured)

    def _learn_summer_time(self, device: Device) -> None:
        """Find out at which plants the clocks do not change, though the country's do."""
        zone, now = self._inventory.zone(device.id), self._clock.now()
        ahead = now.astimezone(zone).dst() or timedelta()
        here = now.astimezone(zone).utcoffset() or timedelta()
        if not ahead or device.plant in self._no_summer:
            return
        if self._stamps.learned(device.id) == here - ahead:
            self._no_summer.append(device.plant)
            self._gone = True

    def _is_listed_online(self, sn: str) -> bool:
        """Return whether the list calls a device online; its data does not know."""
        listed = self._inventory.online.get(sn)
        return listed is not False

    def _take_inverter(
        self, device: Device, fields: Mapping[str, Any], at: datetime
    ) -> None:
        known = set(self._parts.get(device.id, ()))
        sample = read(self._inventory.family(device.id).kind, fields, known)
        self._parts[device.id] = sorted(known)
        values = dict(sample.device)
        if self._inventory.has_own_sun(device.plant):
            # What it sees of another inverter is that one's own.
            values.pop(OTHER_SUN, None)
        self.readings[device.id] = _stamped(values, at)
        if bool(sample.batteries) != device.has_battery:
            device = replace(device, has_battery=bool(sample.batteries))
            self._inventory.devices[device.id] = device
        self.devices[device.id] = device
        for n, row in sample.batteries.items():
            battery = Device(
                id=f"{device.id}_battery_{n}",
                plant=device.plant,
                kind=DeviceKind.BATTERY,
                parent=device.id,
                number=n,
            )
            self.devices[battery.id] = battery
            self.readings[battery.id] = _stamped(row, at)

    def _tell_load(self, plant: str, now: datetime) -> None:
        """Tell what the house of a storage machine used."""
        behind = self._inventory.behind_loggers(DeviceKind.METER)
        meters = [sn for sn in behind if self._inventory.devices[sn].plant == plant]
        found = balanced(
            [
                (self._inventory.family(sn), self.readings.get(sn, {}))
                for sn in self._inventory.inverters(plant)
            ],
            [self.readings.get(sn, {}) for sn in meters],
            now.astimezone(self._inventory.zone(plant)),
        )
        if found:
            self.readings[plant] = found

    def _tell_online(self, sn: str, now: datetime) -> None:
        """Tell what the list, which is read hourly, need not have noticed yet."""
        online = Reading(value=not self._is_stale(sn, now), at=now)
        self.readings[sn] = {**self.readings.get(sn, {}), ONLINE: online}


def _put_off(due: datetime, earliest: datetime) -> datetime:
    """Return when to ask for a sample that is due before it may be asked for.

    Shortly after it is there it is asked for as soon as may be, else with the next one:
    so that samples are young when they come, and no call is made just before one.
    """
    if due >= earliest:
        return due
    late = (earliest - due) % timedelta(seconds=PERIOD)
    if late <= WORTH_ASKING:
        return earliest
    return earliest + timedelta(seconds=PERIOD) - late


def _alone(family: on.Family, sn: str) -> Request:
    return Request(
        endpoint=family.last, arguments=((family.argument, sn),), devices=(sn,)
    )


def _fields_of(data: Any, sn: str, *, alone: bool) -> Mapping[str, Any]:
    """Return the fields of a device; a batch holds them twice under its serial."""
    if alone:
        return mapping(data)
    outer = mapping(mapping(data).get(sn))
    return mapping(outer.get(sn)) or outer


def _stamped(values: Mapping[str, Value], at: datetime) -> dict[str, Reading]:
    return {key: Reading(value=value, at=at) for key, value in values.items()}


def _asleep(readings: Mapping[str, Reading], now: datetime) -> dict[str, Reading]:
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
