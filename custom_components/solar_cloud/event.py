"""Events: alarms of a plant's devices."""

from collections.abc import Iterable
from functools import partial
from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, SolarCloudConfigEntry
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
        self._seen: dict[str, Alarm] | None = None

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
        if (alarms := self._alarms()) is None:
            return
        if self._seen is not None:
            for key in alarms.keys() - self._seen.keys():
                self._tell(RAISED, alarms[key])
            for key in self._seen.keys() - alarms.keys():
                self._tell(CLEARED, self._seen[key])
        self._seen = alarms

    def _alarms(self) -> dict[str, Alarm] | None:
        """Return the plant's alarms, None while no feed has told of any."""
        snapshots = list(self.account.snapshots().values())
        if not any(row.alarms_told for row in snapshots):
            return None
        devices = self.house.devices
        return {
            alarm.id: alarm
            for row in snapshots
            for alarm in row.alarms
            if alarm.device in devices and devices[alarm.device].plant == self.subject
        }

    @callback
    def _tell(self, kind: str, alarm: Alarm) -> None:
        self._trigger_event(
            kind,
            {
                "device": alarm.device,
                "code": alarm.code,
                "text": alarm.text,
                "severity": alarm.severity,
                "advice": alarm.advice,
                "at": alarm.at.isoformat() if alarm.at else None,
            },
        )
        self.async_write_ha_state()
