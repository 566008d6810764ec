"""The endpoints of the past: data of days, energies, powers, alarms."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ..base import Exchange
from . import rows
from .device import GrowattDevice, GrowattPlant
from .errors import GrowattError
from .listing import day, page
from .models import FAMILIES, INVERTER, STORAGE, Family
from .realtime import Told
from .wire import noisy

if TYPE_CHECKING:
    from .server import Server

type Body = dict[str, Any]

KEPT = 95 * 86_400.0
SPAN = 7
STEP = 300
HOUR = 3600.0
OFFSET = re.compile(r"(?:GMT|UTC)([+-]\d{1,2})(?::(\d\d))?")


def zone(name: Any) -> Any:
    """Return a zone by the names that Java knows; what it does not know is UTC."""
    text = str(name or "UTC")
    if text == "PRC":
        return ZoneInfo("Asia/Shanghai")
    if found := OFFSET.fullmatch(text):
        hours, minutes = int(found[1]), int(found[2] or 0)
        return timezone(timedelta(hours=hours, minutes=minutes))
    try:
        return ZoneInfo(text)
    except KeyError, ValueError, OSError:
        return UTC


def _span(exchange: Exchange) -> tuple[datetime, datetime]:
    """Return first and last day of a request, at most a week apart."""
    first = day(exchange.params.get("start_date"))
    last = day(exchange.params.get("end_date"))
    if (last - first).days > SPAN:
        raise GrowattError(10004, "error_date interval more than seven days")
    return first, last


def _instants(exchange: Exchange, device: GrowattDevice, shown: Any) -> list[float]:
    """Return the samples that a request asks for, oldest first."""
    first, last = _span(exchange)
    start = first.replace(tzinfo=shown).timestamp()
    end = (last + timedelta(days=1)).replace(tzinfo=shown).timestamp()
    now = device.published(exchange.at)
    start = max(start, exchange.at - KEPT, device.home.created)
    return [at for at in device.uploads(start, min(end - 1, now)) if at <= now]


def _time(at: float, shown: Any) -> str:
    """Return a time in the zone that was asked for."""
    return f"{datetime.fromtimestamp(at, shown):%Y-%m-%d %H:%M:%S}"


def _old_style(sample: rows.Sample) -> Body:
    """Return an inverter's data as its history names them (4.3.5)."""
    return {
        "fac": sample["fac"],
        **{f"ipv{n}": sample.get(f"ipv{n}", 0) for n in (1, 2, 3)},
        **{f"vpv{n}": sample.get(f"vpv{n}", 0) for n in (1, 2, 3)},
        **{f"iac{n}": sample[f"iac{p}"] for n, p in enumerate("rst", start=1)},
        **{f"vac{n}": sample[f"vac{p}"] for n, p in enumerate("rst", start=1)},
        "power": sample["pac"],
        "power_factor": sample["pf"],
        "temperature": sample["temperature"],
        "today_energy": f"{sample['powerToday']:.1f}",
        "total_energy": f"{sample['powerTotal']:.1f}",
    }


def _device(
    server: Server, exchange: Exchange, family: Family, key: str
) -> GrowattDevice:
    """Return the device of a request; the document names an inverter by its id."""
    missing = 10002 if family is INVERTER else 10005
    if (number := exchange.params.get("device_id")) and family is INVERTER:
        for plant in server.plants_of(exchange.account):
            for device in plant.devices:
                if str(device.number) == number and device.dialect == "document":
                    plant.home.advance(exchange.at)
                    return device
    if not exchange.params.get(key):
        raise GrowattError(10002, "error_device sn error")
    device = server.device(exchange, key, family, missing)
    if family is INVERTER and device.dialect == "document":
        raise GrowattError(10002, "error_device sn error")
    return device


def _history(family: Family) -> Any:
    """Return the handler of a family's data of some days."""
    key = "device_sn" if family is INVERTER else family.serial

    def handler(server: Server, exchange: Exchange) -> Body:
        device = _device(server, exchange, family, key)
        shown = zone(exchange.params.get("timezone_id"))
        instants = _instants(exchange, device, shown)
        instants.reverse()
        most = 1000 if device.dialect == "document" else 100
        datas: list[Body] = []
        for at in page(exchange, instants, most):
            sample = rows.sample(device, at)
            _correct(server, exchange, device, at, sample)
            if family is INVERTER:
                sample = _old_style(sample)
            datas.append(sample | {"time": _time(at, shown)})
        body = {
            "datas": datas,
            key: device.sn,
            "next_page_start_id": len(datas) + 1,
            "datalogger_sn": device.logger.sn,
        }
        return body if family is INVERTER else {"count": len(instants)} | body

    return handler


def _correct(
    server: Server,
    exchange: Exchange,
    device: GrowattDevice,
    at: float,
    sample: rows.Sample,
) -> None:
    """Apply the corrections that belong to an hour of the past (Unix time `hour`)."""
    for fault in server.world.faults.standing("vendor_correction", server.name):
        hour, key = fault.args.get("hour"), fault.args["variable"]
        if hour is None or not fault.active(exchange.at) or key not in sample:
            continue
        if fault.fits(device.plant.account, None, device.sn):
            grown = min(1.0, max(0.0, (at - hour) / HOUR))
            sample[key] = round(sample[key] + fault.args["delta"] * grown, 1)


def _alarms(family: Family) -> Any:
    """Return the handler of a family's alarms of a day."""
    key = "device_sn" if family is INVERTER else family.serial

    def handler(server: Server, exchange: Exchange) -> Body:
        device = _device(server, exchange, family, key)
        wanted = exchange.params.get("date")
        if wanted is None and family is INVERTER:
            shown = None
        else:
            shown = day(wanted).date()
        found = list(_told(server, device, exchange.at, shown))
        label = "sn" if family in (INVERTER, STORAGE) else family.serial
        body = {"count": len(found), "alarms": page(exchange, found)}
        return body | {label: device.sn}

    return handler


def _told(server: Server, device: GrowattDevice, at: float, shown: Any) -> list[Body]:
    """Return the alarms of a device, of a day or all."""
    found: list[Body] = []
    plant = device.plant
    for fault in server.world.faults.standing("device_fault", server.name):
        if fault.since > at or not fault.fits(plant.account, None, device.sn):
            continue
        began = plant.local(fault.since)
        over = fault.until is not None and fault.until <= at
        ended = plant.local(fault.until if over and fault.until else fault.since)
        if shown is None or began.date() == shown:
            found.append(
                {
                    "alarm_code": int(fault.args.get("code", 0)),
                    "status": 0 if over else 1,
                    "start_time": f"{began:%Y-%m-%d %H:%M:%S}.0",
                    "end_time": f"{ended:%Y-%m-%d %H:%M:%S}.0",
                    "alarm_message": fault.args.get("message", "No utility."),
                }
            )
    return found


def day_energy(server: Server, exchange: Exchange) -> Told:
    """Return an inverter's energy of a day in kWh."""
    device = server.device(exchange, "device_sn", INVERTER)
    wanted = day(exchange.params.get("date"))
    zone_of = ZoneInfo(device.home.spec.zone)
    start = wanted.replace(tzinfo=zone_of).timestamp()
    end = min(start + 86_400, device.published(exchange.at))
    energy = 0.0
    if end > start >= device.home.created:
        first, last = (device.home.totals(at)["inverter_energy"] for at in (start, end))
        energy = (last - first) * device.share
    return Told(data=noisy(energy), datalogger_sn=device.logger.sn, device_sn=device.sn)


def plant_power(server: Server, exchange: Exchange) -> Body:
    """Return a plant's power of a day in W, newest first (4.2.7)."""
    plant = server.plant(exchange)
    shown = zone(exchange.params.get("timezone_id"))
    start = day(exchange.params.get("date")).replace(tzinfo=shown).timestamp()
    newest = server.measured_at(plant, exchange.at)
    powers: list[Body] = []
    at = -(-max(start, plant.home.created) // STEP) * STEP
    while at < min(start + 86_400, newest):
        power = noisy(plant.home.state(at).flow.pv)
        powers.append({"time": _time(at, shown), "power": power})
        at += STEP
    powers.reverse()
    return {"count": len(powers), "powers": powers}


UNITS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


def _periods(first: datetime, last: datetime, unit: str) -> list[datetime]:
    """Return the beginnings of the periods between two, one more at the end."""
    found = [first]
    while found[-1] <= last:
        now = found[-1]
        if unit == "day":
            found.append(now + timedelta(days=1))
        elif unit == "month":
            found.append((now + timedelta(days=32)).replace(day=1))
        else:
            found.append(now.replace(year=now.year + 1))
    return found


def _date(text: Any, unit: str) -> datetime:
    """Return a date, which may be a month or a year."""
    given = str(text or "")
    for form in dict.fromkeys((UNITS[unit], "%Y-%m-%d")):
        try:
            found = datetime.strptime(given, form)
        except ValueError:
            continue
        if unit == "month":
            return found.replace(day=1)
        return found.replace(month=1, day=1) if unit == "year" else found
    raise GrowattError(10004, "error_date format error")


def plant_energy(server: Server, exchange: Exchange) -> Body:
    """Return a plant's energy by day, month or year (4.2.6)."""
    plant = server.plant(exchange)
    unit = str(exchange.params.get("time_unit") or "day")
    if unit not in UNITS:
        raise GrowattError(10004, "error_time_unit")
    first = _date(exchange.params.get("start_date"), unit)
    last = _date(exchange.params.get("end_date"), unit)
    too_long = {
        "day": (last - first).days > SPAN,
        "month": last.year - first.year > 1,
        "year": last.year - first.year > 20,
    }[unit]
    if too_long or last < first:
        raise GrowattError(10004, "error_date interval")
    found = _energies(plant, _periods(first, last, unit), exchange.at)
    return {
        "count": len(found),
        "time_unit": unit,
        "energys": page(exchange, found),
    }


def _energies(plant: GrowattPlant, edges: list[datetime], now: float) -> list[Body]:
    """Return the energy between each two instants of the plant's own zone."""
    home = plant.home
    zone_of = ZoneInfo(home.spec.zone)
    newest = plant.published(now)
    found: list[Body] = []
    for start, end in pairwise(edges):
        first = start.replace(tzinfo=zone_of).timestamp()
        last = min(end.replace(tzinfo=zone_of).timestamp(), newest)
        if last <= home.created or first > newest:
            energy = 0.0
        else:
            before = home.totals(max(first, home.created))["pv_energy"]
            energy = home.totals(last)["pv_energy"] - before
        found.append({"date": f"{start:%Y-%m-%d}", "energy": f"{energy:.1f}"})
    return found


def _endpoints() -> dict[tuple[str, str], Any]:
    """Return the endpoints of all families."""
    found: dict[tuple[str, str], Any] = {
        ("GET", "/v1/plant/power"): plant_power,
        ("GET", "/v1/plant/energy"): plant_energy,
        ("GET", "/v1/device/inverter/day_energy"): day_energy,
        ("GET", "/v1/device/inverter/data"): _history(INVERTER),
        ("GET", "/v1/device/inverter/alarm"): _alarms(INVERTER),
    }
    for family in FAMILIES:
        if family is not INVERTER:
            base = f"/v1/device/{family.name}"
            found["POST", f"{base}/{family.name}_data"] = _history(family)
            found["POST", f"{base}/alarm_data"] = _alarms(family)
    return found


ENDPOINTS = _endpoints()
