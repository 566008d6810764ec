"""How values look on the wire: strings, float noise, empty words, odd calendars."""

from datetime import UTC, datetime, timedelta
import struct
from typing import TYPE_CHECKING, Any
import zlib

from ..weather import draw

if TYPE_CHECKING:
    from .device import GrowattPlant

SERVER_OFFSET = timedelta(hours=8)

EMPTY: tuple[Any, ...] = ("", None, "null", None)


def noisy(value: float, decimals: int = 1) -> float:
    """Return a number as a float of four bytes becomes a double: 41.900001525878906."""
    number: float = struct.unpack("f", struct.pack("f", round(value, decimals)))[0]
    return number


def shaped(shape: dict[str, str]) -> dict[str, Any]:
    """Return an answer of a shape in which everything is empty."""
    values: dict[str, Any] = {}
    values |= dict.fromkeys(shape.get("whole", "").split(), 0)
    values |= dict.fromkeys(shape.get("decimal", "").split(), 0.0)
    values |= dict.fromkeys(shape.get("word", "").split(), "")
    values |= dict.fromkeys(shape.get("truth", "").split(), False)
    for name in shape.get("empty", "").split():
        values[name] = EMPTY[zlib.crc32(name.encode()) % len(EMPTY)]
    return values


def stamp(plant: GrowattPlant, at: float) -> str:
    """Return a time as the data endpoints write it."""
    local = plant.local(at)
    if plant.server_time:
        local = datetime.fromtimestamp(at, UTC) + SERVER_OFFSET
    return f"{local:%Y-%m-%d %H:%M:%S}"


def server_stamp(at: float) -> str:
    """Return a time in the zone of the server."""
    return f"{datetime.fromtimestamp(at, UTC) + SERVER_OFFSET:%Y-%m-%d %H:%M:%S}"


def server_time(at: float) -> dict[str, Any]:
    """Return a time as Java's JSON of a date, which is the server's."""
    shown = datetime.fromtimestamp(at, UTC) + SERVER_OFFSET
    return {
        "year": shown.year - 1900,
        "month": shown.month - 1,
        "date": shown.day,
        "hours": shown.hour,
        "minutes": shown.minute,
        "seconds": shown.second,
        "day": (shown.weekday() + 1) % 7,
        "time": int(at) * 1000,
        "timezoneOffset": -480,
    }


def calendar(at: float) -> dict[str, Any]:
    """Return a time as Java's JSON of a calendar."""
    return {
        "minimalDaysInFirstWeek": 1,
        "weekYear": datetime.fromtimestamp(at, UTC).year,
        "time": server_time(at),
        "weeksInWeekYear": 52,
        "timeZone": {
            "dirty": False,
            "displayName": "China Standard Time",
            "DSTSavings": 0,
            "ID": "Asia/Shanghai",
            "lastRuleInstance": None,
            "rawOffset": 28800000,
        },
        "timeInMillis": int(at) * 1000,
        "lenient": True,
        "firstDayOfWeek": 1,
        "weekDateSupported": True,
    }


def garbage(seed: int, n: int, top: float) -> float:
    """Return a number that means nothing, the same all the time."""
    return round(top * (0.1 + 0.9 * draw(seed + 90, n)), 1)
