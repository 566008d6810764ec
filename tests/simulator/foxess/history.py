"""The FoxESS endpoints that tell the past: samples, reports, generation."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ..base import Exchange
from . import realtime, variables
from .device import FoxDevice
from .errors import FoxError

if TYPE_CHECKING:
    from .server import Server

DAY = 86_400.0
FIRST_YEAR = 2020


def history_query(server: Server, exchange: Exchange) -> Any:
    """Return the samples of at most a day; without a time, of the last three."""
    device = server.device(exchange)
    wanted = exchange.params.get("variables")
    begin, end = exchange.params.get("begin"), exchange.params.get("end")
    if (begin is None) != (end is None):
        raise FoxError(40257)
    if begin is None:
        start, stop = exchange.at - 3 * DAY, exchange.at
    elif not isinstance(begin, int | float) or not isinstance(end, int | float):
        raise FoxError(40257)
    else:
        start, stop = begin / 1000, end / 1000
        if not start <= stop <= start + DAY:
            raise FoxError(40257)
    return [
        {
            "deviceSN": device.sn,
            "datas": _series(device, exchange.at, start, stop, wanted),
        }
    ]


def _series(
    device: FoxDevice, now: float, start: float, stop: float, wanted: Any
) -> list[dict[str, Any]]:
    """Return each variable with its values in time."""
    series: dict[str, dict[str, Any]] = {}
    stop = min(stop, device.published(now))
    for at in device.uploads(max(start, device.home.created), stop):
        stamp = variables.stamp(device, at)
        for item in variables.sample(device, at, wanted):
            value = item.pop("value")
            entry = series.setdefault(item["variable"], item | {"data": []})
            entry["data"].append({"value": value, "time": stamp})
    return list(series.values())


def _midnight(device: FoxDevice, day: date) -> float:
    """Return the Unix time at which a day of the plant begins."""
    zone = ZoneInfo(device.home.spec.zone)
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _edges(device: FoxDevice, params: dict[str, Any]) -> list[float]:
    """Return the instants between which a report counts."""
    year, month, day = (params.get(key) for key in ("year", "month", "day"))
    if not isinstance(year, int) or year < FIRST_YEAR:
        raise FoxError(40257)
    try:
        match params.get("dimension"):
            case "year":
                days = [date(year, n, 1) for n in range(1, 13)] + [date(year + 1, 1, 1)]
            case "month" if isinstance(month, int):
                first = date(year, month, 1)
                after = (first + timedelta(days=32)).replace(day=1)
                days = [
                    first + timedelta(days=n) for n in range((after - first).days + 1)
                ]
            case "day" if isinstance(month, int) and isinstance(day, int):
                return _hours(device, date(year, month, day))
            case _:
                raise FoxError(40257)
    except ValueError:
        raise FoxError(40257) from None
    return [_midnight(device, item) for item in days]


def _hours(device: FoxDevice, day: date) -> list[float]:
    """Return the instants of a day's 24 hours by the plant's clock.

    A day of 25 hours has its repeated hour counted in one, one of 23 an empty one.
    """
    zone = ZoneInfo(device.home.spec.zone)
    edges = [
        datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp()
        for hour in range(24)
    ]
    return [*edges, _midnight(device, day + timedelta(days=1))]


def _counter(device: FoxDevice, variable: str, at: float) -> float:
    """Return a lifetime counter as the cloud keeps it, in steps of 0.1 kWh."""
    key = variables.COUNTERS[variable]
    if key.startswith("battery_") and not device.batteries:
        return 0.0
    if variable == "PVEnergyTotal" and not device.batteries:
        return 0.0
    if not device.model.metered and key.startswith(("grid_", "load_")):
        return 0.0
    return round(device.home.totals(at)[key], 1)


def report_query(server: Server, exchange: Exchange) -> Any:
    """Return the energy of each hour, day or month; the noise is the subtraction's."""
    device = server.device(exchange)
    params = exchange.params
    wanted = params.get("variables")
    if not isinstance(wanted, list) or set(wanted) - set(variables.COUNTERS):
        raise FoxError(40257)
    edges = _edges(device, params)
    newest = device.published(exchange.at)
    late = realtime.held_until(server, exchange, device)
    report = {
        variable: _values(device, variable, edges, newest, late) for variable in wanted
    }
    _correct(server, exchange, device, edges, report)
    return [
        {"variable": variable, "unit": "kWh", "values": values}
        for variable, values in report.items()
    ]


def _correct(
    server: Server,
    exchange: Exchange,
    device: FoxDevice,
    edges: list[float],
    report: dict[str, list[float]],
) -> None:
    """Apply the corrections that belong to an hour of the past (Unix time `hour`)."""
    for fault in server.world.faults.standing("vendor_correction", server.name):
        hour, variable = fault.args.get("hour"), fault.args["variable"]
        if hour is None or variable not in report or not fault.active(exchange.at):
            continue
        if fault.fits(device.account, fault.endpoint, device.sn):
            for n, (start, end) in enumerate(pairwise(edges)):
                if start <= hour < end:
                    report[variable][n] += fault.args["delta"]


def _values(
    device: FoxDevice,
    variable: str,
    edges: list[float],
    newest: float,
    late: float | None,
) -> list[float]:
    """Return the differences of a counter, yesterday's where the reset is late."""
    low = device.home.created
    counters = [
        _counter(device, variable, max(low, min(edge, newest))) for edge in edges
    ]
    values = [after - before for before, after in pairwise(counters)]
    if late is None:
        return values
    yesterday = device.home.midnight(late - 1)
    for n, edge in enumerate(edges[:-1]):
        if edge == late and edges[n + 1] - edge > DAY / 2:
            values[n] = _counter(device, variable, late) - _counter(
                device, variable, yesterday
            )
    return values


def generation(server: Server, exchange: Exchange) -> Any:
    """Return the inverter's output of today, this month and ever."""
    device = server.device(exchange)
    at = device.published(exchange.at)
    late = realtime.held_until(server, exchange, device)
    until = at if late is None else late - 1
    local = device.local(until)
    total = _counter(device, "generation", at)
    count = _counter(device, "generation", until)
    day = device.home.midnight(until)
    month = _midnight(device, local.date().replace(day=1))
    result = {
        "today": count - _counter(device, "generation", day),
        "month": count
        - _counter(device, "generation", max(month, device.home.created)),
        "cumulative": total,
    }
    datas: variables.Sample = [{"variable": "generation", "value": total}]
    realtime.corrected(server, exchange, device, datas)
    result["cumulative"] = datas[0]["value"]
    if fault := server.take("dip_counters", exchange.call):
        result["cumulative"] *= fault.args.get("factor", 0.0)
    return result


ENDPOINTS: dict[tuple[str, str], Any] = {
    ("POST", "/op/v0/device/history/query"): history_query,
    ("POST", "/op/v0/device/report/query"): report_query,
    ("GET", "/op/v0/device/generation"): generation,
}
