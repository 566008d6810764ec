"""When a state agrees with the truth."""

from datetime import datetime

type Value = float | str | bool

# One unit of what vendors resolve, by unit.
RESOLUTIONS: dict[str, float] = {
    "W": 10,
    "kWh": 0.1,
    "%": 1,
    "°C": 0.1,
    "V": 0.1,
    "A": 0.1,
    "Hz": 0.01,
    "var": 10,
    "cycles": 1,
    "W/m²": 1,
    "kWh/m²": 0.01,
    "m/s": 0.1,
    "km/h": 0.1,
}
# What Home Assistant itself shows in another unit than ours, and the factor to it.
SHOWN_IN: dict[str, float] = {"km/h": 3.6}
OTHER_RESOLUTION = 0.01
SHARE = 0.01
INSTANT = 1.0
NOT_KNOWN = ("unknown", "unavailable")


def value_of(state: str, truth: Value | None, unit: str = "") -> Value | None:
    """Return a state in the type and unit of the truth; None when it is not known."""
    if state in NOT_KNOWN:
        return None
    if isinstance(truth, bool):
        return {"on": True, "off": False}.get(state, state)
    if isinstance(truth, (int, float)):
        try:
            return float(state) / SHOWN_IN.get(unit, 1.0)
        except ValueError:
            return state
    return state


def agrees(value: Value | None, truth: Value | None, unit: str) -> bool:
    """Return whether a value is within 1 % or one unit of the vendor's resolution."""
    if value is None or truth is None:
        return False
    if isinstance(truth, (bool, str)) or isinstance(value, str):
        return value == truth or _same_instant(value, truth)
    room = max(abs(truth) * SHARE, RESOLUTIONS.get(unit, OTHER_RESOLUTION))
    return abs(value - truth) <= room + 1e-9


def _same_instant(value: Value, truth: Value) -> bool:
    try:
        gap = datetime.fromisoformat(str(value)) - datetime.fromisoformat(str(truth))
    except ValueError, TypeError:
        return False
    return abs(gap.total_seconds()) <= INSTANT
