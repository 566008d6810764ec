"""The FoxESS endpoints of the gateway meters."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .device import FoxDevice, Meter
from .errors import FoxError
from .listing import page
from .models import Setting
from .steering import Change, accepted, shown

if TYPE_CHECKING:
    from .server import Server

METER_MODES = ("Normal", "FeedinLimit", "G100")
G100_ONLY = (
    "outputMaxCurrent",
    "inputMaxCurrent",
    "overVoltageMaxValue",
    "underVoltageMinValue",
    "sysOnOffPowerValue",
)
METER_RANGES: dict[str, tuple[str, float, float]] = {
    "feedinPower": ("W", 0, 30_000),
    "outputMaxCurrent": ("A", 0, 100),
    "inputMaxCurrent": ("A", 0, 100),
    "overVoltageMaxValue": ("V", 230, 270),
    "underVoltageMinValue": ("V", 170, 230),
    "sysOnOffPowerValue": ("", 0, 1),
    "deviceQuantity": ("", 1, 10),
}


def _meters(server: Server, exchange: Exchange) -> list[tuple[FoxDevice, Meter]]:
    """Return the gateway meters with their inverters."""
    return [(d, d.meter) for d in server.present(exchange) if d.meter is not None]


def meter_list(server: Server, exchange: Exchange) -> Any:
    """List the meters."""
    return page(
        exchange,
        [
            {
                "sn": meter.sn,
                "stationID": server.plant_of(device).id,
                "stationName": server.plant_of(device).name,
                "status": 3 if device.status(exchange.at) == 3 else 1,
            }
            for device, meter in _meters(server, exchange)
        ],
    )


def _meter(server: Server, exchange: Exchange) -> tuple[FoxDevice, Meter]:
    """Return the meter that a request names."""
    wanted = exchange.params.get("sn")
    for device, meter in _meters(server, exchange):
        if meter.sn == wanted:
            if not device.logger_up(exchange.at):
                raise FoxError(41935)
            return device, meter
    raise FoxError(41930 if wanted else 40257)


def meter_get(server: Server, exchange: Exchange) -> Any:
    """Return a meter's settings."""
    _, meter = _meter(server, exchange)
    result: dict[str, Any] = {
        "mode": {
            "value": meter.settings["mode"],
            "unit": "",
            "precision": 1.0,
            "enumList": list(METER_MODES),
        }
    }
    for key, (unit, low, high) in METER_RANGES.items():
        rule = Setting(unit=unit, precision=1.0, low=low, high=high)
        result[key] = shown(rule, meter.settings[key])
    return result


def meter_set(server: Server, exchange: Exchange) -> Change:
    """Change a meter's settings; the mode says which of them there are."""
    device, meter = _meter(server, exchange)
    given = {key: item for key, item in exchange.params.items() if key != "sn"}
    mode = given.get("mode")
    if mode not in METER_MODES or set(given) - {"mode", "feedinPower", *G100_ONLY}:
        raise FoxError(40257)
    if mode == "Normal" and len(given) > 1:
        raise FoxError(40257)
    if mode != "G100" and set(given) & set(G100_ONLY):
        raise FoxError(40257)
    values = {"mode": str(mode)}
    for key in set(given) - {"mode"}:
        unit, low, high = METER_RANGES[key]
        values[key] = accepted(Setting(unit=unit, low=low, high=high), given[key])
    return Change(
        device=device,
        what="meter",
        value=values,
        apply=lambda: meter.settings.update(values),
        echo=dict(exchange.params),
    )


SET: dict[tuple[str, str], Any] = {("POST", "/op/v0/gw/setting/set"): meter_set}
GET: dict[tuple[str, str], Any] = {
    ("POST", "/op/v0/gw/list"): meter_list,
    ("POST", "/op/v0/gw/setting/get"): meter_get,
}
