"""The flows of energy in a home with a hybrid inverter: pure, exact balances.

Powers in W: grid + import, battery + discharge, inverter + towards the house.
PV and battery are on the DC side, house and grid on the AC side.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, sqrt
from typing import NamedTuple

from .weather import Habits

ENERGIES = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "battery_charge_energy",
    "battery_discharge_energy",
    "load_energy",
)


class Mode(StrEnum):
    """What a battery can be told."""

    SELF_CONSUMPTION = "self_consumption"
    FEED_IN_PRIORITY = "feed_in_priority"
    CHARGE_PRIORITY = "charge_priority"
    BACKUP = "backup"
    PEAK_SHAVING = "peak_shaving"
    FORCE_CHARGE = "force_charge"
    FORCE_DISCHARGE = "force_discharge"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSpec:
    """A home: where it stands, what is on its roof, in its cellar and inside."""

    latitude: float
    longitude: float
    zone: str
    seed: int = 7
    peak: float = 8000.0
    rated: float = 8000.0
    efficiency: float = 0.97
    packs: tuple[float, ...] = ()
    soh: float = 0.99
    charge_power: float = 6000.0
    discharge_power: float = 6000.0
    round_trip: float = 0.94
    floor: float = 10.0
    first_soc: float = 55.0
    habits: Habits = field(default_factory=Habits)
    history_days: int = 760

    @property
    def capacity(self) -> float:
        """Return the nameplate capacity of the batteries in kWh."""
        return sum(self.packs)

    @property
    def usable(self) -> float:
        """Return what the aged batteries hold between 0 and 100 %, in Wh."""
        return self.capacity * 1000 * self.soh


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the devices of a home are told at an instant; W and %."""

    mode: Mode = Mode.SELF_CONSUMPTION
    label: str = "self_consumption"
    power: float = inf
    target: float | None = None
    floor: float = 10.0
    ceiling: float = 100.0
    grid_ceiling: float = 100.0
    charge_limit: float = inf
    discharge_limit: float = inf
    export_limit: float = inf
    import_limit: float = inf
    peak_soc: float = 0.0
    pv_limit: float = inf
    active_limit: float = inf
    ac_charge_limit: float = inf
    # A forced run's power is the battery's, whatever the sun gives besides.
    at_battery: bool = False


class Flows(NamedTuple):
    """The powers of one step."""

    pv: float
    load: float
    battery: float
    inverter: float
    grid: float


class _Room(NamedTuple):
    """What limits the battery and the inverter during one step."""

    charge: float
    grid_charge: float
    discharge: float
    reserve: float
    ac_most: float
    ac_least: float


def _to_ceiling(spec: HomeSpec, stored: float, percent: float, hours: float) -> float:
    """Return the charging power that just reaches a state of charge."""
    missing = spec.usable * percent / 100 - stored
    return max(0.0, missing / (sqrt(spec.round_trip) * hours))


def _to_floor(spec: HomeSpec, stored: float, percent: float, hours: float) -> float:
    """Return the discharging power that just reaches a state of charge."""
    spare = stored - spec.usable * percent / 100
    return max(0.0, spare * sqrt(spec.round_trip) / hours)


def _room(
    spec: HomeSpec, orders: Orders, load: float, stored: float, hours: float
) -> _Room:
    """Work out the limits of one step."""
    charge = min(spec.charge_power, orders.charge_limit)
    discharge = min(spec.discharge_power, orders.discharge_limit)
    floor = orders.floor
    grid_ceiling = orders.grid_ceiling
    if orders.target is not None:
        if orders.mode is Mode.FORCE_CHARGE:
            grid_ceiling = min(grid_ceiling, orders.target)
        elif orders.mode is Mode.FORCE_DISCHARGE:
            floor = max(floor, orders.target)
    reserve = max(floor, orders.peak_soc)
    rated = min(spec.rated, orders.active_limit)
    return _Room(
        min(charge, _to_ceiling(spec, stored, orders.ceiling, hours)),
        min(charge, _to_ceiling(spec, stored, grid_ceiling, hours)),
        min(discharge, _to_floor(spec, stored, floor, hours)),
        min(discharge, _to_floor(spec, stored, reserve, hours)),
        max(0.0, min(rated, load + orders.export_limit)),
        min(
            0.0,
            max(-min(spec.rated, orders.ac_charge_limit), load - orders.import_limit),
        ),
    )


def _self_consumption(pv: float, need: float, room: _Room) -> float:
    """Cover the load from the battery, store what the load leaves."""
    return max(-room.charge, min(room.discharge, need - pv))


def _wish(spec: HomeSpec, orders: Orders, pv: float, load: float, room: _Room) -> float:
    """Return the battery power that the mode asks for."""
    eta = spec.efficiency
    need = load / eta
    match orders.mode:
        case Mode.FORCE_CHARGE:
            charge = min(room.grid_charge, orders.power)
            return -min(charge, pv - room.ac_least * eta)
        case Mode.FORCE_DISCHARGE:
            wanted = min(orders.power, room.ac_most) / eta - pv
            if orders.at_battery:
                wanted = orders.power
            return max(0.0, min(room.discharge, wanted))
        case Mode.FEED_IN_PRIORITY:
            return -min(room.charge, max(0.0, pv - room.ac_most / eta))
        case Mode.BACKUP | Mode.CHARGE_PRIORITY:
            return -min(room.charge, pv)
        case Mode.HOLD:
            return -min(room.charge, max(0.0, pv - need))
        case Mode.PEAK_SHAVING:
            shaved = max(0.0, (load - orders.import_limit) / eta - pv)
            covered = _self_consumption(pv, need, room._replace(discharge=room.reserve))
            return max(covered, min(room.discharge, shaved)) if shaved else covered
        case _:
            return _self_consumption(pv, need, room)


def flows(
    spec: HomeSpec, orders: Orders, pv: float, load: float, stored: float, hours: float
) -> Flows:
    """Return the powers during a step; `pv` is what the sun offers, `stored` in Wh."""
    pv = min(pv, orders.pv_limit)
    battery = 0.0
    room = _room(spec, orders, load, stored, hours)
    if spec.packs:
        battery = _wish(spec, orders, pv, load, room)
    most = room.ac_most / spec.efficiency
    if pv + battery > most:
        # The discharge gives way first, then the sun is curtailed.
        battery = max(min(battery, 0.0), most - pv)
        pv = max(0.0, min(pv, most - battery))
    battery += 0.0  # no negative zero
    dc = pv + battery
    inverter = dc * spec.efficiency if dc >= 0 else dc / spec.efficiency
    if abs(load - inverter) < 1e-6:
        inverter = load
    return Flows(pv, load, battery, inverter, load - inverter)


def energies(flow: Flows) -> tuple[float, ...]:
    """Return the powers in W that feed each counter of ENERGIES."""
    return (
        flow.pv,
        max(0.0, flow.inverter),
        max(0.0, flow.grid),
        max(0.0, -flow.grid),
        max(0.0, -flow.battery),
        max(0.0, flow.battery),
        flow.load,
    )


def stored_after(spec: HomeSpec, stored: float, battery: float, hours: float) -> float:
    """Return the energy in the battery in Wh after a step."""
    loss = sqrt(spec.round_trip)
    change = -battery * loss if battery < 0 else -battery / loss
    return max(0.0, min(spec.usable, stored + change * hours))
