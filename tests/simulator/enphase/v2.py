"""Version 2: the thirteen calls of the document."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from ..base import Answer, Exchange
from . import series
from .accounts import EnphaseAccount, encoded
from .errors import old, old_words
from .system import QUARTER, System

MONTH = 31 * 86_400.0
DAY = 86_400.0
YEAR = 365 * 86_400.0
NO_CONTENT = Answer(status=204, body="")

type Call = Callable[[System, Exchange], Any]


def serve(account: EnphaseAccount, exchange: Exchange) -> Answer:
    """Answer one call of a signed-in account."""
    if exchange.method != "GET":
        raise old(405, "Method not allowed")
    path = exchange.endpoint.removeprefix("/api/v2/systems").strip("/")
    if not path:
        return Answer(body=_systems(account, exchange))
    if path in ACCOUNT_CALLS:
        return Answer(body=ACCOUNT_CALLS[path](account, exchange))
    found, _, name = path.partition("/")
    system = next((row for row in account.plants if row.id == found), None)
    if name not in SYSTEM_CALLS:
        raise old(404, "Not found.")
    if system is None:
        raise old(401, "Not authorized to access requested resource.")
    answer = SYSTEM_CALLS[name](system, exchange)
    if name.startswith("consumption") and not account.consumption:
        raise old(401, "Not authorized to access requested resource.")
    return answer if isinstance(answer, Answer) else Answer(body=answer)


def _systems(account: EnphaseAccount, exchange: Exchange) -> dict[str, Any]:
    """Return a page of the systems; `next` is there only if there is more."""
    params = exchange.params
    limit = max(1, min(1000, int(params.get("limit", 100))))
    plants = [row for row in account.plants if _wanted(row, params)]
    first = 0
    if token := params.get("next"):
        first = next((n for n in range(len(plants)) if encoded(n) == token), 0)
    rows = [_listed(system, exchange.at) for system in plants[first : first + limit]]
    more = {"next": encoded(first + limit)} if first + limit < len(plants) else {}
    return {"systems": rows} | more


def _wanted(system: System, params: dict[str, Any]) -> bool:
    """Say whether a system passes the filters."""
    values = {
        "system_id": system.id,
        "system_name": system.name,
        "status": system.status,
        "reference": system.reference,
        "connection_type": system.connection,
    }
    asked = {key: params.get(key, params.get(f"{key}[]")) for key in values}
    return all(wanted in (None, values[key]) for key, wanted in asked.items())


def _listed(system: System, at: float) -> dict[str, Any]:
    """Return a system as the list shows it."""
    return {
        "system_id": int(system.id),
        "system_name": system.name,
        "system_public_name": system.name,
        "status": system.status,
        "timezone": system.zone,
        **system.address,
        "connection_type": system.connection,
        "meta": series.meta(system, at),
    }


def _span(exchange: Exchange, system: System, longest: float) -> tuple[float, float]:
    """Return the span asked for, no longer than a call may be, none before a year."""
    params, at = exchange.params, exchange.at
    begin = system.midnight(system.day(at))
    start = float(params.get("start_at", begin))
    end = min(float(params.get("end_at", at)), start + longest, at)
    if start < at - YEAR:
        return start, start
    return max(start, system.created), end


def _stats(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return the production in five minutes each."""
    at = exchange.at
    start, end = _span(exchange, system, DAY)
    if start > system.reported(at):
        raise old(
            422,
            "Requested date range is invalid for this system",
            start_at=int(start),
            end_at=int(end),
            first_interval=int(system.created),
            last_interval=int(system.complete(at, 300)),
        )
    return _whole(system, at, len(system.micros)) | {
        "intervals": series.micro(system, start, end, at)
    }


def _whole(system: System, at: float, devices: int) -> dict[str, Any]:
    """Return what all answers with intervals begin with."""
    return {
        "system_id": int(system.id),
        "total_devices": devices,
        "meta": series.meta(system, at),
    }


def _rgm(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return what the production meter counted; other meters' values may be null."""
    at = exchange.at
    start, end = _span(exchange, system, 7 * DAY)
    rows = []
    if system.production_meter:
        rows = series.metered(system, "pv_energy", "wh_del", start, end, at)
    channel = [
        {
            "channel": 1,
            "end_at": row["end_at"],
            "wh_del": float(row["wh_del"]) if row["wh_del"] else None,
            "curr_w": row["wh_del"] * 4 if row["wh_del"] else None,
        }
        for row in rows
    ]
    meters = [
        {
            "meter_serial_number": system.production_meter,
            "envoy_serial_number": system.gateway,
            "intervals": channel,
        }
    ]
    return _whole(system, at, 1 if rows else 0) | {
        "intervals": rows,
        "meter_intervals": meters if rows else [],
    }


def _consumption(system: System, exchange: Exchange) -> dict[str, Any]:
    """Return what the house used."""
    at = exchange.at
    start, end = _span(exchange, system, MONTH)
    rows = []
    if system.consumption_meter:
        rows = series.metered(system, "load_energy", "enwh", start, end, at)
    return _whole(system, at, 1 if rows else 0) | {"intervals": rows}


def _days(system: System, exchange: Exchange) -> tuple[date, date]:
    """Return the days asked for; the last is yesterday unless told otherwise."""
    params, today = exchange.params, system.day(exchange.at)
    first, last = system.day(system.created), today - timedelta(days=1)
    try:
        start = date.fromisoformat(str(params.get("start_date", first)))
        end = date.fromisoformat(str(params.get("end_date", last)))
    except ValueError:
        raise old(422, f"Failed to parse date {params.get('start_date')}") from None
    if start > last or end < start:
        raise old_words(422, "Requested date range is invalid for this system")
    return max(start, first), min(end, last)


def _energy_lifetime(system: System, exchange: Exchange) -> Any:
    """Return the production of each day."""
    first, last = _days(system, exchange)
    production = series.daily(system, "pv_energy", first, last, exchange.at)
    answer: dict[str, Any] = {
        "start_date": first.isoformat(),
        "system_id": int(system.id),
        "production": production,
    }
    if system.production_meter:
        answer["meter_start_date"] = first.isoformat()
        if exchange.params.get("production") == "all":
            answer["micro_production"] = [round(0.995 * row) for row in production]
            answer["meter_production"] = production
    return answer | {"meta": series.meta(system, exchange.at)}


def _consumption_lifetime(system: System, exchange: Exchange) -> Any:
    """Return the consumption of each day; without a meter there is no content."""
    if system.consumption_meter is None:
        return NO_CONTENT
    first, last = _days(system, exchange)
    return {
        "system_id": int(system.id),
        "start_date": first.isoformat(),
        "consumption": series.daily(system, "load_energy", first, last, exchange.at),
        "meta": series.meta(system, exchange.at),
    }


def _monthly(system: System, exchange: Exchange) -> Any:
    """Return the production of the month that begins on a day."""
    try:
        first = date.fromisoformat(str(exchange.params.get("start_date")))
    except ValueError:
        raise old(422, "Failed to parse date") from None
    year, month = first.year + first.month // 12, first.month % 12 + 1
    last = date(year, month, min(first.day, 28)) - timedelta(days=1)
    if last >= system.day(exchange.at):
        raise old(422, "The start date must be at least one month ago")
    rows = series.daily(system, "pv_energy", first, last, exchange.at)
    return {
        "system_id": int(system.id),
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "production_wh": sum(rows),
        "meter_readings": [],
        "meta": series.meta(system, exchange.at),
    }


def _readings(system: System, exchange: Exchange) -> Any:
    """Return the odometers of the production meters."""
    until = float(exchange.params.get("end_at", exchange.at)) // QUARTER * QUARTER
    return {
        "system_id": int(system.id),
        "meter_readings": series.odometer(system, until, exchange.at),
        "meta": series.meta(system, exchange.at),
    }


def _summary(system: System, exchange: Exchange) -> Any:
    """Return the summary of a day."""
    text = exchange.params.get("summary_date")
    today = system.day(exchange.at)
    try:
        day = date.fromisoformat(str(text)) if text else today
    except ValueError:
        raise old(422, f"Failed to parse date {text}") from None
    if day > today:
        raise old_words(422, "Requested date is in the future")
    return series.summary(system, day, exchange.at)


def _envoys(system: System, exchange: Exchange) -> Any:
    """Return the gateways."""
    return {
        "system_id": int(system.id),
        "envoys": [
            {
                "envoy_id": int(system.gateway[-7:]),
                "last_report_at": int(system.reported(exchange.at)),
                "name": f"Envoy {system.gateway}",
                "part_number": "800-00555-r03",
                "serial_number": system.gateway,
                "status": "normal",
            },
            {
                "envoy_id": 1,
                "last_report_at": None,
                "name": "Envoy spare",
                "part_number": "800-00555-r03",
                "serial_number": "000000000001",
                "status": "comm",
            },
        ],
    }


def _inventory(system: System, exchange: Exchange) -> Any:
    """Return the devices; newer answers have more than the document says."""
    meters = [
        {"sn": sn, "manufacturer": "Enphase", "model": "IQ Envoy", "state": "enabled"}
        for sn in (system.production_meter, system.consumption_meter)
        if sn
    ]
    return {
        "system_id": int(system.id),
        "envoys": [{"sn": system.gateway, "model": "IQ Envoy", "sku": "ENV-S-WM-230"}],
        "inverters": [
            {"sn": row.serial, "model": "IQ7+", "sku": "IQ7PLUS-72-M-INT"}
            for row in system.micros
        ],
        "meters": meters,
        "meta": series.meta(system, exchange.at),
    }


def _inverters(account: EnphaseAccount, exchange: Exchange) -> Any:
    """Return the microinverters of a site, in a list of one."""
    found = exchange.params.get("site_id")
    system = next((row for row in account.plants if row.id == str(found)), None)
    if system is None:
        raise old(422, f"Couldn't find Site with 'id'={found}")
    rows = series.micros(system, exchange.at)
    return [{"signal_strength": 4, "micro_inverters": rows}]


def _search(account: EnphaseAccount, exchange: Exchange) -> Any:
    """Return the system of a gateway."""
    found = exchange.params.get("serial_num")
    system = next((row for row in account.plants if row.gateway == found), None)
    if system is None:
        raise old_words(404, "Envoy not found with this serial number")
    return {"system_id": int(system.id)}


SYSTEM_CALLS: dict[str, Call] = {
    "summary": _summary,
    "stats": _stats,
    "rgm_stats": _rgm,
    "consumption_stats": _consumption,
    "energy_lifetime": _energy_lifetime,
    "consumption_lifetime": _consumption_lifetime,
    "monthly_production": _monthly,
    "production_meter_readings": _readings,
    "envoys": _envoys,
    "inventory": _inventory,
}
ACCOUNT_CALLS: dict[str, Callable[[EnphaseAccount, Exchange], Any]] = {
    "inverters_summary_by_envoy_or_site": _inverters,
    "search_system_id": _search,
}
