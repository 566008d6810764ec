"""The endpoints of users, plants, data loggers and devices."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import measurements
from .device import GrowattDevice, GrowattPlant
from .errors import GrowattError
from .models import MIX, SPA, TLX
from .wire import noisy, server_time, stamp

if TYPE_CHECKING:
    from .accounts import GrowattAccount
    from .server import Server

type Body = dict[str, Any]

MOST_PER_PAGE = 100
MOST_PAGES = 250


def page(exchange: Exchange, rows: list[Any], most: int = MOST_PER_PAGE) -> list[Any]:
    """Return the rows of the page that a request asks for."""
    number = _number(exchange, "page", 1)
    size = _number(exchange, "perpage", 20)
    if size > most:
        raise GrowattError(10013)
    if number > MOST_PAGES:
        raise GrowattError(10014)
    return rows[(number - 1) * size : number * size]


def _number(exchange: Exchange, key: str, default: int) -> int:
    """Return a whole number of a request."""
    text = str(exchange.params.get(key) or default)
    return max(1, int(text)) if text.isdigit() else default


def day(text: Any, code: int = 10003) -> datetime:
    """Return the date of a request."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d")
    except ValueError as problem:
        raise GrowattError(code, "error_date format error") from problem


def row(server: Server, plant: GrowattPlant, at: float) -> Body:
    """Return a plant as the lists show it: its power in W, as a string."""
    spec = plant.home.spec
    newest = server.measured_at(plant, at)
    truth = plant.home.state(newest)
    return {
        "status": 1 if any(not device.lost(at) for device in plant.devices) else 4,
        "locale": "en-US",
        "total_energy": f"{truth.totals['pv_energy']:.1f}",
        "operator": "0",
        "country": plant.country,
        "city": plant.city,
        "current_power": f"{truth.flow.pv:.1f}",
        "create_date": f"{plant.local(plant.home.created):%Y-%m-%d}",
        "image_url": None,
        "plant_id": int(plant.id),
        "name": plant.name,
        "installer": "0",
        "user_id": plant.user_id,
        "longitude": f"{spec.longitude}",
        "latitude": f"{spec.latitude}",
        "peak_power": spec.peak / 1000,
        "latitude_d": None,
        "latitude_f": None,
    }


def plant_list(server: Server, exchange: Exchange) -> Body:
    """List the account's own plants (4.2.1)."""
    account: GrowattAccount = exchange.account
    plants = [] if account.unbound else list(account.plants)
    wanted = str(exchange.params.get("search_keyword", ""))
    if wanted and exchange.params.get("search_type", "name") == "name":
        plants = [plant for plant in plants if wanted in plant.name]
    shown = [row(server, plant, exchange.at) for plant in page(exchange, plants)]
    return {"count": len(plants), "plants": shown}


def user_plant_list(server: Server, exchange: Exchange) -> Body:
    """List the plants of a user, one's own or an end user (4.2.9)."""
    account: GrowattAccount = exchange.account
    wanted = exchange.params.get("user_name")
    for user in (account, *account.users):
        if wanted == user.user_name:
            plants = list(user.plants)
            shown = page(exchange, plants)
            rows = [row(server, plant, exchange.at) for plant in shown]
            return {"count": len(plants), "plants": rows}
    return {"count": 0, "plants": []}


def c_user_list(server: Server, exchange: Exchange) -> Body:
    """List the end users of an installer (4.1.4)."""
    users = exchange.account.users
    rows = [
        {
            "c_user_id": user.user_id,
            "c_user_name": user.user_name,
            "c_user_email": f"{user.user_name}@example.com",
            "c_user_tel": "",
            "c_user_regtime": "2024-02-04 09:46:50",
        }
        for user in page(exchange, users)
    ]
    return {"count": len(users), "c_user": rows}


def check_user(server: Server, exchange: Exchange) -> Any:
    """Say whether a user name is taken in this region (4.1.2)."""
    name = exchange.params.get("user_name")
    if not name:
        raise GrowattError(10002, "error_user name is empty")
    region = server.region_of(exchange.headers)
    for account in (*server.accounts.values(), *server.others.values()):
        if account.region == region and account.user_name == name:
            raise GrowattError(10003, "error_Username already exists")
    return ""


def details(server: Server, exchange: Exchange) -> Body:
    """Return a plant's basic information (4.2.4)."""
    plant = server.plant(exchange)
    spec = plant.home.spec
    inverters = [
        {"inverter_man": "Growatt", "inverter_md": d.model.name, "inverter_num": 1}
        for d in plant.devices
    ]
    empty = [
        "address1",
        "address2",
        "description",
        "designercontact",
        "designerorganization",
        "elevation",
        "financiercontact",
        "fixed_azimuth",
        "fixed_tilt",
        "grid_type",
        "installed_ac_capacity",
        "installed_dc_capacity",
        "notes",
        "plant_type",
        "postal",
        "state",
        "status",
        "tracker_type",
    ]
    return dict.fromkeys(empty) | {
        "name": plant.name,
        "user_id": plant.user_id,
        "country": plant.country,
        "city": plant.city,
        "longitude": f"{spec.longitude}",
        "latitude": f"{spec.latitude}",
        "create_date": f"{plant.local(plant.home.created):%Y-%m-%d}",
        "image_url": "2.png",
        "peak_power": spec.peak / 1000,
        "currency": "EUR",
        "timezone": plant.gmt(exchange.at),
        "locale": "en_US",
        "arrays": [{"module_man": "", "module_md": "", "num_modules": 0}],
        "dataloggers": [
            {"datalogger_man": "Growatt", "datalogger_md": None, "datalogger_num": 1}
        ],
        "inverters": inverters,
        "maxs": [],
    }


def data(server: Server, exchange: Exchange) -> Body:
    """Return a plant's overview (4.2.5): power in kW, energies as strings."""
    plant = server.plant(exchange)
    at = server.measured_at(plant, exchange.at)
    home = plant.home
    total = home.totals(at)["pv_energy"]
    local = plant.local(at)
    begun = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = total - home.totals(begun.timestamp())["pv_energy"]
    year = total - home.totals(begun.replace(month=1).timestamp())["pv_energy"]
    today = server.today(plant, "pv_energy", at, exchange.at)
    return {
        "current_power": round(home.state(at).flow.pv / 1000, 4),
        "today_energy": f"{today:.1f}",
        "monthly_energy": f"{month:.1f}",
        "yearly_energy": f"{year:.1f}",
        "total_energy": f"{total:.1f}",
        "peak_power_actual": home.spec.peak / 1000,
        "efficiency": "",
        "carbon_offset": noisy(total * 0.0004, 3),
        "last_update_time": stamp(plant, at),
        "timezone": plant.gmt(at),
    }


def datalogger_list(server: Server, exchange: Exchange) -> Body:
    """List a plant's data loggers (4.3.1)."""
    plant = server.plant(exchange, empty=10002, missing=10003)
    rows = []
    for logger in page(exchange, plant.loggers):
        newest = max(d.published(exchange.at) for d in plant.devices)
        rows.append(
            {
                "last_update_time": server_time(newest),
                "model": "ShineWifiBox",
                "sn": logger.sn,
                "lost": exchange.at - newest > 900,
                "manufacturer": "Growatt",
                "type": 0,
            }
        )
    overview = {
        "treeID": f"PLANT_{plant.id}",
        "timezone": plant.standard_offset(exchange.at) / 3600,
        "timezoneText": plant.gmt(exchange.at),
        "plantName": plant.name,
        "nominalPower": plant.home.spec.peak,
        "formulaMoney": noisy(0.3, 2),
        "formulaMoneyUnitId": "EUR",
        "formulaCo2": noisy(0.4, 2),
        "id": int(plant.id),
    }
    count = len(plant.loggers)
    return {"peak_power_actual": overview, "count": count, "dataloggers": rows}


def _listed_status(device: GrowattDevice, at: float) -> int:
    """Return the status of the list: other numbers than those of the data."""
    if device.lost(at):
        return -1 if device.family in (TLX, MIX, SPA) else 0
    values = measurements.measured(device, device.published(at))
    if values["inverter_state"] == "fault":
        return 3
    if device.model.battery and device.family.name == "storage":
        power = values.get("battery_power", 0.0)
        return 1 if power < 0 else 2 if power > 0 else 0
    if device.family is MIX:
        return 5
    if device.family is SPA:
        return 6
    return 2 if values["inverter_state"] == "standby" else 1


def device_list(server: Server, exchange: Exchange) -> Body:
    """List a plant's devices (4.3.4); meters and sensors have no serial there."""
    plant = server.plant(exchange, empty=10002, missing=10003)
    at = exchange.at
    rows: list[Body] = []
    for device in plant.devices:
        if server.gone(device, at):
            continue
        rows.append(
            {
                "device_id": device.number,
                "datalogger_sn": device.logger.sn,
                "device_sn": device.sn,
                "manufacturer": "Growatt",
                "model": device.model.text,
                "type": device.family.type,
                "last_update_time": f"{plant.local(device.published(at)):%Y-%m-%d %H:%M:%S}",
                "lost": device.lost(at),
                "status": _listed_status(device, at),
            }
        )
    for logger in plant.loggers:
        for address, name in (
            (logger.meter, "AMMETER"),
            (logger.environment, "ENV_DEVICE"),
        ):
            if address is not None:
                rows.append(
                    {
                        "device_id": "",
                        "datalogger_sn": logger.sn,
                        "device_sn": name,
                        "manufacturer": "Growatt",
                        "model": "",
                        "type": 3,
                        "last_update_time": stamp(plant, plant.published(at)),
                    }
                )
    return {"count": len(rows), "devices": page(exchange, rows)}


def check_sn(server: Server, exchange: Exchange) -> Any:
    """Return the type of a device by its serial."""
    device = server.find(exchange, exchange.params.get("dataloggerSn"))
    if device is None:
        raise GrowattError(10002, "error_device not exist")
    return {"dtype": device.family.dtype, "have": True}


def sn_plant(server: Server, exchange: Exchange) -> Body:
    """Return the plant of a device."""
    device = server.find(exchange, exchange.params.get("device_sn"))
    if device is None:
        raise GrowattError(10005, "error_device not exist")
    return {"plant": row(server, device.plant, exchange.at)}


def sn_datalog(server: Server, exchange: Exchange) -> Body:
    """Return the data logger of a device."""
    device = server.find(exchange, exchange.params.get("device_sn"))
    if device is None:
        raise GrowattError(10005, "error_device not exist")
    return {"datalogSN": device.logger.sn}


def validate(server: Server, exchange: Exchange) -> Body:
    """Say whether a data logger is known (4.3.10)."""
    serial = str(exchange.params.get("datalogSn", ""))
    if len(serial) != 10:
        raise GrowattError(10001, "error_collector sn length")
    for plant in exchange.account.plants:
        if any(logger.sn == serial for logger in plant.loggers):
            raise GrowattError(10003, "error_collector exists")
    raise GrowattError(10002, "error_valiCode does not match")


ENDPOINTS: dict[tuple[str, str], Any] = {
    ("GET", "/v1/plant/list"): plant_list,
    ("POST", "/v1/plant/user_plant_list"): user_plant_list,
    ("GET", "/v1/user/c_user_list"): c_user_list,
    ("POST", "/v1/user/check_user"): check_user,
    ("GET", "/v1/plant/details"): details,
    ("GET", "/v1/plant/data"): data,
    ("GET", "/v1/device/datalogger/list"): datalogger_list,
    ("GET", "/v1/device/list"): device_list,
    ("GET", "/v1/device/check/sn"): check_sn,
    ("POST", "/v1/plant/sn_plant"): sn_plant,
    ("POST", "/v1/device/sn_datalog"): sn_datalog,
    ("POST", "/v1/device/datalogger/validate"): validate,
}
