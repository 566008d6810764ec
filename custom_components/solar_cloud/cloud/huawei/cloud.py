"""Huawei FusionSolar as a vendor: its feeds, what it remembers, and its ways in."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import batched
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
from ..errors import Busy, CloudError, NoPlants, NotSupported, UnexpectedAnswer
from ..model import Device, Energies, Snapshot
from ..oauth import OAuth
from ..quota import Allowance, Call, Purpose
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
from .alarms import Alarms
from .client import HOSTS, HuaweiClient
from .codes import SessionLost
from .inventory import BATCH, Inventory
from .items import KIND_OF
from .limits import Census, account, oauth
from .listing import Listing
from .policy import Policy
from .ration import Ration
from .samples import PERIOD, Samples
from .session import Access, AccountSession, OwnerAccess
from .steering import Steering
from .totals import Totals
from .wire import Wire

AUTH_HOSTS = ("https://oauth2.fusionsolar.huawei.com",)
API_ACCESS_OFF = "api_access_off"

# Devices that only count by the day, so that what they ever counted is made of that.
BY_THE_DAY = frozenset(("battery_charge_energy", "battery_discharge_energy"))

DEVICES = Feed(key="devices", interval=4 * 3600, essential=True)
TOTALS = Feed(key="totals", interval=2 * 3600)
REALTIME = Feed(
    key="realtime",
    interval=PERIOD,
    essential=True,
    measuring=True,
    accumulates=BY_THE_DAY,
)
ALARMS = Feed(key="alarms", interval=1800)
SETTINGS = Feed(key="settings", interval=3 * 3600)
# What a meter or a plant tells now has the last word over a report.
FEEDS: tuple[Feed, ...] = (DEVICES, TOTALS, REALTIME, ALARMS, SETTINGS)
# What a thousand calls a day allow on the average, with three types of devices.
SELDOMER = replace(REALTIME, interval=420)
RATIONED = (DEVICES, TOTALS, SELDOMER, ALARMS, SETTINGS)

# What the service tells of who the owner is, and ids that are no device's id.
PRIVATE = frozenset(
    (
        "contactMethod",
        "contactPerson",
        "devDn",
        "devId",
        "devName",
        "esnCode",
        "id",
        "named",
        "owner",
        "plantAddress",
        "plantName",
        "sn",
        "stationName",
        "token",
        "wire",
    )
)


class HuaweiCloud:
    """One FusionSolar account, by either way in."""

    tasks = True
    rereads = 1
    feeds: tuple[Feed, ...] = FEEDS

    def __init__(self, connection: Connection) -> None:
        """Sign in as API account (`username`, `password`), or by an owner's consent."""
        self.ledger = connection.ledger
        self.memory = memory = connection.memory
        self._clock = clock = connection.clock
        credentials = connection.credentials
        self._by_consent = connection.token is not None
        self._policy = policy = Policy(memory)
        wire = Wire(
            connection.session,
            credentials["host"],
            connection.ledger,
            None if self._by_consent else policy,
        )
        wire.allow = self._allow
        access: Access = (
            OwnerAccess(connection.token)
            if connection.token
            else AccountSession(
                wire, credentials["username"], credentials["password"], memory
            )
        )
        self.client = client = HuaweiClient(wire, access)
        self._snapshots: dict[str, Snapshot] = {}
        self._polled: dict[str, datetime] = {}
        self._inventory = inventory = Inventory(memory, connection.plants)
        self._listing = listing = Listing(client, clock, memory, inventory)
        self._samples = samples = Samples(client, clock, memory, inventory, listing)
        self._totals = Totals(client, clock, inventory, listing, samples)
        self._alarms = Alarms(client, clock, inventory, listing, connection.language)
        self._steering = Steering(
            client, clock, memory, inventory, rationed=self._by_consent
        )
        if self._by_consent:
            self.feeds = RATIONED
            cost = partial(self._cost, REALTIME)
            samples.ration = Ration(memory, cost, self._others)
        self._samples.look = self._steering.sites.look
        self._allow()

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answer of each interface and subject."""
        return self.client.raw

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return what has been fetched so far, by feed."""
        return dict(self._snapshots)

    @property
    def warnings(self) -> frozenset[str]:
        """Return what only the owner can put right."""
        closed = self._listing.closed & frozenset(self._inventory.chosen)
        return self.client.warnings | ({API_ACCESS_OFF} if closed else frozenset())

    def remember(self, save: Callable[[], Awaitable[None]]) -> None:
        """Take what stores the memory at once."""
        self._steering.remember(save)

    async def identify(self) -> Identity:
        """List the plants of the account; Huawei documents no account identity."""
        try:
            plants = await self._listing.plants()
        except NotSupported as err:
            # Another server than Huawei's answers at the address.
            raise UnexpectedAnswer(err.words, code=err.code) from None
        except SessionLost as err:
            raise Busy(err.words, code=err.code) from None
        if not plants:
            raise NoPlants
        self._inventory.take_over(plants, {})
        self._allow()
        return Identity(account=None, plants=plants)

    # --- feeds -------------------------------------------------------------------------

    def _allow(self) -> None:
        """Reckon the allowances from what the account holds."""
        if self._by_consent:
            self.ledger.allow(oauth())
        else:
            census = self._inventory.census()
            self.ledger.allow(account(census, old=self._policy.is_old))

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._keep(feed, snapshot)
        if feed == DEVICES.key:
            self._take_over(snapshot)
        elif feed == REALTIME.key:
            self._samples.restore(snapshot)
        elif feed == ALARMS.key:
            self._alarms.restore(snapshot)
        elif feed == SETTINGS.key:
            self._steering.controls.restore(snapshot.at)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        fetch = {
            DEVICES.key: self._poll_devices,
            TOTALS.key: self._totals.poll,
            REALTIME.key: lambda: self._samples.poll(dark),
            ALARMS.key: self._alarms.poll,
            SETTINGS.key: self._poll_settings,
        }[feed]
        snapshot = await fetch()
        self._keep(feed, snapshot)
        return snapshot

    def _keep(self, feed: str, snapshot: Snapshot) -> None:
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at

    async def _poll_settings(self) -> Snapshot:
        controls = await self._steering.controls.poll()
        return Snapshot(at=self._clock.now(), controls=controls)

    async def _poll_devices(self) -> Snapshot:
        snapshot = await self._listing.poll()
        self._take_over(snapshot)
        return snapshot

    def _take_over(self, snapshot: Snapshot) -> None:
        self._inventory.take_over(snapshot.plants, snapshot.devices)
        self._allow()

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        if feed == REALTIME.key:
            return self._samples.calls()
        if feed == TOTALS.key:
            return self._totals.calls()
        if feed == ALARMS.key:
            return self._alarms.calls()
        if feed == SETTINGS.key:
            return self._steering.reads.calls()
        census = self._inventory.census()
        batches = len(list(self._inventory.batches(self._listing.closed)))
        return (
            *(Call(endpoint=on.PLANTS.path) for _ in range(census.plant_calls)),
            *(Call(endpoint=on.DEVICES.path) for _ in range(batches)),
        )

    def _cost(self, feed: Feed) -> int:
        """Return how many calls a poll of a feed makes."""
        return len(self.calls(feed.key))

    def _others(self) -> float:
        """Return the calls that reading makes a day beside real-time data."""
        others = (DEVICES, TOTALS, ALARMS)
        return sum(self._cost(feed) * 86_400 / feed.interval for feed in others)

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next; night takes no less than its share.

        An API account has days' allowances for lists and reports alone (4.2): what slows
        those down is no matter of the rest.
        """
        if feed == DEVICES.key and not self._listing.is_complete:
            # Another plant was chosen.
            return self._clock.now()
        if feed not in self._polled:
            return self._clock.now()
        if not self._by_consent and feed == REALTIME.key:
            stretch = 1.0
        if feed == SETTINGS.key:
            return self._steering.controls.due()
        if feed == REALTIME.key:
            return self._samples.due(self._polled[feed], stretch, dark)
        interval = next(row.interval for row in FEEDS if row.key == feed)
        return self._polled[feed] + timedelta(seconds=interval * stretch)

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return which plants one batch of calls about the past tells of together."""
        return [tuple(rows) for rows in batched(sorted(plants), BATCH, strict=False)]

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return the hourly energy of the last of some days ("Hourly Plant Data")."""
        rows = await self._totals.energy(sorted(plants), last, purpose)
        return Energies(first=last, rows=rows)

    # --- steering ----------------------------------------------------------------------

    def lane(self, key: str) -> str:
        """Return the kind of task that a setting belongs to."""
        return KIND_OF[key]

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Give settings of a plant as tasks; returns those that were refused."""
        return await self._steering.controls.write(device, changes)

    async def follow(self, device: str, keys: Collection[str]) -> Progress:
        """Return how far a task of a plant has come."""
        return await self._steering.controls.follow(device, keys)

    def unfinished(self) -> Collection[tuple[str, Mapping[str, Setting]]]:
        """Return the settings whose tasks were not followed to their end."""
        return self._steering.controls.unfinished()

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings of a plant afresh, where the server tells them."""
        return await self._steering.controls.read(device, keys)

    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of a battery."""
        return self._steering.run_range(device)

    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return what the run will change and so must be put back."""
        return await self._steering.runs.prepare(run)

    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Send a run to its plant."""
        await self._steering.runs.start(run, before)

    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the start of a run has come."""
        return await self._steering.runs.started(run, before)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out, unless it ends by itself."""
        await self._steering.runs.stop(run, before)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Return how far the end of a run has come."""
        return await self._steering.runs.stopped(run, before)

    def scheduled(self, plant: str) -> tuple[str, ...]:
        """Return the plant, where it has a battery that takes windows."""
        return (plant,) if self._steering.sites.site(plant).settable else ()

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Give a plant its windows of time of use."""
        await self._steering.schedules.set(device, windows)

    async def get_schedule(self, device: str) -> Schedule:
        """Return the windows of a plant."""
        return await self._steering.schedules.get(device)


_HOST = SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS)
_ALLOWANCES: tuple[Allowance, ...] = account(Census())

HUAWEI = VendorInfo(
    slug="huawei",
    name="FusionSolar",
    allowances=_ALLOWANCES,
    menu=True,
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="huawei_account",
            fields=(
                _HOST,
                SignInField(key="username", kind=FieldKind.TEXT),
                SignInField(key="password", kind=FieldKind.SECRET),
            ),
            connect=HuaweiCloud,
            budget=("host", "username"),
        ),
        WayIn(
            step="huawei_oauth",
            fields=(
                _HOST,
                SignInField(key="auth_host", kind=FieldKind.HOST, choices=AUTH_HOSTS),
                *CLIENT_FIELDS,
            ),
            connect=HuaweiCloud,
            oauth=OAuth(
                authorize=("/rest/dp/uidm/oauth2/v1/authorize",),
                token="/rest/dp/uidm/oauth2/v1/token",
                scopes=("pvms.openapi.basic", "pvms.openapi.control"),
                forbidden=("redirect", "..", "#"),
            ),
        ),
    ),
)
