"""The documented allowances of SmartPVMS: 4.1 (OAuth), 4.2 (API account), 6.2 (old).

Days are any 24 hours, as the document does not say when its day begins. The limits of five
minutes are as many calls as reach all plants, or all devices of a type, once: so each of
these calls keeps five minutes to the one before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

from ..quota import Allowance, Per, Rolling
from . import endpoints as on
from .endpoints import Endpoint
from .policy import BY_MINUTE, OF_OTHERS

GAP = "gap"
SYSTEM = "system"
LOGIN = "login"
BASIC = "basic"
CONTROL = "control"
CONTROL_MINUTE = "control_minute"
FIVE_MINUTES = 300.0

BETWEEN_CALLS = 1.5
PER_CALL = 100
PER_HISTORY_CALL = 10
BASIC_PER_DAY = 1000
BASIC_RESERVE = 50
CONTROL_PER_DAY = 100
CONTROL_RESERVE = 40

_MINUTE = Rolling(60)
_TEN_MINUTES = Rolling(600)
_HALF_HOUR = Rolling(1800)
_DAY = Rolling(24 * 3600)

# First and longest pause in s after a refusal.
PAUSES: dict[str, tuple[float, float]] = {
    SYSTEM: (60.0, 1800.0),
    LOGIN: (600.0, 3600.0),
    BASIC: (900.0, 7200.0),
    CONTROL: (900.0, 7200.0),
    CONTROL_MINUTE: (60.0, 3600.0),
    on.PLANT_REAL.path: (300.0, 900.0),
    on.DEVICE_REAL.path: (300.0, 900.0),
    on.ALARMS.path: (1800.0, 3600.0),
}
PAUSE = (900.0, 7200.0)
DAY_SPENT_PAUSE = (3600.0, 14400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What an account holds: plants, and devices by type."""

    plants: int = 1
    devices: Mapping[int, int] = field(default_factory=dict)

    def calls(self, per_call: int = PER_CALL) -> int:
        """Return the calls that reach all devices, type by type."""
        return sum(ceil(count / per_call) for count in self.devices.values())

    @property
    def plant_calls(self) -> int:
        """Return the calls that reach all plants."""
        return max(1, ceil(self.plants / PER_CALL))


def account(census: Census, *, old: bool = False) -> tuple[Allowance, ...]:
    """Return the allowances of an API account (4.2), or of an old one (6.2)."""
    return (
        *_common(),
        _window(on.LOGIN, 5, _TEN_MINUTES, name=LOGIN, reserve=1),
        _window(on.LOGOUT, 5, _TEN_MINUTES),
        *(_by_minute() if old else _by_resources(census)),
    )


def oauth() -> tuple[Allowance, ...]:
    """Return the allowances of an owner's authorisation (4.1)."""
    return (
        *_common(),
        Allowance(
            name=BASIC,
            endpoints=_paths(on.BASIC),
            limit=BASIC_PER_DAY,
            window=_DAY,
            reserve=BASIC_RESERVE,
        ),
        Allowance(
            name=CONTROL,
            endpoints=_paths(on.CONTROL),
            limit=CONTROL_PER_DAY,
            window=_DAY,
            reserve=CONTROL_RESERVE,
        ),
    )


def _common() -> tuple[Allowance, ...]:
    """Return what holds for every account: the gap, and each interface by itself."""
    return (
        Allowance(name=GAP, spacing=BETWEEN_CALLS),
        Allowance(name=SYSTEM, each=True),
        Allowance(
            name=CONTROL_MINUTE, endpoints=_paths(on.CONTROL), each=True, spacing=60.0
        ),
    )


def _by_minute() -> tuple[Allowance, ...]:
    """Return the allowances of 6.2."""
    return tuple(
        _window(row, BY_MINUTE.get(row.path, OF_OTHERS), _MINUTE) for row in on.BASIC
    )


def _by_resources(census: Census) -> tuple[Allowance, ...]:
    """Return the allowances of 4.2, from the numbers of plants and devices."""
    plants, devices = census.plant_calls, max(1, census.calls())
    return (
        _window(on.PLANTS, plants * 10 + 24, _DAY),
        _window(on.DEVICES, plants + 24, _DAY),
        _each_once(on.PLANT_REAL),
        _each_once(on.DEVICE_REAL),
        _window(on.DEVICE_HISTORY, census.calls(PER_HISTORY_CALL) + 24, _DAY),
        _window(on.ALARMS, max(plants, devices), _HALF_HOUR),
        *(_window(row, plants + 24, _DAY) for row in on.PLANT_REPORTS),
        *(_window(row, census.calls() + 24, _DAY) for row in on.DEVICE_REPORTS),
    )


def _each_once(endpoint: Endpoint) -> Allowance:
    """Return that of each part of an account's plants or devices one call is allowed."""
    return Allowance(
        name=endpoint.path,
        endpoints=frozenset((endpoint.path,)),
        per=Per.SUBJECT,
        spacing=FIVE_MINUTES,
        stretches=False,
    )


def _window(
    endpoint: Endpoint,
    limit: int,
    window: Rolling,
    *,
    name: str = "",
    reserve: int = 0,
) -> Allowance:
    return Allowance(
        name=name or endpoint.path,
        endpoints=frozenset((endpoint.path,)),
        limit=limit,
        window=window,
        reserve=reserve,
        stretches=window is _DAY,
    )


def _paths(rows: Iterable[Endpoint]) -> frozenset[str]:
    return frozenset(row.path for row in rows)
