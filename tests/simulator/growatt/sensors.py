"""The endpoints of smart meters and environment sensors behind a data logger."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import measurements, shapes
from .device import Datalogger, GrowattPlant
from .errors import GrowattError
from .listing import day, page
from .realtime import Told
from .wire import calendar, noisy, shaped, stamp

if TYPE_CHECKING:
    from .server import Server

type Body = dict[str, Any]

NAMES = {"meter": ("AMMETER", "64"), "environment": ("ENV_DEVICE", "48")}


def _logger(server: Server, exchange: Exchange) -> tuple[GrowattPlant, Datalogger]:
    """Return the data logger that a request names."""
    wanted = exchange.params.get("datalog_sn")
    if not wanted:
        raise GrowattError(10002, "error_datalogger sn is empty")
    for plant in server.plants_of(exchange.account):
        for logger in plant.loggers:
            if logger.sn == wanted:
                plant.home.advance(exchange.at)
                return plant, logger
    raise GrowattError(10003, "error_datalogger not exist")


def _lister(kind: str, word: str) -> Any:
    """Return the handler that lists what is behind a data logger."""

    def handler(server: Server, exchange: Exchange) -> Body:
        plant, logger = _logger(server, exchange)
        address = getattr(logger, kind)
        name, number = NAMES[kind]
        newest = plant.published(exchange.at)
        found = [
            {
                "address": address,
                "datalog_sn": logger.sn,
                "device_name": name,
                "device_type": number,
                "last_update_time": stamp(plant, newest),
                "lost": exchange.at - newest > 900,
            }
        ]
        found = found if address is not None else []
        shown = page(exchange, found)
        return {"count": len(found), "datalogger_sn": logger.sn, word: shown}

    return handler


def meter(plant: GrowattPlant, logger: Datalogger, at: float) -> Body:
    """Return a smart meter's data; it counts import as positive."""
    values = measurements.metering(plant, at)
    power = values["grid_power"]
    body = shaped(shapes.METER) | {
        "addr": logger.meter,
        "dataLogSn": logger.sn,
        "activePower": noisy(power),
        "posiActivePower": noisy(max(0.0, power)),
        "reverActivePower": noisy(max(0.0, -power)),
        "positiveActiveTotalEnergy": round(values["grid_import_energy"], 1),
        "positiveActiveTodayEnergy": round(values["grid_import_energy_today"], 1),
        "reverseActiveTotalEnergy": round(values["grid_export_energy"], 1),
        "reverseActiveTodayEnergy": round(values["grid_export_energy_today"], 1),
        "gridFrequency": noisy(values["grid_frequency"], 2),
        "powerFactor": 1.0,
        "timeText": stamp(plant, at),
        "calendar": calendar(at),
    }
    for n in (1, 2, 3):
        body |= {
            f"voltageL{n}": noisy(values[f"grid_voltage_{n}"]),
            f"currentL{n}": noisy(values[f"grid_current_{n}"], 2),
            f"activePowerL{n}": noisy(values[f"grid_power_{n}"]),
        }
    return body


def environment(plant: GrowattPlant, logger: Datalogger, at: float) -> Body:
    """Return an environment sensor's data."""
    values = measurements.environment(plant, at)
    return shaped(shapes.ENVIRONMENT) | {
        "addr": logger.environment,
        "dataLogSn": logger.sn,
        "radiant": noisy(values["irradiance"]),
        "envTemp": noisy(values["ambient_temperature"]),
        "panelTemp": noisy(values["module_temperature"]),
        "windSpeed": noisy(values["wind_speed"]),
        "windAngle": 1.0,
        "timeText": stamp(plant, at),
        "calendar": calendar(at),
    }


def _behind(
    server: Server, exchange: Exchange, kind: str
) -> tuple[GrowattPlant, Datalogger]:
    """Return the logger of a meter or sensor with the address of a request."""
    plant, logger = _logger(server, exchange)
    if str(exchange.params.get("address")) != str(getattr(logger, kind)):
        raise GrowattError(10004, "error_address")
    return plant, logger


def _newest(kind: str, fill: Any) -> Any:
    """Return the handler of the newest data of a meter or sensor."""

    def handler(server: Server, exchange: Exchange) -> Told:
        plant, logger = _behind(server, exchange, kind)
        at = plant.published(exchange.at)
        return Told(data=fill(plant, logger, at), dataloggerSn=logger.sn)

    return handler


def _history(kind: str, fill: Any, word: str, serial: str) -> Any:
    """Return the handler of some days of a meter or sensor."""

    def handler(server: Server, exchange: Exchange) -> Body:
        plant, logger = _behind(server, exchange, kind)
        first = day(exchange.params.get("start_date"), 10005)
        last = day(exchange.params.get("end_date"), 10005)
        if (last - first).days > 7:
            raise GrowattError(10006, "error_date interval more than seven days")
        zone = plant.local(exchange.at).tzinfo
        end = (last + timedelta(days=1)).replace(tzinfo=zone).timestamp()
        device = plant.devices[0]
        newest = min(end - 1, plant.published(exchange.at))
        start = first.replace(tzinfo=zone).timestamp()
        instants = device.uploads(max(start, exchange.at - 95 * 86_400), newest)[::-1]
        shown = [fill(plant, logger, at) for at in page(exchange, instants)]
        return {"count": len(instants), serial: logger.sn, word: shown}

    return handler


ENDPOINTS: dict[tuple[str, str], Any] = {
    ("GET", "/v1/device/ammeter/meter_list"): _lister("meter", "meters"),
    ("GET", "/v1/device/env/env_list"): _lister("environment", "envs"),
    ("GET", "/v1/device/ammeter/meter_last_data"): _newest("meter", meter),
    ("GET", "/v1/device/env/env_last_data"): _newest("environment", environment),
    ("GET", "/v1/device/ammeter/meter_data"): _history(
        "meter", meter, "meter_data", "datalogger_sn"
    ),
    ("GET", "/v1/device/env/env_data"): _history(
        "environment", environment, "envData", "dataloggerSn"
    ),
}
