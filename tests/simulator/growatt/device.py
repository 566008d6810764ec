"""A simulated Growatt device, and the plant with the home that it serves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from ..base import Truth, World
from ..home import Home
from ..physics import Mode, Orders
from ..weather import draw, sunlight, utc_offset
from . import orders as told
from .models import STORAGE, Model

UPLOAD_EVERY = 300
SILENT_AFTER = 900.0


@dataclass(slots=True, kw_only=True)
class Datalogger:
    """A data logger with the meters and sensors behind it, by address."""

    sn: str
    meter: int | None = None
    environment: int | None = None


@dataclass(slots=True, kw_only=True)
class Remote:
    """A remote command: a share of the battery's power until an instant."""

    percentage: float
    until: float


class GrowattDevice:
    """One inverter or storage machine."""

    def __init__(
        self, sn: str, number: int, model: Model, logger: Datalogger, share: float
    ) -> None:
        """Begin with the family's default settings; `share` is its part of the sun."""
        self.sn = sn
        self.number = number
        self.model = model
        self.family = model.family
        self.logger = logger
        self.share = share
        self.settings: dict[str, Any] = told.defaults(model)
        self.remote: Remote | None = None
        # Knobs of the tests.
        self.every = UPLOAD_EVERY
        self.hard_floor = model.hard_floor
        self.refuses_repeats = False
        self.dialect = "today"
        self.unknown_types: set[str] = set()
        self.without_battery = False
        self.plant: Any = None
        self._clock_offset = 0.0

    @property
    def home(self) -> Home:
        """Return the home."""
        home: Home = self.plant.home
        return home

    @property
    def phase(self) -> int:
        """Return the second of the upload cycle."""
        return int(draw(self.home.spec.seed, 1) * UPLOAD_EVERY)

    @property
    def clock_offset(self) -> float:
        """Return how many seconds the device's own clock is ahead."""
        return self._clock_offset

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        """Set the device's own clock ahead."""
        self._clock_offset = seconds
        if self.model.battery:
            self.home.phase = seconds % 60

    def local_minute(self, at: float) -> int:
        """Return the minute of the day by the device's own clock."""
        local = at + utc_offset(self.home.spec.zone, at) + self.clock_offset
        return int(local % 86_400 // 60)

    def device_time(self, at: float) -> datetime:
        """Return what the device's own clock shows."""
        return self.plant.local(at + self.clock_offset)  # type: ignore[no-any-return]

    def set_time(self, shown: datetime, at: float) -> None:
        """Set the device's own clock."""
        now = self.plant.local(at).replace(tzinfo=UTC)
        self.clock_offset = (shown.replace(tzinfo=UTC) - now).total_seconds()

    def sun_limit(self, at: float) -> float:
        """Return how much of its sun the device lets in, in W."""
        if not told.is_on(self):
            return 0.0
        if self.model.battery:
            return inf
        return told.rate(self) / 100 * self.model.rated / self.home.spec.efficiency

    # When it uploads

    def lag(self, upload: int) -> float:
        """Return the seconds until the cloud shows an upload, 5 to 25."""
        return 5 + 20 * draw(self.home.spec.seed + 5, upload)

    def uploaded(self, upload: int) -> bool:
        """Say whether the logger sent its sample."""
        at = float(upload * self.every + self.phase)
        for fault in self.plant.world.faults.standing("logger_offline", "growatt"):
            if fault.active(at) and fault.fits(
                self.plant.account, fault.endpoint, self.sn
            ):
                return False
        return not self.asleep(at)

    def asleep(self, at: float) -> bool:
        """Say whether an inverter without a battery has shut down for the night."""
        if self.model.battery or at < self.home.created + 86_400:
            return False
        spec = self.home.spec
        return all(
            sunlight(spec.latitude, spec.longitude, spec.seed, then) <= 0
            for then in (at, at - UPLOAD_EVERY)
        )

    def published(self, at: float) -> float:
        """Return the instant of the newest sample that the cloud shows."""
        upload = int((at - self.phase) // self.every)
        while not (
            upload * self.every + self.phase + self.lag(upload) <= at
            and self.uploaded(upload)
        ):
            upload -= 1
        return float(upload * self.every + self.phase)

    def uploads(self, start: float, end: float) -> list[float]:
        """Return the instants of the samples between two others."""
        first = int(-(-(start - self.phase) // self.every))
        last = int((end - self.phase) // self.every)
        return [
            float(upload * self.every + self.phase)
            for upload in range(first, last + 1)
            if self.uploaded(upload)
        ]

    def fault(self, at: float) -> Any:
        """Return the fault that the device reports, if any."""
        board = self.plant.world.faults
        return board.find("device_fault", at, "growatt", self.plant.account, self.sn)

    def logger_up(self, at: float) -> bool:
        """Say whether the logger has a connection."""
        board = self.plant.world.faults
        found = board.find("logger_offline", at, "growatt", self.plant.account, self.sn)
        return found is None

    def lost(self, at: float) -> bool:
        """Say whether the list calls the device lost."""
        return at - self.published(at) > SILENT_AFTER

    def held(self) -> dict[str, Any]:
        """Return everything that an owner could have set."""
        return {
            "settings": dict(self.settings),
            "clock_offset": self.clock_offset,
            "remote": None
            if self.remote is None
            else {"percentage": self.remote.percentage, "until": self.remote.until},
        }


@dataclass(slots=True, kw_only=True)
class GrowattPlant:
    """A plant: one home, some devices, meters and sensors."""

    id: str
    name: str
    user_id: int
    account: str
    world: World
    home: Home
    devices: list[GrowattDevice]
    loggers: list[Datalogger]
    truth_keys: tuple[str, ...]
    country: str = "Germany"
    city: str = "Berlin"
    set_region: str | None = None
    server_time: bool = False
    mad_totals: bool = False
    _cache: dict[Any, Orders] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the home over."""
        for device in self.devices:
            device.plant = self
        self.home.controller = self.orders

    @property
    def battery(self) -> GrowattDevice | None:
        """Return the device that has the battery."""
        return next((d for d in self.devices if d.model.battery), None)

    @property
    def meter(self) -> Datalogger | None:
        """Return the logger with a meter behind it."""
        return next((row for row in self.loggers if row.meter is not None), None)

    @property
    def metered(self) -> bool:
        """Return whether anything sees the grid."""
        return any(d.model.metered for d in self.devices) or self.meter is not None

    def orders(self, at: float) -> Orders:
        """Return what the devices are told at an instant."""
        device = self.battery
        base = told.orders(device, at) if device else Orders(floor=0)
        limits = [row.sun_limit(at) for row in self.devices]
        if all(limit == inf for limit in limits):
            return base
        spec = self.home.spec
        sun = sunlight(spec.latitude, spec.longitude, spec.seed, at) * spec.peak
        if device and device.family is STORAGE and base.mode is not Mode.FORCE_CHARGE:
            # It hangs between its own panels and the mains: no other's surplus goes in.
            base = base.__replace__(charge_limit=sun * device.share)
        most = sum(
            min(sun * row.share, limit)
            for row, limit in zip(self.devices, limits, strict=True)
        )
        return base.__replace__(pv_limit=most) if most < sun else base

    def local(self, at: float) -> datetime:
        """Return the plant's local time."""
        return datetime.fromtimestamp(at, ZoneInfo(self.home.spec.zone))

    def gmt(self, at: float) -> str:
        """Return the zone in the vendor's words, which know no summer time."""
        hours = self.standard_offset(at) / 3600
        return f"GMT{hours:+g}"

    def standard_offset(self, at: float) -> float:
        """Return the zone's offset without summer time in seconds."""
        local = self.local(at)
        shift = (local.utcoffset() or timedelta()) - (local.dst() or timedelta())
        return shift.total_seconds()

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""
        found: list[dict[str, str]] = []
        for device in self.devices:
            kind = {"id": device.sn, "kind": "inverter", "model": device.model.name}
            found.append(kind)
            if device.model.battery and not device.without_battery:
                count = 2 if device.model.second_battery else 1
                for n in range(1, count + 1):
                    name = f"{device.sn}_battery_{n}"
                    found.append({"id": name, "kind": "battery"})
        for logger in self.loggers:
            if logger.meter is not None:
                found.append({"id": f"{logger.sn}_{logger.meter}", "kind": "meter"})
            if logger.environment is not None:
                name = f"{logger.sn}_{logger.environment}"
                found.append({"id": name, "kind": "sensor"})
            found.append({"id": logger.sn, "kind": "logger"})
        return found

    def truth(self, at: float) -> Truth:
        """Return the true values."""
        from . import measurements  # noqa: PLC0415

        return measurements.truth(self, at)

    def published(self, at: float) -> float:
        """Return the instant of the newest sample that the cloud shows."""
        return max(device.published(at) for device in self.devices)

    def asleep(self, at: float) -> bool:
        """Say whether all devices have shut down for the night."""
        return all(device.asleep(at) for device in self.devices)

    def schedule(self) -> dict[str, Any]:
        """Return what the devices hold."""
        return {device.sn: device.held() for device in self.devices}
