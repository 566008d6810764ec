"""Repairs: what only the owner can put right."""

import voluptuous as vol

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .account import Account, SolarCloudConfigEntry, failed
from .cloud.control import Control
from .cloud.model import Value
from .const import DOMAIN

SYNC_CLOCK = "sync_clock"
DRIFT = 300.0
CLOCK_ISSUE = "clock_drift"
# What a vendor warns of, by the name that it has there.
OTHER_CLIENT = "other_client"
API_ACCESS_OFF = "api_access_off"
# From where on a difference to the vendor's own total is worth a word.
HISTORY_ISSUE = "history_differs"
LARGE_SHARE = 0.05
LARGE_KWH = 25.0


@callback
def async_check_clocks(account: Account) -> None:
    """Tell the owner of a device whose clock is wrong, as its windows would be too."""
    for device, controls in account.house.data.controls.items():
        control = controls.get(SYNC_CLOCK)
        if not isinstance(control, Control) or not isinstance(control.value, float):
            continue
        issue = f"{CLOCK_ISSUE}_{account.entry.entry_id}_{device}"
        if abs(control.value) <= DRIFT:
            ir.async_delete_issue(account.hass, DOMAIN, issue)
            continue
        plant = account.house.data.plants[account.house.data.devices[device].plant]
        ir.async_create_issue(
            account.hass,
            DOMAIN,
            issue,
            data={"entry_id": account.entry.entry_id, "device": device},
            is_fixable=account.controllable,
            severity=ir.IssueSeverity.WARNING,
            translation_key=CLOCK_ISSUE
            if account.controllable
            else f"{CLOCK_ISSUE}_told",
            translation_placeholders={
                "plant": plant.name,
                "minutes": f"{control.value / 60:.0f}",
            },
        )


@callback
def async_check_warnings(account: Account) -> None:
    """Tell the owner what the vendor's cloud lets be put right there only."""
    for warning in (OTHER_CLIENT, API_ACCESS_OFF):
        issue = f"{warning}_{account.entry.entry_id}"
        if warning not in account.vendor.warnings:
            ir.async_delete_issue(account.hass, DOMAIN, issue)
            continue
        ir.async_create_issue(
            account.hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=OTHER_CLIENT if warning == OTHER_CLIENT else API_ACCESS_OFF,
            translation_placeholders={"account": account.entry.title},
        )


@callback
def async_check_history(account: Account) -> None:
    """Tell the owner when the hours do not add up to the vendor's own total."""
    house = account.house.data
    for plant in house.plants.values():
        issue = f"{HISTORY_ISSUE}_{account.entry.entry_id}_{plant.id}"
        large = {
            key: kwh
            for key, kwh in account.history.differences(plant.id).items()
            if abs(kwh)
            > max(LARGE_KWH, LARGE_SHARE * _total(house.value(plant.id, key)))
        }
        if not large:
            ir.async_delete_issue(account.hass, DOMAIN, issue)
            continue
        ir.async_create_issue(
            account.hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=HISTORY_ISSUE,
            translation_placeholders={
                "plant": plant.name,
                "differences": ", ".join(
                    f"{key} {kwh:+.1f} kWh" for key, kwh in sorted(large.items())
                ),
            },
        )


def _total(value: Value) -> float:
    return value if isinstance(value, float) else 0.0


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that puts a clock right."""
    assert data
    return ClockFlow(str(data["entry_id"]), str(data["device"]))


class ClockFlow(RepairsFlow):
    """Asks before it sets a device's clock."""

    def __init__(self, entry_id: str, device: str) -> None:
        """Remember which clock."""
        self._entry_id = entry_id
        self._device = device

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Go on to the question."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, then set the clock."""
        if user_input is None:
            return self.async_show_form(step_id="confirm", data_schema=vol.Schema({}))
        entry: SolarCloudConfigEntry | None
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_running")
        outcome = await entry.runtime_data.async_set(self._device, SYNC_CLOCK, True)
        if failed(outcome):
            return self.async_abort(reason="not_set")
        return self.async_create_entry(data={})
