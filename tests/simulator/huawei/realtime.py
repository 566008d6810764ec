"""Sections 5.1.2.1 to 5.1.2.3: what plants and devices say now, and said before."""

from math import ceil, floor
from typing import TYPE_CHECKING, Any

from ..base import Call, Exchange
from . import devices as kinds, questions
from .errors import HuaweiError
from .plant import EVERY
from .questions import told

if TYPE_CHECKING:
    from .measurements import Values
    from .plant import Device, HuaweiPlant
    from .server import Server

THREE_DAYS = 3 * 86_400.0
TEN = 10
DIP_OF_MONTH = 3600.0
DIP_OF_TOTAL = (3600.0, 5400.0)
STATES = {"fault": 768, "producing": 512, "standby": 40960}
HEALTH = {"disconnected": 1, "faulty": 2, "healthy": 3}
COUNTERS = ("total_cap", "mppt_total_cap", "active_cap", "reverse_active_cap")


def station_real(server: Server, exchange: Exchange) -> dict[str, Any]:
    """Tell the yields, the revenue and the health of plants."""
    rows = []
    for plant in questions.plants(exchange):
        items = _plant_items(server, plant, exchange)
        if exchange.account.texts:
            items = {key: _text(key, value) for key, value in items.items()}
        rows.append({"stationCode": plant.id, "dataItemMap": items})
    return server.done(rows, told(exchange, "stationCodes"))


def _text(key: str, value: Any) -> str:
    """Return a number as the document's examples show it."""
    return str(value) if key == "real_health_state" else f"{value:.3f}"


def _plant_items(
    server: Server, plant: HuaweiPlant, exchange: Exchange
) -> dict[str, Any]:
    """Return the items of a plant, with the oddities after midnight."""
    at = plant.shown(exchange.at)
    midnight = plant.home.midnight(at)
    since = at - midnight
    day = day_of(server, plant, at)
    totals = plant.state(at).totals
    month_start = plant.local(midnight).replace(day=1).timestamp()
    month = totals["pv_energy"] - plant.state(month_start).totals["pv_energy"]
    yesterday = plant.today(midnight - 1)["pv_energy"]
    total = totals["pv_energy"]
    if since < DIP_OF_MONTH:
        month -= yesterday
    if DIP_OF_TOTAL[0] <= since < DIP_OF_TOTAL[1]:
        total -= yesterday
    income, base = plant.tariff
    items: dict[str, Any] = {
        "day_power": round(day["pv_energy"], 2),
        "month_power": round(month, 2),
        "total_power": round(total, 2),
        "day_income": round(day["pv_energy"] * income, 3),
        "total_income": round(totals["pv_energy"] * income + base, 3),
        "real_health_state": HEALTH[_health(plant, exchange.at)],
    }
    if plant.facts.newer:
        items["day_on_grid_energy"] = round(day["grid_export_energy"], 2)
        items["day_use_energy"] = round(day["load_energy"], 2)
    return spoiled(server, exchange.call, items, plant.id, ("total_power",))


def _health(plant: HuaweiPlant, at: float) -> str:
    """Return the health at an instant."""
    return str(plant.truth(at)[""]["plant_health"])


def day_of(server: Server, plant: HuaweiPlant, at: float) -> dict[str, float]:
    """Return today's energies as the plant's report knows them.

    Until the inverter sees the sun the yield is that of the day before.
    """
    midnight = plant.home.midnight(at)
    today = plant.today(at)
    late = server.late(plant, at)
    if late is not None and at - midnight < late:
        return plant.today(midnight - 1)
    if late is None and not _awake(plant, at, today):
        return today | {"pv_energy": plant.today(midnight - 1)["pv_energy"]}
    return today


def _awake(plant: HuaweiPlant, at: float, today: dict[str, float]) -> bool:
    """Say whether the sun has shone since midnight."""
    return today["pv_energy"] > 0 or plant.state(at).flow.pv > 0


def device_real(server: Server, exchange: Exchange) -> dict[str, Any]:
    """Tell what devices of one type measure."""
    names = ("devIds", "sns", "devTypeId")
    params = {
        key: value
        for key, value in told(exchange, *names).items()
        if value is not None or key == "currentTime"
    }
    if exchange.account.empty_dongles and _dongle(exchange):
        return server.done(_no_items(exchange), params)
    kind = questions.device_type(exchange, kinds.REALTIME)
    found = questions.devices(
        exchange, kind, gone=lambda device: server.gone(device, exchange.at)
    )
    rows = []
    for plant, device in found:
        items = device_items(server, plant, device, exchange.at)
        board = spoiled(server, exchange.call, items, device.subject, COUNTERS)
        row = {"devId": device.id, "dataItemMap": board}
        rows.append(row | ({"sn": device.sn} if device.sn else {}))
    return server.done(rows, params)


def _dongle(exchange: Exchange) -> bool:
    """Say whether a request asks for a logger."""
    return questions.whole(exchange.params.get("devTypeId")) == kinds.DONGLE


def _no_items(exchange: Exchange) -> list[dict[str, Any]]:
    """Return loggers, which measure nothing."""
    ids = questions.parts(exchange.params.get("devIds"))
    return [{"devId": questions.whole(name), "dataItemMap": {}} for name in ids]


def device_items(
    server: Server, plant: HuaweiPlant, device: Device, at: float
) -> dict[str, Any]:
    """Return what a device says at an instant of the cloud's."""
    shown = plant.shown(at)
    here = plant.connected(at) and not device.disconnected
    values = plant.values(device, shown)
    late = server.late(plant, shown)
    midnight = plant.home.midnight(shown)
    if late is not None and shown - midnight < late:
        before = plant.values(device, midnight - 1)
        values = values | {k: before[k] for k in before if k.endswith("_today")}
    items = items_of(plant, device, values, shown)
    if not here:
        items = dict.fromkeys(items)
    if device.type_id not in kinds.POWER_M:
        items["run_state"] = int(here)
    return items


def items_of(
    plant: HuaweiPlant, device: Device, values: Values, at: float
) -> dict[str, Any]:
    """Return the items of a device, in the vendor's keys, units and signs."""
    kind = device.type_id
    if kind in kinds.POWER_M:
        return dict(kinds.POWER_M[kind])
    items: dict[str, Any] = {
        item.key: _number(values[item.truth] * item.factor, item.digits)
        for item in kinds.ITEMS.get(kind, ())
        if item.truth in values
    }
    items |= dict.fromkeys(kinds.NULLS.get(kind, ()))
    if kind in kinds.INPUTS:
        items |= _inputs(device, values)
        items["inverter_state"] = float(STATES[values["inverter_state"]])
        if kind == kinds.RESIDENTIAL:
            items.pop("mppt_total_cap", None)
        items |= _hours(plant, at)
    if kind == kinds.BATTERY:
        items |= _battery(plant, device, values, at)
    if kind == kinds.SENSOR:
        items["meter_status"] = 1.0
    if kind == kinds.GRID_METER:
        items |= {"forward_reactive_cap": 12.4, "reverse_reactive_cap": 31.7}
        items["total_apparent_power"] = _number(abs(values["grid_power"]) / 980, 3)
    return items


def _number(value: float, digits: int) -> float:
    """Round as the vendor does."""
    return round(value, digits) + 0.0 if digits else float(round(value))


def _inputs(device: Device, values: Values) -> dict[str, Any]:
    """Return the strings and trackers, those that are not there included."""
    strings, trackers = kinds.INPUTS[device.type_id]
    items: dict[str, Any] = {}
    for n in range(1, strings + 1):
        items[f"pv{n}_u"] = round(values.get(f"string_voltage_{n}", 0.0), 1)
        items[f"pv{n}_i"] = round(values.get(f"string_current_{n}", 0.0), 2)
    for n in range(1, trackers + 1):
        part = device.strings[n - 1] if n <= len(device.strings) else 0.0
        items[f"mppt_{n}_cap"] = round(values["pv_energy"] * part, 2)
    return items


def _hours(plant: HuaweiPlant, at: float) -> dict[str, Any]:
    """Return when the inverter started, and that it has not stopped."""
    morning = plant.home.midnight(at) + 6.4 * 3600
    return {"open_time": int(min(at, morning)) * 1000, "close_time": "N/A"}


def _battery(
    plant: HuaweiPlant, device: Device, values: Values, at: float
) -> dict[str, Any]:
    """Return the states and limits of a battery."""
    spec = plant.home.spec
    items: dict[str, Any] = {
        "battery_status": 2.0,
        "battery_soh": spec.soh * 100 if device.lg else 0.0,
        "max_charge_power": round(spec.charge_power * device.share),
        "max_discharge_power": round(spec.discharge_power * device.share),
        "ch_discharge_model": float(model_of(plant, device)),
    }
    if plant.facts.newer:
        items |= {
            "rated_capacity": device.capacity,
            "battery_unit_info": {
                "unit1": [{"sn": f"{device.dn}-1", "soh": f"{spec.soh * 100:.1f}%"}]
            },
            "total_charged_energy": round(values["battery_charge_energy"], 2),
            "total_discharged_energy": round(values["battery_discharge_energy"], 2),
        }
    return items


def model_of(plant: HuaweiPlant, device: Device) -> int:
    """Return the charge and discharge mode of a battery."""
    inverter = device.inverter.subject if device.inverter else ""
    if inverter in plant.runs:
        return 1
    if plant.of(kinds.EMMA):
        return 10
    return 4 if plant.settings.mode == "maximumSelfConsumption" else 6


def spoiled(
    server: Server,
    call: Call,
    items: dict[str, Any],
    subject: str,
    counters: tuple[str, ...],
) -> dict[str, Any]:
    """Apply the faults that change single values."""
    for fault in server.taken("value", call, subject):
        items[fault.args["variable"]] = fault.args.get("value")
    for fault in server.taken("missing", call, subject):
        items.pop(fault.args["variable"], None)
    for fault in server.taken("dip_counters", call, subject):
        for key in counters:
            if isinstance(items.get(key), float):
                items[key] *= float(fault.args.get("factor", 0))
    for fault in server.world.faults.standing("vendor_correction", server.name):
        if fault.active(call.at) and fault.device in (None, subject):
            key = fault.args["variable"]
            if isinstance(items.get(key), float):
                items[key] += float(fault.args["delta"])
    return items


def device_history(server: Server, exchange: Exchange) -> dict[str, Any]:
    """Tell the values of each five minutes in at most three days."""
    kind = questions.device_type(exchange, kinds.HISTORY)
    start = questions.instant(exchange, "startTime")
    end = questions.instant(exchange, "endTime")
    if start > end:
        raise HuaweiError(20023)
    if end - start > THREE_DAYS:
        raise HuaweiError(30032)
    found = questions.devices(exchange, kind, most=TEN, too_many=30031)
    rows = [row for pair in found for row in _history(*pair, start, end, exchange.at)]
    names = ("devIds", "sns", "devTypeId", "startTime", "endTime")
    return server.done(rows, told(exchange, *names))


def _history(
    plant: HuaweiPlant, device: Device, start: float, end: float, now: float
) -> list[dict[str, Any]]:
    """Return the rows of a device."""
    last = min(end, plant.published(now))
    first = max(start, plant.home.created)
    rows = []
    for upload in range(ceil(first / EVERY), floor(last / EVERY) + 1):
        if not plant.uploaded(upload):
            continue
        at = float(upload * EVERY)
        items = items_of(plant, device, plant.values(device, at), at)
        row = {"devId": device.id, "collectTime": int(at * 1000), "dataItemMap": items}
        rows.append(row | ({"sn": device.sn} if device.sn else {}))
    return rows


ENDPOINTS = {
    "/thirdData/getStationRealKpi": station_real,
    "/thirdData/getDevRealKpi": device_real,
    "/thirdData/getDevHistoryKpi": device_history,
}
