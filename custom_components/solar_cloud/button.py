"""Buttons: forced runs with the inputs as they are, refresh, and the device's clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .cloud.control import Forced
from .cloud.house import House
from .const import DEFAULT_DISCHARGE_TARGET, DEFAULT_MINUTES
from .entity import (
    ControlEntity,
    Offer,
    SolarCloudEntity,
    async_add_when_there,
    offered,
    raise_failed,
)

# Leases are changed one at a time in each plant, so that nothing else need wait.
PARALLEL_UPDATES = 0

SYNC_CLOCK = "sync_clock"


@dataclass(frozen=True, kw_only=True)
class RunButtonDescription(ButtonEntityDescription):
    """A button that starts a run of a kind, with the inputs that it uses."""

    kind: Forced
    target: str | None = None
    default_target: float | None = None
    powered: bool = True


RUNS: tuple[RunButtonDescription, ...] = (
    RunButtonDescription(
        key="force_charge",
        translation_key="force_charge",
        kind=Forced.CHARGE,
        target="forced_charge_target_soc",
    ),
    RunButtonDescription(
        key="force_discharge",
        translation_key="force_discharge",
        kind=Forced.DISCHARGE,
        target="forced_discharge_target_soc",
        default_target=DEFAULT_DISCHARGE_TARGET,
    ),
    RunButtonDescription(
        key="hold", translation_key="hold", kind=Forced.HOLD, powered=False
    ),
)
STOP = ButtonEntityDescription(key="stop_forced", translation_key="stop_forced")
REFRESH = ButtonEntityDescription(
    key="refresh",
    translation_key="refresh",
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of plants and devices."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for plant in house.plants:
        yield plant, REFRESH.key, partial(RefreshButton, account, plant, REFRESH)
        if not account.controllable:
            continue
        runs = [row for row in RUNS if account.leases.devices(plant, row.kind)]
        for row in runs:
            yield plant, row.key, partial(RunButton, account, plant, row)
        if runs:
            yield plant, STOP.key, partial(StopButton, account, plant, STOP)
    for device, key in offered(account, house, (SYNC_CLOCK,)):
        yield device, key, partial(ClockButton, account, device, key)


class PlantButton(SolarCloudEntity, ButtonEntity):
    """A button of a plant."""

    def __init__(
        self, account: Account, plant: str, description: ButtonEntityDescription
    ) -> None:
        """Take the description."""
        super().__init__(account, plant, description.key)
        self.entity_description = description


class RefreshButton(PlantButton):
    """Polls now, as far as the quota allows it."""

    @override
    async def async_press(self) -> None:
        """Poll all feeds."""
        await self.account.async_refresh()


class RunButton(PlantButton):
    """Starts a forced run with the inputs as they are."""

    entity_description: RunButtonDescription

    @override
    async def async_press(self) -> None:
        """Start the run; raises what the vendor refused."""
        row, inputs = self.entity_description, self.account.inputs.get(self.subject, {})
        raise_failed(
            await self.account.leases.async_start(
                row.kind,
                self.subject,
                minutes=inputs.get("forced_duration", DEFAULT_MINUTES),
                power=inputs.get("forced_power") if row.powered else None,
                target_soc=inputs.get(row.target, row.default_target)
                if row.target
                else None,
            )
        )


class StopButton(PlantButton):
    """Ends the forced run."""

    @override
    async def async_press(self) -> None:
        """End the run; raises what the vendor refused."""
        raise_failed(await self.account.leases.async_stop(self.subject))


class ClockButton(ControlEntity, ButtonEntity):
    """Sets a device's clock, which ends its automatic synchronisation."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_entity_registry_enabled_default = False

    def __init__(self, account: Account, device: str, key: str) -> None:
        """Take the key."""
        super().__init__(account, device, key)
        self._attr_translation_key = key

    @override
    async def async_press(self) -> None:
        """Set the clock."""
        await self.async_set_control(True)
