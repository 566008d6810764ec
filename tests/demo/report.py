"""What the demo found: tables, the JSON of the contract, and the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
import json
from pathlib import Path
from typing import Any

from .agreement import Value
from .past import Past, missing
from .processes import say
from .readings import Reading, Readings
from .world import Account

# What at least one account of a vendor has to show.
REQUIRED: dict[str, tuple[str, ...]] = {
    "enphase": (
        "battery_mode",
        "backup_reserve",
        "energy_independence",
        "storm_guard",
        "load_control_1",
        "force_charge",
        "hold",
        "stop_forced",
    ),
    "foxess": (
        "battery_mode",
        "min_soc",
        "backup_reserve",
        "max_soc",
        "export_limit",
        "force_charge",
        "force_discharge",
        "hold",
        "stop_forced",
    ),
    "huawei": (
        "battery_mode",
        "surplus_priority",
        "min_soc",
        "max_soc",
        "charge_power_limit",
        "discharge_power_limit",
        "export_limit",
        "force_charge",
        "force_discharge",
        "stop_forced",
    ),
    "growatt": (
        "battery_mode",
        "storage_mode",
        "min_soc",
        "backup_reserve",
        "grid_charge_soc_limit",
        "charge_from_grid",
        "active_power_rate",
        "charge_power_rate",
        "discharge_power_rate",
        "export_limit",
        "inverter_on",
        "force_charge",
        "force_discharge",
        "hold",
        "stop_forced",
    ),
}
FORCED = ("force_charge", "force_discharge", "hold", "stop_forced")
# What the machines of an account cannot do, by vendor and account.
UNABLE: dict[tuple[str, str], tuple[str, ...]] = {
    **{("enphase", name): FORCED for name in ("legacy", "watt", "cellular")},
    ("growatt", "old"): ("hold",),
}
CONFIRMED = "confirmed"


@dataclass(slots=True, kw_only=True)
class Command:
    """A command, and what became of it."""

    device: str
    control: str
    value: Value | None
    outcome: str | None = None
    evidence: str | None = None
    seconds: float | None = None
    words: str = ""


@dataclass(slots=True)
class Result:
    """What was found for an account."""

    account: Account
    seconds_to_first_state: float | None = None
    readings: Readings = field(default_factory=lambda: Readings([], []))
    commands: list[Command] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=lambda: {"made": 0, "refused": 0})
    problems: list[str] = field(default_factory=list)
    entry: str | None = None
    added_at: datetime | None = None
    past: list[Past] = field(default_factory=list)

    @property
    def tried(self) -> set[str]:
        """Return the controls that were used."""
        return {row.control for row in self.commands}

    @property
    def confirmed(self) -> set[str]:
        """Return the controls that were seen to work."""
        return {row.control for row in self.commands if row.outcome == CONFIRMED}

    @property
    def has_battery(self) -> bool:
        """Return whether a plant of the account has a battery."""
        return any(row.key == "battery_soc" for row in self.readings.rows)


def show_readings(account: Account, readings: Readings) -> None:
    """Print the readings beside the truth, by plant and device; wrong ones are marked."""
    for (plant, device), rows in groupby(
        sorted(readings.rows, key=lambda row: (row.plant, row.device)),
        key=lambda row: (row.plant, row.device),
    ):
        say(f"\n{account.name}: {account.plants[plant]} {device or '(plant)'}")
        for row in rows:
            mark = " " if row.agrees else "X"
            say(
                f" {mark} {row.key:32}{_text(row.state):>26}{_text(row.truth):>26}"
                f" {row.unit:6}{row.at.astimezone():%H:%M:%S}"
            )


def _text(value: Value | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return f"{value:.2f}"


def told(account: Account, row: Reading) -> str:
    """Return a line about a reading."""
    return (
        f"{account.plants[row.plant]} {row.device} {row.key} is {_text(row.state)},"
        f" the truth {_text(row.truth)} {row.unit} at {row.at.isoformat()}"
    )


def describe(command: Command) -> str:
    """Return a line about a command."""
    took = "" if command.seconds is None else f" after {command.seconds:.0f} s"
    value = "" if command.value is None else f" = {_text(command.value)}"
    evidence = f" by {command.evidence}" if command.evidence else ""
    words = f" ({command.words})" if command.words else ""
    outcome = command.outcome or "nothing heard"
    return f"{command.control}{value}: {outcome}{evidence}{took}{words}"


def as_json(version: str, results: Iterable[Result]) -> dict[str, Any]:
    """Return the contract of DESIGN §9."""
    vendors: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        vendors.setdefault(result.account.vendor, []).append(_element(result))
    return {"home_assistant": version, "vendors": vendors}


def _element(result: Result) -> dict[str, Any]:
    return {
        "account": result.account.name,
        "step": result.account.step,
        "seconds_to_first_state": _rounded(result.seconds_to_first_state),
        "readings": [_reading(row) for row in result.readings.rows],
        "commands": [
            {
                "device": row.device,
                "control": row.control,
                "value": row.value,
                "outcome": row.outcome,
                "evidence": row.evidence,
                "seconds": _rounded(row.seconds),
            }
            for row in result.commands
        ],
        "calls": result.calls,
    }


def _reading(row: Reading) -> dict[str, Any]:
    return {
        "plant": row.plant,
        "device": row.device or None,
        "key": row.key,
        "state": row.state,
        "truth": row.truth,
        "unit": row.unit or None,
        "at": row.at.isoformat(),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def write_json(path: Path, version: str, results: Iterable[Result]) -> None:
    """Write the contract of DESIGN §9 to a file."""
    text = json.dumps(as_json(version, results), indent=1, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def problems_of(result: Result) -> list[str]:
    """Return what is missing, wrong, refused or unconfirmed in an account."""
    found = [*result.problems, *(f"missing: {row}" for row in result.readings.missing)]
    found += [f"wrong: {told(result.account, row)}" for row in result.readings.wrong]
    found += [
        f"not confirmed: {row.device} {describe(row)}"
        for row in result.commands
        if row.outcome != CONFIRMED
    ]
    found += [f"the past: {line}" for past in result.past for line in past.complaints]
    if result.calls["refused"]:
        found.append(f"{result.calls['refused']} calls were refused")
    return [f"{result.account.name}: {line}" for line in found]


def problems_of_all(results: Sequence[Result]) -> list[str]:
    """Return the problems of all accounts, and commands that should have been shown."""
    found = [line for result in results for line in problems_of(result)]
    for vendor in sorted({result.account.vendor for result in results}):
        own = [result for result in results if result.account.vendor == vendor]
        found += missing(vendor, [past for result in own for past in result.past])
        shown = set[str]().union(*(result.confirmed for result in own))
        if absent := [key for key in REQUIRED.get(vendor, ()) if key not in shown]:
            found.append(f"{vendor}: never confirmed: {', '.join(absent)}")
        found += [
            f"{result.account.name}: not offered, though it has a battery: {key}"
            for result in own
            for key in FORCED
            if result.account.control
            and result.has_battery
            and key in shown
            and key not in result.tried
            and key not in UNABLE.get((vendor, result.account.name), ())
        ]
    return found
