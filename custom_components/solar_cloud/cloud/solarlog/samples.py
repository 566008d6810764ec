"""The values of plants: which channels answer is found out once a day, then one call each.

A plant's own channels come in one call, those of its components in a second one, and
those of its MPP trackers in a third; the last two only where the package holds them.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..control import Reason
from ..errors import AuthenticationFailed, CloudError, PermissionDenied, Refused
from ..model import Device, DeviceKind, EnergyRow, Reading
from . import channels as table
from .client import TODAY, YESTERDAY, SolarlogClient
from .hours import told
from .inventory import Component, Inventory
from .lifetime import Lifetime
from .limits import INTERVAL
from .readings import (
    Values,
    component_readings,
    lifetimes,
    newest,
    plant_readings,
    tracker_readings,
    unfallen,
)
from .slots import Series, series

PROBE_AFTER = timedelta(days=1)
LIST_AFTER = timedelta(hours=1)
# A day's values still come in after midnight.
LATE = timedelta(hours=2)
SILENT_AFTER = timedelta(seconds=3 * INTERVAL)
MISSES = 2

NAMES, PROBED, LISTED, COMPONENTS = "names", "probed", "listed", "components"
LEVEL, MISSED, HEALTH, ABSENT = "level", "missed", "health", "absent"
TOGETHER, EACH, NONE = "together", "each", "none"
SPLIT = ("400", "403")
COMPONENT_ONLY = frozenset(table.INVERTER | table.METER | table.SENSOR | table.TRACKER)
KNOWN = frozenset((*table.PLANT_NAMES, *table.FIGURES)) | COMPONENT_ONLY


class Samples:
    """Fetches and keeps the newest values of an account's plants and components."""

    def __init__(
        self,
        client: SolarlogClient,
        clock: Clock,
        memory: dict[str, Any],
    ) -> None:
        """Keep in `memory` what each plant holds, and which channels answered."""
        self._client = client
        self._clock = clock
        self._lifetime = Lifetime(client, memory)
        self._plants: dict[str, dict[str, Any]] = memory.setdefault("plants", {})
        self._named: dict[str, dict[str, str]] = memory.setdefault("channels", {})
        for key, row in self._named.items():
            table.rename(key, row)
        self._inventories: dict[str, Inventory] = {}
        self._series: dict[str, list[Series]] = {}
        self.relist: set[str] = set()
        self.energy: dict[str, tuple[EnergyRow, ...]] = {}
        self.readings: dict[str, Mapping[str, Reading]] = {}
        self.devices: dict[str, Device] = {}

    # --- what is known of a plant ---------------------------------------------------------

    def _state(self, plant: str) -> dict[str, Any]:
        return self._plants.setdefault(plant, {})

    def inventory(self, plant: str) -> Inventory:
        """Return what a plant holds, as it was listed last."""
        if plant not in self._inventories:
            stored = self._state(plant).get(COMPONENTS, ())
            self._inventories[plant] = Inventory.from_list(stored)
        return self._inventories[plant]

    def take_listed(self, plant: str, found: Inventory) -> None:
        """Take over what a plant holds; what is new is looked at with the next poll."""
        state = self._state(plant)
        if found.names != self.inventory(plant).names:
            state.pop(PROBED, None)
        self._inventories[plant] = found
        state[COMPONENTS] = found.as_list()
        state[LISTED] = self._clock.now().isoformat()
        self.relist.discard(plant)

    def needs_list(self, plant: str) -> bool:
        """Return whether a plant's components should be listed again."""
        if (listed := self._state(plant).get(LISTED)) is None:
            return True
        age = self._clock.now() - datetime.fromisoformat(listed)
        return age >= (LIST_AFTER if plant in self.relist else PROBE_AFTER)

    def take_health(self, plant: str, told: str | None) -> None:
        """Take over what the vendor says of a plant's health."""
        self._state(plant)[HEALTH] = told

    def is_faulty(self, plant: str) -> bool | None:
        """Return whether the vendor calls a plant anything else than OK."""
        told = self._state(plant).get(HEALTH)
        return None if told is None else told.upper() != "OK"

    def newest(self, plant: str) -> datetime | None:
        """Return the instant of a plant's newest value, with the plant's offset."""
        return newest(self._series.get(plant, ()))

    def series(self, plant: str) -> list[Series]:
        """Return what a plant's own channels told last."""
        return self._series.get(plant, [])

    def absent(self) -> dict[str, dict[str, Reason]]:
        """Return the readings that the package does not hold, by plant and component."""
        found: dict[str, dict[str, Reason]] = {}
        for plant, state in self._plants.items():
            if keys := state.get(ABSENT):
                found[plant] = dict.fromkeys(keys, Reason.NOT_IN_PLAN)
            if state.get(LEVEL) != NONE:
                continue
            for row in self.inventory(plant).shown:
                keys = sorted({_key(name, row.kind) for name in _names(row)})
                found[row.id] = dict.fromkeys(keys, Reason.NOT_IN_PLAN)
        return found

    # --- a poll -------------------------------------------------------------------------

    async def poll(self, plant: str) -> None:
        """Fetch a plant's values; raises when those of the plant itself do not come."""
        state = self._state(plant)
        probed = state.get(PROBED)
        now = self._clock.now()
        probe = probed is None or (now - datetime.fromisoformat(probed) >= PROBE_AFTER)
        rows = [] if probe else await self._known(plant)
        if not rows:
            probe, rows = True, await self._probe(plant)
        found = series(rows, self._clock.now())
        at = newest(found)
        if at is not None:
            self._series[plant] = found
            await self._anchor(plant, at.date())
            self._take_plant(plant, at.date())
        self._tell_health(plant)
        if at is None:
            return
        try:
            await self._poll_components(plant, at, probe=probe)
        except AuthenticationFailed:
            raise
        except CloudError:
            # What the plant itself told stands; its components keep what they had.
            return

    def _tell_health(self, plant: str) -> None:
        now, at = self._clock.now(), self.newest(plant)
        online = at is not None and now - at <= SILENT_AFTER
        faulty = self.is_faulty(plant)
        known: dict[str, Any] = {"online": online}
        if faulty is not None:
            known["problem"] = faulty
            state = "healthy" if online else "disconnected"
            known["plant_health"] = "faulty" if faulty else state
        rows = {key: Reading(value=value, at=now) for key, value in known.items()}
        self.readings[plant] = {**self.readings.get(plant, {}), **rows}

    def _take_plant(self, plant: str, day: date) -> None:
        kinds = {row.kind for row in self.inventory(plant).components}
        found = self._series[plant]
        storage = DeviceKind.BATTERY in kinds
        values = plant_readings(found, day, storage=storage)
        if anchor := self._lifetime.anchor(plant):
            totals = lifetimes(found, day, *anchor)
            values |= unfallen(totals, self.readings.get(plant, {}))
        self._take(plant, values)
        closed = self._lifetime.closed(plant, day)
        self.energy[plant] = tuple(told(plant, found, day, closed))

    async def _anchor(self, plant: str, day: date) -> None:
        """Ask for the vendor's sums where it is time to; they may come another time."""
        now = self._clock.now()
        if self._lifetime.due(plant, day, now) <= now:
            with suppress(CloudError):
                await self._lifetime.ask(plant, self._series[plant], day, now)

    def _take(self, subject: str, values: Values) -> None:
        self.readings[subject] = values
        for key in values:
            if row := table.named(key):
                self._named[key] = row

    # --- a plant's own channels --------------------------------------------------------

    async def _known(self, plant: str) -> list[dict[str, Any]]:
        """Ask for what has answered before; nothing where that is refused now."""
        try:
            return await self._client.channels(
                plant, self._state(plant)[NAMES], YESTERDAY
            )
        except Refused, PermissionDenied:
            return []

    async def _probe(self, plant: str) -> list[dict[str, Any]]:
        """Find out which channels a plant has; raises when it has none for us."""
        state = self._state(plant)
        core = await self._ask(plant, table.PLANT_NAMES, SPLIT)
        figures: list[dict[str, Any]] = []
        with suppress(Refused, PermissionDenied):
            figures = await self._ask(plant, table.FIGURES, SPLIT[:1])
        more = sorted(self.inventory(plant).names - KNOWN)
        others: list[dict[str, Any]] = []
        with suppress(Refused, PermissionDenied):
            others = await self._ask(plant, more, SPLIT) if more else []
        rows = [*core, *figures, *others]
        if core:
            state[NAMES] = sorted({str(row.get("name")) for row in rows})
            state[PROBED] = self._clock.now().isoformat()
            state[ABSENT] = [] if figures else [table.snake(n) for n in table.FIGURES]
        return rows

    async def _ask(
        self, plant: str, names: Iterable[str], split: Collection[str | None]
    ) -> list[dict[str, Any]]:
        """Ask for channels: together, and one by one where one of them is refused."""
        wanted = list(names)
        try:
            return await self._client.channels(plant, wanted, YESTERDAY)
        except (Refused, PermissionDenied) as err:
            if err.code not in split:
                raise
            failure = err
        rows: list[dict[str, Any]] = []
        for name in wanted:
            try:
                rows += await self._client.channels(plant, [name], YESTERDAY)
            except Refused, PermissionDenied:
                continue
        if not rows:
            raise failure
        return rows

    # --- components and trackers ----------------------------------------------------------

    async def _poll_components(self, plant: str, at: datetime, *, probe: bool) -> None:
        state, shown = self._state(plant), self.inventory(plant).shown
        if not shown or (state.get(LEVEL) == NONE and not probe):
            return
        local = self._clock.now().astimezone(at.tzinfo)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        first = YESTERDAY if local - midnight < LATE else TODAY
        rows = await self._component_rows(plant, shown, first)
        if not rows:
            self._miss(plant)
            return
        state[MISSED] = 0
        by_device = _by_device(series(rows, self._clock.now()))
        strings = await self._strings(plant, first, at.date())
        for row in shown:
            if row.id in by_device:
                values = component_readings(by_device[row.id], row.kind, at.date())
                self._take(row.id, values | strings.get(row.id, {}))
                self.devices[row.id] = row.as_device(plant)
        if not by_device.keys() >= {row.id for row in shown}:
            self.relist.add(plant)
        self._forget(plant)

    def _forget(self, plant: str) -> None:
        """Leave out what a plant does not hold any more."""
        held = {row.id for row in self.inventory(plant).shown}
        gone = {row.id for row in self.devices.values() if row.plant == plant} - held
        for device in gone:
            self.devices.pop(device)
            self.readings.pop(device, None)

    def _miss(self, plant: str) -> None:
        """Learn that nothing came of components: another epoch, or not in the package."""
        state = self._state(plant)
        state[MISSED] = state.get(MISSED, 0) + 1
        self.relist.add(plant)
        if state.get(LEVEL) in (None, NONE) or state[MISSED] >= MISSES:
            state[LEVEL] = NONE
            for device in [row for row in self.devices.values() if row.plant == plant]:
                self.devices.pop(device.id)
                self.readings.pop(device.id, None)

    async def _component_rows(
        self, plant: str, shown: list[Component], first: str
    ) -> list[dict[str, Any]]:
        """Ask for all components: in one call, else one by one; nothing where denied."""
        state = self._state(plant)
        ids = [row.id for row in shown]
        names = sorted({name for row in shown for name in _names(row)})
        if state.get(LEVEL) != EACH:
            try:
                rows = await self._client.component_channels(plant, names, ids, first)
            except PermissionDenied:
                return []
            except Refused:
                rows = []
            else:
                if not rows:
                    return []
            if {str(row.get("deviceId")) for row in rows} & set(ids):
                state[LEVEL] = TOGETHER
                return rows
        return await self._each(plant, shown, first)

    async def _each(
        self, plant: str, shown: list[Component], first: str
    ) -> list[dict[str, Any]]:
        """Ask for the components one by one."""
        rows: list[dict[str, Any]] = []
        for row in shown:
            try:
                found = await self._client.component_channels(
                    plant, _names(row), [row.id], first, about=row.id
                )
            except Refused, PermissionDenied:
                continue
            rows += [{**one, "deviceId": row.id} for one in found]
        if rows:
            self._state(plant)[LEVEL] = EACH
        return rows

    async def _strings(self, plant: str, first: str, day: date) -> dict[str, Values]:
        """Return the values of the trackers by the inverter that they belong to."""
        trackers = self.inventory(plant).trackers
        if not trackers:
            return {}
        names = sorted({n for _, row in trackers.values() for n in row.channels})
        try:
            rows = await self._client.channels(
                plant, names, first, trackers=trackers, about="trackers"
            )
        except Refused, PermissionDenied:
            return {}
        found: dict[str, Values] = {}
        by_device = _by_device(series(rows, self._clock.now()))
        for own, (inverter, tracker) in trackers.items():
            if own in by_device:
                values = tracker_readings(by_device[own], tracker.index, day)
                found.setdefault(inverter, {}).update(values)
        if not by_device.keys() >= trackers.keys():
            # The ids of trackers are others in each epoch.
            self.relist.add(plant)
        return found


def _by_device(found: Iterable[Series]) -> dict[str, list[Series]]:
    by_device: dict[str, list[Series]] = {}
    for one in found:
        by_device.setdefault(one.device, []).append(one)
    return by_device


def _names(row: Component) -> tuple[str, ...]:
    """Return the channels of a component: those it lists, else those its kind has."""
    return row.channels or tuple(table.OF_KIND.get(row.kind, {}) if row.kind else ())


def _key(name: str, kind: DeviceKind | None) -> str:
    """Return the key under which a component's channel would be shown."""
    return (table.OF_KIND.get(kind, {}) if kind else {}).get(name) or table.snake(name)
