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

# Ours -> the wire's name of what one call sets together.
FIELDS = {
    MODE: "battery_mode",
    RESERVE: "reserve_soc",
    INDEPENDENCE: "energy_independence",
}
FULL = 100.0
BACKUP = "backup"
FROM_GRID = "charge_from_grid"

# Our words -> what PUT takes.
MODES: dict[str, str] = {
    "self_consumption": "Self-consumption",
    "savings": "Savings Mode",
    BACKUP: "Full Backup",
}
ON, OFF = "enabled", "disabled"
POWERED, UNPOWERED = "Manual_always_powered", "Manual_always_not_powered"

_SIGNS = re.compile(r"[^a-z]")
_WORDS = {_SIGNS.sub("", wire.lower()): ours for ours, wire in MODES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Settings that one call tells, and one call takes together."""

    read: Endpoint
    write: Endpoint
    told: Callable[[Any, datetime], Mapping[str, Control | Absent]]


def mode_of(told: Any) -> str | None:
    """Return a mode in our words; what the grid's operator forces is none of them."""
    return _WORDS.get(_SIGNS.sub("", str(told).lower()))


def flag(told: Any) -> bool | None:
    """Return whether something is on; the answer to PUT has "Enabled (Inactive)"."""
    word = (text(told) or "").lower()
    return {ON: True, OFF: False}.get(_SIGNS.split(word, maxsplit=1)[0])


def battery_told(body: Any, at: datetime) -> dict[str, Control | Absent]:
    """Return mode, reserve and energy independence; the reserve's least is given."""
    row, now = _fields(body), battery_of(body)
    least = number(row.get("battery_shutdown_level")) or 0.0
    found = {
        MODE: Control(value=now[MODE], at=at, options=tuple(MODES)),
        RESERVE: Control(
            value=now[RESERVE], at=at, minimum=least, maximum=FULL, step=1.0
        ),
        INDEPENDENCE: Control(value=now[INDEPENDENCE], at=at),
    }
    return {key: own for key, own in found.items() if FIELDS[key] in row}


def battery_of(body: Any) -> dict[str, Setting | None]:
    """Return the battery's settings in our words, None for what is none of them."""
    row = _fields(body)
    return {
        MODE: mode_of(row.get(FIELDS[MODE])),
        RESERVE: number(row.get(FIELDS[RESERVE])),
        INDEPENDENCE: flag(row.get(FIELDS[INDEPENDENCE])),
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
    """Return the rows of the dry contacts that have a name, by it."""
    rows = _fields(body).get("load_control_data")
    found = [
        row
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, Mapping) and text(row.get("name"))
    ]
    return sorted(found, key=lambda row: str(row["name"]))[:MOST_CONTACTS]


BATTERY = Part(read=on.READ_BATTERY, write=on.WRITE_BATTERY, told=battery_told)
STORM_GUARD = Part(read=on.READ_STORM, write=on.WRITE_STORM, told=storm_told)
LOADS = Part(read=on.READ_LOADS, write=on.WRITE_LOADS, told=contacts_told)
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
    FROM_GRID: Absent(reason=Reason.READ_ONLY),
    "min_soc": Absent(reason=Reason.READ_ONLY),
    "export_limit": Absent(reason=Reason.UNSUPPORTED),
    "export_limit_enabled": Absent(reason=Reason.UNSUPPORTED),
    "schedule_enabled": Absent(reason=Reason.UNSUPPORTED),
}


def battery_body(settings: Mapping[str, Setting | None]) -> dict[str, Any]:
    """Return what PUT takes: all values that are known, as it may reset what it is not told."""
    body: dict[str, Any] = {}
    if (mode := settings[MODE]) is not None:
        body[FIELDS[MODE]] = MODES[str(mode)]
    if (reserve := settings[RESERVE]) is not None:
        body[FIELDS[RESERVE]] = round(float(reserve))
    if (independence := settings[INDEPENDENCE]) is not None:
        body[FIELDS[INDEPENDENCE]] = ON if independence else OFF
    return body


def contact_body(row: Mapping[str, Any], value: Setting) -> dict[str, Any]:
    """Return what PUT takes for one contact, which has to be named."""
    return {"name": row["name"], "mode": POWERED if value else UNPOWERED}


def _fields(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {}
