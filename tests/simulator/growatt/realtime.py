"""The endpoints of the newest data, one device or a batch, and what faults do to them."""

import re
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import infos, rows
from .device import GrowattDevice
from .errors import GrowattError
from .models import FAMILIES, INVERTER, STORAGE, Family

if TYPE_CHECKING:
    from .server import Server

BATCH = 100
COUNTER = re.compile(r"e\w+Total2?|powerTotal|acChargeEnergyTotal", re.IGNORECASE)
TODAY = re.compile(r"e\w+Today2?|powerToday|acChargeEnergyToday", re.IGNORECASE)


class Told(dict[str, Any]):
    """An answer with more than `data` in its envelope."""


def newest(server: Server, exchange: Exchange, device: GrowattDevice) -> rows.Sample:
    """Return a device's newest data, with what faults do to it."""
    at = device.published(exchange.at)
    board = server.world.faults
    account = device.plant.account
    frozen = board.find("frozen", exchange.at, server.name, account, device.sn)
    measured = device.published(frozen.since) if frozen else None
    sample = rows.sample(device, at, measured)
    spoil(server, exchange, device, sample)
    return sample


def spoil(
    server: Server, exchange: Exchange, device: GrowattDevice, sample: rows.Sample
) -> None:
    """Apply the faults that change single fields."""
    account = device.plant.account
    for fault in server.world.faults.standing("vendor_correction", server.name):
        key = fault.args["variable"]
        concerned = fault.active(exchange.at) and fault.fits(account, None, device.sn)
        if concerned and isinstance(sample.get(key), int | float):
            sample[key] = round(sample[key] + fault.args["delta"], 1)
    _late_midnight(server, exchange, device, sample)
    if dip := server.take("dip_counters", exchange.call, device.sn):
        for key, value in sample.items():
            if COUNTER.fullmatch(key) and isinstance(value, int | float):
                sample[key] = round(value * dip.args.get("factor", 0.0), 1)
    if gap := server.take("missing", exchange.call, device.sn):
        sample.pop(gap.args["variable"], None)
    if odd := server.take("value", exchange.call, device.sn):
        sample[odd.args["variable"]] = odd.args.get("value")


def _late_midnight(
    server: Server, exchange: Exchange, device: GrowattDevice, sample: rows.Sample
) -> None:
    """Let today's energies stay yesterday's for a while after midnight."""
    before = server.held_until(device, exchange.at)
    if before is not None:
        old = rows.sample(device, before - 1)
        sample |= {key: old[key] for key in old if TODAY.fullmatch(key)}


def _one(family: Family, key: str) -> Any:
    """Return the handler of the newest data of one device."""

    def handler(server: Server, exchange: Exchange) -> Told:
        device = server.device(exchange, key, family)
        return Told(
            data=newest(server, exchange, device),
            dataloggerSn=device.logger.sn,
            **{key: device.sn},
        )

    return handler


def _batch(family: Family) -> Any:
    """Return the handler of the newest data of up to a hundred devices."""

    def handler(server: Server, exchange: Exchange) -> Told:
        asked = str(exchange.params.get(family.batch, "")).split(",")
        serials = [serial.strip() for serial in asked if serial.strip()]
        if not serials or len(serials) > BATCH:
            raise GrowattError(10001)
        number = str(exchange.params.get("pageNum") or "1")
        found: dict[str, Any] = {}
        for serial in serials:
            device = server.find(exchange, serial, family)
            if device is not None:
                sample = newest(server, exchange, device)
                found[serial] = {"dataloggerSn": device.logger.sn, serial: sample}
        told: dict[str, Any] = {family.batch: serials}
        return Told(data=found, pageNum=int(number) if number.isdigit() else 1, **told)

    return handler


def _info(family: Family, fill: Any) -> Any:
    """Return the handler of a device's information and settings."""

    def handler(server: Server, exchange: Exchange) -> Told:
        device = server.device(exchange, "device_sn", family)
        return Told(
            data=fill(device, exchange.at),
            dataloggerSn=device.logger.sn,
            device_sn=device.sn,
        )

    return handler


def _endpoints() -> dict[tuple[str, str], Any]:
    """Return the endpoints of all families."""
    found: dict[tuple[str, str], Any] = {}
    for family in FAMILIES:
        base = f"/v1/device/{family.name}"
        prefix = "inv" if family is INVERTER else family.name
        info = f"{base}/{prefix}_data_info"
        found["GET", info] = _info(family, infos.FAMILIES[family.name])
        if family is INVERTER:
            found["GET", f"{base}/last_new_data"] = _one(family, "device_sn")
            found["POST", f"{base}/invs_data"] = _batch(family)
            continue
        found["POST", f"{base}/{family.name}_last_data"] = _one(family, family.serial)
        if family is not STORAGE:
            found["POST", f"{base}/{family.name}s_data"] = _batch(family)
    tlx = next(family for family in FAMILIES if family.name == "tlx")
    found["GET", "/v1/device/tlx/tlx_set_info"] = _info(tlx, infos.tlx_settings)
    return found


ENDPOINTS = _endpoints()
