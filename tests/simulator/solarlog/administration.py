"""Administration: plants, their addresses and contacts, fleets."""

from datetime import UTC, datetime
from typing import Any

from ..base import Answer, Exchange
from .access import not_bought, plant_of
from .accounts import SOLAR_LOG
from .plant import SolarPlant


def _iso(at: float) -> str:
    """Return an instant in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def _details(plant: SolarPlant, at: float) -> dict[str, Any]:
    """Return what all lists tell of a plant."""
    firmware = plant.details["firmware"]
    sent = plant.local(plant.transferred(at)).isoformat()
    return {
        "id": plant.id,
        "ffufId": 0,
        "label": plant.name,
        "plantSize": int(plant.home.spec.peak),
        "createdAt": _iso(plant.home.created),
        "installationDate": _iso(plant.home.created),
        "functionalities": [],
        "firmware": firmware,
        "firmwareDate": "12.04.2026",
        "firmwareVersion": f"V{firmware}",
        "deviceFullName": SOLAR_LOG,
        "vendor": "SDS",
        "identifier": plant.details["identifier"],
        "lastDataTransfer": {"lastTransfer": sent, "lastTransferType": "HTTP"},
    }


def _address(plant: SolarPlant) -> dict[str, Any]:
    """Return where a plant stands."""
    street, _, number = plant.details["street"].rpartition(" ")
    return {
        "id": plant.details["address_id"],
        "street": street,
        "houseNumber": number,
        "postalCode": "00000",
        "city": "Sonnental",
        "country": "CH",
    }


def _listed(plant: SolarPlant, at: float) -> dict[str, Any]:
    """Return a plant as the list has it."""
    spec = plant.home.spec
    present = plant.present(at)
    return _details(plant, at) | {
        "configStatus": 0,
        "fleetCount": 1,
        "latitude": spec.latitude,
        "longitude": spec.longitude,
        "address": _address(plant),
        "plantCreator": 1,
        "crcVersion": 157,
        "componentsClasses": sorted({name for row in present for name in row.classes}),
        "componentsTypes": sorted({row.type for row in present}),
    }


def plants(server: Any, exchange: Exchange) -> Answer:
    """List the plants that are assigned to the user."""
    account = exchange.account
    if account.list_status != 200:
        refusal: Answer = server.error(account.list_status)
        return refusal
    return Answer(body=[_listed(plant, exchange.at) for plant in account.plants])


def plant_(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell a plant's details."""
    plant = plant_of(server, exchange, plant_id)
    costs = {"plantCost": 20000.0, "electricityCost": 0.31, "package": "XL"}
    return Answer(
        body=_details(plant, exchange.at) | {"plantStatus": "activated"} | costs
    )


def address(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell where a plant stands."""
    return Answer(body=_address(plant_of(server, exchange, plant_id)))


def contacts(server: Any, exchange: Exchange, plant_id: str) -> Answer:
    """Tell who is behind a plant."""
    plant = plant_of(server, exchange, plant_id)
    owner = plant.details["owner"]
    return not_bought(server, exchange.account) or Answer(
        body=[
            {
                "id": plant.details["contact_id"],
                "lastName": owner,
                "firstName": "Sun",
                "company": None,
                "email": f"{owner.lower()}@example.invalid",
                "phoneNumber": None,
                "mobilePhoneNumber": None,
                "address": _address(plant),
                "comment": None,
                "role": "owner",
            }
        ]
    )


def fleet(server: Any, exchange: Exchange, fleet_id: str) -> Answer:
    """Tell of a fleet."""
    account = exchange.account
    if refusal := not_bought(server, account):
        return refusal
    if fleet_id != account.fleet:
        missing: Answer = server.error(404, "fleet")
        return missing
    return Answer(body={"id": fleet_id, "name": "Fleet", "plantCount": 1})


def fleet_plants(server: Any, exchange: Exchange, fleet_id: str) -> Answer:
    """List the plants of a fleet."""
    found = fleet(server, exchange, fleet_id)
    if found.status != 200 or isinstance(found.body, list):
        return found
    return Answer(
        body=[_listed(plant, exchange.at) for plant in exchange.account.plants]
    )


ROUTES = {
    "/administration/plants": plants,
    "/administration/plant/([^/]+)": plant_,
    "/administration/plants/([^/]+)/address": address,
    "/administration/plants/([^/]+)/contacts": contacts,
    "/administration/fleet/([^/]+)": fleet,
    "/administration/fleet/([^/]+)/plants": fleet_plants,
}
