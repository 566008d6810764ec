"""A simulated FoxESS inverter: what it holds, what it does, when it uploads."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from ..base import World
from ..home import Home
from ..physics import Mode, Orders
from ..weather import draw, utc_offset
from . import scheduler
from .models import CURRENT_KEYS, Model
from .scheduler import Group

UPLOAD_EVERY = 300
SILENT_AFTER = 900.0

WORK_MODES = {
    "SelfUse": Mode.SELF_CONSUMPTION,
    "Feedin": Mode.FEED_IN_PRIORITY,
    "Backup": Mode.BACKUP,
    "PeakShaving": Mode.PEAK_SHAVING,
    "ForceCharge": Mode.FORCE_CHARGE,
    "ForceDischarge": Mode.FORCE_DISCHARGE,
}


class Battery:
    """A stack of batteries: one master (bcu) and its packs (bmu)."""

    def __init__(self, serials: list[str], capacity: float) -> None:
        """Hold the serials, the master's first, and the capacity in kWh."""
        self.serials = serials
        self.capacity = capacity


class Meter:
    """A gateway meter with settings of its own."""

    def __init__(self, sn: str, high: float) -> None:
        """Limit the feed-in to the inverter's rating at first."""
        self.sn = sn
        self.high = high
        self.settings: dict[str, str] = {
            "mode": "FeedinLimit",
            "feedinPower": f"{high:.0f}",
            "outputMaxCurrent": "63",
            "inputMaxCurrent": "63",
            "overVoltageMaxValue": "262",
            "underVoltageMinValue": "184",
            "sysOnOffPowerValue": "0",
            "deviceQuantity": "1",
        }

    @property
    def export_limit(self) -> float:
        """Return what the meter lets out, in W."""
        limited = self.settings["mode"] != "Normal"
        return float(self.settings["feedinPower"]) if limited else inf


class FoxDevice:
    """One inverter with its logger."""

    def __init__(
        self,
        *,
        sn: str,
        module_sn: str,
        model: Model,
        home: Home,
        world: World,
        seed: int,
    ) -> None:
        """Begin with the model's default settings and an empty schedule."""
        self.sn = sn
        self.module_sn = module_sn
        self.model = model
        self.home = home
        self.world = world
        self.seed = seed
        self.account = ""
        self.batteries: list[Battery] = []
        self.meter: Meter | None = None
        self.settings = {
            key: rule.default
            for key, rule in model.settings.items()
            if not rule.errno and not rule.empty
        }
        self.flag = False
        self.groups: list[Group] = []
        self.windows: dict[str, Any] = _no_windows()
        self.peak_import_kw = 1000.0
        self.peak_soc = 40.0
        self._clock_offset = 0.0
        self.auto_sync = True
        self.night = "frozen"
        self.enabling_turns_on = True
        self.strict_overlap = False
        self.hide_idle_in_v3 = False
        self.schedule_null = False
        self.phase = int(draw(seed, 1) * UPLOAD_EVERY)
        self._orders: dict[Any, Orders] = {}
        self._asleep: dict[int, bool] = {}
        home.controller = self.orders

    @property
    def clock_offset(self) -> float:
        """Return how many seconds the device's own clock is ahead."""
        return self._clock_offset

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        """Set the device's own clock ahead."""
        self._clock_offset = seconds
        self.home.phase = seconds % 60

    # What it is told

    def local_minute(self, at: float) -> int:
        """Return the minute of the day by the device's own clock."""
        local = at + utc_offset(self.home.spec.zone, at) + self.clock_offset
        return int(local % 86_400 // 60)

    def changed(self) -> None:
        """Forget what was worked out from the settings."""
        self._orders.clear()

    def orders(self, at: float) -> Orders:
        """Return what the battery is told at an instant."""
        minute = self.local_minute(at)
        group = scheduler.active(self.groups, minute) if self.flag else None
        window = not self.flag and self._in_window(minute)
        key = (id(group), window, self.flag)
        orders = self._orders.get(key)
        if orders is None:
            orders = self._work_out(group, window=window)
            self._orders[key] = orders
        return orders

    def _in_window(self, minute: int) -> bool:
        """Say whether a grid-charge window is open."""
        for n in (1, 2):
            start, end = self.windows[f"startTime{n}"], self.windows[f"endTime{n}"]
            first = start["hour"] * 60 + start["minute"]
            last = end["hour"] * 60 + end["minute"]
            if self.windows[f"enable{n}"] and first <= minute <= last and last:
                return True
        return False

    def _work_out(self, group: Group | None, *, window: bool) -> Orders:
        """Return the orders from settings, schedule and charge windows."""
        base = self._base()
        if group is not None:
            return self._by_group(group, replace(base, label="schedule"))
        if self.flag:
            base = replace(base, label="schedule")
        if window:
            return replace(base, mode=Mode.FORCE_CHARGE, target=base.grid_ceiling)
        return base

    def _base(self) -> Orders:
        """Return the orders from the settings."""
        mode = WORK_MODES[self.settings.get("WorkMode", "SelfUse")]
        shaving = mode is Mode.PEAK_SHAVING
        charge, discharge = (
            float(self.settings[key]) * self.model.battery_volts
            if key in self.settings
            else inf
            for key in CURRENT_KEYS
        )
        rate = float(self.settings.get("ActivePowerLimit", "100")) / 100
        return Orders(
            mode=mode,
            label=mode.value,
            floor=max(self._soc("MinSoc", 0), self._soc("MinSocOnGrid", 0)),
            grid_ceiling=self._soc("MaxSoc", 100),
            charge_limit=charge,
            discharge_limit=discharge,
            export_limit=self._export_limit(),
            import_limit=self.peak_import_kw * 1000 if shaving else inf,
            peak_soc=self.peak_soc if shaving else 0.0,
            active_limit=rate * self.home.spec.rated,
        )

    def _soc(self, key: str, default: float) -> float:
        """Return a state of charge from the settings."""
        return float(self.settings.get(key, default))

    def _export_limit(self) -> float:
        """Return the tighter of the inverter's and the meter's limit in W."""
        own = float(self.settings.get("ExportLimit", inf))
        return min(own, self.meter.export_limit) if self.meter else own

    def _by_group(self, group: Group, base: Orders) -> Orders:
        """Return the orders of a time segment."""
        mode = WORK_MODES[group["workMode"].partition("(")[0]]
        orders = replace(
            base,
            mode=mode,
            floor=max(self._soc("MinSoc", 0), group["minSocOnGrid"]),
            grid_ceiling=group["maxSoc"],
            export_limit=min(base.export_limit, group.get("exportLimit", inf)),
            import_limit=group.get("importLimit", inf),
            pv_limit=group.get("pvLimit", inf),
            peak_soc=self.peak_soc if mode is Mode.PEAK_SHAVING else 0.0,
        )
        if mode is Mode.FORCE_CHARGE:
            target = min(group["fdSoc"], group["maxSoc"])
            return replace(orders, power=group["fdPwr"], target=target)
        if mode is Mode.FORCE_DISCHARGE:
            return replace(orders, power=group["fdPwr"], target=group["fdSoc"])
        if mode is Mode.PEAK_SHAVING:
            shaved = min(orders.import_limit, self.peak_import_kw * 1000)
            return replace(orders, import_limit=shaved)
        # Outside forced charging these limits are for the grid charger alone.
        return replace(orders, import_limit=inf)

    # When it uploads

    def lag(self, upload: int) -> float:
        """Return the seconds until the cloud shows an upload, 5 to 25."""
        return 5 + 20 * draw(self.seed + 5, upload)

    def uploaded(self, upload: int) -> bool:
        """Say whether the logger sent its sample."""
        at = float(upload * UPLOAD_EVERY + self.phase)
        for fault in self.world.faults.standing("logger_offline", "foxess"):
            if fault.active(at) and fault.fits(self.account, fault.endpoint, self.sn):
                return False
        if upload not in self._asleep:
            self._asleep[upload] = self.asleep(at)
        return not self._asleep[upload]

    def asleep(self, at: float) -> bool:
        """Say whether an inverter without a battery has shut down for the night."""
        if self.batteries or at < self.home.created + 86_400:
            return False
        now, before = self.home.state(at), self.home.state(at - UPLOAD_EVERY)
        return now.flow.pv <= 0 and before.flow.pv <= 0

    def published(self, at: float) -> float:
        """Return the instant of the newest sample that the cloud shows."""
        upload = int((at - self.phase) // UPLOAD_EVERY)
        while not (
            upload * UPLOAD_EVERY + self.phase + self.lag(upload) <= at
            and self.uploaded(upload)
        ):
            upload -= 1
        return float(upload * UPLOAD_EVERY + self.phase)

    def uploads(self, start: float, end: float) -> list[float]:
        """Return the instants of the samples between two others."""
        first = int(-(-(start - self.phase) // UPLOAD_EVERY))
        last = int((end - self.phase) // UPLOAD_EVERY)
        return [
            float(upload * UPLOAD_EVERY + self.phase)
            for upload in range(first, last + 1)
            if self.uploaded(upload)
        ]

    def reachable(self, at: float) -> bool:
        """Say whether the cloud can reach the inverter to read or write settings."""
        return self.logger_up(at) and not self.asleep(at)

    def logger_up(self, at: float) -> bool:
        """Say whether the logger has a connection."""
        board = self.world.faults
        return board.find("logger_offline", at, "foxess", self.account, self.sn) is None

    def fault(self, at: float) -> Any:
        """Return the fault that the device reports, if any."""
        board = self.world.faults
        return board.find("device_fault", at, "foxess", self.account, self.sn)

    def status(self, at: float) -> int:
        """Return 1 online, 2 fault, 3 offline."""
        if at - self.published(at) > SILENT_AFTER:
            return 3
        return 2 if self.fault(at) else 1

    def local(self, at: float) -> datetime:
        """Return the plant's local time."""
        return datetime.fromtimestamp(at, ZoneInfo(self.home.spec.zone))

    def device_time(self, at: float) -> datetime:
        """Return what the device's own clock shows."""
        return self.local(at + self.clock_offset)

    def set_time(self, shown: datetime, at: float) -> None:
        """Set the device's own clock."""
        now = self.local(at).replace(tzinfo=UTC)
        self.clock_offset = (shown.replace(tzinfo=UTC) - now).total_seconds()
        self.auto_sync = False

    def held(self) -> dict[str, Any]:
        """Return everything that an owner could have set."""
        held: dict[str, Any] = {
            "flag": self.flag,
            "groups": [dict(group) for group in self.groups],
            "settings": dict(self.settings),
            "charge_windows": dict(self.windows),
            "peak_shaving": {"importLimit": self.peak_import_kw, "soc": self.peak_soc},
            "clock_offset": self.clock_offset,
            "auto_sync": self.auto_sync,
        }
        if self.meter:
            held["meter"] = {"sn": self.meter.sn, **self.meter.settings}
        return held


def _no_windows() -> dict[str, Any]:
    """Return two closed charge windows."""
    windows: dict[str, Any] = {}
    for n in (1, 2):
        windows[f"enable{n}"] = False
        windows[f"startTime{n}"] = {"hour": 0, "minute": 0}
        windows[f"endTime{n}"] = {"hour": 0, "minute": 0}
    return windows
