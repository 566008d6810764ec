"""The newest data of inverters, meters and sensors: fetched together, kept by device."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import DeviceGone, QuotaExceeded
from ..model import Device, DeviceKind, Reading, Snapshot, Value
from ..quota import Call
from ..values import text
from .balance import balanced
from .client import GrowattClient
from .inventory import Inventory
from .readings import read, read_meter, read_sensor
from .requests import BEHIND, Request, alone, rounds
from .rhythm import ASLEEP, PERIOD, STATE, Rhythm, asleep
from .stamps import Stamps, epoch
from .tolerant import PARTIAL, Gathering

OTHER_SUN = "external_pv_power"
GRID = "grid"
ONLINE = "online"
READ = {DeviceKind.METER: read_meter, DeviceKind.SENSOR: read_sensor}


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
        self._inventory = inventory
        self._rhythm = Rhythm(client, memory, inventory)
        self._stamps = Stamps(memory)
        self._parts: dict[str, list[str]] = memory.setdefault("parts", {})
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
            for rows in rounds(self._inventory)
            for row in rows
        )

    def due(self, stretch: float, dark: Collection[str]) -> datetime:
        """Return when the next samples of any plant should be there."""
        now = self._clock.now()
        if self._fell_asleep(now, dark):
            return now
        return min(
            (
                self._rhythm.next_round(rows, now, stretch, dark)
                for rows in rounds(self._inventory)
            ),
            default=now + timedelta(seconds=PERIOD),
        )

    def _fell_asleep(self, now: datetime, dark: Collection[str]) -> bool:
        """Return whether an inverter sleeps that is not shown so: that asks no one."""
        return any(
            self._rhythm.sleeps(sn, now, dark)
            and STATE in self.readings.get(sn, {})
            and self.readings[sn][STATE].value != ASLEEP
            for sn in self._inventory.inverters()
        )

    async def poll(self, dark: Collection[str]) -> Snapshot:
        """Fetch what is due, else all; raises when nothing came.

        What did not come stays as it was.
        """
        now = self._clock.now()
        everything = list(rounds(self._inventory))
        due = [row for rows in everything for row in self._rhythm.due(rows, now, dark)]
        if not due and not self._fell_asleep(now, dark):
            due = [row for rows in everything for row in rows]
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
            if self._rhythm.sleeps(sn, now, dark):
                at = self._rhythm.present(self._inventory.devices[sn].plant, now)
                self.readings[sn] = asleep(self.readings.get(sn, {}), at)
        for plant in self._inventory.plants:
            self._tell_load(plant, now)
        self._rhythm.keep()
        return Snapshot(
            at=now, readings=dict(self.readings), devices=dict(self.devices)
        )

    async def _fetch(self, asked: Request) -> bool:
        """Make a request, and ask one by one where a batch is refused."""
        try:
            data = await self._client.ask(asked.endpoint, asked.params)
        except QuotaExceeded as err:
            if err.code is None and self.readings.keys() & set(asked.devices):
                # It is only too early: what is known stays.
                return False
            raise
        except DeviceGone:
            self._gone = True
            if len(asked.devices) == 1:
                raise
        except PARTIAL:
            if len(asked.devices) == 1:
                raise
        else:
            for sn in asked.devices:
                self._take(sn, asked.fields(data, sn))
            return True
        return await self._one_by_one(asked)

    async def _one_by_one(self, asked: Request) -> bool:
        gathering = Gathering()
        for sn in asked.devices:
            await gathering.add(self._fetch(alone(self._inventory.family(sn), sn)))
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
            self._rhythm.observe(sn, None, now)
            return
        self._rhythm.observe(sn, measured, now)
        if device.kind is not DeviceKind.INVERTER:
            known = set(self._parts.get(sn, ()))
            values = READ[device.kind](fields, known)
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
        online = Reading(value=not self._rhythm.is_stale(sn, now), at=now)
        self.readings[sn] = {**self.readings.get(sn, {}), ONLINE: online}


def _stamped(values: Mapping[str, Value], at: datetime) -> dict[str, Reading]:
    return {key: Reading(value=value, at=at) for key, value in values.items()}
