"""Enphase as a vendor: its feeds, the month's budget, and how it is signed in to."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, override
from zoneinfo import ZoneInfo

from ..control import Absent, Control, Progress, Reason, Run, RunRange, Setting
from ..errors import AuthenticationFailed, CloudError, QuotaExceeded
from ..model import Alarm, Device, DeviceKind, Energies, EnergyRow, Reading, Snapshot
from ..oauth import OAuth
from ..quota import Call, Purpose
from ..read_only import ReadOnly
from ..values import number, time_zone
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
from . import endpoints as on, micros
from .alarms import Alarms
from .client import HOSTS, EnphaseClient
from .endpoints import Group
from .energy import Energy
from .lacking import Lacking
from .limits import MINUTE, MONTH, OLD_PLAN, PLANS, allowances
from .listing import Listing, System
from .past import Past
from .powers import Powers
from .rhythm import Rhythm
from .runs import Runs
from .settings import KEYS, NEVER
from .steering import Steering

# Weighed against each other, so that a small plan's month is stretched to them.
SYSTEMS = Feed(key="systems", interval=7_200, essential=True)
LIVE = Feed(key="live", interval=900, essential=True, measuring=True)
ENERGY = Feed(key="energy", interval=1_800, measuring=True)
MICROS = Feed(key="micros", interval=7_200, measuring=True)
ALARMS = Feed(key="alarms", interval=7_200)
SETTINGS = Feed(key="settings", interval=1_800)
FEEDS = (SYSTEMS, LIVE, ENERGY, MICROS, ALARMS, SETTINGS)
# What the old version does not have.
NEWER = frozenset((ALARMS.key,))
# The gateways' own rhythm, on plans that have hits enough.
PLENTY = tuple(replace(row, interval=900) for row in FEEDS)

READS = (on.READ_BATTERY, on.READ_STORM, on.READ_LOADS, on.READ_GRID)
NOT_IN_PLAN = dict.fromkeys(KEYS, Absent(reason=Reason.NOT_IN_PLAN))

# A state of charge that is older is not the present one.
PRESENT = timedelta(hours=1)

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
        self._has_moved = _has_moved(memory, connection)
        self._lacking = lacking = Lacking(clock, memory)
        self._client = client = EnphaseClient(
            connection.session, known, connection.ledger, connection.token, lacking
        )
        self._listing = listing = Listing(client, clock, memory)
        self._energy = Energy(client, clock, listing, lacking, memory)
        self._past = Past(client, clock, self._energy)
        self._alarms = Alarms(client, clock, memory)
        self._steering = Steering(client, clock, lacking, memory)
        self._runs = Runs(self._steering, self._soc)
        self._typed = OLD_PLAN if client.is_old else PLANS[known["plan"]]
        self._told: dict[str, int] = memory.setdefault("limits", {})
        self._snapshots: dict[str, Snapshot] = {}
        self._powers = Powers(client, clock, listing, self._energy)
        self._rhythm = Rhythm(clock, self._energy, self._snapshots)
        self._zones: dict[str, ZoneInfo] = {}
        self._standing: dict[str, tuple[Alarm, ...]] = {}
        self._follow_plan()
        feeds = FEEDS if self._plan.is_rationed else PLENTY
        self.feeds = tuple(
            row for row in feeds if row.key not in NEWER or not client.is_old
        )

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
        """Take over what an earlier poll of a feed delivered, by the same version."""
        if self._has_moved:
            return
        self._snapshots[feed] = snapshot
        for system, controls in snapshot.controls.items():
            self._steering.take_over(system, controls)
        if feed == SYSTEMS.key:
            for system in snapshot.plants:
                self._listing.take_over(system)
            await self._find_zones(snapshot)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        try:
            if feed == SYSTEMS.key:
                snapshot = await self._listing.poll(self._wanted)
                await self._find_zones(snapshot)
            else:
                snapshot = await self._of_systems(feed, dark)
        finally:
            self._follow_plan()
        self._snapshots[feed] = snapshot
        return snapshot

    async def _find_zones(self, snapshot: Snapshot) -> None:
        for plant in snapshot.plants.values():
            if zone := await time_zone(plant.time_zone):
                self._zones[plant.id] = zone

    def _zone(self, system: str) -> ZoneInfo:
        return self._zones.get(system) or ZoneInfo("UTC")

    def _follow_plan(self) -> None:
        """Take over which plan answers show: groups that it lacks, limits that it told."""
        plan = self._typed
        if self._lacking.lacks(plan.more):
            smaller = (row for row in PLANS.values() if row.minute < plan.minute)
            fitting = (row for row in smaller if not self._lacking.lacks(row.more))
            plan = max(fitting, key=lambda row: row.minute, default=plan)
        self._told |= self._client.told
        self._plan = plan = replace(
            plan,
            minute=self._told.get(MINUTE, plan.minute),
            month=self._told.get(MONTH, plan.month),
        )
        self._client.rationed = plan.is_rationed
        self.ledger.allow(allowances(plan))

    def _asked(self) -> list[System]:
        """Return the systems that may cost calls."""
        wanted = self._wanted
        rows = self._listing.systems.values()
        return [row for row in rows if wanted is None or row.id in wanted]

    async def _of_systems(self, feed: str, dark: Collection[str]) -> Snapshot:
        """Fetch a feed of each system that has something new to tell."""
        poll = _Poll(self._snapshots.get(feed))
        failure: CloudError | None = None
        came = False
        for system in self._asked():
            if self._rhythm.is_over(system, feed, dark):
                came = True
                continue
            try:
                await self._fetch(feed, system, poll)
                self._rhythm.asked(feed, system, dark)
                came = True
            except ENDING as err:
                failure = err
                break
            except CloudError as err:
                failure = err
        if failure and not came:
            raise failure
        return Snapshot(
            at=self._clock.now(),
            readings=poll.readings,
            alarms=tuple(row for rows in self._standing.values() for row in rows),
            alarms_told=feed == ALARMS.key,
            energy=tuple(poll.rows),
            controls=poll.controls,
            absent_readings={
                system.id: lacks
                for system in self._asked()
                if (lacks := self._energy.lacks(system))
            },
        )

    async def _fetch(self, feed: str, system: System, poll: _Poll) -> None:
        if feed == LIVE.key:
            poll.take(await self._powers.fetch(system, self._zone(system.id)))
        elif feed == ENERGY.key:
            told = await self._energy.poll(system, self._zone(system.id))
            poll.take({system.id: told.readings})
            poll.rows += told.rows
        elif feed == MICROS.key:
            poll.take(await micros.fetch(self._client, system))
        elif feed == SETTINGS.key:
            await self._settings(system.id, poll)
        else:
            self._standing[system.id] = await self._alarms.fetch(system.id)

    async def _settings(self, system: str, poll: _Poll) -> None:
        """Read the settings; a plan without them is not asked."""
        if Group.CONFIGURATION not in self._plan.more:
            poll.controls[system] = {**NOT_IN_PLAN, **NEVER}
            return
        poll.controls[system] = await self._steering.poll(system)
        poll.take({system: await self._steering.grid(system)})

    def _soc(self, system: str) -> float | None:
        """Return the state of charge as it was told last."""
        told = self._snapshots.get(ENERGY.key)
        found = told.readings.get(system, {}).get("battery_soc") if told else None
        if found is None or self._clock.now() - found.at > PRESENT:
            return None
        return number(found.value)

    # --- steering ----------------------------------------------------------------------

    @override
    def lane(self, key: str) -> str:
        """Return the call that takes a setting."""
        return KEYS[key].write.path

    @override
    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings of a system."""
        return await self._steering.write(device, changes)

    @override
    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings of a system afresh."""
        return await self._steering.read(device, keys)

    @override
    def run_range(self, device: Device) -> RunRange | None:
        """Return what a run may ask of a battery: of all of them, as they are one."""
        if device.kind is not DeviceKind.BATTERY:
            return None
        return self._runs.range(device.plant)

    @override
    async def prepare(self, run: Run) -> dict[str, Any]:
        """Return the settings that a run will change."""
        return await self._runs.prepare(run)

    @override
    async def start(self, run: Run, before: Mapping[str, Any]) -> None:
        """Set what a run asks for."""
        await self._runs.start(run, before)

    @override
    async def started(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether it is set."""
        return await self._runs.started(run, before)

    @override
    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Put back what was set before."""
        await self._runs.stop(run, before)

    @override
    async def stopped(self, run: Run, before: Mapping[str, Any]) -> Progress:
        """Read back whether it is as it was."""
        return await self._runs.stopped(run, before)

    # --- when to ask -------------------------------------------------------------------

    def calls(self, feed: str) -> tuple[Call, ...]:
        """Return the calls of one poll, for planning."""
        old = self._client.is_old
        if feed == SYSTEMS.key:
            return (Call(endpoint=(on.OLD_SYSTEMS if old else on.SYSTEMS).path),)
        found: list[Call] = []
        for system in self._asked():
            if feed == ENERGY.key:
                paths = [row.endpoint.path for row in self._energy.sources(system)]
            elif feed == LIVE.key:
                metered = system.has_production_meter and not old
                summary = on.OLD_SUMMARY if old else on.SUMMARY
                paths = [(on.LATEST if metered else summary).path]
            elif feed == SETTINGS.key:
                configured = Group.CONFIGURATION in self._plan.more
                paths = [row.path for row in READS if configured]
            elif feed == MICROS.key:
                paths = [(on.OLD_INVERTERS if old else on.INVERTERS).path]
            else:
                paths = [on.OPEN_ALARMS.path]
            found += [Call(endpoint=path, subjects=(system.id,)) for path in paths]
        return tuple(found)

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next: not before there can be news."""
        row = next(row for row in self.feeds if row.key == feed)
        return self._rhythm.due(row, self._asked(), stretch, dark)

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
        return await self._past.fetch(system, self._zone(plant), first, last, purpose)


def _has_moved(memory: dict[str, Any], connection: Connection) -> bool:
    """Return whether the other version was asked before; what another plan had is forgotten."""
    plan = ["v4", connection.credentials["plan"]] if connection.token else ["v2", ""]
    before = memory.get("plan", plan)
    memory["plan"] = plan
    if before != plan:
        for learned in ("limits", "lacking"):
            memory.pop(learned, None)
    return bool(before[0] != plan[0])


class _Poll:
    """What a poll has told so far, on what was told before."""

    def __init__(self, before: Snapshot | None) -> None:
        self.readings: dict[str, Mapping[str, Reading]] = {}
        self.rows: list[EnergyRow] = []
        self.controls: dict[str, Mapping[str, Control | Absent]] = {}
        if before:
            self.readings |= before.readings

    def take(self, found: Mapping[str, Mapping[str, Reading]]) -> None:
        for subject, rows in found.items():
            self.readings[subject] = {**self.readings.get(subject, {}), **rows}


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
    allowances=allowances(PLANS["watt"]),
    menu=True,
    private_fields=PRIVATE,
    ways=(
        WayIn(
            step="enphase_v4",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                SignInField(key="plan", kind=FieldKind.CHOICE, choices=tuple(PLANS)),
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
