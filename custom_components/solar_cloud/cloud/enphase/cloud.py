"""Enphase as a vendor: its feeds, the month's budget, and how it is signed in to."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..control import Reason
from ..errors import AuthenticationFailed, CloudError, QuotaExceeded
from ..model import Alarm, Energies, EnergyRow, Reading, Snapshot
from ..oauth import OAuth
from ..quota import Call, Purpose
from ..read_only import ReadOnly
from ..values import time_zone
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
from . import endpoints as on, live, micros
from .alarms import Alarms
from .client import HOSTS, EnphaseClient, NotInPlan
from .energy import Energy
from .limits import OLD_PLAN, PLANS, allowances
from .listing import Listing, System

# Weighed against each other: what a plan does not allow at this rhythm is stretched.
SYSTEMS = Feed(key="systems", interval=86_400, essential=True)
LIVE = Feed(key="live", interval=900, essential=True, measuring=True)
ENERGY = Feed(key="energy", interval=1_800, measuring=True)
MICROS = Feed(key="micros", interval=3_600, measuring=True)
ALARMS = Feed(key="alarms", interval=7_200)
FEEDS = (SYSTEMS, LIVE, ENERGY, MICROS, ALARMS)
OLD_FEEDS = (SYSTEMS, LIVE, ENERGY, MICROS)

# From an upload until the cloud shows it.
LAG = timedelta(seconds=60)
ENDING = (AuthenticationFailed, QuotaExceeded)
PRIVATE = frozenset(
    ("system_name", "system_public_name", "public_name", "address", "city", "state",
     "postal_code", "country", "reference", "other_references", "nmi", "enl_uid",
     "serial_num", "serial_number", "sn", "gateway", "envoy_serial_number",
     "meter_serial_number")
)  # fmt: skip


class EnphaseCloud(ReadOnly):
    """One owner's systems, through one application key."""

    rereads = 0

    def __init__(self, connection: Connection) -> None:
        """Take `host`, `api_key`, and `plan` with a token or `user_id`."""
        known = connection.credentials
        self.ledger = connection.ledger
        self.memory = memory = connection.memory
        self._clock = clock = connection.clock
        self._wanted = connection.plants
        self._client = client = EnphaseClient(
            connection.session, known, connection.ledger, connection.token
        )
        self.feeds: tuple[Feed, ...] = OLD_FEEDS if client.is_old else FEEDS
        self._listing = listing = Listing(client, clock, memory)
        self._energy = Energy(client, clock, listing, memory)
        self._alarms = Alarms(client, clock, memory)
        self._plan = OLD_PLAN if client.is_old else PLANS[known.get("plan", "watt")]
        self._covered = True
        self._snapshots: dict[str, Snapshot] = {}
        self._zones: dict[str, ZoneInfo] = {}
        self.ledger.allow(allowances(*self._plan))

    @property
    def raw(self) -> Mapping[str, Any]:
        """Return the last answer of each call and system."""
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
        """List the systems; the owner's number is not told by both versions."""
        return Identity(account=None, plants=await self._listing.plants())

    # --- feeds -------------------------------------------------------------------------

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._snapshots[feed] = snapshot
        if feed == SYSTEMS.key:
            for system in snapshot.plants:
                self._listing.take_over(system)
            await self._find_zones(snapshot)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        if feed == SYSTEMS.key:
            snapshot = await self._listing.poll(self._wanted)
            await self._find_zones(snapshot)
        else:
            snapshot = await self._of_systems(feed, dark)
        self._learn()
        self._snapshots[feed] = snapshot
        return snapshot

    async def _find_zones(self, snapshot: Snapshot) -> None:
        for plant in snapshot.plants.values():
            if zone := await time_zone(plant.time_zone):
                self._zones[plant.id] = zone

    def _zone(self, system: str) -> ZoneInfo:
        return self._zones.get(system) or ZoneInfo("UTC")

    def _learn(self) -> None:
        """Take over the limits that refusals have told of."""
        told = self._client.told
        plan = (told.get("minute", self._plan[0]), told.get("month", self._plan[1]))
        if plan != self._plan:
            self._plan = plan
            self.ledger.allow(allowances(*plan))

    def _asked(self) -> list[System]:
        """Return the systems that may cost calls."""
        wanted = self._wanted
        rows = self._listing.systems.values()
        return [row for row in rows if wanted is None or row.id in wanted]

    async def _of_systems(self, feed: str, dark: Collection[str]) -> Snapshot:
        """Fetch a feed of each system that has something new to tell."""
        before = self._snapshots.get(feed)
        readings = dict(before.readings) if before else {}
        alarms: list[Alarm] = []
        rows: list[EnergyRow] = []
        failure: CloudError | None = None
        came = False
        for system in self._asked():
            if system.id in readings and not self._has_news(system, feed, dark):
                came = True
                continue
            try:
                await self._fetch(feed, system, readings, alarms, rows)
            except ENDING:
                if not came:
                    raise
                break
            except CloudError as err:
                failure = err
            else:
                came = True
        if failure and not came:
            raise failure
        return Snapshot(
            at=self._clock.now(),
            readings=readings,
            alarms=tuple(alarms),
            alarms_told=feed == ALARMS.key,
            energy=tuple(rows),
            absent_readings={
                system.id: {key: Reason(row) for key, row in lacks.items()}
                for system in self._asked()
                if (lacks := self._energy.lacks(system))
            },
        )

    async def _fetch(
        self,
        feed: str,
        system: System,
        readings: dict[str, Mapping[str, Reading]],
        alarms: list[Alarm],
        rows: list[EnergyRow],
    ) -> None:
        if feed == LIVE.key:
            readings |= await self._live(system)
        elif feed == ENERGY.key:
            told = await self._energy.poll(system, self._zone(system.id))
            readings[system.id] = told.readings
            rows += told.rows
        elif feed == MICROS.key:
            readings |= await micros.fetch(self._client, system)
        else:
            alarms += await self._alarms.fetch(system.id)

    async def _live(self, system: System) -> Mapping[str, Mapping[str, Reading]]:
        """Return powers; a plan without consumption has the summary."""
        try:
            return await live.fetch(self._client, system, covered=self._covered)
        except NotInPlan:
            if not self._covered:
                raise
            self._covered = False
        return await live.fetch(self._client, system, covered=False)

    # --- when to ask -------------------------------------------------------------------

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        found: list[Call] = []
        for system in self._asked():
            if feed == ENERGY.key:
                paths = [row.endpoint.path for row in self._energy.sources(system)]
            else:
                paths = [self._path(feed)] if feed != SYSTEMS.key else []
            found += [Call(endpoint=path, subjects=(system.id,)) for path in paths]
        if feed == SYSTEMS.key:
            path = on.OLD_SYSTEMS if self._client.is_old else on.SYSTEMS
            found.append(Call(endpoint=path.path))
        return tuple(found)

    def _path(self, feed: str) -> str:
        old = self._client.is_old
        return {
            LIVE.key: on.OLD_SUMMARY if old else on.LATEST,
            MICROS.key: on.OLD_INVERTERS if old else on.INVERTERS,
            ALARMS.key: on.OPEN_ALARMS,
        }[feed].path

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next: not before there can be news."""
        now = self._clock.now()
        if (last := self._snapshots.get(feed)) is None:
            return now
        row = next(row for row in self.feeds if row.key == feed)
        planned = last.at + timedelta(seconds=row.interval * stretch)
        if feed in (SYSTEMS.key, ALARMS.key):
            return planned
        news = [self._news(system, feed, dark) for system in self._asked()]
        return max(planned, min(news, default=planned))

    def _news(self, system: System, feed: str, dark: Collection[str]) -> datetime:
        """Return when a system can have something new to tell."""
        now = self._clock.now()
        if system.id in dark and self._sleeps(system) and self._was_dark(system, feed):
            return now + timedelta(seconds=LIVE.interval)
        if system.reported is None:
            return now
        following = system.reported + system.upload + LAG
        return following if self._has_heard(system, feed) else now

    def _sleeps(self, system: System) -> bool:
        return not system.batteries and not system.has_consumption_meter

    def _was_dark(self, system: System, feed: str) -> bool:
        """Return whether a feed was polled since the sun went down."""
        return self._has_heard(system, feed)

    def _has_heard(self, system: System, feed: str) -> bool:
        """Return whether a feed has what the gateway told last."""
        last = self._snapshots.get(feed)
        if last is None or system.reported is None:
            return False
        return last.at >= system.reported

    def _has_news(self, system: System, feed: str, dark: Collection[str]) -> bool:
        return self._news(system, feed, dark) <= self._clock.now()

    # --- the past ------------------------------------------------------------------------

    def together(self, plants: Collection[str]) -> Collection[Collection[str]]:
        """Return each system by itself."""
        return [(plant,) for plant in plants]

    async def energy(
        self,
        plants: Collection[str],
        first: date,
        last: date,
        purpose: Purpose = Purpose.HISTORY,
    ) -> Energies:
        """Return a week of intervals, or all the days before there are any."""
        (plant,) = plants
        system = self._listing.systems[plant]
        return await self._energy.past(system, self._zone(plant), first, last, purpose)


def _plan_field() -> SignInField:
    return SignInField(key="plan", kind=FieldKind.TEXT, choices=tuple(PLANS))


OAUTH = OAuth(
    authorize=("/oauth/authorize",),
    token="/oauth/token",
    basic=True,
    in_query=True,
    lifetime=86_400,
    shows_code="/oauth/redirect_uri",
)
ENPHASE = VendorInfo(
    slug="enphase",
    name="Enphase",
    allowances=allowances(*PLANS["watt"]),
    menu=True,
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="enphase_v4",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                _plan_field(),
                SignInField(key="api_key", kind=FieldKind.SECRET),
                *CLIENT_FIELDS,
            ),
            connect=EnphaseCloud,
            oauth=OAUTH,
            budget=("api_key",),
        ),
        WayIn(
            step="enphase_v2",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                SignInField(key="api_key", kind=FieldKind.SECRET),
                SignInField(key="user_id", kind=FieldKind.TEXT),
            ),
            connect=EnphaseCloud,
            budget=("api_key",),
        ),
    ),
)
