"""What an owner can set, and which orders follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from ..physics import HomeSpec, Mode, Orders

SELF, TOU = "maximumSelfConsumption", "TOU"
TO_GRID, TO_BATTERY = "fedToGridPreference", "chargePreference"
LABELS = {SELF: "self_consumption", TOU: "time_of_use"}

type Window = dict[str, Any]


def minutes(text: str) -> int:
    """Return the minute of the day of HH:MM."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


@dataclass(slots=True, kw_only=True)
class Settings:
    """The working mode, the limits of the batteries, and the limit of the feed-in."""

    mode: str = SELF
    surplus: str = TO_BATTERY
    grid_charge_kw: float = 5.0
    windows: list[Window] = field(default_factory=list)
    end_of_charge: float = 100.0
    end_of_discharge: float = 5.0
    charge_w: int = 5000
    discharge_w: int = 5000
    export_mode: str = "0"
    export_kw: float = 0.0
    export_per_phase: str = "0"

    def window(self, local: datetime) -> str | None:
        """Return what the window that is open at a local time says."""
        if self.mode != TOU:
            return None
        minute = local.hour * 60 + local.minute
        for window in self.windows:
            if local.isoweekday() in window["repeat"]:
                start, end = minutes(window["startTime"]), minutes(window["endTime"])
                if start <= minute < end:
                    return str(window["chargeOrDischarge"])
        return "none"

    def orders(
        self, spec: HomeSpec, window: str | None, batteries: Sequence[Any]
    ) -> Orders:
        """Return the orders; limits of power hold for each battery."""
        count = max(1, len(batteries))
        to_grid = self.mode == TOU and self.surplus == TO_GRID
        match window:
            case "charge":
                mode = Mode.FORCE_CHARGE
            case "none":
                # Outside its windows the battery rests; the surplus may fill it.
                mode = Mode.FEED_IN_PRIORITY if to_grid else Mode.HOLD
            case _:
                mode = Mode.SELF_CONSUMPTION
        charge = float(self.charge_w) * count
        return Orders(
            mode=mode,
            label=LABELS[self.mode],
            floor=self.end_of_discharge,
            ceiling=self.end_of_charge,
            grid_ceiling=self.end_of_charge,
            charge_limit=0.0 if window == "discharge" and to_grid else charge,
            discharge_limit=float(self.discharge_w) * count,
            export_limit=self.export_limit,
            ac_charge_limit=self.grid_charge_kw * 1000 if window == "charge" else inf,
        )

    @property
    def export_limit(self) -> float:
        """Return what may be fed in, in W; of three phases where each is limited."""
        if self.export_mode == "0":
            return inf
        return self.export_kw * 1000 * (3 if self.export_per_phase == "1" else 1)

    def held(self) -> dict[str, Any]:
        """Return all settings."""
        return {
            "operationMode": self.mode,
            "redundantPVEnergyPriority": self.surplus,
            "allowedAcChargePower": self.grid_charge_kw,
            "chargingAndDischargingTimeWindow": [dict(w) for w in self.windows],
            "endOfChargeSoc": self.end_of_charge,
            "endOfDischargeSoc": self.end_of_discharge,
            "maximumChargePower": self.charge_w,
            "maximumDischargePower": self.discharge_w,
            "controlMode": self.export_mode,
            "maxGridFeedInPower": self.export_kw,
            "limitationMode": self.export_per_phase,
        }
