"""Sections 5.1.1.1 and 5.1.1.2: the plants and their devices."""

from math import ceil
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import devices as kinds, questions
from .errors import HuaweiError
from .questions import MOST, told, whole

if TYPE_CHECKING:
    from .plant import Device, HuaweiPlant
    from .server import Server


def stations(_: Server, exchange: Exchange) -> dict[str, Any]:
    """List the plants, a hundred a page."""
    params = exchange.params
    page = whole(params.get("pageNo"))
    if page is None or page < 1:
        raise HuaweiError(30004)
    start = whole(params.get("gridConnectedStartTime")) or 0
    end = whole(params.get("gridConnectedEndTime")) or int(exchange.at * 1000)
    if start < 0 or end < 0:
        raise HuaweiError(20605)
    account = exchange.account
    there = [
        plant
        for plant in account.plants
        if start <= plant.facts.connected * 1000 <= end
        and (plant.facts.api_access or not account.hides_closed)
    ]
    first = (page - 1) * MOST
    rows = [_plant(account, plant) for plant in there[first : first + MOST]]
    return {
        "success": True,
        "data": {
            "list": rows,
            "pageCount": ceil(len(there) / MOST),
            "pageNo": page,
            "pageSize": MOST,
            "total": len(there),
        },
        "failCode": 0,
        "message": "get plant list success",
    }


def _plant(account: Any, plant: HuaweiPlant) -> dict[str, Any]:
    """Describe a plant."""
    spec, facts = plant.home.spec, plant.facts
    place: tuple[Any, Any] = (spec.longitude, spec.latitude)
    if account.texts:
        place = (f"{spec.longitude:.6f}", f"{spec.latitude:.6f}")
    return {
        "plantCode": plant.id,
        "plantName": plant.name,
        "plantAddress": facts.address,
        "longitude": place[0],
        "latitude": place[1],
        "capacity": facts.capacity,
        "contactPerson": "" if account.texts else None,
        "contactMethod": "" if account.texts else None,
        "gridConnectionDate": plant.local(facts.connected).isoformat(),
    }


def device_list(server: Server, exchange: Exchange) -> dict[str, Any]:
    """List the devices of plants."""
    found = questions.plants(exchange)
    rows = [
        _device(plant, device)
        for plant in found
        for device in plant.devices
        if not server.gone(device, exchange.at)
    ]
    # The order is not the same each time.
    turn = int(exchange.at // 3600) % max(1, len(rows))
    return server.done(rows[turn:] + rows[:turn], told(exchange, "stationCodes"))


def _device(plant: HuaweiPlant, device: Device) -> dict[str, Any]:
    """Describe a device."""
    inverter = device.type_id in kinds.INVERTERS
    return {
        "id": device.id,
        "devDn": device.dn,
        "devName": device.name,
        "stationCode": plant.id,
        "esnCode": device.sn,
        "devTypeId": device.type_id,
        "softwareVersion": "V100R001C00SPC141" if device.sn else None,
        "optimizerNumber": 0 if inverter else None,
        "invType": device.model if inverter else None,
        "longitude": plant.home.spec.longitude,
        "latitude": plant.home.spec.latitude,
    }


ENDPOINTS = {
    "/thirdData/stations": stations,
    "/thirdData/getDevList": device_list,
}
