"""A lease: a run with an end, what it changes, and what the telemetry proves of it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, Self

from .control import Control, Evidence, Forced, Run, State
from .house import House

FORCED_STATES = ("idle", "charging", "discharging", "holding")
STATES: dict[Forced, str] = {
    Forced.CHARGE: "charging",
    Forced.DISCHARGE: "discharging",
    Forced.HOLD: "holding",
}
CONTROLS: dict[Forced, str] = {
    Forced.CHARGE: "force_charge",
    Forced.DISCHARGE: "force_discharge",
    Forced.HOLD: "hold",
    Forced.LIMIT_EXPORT: "limit_export",
}

SEEN_POWER = 50.0
SEEN_SHARE = 0.5
FULL = 99.0
OWN_LIMIT = "grid_charge_soc_limit"


class Phase(StrEnum):
    """How far a lease has come."""

    STORED = auto()
    RUNNING = auto()
    ENDING = auto()


@dataclass(slots=True, kw_only=True)
class Lease:
    """A run, what it changed, and how far it has come.

    `before` is None until its turn has come; `following` while the vendor is still at it.
    """

    run: Run
    before: dict[str, Any] | None
    phase: Phase = Phase.STORED
    evidence: Evidence | None = None
    sent_at: datetime | None = None
    outcome: State = State.QUEUED
    following: bool = False
    told: State | None = None
    unsubscribe: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def control(self) -> str:
        """Return the control that started the lease."""
        return CONTROLS[self.run.kind]

    def reached(self, house: House) -> bool:
        """Return whether the target, or the end of the battery, is reached."""
        level = self._measured(house, "battery_soc")
        target = self.run.target_soc
        if level is None:
            return False
        if self.run.kind is Forced.CHARGE:
            most = self._own_limit(house) if target is None else target
            return level >= min(most, FULL)
        return (
            self.run.kind is Forced.DISCHARGE and target is not None and level <= target
        )

    def _own_limit(self, house: House) -> float:
        """Return up to which state of charge the owner lets the mains charge."""
        found = [house.controls.get(sn, {}).get(OWN_LIMIT) for sn in self.run.devices]
        limits = [row.value for row in found if isinstance(row, Control)]
        known = [float(row) for row in limits if isinstance(row, (int, float))]
        return max(known, default=FULL) if len(known) == len(found) else FULL

    def seen(self, house: House) -> bool:
        """Return whether the battery does what the run asks, at half the power at least.

        What a discharge asks for is the inverter's output, which the sun shares.
        """
        power = self._measured(house, "battery_power")
        if power is None:
            return False
        enough = max(SEEN_POWER, (self.run.power or 0.0) * SEEN_SHARE)
        if self.run.kind is Forced.CHARGE:
            return -power >= enough
        output = self._measured(house, "inverter_power")
        return power >= SEEN_POWER and (power if output is None else output) >= enough

    def _measured(self, house: House, key: str) -> float | None:
        """Return a value of the plant that was measured while the run lasted."""
        reading = house.readings.get(self.run.plant, {}).get(key)
        if reading is None or self.sent_at is None:
            return None
        lasting = self.sent_at < reading.at <= self.run.end
        if not lasting:
            return None
        value = reading.value
        return float(value) if isinstance(value, (int, float)) else None

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "run": asdict(self.run),
            "before": self.before,
            "phase": self.phase,
            "evidence": self.evidence,
            "sent_at": self.sent_at,
            "outcome": self.outcome,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote and JSON carried."""
        run = data["run"]
        sent_at = data["sent_at"]
        return cls(
            run=Run(
                **{
                    **run,
                    "kind": Forced(run["kind"]),
                    "start": datetime.fromisoformat(run["start"]),
                    "end": datetime.fromisoformat(run["end"]),
                    "devices": tuple(run["devices"]),
                }
            ),
            before=data["before"],
            phase=Phase(data["phase"]),
            evidence=data["evidence"] and Evidence(data["evidence"]),
            sent_at=sent_at and datetime.fromisoformat(sent_at),
            outcome=State(data["outcome"]),
        )
