"""Visualization: a plant's header, and channels of days, months, years and its life."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from ..base import Answer, Exchange, Refusal
from . import series
from .access import not_bought, plant_of
from .channels import Channel
from .parts import Part
from .plant import SolarPlant

NAMES = "channelNames[]"
NOON = 43_200

type Lives = Callable[[int], bool]


def header(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell a plant's name and health."""
    plant = plant_of(server, exchange, plant_id)
    fault = plant.fault(exchange.at)
    present = plant.present(exchange.at)
    return Answer(
        body={
            "id": plant.id,
            "label": plant.name,
            "vendor": "SDS",
            "fleets": [{"id": exchange.account.fleet}],
            "healthStatus": fault.args.get("message", "ERROR") if fault else "OK",
            "deviceFullName": "Solar-Log Base 15",
            "targetPercentage": None,
            "migrationInProgress": False,
            "size": int(plant.home.spec.peak),
            "componentsClasses": sorted(
                {name for row in present for name in row.classes}
            ),
        }
    )


def _listed(exchange: Exchange, key: str) -> list[str]:
    """Return a parameter that may be repeated."""
    value = exchange.params.get(key, [])
    return value if isinstance(value, list) else [value]


def _left_out(server: Any, exchange: Exchange, name: str) -> bool:
    """Say whether a fault leaves a channel out."""
    board = server.world.faults
    return any(
        fault.active(exchange.at)
        and fault.args.get("variable") == name
        and fault.fits(exchange.account.name, fault.endpoint, None)
        for fault in board.standing("missing", "solarlog")
    )


def _wanted(server: Any, exchange: Exchange, part: Part) -> list[Channel]:
    """Return the channels that a call names and its package holds."""
    account = exchange.account
    found: list[Channel] = []
    for name in dict.fromkeys(_listed(exchange, NAMES)):
        channel = part.channels.get(name)
        if channel is None:
            if account.unknown == "bad_request":
                raise Refusal(server.error(400, f"unknown channel {name}"))
        elif channel.advanced and not account.advanced:
            if account.refusal == "forbidden":
                raise Refusal(server.error(403, "Forbidden"))
        elif not _left_out(server, exchange, name):
            found.append(channel)
    return found


def _parts(
    server: Any, exchange: Exchange, plant: SolarPlant, *, cross: bool
) -> tuple[list[tuple[str, Part, Lives]], str]:
    """Return what is asked for: the id in the answer, and in which epochs it is."""
    components = _listed(exchange, "componentIds[]")
    crossing = _listed(exchange, "xComponentIds[]") if cross else []
    trackers = _listed(exchange, "mppTrackerIds[]")
    if not components and not crossing and not trackers:
        return [(plant.datasource, plant.part, lambda _: True)], "Datasource"
    if refusal := not_bought(server, exchange.account):
        raise Refusal(refusal)
    found: list[tuple[str, Part, Lives]] = []
    for row in plant.components:
        if row.cross_id in crossing:
            found.append((row.cross_id, row, row.lives_in))
        for epoch in range(len(plant.epochs)):
            if not row.lives_in(epoch) or plant.epochs[epoch] > exchange.at:
                continue
            if row.ids[epoch] in components:
                found.append((row.ids[epoch], row, epoch.__eq__))
            found += [
                (tracker.ids[epoch], tracker, epoch.__eq__)
                for tracker in row.trackers
                if tracker.ids[epoch] in trackers
            ]
    return found, "Component"


def _range(server: Any, exchange: Exchange, plant: SolarPlant) -> tuple[date, date]:
    """Return the first and the last day that a call asks for."""
    today = plant.local(exchange.at).date()
    edges = [
        series.parse_day(str(exchange.params.get(key, "today")), today)
        for key in ("dateFrom", "dateTo")
    ]
    first, last = edges
    if first is None or last is None:
        raise Refusal(server.error(400, "date"))
    return first, last


def _channels(
    server: Any, exchange: Exchange, plant_id: str, *, cross: bool
) -> list[dict[str, Any]]:
    """Return one object per channel, device and day; the newest day first."""
    plant = plant_of(server, exchange, plant_id)
    first, last = _range(server, exchange, plant)
    parts, kind = _parts(server, exchange, plant, cross=cross)
    wanted = [
        (device, part, lives, row)
        for device, part, lives in parts
        for row in _wanted(server, exchange, part)
    ]
    return [
        series.answer(
            device=device,
            kind=kind,
            channel=row,
            day=day,
            data=series.points(plant, part, row, day),
        )
        for day in series.days(plant, first, last)
        for device, part, lives, row in wanted
        if lives(plant.epoch(plant.midnight(day) + NOON))
    ]


def _valued(server: Any, exchange: Exchange, body: list[dict[str, Any]]) -> Answer:
    """Replace what a fault says."""
    fault = server.take("value", exchange.call)
    for row in body if fault else ():
        if row["name"] == fault.args["variable"]:
            points = row["dataPoints"]
            row["dataPoints"] = {
                key: None if value is None else fault.args["value"]
                for key, value in points.items()
            }
    return Answer(body=body)


def channels(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell the slots of some days."""
    return _valued(server, exchange, _channels(server, exchange, plant_id, cross=False))


def cross_epoch(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell the slots of some days, of components whatever epoch they are in."""
    return _valued(server, exchange, _channels(server, exchange, plant_id, cross=True))


def _summed(
    server: Any,
    exchange: Exchange,
    plant_id: str,
    day: date,
    points: Callable[[SolarPlant, Part, Channel], series.Points],
) -> Answer:
    """Return one object per channel of the plant; only counters have sums."""
    plant = plant_of(server, exchange, plant_id)
    body = [
        series.answer(
            device=plant.datasource,
            kind="Datasource",
            channel=row,
            day=day,
            data=points(plant, plant.part, row),
        )
        for row in _wanted(server, exchange, plant.part)
        if row.counted
    ]
    return _valued(server, exchange, body)


def _first(server: Any, year: str, month: str = "1") -> date:
    """Return the first day of a year or month."""
    try:
        return date(int(year), int(month), 1)
    except ValueError:
        raise Refusal(server.error(400, "date")) from None


def month(
    server: Any, exchange: Exchange, plant_id: str, year: str, number: str
) -> Answer:
    """Tell the days of a month."""
    first = _first(server, year, number)
    return _summed(
        server, exchange, plant_id, first, partial(series.month, first=first)
    )


def year(server: Any, exchange: Exchange, plant_id: str, number: str) -> Answer:
    """Tell the months of a year."""
    first = _first(server, number)
    return _summed(server, exchange, plant_id, first, partial(series.year, first=first))


def lifetime(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell the years of a plant's life."""
    plant = plant_of(server, exchange, plant_id)
    today = plant.local(exchange.at).date()
    return _summed(server, exchange, plant_id, today, series.lifetime)


ROUTES = {
    "/visualization/plant/([^/]+)": header,
    "/visualization/plant/([^/]+)/channels": channels,
    "/visualization/plant/([^/]+)/cross-epoch/channels": cross_epoch,
    "/visualization/plant/([^/]+)/year/([^/]+)/month/([^/]+)": month,
    "/visualization/plant/([^/]+)/year/([^/]+)": year,
    "/visualization/plant/([^/]+)/lifetime": lifetime,
}
