"""What requests ask for: lists of plants and devices, instants, types."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .errors import HuaweiError

if TYPE_CHECKING:
    from .accounts import HuaweiAccount
    from .plant import Device, HuaweiPlant

MOST = 100


def parts(value: Any) -> list[str]:
    """Return the parts of a list that is written with commas."""
    return [part.strip() for part in str(value or "").split(",") if part.strip()]


def whole(value: Any) -> int | None:
    """Return a whole number that may come as a string."""
    try:
        return int(value)
    except TypeError, ValueError:
        return None


def told(exchange: Exchange, *names: str) -> dict[str, Any]:
    """Return the parameters as an answer repeats them."""
    given = {name: exchange.params.get(name) for name in names}
    return given | {"currentTime": int(exchange.at * 1000)}


def plants(exchange: Exchange) -> list[HuaweiPlant]:
    """Return the plants that a request names."""
    codes = parts(exchange.params.get("stationCodes"))
    if not codes:
        raise HuaweiError(20010)
    return named_plants(exchange, codes)


def named_plants(exchange: Exchange, codes: list[str]) -> list[HuaweiPlant]:
    """Return plants by their ids."""
    if len(codes) > MOST:
        raise HuaweiError(20014)
    account: HuaweiAccount = exchange.account
    found = [account.by_code[code] for code in codes if code in account.by_code]
    if not found:
        raise HuaweiError(20007)
    if any(not plant.facts.api_access for plant in found):
        raise HuaweiError(20056)
    return found


def device_type(exchange: Exchange, allowed: frozenset[int]) -> int:
    """Return the type of devices that a request names."""
    given = exchange.params.get("devTypeId")
    account: HuaweiAccount = exchange.account
    kind = whole(given)
    if account.string_types and not isinstance(given, str):
        raise HuaweiError(20006)
    if kind not in allowed:
        raise HuaweiError(20013)
    return kind


def devices(
    exchange: Exchange,
    kind: int,
    *,
    most: int = MOST,
    too_many: int = 20016,
    gone: Callable[[Any], bool] = lambda _: False,
) -> list[tuple[HuaweiPlant, Device]]:
    """Return the devices that a request names by id or by serial number."""
    params = exchange.params
    names = parts(params.get("devIds")) or parts(params.get("sns"))
    if not names:
        raise HuaweiError(20011)
    if len(names) > most:
        raise HuaweiError(too_many)
    account: HuaweiAccount = exchange.account
    found = [account.by_name[name] for name in names if name in account.by_name]
    found = [pair for pair in found if not gone(pair[1])]
    if not found:
        raise HuaweiError(20008)
    if any(device.type_id != kind for _, device in found):
        raise HuaweiError(20006)
    if any(not plant.facts.api_access for plant, _ in found):
        raise HuaweiError(20056)
    return found


def instant(exchange: Exchange, name: str) -> float:
    """Return an instant of a request, sent in milliseconds."""
    value = whole(exchange.params.get(name))
    if value is None or value < 0:
        raise HuaweiError(20012)
    return value / 1000
