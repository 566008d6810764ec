"""FoxESS as a vendor: its feeds, what it remembers, and how it is signed in to."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import batched, chain
from typing import Any

from ..control import (
    Absent,
    Control,
    Progress,
    Reason,
    Run,
    RunRange,
    Schedule,
    Setting,
    Window,
)
from ..errors import (
    CloudError,
    CloudUnavailable,
    NoPlants,
    NotSupported,
    UnexpectedAnswer,
)
from ..model import Device, DeviceKind, Energies, Snapshot
from ..quota import Call, Purpose
from ..vendor import (
    CLIENT_FIELDS,
    Connection,
    Feed,
    FieldKind,
    Identity,
    SignInField,
    VendorInfo,
    WayIn,
)
from . import endpoints as on
from .client import BATCH, HOSTS, FoxessClient
from .controls import InverterControls
from .faults import Faults
from .inventory import Inventory
from .items import BATTERY_ONLY, ITEMS, KEYS, METER_KEYS
from .limits import DAY, INVERTER_DAY, allowances
from .listing import Listing
from .runs import Runs
from .samples import PERIOD, Samples
from .scheduler import Scheduler
from .schedules import Schedules
from .sign_in import OAUTH
from .tolerant import PARTIAL
from .totals import Totals

DEVICES = Feed(key="devices", interval=3600, essential=True)
REALTIME = Feed(key="realtime", interval=PERIOD, essential=True, measuring=True)
SETTINGS = Feed(key="settings", interval=3600)
TOTALS = Feed(key="totals", interval=900)
FAULTS = Feed(key="faults", interval=3600)
ALLOWANCE = Feed(key="allowance", interval=1800)
FEEDS: tuple[Feed, ...] = (DEVICES, REALTIME, SETTINGS, TOTALS, FAULTS, ALLOWANCE)

# What the service tells of who the owner is, and serials that are no device's id.
PRIVATE = frozenset(
    (
        "address",
        "batterySN",
        "city",
        "country",
        "createDate",
        "email",
        "installer",
        "phone",
        "postcode",
        "stationName",
        "user",
    )
)
SOON, LATER = timedelta(minutes=1), timedelta(minutes=5)
LONG_AGO = datetime.fromtimestamp(0, UTC)
# What an inverter without a battery has not.
NOT_THERE = {key: Absent(reason=Reason.UNSUPPORTED) for key in sorted(BATTERY_ONLY)}


class FoxessCloud:
    """One FoxESS account."""

    tasks = False
    rereads = 2
    feeds: tuple[Feed, ...] = FEEDS
    warnings: frozenset[str] = frozenset()

    def __init__(self, connection: Connection) -> None:
        """Sign in with an API key (`host`, `api_key`), or with an access token."""
        self.ledger = connection.ledger
        self.memory = memory = connection.memory
        self._clock = clock = connection.clock
        self._client = client = FoxessClient(
            connection.session,
            connection.credentials["host"],
            connection.token or connection.credentials["api_key"],
            connection.ledger,
            connection.language,
        )
        self._snapshots: dict[str, Snapshot] = {}
        self._polled: dict[str, datetime] = {}
        self._planned: dict[str, tuple[Call, ...]] = {}
        self._inventory = inventory = Inventory()
        self._scheduler = scheduler = Scheduler(client, memory)
        self._controls = controls = InverterControls(
            client, scheduler, clock, memory, zone=inventory.zone
        )
        self._listing = Listing(client, clock, memory, firmware=controls.firmware)
        self._samples = samples = Samples(
            client, clock, memory, inventory, self._listing
        )
        self._totals = Totals(client, clock, inventory, samples)
        self._faults = Faults(client, clock, memory, inventory, connection.language)
        self._runs = Runs(
            scheduler,
            controls,
            zone=inventory.zone,
            soc=samples.soc,
            rated=inventory.rated,
        )
        self._schedules = Schedules(client, scheduler, controls, rated=inventory.rated)

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answer of each interface and subject."""
        return self._client.raw

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return what has been fetched so far, by feed."""
        return dict(self._snapshots)

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Take what stores the memory at once."""
        self._controls.remember = save

    async def identify(self) -> Identity:
        """List the plants of the account; FoxESS documents no account identity."""
        try:
            plants = await self._listing.plants()
        except NotSupported as err:
            # Another server than FoxESS's answers at the address.
            raise UnexpectedAnswer(err.words, code=err.code) from None
        if not plants:
            raise NoPlants
        return Identity(account=None, plants=plants)

    # --- feeds -------------------------------------------------------------------------

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at
        if feed == DEVICES.key:
            await self._take_over(snapshot)
        if feed == REALTIME.key:
            self._samples.restore(snapshot)
        self._controls.take_over(snapshot.controls)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        fetch = {
            DEVICES.key: self._poll_devices,
            REALTIME.key: lambda: self._poll_realtime(dark),
            SETTINGS.key: self._poll_settings,
            TOTALS.key: self._poll_totals,
            FAULTS.key: lambda: self._faults.poll(self._samples.readings),
            ALLOWANCE.key: self._poll_allowance,
        }[feed]
        snapshot = await fetch()
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at
        return snapshot

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        if feed not in self._planned:
            self._planned[feed] = self._plan(feed)
        return self._planned[feed]

    def _plan(self, feed: str) -> tuple[Call, ...]:
        inverters = self._inventory.inverters()
        if feed == REALTIME.key:
            return tuple(
                Call(endpoint=on.REAL_V1.path, subjects=sns, cost=len(sns))
                for sns in batched(inverters, BATCH, strict=False)
            )
        if feed == SETTINGS.key:
            return tuple(
                Call(endpoint=endpoint.path, subjects=(sn,))
                for sn in inverters
                for endpoint in self._endpoints_of_settings(sn)
            )
        each = {TOTALS.key: on.REPORT, FAULTS.key: on.FAULT_HISTORY}.get(feed)
        if each:
            return tuple(Call(endpoint=each.path, subjects=(sn,)) for sn in inverters)
        once = {
            DEVICES.key: (on.PLANT_LIST, on.DEVICE_LIST, on.MODULE_LIST, on.METER_LIST),
            ALLOWANCE.key: (on.ACCESS_COUNT,),
        }.get(feed, ())
        return tuple(Call(endpoint=row.path) for row in once)

    def _endpoints_of_settings(self, sn: str) -> list[on.Endpoint]:
        """Return what a poll asks about the settings of an inverter."""
        known = [
            key for key in self._keys(sn) if not self._controls.is_unknown(sn, key)
        ]
        items = [on.SETTING_GET for key in known if key in ITEMS]
        return [*items, on.PEAK_SHAVING_GET, on.SCHEDULER_GET[3], on.TIME_GET]

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next."""
        if feed not in self._polled:
            return self._clock.now()
        if feed == REALTIME.key and self._inventory.inverters():
            return self._samples.due(stretch, dark)
        interval = next(row.interval for row in FEEDS if row.key == feed)
        due = self._polled[feed] + timedelta(seconds=interval * stretch)
        early = self._early(feed)
        return due if early is None else min(due, self._polled[feed] + early)

    def _early(self, feed: str) -> timedelta | None:
        """Return after how long a feed is polled although it is not its time yet."""
        if feed == SETTINGS.key and self._controls.has_gaps:
            return SOON
        if feed == SETTINGS.key and self._controls.owes:
            return LATER
        if feed == FAULTS.key and self._faults.are_news(self._samples.readings):
            return SOON
        return None

    async def _poll_devices(self) -> Snapshot:
        snapshot = await self._listing.poll()
        await self._take_over(snapshot)
        return snapshot

    async def _take_over(self, snapshot: Snapshot) -> None:
        await self._inventory.take_over(snapshot.plants, snapshot.devices)
        self._planned = {}
        inverters = self._inventory.inverters()
        self.ledger.allow(allowances(max(1, len(inverters))), inverters)
        self._controls.meters = self._inventory.meters()

    async def _poll_realtime(self, dark: Collection[str]) -> Snapshot:
        try:
            return await self._samples.poll(dark)
        finally:
            if self._samples.take_gone():
                self._polled.pop(DEVICES.key, None)

    async def _poll_settings(self) -> Snapshot:
        """Read the settings of all devices; inverters with a battery come first."""
        found: dict[str, Mapping[str, Control | Absent]] = {}
        failure: CloudError | None = None
        inverters = self._inventory.inverters()
        devices = self._inventory.devices
        for sn in sorted(inverters, key=lambda sn: not devices[sn].has_battery):
            with suppress(CloudUnavailable, *PARTIAL):
                await self._controls.settle(sn)
            # What has come stands where the poll is ended, but is no whole poll.
            self._snapshots[SETTINGS.key] = Snapshot(
                at=LONG_AGO, controls=found | {sn: self._controls.found(sn)}
            )
            try:
                found[sn] = NOT_THERE | await self._controls.poll(sn, self._keys(sn))
            except UnexpectedAnswer as err:
                failure = err
                continue
        for sn in sorted(self._inventory.meters()):
            with suppress(UnexpectedAnswer):
                found[sn] = await self._controls.poll(sn, METER_KEYS)
        if failure and not found:
            raise failure
        return Snapshot(at=self._clock.now(), controls=found)

    def _keys(self, sn: str) -> tuple[str, ...]:
        """Return the settings that an inverter may have."""
        if self._inventory.devices[sn].has_battery:
            return KEYS
        return tuple(key for key in KEYS if key not in BATTERY_ONLY)

    async def _poll_totals(self) -> Snapshot:
        previous = self._snapshots.get(TOTALS.key)
        return await self._totals.poll(previous.readings if previous else {})

    async def _poll_allowance(self) -> Snapshot:
        _, remaining = await self._client.access_count()
        if remaining is not None:
            self.ledger.learn(DAY, remaining)
            if len(inverters := self._inventory.inverters()) == 1:
                one = Call(endpoint=on.ACCESS_COUNT.path, subjects=tuple(inverters))
                self.ledger.learn(INVERTER_DAY, remaining, one)
        return Snapshot(at=self._clock.now())

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return each plant by itself: reports are of an inverter."""
        return [(plant,) for plant in plants]

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return the hourly energy of the last day ("Get device production report")."""
        rows = [await self._totals.energy(plant, last, purpose) for plant in plants]
        return Energies(first=last, rows=tuple(chain.from_iterable(rows)))

    # --- steering ----------------------------------------------------------------------

    def lane(self, key: str) -> str:
        """Return one lane for all settings: a device takes one after the other."""
        return ""

    async def follow(self, device: str, keys: Collection[str]) -> Progress:
        """Return that nothing is known: FoxESS has no tasks."""
        return Progress(done=None)

    def unfinished(self) -> Collection[tuple[str, Mapping[str, Setting]]]:
        """Return nothing: FoxESS has no tasks."""
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
        return await self._controls.write(device, changes)

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings afresh."""
        return await self._controls.read(device, keys)

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of an inverter with a battery and a scheduler."""
        if device.kind is not DeviceKind.INVERTER or not device.has_battery:
            return None
        held = self._scheduler.last(device.id)
        return self._runs.range(device.id, held) if held else None

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return what the run will change and so must be put back."""
        return await self._runs.prepare(run)

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run to its devices."""
        await self._runs.start(run, before)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the devices hold the run."""
        return Progress(done=await self._runs.started(run, before))

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out and put back what was there before."""
        await self._runs.stop(run, before)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether the run is gone."""
        return Progress(done=await self._runs.stopped(run, before))

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Write a schedule and turn the scheduler on."""
        await self._schedules.set(device, windows)

    async def get_schedule(self, device: str) -> Schedule:
        """Read the schedule that the device holds."""
        return await self._schedules.get(device)


HOST = SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS)

FOXESS = VendorInfo(
    slug="foxess",
    name="FoxESS",
    allowances=allowances(),
    menu=True,
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="foxess_key",
            fields=(HOST, SignInField(key="api_key", kind=FieldKind.SECRET)),
            connect=FoxessCloud,
        ),
        WayIn(
            step="foxess_oauth",
            fields=(HOST, *CLIENT_FIELDS),
            connect=FoxessCloud,
            oauth=OAUTH,
        ),
    ),
)
