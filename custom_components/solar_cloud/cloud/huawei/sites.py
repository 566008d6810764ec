"""What steering needs to know of a plant: its batteries, its controller, its meter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from ..values import number
from . import types as of
from .inventory import Inventory


class Controller(StrEnum):
    """What passes settings on at a plant, which decides their ranges (5.2.3, 5.2.7)."""

    INVERTER = auto()
    DONGLE = auto()
    EMMA = auto()
    SMARTLOGGER = auto()
    DISTRIBUTED = auto()


# devTypeId of each controller (5.1.1.2); the first that a plant has decides.
CONTROLLERS: dict[int, Controller] = {
    23070: Controller.EMMA,
    63: Controller.DISTRIBUTED,
    2: Controller.SMARTLOGGER,
    62: Controller.DONGLE,
}

# Most power in W that batteries may be charged with from the grid, and most feed-in.
GRID_CHARGE: dict[Controller, float] = {
    Controller.DONGLE: 30e3,
    Controller.EMMA: 50e3,
    Controller.SMARTLOGGER: 50e6,
    Controller.DISTRIBUTED: 50e6,
}
FEED_IN: dict[Controller, float] = {
    Controller.INVERTER: 5e6,
    Controller.DONGLE: 5e6,
    Controller.SMARTLOGGER: 5e6,
    Controller.DISTRIBUTED: 50e6,
}
# What measures, or knows, what flows to the grid.
MEASURED = frozenset((of.POWER_SENSOR, of.GRID_METER, of.EMMA, 2, 63))
# What a battery tells of the most it takes and gives.
MOST = {"charge": "max_charge_power", "discharge": "max_discharge_power"}
LEAST_FEED_IN = -1e6
# Where neither the controller nor the battery tells a bound.
SOME_POWER = 30e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery (an ESS) of a plant; power in W, None where it does not tell.

    `forcible` is a residential one: others cannot be forced (5.2.1). `lg` ones take no
    settings (5.2.3, 5.2.5).
    """

    id: str
    forcible: bool = True
    lg: bool = False
    max_charge: float | None = None
    max_discharge: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A plant; `rated` is the power of its inverters together, in W."""

    plant: str
    batteries: tuple[Battery, ...] = ()
    controller: Controller = Controller.INVERTER
    metered: bool = True
    rated: float | None = None

    @property
    def settable(self) -> tuple[Battery, ...]:
        """Return the batteries that take settings."""
        return tuple(row for row in self.batteries if not row.lg)

    @property
    def max_charge(self) -> float | None:
        """Return what a battery takes at most, in W; limits are those of each battery."""
        return _most(row.max_charge for row in self.settable)

    @property
    def max_discharge(self) -> float | None:
        """Return what a battery gives at most, in W."""
        return _most(row.max_discharge for row in self.settable)

    @property
    def grid_charge(self) -> float:
        """Return the most that batteries may be charged with from the grid, in W."""
        known = GRID_CHARGE.get(self.controller)
        return known or self.max_charge or self.rated or SOME_POWER

    @property
    def feed_in(self) -> float:
        """Return the highest limit of the feed-in, in W."""
        known = FEED_IN.get(self.controller)
        return known or self.rated or FEED_IN[Controller.INVERTER]


def _most(powers: Iterable[float | None]) -> float | None:
    return max((power for power in powers if power), default=None)


class Sites:
    """The sites of an account: what its lists and its batteries tell; `memory` is stored."""

    def __init__(self, inventory: Inventory, memory: dict[str, Any]) -> None:
        """Keep in `memory` the most that each battery has told it takes and gives."""
        self._inventory = inventory
        self._told: dict[str, dict[str, Any]] = memory.setdefault("batteries", {})

    def look(self, battery: str, data: Mapping[str, Any]) -> None:
        """Take over what a battery tells (5.1.2.2): powers in W, and of whose make it is.

        A full battery takes no more, so the highest power counts. Only LG's tell a state of
        health by themselves; newer servers tell it of each module, for all makes.
        """
        told = self._told.setdefault(battery, {})
        for ours, theirs in MOST.items():
            told[ours] = max(told.get(ours, 0.0), number(data.get(theirs)) or 0.0)
        newer = data.get("battery_unit_info") is not None
        residential = self._inventory.type_of(battery) == of.BATTERY
        healthy = bool(number(data.get("battery_soh")))
        told["lg"] = residential and healthy and not newer

    def site(self, plant: str) -> Site:
        """Return what is known of a plant."""
        devices = self._inventory.of_plant(plant)
        types = {self._inventory.type_of(row.id) for row in devices}
        rated = sum(row.rated_power_w or 0.0 for row in devices)
        held = self._inventory.plants.get(plant)
        peak = (held.peak_power_kw if held else None) or 0.0
        return Site(
            plant=plant,
            batteries=tuple(
                self._battery(row.id)
                for row in devices
                if self._inventory.type_of(row.id) in of.BATTERIES
            ),
            controller=next(
                (row for kind, row in CONTROLLERS.items() if kind in types),
                Controller.INVERTER,
            ),
            metered=bool(types & MEASURED),
            rated=rated or peak * 1000 or None,
        )

    def _battery(self, battery: str) -> Battery:
        told = self._told.get(battery, {})
        return Battery(
            id=battery,
            forcible=self._inventory.type_of(battery) == of.BATTERY,
            lg=bool(told.get("lg")),
            max_charge=told.get("charge") or None,
            max_discharge=told.get("discharge") or None,
        )
