"""Version 4: what can be read; each call with the group of calls it belongs to."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
import json
from typing import Any
from zoneinfo import ZoneInfo

from ..base import Answer, Exchange
from . import series
from .accounts import EnphaseAccount
from .errors import new
from .plans import Group
from .series import FIVE
from .system import QUARTER, System

DAY = 86_400.0
RANGES = {"5mins": 300.0, "15mins": QUARTER, "day": DAY, "week": 7 * DAY}
TWO_YEARS = 730 * DAY
OLD_SCOPE = 7 * DAY
MOST_SYSTEMS = 100
MOST_MICROS = 20

type Call = Callable[[System, Exchange], Any]


# --- systems ---------------------------------------------------------------------------


def systems(account: EnphaseAccount, exchange: Exchange) -> dict[str, Any]:
    """Return a page of the systems; the totals have been -1 for years."""
    params = exchange.params
    size = max(1, min(MOST_SYSTEMS, int(params.get("size", 10))))
    page = max(1, int(params.get("page", 1)))
    order = params.get("sort_by", "id")
    if order not in ("id", "-id"):
        raise new(
            422, "Invalid request because of 'The sorting parameter is not supported'"
        )
    plants = sorted(account.plants, key=lambda row: int(row.id), reverse=order == "-id")
    rows = plants[(page - 1) * size : page * size]
    return {
        "total": len(plants),
        "current_page": page,
        "size": size,
        "count": len(rows),
        "items": "systems",
        "systems": [_listed(row, exchange.at) for row in rows],
    }


def _listed(system: System, at: float) -> dict[str, Any]:
    """Return a system as the list shows it; a reference is there or is not."""
    meta = series.meta(system, at)
    reference: dict[str, Any] = {}
    if system.reference:
        reference = {
            "reference": system.reference,
            "other_references": [system.reference],
        }
    return {
        "system_id": int(system.id),
        "name": system.name,
        "public_name": "Residential System",
        "timezone": system.zone,
        "address": system.address,
        "connection_type": system.connection,
        "energy_lifetime": -1,
        "energy_today": -1,
        "system_size": -1,
        **meta,
        "attachment_type": None,
        "interconnect_date": int(system.created),
        **reference,
    }


def _details(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return a system."""
    return _listed(system, exchange.at)


def _summary(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return the summary; with batteries their ratings, which are no powers."""
    text = exchange.params.get("summary_date")
    today = system.day(exchange.at)
    try:
        day = date.fromisoformat(str(text)) if text else today
    except ValueError:
        raise new(422, f"Failed to parse date {text}") from None
    if day > today:
        raise new(422, "Requested date is in the future")
    found = series.summary(system, day, exchange.at) | {"nmi": ""}
    if system.batteries:
        spec = system.home.spec
        found |= {
            "battery_charge_w": int(spec.charge_power),
            "battery_discharge_w": int(spec.discharge_power),
            "battery_capacity_wh": int(spec.capacity * 1000),
        }
    return found


def _device(kind: str, serial: str, at: int | None, **more: Any) -> dict[str, Any]:
    """Return a device as the list shows it."""
    return {
        "id": int("".join(sign for sign in serial if sign.isdigit())[-9:]),
        "last_report_at": at,
        "name": f"{kind} {serial}",
        "serial_number": serial,
        "part_number": "800-01736-r02",
        "sku": None,
        "model": kind,
        "status": "normal",
        "active": "true" if kind == "IQ Gateway" else True,
        "product_name": kind,
        "feoc_compliant": True,
        "dom_compliant": False,
    } | more


def _devices(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return the devices of a system by kind; kinds it has not are left out."""
    at = int(system.reported(exchange.at))
    kinds: dict[str, list[dict[str, Any]]] = {
        "micros": [
            _device("Microinverter", row.serial, at, id=row.id, model="IQ7+")
            for row in system.micros
        ],
        "meters": _meters(system, at),
        "gateways": [
            _device(
                "IQ Gateway",
                system.gateway,
                at,
                emu_sw_version="D8.2.4345",
                cellular_modem={"imei": "000000000000000", "part_num": ""}
                if system.connection == "cellular"
                else None,
            )
        ],
        "encharges": [
            _device("IQ Battery 5P", serial, at, total_capacity=5000)
            for serial in system.batteries
        ],
    }
    kinds = {kind: rows for kind, rows in kinds.items() if rows}
    return {
        "system_id": int(system.id),
        "total_devices": sum(map(len, kinds.values())),
        "items": "devices",
        "devices": kinds,
    }


def _meters(system: System, at: int) -> list[dict[str, Any]]:
    """Return the meters; one that is switched off has never reported."""
    found = []
    if system.production_meter:
        found.append(
            _device(
                "Meter", system.production_meter, at, name="production",
                state="enabled", config_type="Production", config_phase="single",
            )
        )  # fmt: skip
        found.append(
            _device(
                "Meter", str(system.consumption_meter), at, name="consumption",
                state="enabled", config_type="Net", config_phase="single",
            )
        )  # fmt: skip
    else:
        found.append(
            _device(
                "Meter", f"{system.gateway}EIM2", None, name="consumption",
                state="disabled", config_type="Total", config_phase="single",
            )
        )  # fmt: skip
    return found


def retrieve(account: EnphaseAccount, exchange: Exchange) -> dict[str, Any]:
    """Return the system of a gateway."""
    serial = exchange.params.get("serial_num")
    if not serial:
        raise new(422, "Provide envoy serial number")
    system = next((row for row in account.plants if row.gateway == serial), None)
    if system is None:
        raise new(404, "Envoy not found with this serial number")
    return {"system_id": int(system.id)}


def inverters(account: EnphaseAccount, exchange: Exchange) -> Any:
    """Return a page of the microinverters of a site, in a list of one."""
    params = exchange.params
    site = str(params.get("site_id", ""))
    system = next((row for row in account.plants if row.id == site), None)
    if system is None:
        raise new(422, "Envoy serial number or Site id mandatory")
    size = max(10, min(100, int(params.get("size", 100))))
    page = max(1, int(params.get("page", 1)))
    rows = series.micros(
        system, exchange.at, lambda index: (page - 1) * size <= index < page * size
    )
    return [{"signal_strength": 5, "micro_inverters": rows}]


# --- intervals -------------------------------------------------------------------------


def _span(system: System, exchange: Exchange) -> tuple[float, float]:
    """Return the span asked for: `granularity` says how long, not how fine."""
    params, at = exchange.params, exchange.at
    granularity = str(params.get("granularity", "day"))
    if granularity not in RANGES:
        raise new(422, "Invalid request because of 'Invalid granularity'")
    if text := params.get("start_date"):
        try:
            start = system.midnight(date.fromisoformat(str(text)))
        except ValueError:
            raise new(422, f"Failed to parse date {text}") from None
    else:
        start = float(params.get("start_at", system.midnight(system.day(at))))
    if start > at:
        raise new(422, "Requested date is in the future")
    if start < at - TWO_YEARS:
        raise new(422, "Requested date range is invalid for this system")
    length = RANGES[granularity]
    if granularity == "day" and start == system.midnight(system.day(start)):
        # A day of a clock change is shorter or longer.
        length = system.midnight(system.day(start) + timedelta(days=1)) - start
    end = start + length
    if "end_at" in params:
        end = min(end, float(params["end_at"]))
        if end <= start:
            raise new(422, "Invalid request because of 'Invalid date/time range'")
    return start, end


def _telemetry(
    system: System, exchange: Exchange, devices: int, **more: Any
) -> dict[str, Any]:
    """Return what all answers with intervals begin with."""
    start, end = _span(system, exchange)
    return {
        "system_id": int(system.id),
        "granularity": exchange.params.get("granularity", "day"),
        "total_devices": devices,
        "start_at": int(start),
        "end_at": int(end),
        "items": "intervals",
    } | more


def _production_micro(system: System, exchange: Exchange) -> Any:
    """Return the production in five minutes each."""
    start, end = _span(system, exchange)
    rows = series.micro(system, start, end, exchange.at)
    return _telemetry(system, exchange, len(system.micros), intervals=rows) | {
        "meta": series.meta(system, exchange.at)
    }


def _production_meter(system: System, exchange: Exchange) -> Any:
    """Return what the production meter counted; without one there is nothing."""
    start, end = _span(system, exchange)
    if system.production_meter is None:
        return _telemetry(system, exchange, 0, intervals=[])
    rows = series.metered(system, "pv_energy", "wh_del", start, end, exchange.at)
    return _telemetry(system, exchange, 1, intervals=rows)


def _rgm(system: System, exchange: Exchange) -> Any:
    """Return the production meter's intervals, by meter too."""
    found = _production_meter(system, exchange)
    meter = {
        "meter_serial_number": system.production_meter,
        "envoy_serial_number": system.gateway,
        "intervals": [
            {
                "channel": 1,
                "end_at": row["end_at"],
                "wh_del": float(row["wh_del"]),
                "curr_w": row["wh_del"] * 4,
            }
            for row in found["intervals"]
        ],
    }
    return {
        "system_id": found["system_id"],
        "total_devices": found["total_devices"],
        "meta": series.meta(system, exchange.at),
        "intervals": found["intervals"],
        "meter_intervals": [meter] if system.production_meter else [],
    }


def _consumption_meter(system: System, exchange: Exchange) -> Any:
    """Return what the house used."""
    start, end = _span(system, exchange)
    rows = []
    if system.consumption_meter:
        rows = series.metered(system, "load_energy", "enwh", start, end, exchange.at)
    return _telemetry(system, exchange, 1 if rows else 0, intervals=rows) | {
        "meta": series.meta(system, exchange.at)
    }


def _grid(key: str, field: str) -> Call:
    """Return the call of import or export, whose intervals are lists in a list."""

    def call(system: System, exchange: Exchange) -> Any:
        start, end = _span(system, exchange)
        rows = []
        if system.consumption_meter:
            rows = series.metered(system, key, field, start, end, exchange.at)
            for row in rows:
                del row["devices_reporting"]
        return _telemetry(system, exchange, 0, intervals=[rows] if rows else []) | {
            "meta": series.meta(system, exchange.at)
        }

    return call


def _battery(system: System, exchange: Exchange) -> Any:
    """Return what the batteries did."""
    if not system.batteries:
        raise new(422, "System doesn't have encharges")
    start, end = _span(system, exchange)
    rows = series.battery(system, start, end, exchange.at)
    soc = system.home.state(system.reported(exchange.at)).soc
    return _telemetry(system, exchange, len(system.batteries), intervals=rows) | {
        "last_reported_aggregate_soc": f"{soc:.0f}%"
    }


def _one_battery(system: System, exchange: Exchange, serial: str) -> Any:
    """Return what one battery did."""
    if serial not in system.batteries:
        raise new(404, f'Encharge not found for {{:id=>"{serial}"}}')
    found = _battery(system, exchange)
    many = len(system.batteries)
    for row in found["intervals"]:
        row["charge"] = {"enwh": round(row["charge"]["enwh"] / many)}
        row["discharge"] = {"enwh": round(row["discharge"]["enwh"] / many)}
        row["soc"] = {"percent": row["soc"]["percent"]}
    soc = found.pop("last_reported_aggregate_soc")
    return found | {
        "serial_number": serial,
        "total_devices": 1,
        "last_reported_time": int(system.reported(exchange.at)),
        "last_reported_soc": soc,
    }


def _one_micro(system: System, exchange: Exchange, serial: str) -> Any:
    """Return what one microinverter produced."""
    row = next((row for row in system.micros if row.serial == serial), None)
    if row is None:
        raise new(404, f'Micro not found for {{:id=>"{serial}"}}')
    start, end = _span(system, exchange)
    rows = _shared(series.micro(system, start, end, exchange.at), row.share)
    return _telemetry(system, exchange, 1, serial_number=serial, intervals=rows)


def _all_micros(system: System, exchange: Exchange) -> Any:
    """Return a page of microinverters with what each produced."""
    params = exchange.params
    size = max(1, min(MOST_MICROS, int(params.get("size", 10))))
    page = max(1, int(params.get("page", 1)))
    start, end = _span(system, exchange)
    whole = series.micro(system, start, end, exchange.at)
    return _telemetry(system, exchange, len(system.micros)) | {
        "page": page,
        "page_size": size,
        "devices": [
            {"serial_number": row.serial, "intervals": _shared(whole, row.share)}
            for row in system.micros[(page - 1) * size : page * size]
        ],
    }


def _shared(rows: list[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    """Return one microinverter's part of intervals."""
    return [
        {
            "end_at": row["end_at"],
            "powr": round(row["powr"] * share),
            "enwh": round(row["enwh"] * share),
        }
        for row in rows
    ]


# --- days and odometers ------------------------------------------------------------------


def _days(system: System, exchange: Exchange) -> tuple[date, date]:
    """Return the days asked for; the last is yesterday unless it begins today."""
    params, today = exchange.params, system.day(exchange.at)
    try:
        start = date.fromisoformat(
            str(params.get("start_date", system.day(system.created)))
        )
        usual = today if start == today else today - timedelta(days=1)
        end = date.fromisoformat(str(params.get("end_date", usual)))
    except ValueError:
        raise new(422, "Failed to parse date") from None
    if start > today:
        raise new(422, "Requested date is in the future")
    if end < start:
        raise new(422, "Requested date range is invalid for this system")
    return max(start, system.day(system.created)), min(end, today)


def _lifetime(fields: dict[str, str], needs: str) -> Call:
    """Return the call of a series by day: field and counter; 204 where it cannot be."""

    def call(system: System, exchange: Exchange) -> Any:
        if not getattr(system, needs):
            return Answer(status=204, body="")
        first, last = _days(system, exchange)
        return {
            "system_id": int(system.id),
            "start_date": first.isoformat(),
            **{
                field: series.daily(system, key, first, last, exchange.at)
                for field, key in fields.items()
            },
            "meta": series.meta(system, exchange.at),
        }

    return call


def _energy_lifetime(system: System, exchange: Exchange) -> Any:
    """Return the production of each day, by source with production=all."""
    found = _lifetime({"production": "pv_energy"}, "micros")(system, exchange)
    if system.production_meter:
        found["meter_start_date"] = found["start_date"]
        if exchange.params.get("production") == "all":
            rows = found["production"]
            found["micro_production"] = [round(0.995 * row) for row in rows]
            found["meter_production"] = rows
    return found


def _odometers(system: System, exchange: Exchange, rows: list[dict[str, Any]]) -> Any:
    """Return meter readings."""
    return {
        "system_id": int(system.id),
        "meter_readings": rows,
        "meta": series.meta(system, exchange.at),
    }


def _until(system: System, exchange: Exchange) -> float:
    """Return the instant of a reading."""
    asked = float(exchange.params.get("end_at", exchange.at))
    return min(asked // QUARTER * QUARTER, system.complete(exchange.at))


def _production_readings(system: System, exchange: Exchange) -> Any:
    """Return the odometers of the production meters."""
    until = _until(system, exchange)
    return _odometers(system, exchange, series.odometer(system, until, exchange.at))


def _consumption_readings(system: System, exchange: Exchange) -> Any:
    """Return the odometer of the consumption meter; its key is `serial_num`."""
    until = _until(system, exchange)
    rows = []
    if system.consumption_meter:
        rows.append(
            {
                "serial_num": system.consumption_meter,
                "value": system.watt_hours("load_energy", until),
                "read_at": int(until),
            }
        )
    return _odometers(system, exchange, rows)


def _storage_readings(system: System, exchange: Exchange) -> Any:
    """Return the odometers of what went into the batteries and came out."""
    until = _until(system, exchange)
    rows = []
    if system.storage_meter:
        rows.append(
            {
                "serial_num": system.storage_meter,
                "value_charged": system.watt_hours("battery_charge_energy", until),
                "value_discharged": system.watt_hours(
                    "battery_discharge_energy", until
                ),
                "read_at": int(until),
            }
        )
    return _odometers(system, exchange, rows)


# --- the present -------------------------------------------------------------------------


def _latest(system: System, exchange: Exchange) -> Any:
    """Return the newest powers; batteries are + while they charge."""
    at = system.complete(exchange.at, FIVE)
    flow = system.flow(at)
    meters = []
    if system.production_meter:
        # A net meter's consumption has the batteries in it.
        powers = {"production": flow.pv, "consumption": flow.load - flow.battery}
        for name, power in powers.items():
            for channel in (1, 2, 3):
                there = channel == 1
                meters.append(
                    {
                        "id": int(system.gateway[-8:]) + len(name),
                        "name": name,
                        "channel": channel,
                        "last_report_at": int(at) if there else None,
                        "power": round(power) if there else None,
                    }
                )
    many = len(system.batteries)
    doing = "Charging" if flow.battery < 0 else "Discharging"
    encharges = [
        {
            "id": int(serial[-9:]),
            "name": f"Encharge {serial}",
            "channel": 1,
            "last_report_at": int(at),
            "power": round(-flow.battery / many),
            "operational_mode": doing if abs(flow.battery) > 10 else "Idle",
        }
        for serial in system.batteries
    ]
    found = {"meters": meters} | ({"encharges": encharges} if encharges else {})
    return {"system_id": int(system.id), "items": "devices", "devices": found}


def _live(system: System, exchange: Exchange) -> Any:
    """Return the stream of the present: here batteries are + while they discharge."""
    duration = float(exchange.headers.get("duration", 30))
    if not 30 <= duration <= 300:
        code = 461 if duration < 30 else 462
        words = "less than 30" if duration < 30 else "more than 300"
        error = {"code": code, "message": f"Duration cannot be {words}", "details": []}
        return Answer(status=code, code=code, body={"error": error})
    state = system.home.state(exchange.at)
    told = {
        "battery_mode": system.settings.battery_mode,
        "battery_power": round(state.flow.battery),
        "battery_soc": round(state.soc),
        "consumption_power": round(state.flow.load),
        "envoy_serial_number": [system.gateway],
        "generator_power": 0,
        "grid_power": round(state.flow.grid),
        "grid_status": "On Grid",
        "pv_power": round(state.flow.pv),
        "system_id": int(system.id),
    }
    local = datetime.fromtimestamp(exchange.at, ZoneInfo("UTC"))
    event = {
        "data": told,
        "timestamp_epoch": int(exchange.at * 1000),
        "timestamp_utc": local.strftime("%Y-%m-%d %H:%M:%S.000"),
        "type": "response",
    }
    line = f"data: {json.dumps({'data': event})}\n\n"
    return Answer(body=line * 3, content_type="text/event-stream")


# --- events ------------------------------------------------------------------------------

EVENT_TYPES = [
    {
        "event_type_id": 28,
        "event_type_key": "envoy_no_report",
        "stateful": True,
        "event_name": "Gateway not reporting",
        "event_description": "The gateway has not been heard of.",
        "recommended_action": "Look after the gateway and the router.",
    },
    {
        "event_type_id": 31,
        "event_type_key": "micro_not_reporting",
        "stateful": True,
        "event_name": "Microinverter not reporting",
        "event_description": "A microinverter has not been heard of.",
        "recommended_action": "Tell your installer if it lasts for a week.",
    },
]


def event_types(account: EnphaseAccount, exchange: Exchange) -> Any:
    """Return what events there are."""
    wanted = exchange.params.get("event_type_id")
    rows = [row for row in EVENT_TYPES if wanted in (None, str(row["event_type_id"]))]
    if not rows:
        raise new(404, f'Event type not found for {{:id=>"{wanted}"}}')
    return {"event_types": rows}


def _events(system: System, exchange: Exchange) -> Any:
    """Return the events since an instant."""
    if "start_time" not in exchange.params:
        raise new(422, "start_time is required")
    rows = [
        {"status": "Closed" if row["event_end_time"] else "open"} | row
        for row in _noticed(system, exchange.at)
    ]
    return {"events": rows, "system_id": int(system.id)}


def _open_events(system: System, exchange: Exchange) -> Any:
    """Return the events that go on."""
    rows = [
        {"status": "open"} | row
        for row in _noticed(system, exchange.at)
        if row["event_end_time"] is None
    ]
    return {"events": rows, "system_id": int(system.id)}


def _noticed(system: System, at: float) -> list[dict[str, Any]]:
    """Return what happened to a system: `device_fault` has its number as `code`."""
    found = list(system.open_events)
    for fault in system.world.faults.standing("device_fault", system.vendor):
        if fault.fits(system.account, None, fault.device) and fault.since <= at:
            over = fault.until is not None and fault.until <= at
            found.append(
                {
                    "event_type_id": int(fault.args.get("code", 31)),
                    "event_start_time": int(fault.since),
                    "event_end_time": int(fault.until or 0) if over else None,
                    "serial_number": fault.device or system.gateway,
                }
            )
    return found


def _alarms(*, standing: bool) -> Call:
    """Return the call of the alarms: all since an instant, or those that go on."""

    def call(system: System, exchange: Exchange) -> Any:
        if not standing and "start_time" not in exchange.params:
            raise new(422, "start_time is required")
        rows = []
        for row in _noticed(system, exchange.at):
            if standing and row["event_end_time"] is not None:
                continue
            begun = row["event_start_time"]
            alarm = {
                "id": f"{system.id}.{row['event_type_id']}.{begun}000",
                "severity": 2,
                "events": [
                    {
                        "serial_number": row["serial_number"],
                        "start_date": begun,
                        "end_date": row["event_end_time"],
                    }
                ],
                "event_type_id": row["event_type_id"],
                "alarm_start_time": begun,
            }
            if not standing:
                alarm["cleared"] = row["event_end_time"] is not None
                alarm["alarm_end_time"] = row["event_end_time"]
            rows.append(alarm)
        return {"alarms": rows, "system_id": int(system.id)}

    return call


D, P, C = Group.DETAILS, Group.PRODUCTION, Group.CONSUMPTION
SYSTEM_CALLS: dict[str, tuple[Group, Call]] = {
    "": (D, _details),
    "summary": (D, _summary),
    "devices": (D, _devices),
    "events": (D, _events),
    "alarms": (D, _alarms(standing=False)),
    "open_events": (D, _open_events),
    "open_alarms": (D, _alarms(standing=True)),
    "production_meter_readings": (P, _production_readings),
    "rgm_stats": (P, _rgm),
    "energy_lifetime": (P, _energy_lifetime),
    "telemetry/production_micro": (P, _production_micro),
    "telemetry/production_meter": (P, _production_meter),
    "consumption_meter_readings": (C, _consumption_readings),
    "storage_meter_readings": (C, _storage_readings),
    "consumption_lifetime": (
        C, _lifetime({"consumption": "load_energy"}, "consumption_meter"),
    ),
    "battery_lifetime": (
        C,
        _lifetime(
            {"discharge": "battery_discharge_energy", "charge": "battery_charge_energy"},
            "batteries",
        ),
    ),
    "energy_import_lifetime": (
        C, _lifetime({"import": "grid_import_energy"}, "consumption_meter"),
    ),
    "energy_export_lifetime": (
        C, _lifetime({"export": "grid_export_energy"}, "consumption_meter"),
    ),
    "telemetry/battery": (C, _battery),
    "telemetry/consumption_meter": (C, _consumption_meter),
    "energy_import_telemetry": (C, _grid("grid_import_energy", "wh_imported")),
    "energy_export_telemetry": (C, _grid("grid_export_energy", "wh_exported")),
    "latest_telemetry": (C, _latest),
    "devices/micros/telemetry": (Group.DEVICE, _all_micros),
    "live_data": (Group.STREAMING, _live),
}  # fmt: skip
ACCOUNT_CALLS: dict[str, tuple[Group, Callable[[EnphaseAccount, Exchange], Any]]] = {
    "": (D, systems),
    "retrieve_system_id": (D, retrieve),
    "event_types": (D, event_types),
    "inverters_summary_by_envoy_or_site": (D, inverters),
}
DEVICE_CALLS: dict[str, Callable[[System, Exchange, str], Any]] = {
    "micros": _one_micro,
    "encharges": _one_battery,
}
