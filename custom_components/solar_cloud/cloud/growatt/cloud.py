"""Growatt as a vendor: its feeds, what it remembers, and how it is signed in to."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

from ..control import (
    Absent,
    Control,
    Progress,
    Run,
    RunRange,
    Schedule,
    Setting,
    Window,
)
from ..errors import CloudError
from ..model import Device, DeviceKind, Energies, Snapshot
from ..quota import Call, Purpose
from ..vendor import (
    Connection,
    Feed,
    FieldKind,
    Identity,
    SignInField,
    VendorInfo,
    WayIn,
)
from . import endpoints as on
from .accounts import Accounts
from .alarms import SELDOM, Alarms
from .client import HOSTS, GrowattClient
from .controls import Steering
from .history import History
from .inventory import Inventory
from .limits import SETTING_SPACING, allowances
from .listing import Listing
from .machines import Machine
from .overview import Overview
from .rhythm import PERIOD
from .samples import Samples
from .tolerant import Gathering

DEVICES = Feed(key="devices", interval=3600, essential=True)
PLANTS = Feed(key="plants", interval=PERIOD)
REALTIME = Feed(key="realtime", interval=PERIOD, essential=True, measuring=True)
SETTINGS = Feed(key="settings", interval=3600)
ALARMS = Feed(key="alarms", interval=PERIOD)
FEEDS: tuple[Feed, ...] = (DEVICES, PLANTS, REALTIME, SETTINGS, ALARMS)
INTERVALS = {feed.key: feed.interval for feed in FEEDS}

# What the service tells of who the owner is, and serials that are no device's id.
PRIVATE = frozenset(
    (
        "address1",
        "address2",
        "alias",
        "batterySN",
        "batSn",
        "bdc1Sn",
        "c_user_email",
        "c_user_name",
        "c_user_tel",
        "city",
        "country",
        "create_date",
        "image_url",
        "installer",
        "latitude",
        "location",
        "longitude",
        "name",
        "operator",
        "ownercontact",
        "ownerorganization",
        "plant_lat",
        "plant_lng",
        "plantName",
        "plantname",
        "postal",
        "tcpServerIp",
        "user_id",
        "userAccount",
        "userName",
        "treeName",
    )
)
RARELY = 900.0
SOON = timedelta(minutes=5)
# Those that are taken to have a battery as long as their data has not been seen.
WITH_BATTERY = (on.STORAGE, on.SPH, on.SPA)
LONG_AGO = datetime.fromtimestamp(0, UTC)


class GrowattCloud:
    """One Growatt account."""

    tasks = False
    # What a logger could not upload comes later, into the hours that it belongs to.
    rereads = 2
    feeds: tuple[Feed, ...] = FEEDS
    warnings: frozenset[str] = frozenset()

    def __init__(self, connection: Connection) -> None:
        """Sign in with a token (`host`, `token`)."""
        self.ledger = connection.ledger
        self.memory = memory = connection.memory
        self._clock = clock = connection.clock
        self._client = client = GrowattClient(
            connection.session,
            connection.credentials["host"],
            connection.credentials["token"],
            connection.ledger,
            memory,
        )
        self._snapshots: dict[str, Snapshot] = {}
        self._polled: dict[str, datetime] = {}
        self._planned: dict[str, tuple[Call, ...]] = {}
        self._unseen = False
        self._inventory = inventory = Inventory()
        self._steering = steering = Steering(
            client, clock, memory, machine=self.machine
        )
        self._listing = Listing(
            client,
            clock,
            memory,
            Accounts(client, clock, memory),
            firmware=steering.firmware,
            chosen=connection.plants,
        )
        self._samples = samples = Samples(client, clock, memory, inventory)
        self._overview = overview = Overview(client, clock, memory, inventory)
        self._alarms = Alarms(client, clock, inventory, samples)
        self._history = History(client, inventory, samples, overview)

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answer of each endpoint and subject."""
        return self._client.raw

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return what has been fetched so far, by feed."""
        return dict(self._snapshots)

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Take what stores the memory at once."""
        self._steering.remember = save

    def machine(self, sn: str) -> Machine:
        """Return what steering has to know of an inverter."""
        sees_grid = self._samples.sees_grid(sn)
        found = self._inventory.machine(sn, sees_grid=sees_grid)
        if sees_grid is None and found.family in WITH_BATTERY:
            return replace(found, has_battery=True)
        return found

    async def identify(self) -> Identity:
        """List the plants of the account; Growatt documents no account identity."""
        return Identity(account=None, plants=await self._listing.identify())

    # --- feeds -------------------------------------------------------------------------

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at
        if feed == DEVICES.key:
            self._listing.restore(snapshot)
            await self._take_over(snapshot)
        if feed == REALTIME.key:
            self._samples.restore(snapshot)
        self._steering.take_over(snapshot.controls)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        fetch: dict[str, Callable[[], Awaitable[Snapshot]]] = {
            DEVICES.key: self._poll_devices,
            PLANTS.key: self._poll_plants,
            REALTIME.key: lambda: self._poll_realtime(dark),
            SETTINGS.key: self._poll_settings,
            ALARMS.key: self._alarms.poll,
        }
        snapshot = await fetch[feed]()
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at
        return snapshot

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning; fewer where not all are made."""
        if feed not in self._planned:
            rhythm = SELDOM.total_seconds() if feed == ALARMS.key else 0.0
            rhythm = max(rhythm, self._interval(feed))
            share = ceil(rhythm / INTERVALS[feed])
            self._planned[feed] = self._plan(feed)[::share]
        return self._planned[feed]

    def _plan(self, feed: str) -> tuple[Call, ...]:
        if feed == REALTIME.key:
            return self._samples.calls()
        if feed == PLANTS.key:
            return self._overview.calls()
        inverters = self._inventory.inverters()
        if feed == SETTINGS.key:
            return tuple(call for sn in inverters for call in self._steering.calls(sn))
        if feed == ALARMS.key:
            return tuple(
                self._client.planned(
                    self._inventory.family(sn).alarms, self._alarms.params(sn)
                )
                for sn in inverters
            )
        return tuple(
            self._client.planned(endpoint, {"plant_id": plant})
            for plant in self._inventory.plants
            for endpoint in (on.DEVICES, on.LOGGERS)
        )

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next."""
        if feed not in self._polled:
            return self._clock.now()
        if feed == REALTIME.key and self._inventory.devices:
            return self._samples.due(stretch, dark)
        if feed == SETTINGS.key and self._unseen:
            return self._polled[feed] + SOON
        return self._polled[feed] + timedelta(seconds=self._interval(feed) * stretch)

    def _interval(self, feed: str) -> float:
        """Return how often a feed is polled, in s."""
        if feed == PLANTS.key and all(
            self._inventory.inverters(plant) for plant in self._inventory.plants
        ):
            # What else plants say of themselves is no hurry.
            return RARELY
        if feed == SETTINGS.key:
            # Half of the time is left for commands.
            needed = 2 * SETTING_SPACING * len(self._plan(feed))
            return max(INTERVALS[feed], needed)
        return INTERVALS[feed]

    async def _poll_devices(self) -> Snapshot:
        snapshot = await self._listing.poll()
        await self._take_over(snapshot)
        return snapshot

    async def _take_over(self, snapshot: Snapshot) -> None:
        listing = self._listing
        self._inventory.numbers = listing.numbers
        await self._inventory.take_over(
            snapshot.plants,
            {sn: self._equipped(row) for sn, row in snapshot.devices.items()},
            listing.kinds,
            listing.addresses,
            {
                sn: row["online"].value is True
                for sn, row in snapshot.readings.items()
                if "online" in row
            },
        )
        self._planned = {}

    def _equipped(self, device: Device) -> Device:
        """Return a device with the battery that its data has shown since it was listed."""
        parts = self._samples.has_parts(device.id)
        seen = any(part.startswith("battery_") for part in parts)
        return replace(device, has_battery=device.has_battery or seen)

    async def _poll_plants(self) -> Snapshot:
        previous = self._snapshots.get(PLANTS.key)
        return await self._overview.poll(previous.readings if previous else {})

    async def _poll_realtime(self, dark: Collection[str]) -> Snapshot:
        try:
            return await self._samples.poll(dark)
        finally:
            if self._samples.take_gone():
                self._polled.pop(DEVICES.key, None)

    async def _poll_settings(self) -> Snapshot:
        """Read the settings of all devices; inverters with a battery come first."""
        found: dict[str, Mapping[str, Control | Absent]] = {}
        gathering = Gathering()
        devices = self._inventory.devices
        inverters = self._inventory.inverters()
        previous = self._snapshots.get(SETTINGS.key)
        known = previous.controls if previous else {}
        for sn in sorted(inverters, key=lambda sn: not devices[sn].has_battery):
            # What has come stands where the poll is ended, but is no whole poll.
            self._snapshots[SETTINGS.key] = Snapshot(
                at=LONG_AGO, controls={**known, **found, sn: self._steering.found(sn)}
            )
            told = await gathering.add(self._steering.poll(sn)) or known.get(sn)
            if told is not None:
                found[sn] = told
        gathering.require()
        # What has a battery and a meter is seen in the data.
        self._unseen = any(self._samples.sees_grid(sn) is None for sn in inverters)
        return Snapshot(at=self._clock.now(), controls=found)

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return each plant by itself: the past is of a device."""
        return [(plant,) for plant in plants]

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return the energy of up to six days, by hours as far as devices tell them."""
        (plant,) = plants
        return await self._history.energy(
            plant, first, last, self._clock.now(), purpose
        )

    # --- steering ----------------------------------------------------------------------

    def lane(self, key: str) -> str:
        """Return one lane for all settings: a device takes one after the other."""
        return ""

    async def follow(self, device: str, keys: Collection[str]) -> Progress:
        """Return that nothing is known: Growatt has no tasks."""
        return Progress(done=None)

    def unfinished(self) -> Collection[tuple[str, Mapping[str, Setting]]]:
        """Return nothing: Growatt has no tasks."""
        return ()

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return the inverters with a battery."""
        return tuple(
            device.id
            for device in self._inventory.devices.values()
            if device.plant == plant
            and device.kind is DeviceKind.INVERTER
            and device.has_battery
        )

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings; returns those that were refused."""
        return await self._steering.write(device, changes)

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings afresh."""
        return await self._steering.read(device, keys)

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of a device with a battery."""
        if device.kind is not DeviceKind.INVERTER or not device.has_battery:
            return None
        return self._steering.runs.range(device.id)

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return what the run will change and so must be put back."""
        return await self._steering.runs.prepare(run)

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run to its devices."""
        await self._steering.runs.start(run, before)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the devices hold the run."""
        return await self._steering.runs.started(run, before)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out and put back what was there before."""
        await self._steering.runs.stop(run, before)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the run is gone."""
        return await self._steering.runs.stopped(run, before)

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Write a schedule and turn the scheduler on."""
        await self._steering.schedules.set(device, windows)

    async def get_schedule(self, device: str) -> Schedule:
        """Read the schedule that the device holds."""
        return await self._steering.schedules.get(device)


GROWATT = VendorInfo(
    slug="growatt",
    name="Growatt",
    allowances=allowances(),
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="growatt",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                SignInField(key="token", kind=FieldKind.SECRET),
            ),
            connect=GrowattCloud,
        ),
    ),
)
