"""System health: how the accounts stand."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .account import STATUSES, SolarCloudConfigEntry
from .const import DOMAIN


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what is shown."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the number of accounts and plants, and for each account how it stands."""
    entries: list[SolarCloudConfigEntry] = hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    info: dict[str, Any] = {"accounts": len(entries)}
    for number, entry in enumerate(entries, start=1):
        account = entry.runtime_data
        plants = account.house.data.plants
        worst = min(map(account.status, plants), key=STATUSES.index, default="-")
        left = account.calls_left()
        info[f"{account.info.name} {number}"] = (
            f"{worst}, {left.polls if left else '-'} of {left.limit if left else '-'}"
        )
    return info
