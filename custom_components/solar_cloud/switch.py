"""Switches: what a device lets be turned on and off."""

from collections.abc import Iterable
from functools import partial
import re
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .cloud.control import CONTROLS, Platform
from .cloud.house import House
from .cloud.quantity import index_of
from .entity import ControlEntity, Offer, async_add_when_there, described, offered

# The dispatcher sends one write at a time to a device, and together what goes together.
PARALLEL_UPDATES = 0

_NUMBER = re.compile(r"_\d+$")

SWITCHES = described(
    SwitchEntityDescription(
        key=row.key,
        translation_key=_NUMBER.sub("_n", row.key),
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=not row.rare,
    )
    for row in CONTROLS.values()
    if row.platform is Platform.SWITCH
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of the devices."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for device, key in offered(account, house, SWITCHES):
        yield device, key, partial(ControlSwitch, account, device, SWITCHES[key])


class ControlSwitch(ControlEntity, SwitchEntity):
    """A switch of a device."""

    def __init__(
        self, account: Account, device: str, description: SwitchEntityDescription
    ) -> None:
        """Take the description."""
        super().__init__(account, device, description.key)
        self.entity_description = description
        if (number := index_of(description.key)) is not None:
            self._attr_translation_placeholders = {"number": str(number)}

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether it is on."""
        value = self.control.value if self.control else None
        return value if isinstance(value, bool) else None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn it on."""
        await self.async_set_control(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn it off."""
        await self.async_set_control(False)
