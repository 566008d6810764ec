"""A simulated plant: its devices, what its batteries are told, when it uploads."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from ..base import Truth, World
from ..home import Home, State
from ..physics import Mode, Orders
from ..weather import draw
from . import devices as kinds
from .measurements import Values, device_values, plant_values
from .settings import Settings

EVERY = 300
DISCONNECTED_AFTER = 900.0
REMEMBERED = 6
DAYS_BACK = 10 * 86_400.0


@dataclass(slots=True, kw_only=True)
class Device:
    """A device of a plant; `share` is its part of what its kind does there."""

    id: int
    dn: str
    name: str
    type_id: int
    sn: str | None = None
    model: str | None = None
    share: float = 1.0
    strings: tuple[float, ...] = ()
    capacity: float = 0.0
    number: int = 1
    inverter: Device | None = None
    lg: bool = False
    seed: int = 0
    disconnected: bool = False

    @property
    def subject(self) -> str:
        """Return what identifies the device to its owner."""
        return self.sn or str(self.id)

    @property
    def names(self) -> Iterator[str]:
        """Yield everything by which the device may be called."""
        yield str(self.id)
        yield self.dn
        if self.sn:
            yield self.sn
        if self.inverter is not None:
            yield f"{self.inverter.subject}_battery_{self.number}"


@dataclass(slots=True, kw_only=True)
class Alarm:
    """An alarm of a device; `until` is when it went away."""

    device: Device
    alarm_id: int
    level: int
    since: float
    until: float = inf
    words: str | None = None

    def active(self, at: float) -> bool:
        """Say whether the alarm is there at an instant."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A forced charge (+) or discharge (-) that goes on, in W, and its target in %."""

    power: float
    target: float | None = None


@dataclass(slots=True, kw_only=True)
class Facts:
    """What the list of plants says of one."""

    address: str | None
    capacity: float
    connected: float
    api_access: bool = True
    newer: bool = False


@dataclass(slots=True)
class HuaweiPlant:
    """A plant with its devices; several may share one home, each at its own scale."""

    id: str
    name: str
    home: Home
    world: World
    account: str
    facts: Facts
    seed: int = 0
    scale: float = 1.0
    devices: list[Device] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    runs: dict[str, Run] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    steered: bool = True
    controller: str = "Dongle"
    sleeps: bool = False
    tariff: tuple[float, float] = (0.081, 0.0)
    _orders: dict[Any, Orders] = field(default_factory=dict)
    _asleep: dict[int, bool] = field(default_factory=dict)
    _values: deque[tuple[Any, Values]] = field(default_factory=deque)

    # What it is told

    def __post_init__(self) -> None:
        """Let the home follow the plant's settings."""
        if self.steered:
            self.home.controller = self.orders

    def changed(self) -> None:
        """Forget what was worked out from the settings."""
        self._orders.clear()

    def orders(self, at: float) -> Orders:
        """Return what the batteries are told at an instant."""
        window = self.settings.window(self.local(at))
        key = (window, tuple(self.runs.items()))
        if key not in self._orders:
            base = self.settings.orders(self.home.spec, window, self.batteries)
            self._orders[key] = self._forced(base)
        return self._orders[key]

    def _forced(self, base: Orders) -> Orders:
        """Return the orders while a charge task runs on some of the batteries."""
        if not self.runs:
            return base
        power = sum(run.power for run in self.runs.values())
        targets = [r.target for r in self.runs.values() if r.target is not None]
        mode = Mode.FORCE_CHARGE if power >= 0 else Mode.FORCE_DISCHARGE
        return Orders(
            mode=mode,
            label=base.label,
            power=abs(power),
            at_battery=True,
            target=targets[0] if targets else None,
            floor=base.floor,
            ceiling=base.ceiling,
            grid_ceiling=base.grid_ceiling,
            charge_limit=base.charge_limit,
            discharge_limit=base.discharge_limit,
            export_limit=base.export_limit,
        )

    # What it has

    def of(self, *types: int) -> list[Device]:
        """Return the devices of some types."""
        return [device for device in self.devices if device.type_id in types]

    @property
    def inverters(self) -> list[Device]:
        """Return the inverters."""
        return self.of(*kinds.INVERTERS)

    @property
    def batteries(self) -> list[Device]:
        """Return the batteries."""
        return self.of(*kinds.BATTERIES)

    @property
    def lg(self) -> bool:
        """Say whether the batteries are LG's."""
        return any(battery.lg for battery in self.batteries)

    def local(self, at: float) -> datetime:
        """Return the plant's local time."""
        return datetime.fromtimestamp(at, ZoneInfo(self.home.spec.zone))

    def state(self, at: float) -> State:
        """Return home, at the plant's scale."""
        state = self.home.state(at)
        if self.scale == 1.0:
            return state
        return state._replace(
            flow=type(state.flow)(*(power * self.scale for power in state.flow)),
            totals={key: total * self.scale for key, total in state.totals.items()},
        )

    def today(self, at: float) -> dict[str, float]:
        """Return each counter's growth in kWh since the local midnight."""
        return {k: v * self.scale for k, v in self.home.today(at).items()}

    # When it uploads

    def lag(self, upload: int) -> float:
        """Return the seconds until the cloud shows a collection, 12 to 55."""
        return 12 + 30 * draw(self.seed, 1) + 13 * draw(self.seed + 5, upload)

    def uploaded(self, upload: int) -> bool:
        """Say whether the logger sent what it collected."""
        at = float(upload * EVERY)
        if any(fault.active(at) for fault in self._offline()):
            return False
        if upload not in self._asleep:
            self._asleep[upload] = self._dark(at)
        return not self._asleep[upload]

    def _offline(self) -> Iterator[Any]:
        """Yield the faults that kept, or keep, the logger from uploading."""
        for fault in self.world.faults.standing("logger_offline", "huawei"):
            fits = fault.device in (None, self.id, *(d.sn for d in self.devices))
            if fits and fault.account in (None, self.account):
                yield fault

    def _dark(self, at: float) -> bool:
        """Say whether the logger has no power because the sun does not shine."""
        if not self.sleeps or at < self.home.created + 86_400:
            return False
        return self.home.state(at).flow.pv <= 0

    def published(self, at: float) -> float:
        """Return the instant of the newest collection that the cloud shows."""
        upload = int(at // EVERY)
        oldest = upload - int(DAYS_BACK // EVERY)
        while upload > oldest and not (
            upload * EVERY + self.lag(upload) <= at and self.uploaded(upload)
        ):
            upload -= 1
        return float(upload * EVERY)

    def shown(self, at: float) -> float:
        """Return the instant whose values the cloud shows."""
        board = self.world.faults
        frozen = board.find("frozen", at, "huawei", self.account)
        return self.published(min(at, frozen.since) if frozen else at)

    def connected(self, at: float) -> bool:
        """Say whether the cloud counts the plant as connected."""
        return at - self.published(at) <= DISCONNECTED_AFTER

    def reachable(self, at: float) -> bool:
        """Say whether a task can reach the controller."""
        return not any(fault.active(at) for fault in self._offline())

    # What is true

    def values(self, device: Device, at: float) -> Values:
        """Return the true values of a device, remembered for the same instant."""
        key = (device.id, at)
        for known, values in self._values:
            if known == key:
                return values
        values = device_values(self, device, at)
        self._values.append((key, values))
        if len(self._values) > REMEMBERED + len(self.devices):
            self._values.popleft()
        return values

    def problems(self, at: float) -> list[Alarm]:
        """Return the alarms at an instant, those of faults included."""
        found = [alarm for alarm in self.alarms if alarm.active(at)]
        for fault in self.world.faults.standing("device_fault", "huawei"):
            for device in self.devices:
                named = fault.device in (device.sn, str(device.id))
                if named and fault.active(at) and fault.device:
                    found.append(_alarm(device, fault))
        return found

    def listed(self) -> list[dict[str, str]]:
        """Return id and kind of each device."""
        return [
            {"id": device.subject, "kind": kinds.KINDS.get(device.type_id, "other")}
            | ({"model": device.model} if device.model else {})
            | ({"alias": [*device.names][-1]} if device.inverter else {})
            for device in self.devices
        ]

    def truth(self, at: float) -> Truth:
        """Return the true values of the plant, and of each device by all its names."""
        truth: Truth = {"": plant_values(self, at)}
        for device in self.devices:
            values = {
                key: value
                for key, value in self.values(device, at).items()
                if not key.startswith(("line_", "efficiency", "wind_direction"))
            }
            truth |= dict.fromkeys(device.names, values)
        return truth

    def energy(self, start: float, end: float) -> dict[str, list[tuple[float, float]]]:
        """Return each counter's growth in kWh for every clock hour."""
        return {
            key: [(hour, value * self.scale) for hour, value in rows]
            for key, rows in self.home.energy(start, end).items()
        }

    def schedule(self) -> dict[str, Any]:
        """Return the settings that the plant holds."""
        held = self.settings.held()
        held["runs"] = {sn: run.power for sn, run in self.runs.items()}
        return {self.id: held}


def _alarm(device: Device, fault: Any) -> Alarm:
    """Return the alarm of a fault that was switched on."""
    return Alarm(
        device=device,
        alarm_id=int(fault.args.get("code", 2064)),
        level=int(fault.args.get("level", 2)),
        since=fault.since,
        until=inf if fault.until is None else fault.until,
        words=fault.args.get("message"),
    )
