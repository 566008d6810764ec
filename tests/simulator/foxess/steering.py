"""The FoxESS endpoints of an inverter's settings, charge windows and clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .device import FoxDevice
from .errors import FoxError
from .models import KEYS, Setting

if TYPE_CHECKING:
    from .server import Server

CLOCK = ("year", "month", "day", "hour", "minute", "second")


@dataclass(slots=True, kw_only=True)
class Change:
    """A change that a device was asked for and will not refuse."""

    device: FoxDevice
    what: str
    value: Any
    apply: Callable[[], None]
    echo: Any


def reach(server: Server, exchange: Exchange, key: str = "sn") -> FoxDevice:
    """Return the device that a request names, when it can be reached."""
    device = server.device(exchange, key)
    if not device.reachable(exchange.at):
        raise FoxError(41935)
    return device


def _refuse_while_scheduled(device: FoxDevice) -> None:
    """Refuse what the scheduler would override."""
    if device.flag:
        raise FoxError(device.model.busy_errno)


def _battery_device(server: Server, exchange: Exchange) -> FoxDevice:
    """Return a device that has a battery."""
    device = reach(server, exchange)
    if not device.batteries:
        raise FoxError(42015)
    return device


def _rule(device: FoxDevice, exchange: Exchange) -> tuple[str, Setting]:
    """Return the setting that a request names."""
    key = exchange.params.get("key")
    if not isinstance(key, str) or key not in KEYS:
        raise FoxError(40257)
    rule = device.model.settings.get(key, Setting(errno=42015))
    if rule.errno:
        raise FoxError(rule.errno)
    return key, rule


def setting_get(server: Server, exchange: Exchange) -> Any:
    """Return a setting with its range or options."""
    device = reach(server, exchange)
    key, rule = _rule(device, exchange)
    if rule.empty:
        return {}
    return shown(rule, device.settings[key])


def shown(rule: Setting, value: str) -> dict[str, Any]:
    """Return a value with unit, precision and range or options."""
    result: dict[str, Any] = {"unit": rule.unit, "precision": rule.precision}
    if rule.options:
        result["enumList"] = list(rule.options)
    elif rule.low is not None:
        result["range"] = {"min": rule.low, "max": rule.high}
    return result | {"value": value}


def accepted(rule: Setting, value: Any) -> str:
    """Return a value as the device keeps it, or refuse it."""
    if rule.options:
        if value not in rule.options:
            raise FoxError(40257)
        return str(value)
    number = _number(value)
    if rule.low is None or rule.high is None or not rule.low <= number <= rule.high:
        raise FoxError(40257)
    decimals = 1 if rule.precision < 1 else 0
    if round(number, decimals) != number:
        raise FoxError(40257)
    return f"{number:.{decimals}f}"


def _number(value: Any) -> float:
    """Return a number that may be written as a text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FoxError(40257)
    try:
        return float(value)
    except ValueError:
        raise FoxError(40257) from None


def setting_set(server: Server, exchange: Exchange) -> Change:
    """Change a setting."""
    device = reach(server, exchange)
    key, rule = _rule(device, exchange)
    if rule.empty:
        raise FoxError(44096)
    value = accepted(rule, exchange.params.get("value"))
    if rule.guarded:
        _refuse_while_scheduled(device)
    return Change(
        device=device,
        what=f"setting {key}",
        value=value,
        apply=lambda: device.settings.update({key: value}),
        echo={"sn": device.sn, "key": key, "value": exchange.params.get("value")},
    )


def soc_get(server: Server, exchange: Exchange) -> Any:
    """Return both floors of the battery."""
    settings = _battery_device(server, exchange).settings
    return {
        key[0].lower() + key[1:]: int(settings[key])
        for key in ("MinSoc", "MinSocOnGrid")
    }


def soc_set(server: Server, exchange: Exchange) -> Change:
    """Change both floors of the battery."""
    device = _battery_device(server, exchange)
    values = {}
    for key in ("MinSoc", "MinSocOnGrid"):
        given = exchange.params.get(key[0].lower() + key[1:])
        values[key] = accepted(device.model.settings[key], given)
    _refuse_while_scheduled(device)
    return Change(
        device=device,
        what="battery soc",
        value=values,
        apply=lambda: device.settings.update(values),
        echo={
            key: exchange.params.get(key) for key in ("sn", "minSoc", "minSocOnGrid")
        },
    )


def charge_time_get(server: Server, exchange: Exchange) -> Any:
    """Return the two grid-charge windows."""
    return dict(_battery_device(server, exchange).windows)


def charge_time_set(server: Server, exchange: Exchange) -> Change:
    """Change the two grid-charge windows."""
    device = _battery_device(server, exchange)
    params = exchange.params
    windows: dict[str, Any] = {}
    for n in (1, 2):
        enable = params.get(f"enable{n}")
        if not isinstance(enable, bool):
            raise FoxError(40257)
        start, end = (
            _clock_time(params.get(f"{edge}Time{n}")) for edge in ("start", "end")
        )
        if (start["hour"], start["minute"]) > (end["hour"], end["minute"]):
            raise FoxError(40257)
        windows |= {f"enable{n}": enable, f"startTime{n}": start, f"endTime{n}": end}
    _refuse_while_scheduled(device)
    return Change(
        device=device,
        what="charge windows",
        value=windows,
        apply=lambda: device.windows.update(windows),
        echo={"sn": device.sn, **windows},
    )


def _clock_time(value: Any) -> dict[str, int]:
    """Return an hour and a minute."""
    if not isinstance(value, dict):
        raise FoxError(40257)
    hour, minute = value.get("hour"), value.get("minute")
    if not isinstance(hour, int) or not isinstance(minute, int):
        raise FoxError(40257)
    if not 0 <= hour <= 23 or not 0 <= minute <= 59:
        raise FoxError(40257)
    return {"hour": hour, "minute": minute}


def time_get(server: Server, exchange: Exchange) -> Any:
    """Return what the device's own clock shows, as strings."""
    device = reach(server, exchange)
    shown_time = device.device_time(exchange.at)
    clock = {key: str(getattr(shown_time, key)) for key in CLOCK}
    return clock | {"year": clock["year"][-device.model.year_digits :]}


def time_set(server: Server, exchange: Exchange) -> Change:
    """Set the device's own clock, which ends its automatic setting."""
    device = reach(server, exchange)
    given = [int(_number(exchange.params.get(key))) for key in CLOCK]
    if given[0] < 100:
        given[0] += 2000
    try:
        when = datetime(*given)  # type: ignore[arg-type]
    except ValueError:
        raise FoxError(40257) from None
    return Change(
        device=device,
        what="clock",
        value=when.isoformat(),
        apply=lambda: device.set_time(when, exchange.at),
        echo={key: exchange.params.get(key) for key in ("sn", *CLOCK)},
    )


def peak_get(server: Server, exchange: Exchange) -> Any:
    """Return import limit and reserve of peak shaving."""
    device = reach(server, exchange)
    if device.model.peak_shaving:
        raise FoxError(device.model.peak_shaving)
    limit = Setting(unit="kW", precision=0.001, low=0.0, high=10000.0)
    soc = Setting(unit="%", precision=1.0, low=10.0, high=100.0)
    return {
        "importLimit": shown(limit, f"{device.peak_import_kw:.3f}"),
        "soc": shown(soc, f"{device.peak_soc:.0f}"),
    }


def peak_set(server: Server, exchange: Exchange) -> Change:
    """Change import limit and reserve of peak shaving; both are needed."""
    device = reach(server, exchange)
    if device.model.peak_shaving:
        raise FoxError(device.model.peak_shaving)
    limit, soc = (_number(exchange.params.get(key)) for key in ("importLimit", "soc"))
    if not 0 <= limit <= 10_000 or not 10 <= soc <= 100 or soc != int(soc):
        raise FoxError(40257)

    def apply() -> None:
        device.peak_import_kw, device.peak_soc = limit, soc

    value = {"importLimit": limit, "soc": int(soc)}
    return Change(
        device=device,
        what="peak shaving",
        value=value,
        apply=apply,
        echo={"sn": device.sn, **value},
    )


_DEVICE = "/op/v0/device"
SET: dict[tuple[str, str], Any] = {
    ("POST", f"{_DEVICE}/setting/set"): setting_set,
    ("POST", f"{_DEVICE}/battery/soc/set"): soc_set,
    ("POST", f"{_DEVICE}/battery/forceChargeTime/set"): charge_time_set,
    ("POST", f"{_DEVICE}/time/set"): time_set,
    ("POST", f"{_DEVICE}/peakShaving/set"): peak_set,
}
GET: dict[tuple[str, str], Any] = {
    ("POST", f"{_DEVICE}/setting/get"): setting_get,
    ("GET", f"{_DEVICE}/battery/soc/get"): soc_get,
    ("GET", f"{_DEVICE}/battery/forceChargeTime/get"): charge_time_get,
    ("POST", f"{_DEVICE}/time/get"): time_get,
    ("POST", f"{_DEVICE}/peakShaving/get"): peak_get,
}
