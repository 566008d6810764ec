"""The documented allowances of SmartPVMS: 4.1 (OAuth), 4.2 (API account), 6.2 (old).

Days are any 24 hours, as the document does not say when its day begins. Accounts of before
the change of policy have allowances by the minute; which policy an account has is not told.
So a burst keeps within the old policy as well, and an account that shows the old one by
answering more than the new one allows is no longer held to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

from ..quota import Allowance, Rolling
from . import endpoints as on
from .endpoints import Endpoint

GAP = "gap"
SYSTEM = "system"
LOGIN = "login"
BASIC = "basic"
CONTROL = "control"
MINUTE = "minute"

BETWEEN_CALLS = 1.5
PER_CALL = 100
PER_HISTORY_CALL = 10
BASIC_PER_DAY = 1000
BASIC_RESERVE = 50
CONTROL_PER_DAY = 100
CONTROL_RESERVE = 40

_MINUTE = Rolling(60)
_FIVE_MINUTES = Rolling(300)
_TEN_MINUTES = Rolling(600)
_HALF_HOUR = Rolling(1800)
_DAY = Rolling(24 * 3600)

# First and longest pause in s after a refusal.
PAUSES: dict[str, tuple[float, float]] = {
    SYSTEM: (60.0, 1800.0),
    LOGIN: (600.0, 3600.0),
    BASIC: (900.0, 7200.0),
    CONTROL: (60.0, 3600.0),
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
        *_by_minute(),
        *(() if old else _by_resources(census)),
        Allowance(name=CONTROL, endpoints=_paths(on.CONTROL), each=True, spacing=60.0),
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
        # Not in 4.1, but what holds for each interface of an account (4.2).
        Allowance(
            name=f"{CONTROL} {MINUTE}",
            endpoints=_paths(on.CONTROL),
            each=True,
            spacing=60.0,
            stretches=False,
        ),
    )


def _common() -> tuple[Allowance, ...]:
    """Return what holds for every account: the gap, and each interface by itself."""
    return (
        Allowance(name=GAP, spacing=BETWEEN_CALLS),
        Allowance(name=SYSTEM, each=True),
    )


def _by_minute() -> tuple[Allowance, ...]:
    """Return the allowances of 6.2, and those of signing in (3.2.2)."""
    bursts = (row for row in on.BASIC if row not in (on.PLANT_REAL, on.DEVICE_HISTORY))
    return (
        _window(on.LOGIN, 5, _TEN_MINUTES, name=LOGIN, reserve=1),
        _window(on.LOGOUT, 5, _TEN_MINUTES),
        Allowance(
            name=MINUTE,
            endpoints=_paths(bursts),
            each=True,
            limit=10,
            window=_MINUTE,
            stretches=False,
        ),
        Allowance(
            name=f"{MINUTE} history",
            endpoints=_paths((on.DEVICE_HISTORY,)),
            spacing=60.0,
        ),
    )


def _by_resources(census: Census) -> tuple[Allowance, ...]:
    """Return the allowances of 4.2, from the numbers of plants and devices."""
    plants, devices = census.plant_calls, max(1, census.calls())
    return (
        _window(on.PLANTS, plants * 10 + 24, _DAY),
        _window(on.DEVICES, plants + 24, _DAY),
        _window(on.PLANT_REAL, plants, _FIVE_MINUTES),
        _window(on.DEVICE_REAL, devices, _FIVE_MINUTES),
        _window(on.DEVICE_HISTORY, census.calls(PER_HISTORY_CALL) + 24, _DAY),
        _window(on.ALARMS, max(plants, devices), _HALF_HOUR),
        *(_window(row, plants + 24, _DAY) for row in on.PLANT_REPORTS),
        *(_window(row, census.calls() + 24, _DAY) for row in on.DEVICE_REPORTS),
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
