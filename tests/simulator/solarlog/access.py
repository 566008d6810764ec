"""What a client may ask for."""

from typing import Any

from ..base import Answer, Exchange, Refusal
from .accounts import SolarAccount
from .plant import SolarPlant


def plant_of(server: Any, exchange: Exchange, plant_id: str) -> SolarPlant:
    """Return one of the account's plants."""
    for plant in exchange.account.plants:
        if plant.id == plant_id:
            found: SolarPlant = plant
            found.home.advance(exchange.at)
            return found
    raise Refusal(server.error(404, "plant"))


def not_bought(server: Any, account: SolarAccount) -> Answer | None:
    """Return what a client gets for a call that its package does not hold."""
    if account.advanced:
        return None
    if account.refusal == "nothing":
        return Answer(body=[])
    refusal: Answer = server.error(403, "Forbidden")
    return refusal
