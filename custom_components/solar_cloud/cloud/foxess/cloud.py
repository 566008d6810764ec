"""FoxESS as a vendor: its feeds, what it remembers, and how it is signed in to."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
import re
from typing import Any

from ..control import Absent, Control, Reason, Run, RunRange, Schedule, Setting, Window
from ..errors import (
    Busy,
    CloudError,
    DeviceGone,
    NoPlants,
    NotSupported,
    PermissionDenied,
    Refused,
    UnexpectedAnswer,
)
from ..model import Alarm, Device, DeviceKind, EnergyRow, Plant, Reading, Snapshot
from ..publication import STALE_PERIODS, Publication
from ..quantity import TODAY
from ..quota import Call, Purpose
from ..values import instant, number, text, time_zone
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
from .client import BATCH, HOSTS, FoxessClient
from .controls import BATTERY_ONLY, KEYS, METER_KEYS, InverterControls
from .limits import DAY, INVERTER_DAY, allowances
from .readings import REPORT_ROWS, Sample, read
from .runs import Runs
from .scheduler import Scheduler
from .schedules import Schedules

DEVICES = Feed(key="devices", interval=3600, essential=True)
REALTIME = Feed(key="realtime", interval=300, essential=True, measuring=True)
SETTINGS = Feed(key="settings", interval=3600)
TOTALS = Feed(key="totals", interval=900)
FAULTS = Feed(key="faults", interval=3600)
ALLOWANCE = Feed(key="allowance", interval=1800)
FEEDS: tuple[Feed, ...] = (DEVICES, REALTIME, SETTINGS, TOTALS, FAULTS, ALLOWANCE)

DETAILS_FOR = timedelta(hours=24)
LONG_AGO = datetime.fromtimestamp(0, UTC)
SLEEPING_POLL = timedelta(minutes=15)
LONGEST_DAWN = timedelta(hours=2)
FIRMWARE = ("masterVersion", "slaveVersion", "managerVersion")
KEPT_OF_DETAIL = (
    "capacity",
    "batteryList",
    "hardwareVersion",
    "thirdPartyGen",
    *FIRMWARE,
)
_CODES = re.compile(r"[\s,;]+")
ONLINE, FAULT, OFFLINE = "1", "2", "3"
WATTS_PER_KW = 1000.0
BATTERY_CONTROL_UNIT, BATTERY_MODULE = "bcu", "bmu"


# What the wire calls that which tells who the owner is and where the plant stands.
PRIVATE_FIELDS = frozenset(
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


class FoxessCloud:
    """One FoxESS account."""

    feeds: tuple[Feed, ...] = FEEDS

    def __init__(self, connection: Connection) -> None:
        """Sign in with an API key (`host`, `api_key`)."""
        self.ledger = connection.ledger
        self.memory = connection.memory
        self._clock = connection.clock
        self._client = FoxessClient(
            connection.session,
            connection.credentials["host"],
            connection.credentials["api_key"],
            connection.ledger,
            connection.language,
        )
        self._plants: dict[str, Plant] = {}
        self._zones: dict[str, tzinfo] = {}
        self._devices: dict[str, Device] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._polled: dict[str, datetime] = {}
        self._planned: dict[str, tuple[Call, ...]] = {}
        self._dark: dict[str, datetime] = {}
        self._publications: dict[str, Publication] = {
            sn: Publication.from_dict(row)
            for sn, row in self.memory.get("publications", {}).items()
        }
        self._scheduler = Scheduler(self._client, self.memory)
        self.controls = InverterControls(
            self._client, self._scheduler, self._clock, self.memory, zone=self._zone
        )
        self._runs = Runs(
            self._scheduler,
            self.controls,
            zone=self._zone,
            soc=self._soc,
            rated=lambda sn: self._devices[sn].rated_power_w,
        )
        self._schedules = Schedules(self._client, self._scheduler, self.controls)

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
        self.controls.remember = save

    async def identify(self) -> Identity:
        """List the plants of the account; FoxESS documents no account identity."""
        plants = await self._list_plants()
        if not plants:
            raise NoPlants
        return Identity(account=None, plants=plants)

    async def restore(self, feed: str, snapshot: Snapshot) -> None:
        """Take over what an earlier poll of a feed delivered."""
        self._snapshots[feed] = snapshot
        self._polled[feed] = snapshot.at
        if feed == DEVICES.key:
            await self._take_over(snapshot.plants, snapshot.devices)
        self.controls.take_over(snapshot.controls)

    async def poll(self, feed: str, *, dark: Collection[str] = ()) -> Snapshot:
        """Fetch a feed; raises a CloudError when nothing of it came."""
        fetch = {
            DEVICES.key: self._poll_devices,
            REALTIME.key: lambda: self._poll_realtime(frozenset(dark)),
            SETTINGS.key: self._poll_settings,
            TOTALS.key: self._poll_totals,
            FAULTS.key: self._poll_faults,
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
        inverters = self._inverters()
        path = {
            REALTIME.key: (on.REAL_V1,),
            SETTINGS.key: (on.SETTING_GET,) * (len(KEYS) + 1),
            TOTALS.key: (on.REPORT,),
        }.get(feed, ())
        each = tuple(
            Call(endpoint=row.path, subjects=(sn,)) for sn in inverters for row in path
        )
        once = {
            DEVICES.key: (on.PLANT_LIST, on.DEVICE_LIST, on.MODULE_LIST, on.METER_LIST),
            ALLOWANCE.key: (on.ACCESS_COUNT,),
        }.get(feed, ())
        return each + tuple(Call(endpoint=row.path) for row in once)

    def due(self, feed: str, stretch: float, dark: Collection[str] = ()) -> datetime:
        """Return when a feed should be polled next."""
        now = self._clock.now()
        if feed not in self._polled:
            return now
        interval = next(row.interval for row in FEEDS if row.key == feed)
        if feed != REALTIME.key or not self._inverters():
            return self._polled[feed] + timedelta(seconds=interval * stretch)
        return min(
            self._next_sample(sn, now, stretch, dark) for sn in self._inverters()
        )

    async def write(
        self, device: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings; returns those that were refused."""
        return await self.controls.write(device, changes)

    async def read(
        self, device: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Read settings afresh."""
        return await self.controls.read(device, keys)

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

    async def started(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether the devices hold the run."""
        return await self._runs.started(run, before)

    async def stop(self, run: Run, before: Mapping[str, Any]) -> None:
        """Take a run out and put back what was there before."""
        await self._runs.stop(run, before)

    async def stopped(self, run: Run, before: Mapping[str, Any]) -> bool:
        """Read back whether the run is gone."""
        return await self._runs.stopped(run, before)

    async def set_schedule(self, device: str, windows: Collection[Window]) -> None:
        """Write a schedule and turn the scheduler on."""
        await self._schedules.set(device, windows)

    async def get_schedule(self, device: str) -> Schedule:
        """Read the schedule that the device holds."""
        return await self._schedules.get(device)

    async def energy(
        self, plant: str, day: date, purpose: Purpose = Purpose.HISTORY
    ) -> tuple[EnergyRow, ...]:
        """Return the hourly energy of a day ("Get device production report")."""
        rows: list[EnergyRow] = []
        for sn in self._inverters(plant):
            report = await self._client.report(
                sn, tuple(REPORT_ROWS), day.year, day.month, day.day, purpose
            )
            midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone(sn))
            for variable, values in report.items():
                rows += [
                    EnergyRow(
                        subject=sn,
                        key=REPORT_ROWS[variable],
                        start=(midnight + timedelta(hours=hour)).astimezone(UTC),
                        kwh=kwh,
                    )
                    for hour, value in enumerate(values)
                    if (kwh := number(value)) is not None and variable in REPORT_ROWS
                ]
        return tuple(rows)

    def _zone(self, sn: str) -> tzinfo:
        return self._zones.get(self._devices[sn].plant, UTC)

    def _soc(self, sn: str) -> float | None:
        found = self._snapshots.get(REALTIME.key)
        for device in self._devices.values():
            if found and device.parent == sn and device.kind is DeviceKind.BATTERY:
                reading = found.readings.get(device.id, {}).get("battery_soc")
                if reading and isinstance(reading.value, float):
                    return reading.value
        return None

    def _inverters(self, plant: str | None = None) -> list[str]:
        return [
            device.id
            for device in self._devices.values()
            if device.kind is DeviceKind.INVERTER and plant in (None, device.plant)
        ]

    async def _take_over(
        self, plants: Mapping[str, Plant], devices: Mapping[str, Device]
    ) -> None:
        self._plants, self._devices = dict(plants), dict(devices)
        self._planned = {}
        for plant in plants.values():
            if plant.id not in self._zones:
                self._zones[plant.id] = await time_zone(plant.time_zone) or UTC
        inverters = self._inverters()
        self.ledger.allow(allowances(max(1, len(inverters))), inverters)
        self.controls.meters = frozenset(
            device.id for device in devices.values() if device.kind is DeviceKind.METER
        )

    # --- plants and devices ---------------------------------------------------------

    async def _list_plants(self) -> dict[str, Plant]:
        plants: dict[str, Plant] = {}
        for row in await self._client.plants():
            if not (plant := text(row.get("stationID"))):
                continue
            plants[plant] = Plant(
                id=plant,
                name=text(row.get("name")) or plant,
                time_zone=text(row.get("ianaTimezone")),
            )
        return plants

    async def _poll_devices(self) -> Snapshot:
        plants = {
            plant.id: await self._with_detail(plant)
            for plant in (await self._list_plants()).values()
        }
        devices: dict[str, Device] = {}
        readings: dict[str, dict[str, Reading]] = {}
        now = self._clock.now()
        for row in await self._client.devices():
            for device in await self._inverter(row):
                devices[device.id] = device
            status = text(row.get("status"))
            readings[str(row.get("deviceSN"))] = {
                "online": Reading(value=status != OFFLINE, at=now),
            }
        await self._add_loggers(devices, readings)
        await self._add_meters(devices, readings)
        devices = {
            key: device for key, device in devices.items() if device.plant in plants
        }
        await self._take_over(plants, devices)
        return Snapshot(at=now, plants=plants, devices=devices, readings=readings)

    async def _with_detail(self, plant: Plant) -> Plant:
        detail = await self._detail(
            plant.id, lambda: self._client.plant(plant.id), ("capacity", "timezone")
        )
        return replace(
            plant,
            peak_power_kw=number(detail.get("capacity")),
            time_zone=plant.time_zone or text(detail.get("timezone")),
        )

    async def _detail(
        self, subject: str, fetch: Any, keep: Collection[str]
    ) -> Mapping[str, Any]:
        """Return a detail that hardly changes: asked once a day, else remembered."""
        known = self.memory.setdefault("details", {}).get(subject)
        now = self._clock.now()
        if known and now - datetime.fromisoformat(known["at"]) < DETAILS_FOR:
            return known["detail"]  # type: ignore[no-any-return]
        try:
            found = await fetch()
        except Refused, Busy, PermissionDenied, UnexpectedAnswer:
            return known["detail"] if known else {}
        detail = {key: found.get(key) for key in keep if key in found}
        self.memory["details"][subject] = {"at": now.isoformat(), "detail": detail}
        return detail

    async def _fetch_inverter(self, sn: str) -> dict[str, Any]:
        """Return an inverter's detail, by the documented path where that is all there is."""
        try:
            return await self._client.device(sn)
        except Refused, Busy:
            return await self._client.device(sn, v0=True)

    async def _inverter(self, row: Mapping[str, Any]) -> list[Device]:
        sn, plant = text(row.get("deviceSN")), text(row.get("stationID"))
        if not sn or not plant:
            return []
        detail = await self._detail(
            sn,
            lambda: self._fetch_inverter(sn),
            KEPT_OF_DETAIL,
        )
        firmware = [text(detail.get(name)) for name in FIRMWARE]
        software = " / ".join(version for version in firmware if version)
        self.controls.firmware(sn, software)
        rated = number(detail.get("capacity"))
        inverter = Device(
            id=sn,
            plant=plant,
            kind=DeviceKind.INVERTER,
            serial=sn,
            model=text(row.get("deviceType")),
            software=software or None,
            hardware=text(detail.get("hardwareVersion")),
            has_battery=bool(row.get("hasBattery")),
            # The service cuts off the half of models such as 10.5 kW.
            rated_power_w=None if rated is None else rated * WATTS_PER_KW,
        )
        if not inverter.has_battery:
            return [inverter]
        batteries = self._batteries(detail.get("batteryList") or (), sn)
        return [inverter, *(self._battery(inverter, n) for n in batteries)]

    def _batteries(self, rows: Collection[Any], sn: str) -> dict[str, Any]:
        """Return the batteries of an inverter by number; remembered, as ids rest on it.

        Each control unit opens a battery, and modules tell the capacity, in Wh.
        """
        known: dict[str, Any] = self.memory.setdefault("batteries", {}).setdefault(
            sn, {"1": {}}
        )
        number_now = 0
        for row in rows:
            if not isinstance(row, Mapping):
                continue
            if row.get("type") == BATTERY_CONTROL_UNIT or not number_now:
                number_now += 1
                battery = known.setdefault(str(number_now), {})
                battery["capacity"] = 0.0
                if (serial := text(row.get("batterySN"))) and _is_own(serial, rows):
                    battery.setdefault("id", serial)
                battery["model"] = text(row.get("model"))
                battery["software"] = text(row.get("version"))
            capacity = number(row.get("capacity", row.get("capicty")))
            if row.get("type") == BATTERY_MODULE and capacity:
                battery["capacity"] += capacity / WATTS_PER_KW
        return known

    def _battery(self, inverter: Device, battery: str) -> Device:
        known = self.memory["batteries"][inverter.id].setdefault(battery, {})
        return Device(
            id=known.setdefault("id", f"{inverter.id}_battery_{battery}"),
            plant=inverter.plant,
            kind=DeviceKind.BATTERY,
            model=known.get("model"),
            software=known.get("software"),
            parent=inverter.id,
            number=int(battery),
        )

    async def _optional(self, fetch: Any) -> list[dict[str, Any]]:
        """Return a list that not every account's service knows."""
        try:
            return await fetch()  # type: ignore[no-any-return]
        except Refused, Busy, PermissionDenied, UnexpectedAnswer:
            return []

    async def _add_loggers(
        self, devices: dict[str, Device], readings: dict[str, dict[str, Reading]]
    ) -> None:
        now = self._clock.now()
        for row in await self._optional(self._client.loggers):
            sn, plant = text(row.get("moduleSN")), text(row.get("stationID"))
            if not sn or not plant:
                continue
            devices[sn] = Device(id=sn, plant=plant, kind=DeviceKind.LOGGER, serial=sn)
            readings[sn] = {
                "online": Reading(value=text(row.get("status")) == ONLINE, at=now)
            }
            if (signal := number(row.get("signal"))) is not None:
                readings[sn]["signal_quality"] = Reading(value=signal, at=now)

    async def _add_meters(
        self, devices: dict[str, Device], readings: dict[str, dict[str, Reading]]
    ) -> None:
        now = self._clock.now()
        for row in await self._optional(self._client.meters):
            sn, plant = text(row.get("sn")), text(row.get("stationID"))
            if not sn or not plant or sn in devices:
                continue
            devices[sn] = Device(id=sn, plant=plant, kind=DeviceKind.METER, serial=sn)
            status = text(row.get("status"))
            readings[sn] = {
                "online": Reading(value=status != OFFLINE, at=now),
                "problem": Reading(value=status == FAULT, at=now),
            }

    # --- realtime --------------------------------------------------------------------

    def _next_sample(
        self, sn: str, now: datetime, stretch: float, dark: Collection[str]
    ) -> datetime:
        publication = self._publication(sn)
        if (
            self._devices[sn].plant in dark
            and self._sleeps(sn, now)
            and publication.seen
        ):
            return publication.seen + SLEEPING_POLL
        return publication.due(now, stretch)

    def _publication(self, sn: str) -> Publication:
        return self._publications.setdefault(sn, Publication(period=REALTIME.interval))

    def _sleeps(self, sn: str, now: datetime) -> bool:
        """Return whether an inverter without a battery has gone to sleep for the night.

        After sunrise it may take its time: it sleeps until its first new sample.
        """
        device = self._devices[sn]
        dark = self._dark.get(device.plant)
        if device.has_battery or dark is None or now - dark > LONGEST_DAWN:
            return False
        return self._is_stale(sn, now)

    def _is_stale(self, sn: str, now: datetime) -> bool:
        measured = self._publication(sn).measured
        span = timedelta(seconds=STALE_PERIODS * REALTIME.interval)
        return measured is None or now - measured > span

    async def _poll_realtime(self, dark: Collection[str]) -> Snapshot:
        now = self._clock.now()
        self._dark |= dict.fromkeys(dark, now)
        everyone = self._inverters()
        due = [
            sn for sn in everyone if self._next_sample(sn, now, 1.0, dark) <= now
        ] or everyone
        previous = self._snapshots.get(REALTIME.key)
        readings = dict(previous.readings) if previous else {}
        devices = dict(previous.devices) if previous else {}
        for start in range(0, len(due), BATCH):
            for row in await self._samples(due[start : start + BATCH]):
                self._take_sample(row, readings, devices)
            await asyncio.sleep(0)
        now = self._clock.now()
        for sn in due:
            stale = self._is_stale(sn, now)
            online = {"online": Reading(value=not stale, at=now)}
            readings[sn] = {**readings.get(sn, {}), **online}
            if self._sleeps(sn, now):
                readings[sn] = _asleep(readings[sn], now)
        self.memory["publications"] = {
            sn: row.as_dict() for sn, row in self._publications.items()
        }
        return Snapshot(at=now, readings=readings, devices=devices)

    async def _samples(self, sns: list[str]) -> list[dict[str, Any]]:
        if self.memory.get("realtime_v0"):
            return [row for sn in sns for row in await self._one_by_one([sn])]
        try:
            return await self._client.realtime(sns)
        except NotSupported:
            self.memory["realtime_v0"] = True
            return await self._samples(sns)
        except DeviceGone:
            if len(sns) == 1:
                raise
            return await self._one_by_one(sns)

    async def _one_by_one(self, sns: list[str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for sn in sns:
            try:
                rows += await self._client.realtime(
                    [sn], v0=bool(self.memory.get("realtime_v0"))
                )
            except DeviceGone:
                self._polled.pop(DEVICES.key, None)
        return rows

    def _take_sample(
        self,
        row: Mapping[str, Any],
        readings: dict[str, Mapping[str, Reading]],
        devices: dict[str, Device],
    ) -> None:
        sn = str(row.get("deviceSN"))
        if (device := self._devices.get(sn)) is None:
            return
        now = self._clock.now()
        measured = instant(row.get("time"), self._zone(sn))
        datas = row.get("datas")
        if not isinstance(datas, list) or not datas:
            self._publication(sn).observe(None, now)
            return
        at = min(measured or now, now)
        self._publication(sn).observe(at, now)
        batteries = self.memory.get("batteries", {}).get(sn, {})
        capacities = {
            int(n): known.get("capacity") or None
            for n, known in batteries.items()
            if device.has_battery
        }
        sample = read([row for row in datas if isinstance(row, Mapping)], capacities)
        self._settle_production(device, sample)
        detail = self.memory.get("details", {}).get(sn, {}).get("detail", {})
        if not detail.get("thirdPartyGen"):
            sample.inverter.pop("external_pv_power", None)
        readings[sn] = _stamped(sample.inverter, at)
        for n, values in sample.batteries.items():
            battery = self._battery(device, str(n))
            devices[battery.id] = battery
            readings[battery.id] = _stamped(values, at)

    def _settle_production(self, device: Device, sample: Sample) -> None:
        """Keep one source of the yield: PVEnergyTotal once it was seen, else generation."""
        values = sample.inverter
        seen: list[str] = self.memory.setdefault("pv_energy_seen", [])
        if values.get("pv_energy"):
            if device.id not in seen:
                seen.append(device.id)
            return
        values.pop("pv_energy", None)
        if device.id not in seen and "inverter_energy" in values:
            values["pv_energy"] = values["inverter_energy"]

    # --- settings, totals, faults, allowance -------------------------------------------

    async def _poll_settings(self) -> Snapshot:
        found: dict[str, Mapping[str, Control | Absent]] = {}
        inverters = sorted(
            self._inverters(), key=lambda sn: not self._devices[sn].has_battery
        )
        for sn in inverters:
            await self.controls.settle(sn)
            absent = (
                {}
                if self._devices[sn].has_battery
                else dict.fromkeys(
                    sorted(BATTERY_ONLY), Absent(reason=Reason.UNSUPPORTED)
                )
            )
            keys = [key for key in KEYS if key not in absent]
            self._snapshots[SETTINGS.key] = Snapshot(
                at=LONG_AGO, controls=found | {sn: self.controls.found(sn)}
            )
            found[sn] = await self.controls.read(sn, keys, Purpose.POLL) | absent
        for sn in sorted(self.controls.meters):
            found[sn] = await self.controls.read(sn, METER_KEYS, Purpose.POLL)
        return Snapshot(at=self._clock.now(), controls=found)

    async def _poll_totals(self) -> Snapshot:
        """Fetch today's energy, which the service counts in the plant's time zone."""
        readings: dict[str, dict[str, Reading]] = {}
        for sn in self._inverters():
            now = self._clock.now()
            today = now.astimezone(self._zone(sn)).date()
            report = await self._client.report(
                sn, tuple(REPORT_ROWS), today.year, today.month
            )
            readings[sn] = {
                f"{key}{TODAY}": Reading(value=round(kwh, 3), at=now)
                for variable, key in REPORT_ROWS.items()
                if len(report.get(variable, ())) >= today.day
                and (kwh := number(report[variable][today.day - 1])) is not None
                and self._has(sn, key)
            }
            if not self._has_own_yield(sn) and "inverter_energy_today" in readings[sn]:
                readings[sn]["pv_energy_today"] = readings[sn]["inverter_energy_today"]
        return Snapshot(at=self._clock.now(), readings=readings)

    def _has(self, sn: str, key: str) -> bool:
        realtime = self._snapshots.get(REALTIME.key)
        return bool(realtime and key in realtime.readings.get(sn, {}))

    def _has_own_yield(self, sn: str) -> bool:
        return sn in self.memory.get("pv_energy_seen", ())

    async def _poll_faults(self) -> Snapshot:
        """Fetch the day's faults of the inverters that report one, with their texts."""
        realtime = self._snapshots.get(REALTIME.key)
        alarms: list[Alarm] = []
        for sn in self._inverters():
            values = realtime.readings.get(sn, {}) if realtime else {}
            if not (problem := values.get("problem")) or not problem.value:
                continue
            texts = await self._fault_texts()
            today = self._clock.now().astimezone(self._zone(sn)).date()
            rows = await self._optional(
                lambda sn=sn, day=today.isoformat(): self._client.faults(sn, day)
            )
            code = values["fault_code"].value if "fault_code" in values else None
            alarms += [
                _alarm(sn, row, texts) for row in _present(rows, str(code or ""))
            ]
        return Snapshot(at=self._clock.now(), alarms=tuple(alarms), alarms_told=True)

    async def _fault_texts(self) -> dict[str, str]:
        known = self.memory.get("fault_texts")
        if known is None:
            try:
                found = await self._client.fault_texts()
            except Refused, Busy, UnexpectedAnswer:
                return {}
            known = {code: str(row.get("en") or "") for code, row in found.items()}
            self.memory["fault_texts"] = known
        return dict(known)

    async def _poll_allowance(self) -> Snapshot:
        _, remaining = await self._client.access_count()
        if remaining is not None:
            self.ledger.learn(DAY, remaining)
            if len(inverters := self._inverters()) == 1:
                one = Call(endpoint=on.ACCESS_COUNT.path, subjects=tuple(inverters))
                self.ledger.learn(INVERTER_DAY, remaining, one)
        return Snapshot(at=self._clock.now())


def _is_own(serial: str, rows: Collection[Any]) -> bool:
    """Return whether a serial number tells a battery from the others."""
    units = [
        row.get("batterySN")
        for row in rows
        if isinstance(row, Mapping) and row.get("type") == BATTERY_CONTROL_UNIT
    ]
    return units.count(serial) == 1


def _stamped(values: Mapping[str, Any], at: datetime) -> dict[str, Reading]:
    return {key: Reading(value=value, at=at) for key, value in values.items()}


def _asleep(readings: Mapping[str, Reading], now: datetime) -> dict[str, Reading]:
    """Return the readings of an inverter at night: no power, counters as they were."""
    dark = {
        key: Reading(value=0.0, at=now)
        for key in readings
        if key in ("pv_power", "inverter_power") or key.startswith("string_power_")
    }
    return {
        **readings,
        **dark,
        "inverter_state": Reading(value="standby", at=now),
    }


def _present(
    rows: Collection[Mapping[str, Any]], codes: str
) -> list[Mapping[str, Any]]:
    """Return the faults that are there now: of the day's those that the device names.

    Where the day's list is not to be had, what the device names is all there is.
    """
    named = {code for code in _CODES.split(codes) if code}
    now = [row for row in rows if str(row.get("faultCode")) in named]
    return now or list(rows) or [{"faultCode": code} for code in sorted(named)]


def _alarm(sn: str, row: Mapping[str, Any], texts: Mapping[str, str]) -> Alarm:
    code = str(row.get("faultCode") or "")
    stamp = number(row.get("timestamp"))
    return Alarm(
        id=f"{sn}_{code}",
        device=sn,
        code=code,
        text=text(row.get("faultMessage")) or texts.get(code) or code,
        at=None if stamp is None else datetime.fromtimestamp(stamp / 1000, UTC),
    )


FOXESS = VendorInfo(
    slug="foxess",
    name="FoxESS",
    allowances=allowances(),
    menu=True,
    private_fields=PRIVATE_FIELDS,
    ways=(
        WayIn(
            step="foxess_key",
            fields=(
                SignInField(key="host", kind=FieldKind.HOST, choices=HOSTS),
                SignInField(key="api_key", kind=FieldKind.SECRET),
            ),
            connect=FoxessCloud,
        ),
    ),
)
