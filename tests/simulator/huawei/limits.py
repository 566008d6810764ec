"""Sections 4.1, 4.2 and 6.2: what an account may ask how often."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import ceil
from typing import TYPE_CHECKING

from ..base import Exchange
from ..limits import Keys, Limit
from . import devices as kinds

if TYPE_CHECKING:
    from .accounts import HuaweiAccount

MINUTE, DAY = 60.0, 86_400.0
DATA = "/thirdData/"
LOGIN, LOGOUT = f"{DATA}login", f"{DATA}logout"
OWNERS_BASIC, OWNERS_CONTROL = 1000, 100
NEW, OLD, OAUTH = "new", "old", "oauth"


def is_control(endpoint: str) -> bool:
    """Say whether an endpoint belongs to the control interfaces."""
    return "/control/" in endpoint or "/vpp/" in endpoint


def _plants(account: HuaweiAccount) -> int:
    """Return the hundreds of plants, rounded up."""
    return ceil(len(account.plants) / 100)


def _devices(account: HuaweiAccount, size: int) -> int:
    """Return the calls that cover the devices of every type once."""
    counted = Counter(
        device.type_id for plant in account.plants for device in plant.devices
    )
    return sum(
        ceil(number / size)
        for kind, number in counted.items()
        if kind in kinds.REALTIME
    )


# Name -> window, what the new policy allows, calls a minute of the old one.
FORMULAS: dict[str, tuple[float, Callable[[HuaweiAccount], int], int]] = {
    "stations": (DAY, lambda a: _plants(a) * 10 + 24, 10),
    "getDevList": (DAY, lambda a: _plants(a) + 24, 10),
    "getStationRealKpi": (300.0, _plants, 30),
    "getDevRealKpi": (300.0, lambda a: _devices(a, 100), 10),
    "getDevHistoryKpi": (DAY, lambda a: _devices(a, 10) + 24, 1),
    "getAlarmList": (1800.0, lambda a: max(_plants(a), _devices(a, 100)), 10),
    **{
        f"getKpiStation{span}": (DAY, lambda a: _plants(a) + 24, 10)
        for span in ("Hour", "Day", "Month", "Year")
    },
    **{
        f"getDevKpi{span}": (DAY, lambda a: _devices(a, 100) + 24, 10)
        for span in ("Day", "Month", "Year")
    },
}


def _policy(policy: str, endpoint: str) -> Keys[Exchange]:
    """Charge an endpoint of accounts with a policy."""

    def keys(exchange: Exchange) -> Iterable[tuple[str, int]]:
        account = exchange.account
        if account.policy == policy and exchange.endpoint == endpoint:
            yield account.name, 1

    return keys


def _owner(*, control: bool) -> Keys[Exchange]:
    """Charge the one bucket of an owner."""

    def keys(exchange: Exchange) -> Iterable[tuple[str, int]]:
        account = exchange.account
        if account.policy == OAUTH and is_control(exchange.endpoint) is control:
            yield account.name, 1

    return keys


def _control(exchange: Exchange) -> Iterable[tuple[str, int]]:
    """Charge each control interface of an account, apart."""
    if is_control(exchange.endpoint):
        yield f"{exchange.account.name} {exchange.endpoint}", 1


def _so_many(number: int) -> Callable[[Exchange], int]:
    """Allow a number of calls."""
    return lambda _: number


def _as_many(formula: Callable[[HuaweiAccount], int]) -> Callable[[Exchange], int]:
    """Allow what an account's plants and devices give."""
    return lambda exchange: formula(exchange.account)


def limits() -> tuple[Limit[Exchange], ...]:
    """Return all limits but those of signing in."""
    rows: list[Limit[Exchange]] = []
    for name, (window, formula, old) in FORMULAS.items():
        new = Limit(
            name=f"{name} {'day' if window == DAY else 'new'}",
            window=window,
            allowed=_as_many(formula),
            keys=_policy(NEW, DATA + name),
        )
        before = Limit(
            name=f"{name} old",
            window=MINUTE,
            allowed=_so_many(old),
            keys=_policy(OLD, DATA + name),
        )
        rows += [new, before]
    for name, most, control in (
        ("owner basic", OWNERS_BASIC, False),
        ("owner control", OWNERS_CONTROL, True),
    ):
        keys = _owner(control=control)
        allowed = _so_many(most)
        rows.append(Limit(name=name, window=DAY, allowed=allowed, keys=keys))
    control_limit = Limit(
        name="control",
        window=MINUTE,
        allowed=lambda exchange: 10 if exchange.account.policy == OLD else 1,
        keys=_control,
    )
    return (*rows, control_limit)


def signing_in() -> tuple[Limit[Exchange], ...]:
    """Return the limits of logging in and out, by the name that is given."""

    def keys(endpoint: str) -> Keys[Exchange]:
        def charged(exchange: Exchange) -> Iterable[tuple[str, int]]:
            if exchange.endpoint == endpoint:
                yield exchange.call.account or str(exchange.params.get("userName")), 1

        return charged

    return tuple(
        Limit(name=endpoint, window=600.0, allowed=lambda _: 5, keys=keys(endpoint))
        for endpoint in (LOGIN, LOGOUT)
    )
