"""Datasource: components of a date, epochs, inverters."""

from datetime import date
from typing import Any

from ..base import Answer, Exchange, Refusal
from .access import not_bought, plant_of
from .parts import Component, Tracker
from .plant import SolarPlant
from .series import parse_day


def _tracker(
    plant: SolarPlant, component: Component, tracker: Tracker, epoch: int
) -> dict[str, Any]:
    """Return an MPP tracker."""
    return {
        "id": tracker.ids[epoch],
        "moduleString": None,
        "moduleStrings": [],
        "trackerindex": tracker.index,
        "moduleField": {
            "id": plant.details["field_ids"][component.index % 8],
            "label": str(component.index),
            "index": component.index,
            "orientation": None,
            "tilt": None,
            "monitored": True,
        },
        "size": round(plant.home.spec.peak * tracker.share),
        "name": f"MPPT {tracker.index}",
        "visualizationChannels": list(tracker.channels),
    }


def _component(plant: SolarPlant, component: Component, epoch: int) -> dict[str, Any]:
    """Return a component."""
    own = component.ids[epoch]
    return {
        "id": own,
        "crossEpochId": component.cross_id,
        "type": component.type,
        "name": component.name,
        "classes": list(component.classes),
        "dataindex": component.index - 1,
        "sortOrder": component.index,
        "epochActiveFrom": plant.local(plant.epochs[epoch]).isoformat(),
        "mpptrackers": [
            _tracker(plant, component, tracker, epoch) for tracker in component.trackers
        ],
        "moduleStrings": [],
        "moduleField": None,
        "visualizationChannels": list(component.channels),
        "errorDetectionSettings": {
            "id": own,
            "active": 1,
            "deviation": 10,
            "notificationEmail": True,
            "faultduration": 1800,
            "snow": False,
            "periodstart": "11:00",
            "periodend": "13:00",
        },
        "componentstatuserrors": [
            {"id": own, "dataIndex": 0, "type": "error", "coderangefrom": 1}
        ],
    }


def _asked(server: Any, plant: SolarPlant, exchange: Exchange, text: str) -> date:
    """Return the date that a call names."""
    day = parse_day(text, plant.local(exchange.at).date())
    if day is None:
        raise Refusal(server.error(400, "date"))
    return day


def components(server: Any, exchange: Exchange, plant_id: str, text: str) -> Answer:
    """List the components that a plant has on a date, by its end."""
    plant = plant_of(server, exchange, plant_id)
    day = _asked(server, plant, exchange, text)
    at = min(exchange.at, plant.midnight(day) + 86_399)
    epoch = plant.epoch(at)
    return Answer(body=[_component(plant, row, epoch) for row in plant.present(at)])


def epoch_range(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell when the epoch of a date began, and when it ended."""
    plant = plant_of(server, exchange, plant_id)
    if refusal := not_bought(server, exchange.account):
        return refusal
    day = _asked(server, plant, exchange, str(exchange.params.get("date", "today")))
    epoch = plant.epoch(plant.midnight(day) + 43_200)
    edges = [*plant.epochs, None][epoch : epoch + 2]
    start, end = (None if edge is None else plant.local(edge) for edge in edges)
    return Answer(
        body={
            "from": start and start.isoformat(),
            "to": end.isoformat() if end and end.timestamp() <= exchange.at else None,
        }
    )


def inverters(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """List the inverters of a plant."""
    plant = plant_of(server, exchange, plant_id)
    epoch = plant.epoch(exchange.at)
    return not_bought(server, exchange.account) or Answer(
        body=[
            _component(plant, row, epoch)
            for row in plant.present(exchange.at)
            if row.kind == "inverter"
        ]
    )


ROUTES = {
    "/datasource/plant/([^/]+)/components/([^/]+)": components,
    "/datasource/plant/([^/]+)/epochrange": epoch_range,
    "/datasource/plant/([^/]+)/inverters": inverters,
}
