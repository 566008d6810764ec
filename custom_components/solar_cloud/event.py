"""Events: alarms of a plant's devices."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
from .alarms import alarms_of, described
from .cloud.house import House
from .cloud.model import Alarm
from .entity import Offer, SolarCloudEntity, async_add_when_there

PARALLEL_UPDATES = 0

ALARM = "alarm"
RAISED, CLEARED = "raised", "cleared"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SolarCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add one event entity a plant."""
    async_add_when_there(entry, async_add_entities, _make)


def _make(account: Account, house: House) -> Iterable[Offer]:
    for plant in house.plants if account.info.alarms else ():
        yield plant, ALARM, partial(AlarmEvent, account, plant)


class AlarmEvent(SolarCloudEntity, EventEntity):
    """Tells when an alarm is raised, and when it is gone."""

    _attr_translation_key = ALARM
    _attr_event_types = [RAISED, CLEARED]

    def __init__(self, account: Account, plant: str) -> None:
        """Start without knowing which alarms there were."""
        super().__init__(account, plant, ALARM)
        self._seen: Mapping[str, Alarm] | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Stay silent about the alarms that are there already."""
        await super().async_added_to_hass()
        self._compare()

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        """Tell what has come and gone."""
        self._compare()
        super()._handle_coordinator_update()

    def _compare(self) -> None:
        alarms = alarms_of(self.account, self.subject)
        if alarms is None:
            return
        if self._seen is not None:
            for key in alarms.keys() - self._seen.keys():
                self._tell(RAISED, alarms[key])
            for key in self._seen.keys() - alarms.keys():
                self._tell(CLEARED, self._seen[key])
        self._seen = alarms

    @callback
    def _tell(self, kind: str, alarm: Alarm) -> None:
        self._trigger_event(kind, described(alarm))
        self.async_write_ha_state()
