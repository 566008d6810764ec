"""What newer servers answer: the working mode and the limit of the feed-in, read back."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .control import PVMS
from .errors import HuaweiError
from .settings import TOU

if TYPE_CHECKING:
    from .plant import HuaweiPlant
    from .server import Server


def _plant(exchange: Exchange) -> HuaweiPlant | None:
    """Return the plant of a request, None where its server is of the old kind."""
    plant = exchange.account.by_code.get(exchange.params.get("plantCode"))
    if plant is None:
        raise HuaweiError(20622)
    if not plant.facts.newer:
        return None
    if len(plant.of(62, 2, 23070)) > 1:
        raise HuaweiError(20609)
    found: HuaweiPlant = plant
    found.home.advance(exchange.at)
    return found


def battery_mode(_: Server, exchange: Exchange) -> dict[str, Any] | None:
    """Tell the working mode, with its windows where it has any."""
    plant = _plant(exchange)
    if plant is None:
        return None
    held = plant.settings.held()
    names = (
        "redundantPVEnergyPriority",
        "allowedAcChargePower",
        "chargingAndDischargingTimeWindow",
    )
    detail = {name: held[name] for name in names}
    return _done(
        {
            "plantCode": plant.id,
            "operationMode": held["operationMode"],
            "touOperationModeParamDetail": detail
            if held["operationMode"] == TOU
            else None,
        }
    )


def active_power(_: Server, exchange: Exchange) -> dict[str, Any] | None:
    """Tell the limit of the feed-in."""
    plant = _plant(exchange)
    if plant is None:
        return None
    held = plant.settings
    limited = held.export_mode == "6"
    value = {
        "limitationMode": "singlePhasePower"
        if held.export_per_phase == "1"
        else "totalPower",
        "maxGridFeedInPowerValue": held.export_kw,
    }
    return _done(
        {
            "plantCode": plant.id,
            "controlMode": "limitedPowerGridKW" if limited else "noLimit",
            "zeroExportLimitationParam": None,
            "limitedPowerGridPercentParam": None,
            "limitedPowerGridValueParam": value if limited else None,
        }
    )


def _done(data: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope."""
    return {"success": True, "failCode": 0, "message": None, "data": data}


ENDPOINTS = {
    f"{PVMS}/nbi/v1/configuration/battery-mode": battery_mode,
    f"{PVMS}/nbi/v1/configuration/active-power-control-mode": active_power,
}
