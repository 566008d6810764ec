"""The FoxESS endpoints of the newest samples, and what faults do to them."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import variables
from .device import FoxDevice
from .errors import FoxError

if TYPE_CHECKING:
    from .server import Server

REAL_V0 = "/op/v0/device/real/query"
REAL_V1 = "/op/v1/device/real/query"
BATCH = 50


def real(server: Server, exchange: Exchange, device: FoxDevice) -> dict[str, Any]:
    """Return the newest sample of an inverter, with what faults do to it."""
    wanted = exchange.params.get("variables")
    if wanted is not None and not isinstance(wanted, list):
        raise FoxError(40257)
    at = device.published(exchange.at)
    board = server.world.faults
    frozen = board.find("frozen", exchange.at, server.name, device.account, device.sn)
    measured = device.published(frozen.since) if frozen else None
    datas = variables.sample(device, at, wanted, measured)
    _spoil(server, exchange, device, datas)
    if device.status(exchange.at) == 3 and not device.batteries:
        datas = _at_night(device, datas)
    return {"datas": datas, "time": variables.stamp(device, at), "deviceSN": device.sn}


def _at_night(device: FoxDevice, datas: variables.Sample) -> variables.Sample:
    """Return what the cloud tells of an inverter that sleeps, by its habit."""
    if device.night == "missing":
        return [
            {key: item for key, item in data.items() if key != "value"}
            for data in datas
        ]
    if device.night == "erroneous":
        return [
            data | {"value": 6553.5} if data.get("unit") == "V" else data
            for data in datas
        ]
    return datas


def _spoil(
    server: Server, exchange: Exchange, device: FoxDevice, datas: variables.Sample
) -> None:
    """Apply the faults that change single variables."""
    corrected(server, exchange, device, datas)
    late_midnight(server, exchange, device, datas)
    if fault := server.take("dip_counters", exchange.call, device.sn):
        for data in datas:
            if data["variable"] in variables.COUNTERS:
                data["value"] = round(data["value"] * fault.args.get("factor", 0.0), 1)
    if fault := server.take("missing", exchange.call, device.sn):
        datas[:] = [d for d in datas if d["variable"] != fault.args["variable"]]
    if fault := server.take("value", exchange.call, device.sn):
        _replace(datas, fault.args["variable"], fault.args.get("value"))


def corrected(
    server: Server, exchange: Exchange, device: FoxDevice, datas: variables.Sample
) -> None:
    """Apply the vendor's corrections to lifetime counters."""
    for fault in server.world.faults.standing("vendor_correction", server.name):
        if not fault.active(exchange.at):
            continue
        if fault.fits(device.account, fault.endpoint, device.sn):
            for data in datas:
                if data["variable"] == fault.args["variable"]:
                    data["value"] = round(data["value"] + fault.args["delta"], 1)


def late_midnight(
    server: Server, exchange: Exchange, device: FoxDevice, datas: variables.Sample
) -> None:
    """Let today's yield stay yesterday's for a while after midnight."""
    midnight = held_until(server, exchange, device)
    if midnight is not None:
        value = device.home.today(midnight - 1)["inverter_energy"]
        for data in datas:
            if data["variable"] == "todayYield":
                data["value"] = round(value, 1)


def held_until(server: Server, exchange: Exchange, device: FoxDevice) -> float | None:
    """Return the midnight whose reset is late at the moment."""
    board = server.world.faults
    fault = board.find(
        "late_midnight", exchange.at, server.name, device.account, device.sn
    )
    midnight = device.home.midnight(exchange.at)
    late = fault is not None and exchange.at < midnight + 60 * fault.args.get(
        "minutes", 20
    )
    return midnight if late else None


def _replace(datas: variables.Sample, variable: str, value: Any) -> None:
    """Replace or add a variable."""
    for data in datas:
        if data["variable"] == variable:
            data["value"] = value
            return
    datas.append({"unit": "", "name": variable, "variable": variable, "value": value})


def real_v1(server: Server, exchange: Exchange) -> Any:
    """Return the newest samples of up to fifty inverters; strangers are left out."""
    sns = exchange.params.get("sns")
    if not isinstance(sns, list) or not sns or len(sns) > BATCH:
        raise FoxError(40257)
    devices = [device for device in server.present(exchange) if device.sn in sns]
    if not devices:
        raise FoxError(41930)
    return [real(server, exchange, device) for device in devices]


def real_v0(server: Server, exchange: Exchange) -> Any:
    """Return the newest sample of one inverter, or of all."""
    if "sn" in exchange.params:
        devices = [server.device(exchange)]
    else:
        devices = server.present(exchange)
    return [real(server, exchange, device) for device in devices]


ENDPOINTS: dict[tuple[str, str], Any] = {
    ("POST", REAL_V0): real_v0,
    ("POST", REAL_V1): real_v1,
}
