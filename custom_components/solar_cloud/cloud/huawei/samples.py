"""The newest values of plants and devices (5.1.2.1, 5.1.2.2)."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from math import ceil
from typing import Any

from ..clock import Clock
from ..errors import (
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from ..model import Device, DeviceKind, Reading, Snapshot
from ..quantity import TODAY, Kind, quantity
from ..quota import Call
from ..values import text
from . import endpoints as on, types as of
from .client import HuaweiClient
from .codes import NotAuthorised, SessionLost, TypeUnknown
from .inventory import BATCH, Inventory
from .listing import Listing
from .ration import Ration
from .readings import Values, is_online, items, read, read_plant
from .today import Today

PERIOD = 300.0
SLEEPING = 900.0
# Until when (s) after its instant a sample should be there, and how far (s) polls may
# drift from that: each one comes a little later than five minutes after the one before.
SHOWN_AFTER = 60.0
DRIFT = 30.0
TURN = timedelta(seconds=3)
REFUSED_FOR = timedelta(hours=24)

# What concerns one interface, plant or type; everything else concerns the account.
PARTIAL = (QuotaExceeded, Refused, Busy, DeviceGone, PermissionDenied, UnexpectedAnswer)
ONLINE, STATE, HEALTH = "online", "inverter_state", "plant_health"
ASLEEP, DISCONNECTED = "standby", "disconnected"
DARK_POWERS = ("pv_power", "inverter_power", "string_power")
METERED = ("grid_import_energy", "grid_export_energy")
GRID = ("grid_power", *METERED)


class Samples:
    """Fetches and keeps the newest values of an account."""

    def __init__(
        self,
        client: HuaweiClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
        listing: Listing,
    ) -> None:
        """Keep in `memory` which types the server does not serve."""
        self.ration: Ration | None = None
        self._stretch = 1.0
        self._down: CloudError | None = None
        self._memory = memory
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._listing = listing
        self._refused: dict[str, str] = memory.setdefault("refused_types", {})
        self._before: dict[str, dict[str, tuple[float, datetime]]] = {}
        self.today = Today(memory)
        self.readings: dict[str, dict[str, Reading]] = {}
        # Who wants to know what batteries tell beside their readings.
        self.look: Callable[[str, Mapping[str, Any]], None] = lambda device, data: None

    def restore(self, snapshot: Snapshot) -> None:
        """Take over what was fetched before a restart."""
        self.readings = {key: dict(rows) for key, rows in snapshot.readings.items()}
        for plant in self._inventory.plants:
            self._before[plant] = self.lifetimes(plant)

    def types(self) -> list[int]:
        """Return the types that are polled."""
        since = (self._clock.now() - REFUSED_FOR).isoformat()
        return [
            kind
            for kind in self._inventory.types()
            if self._refused.get(str(kind), "") < since
        ]

    def calls(self) -> tuple[Call, ...]:
        """Return the calls of one poll."""
        return (
            *(
                Call(endpoint=on.PLANT_REAL.path, subjects=(part,))
                for part, _ in self._parts()
            ),
            *(
                Call(endpoint=on.DEVICE_REAL.path, subjects=(part,))
                for kind in self.types()
                for part, _ in self._batches(kind)
            ),
        )

    def due(self, polled: datetime, stretch: float, dark: Collection[str]) -> datetime:
        """Return when the next sample should be there.

        Samples are of full five minutes, and there soon after. A poll that has drifted off
        waits for the next one.
        """
        self._stretch = stretch
        known = self._memory.get("began")
        began = datetime.fromisoformat(known) if known else polled
        shown = self._inventory.chosen
        night = bool(shown) and all(plant in dark for plant in shown)
        if night and (self.ration or not any(map(self._inventory.has_battery, shown))):
            wait = SLEEPING
        elif self.ration and stretch > 1.0:
            wait = max(PERIOD, self.ration.wait(began, stretch))
        else:
            wait = PERIOD * max(1, ceil(stretch - 0.25))
        at = began.timestamp()
        if self.ration:
            # No five minutes must pass between two polls: the next sample is soon enough.
            at -= (at - SHOWN_AFTER) % PERIOD
        due = at + wait
        late = (due - SHOWN_AFTER) % PERIOD
        if late > DRIFT:
            due += PERIOD - late
        return datetime.fromtimestamp(due, UTC)

    def _parts(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the plants, a hundred at a time, with a name for each part."""
        batches = self._inventory.batches(self._listing.closed)
        return [(f"plants {n}", batch) for n, batch in enumerate(batches, start=1)]

    def _batches(self, kind: int) -> list[tuple[str, tuple[Device, ...]]]:
        """Return the devices of a type, a hundred at a time, with a name for each part."""
        closed = self._listing.closed
        rows = [row for row in self._inventory.of_type(kind) if row.plant not in closed]
        batches = batched(rows, BATCH, strict=False)
        return [(f"type {kind} {n}", batch) for n, batch in enumerate(batches, start=1)]

    async def poll(self, dark: Collection[str]) -> Snapshot:
        """Fetch the values of all plants and devices.

        What did not come stays as it was; raises when nothing came.
        """
        jobs = [
            *(partial(self._plants, part, batch) for part, batch in self._parts()),
            *(
                partial(self._devices, kind, part, batch)
                for kind in self.types()
                for part, batch in self._batches(kind)
            ),
        ]
        failure: CloudError | None = None
        came = not jobs
        began = self._clock.now()
        if self.ration:
            self.ration.spend(began, self._stretch)
        for job in jobs:
            try:
                await job()
            except SessionLost:
                raise
            except PARTIAL as err:
                failure = failure or self._meant(err)
            except CloudError as err:
                failure = err
                break
            else:
                # One that had to wait for its turn puts off the next poll by as much.
                late = not came and self._clock.now() - began > TURN
                began = self._clock.now() if late else began
                came = True
            # A large account must not hold up everybody else.
            await asyncio.sleep(0)
        self._down = failure if isinstance(failure, CloudUnavailable) else None
        if failure and not came:
            raise failure
        # After a poll of which nothing came the next one does not wait for a sample.
        self._memory["began"] = began.isoformat()
        now = self._clock.now()
        for plant in self._inventory.chosen:
            self._settle(plant, now, dark=plant in dark)
        there = self._inventory.plants.keys() | self._inventory.devices.keys()
        self.readings = {key: row for key, row in self.readings.items() if key in there}
        return Snapshot(at=now, readings={k: dict(r) for k, r in self.readings.items()})

    def _meant(self, err: CloudError) -> CloudError:
        """Return why there are no values: waiting for a cloud that is down is no quota."""
        waits = isinstance(err, QuotaExceeded) and err.code is None
        return self._down if waits and self._down else err

    async def _plants(self, part: str, plants: Sequence[str]) -> None:
        try:
            reply = await self._client.plant_values(plants, part)
        except NotAuthorised:
            # The list finds out which of them it is.
            if len(plants) == 1:
                self._listing.close(plants)
            raise
        for row in _rows(reply.data):
            plant = text(row.get("stationCode"))
            if plant in self._inventory.plants and (data := items(row)):
                self._take(plant, read_plant(data), self._clock.now())

    async def _devices(self, kind: int, part: str, batch: Sequence[Device]) -> None:
        ids = [self._inventory.id_of(device.id) for device in batch]
        try:
            reply = await self._client.device_values(kind, ids, part)
        except TypeUnknown:
            if self._client.has_tried(kind):
                self._refused[str(kind)] = self._clock.now().isoformat()
            raise
        self._refused.pop(str(kind), None)
        for row in _rows(reply.data):
            device = self._inventory.by_wire(text(row.get("devId")) or "")
            if device is None and (serial := text(row.get("sn"))):
                device = self._inventory.devices.get(serial)
            if device and (data := items(row)):
                self._take_device(kind, device, data, self._clock.now())

    def _take_device(
        self, kind: int, device: Device, data: Mapping[str, Any], at: datetime
    ) -> None:
        """Take over what a device tells; what it sends while disconnected is no value."""
        online = is_online(kind, data)
        if online is False:
            self._take(device.id, {ONLINE: False}, at)
            return
        if kind in of.BATTERIES:
            self.look(device.id, data)
        peak = self._inventory.plants[device.plant].peak_power_kw
        values = read(kind, data, peak)
        told: Values = {} if online is None else {ONLINE: online}
        self._take(device.id, told | values, at)

    def _take(self, subject: str, values: Values, at: datetime) -> None:
        known = self.readings.setdefault(subject, {})
        known |= {key: Reading(value=value, at=at) for key, value in values.items()}

    def _settle(self, plant: str, now: datetime, *, dark: bool) -> None:
        """Settle what no answer alone tells: who sleeps, and what the grid gives."""
        self._grid(plant, now)
        if not dark or self._inventory.has_battery(plant):
            return
        for device in self._inventory.of_plant(plant):
            rows = self.readings.get(device.id, {})
            online = rows.get(ONLINE)
            if (
                device.kind is DeviceKind.INVERTER
                and online
                and (online.value is False)
            ):
                self.readings[device.id] = _sleeping(rows, now)
        health = self.readings.get(plant, {}).get(HEALTH)
        if health and health.value == DISCONNECTED:
            # At night that is what a plant without a battery should be.
            del self.readings[plant][HEALTH]

    def _meters(self, plant: str) -> Sequence[Device]:
        """Return the meters at the grid: one type tells, where there are several."""
        return next(
            (
                rows
                for kind in of.AT_THE_GRID
                if (rows := self._inventory.of_type(kind, plant))
            ),
            (),
        )

    def lifetimes(self, plant: str) -> dict[str, tuple[float, datetime]]:
        """Return what the meters at the grid have counted (kWh), and when."""
        told = {key: self._sum(plant, key) for key in METERED}
        return {key: row for key, row in told.items() if row is not None}

    def _sum(self, plant: str, key: str) -> tuple[float, datetime] | None:
        """Return a sum over the meters at the grid, None when one does not tell."""
        meters = self._meters(plant)
        rows = [self.readings.get(row.id, {}).get(key) for row in meters]
        known = [
            (row.value, row.at) for row in rows if row and isinstance(row.value, float)
        ]
        if not known or len(known) < len(meters):
            return None
        return round(sum(value for value, _ in known), 3), min(at for _, at in known)

    def _grid(self, plant: str, now: datetime) -> None:
        """Tell what flows to the grid, and what has today."""
        own = self.readings.setdefault(plant, {})
        if len({self._inventory.type_of(row.id) for row in self._at_grid(plant)}) > 1:
            for key in GRID:
                if told := self._sum(plant, key):
                    own[key] = Reading(value=told[0], at=told[1])
        self.today.turn(plant, now, self._before.get(plant, {}))
        self._before[plant] = lifetimes = self.lifetimes(plant)
        counted = {key: kwh for key, (kwh, _) in lifetimes.items()}
        for key, kwh in self.today.energies(plant, counted).items():
            own[f"{key}{TODAY}"] = Reading(value=kwh, at=lifetimes[key][1])

    def _at_grid(self, plant: str) -> list[Device]:
        return [
            row
            for row in self._inventory.of_plant(plant)
            if self._inventory.type_of(row.id) in of.AT_THE_GRID
        ]


def _rows(data: Any) -> list[dict[str, Any]]:
    """Return the objects of an answer, none where the server has nothing to tell."""
    rows = data if isinstance(data, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _sleeping(rows: Mapping[str, Reading], now: datetime) -> dict[str, Reading]:
    """Return the readings of an inverter at night: no power, counters as they were."""
    found = dict(rows)
    for key, row in rows.items():
        if key.startswith(DARK_POWERS):
            found[key] = Reading(value=0.0, at=now)
        elif quantity(key).kind in (Kind.MEASUREMENT, Kind.POWER):
            found[key] = Reading(value=None, at=row.at)
    return found | {STATE: Reading(value=ASLEEP, at=now)}
