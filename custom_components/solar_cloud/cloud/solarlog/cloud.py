"""Solar-Log as a vendor: its feeds, what it remembers, and how it is signed in to."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
    Refused,
)
from ..model import Energies, Plant, Reading, Snapshot
from ..quota import Call, Purpose
from ..read_only import ReadOnly
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
from .channels import ENERGIES
from .client import AUTH_HOSTS, HOSTS, SolarlogClient
from .history import History
from .inventory import Inventory
from .limits import INTERVAL, LEAST, Pace, allowances
from .listing import Listing, zone_of
from .rhythm import Rhythm
from .samples import Samples

DEVICES = Feed(key="devices", interval=3600, essential=True)
REALTIME = Feed(
    key="realtime",
    interval=INTERVAL,
    essential=True,
    measuring=True,
    accumulates=frozenset(("inverter_energy",)),
)
FEEDS: tuple[Feed, ...] = (DEVICES, REALTIME)

# What the service tells of who the owner is, and where.
PRIVATE = frozenset(
    (
        "address",
        "city",
        "company",
        "country",
        "email",
        "firstName",
        "houseNumber",
        "identifier",
        "label",
        "lastName",
        "mobilePhoneNumber",
        "phoneNumber",
        "postalCode",
        "street",
    )
)
# What ends a poll of many plants; everything else concerns one of them.
ENDING = (AuthenticationFailed, QuotaExceeded, CloudUnavailable)
# Up to so many plants are asked when their loggers upload; more are spread.
FOLLOWED = 4
DETAILS_AFTER = timedelta(days=1)
LONG_AGO = datetime.fromtimestamp(0, UTC)


class SolarlogCloud(ReadOnly):
    """One Solar-Log account; the vendor offers nothing to steer."""

    feeds: tuple[Feed, ...] = FEEDS
    # Values still come in after midnight, and the hour that autumn leaves out is mended.
    rereads = 2

    def __init__(self, connection: Connection) -> None:
        """Sign in with a client of the User API (`portal`, `client_id`, `client_secret`)."""
        known = connection.credentials
        self.ledger = connection.ledger
        self.memory = memory = connection.memory
        self._clock = clock = connection.clock
        self._wanted = connection.plants
        self._pace = pace = Pace(memory)
        self._client = client = SolarlogClient(
            connection.session, clock, connection.ledger, known, pace
        )
        self._listing = Listing(client, known.get("plant_id", ""))
        self._samples = Samples(client, clock, memory)
        self._history = History(client, clock)
        self._plants: dict[str, Plant] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._turns: dict[str, str] = memory.setdefault("turns", {})
        self._rhythm = Rhythm()
        self._listed: datetime | None = None
        self._last: dict[str, datetime] = {}
        self._failing: set[str] = set()

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answer of each call and plant."""
        return self._client.raw

    @property
    def warnings(self) -> frozenset[str]:
        """Return nothing: the vendor warns of nothing."""
        return frozenset()

    @property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Return what has been fetched so far, by feed."""
        return dict(self._snapshots)

    async def identify(self) -> Identity:
        """List the plants of the account; Solar-Log documents no account identity."""
        await self._list()
        return Identity(account=None, plants=dict(self._plants))

    # --- feeds -------------------------------------------------------------------------

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._snapshots[feed] = snapshot
        if feed == DEVICES.key:
            self._plants = dict(snapshot.plants)
            self._listed = snapshot.at
        if feed == REALTIME.key:
            self._samples.readings = dict(snapshot.readings)
            self._samples.devices = dict(snapshot.devices)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        fetch = {
            DEVICES.key: self._poll_devices,
            REALTIME.key: self._poll_realtime,
        }[feed]
        snapshot = await fetch()
        self._snapshots[feed] = replace(snapshot, energy=())
        return snapshot

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning: there is no number to plan by."""
        endpoint = {DEVICES.key: on.HEADER, REALTIME.key: on.CHANNELS}.get(feed)
        if endpoint is None:
            return ()
        plants = self._asked()
        return tuple(Call(endpoint=endpoint, subjects=(plant,)) for plant in plants)

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next."""
        now = self._clock.now()
        if feed not in self._snapshots:
            return now
        if feed == REALTIME.key:
            turns = [self._turn(plant, stretch) for plant in self._asked()]
            return min(turns, default=now + timedelta(seconds=INTERVAL))
        if any(plant in self._samples.relist for plant in self._asked()):
            if any(self._samples.needs_list(plant) for plant in self._asked()):
                return now
        pace = DEVICES.interval * stretch * self._pace.factor
        return self._snapshots[feed].at + timedelta(seconds=pace)

    def _asked(self) -> list[str]:
        """Return the plants that may cost calls."""
        wanted = self._wanted
        return [row for row in self._plants if wanted is None or row in wanted]

    def _turn(self, plant: str, stretch: float) -> datetime:
        """Return when a plant's values are asked for next."""
        if plant not in self._turns:
            return LONG_AGO
        span = INTERVAL * (stretch * self._pace.factor - 1)
        return datetime.fromisoformat(self._turns[plant]) + timedelta(seconds=span)

    def _take_turn(self, plant: str) -> None:
        """Give a plant its next turn; many are spread over the interval at first."""
        now, plants = self._clock.now(), self._asked()
        wait = INTERVAL
        if plant not in self._turns:
            wait += INTERVAL * plants.index(plant) / len(plants)
        elif len(plants) <= FOLLOWED:
            wait = self._rhythm.wait(plant, self._samples.newest(plant), now)
        self._turns[plant] = (now + timedelta(seconds=wait)).isoformat()

    # --- plants and components ---------------------------------------------------------

    async def _poll_devices(self) -> Snapshot:
        """List plants and components where it is time to, and ask how the plants are."""
        now = self._clock.now()
        if self._listed is None or now - self._listed >= DETAILS_AFTER:
            await self._list()
        readings: dict[str, Mapping[str, Reading]] = {}
        failure: CloudError | None = None
        for plant in self._asked():
            try:
                readings[plant] = await self._look_at(plant)
            except ENDING:
                raise
            except CloudError as err:
                failure = err
            await asyncio.sleep(0)
        if failure and not readings:
            raise failure
        return Snapshot(at=self._clock.now(), plants=self._plants, readings=readings)

    async def _list(self) -> None:
        """List the plants; those that are known stay while that fails."""
        try:
            self._plants = await self._listing.plants()
        except CloudError as err:
            if isinstance(err, ENDING) or not self._plants:
                raise
        self._listed = self._clock.now()

    async def _look_at(self, plant: str) -> dict[str, Reading]:
        """Return a plant's health, and list its components where it is time to.

        Which package holds these calls is not documented: a refusal is no error here.
        """
        told: Mapping[str, Any] = {}
        with suppress(Refused, PermissionDenied):
            told = await self._client.header(plant)
        health = told.get("healthStatus")
        self._samples.take_health(plant, None if health is None else str(health))
        if self._samples.needs_list(plant):
            rows: list[dict[str, Any]] = []
            with suppress(Refused, PermissionDenied):
                rows = await self._client.components(plant)
            self._samples.take_listed(plant, Inventory.read(rows))
        if at := self._samples.newest(plant):
            row = self._plants[plant]
            self._plants[plant] = replace(row, time_zone=zone_of(at))
        faulty = self._samples.is_faulty(plant)
        if faulty is None:
            return {}
        return {"problem": Reading(value=faulty, at=self._clock.now())}

    # --- values ------------------------------------------------------------------------

    async def _poll_realtime(self) -> Snapshot:
        """Fetch the plants whose turn it is, else those not asked within five minutes.

        Raises when the cloud fails, or when no plant has been read of late.
        """
        now = self._clock.now()
        plants = self._asked()
        least = timedelta(seconds=LEAST)
        due = [plant for plant in plants if self._turn(plant, 1.0) <= now]
        asked = due or [p for p in plants if now - self._last.get(p, LONG_AGO) >= least]
        for place, plant in enumerate(asked):
            try:
                await self._samples.poll(plant)
            except ENDING:
                if place == 0:
                    raise
                break
            except CloudError as err:
                self._failing.add(plant)
                if self._failing >= set(plants):
                    raise err from None
            else:
                self._failing.discard(plant)
            self._last[plant] = now
            self._take_turn(plant)
            # A large account must not hold up everybody else.
            await asyncio.sleep(0)
        return Snapshot(
            at=self._clock.now(),
            readings=dict(self._samples.readings),
            devices=dict(self._samples.devices),
            absent_readings=self._samples.absent(),
            energy=tuple(
                row for plant in asked for row in self._samples.energy.get(plant, ())
            ),
        )

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return each plant by itself."""
        return [(plant,) for plant in plants]

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return the hourly energy of a fortnight, out of its 5-minute counters."""
        (plant,) = plants
        told = {one.name for one in self._samples.series(plant)}
        wanted = {name for parts in ENERGIES.values() for name in parts}
        names = sorted(wanted & told or wanted)
        return await self._history.energy(plant, names, first, last, purpose)


SOLARLOG = VendorInfo(
    slug="solarlog",
    name="Solar-Log",
    allowances=allowances(),
    control=False,
    alarms=False,
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="solarlog",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                SignInField(key="auth_host", kind=FieldKind.HOST, choices=AUTH_HOSTS),
                SignInField(key="portal", kind=FieldKind.TEXT),
                SignInField(key="client_id", kind=FieldKind.TEXT),
                SignInField(key="client_secret", kind=FieldKind.SECRET),
                SignInField(key="plant_id", kind=FieldKind.TEXT, optional=True),
            ),
            connect=SolarlogCloud,
            budget=("host", "client_id"),
        ),
    ),
)
