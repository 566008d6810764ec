"""What an owner may set ("System Configurations"): as calls tell it, and as they take it.

Modes are taken letter by letter, and told with other blanks, hyphens and capitals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import re
from typing import Any

from ..control import Absent, Control, Reason, Setting
from ..values import number, text
from . import endpoints as on
from .endpoints import Endpoint

MODE, RESERVE, INDEPENDENCE = "battery_mode", "backup_reserve", "energy_independence"
STORM = "storm_guard"
CONTACT = "load_control_"
MOST_CONTACTS = 4

# Our words -> what PUT takes.
MODES: dict[str, str] = {
    "self_consumption": "Self-consumption",
    "savings": "Savings Mode",
    "backup": "Full Backup",
}
ON, OFF = "enabled", "disabled"
POWERED, UNPOWERED = "Manual_always_powered", "Manual_always_not_powered"
FULL = 100.0

_SIGNS = re.compile(r"[^a-z]")
_WORDS = {_SIGNS.sub("", wire.lower()): ours for ours, wire in MODES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Settings that one call tells, and one call takes together."""

    name: str
    read: Endpoint
    write: Endpoint
    told: Callable[[Any, datetime], Mapping[str, Control | Absent]]


def mode_of(told: Any) -> str | None:
    """Return a mode in our words; what the grid's operator forces is none of them."""
    return _WORDS.get(_SIGNS.sub("", str(told).lower()))


def flag(told: Any) -> bool | None:
    """Return whether something is on; the answer to PUT has "Enabled (Inactive)"."""
    word = (text(told) or "").lower().split(" ", 1)[0]
    return {ON: True, OFF: False}.get(word)


def battery_told(body: Any, at: datetime) -> dict[str, Control | Absent]:
    """Return mode, reserve and energy independence; the reserve's least is given."""
    row = _fields(body)
    least = number(row.get("battery_shutdown_level")) or 0.0
    return {
        MODE: Control(
            value=mode_of(row.get("battery_mode")), at=at, options=tuple(MODES)
        ),
        RESERVE: Control(
            value=number(row.get("reserve_soc")),
            at=at,
            minimum=least,
            maximum=FULL,
            step=1.0,
        ),
        INDEPENDENCE: Control(value=flag(row.get("energy_independence")), at=at),
    }


def storm_told(body: Any, at: datetime) -> dict[str, Control | Absent]:
    """Return the storm guard."""
    return {STORM: Control(value=flag(_fields(body).get("storm_guard_status")), at=at)}


def contacts_told(body: Any, at: datetime) -> dict[str, Control | Absent]:
    """Return the dry contacts; one that follows a rule of its own is neither on nor off."""
    return {
        f"{CONTACT}{index}": Control(
            value={POWERED: True, UNPOWERED: False}.get(str(row.get("mode"))), at=at
        )
        for index, row in enumerate(contacts(body), start=1)
    }


def contacts(body: Any) -> list[Mapping[str, Any]]:
    """Return the rows of the dry contacts that have a name."""
    rows = _fields(body).get("load_control_data")
    found = [row for row in rows or () if isinstance(row, Mapping) and row.get("name")]
    return found[:MOST_CONTACTS]


BATTERY = Part(
    name="battery", read=on.READ_BATTERY, write=on.WRITE_BATTERY, told=battery_told
)
STORM_GUARD = Part(
    name="storm", read=on.READ_STORM, write=on.WRITE_STORM, told=storm_told
)
LOADS = Part(name="loads", read=on.READ_LOADS, write=on.WRITE_LOADS, told=contacts_told)
PARTS = (BATTERY, STORM_GUARD, LOADS)

KEYS: dict[str, Part] = {
    MODE: BATTERY,
    RESERVE: BATTERY,
    INDEPENDENCE: BATTERY,
    STORM: STORM_GUARD,
    **{f"{CONTACT}{index}": LOADS for index in range(1, MOST_CONTACTS + 1)},
}

# What the vendor lets nobody set, or only lets be looked at.
NEVER: Mapping[str, Absent] = {
    "charge_from_grid": Absent(reason=Reason.READ_ONLY),
    "min_soc": Absent(reason=Reason.READ_ONLY),
    "export_limit": Absent(reason=Reason.UNSUPPORTED),
    "export_limit_enabled": Absent(reason=Reason.UNSUPPORTED),
    "schedule_enabled": Absent(reason=Reason.UNSUPPORTED),
}


def battery_body(told: Any, changes: Mapping[str, Setting]) -> dict[str, Any]:
    """Return what PUT takes: all three values, as nobody knows if it takes a part."""
    row = _fields(told)
    mode = changes.get(MODE, mode_of(row.get("battery_mode")))
    independence = changes.get(INDEPENDENCE, flag(row.get("energy_independence")))
    body: dict[str, Any] = {}
    if mode in MODES:
        body["battery_mode"] = MODES[str(mode)]
    if (reserve := changes.get(RESERVE, number(row.get("reserve_soc")))) is not None:
        body["reserve_soc"] = round(float(reserve))
    if independence is not None:
        body["energy_independence"] = ON if independence else OFF
    return body


def contact_body(row: Mapping[str, Any], value: Setting) -> dict[str, Any]:
    """Return what PUT takes for one contact, which has to be named."""
    return {"name": row["name"], "mode": POWERED if value else UNPOWERED}


def _fields(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {}
