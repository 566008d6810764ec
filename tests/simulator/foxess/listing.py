"""The FoxESS endpoints that tell what there is: plants, inverters, loggers, codes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import variables
from .device import FoxDevice
from .errors import FAULTS, FoxError

if TYPE_CHECKING:
    from .server import Server

COUNTRIES = {"Europe/London": "United Kingdom", "Europe/Berlin": "Germany"}

type Handler = Callable[[Server, Exchange], Any]


def page(
    exchange: Exchange, items: list[dict[str, Any]], most: int = 0
) -> dict[str, Any]:
    """Return a page of a list; a page has at least ten entries."""
    current = exchange.params.get("currentPage", 1)
    size = exchange.params.get("pageSize", 10)
    if not isinstance(current, int) or not isinstance(size, int):
        raise FoxError(40257)
    if current < 1 or size < 10 or (most and size > most):
        raise FoxError(40257)
    shown = items[(current - 1) * size : current * size]
    return {
        "currentPage": current,
        "pageSize": size,
        "total": len(items),
        "data": shown,
    }


def plant_list(server: Server, exchange: Exchange) -> Any:
    """List the plants."""
    return page(
        exchange,
        [
            {
                "stationID": plant.id,
                "name": plant.name,
                "ianaTimezone": plant.home.spec.zone,
            }
            for plant in exchange.account.plants
        ],
    )


def plant_detail(server: Server, exchange: Exchange) -> Any:
    """Tell about a plant."""
    wanted = exchange.params.get("id")
    plant = next((p for p in exchange.account.plants if p.id == wanted), None)
    if plant is None:
        raise FoxError(40257 if not wanted else 41930)
    spec = plant.home.spec
    city = spec.zone.partition("/")[2]
    person = {"name": "", "email": "", "phone": ""}
    return {
        "stationName": plant.name,
        "country": COUNTRIES.get(spec.zone, "Netherlands"),
        "city": city,
        "address": plant.address,
        "createDate": str(int(plant.home.created * 1000)),
        "postcode": "10115",
        "capacity": spec.peak / 1000,
        "timezone": spec.zone,
        "user": {"name": f"owner_{exchange.account.name}", "email": "", "phone": ""},
        "installer": person,
        "modules": [
            {"moduleSN": plant.device.module_sn, "deviceSN": plant.device.sn}
            for device in server.present(exchange)
            if device is plant.device
        ],
    }


def _head(server: Server, device: FoxDevice, at: float) -> dict[str, Any]:
    """Return what list and detail say alike."""
    plant = server.plant_of(device)
    return {
        "deviceSN": device.sn,
        "moduleSN": device.module_sn,
        "stationID": plant.id,
        "stationName": plant.name,
        "status": device.status(at),
        "hasPV": True,
        "hasBattery": bool(device.batteries),
        "deviceType": device.model.device_type,
        "productType": device.model.product_type,
    }


def device_list(server: Server, exchange: Exchange) -> Any:
    """List the inverters."""
    devices = server.present(exchange)
    return page(exchange, [_head(server, device, exchange.at) for device in devices])


def _battery_list(device: FoxDevice) -> list[dict[str, Any]]:
    """Return each battery's master, packs and charger."""
    shown: list[dict[str, Any]] = []
    for battery in device.batteries:
        packs = battery.serials[1:]
        share = round(battery.capacity * 1000 / len(packs))
        model = device.model.battery_model
        shown.append(_pack(battery.serials[0], model, "bcu", "1.005"))
        shown += [_pack(sn, model, "bmu", "1.05") | {"capacity": share} for sn in packs]
        shown.append(_pack(battery.serials[0], model, "ivu", "0.00"))
    return shown


def _pack(sn: str, model: str, kind: str, version: str) -> dict[str, Any]:
    """Return one part of a battery."""
    return {"batterySN": sn, "model": model, "type": kind, "version": version}


def _detail(version: str) -> Handler:
    """Return the handler of `device/detail`."""

    def handler(server: Server, exchange: Exchange) -> Any:
        """Tell about an inverter."""
        refused = exchange.account.detail.get(version, 0)
        if refused:
            raise FoxError(refused)
        device = server.device(exchange)
        refused = device.model.detail.get(version, 0)
        if refused:
            raise FoxError(refused)
        model = device.model
        detail = _head(server, device, exchange.at) | {
            "afciVersion": "",
            "managerVersion": "1.28",
            "masterVersion": "1.34",
            "slaveVersion": "1.01",
            "hardwareVersion": "--",
            "capacity": model.capacity,
            "function": {"scheduler": bool(model.properties)},
            "batteryList": _battery_list(device),
        }
        return detail if version == "v0" else detail | {"thirdPartyGen": False}

    return handler


def variable_get(server: Server, exchange: Exchange) -> Any:
    """Return the table of variables, each an object of its own."""
    if not exchange.account.variable_table:
        raise FoxError(41200, "Query data failed")
    return [
        {
            row.variable: {
                "unit": row.unit or "",
                "name": dict.fromkeys(
                    ("zh_CN", "en", "de", "pt", "fr", "pl"), row.name
                ),
                "Grid-tied inverter": not row.storage_only,
                "Energy-storage inverter": True,
            }
        }
        for row in variables.TABLE
    ]


def fault_get(server: Server, exchange: Exchange) -> Any:
    """Return the table of error codes."""
    return [
        {code: {"en": english, "zh_CN": chinese, "pl": polish}}
        for code, (english, chinese, polish) in FAULTS.items()
    ]


def fault_history(server: Server, exchange: Exchange) -> Any:
    """Return the faults of a device on a day."""
    device = server.device(exchange)
    date = str(exchange.params.get("date", ""))
    if len(date) != 10:
        raise FoxError(40257)
    faults = [
        {
            "faultCode": str(fault.args.get("code", "")),
            "faultMessage": fault.args.get("message", ""),
            "timestamp": int(fault.since * 1000),
        }
        for fault in server.world.faults.standing("device_fault", server.name)
        if fault.fits(device.account, fault.endpoint, device.sn)
        and device.local(fault.since).date().isoformat() == date
    ]
    return {"sn": device.sn, "faults": faults}


def _modules(server: Server, exchange: Exchange) -> list[dict[str, Any]]:
    """Return the data loggers."""
    return [
        {
            "moduleSN": device.module_sn,
            "stationID": server.plant_of(device).id,
            "status": 2 if device.status(exchange.at) == 3 else 1,
            "signal": 60 + device.phase % 40,
            "webVersion": "--",
            "softVersion": "2.0.1",
        }
        for device in server.present(exchange)
    ]


def module_list(server: Server, exchange: Exchange) -> Any:
    """List the data loggers."""
    return page(exchange, _modules(server, exchange), 1000)


def module_detail(server: Server, exchange: Exchange) -> Any:
    """Tell about a data logger."""
    wanted = exchange.params.get("sn")
    for module in _modules(server, exchange):
        if module["moduleSN"] == wanted:
            return module
    raise FoxError(41930 if wanted else 40257)


def module_signal(server: Server, exchange: Exchange) -> Any:
    """Tell the signal of a data logger in dBm."""
    signal = module_detail(server, exchange)["signal"]
    return {"timestamp": int(exchange.at * 1000), "signal": -100 + signal // 2}


def access_count(server: Server, exchange: Exchange) -> Any:
    """Tell the calls of the account, as strings."""
    account = exchange.account
    total = 1440 * max(1, len(account.devices))
    remaining = server.remaining(account, exchange.at)
    return {"total": str(total), "remaining": str(remaining)}


ENDPOINTS: dict[tuple[str, str], Any] = {
    ("POST", "/op/v0/plant/list"): plant_list,
    ("GET", "/op/v0/plant/detail"): plant_detail,
    ("POST", "/op/v0/device/list"): device_list,
    ("GET", "/op/v0/device/detail"): _detail("v0"),
    ("GET", "/op/v1/device/detail"): _detail("v1"),
    ("GET", "/op/v0/device/variable/get"): variable_get,
    ("GET", "/op/v0/device/fault/get"): fault_get,
    ("POST", "/op/v0/device/fault/history"): fault_history,
    ("POST", "/op/v0/module/list"): module_list,
    ("GET", "/op/v0/module/detail"): module_detail,
    ("POST", "/op/v0/module/getSignal"): module_signal,
    ("GET", "/op/v0/user/getAccessCount"): access_count,
}
