"""An account as Home Assistant runs it: feeds, house, commands, leases, and its file."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .cloud import dispatch
from .cloud.control import Absent, Control, Outcome, Setting, State
from .cloud.counters import Counters
from .cloud.errors import (
    AuthenticationFailed,
    CloudError,
    PermissionDenied,
    QuotaExceeded,
    understood,
)
from .cloud.house import PUBLICATIONS, Choices, House, build, oldest
from .cloud.model import DeviceKind, Snapshot
from .cloud.quota import Left
from .cloud.registry import VENDORS
from .cloud.renamed import renamed
from .cloud.vendor import Connection, Vendor, VendorInfo
from .const import (
    ANSWER_WITHIN,
    CONF_CONTROL,
    CONF_CREDENTIALS,
    CONF_INVERT_METER,
    CONF_PLANTS,
    CONF_RENAMED,
    CONF_TOKEN,
    CONF_VENDOR,
    CONF_WAY,
    CONF_WRITES_PER_DAY,
    DOMAIN,
    EVENT_COMMAND,
    HEARTBEAT,
)
from .coordinator import FeedCoordinator, HouseCoordinator
from .devices import Devices
from .history import History
from .lease import Leases
from .moment import Moment
from .oauth import open_tokens
from .store import AccountStore, SignIn, async_open_ledger, clock_of

type SolarCloudConfigEntry = ConfigEntry[Account]

TOUCHED = (
    "export_limit",
    "schedule_enabled",
    "charge_from_grid",
    "charge_power_rate",
    "discharge_power_rate",
    "grid_charge_soc_limit",
)
STATUSES = ("auth_failed", "quota", "cloud_down", "logger_offline", "asleep", "ok")


def signal_outcome(entry: SolarCloudConfigEntry) -> str:
    """Return the signal on which an entry's outcomes are told."""
    return f"{DOMAIN}_{entry.entry_id}_outcome"


class Account:
    """What an entry runs."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: SolarCloudConfigEntry,
        info: VendorInfo,
        vendor: Vendor,
        store: AccountStore,
    ) -> None:
        """Build the coordinators; nothing is polled yet."""
        self.hass = hass
        self.entry = entry
        self.info = info
        self.vendor = vendor
        self.store = store
        self.clock = clock_of(hass)
        self.counters = Counters(store.kept.counters)
        self.house = HouseCoordinator(hass, entry)
        self.feeds = {
            feed.key: FeedCoordinator(hass, entry, self, feed) for feed in vendor.feeds
        }
        self.starting = True
        self.outcomes: dict[str, Outcome] = {}
        self.zones: dict[str, ZoneInfo] = {}
        self.moment = Moment(self)
        self._kept_house: tuple[Mapping[str, Snapshot], House] | None = None
        self.leases = Leases(self)
        self.history = History(self)
        self.devices = Devices(hass, entry.entry_id, info.name)
        self.inputs: dict[str, dict[str, float]] = {}
        self.dispatcher = dispatch.Dispatcher(
            vendor,
            self.clock,
            dispatch.House(
                plant_of=self.plant_of,
                known=self.control,
                learned=self.learned,
                report=self.report,
                spawn=self.spawn,
                today=self.today,
                writes_per_day=lambda: entry.options.get(CONF_WRITES_PER_DAY),
            ),
        )

        self.dispatcher.writes = self._kept_writes()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start work that ends with the entry."""
        return self.entry.async_create_background_task(
            self.hass, work, f"{DOMAIN} command"
        )

    # --- set-up ---------------------------------------------------------------------

    async def async_start(self) -> None:
        """Await the essential feeds, then poll the others in the background."""
        for feed in self.feeds.values():
            if feed.feed.essential:
                await feed.async_config_entry_first_refresh()
        for feed in self.feeds.values():
            if not feed.feed.essential:
                await feed.async_load()
        self.starting = False
        await self._async_find_zones(self.snapshots())
        self.async_recompute()

    async def async_restore(self) -> None:
        """Take over all stored snapshots without a poll."""
        for feed in self.feeds.values():
            await feed.async_load()
        await self._async_find_zones(self.snapshots())
        self.house.async_show(self._build(self.snapshots()))

    @callback
    def async_run(self) -> None:
        """Follow the feeds and the clock, and poll what is not essential."""
        for feed in self.feeds.values():
            self.entry.async_on_unload(feed.async_add_listener(self.async_recompute))
            if not feed.feed.essential:
                self.entry.async_create_background_task(
                    self.hass, feed.async_refresh(), f"{DOMAIN} {feed.feed.key}"
                )
        self.spawn(self.leases.async_resume())
        self.dispatcher.resume()
        self.entry.async_on_unload(self.leases.async_stop_watching)
        self.entry.async_on_unload(
            async_track_time_interval(self.hass, self._async_heartbeat, HEARTBEAT)
        )

    @callback
    def _async_heartbeat(self, now: datetime) -> None:
        """Let the readings age."""
        self.async_recompute()

    async def async_refresh(self) -> None:
        """Poll all feeds now; each as far as the quota allows it."""
        for feed in self.feeds.values():
            await feed.async_poll_now()

    async def _async_find_zones(self, snapshots: Mapping[str, Snapshot]) -> None:
        for snapshot in snapshots.values():
            for plant in snapshot.plants.values():
                if plant.time_zone and (
                    zone := await dt_util.async_get_time_zone(plant.time_zone)
                ):
                    self.zones[plant.id] = zone

    # --- the house ------------------------------------------------------------------

    @property
    def choices(self) -> Choices:
        """Return what the user chose."""
        plants = self.entry.options.get(CONF_PLANTS)
        return Choices(
            plants=frozenset(plants) if plants else None,
            inverted=frozenset(self.entry.options.get(CONF_INVERT_METER, ())),
        )

    @property
    def controllable(self) -> bool:
        """Return whether the user chose to steer."""
        return self.info.control and bool(self.entry.options.get(CONF_CONTROL))

    def snapshots(self) -> dict[str, Snapshot]:
        """Return the last snapshot of each feed that has one."""
        return {key: feed.data for key, feed in self.feeds.items() if feed.data}

    @callback
    def async_recompute(self) -> None:
        """Put the house together as it is now."""
        snapshots = self.snapshots()
        kept, self._kept_house = self._kept_house, None
        same = kept is not None and _are_same(kept[0], snapshots)
        house = kept[1] if kept and same else self._build(snapshots)
        self.devices.async_register(house)
        self.house.async_show(house)
        self.leases.async_look()

    def _build(self, snapshots: Mapping[str, Snapshot]) -> House:
        self.moment = Moment(self, snapshots)
        return build(
            self.vendor.feeds,
            snapshots,
            self.counters,
            self.clock.now(),
            self.choices,
            zone=self.zones,
            default_zone=self._default_zone(),
            stretch=self.stretch(),
            dark=self.dark(),
        )

    def plant_of(self, subject: str) -> str:
        """Return the plant of a device, else what is a plant itself."""
        device = self.house.data.devices.get(subject)
        return device.plant if device else subject

    def name(self, plant: str) -> str:
        """Return the name of a plant, as far as it is known."""
        found = self.house.data.plants.get(plant)
        return found.name if found else "-"

    def _default_zone(self) -> ZoneInfo:
        zone = dt_util.get_default_time_zone()
        assert isinstance(zone, ZoneInfo)
        return zone

    def today(self) -> date:
        """Return the day in Home Assistant's time zone."""
        return self.clock.now().astimezone(self._default_zone()).date()

    def zone(self, plant: str) -> ZoneInfo:
        """Return the time zone of a plant, else Home Assistant's."""
        return self.zones.get(plant) or self._default_zone()

    def midnight(self, plant: str) -> datetime:
        """Return when the present day began at a plant."""
        return dt_util.start_of_local_day(self.clock.now().astimezone(self.zone(plant)))

    def dark(self) -> Collection[str]:
        """Return the plants at which the sun is below the horizon."""
        return self.moment.dark

    def stretch(self) -> float:
        """Return by how much all intervals grow so that the quota lasts."""
        return self.moment.stretch

    def _kept_writes(self) -> dispatch.Writes:
        """Return the writes of the day on which the account was last stored."""
        kept = self.store.kept.writes
        if not kept:
            return dispatch.Writes()
        return dispatch.Writes(
            day=date.fromisoformat(kept["day"]), count=dict(kept["count"])
        )

    def count_write(self, device: str) -> None:
        """Count a write to a device; raises once the user's own bound is reached."""
        writes, today = self.dispatcher.writes, self.today()
        most = self.entry.options.get(CONF_WRITES_PER_DAY)
        if most is not None and writes.today(device, today) >= most:
            raise dispatch.WritesSpent
        writes.add(device, today)

    async def async_keep(self, feed: str, snapshot: Snapshot) -> None:
        """Store a snapshot with the counters it leads to, before anybody sees it."""
        kept = self.store.kept
        kept.feeds[feed] = snapshot
        await self._async_find_zones({feed: snapshot})
        snapshots = self.snapshots() | {feed: snapshot}
        house = self._build(snapshots)
        self._kept_house = (snapshots, house)
        kept.counters = self.counters.as_dict()
        kept.memory = self.vendor.memory
        await self.store.async_save()
        if snapshot.plants:
            self.devices.async_remove_gone(house)

    async def async_remember(self) -> None:
        """Store what the vendor has learned, at once."""
        self.store.kept.memory = self.vendor.memory
        await self.store.async_save()

    # --- state ----------------------------------------------------------------------

    def status(self, plant: str) -> str:
        """Return the worst thing that keeps a plant's data from being current."""
        feeds = [row for row in self.feeds.values() if row.feed.essential]
        errors = [row.error for row in feeds if row.error]
        if any(
            isinstance(err, AuthenticationFailed | PermissionDenied) for err in errors
        ):
            return "auth_failed"
        house = self.house.data
        at = house.newest(plant)
        current = at and at >= self._oldest(plant)
        if any(isinstance(err, QuotaExceeded) for err in errors):
            return "quota"
        if errors:
            return "cloud_down"
        if house.value(plant, "online") is not False and current:
            return "ok" if not self._sleeps(plant) else "asleep"
        return "asleep" if self._sleeps(plant) else "logger_offline"

    def _oldest(self, plant: str) -> datetime:
        """Return the instant before which a plant's powers are no longer current."""
        found = self.house.data.plants.get(plant)
        uploads = found.uploads if found else None
        feed = next(row for row in self.vendor.feeds if row.essential and row.measuring)
        return oldest(feed, self.clock.now(), self.stretch(), uploads)

    def is_silent(self, plant: str, least: timedelta) -> bool:
        """Return whether a plant has told no powers for longer than is to be expected."""
        house, now = self.house.data, self.clock.now()
        newest = house.newest(plant)
        if newest is None:
            return True
        promised = (now - self._oldest(plant)) / PUBLICATIONS
        return now - newest > max(least, 2 * promised) and not self._sleeps(plant)

    def _sleeps(self, plant: str) -> bool:
        house = self.house.data
        kinds = {row.kind for row in house.of_plant(plant)}
        if DeviceKind.MICROINVERTER in kinds and DeviceKind.BATTERY not in kinds:
            dark = plant in self.dark() and house.value(plant, "load_power") is None
            return dark and house.value(plant, "pv_power") == 0
        inverters = [
            row for row in house.of_plant(plant) if row.kind is DeviceKind.INVERTER
        ]
        states = {house.value(row.id, "inverter_state") for row in inverters}
        return states == {"standby"} and not any(row.has_battery for row in inverters)

    @property
    def is_incomplete(self) -> bool:
        """Return whether a feed of measurements has yet to be polled for the first time."""
        return any(row.feed.measuring and not row.data for row in self.feeds.values())

    def calls_left(self) -> Left | None:
        """Return the tightest window of the vendor's allowances."""
        return self.moment.left

    # --- controls -------------------------------------------------------------------

    def control(self, device: str, key: str) -> Control | Absent | None:
        """Return a control of a device as it was last read."""
        return self.house.data.controls.get(device, {}).get(key)

    @callback
    def learned(self, device: str, found: Mapping[str, Control | Absent]) -> None:
        """Take over settings that were read back."""
        for feed in self.feeds.values():
            if feed.data and device in feed.data.controls:
                controls = dict(feed.data.controls)
                controls[device] = {**controls[device], **found}
                feed.data = replace(feed.data, controls=controls)
                self.store.kept.feeds[feed.feed.key] = feed.data
        self.async_recompute()

    async def async_reread(self, device: str) -> None:
        """Read again the settings that runs and schedules touch, for their entities."""
        keys = [
            key for key in TOUCHED if isinstance(self.control(device, key), Control)
        ]
        with suppress(CloudError):
            with understood():
                found = await self.vendor.read(device, keys)
            self.learned(device, found)

    async def async_set(self, device: str, key: str, value: Setting) -> Outcome:
        """Carry out a setting; returns once it is read back, taken on, or queued."""
        pending = self.dispatcher.submit(device, key, value)
        done, _ = await asyncio.wait([pending.answer], timeout=ANSWER_WITHIN)
        if done:
            return pending.answer.result()
        return self.dispatcher.queued(pending)

    @callback
    def report(self, outcome: Outcome) -> None:
        """Tell an outcome: to the sensor, and as an event."""
        self.outcomes[outcome.plant] = outcome
        self.moment = Moment(self)
        writes = self.dispatcher.writes
        if writes.day:
            self.store.kept.writes = {
                "day": writes.day.isoformat(),
                "count": dict(writes.count),
            }
        async_dispatcher_send(self.hass, signal_outcome(self.entry), outcome)
        self.hass.bus.async_fire(EVENT_COMMAND, event_data(outcome))


def _are_same(one: Mapping[str, Snapshot], other: Mapping[str, Snapshot]) -> bool:
    """Return whether these are the very same snapshots."""
    return one.keys() == other.keys() and all(
        one[key] is row for key, row in other.items()
    )


def event_data(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as an event carries it."""
    data = asdict(outcome)
    data["outcome"] = data.pop("state")
    data["at"] = outcome.at.isoformat()
    return data


def failed(outcome: Outcome) -> bool:
    """Return whether the caller has to hear that a command was not carried out."""
    return outcome.state in (State.REFUSED, State.FAILED)


def _chosen(
    entry: SolarCloudConfigEntry, names: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the plants that are to cost calls by the wire's ids, None for all."""
    chosen = frozenset(entry.options.get(CONF_PLANTS) or ())
    return chosen | {wire for wire, ours in names.items() if ours in chosen} or None


def sign_in_of(entry: SolarCloudConfigEntry) -> SignIn:
    """Return how an entry is signed in."""
    return SignIn(
        way=VENDORS[entry.data[CONF_VENDOR]].way(entry.data[CONF_WAY]),
        credentials=entry.data[CONF_CREDENTIALS],
        owner=entry.unique_id or "",
    )


async def async_open_account(
    hass: HomeAssistant, entry: SolarCloudConfigEntry
) -> Account:
    """Open the account of an entry from what is stored; makes no call."""
    info = VENDORS[entry.data[CONF_VENDOR]]
    store = AccountStore(hass, entry)
    kept = await store.async_load()
    credentials = entry.data[CONF_CREDENTIALS]
    way = info.way(entry.data[CONF_WAY])
    names = entry.data.get(CONF_RENAMED, {})
    vendor = way.connect(
        Connection(
            session=async_get_clientsession(hass),
            clock=clock_of(hass),
            ledger=await async_open_ledger(hass, info, sign_in_of(entry)),
            credentials=credentials,
            memory=kept.memory,
            language=hass.config.language.split("-", 1)[0],
            token=open_tokens(
                hass, way, credentials, entry.data.get(CONF_TOKEN), store
            ),
            plants=_chosen(entry, names),
        )
    )
    vendor = renamed(vendor, names)
    account = Account(hass, entry, info, vendor, store)
    vendor.remember(account.async_remember)
    return account
