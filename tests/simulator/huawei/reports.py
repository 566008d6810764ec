"""Section 5.1.4: hourly to yearly reports of plants and devices."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..base import Exchange
from ..physics import ENERGIES
from . import devices as kinds, questions
from .questions import told

if TYPE_CHECKING:
    from .plant import Device, HuaweiPlant
    from .server import Server

# Reports are put together later than the data arrive.
DELAY = 1500.0
CO2 = 0.000475
COAL = 0.0004


def _after(when: datetime, span: str) -> datetime:
    """Return the beginning of the next hour, day, month or year."""
    match span:
        case "Hour":
            return datetime.fromtimestamp(when.timestamp() + 3600, when.tzinfo)
        case "Day":
            return when + timedelta(days=1)
        case "Month":
            return when.replace(
                year=when.year + when.month // 12, month=when.month % 12 + 1
            )
        case _:
            return when.replace(year=when.year + 1)


def _period(plant: HuaweiPlant, span: str, at: float) -> tuple[datetime, datetime]:
    """Return the day, month or years that a report is about, in the plant's time."""
    day = plant.local(at).replace(hour=0, minute=0, second=0, microsecond=0)
    match span:
        case "Hour":
            return day, day + timedelta(days=1)
        case "Day":
            first = day.replace(day=1)
            return first, _after(first, "Month")
        case "Month":
            first = day.replace(month=1, day=1)
            return first, _after(first, "Year")
        case _:
            began = plant.local(plant.home.created)
            first = day.replace(year=began.year, month=1, day=1)
            return first, _after(day.replace(month=1, day=1), "Year")


def _rows(
    plant: HuaweiPlant, span: str, collected: float, now: float
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield each row's time in ms, and the energies in it as far as they are known."""
    when, end = _period(plant, span, collected)
    known = now - DELAY
    while when < end and when.timestamp() < known:
        after = _after(when, span)
        start, stop = when.timestamp(), min(after.timestamp(), known)
        if stop > plant.home.created:
            before = plant.state(max(start, plant.home.created)).totals
            totals = plant.state(stop).totals
            yield (
                int(start * 1000),
                {key: totals[key] - before[key] for key in ENERGIES},
            )
        when = after


def _station_items(
    plant: HuaweiPlant, energy: dict[str, float], span: str
) -> dict[str, Any]:
    """Return the items of a plant's report."""
    stored, metered = bool(plant.batteries), bool(plant.of(*kinds.METERS))
    peak = plant.facts.capacity
    pv, load = energy["pv_energy"], energy["load_energy"]
    bought, sold = energy["grid_import_energy"], energy["grid_export_energy"]
    light = pv / peak / 0.85 if plant.of(kinds.EMI) else None
    items: dict[str, Any] = {
        "radiation_intensity": None if light is None else round(light, 4),
        "theory_power": None if light is None else round(light * peak, 2),
        "inverter_power": round(pv, 2),
        "inverterYield": round(energy["inverter_energy"], 2),
        "PVYield": round(pv, 2),
        "ongrid_power": round(sold, 2) if metered else None,
        "power_profit": round(pv * plant.tariff[0], 3),
        "chargeCap": round(energy["battery_charge_energy"], 2) if stored else None,
        "dischargeCap": round(energy["battery_discharge_energy"], 2)
        if stored
        else None,
        "selfProvide": round(load - bought, 2) if metered else None,
    }
    if span != "Hour":
        items |= {
            "installed_capacity": peak,
            "performance_ratio": None if light is None else 85.0,
            "perpower_ratio": round(pv / peak, 3),
            "use_power": round(load, 2) if metered else None,
            "buyPower": round(bought, 2) if metered else None,
            "selfUsePower": round(load - bought, 2) if metered else None,
            "reduction_total_co2": round(pv * CO2, 3),
            "reduction_total_coal": round(pv * COAL, 3),
            "reduction_total_tree": None,
        }
    return items


def _station(span: str) -> Any:
    """Return the handler of a plant report."""

    def report(server: Server, exchange: Exchange) -> dict[str, Any]:
        collected = questions.instant(exchange, "collectTime")
        name = "dataItemMap"
        if exchange.account.case_slip and span == "Day":
            name = "dataitemMap"
        rows = []
        for plant in questions.plants(exchange):
            for at, energy in _rows(plant, span, collected, exchange.at):
                items = _station_items(plant, energy, span)
                if span == "Hour":
                    _correct(server, exchange, plant, at / 1000, items)
                rows.append({"stationCode": plant.id, "collectTime": at, name: items})
        return server.done(rows, told(exchange, "stationCodes", "collectTime"))

    return report


def _correct(
    server: Server,
    exchange: Exchange,
    plant: HuaweiPlant,
    start: float,
    items: dict[str, Any],
) -> None:
    """Change an item of the hour that a correction is about (Unix time `hour`)."""
    for fault in server.world.faults.standing("vendor_correction", server.name):
        item = fault.args["variable"]
        if fault.args.get("hour") != start or not fault.active(exchange.at):
            continue
        if fault.fits(plant.account, fault.endpoint, plant.id) and items.get(item):
            items[item] = round(items[item] + float(fault.args["delta"]), 2)


def _device_items(
    plant: HuaweiPlant, device: Device, energy: dict[str, float]
) -> dict[str, Any]:
    """Return the items of a device's report."""
    if device.type_id in kinds.INVERTERS:
        peak = round(plant.facts.capacity * device.share, 3)
        produced = energy["inverter_energy"] * device.share
        return {
            "installed_capacity": peak,
            "product_power": round(produced, 2),
            "perpower_ratio": round(produced / peak, 3),
        }
    charged = energy["battery_charge_energy"] * device.share
    discharged = energy["battery_discharge_energy"] * device.share
    items = {"charge_cap": round(charged, 2), "discharge_cap": round(discharged, 2)}
    if device.type_id == kinds.BATTERY:
        power = plant.home.spec.charge_power * device.share / 2000
        items["charge_time"] = round(charged / power, 2)
        items["discharge_time"] = round(discharged / power, 2)
    return items


def _device(span: str) -> Any:
    """Return the handler of a device report."""

    def report(server: Server, exchange: Exchange) -> dict[str, Any]:
        kind = questions.device_type(exchange, kinds.REPORTED)
        collected = questions.instant(exchange, "collectTime")
        rows: list[dict[str, Any]] = []
        for plant, device in questions.devices(exchange, kind):
            for at, energy in _rows(plant, span, collected, exchange.at):
                items = _device_items(plant, device, energy)
                row = {"devId": device.id, "collectTime": at, "dataItemMap": items}
                rows.append(row | ({"sn": device.sn} if device.sn else {}))
        names = ("devIds", "sns", "devTypeId", "collectTime")
        return server.done(rows, told(exchange, *names))

    return report


SPANS = ("Hour", "Day", "Month", "Year")
ENDPOINTS = {f"/thirdData/getKpiStation{span}": _station(span) for span in SPANS} | {
    f"/thirdData/getDevKpi{span}": _device(span) for span in SPANS[1:]
}
