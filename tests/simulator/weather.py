"""Sun, clouds and habits: what drives a home, as pure functions of time.

Everything is a function of a seed and a Unix time, so that two runs, and two
questions about the same instant, agree.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import asin, cos, degrees, exp, floor, pi, radians, sin
from zoneinfo import ZoneInfo

_MASK = 0xFFFFFFFFFFFFFFFF
_DAY = 86_400.0
_J2000 = 946_728_000.0


def draw(seed: int, index: int) -> float:
    """Return a reproducible number in [0, 1) for a seed and an index."""
    x = (seed * 0x9E3779B97F4A7C15 + index * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return float((x ^ (x >> 31)) >> 11) / 9_007_199_254_740_992.0


def smooth(seed: int, x: float) -> float:
    """Return smooth noise in [0, 1) with knots at whole numbers."""
    i = floor(x)
    f = x - i
    left = draw(seed, i)
    return left + (draw(seed, i + 1) - left) * f * f * (3 - 2 * f)


@lru_cache(maxsize=4096)
def _sun_of_day(day: int) -> tuple[float, float, float]:
    """Return sin and cos of the declination, and the equation of time in hours."""
    n = day - _J2000 / _DAY
    g = radians(357.529 + 0.98560028 * n)
    mean = 280.459 + 0.98564736 * n
    longitude = radians(mean + 1.915 * sin(g) + 0.020 * sin(2 * g))
    sin_declination = sin(radians(23.439)) * sin(longitude)
    # Spencer's series: good to half a minute, which is all a shadow needs.
    b = 2 * pi * ((n + 0.5) % 365.2422) / 365.2422
    minutes = 229.18 * (
        0.000075
        + 0.001868 * cos(b)
        - 0.032077 * sin(b)
        - 0.014615 * cos(2 * b)
        - 0.040849 * sin(2 * b)
    )
    return sin_declination, cos(asin(sin_declination)), minutes / 60


def sin_elevation(latitude: float, longitude: float, at: float) -> float:
    """Return the sine of the sun's elevation at a place and a Unix time."""
    day = floor(at / _DAY)
    sin_declination, cos_declination, equation = _sun_of_day(day)
    solar_hour = (at - day * _DAY) / 3600 + longitude / 15 + equation
    phi = radians(latitude)
    angle = (solar_hour - 12) * pi / 12
    return sin(phi) * sin_declination + cos(phi) * cos_declination * cos(angle)


def elevation(latitude: float, longitude: float, at: float) -> float:
    """Return the sun's elevation in degrees."""
    return degrees(asin(max(-1.0, min(1.0, sin_elevation(latitude, longitude, at)))))


@lru_cache(maxsize=65_536)
def _offset_of_quarter(zone: str, quarter: int) -> int:
    """Return a zone's UTC offset in seconds during a quarter of an hour."""
    local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(ZoneInfo(zone))
    offset = local.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def utc_offset(zone: str, at: float) -> int:
    """Return the UTC offset of a zone in seconds at a Unix time."""
    return _offset_of_quarter(zone, int(at // 900))


def midnight(zone: str, at: float) -> float:
    """Return the Unix time of the local midnight before an instant."""
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def clouds(seed: int, at: float) -> float:
    """Return the share of the clear sky's light that arrives, 0.08 to 1."""
    weather = smooth(seed + 11, at / (18 * 3600))
    passing = smooth(seed + 12, at / 1500)
    light = 1.15 - 0.85 * weather - 0.35 * passing * (0.3 + weather)
    return max(0.08, min(1.0, light))


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How much a household uses, in W."""

    base: float = 260.0
    morning: float = 900.0
    evening: float = 1500.0
    bursts: float = 1800.0


def household(habits: Habits, seed: int, at: float, offset: int) -> float:
    """Return the house load in W at a Unix time."""
    hour = ((at + offset) % _DAY) / 3600
    peaks = habits.morning * exp(-(((hour - 7.4) / 1.2) ** 2))
    peaks += habits.evening * exp(-(((hour - 19.2) / 1.9) ** 2))
    living = habits.base * (0.8 + 0.5 * smooth(seed + 21, at / 700))
    busy = draw(seed + 22, int(at // 420))
    awake = 1.0 if 6 <= hour < 23 else 0.25
    burst = habits.bursts * (0.6 + 0.4 * busy) if busy > 1 - 0.09 * awake else 0.0
    return living + peaks * (0.7 + 0.6 * smooth(seed + 23, at / 1300)) + burst


def sunlight(latitude: float, longitude: float, seed: int, at: float) -> float:
    """Return the share of the panels' peak power that the sun gives, 0 at night."""
    height = sin_elevation(latitude, longitude, at)
    if height <= 0.0:
        return 0.0
    return float(1.02 * height**1.12 * clouds(seed, at))
