"""Selects: modes that a device offers."""

from collections.abc import Iterable
from functools import partial
from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .cloud.control import CONTROLS, Platform
from .cloud.house import House
from .entity import ControlEntity, Offer, async_add_when_there, offered

# The dispatcher sends one write at a time to a device, and together what goes together.
PARALLEL_UPDATES = 0

SELECTS = {key for key, row in CONTROLS.items() if row.platform is Platform.SELECT}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the modes of the devices."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for device, key in offered(account, house, SELECTS):
        yield device, key, partial(ModeSelect, account, device, key)


class ModeSelect(ControlEntity, SelectEntity):
    """A mode of a device."""

    def __init__(self, account: Account, device: str, key: str) -> None:
        """Take the key."""
        super().__init__(account, device, key)
        self._attr_translation_key = key

    @property
    @override
    def options(self) -> list[str]:
        """Return what the device offers."""
        return list(self.control.options) if self.control else []

    @property
    @override
    def current_option(self) -> str | None:
        """Return the mode, None when it is one that we do not know."""
        value = self.control.value if self.control else None
        return str(value) if value in self.options else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Set the mode."""
        await self.async_set_control(option)
