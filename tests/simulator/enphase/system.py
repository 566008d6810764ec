"""A system: microinverters, meters and batteries in a home, and what it has uploaded."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from math import floor
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from ..base import Truth, World
from ..home import Home
from ..physics import ENERGIES, Flows, Mode, Orders
from ..weather import draw

QUARTER = 900.0
MEAN = 300.0
DAY = 86_400.0

# How often a gateway uploads, by its connection.
UPLOADS = {"ethernet": QUARTER, "wifi": QUARTER, "cellular": 6 * 3600.0}
# From the upload until the cloud shows it.
LAG = 40.0
# Microinverters whose newest interval is a whole upload late.
LATE_SHARE = 0.1
# From the cloud to the gateway.
SETTING_LAG = 25.0

SAVING_HOURS = range(16, 21)


@dataclass(slots=True, kw_only=True)
class Micro:
    """A microinverter, with its share of the sun."""

    id: int
    serial: str
    share: float


@dataclass(slots=True, kw_only=True)
class Settings:
    """What the owner has set; the mode as PUT takes it."""

    battery_mode: str = "Self-consumption"
    reserve_soc: int = 20
    energy_independence: str = "disabled"
    charge_from_grid: str = "disabled"
    battery_shutdown_level: int = 10
    storm_guard_status: str = "disabled"
    storm_alert: str = "false"


@dataclass(slots=True, kw_only=True)
class Contact:
    """A dry contact of the load control."""

    name: str
    load_name: str
    mode: str = "Basic"
    soc_low: int = 30
    soc_high: int = 50
    status: str = "enabled"
    owner_can_override: bool = True
    essential_start_time: int = 32400
    essential_end_time: int = 57600


@dataclass(slots=True, kw_only=True)
class System:
    """One system of an owner."""

    id: str
    name: str
    home: Home
    world: World
    account: str = ""
    address: dict[str, str] = field(default_factory=dict)
    connection: str = "ethernet"
    micros: list[Micro] = field(default_factory=list)
    gateway: str = ""
    production_meter: str | None = None
    consumption_meter: str | None = None
    retired_meter: str | None = None
    storage_meter: str | None = None
    batteries: list[str] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    reference: str | None = None
    status: str = "normal"
    # Seconds after the quarter of an hour at which the gateway uploads.
    phase: float = 70.0
    object_power: bool = True
    # Whether the plan of who asks tells what is set.
    tells_mode: bool = True
    open_events: list[dict[str, Any]] = field(default_factory=list)

    vendor: ClassVar[str] = "enphase"

    # --- time -------------------------------------------------------------------------

    @property
    def zone(self) -> str:
        """Return the system's time zone."""
        return self.home.spec.zone

    @property
    def created(self) -> float:
        """Return when the system began to work."""
        return self.home.created

    def midnight(self, day: date) -> float:
        """Return the instant at which a local day begins."""
        return datetime(
            day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)
        ).timestamp()

    def day(self, at: float) -> date:
        """Return the local day of an instant."""
        return datetime.fromtimestamp(at, ZoneInfo(self.zone)).date()

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from one to another."""
        for index in range((last - first).days + 1):
            yield first + timedelta(days=index)

    def _silences(self) -> Iterator[tuple[float, float]]:
        """Yield from when to when the gateway was offline."""
        for fault in self.world.faults.standing("logger_offline", self.vendor):
            if fault.fits(self.account, None, self.gateway):
                yield fault.since, float("inf") if fault.until is None else fault.until

    def reported(self, at: float) -> float:
        """Return the gateway's newest upload that the cloud shows at an instant."""
        period = UPLOADS[self.connection]
        upload = floor((at - LAG - self.phase) / period) * period + self.phase
        for since, until in self._silences():
            if since <= upload < until:
                upload = floor((since - self.phase) / period) * period + self.phase
        return upload

    def complete(self, at: float, step: float = QUARTER) -> float:
        """Return the end of the newest interval that the cloud shows at an instant."""
        return self.reported(at) // step * step

    published = complete

    # --- energy -------------------------------------------------------------------------

    def watt_hours(self, key: str, at: float) -> int:
        """Return a lifetime counter in whole Wh."""
        return round(self.home.totals(at)[key] * 1000)

    def between(self, key: str, start: float, end: float) -> int:
        """Return how many Wh a counter grew by; intervals add up to their whole."""
        return self.watt_hours(key, end) - self.watt_hours(key, start)

    def corrected(self, key: str, start: float, at: float) -> int:
        """Return by how many Wh an interval is told otherwise, by a correction (kWh)."""
        return sum(
            round(float(fault.args["delta"]) * 1000)
            for fault in self.world.faults.standing("vendor_correction", self.vendor)
            if (fault.args["variable"], fault.args.get("hour")) == (key, start)
            and fault.active(at)
            and fault.fits(self.account, None, self.gateway)
        )

    def flow(self, at: float) -> Flows:
        """Return the mean powers of the five minutes that ended last, as told."""
        end = at // MEAN * MEAN
        before, after = self.home.totals(end - MEAN), self.home.totals(end)
        pv, _, bought, sold, charged, spent, load = (
            (after[key] - before[key]) * 1000 * 3600 / MEAN for key in ENERGIES
        )
        battery, grid = spent - charged, bought - sold
        return Flows(pv=pv, load=load, battery=battery, inverter=pv, grid=grid)

    def late(self, end: float, at: float) -> int:
        """Return how many microinverters have not yet told of an interval."""
        newest = end > self.reported(at) - UPLOADS[self.connection] - 1
        many = len(self.micros)
        if not newest or many < 10 or draw(len(self.id), int(end // 300)) > 0.5:
            return 0
        return max(1, int(many * LATE_SHARE))

    # --- steering -------------------------------------------------------------------------

    def steer(self, told: Settings | None = None) -> None:
        """Let the batteries do from now on what they were told: what is set."""
        settings = told or replace(self.settings)
        reserve = float(max(settings.reserve_soc, settings.battery_shutdown_level))

        def orders(at: float) -> Orders:
            label, mode = settings.battery_mode, Mode.SELF_CONSUMPTION
            if label == "Full Backup":
                from_grid = settings.charge_from_grid == "enabled"
                mode = Mode.FORCE_CHARGE if from_grid else Mode.BACKUP
                power = self.home.spec.charge_power
                return Orders(mode=mode, label=label, power=power, floor=100.0)
            local = datetime.fromtimestamp(at, ZoneInfo(self.zone))
            if label == "Savings Mode" and local.hour not in SAVING_HOURS:
                mode = Mode.HOLD
            return Orders(mode=mode, label=label, floor=reserve)

        self.home.controller = orders

    def change(self, at: float, values: dict[str, Any]) -> None:
        """Take settings over, and tell the gateway of them."""
        for key, value in values.items():
            setattr(self.settings, key, value)
        if values.get("battery_mode") == "Full Backup":
            self.settings.reserve_soc = 100
        told = partial(self.steer, replace(self.settings))
        self.home.later(at + SETTING_LAG, told)

    # --- what is true -----------------------------------------------------------------

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""
        found = [{"id": self.gateway, "kind": "logger"}]
        found += [
            {"id": micro.serial, "kind": "microinverter"} for micro in self.micros
        ]
        meters = (self.production_meter, self.consumption_meter, self.storage_meter)
        found += [{"id": meter, "kind": "meter"} for meter in meters if meter]
        return found + [{"id": serial, "kind": "battery"} for serial in self.batteries]

    def truth(self, at: float) -> Truth:
        """Return the true values of the system and its devices; powers are means."""
        flow, totals = self.flow(at), self.home.totals(at)
        today = self.home.today(at)
        soc = self.home.state(at // MEAN * MEAN).soc
        truth: Truth = {"": self._plant(flow, soc, totals, today, at)}
        for micro in self.micros:
            truth[micro.serial] = {
                "inverter_power": flow.pv * micro.share,
                "inverter_energy": totals["pv_energy"] * micro.share,
                "inverter_energy_today": today["pv_energy"] * micro.share,
            }
        for serial in self.batteries:
            truth[serial] = self._battery(flow, soc)
        return truth

    def _plant(
        self,
        flow: Flows,
        soc: float,
        totals: dict[str, float],
        today: dict[str, float],
        at: float,
    ) -> dict[str, float | str | bool | None]:
        """Return the values of the whole system."""
        keys = ["pv_energy"]
        values: dict[str, float | str | bool | None] = {"pv_power": flow.pv}
        if self.consumption_meter:
            keys += ["load_energy", "grid_import_energy", "grid_export_energy"]
            values |= {"load_power": flow.load, "grid_power": flow.grid}
        if self.batteries:
            keys += ["battery_charge_energy", "battery_discharge_energy"]
            values |= {
                "battery_power": flow.battery,
                "battery_soc": soc,
                "battery_capacity": self.home.spec.capacity,
                "battery_remaining_energy": self.home.spec.usable * soc / 1e5,
                "battery_charging": flow.battery < 0,
            }
        for key in keys:
            values[key] = totals[key]
            values[f"{key}_today"] = today[key]
        stamp = datetime.fromtimestamp(self.published(at), ZoneInfo(self.zone))
        told = self.batteries and self.tells_mode
        return values | {
            "data_timestamp": stamp.isoformat(),
            "online": at - self.reported(at) < 2 * UPLOADS[self.connection] + 60,
            "active_mode": _mode(self.settings.battery_mode) if told else None,
        }

    def _battery(self, flow: Flows, soc: float) -> dict[str, float | str | bool | None]:
        """Return the values of one battery; they share alike."""
        many = len(self.batteries)
        power = flow.battery / many
        doing = "idle" if abs(power) < 5 else "charging" if power < 0 else "discharging"
        return {
            "battery_power": power,
            "battery_soc": soc,
            "battery_capacity": self.home.spec.capacity / many,
            "battery_state": doing,
            "battery_charging": power < 0,
        }

    def schedule(self) -> dict[str, Any]:
        """Return what is set."""
        settings = {key: getattr(self.settings, key) for key in Settings.__slots__}
        return {
            self.gateway: settings
            | {"contacts": {row.name: row.mode for row in self.contacts}}
        }


def _mode(wire: str) -> str:
    """Return the mode in the catalogue's words."""
    return {"Full Backup": "backup", "Savings Mode": "savings"}.get(
        wire, "self_consumption"
    )
