"""Values as clouds send them, made into values that can be trusted."""

import asyncio
from datetime import UTC, datetime, tzinfo
import math
import re
from typing import Any
from zoneinfo import ZoneInfo

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d).*?([+-]\d\d):?(\d\d)\s*$")
_PLAIN = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
_ZULU = re.compile(r"(?<=\d)Z$")
_TRUTHS = {
    "true": True,
    "1": True,
    "on": True,
    "false": False,
    "0": False,
    "off": False,
}


def number(value: Any) -> float | None:
    """Return a finite number from a number, a string or scientific notation."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except TypeError, ValueError, OverflowError:
        return None
    return round(found, 6) if math.isfinite(found) else None


def truth(value: Any) -> bool | None:
    """Return a flag from a boolean, 0 or 1, or their names."""
    if isinstance(value, float):
        value = f"{value:g}"
    return _TRUTHS.get(str(value).strip().lower())


def text(value: Any) -> str | None:
    """Return a text that says something, else None."""
    found = "" if value is None else str(value).strip()
    return found if found.strip("-") and found.lower() not in ("null", "none") else None


def instant(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """Return an instant from a stamp with a numeric offset, else in the plant's zone.

    Names of zones before the offset ("BST+0100") are passed over, as they are ambiguous.
    """
    stamp = _ZULU.sub("+00:00", str(value or "").strip())
    try:
        if match := _STAMP.search(stamp):
            return datetime.fromisoformat("{}T{}{}:{}".format(*match.groups()))
        if match := _PLAIN.search(stamp):
            return datetime.fromisoformat("{}T{}".format(*match.groups())).replace(
                tzinfo=zone
            )
    except ValueError:
        pass
    return None


def day_of(milliseconds: float | None) -> str | None:
    """Return the day (ISO 8601) of a Unix time in ms."""
    try:
        at = datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
    except ValueError, OverflowError, OSError:
        return None
    return at.date().isoformat() if milliseconds else None


async def time_zone(name: str | None) -> ZoneInfo | None:
    """Return a time zone by its name, read from disk off the loop; None if unknown."""
    if not name:
        return None
    try:
        return await asyncio.to_thread(ZoneInfo, name)
    except LookupError, ValueError, OSError:
        return None
