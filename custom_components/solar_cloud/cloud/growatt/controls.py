"""Steering Growatt's machines: settings read and written, each family by its own rows.

What is set is read before it is written, with its neighbours: what nobody touched is never
sent with another value, and what already holds is not sent at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..dispatch import agrees
from ..errors import (
    Busy,
    CloudError,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    PermissionDenied,
    Refused,
    UnexpectedAnswer,
)
from ..model import Controls
from ..quota import Call, Purpose
from . import endpoints as on
from .client import GrowattClient
from .export import Export
from .items import (
    BATTERY_ONLY,
    EXPORT,
    FORCED_POWER,
    KEYS,
    MIN_SOC,
    MODE,
    ON_OFF,
    SYNC_CLOCK,
    TOGETHER,
    TURNED_ON,
    WITH_EXPORT,
    WITH_MODES,
    WITH_WINDOWS,
    Row,
    row_of,
)
from .modes import Modes
from .programmes import CHARGE, DISCHARGE, Programmes
from .runs import Runs
from .schedules import Schedules
from .segments import Held
from .settings import Find, Look, Settings

STAMP, SHORT_STAMP = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"
UNSUPPORTED = Absent(reason=Reason.UNSUPPORTED)
UNKNOWN = Absent(reason=Reason.UNKNOWN)

type Found = dict[str, Control | Absent]


class Steering:
    """Reads and writes the settings of the machines of an account."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        memory: dict[str, Any],
        *,
        machine: Find,
    ) -> None:
        """Keep in `memory` what was learned of each machine, and what is under way."""
        memory = memory.setdefault("steering", {})
        self._settings = settings = Settings(client, clock, memory, machine)
        self._programmes = programmes = Programmes(settings)
        self._modes = modes = Modes(programmes, memory)
        self._export = export = Export(settings, memory)
        self._forms: dict[str, str] = memory.setdefault("on_forms", {})
        self._locks: dict[str, asyncio.Lock] = {}
        self._last: dict[str, Found] = {}
        self._clock = clock
        self.remember: Callable[[], Awaitable[None]] | None = None
        self.runs = Runs(settings, programmes, export, memory, lock=self.lock)
        self.schedules = Schedules(
            settings, programmes, modes, self.runs, lock=self.lock
        )

    def lock(self, sn: str) -> asyncio.Lock:
        """Return the lock under which a machine is changed."""
        return self._locks.setdefault(sn, asyncio.Lock())

    def firmware(self, sn: str, version: str) -> None:
        """Ask again for what a machine did not know, once its firmware is another."""
        self._settings.firmware(sn, version)

    def keys(self, sn: str) -> tuple[str, ...]:
        """Return the settings that are told of a machine, there or absent."""
        storage = self._settings.machine(sn).family is on.STORAGE
        return (*KEYS, FORCED_POWER) if storage else KEYS

    def calls(self, sn: str) -> tuple[Call, ...]:
        """Return the calls of a poll, for planning."""
        family = self._settings.machine(sn).family
        single = [self._settings.clock_id(sn)]
        if family in (on.INVERTER, on.STORAGE):
            rows = [row_of(family, key) for key in KEYS]
            single += [row.ids[0] for row in rows if row]
        return self._settings.calls(sn, single)

    def _is_offered(self, look: Look, key: str) -> bool:
        """Return whether a family has a setting at all."""
        family = look.machine.family
        if key in BATTERY_ONLY and not look.machine.has_battery:
            return False
        if key == MODE:
            return family.name in WITH_MODES
        if key in EXPORT:
            return family.name in WITH_EXPORT
        if key in TOGETHER and family.name in WITH_WINDOWS:
            return True
        return key == SYNC_CLOCK or row_of(family, key) is not None

    # --- read --------------------------------------------------------------------------

    def take_over(self, controls: Controls) -> None:
        """Take over what was read before a restart."""
        for sn, found in controls.items():
            self.found(sn).update(found)

    def found(self, sn: str) -> Found:
        """Return what a machine has answered so far; it grows while it is read."""
        return self._last.setdefault(sn, {})

    async def read(self, sn: str, keys: Collection[str]) -> Found:
        """Read settings afresh, and the mode where the same answer tells it.

        Raises when nothing gave an answer.
        """
        look, found = self._settings.look(sn), dict[str, Control | Absent]()
        failure: CloudError | None = None
        for key in keys:
            try:
                found[key] = await self._read(look, key)
            except (Refused, Busy, UnexpectedAnswer) as err:
                failure = err
        if look.is_whole and MODE not in found:
            found[MODE] = await self._read(look, MODE)
        self.found(sn).update(found)
        if failure and not found:
            raise failure
        return found

    async def poll(self, sn: str) -> Found:
        """Read all settings; those that give no answer now stay as they were.

        Raises when the machine gave nothing that can be understood.
        """
        look = self._settings.look(sn, Purpose.POLL)
        known = self.found(sn)
        failure: CloudError | None = None
        answered = False
        offered = [key for key in self.keys(sn) if self._is_offered(look, key)]
        known |= dict.fromkeys(set(self.keys(sn)) - set(offered), UNSUPPORTED)
        for key in offered:
            try:
                known[key] = await self._read(look, key)
            except PermissionDenied:
                known[key] = Absent(reason=Reason.NO_PERMISSION)
            except DeviceOffline, DeviceGone:
                break
            except Refused, Busy:
                continue
            except UnexpectedAnswer as err:
                failure = err
                continue
            answered = True
        if failure and not answered:
            raise failure
        if answered:
            await self.runs.learn(look)
        return {key: known.get(key, UNKNOWN) for key in self.keys(sn)}

    async def _read(self, look: Look, key: str) -> Control | Absent:
        if not self._is_offered(look, key):
            return UNSUPPORTED
        try:
            return await self._read_offered(look, key)
        except NotSupported:
            return UNSUPPORTED

    async def _read_offered(self, look: Look, key: str) -> Control | Absent:
        now = self._settings.now
        if key == SYNC_CLOCK:
            offset = await self._settings.clock_offset(look.sn, look.purpose)
            return UNKNOWN if offset is None else Control(value=offset, at=now())
        if key in EXPORT:
            return await self._export.read(look, key)
        if key == MODE:
            held = await self._programmes.read(look)
            return self._modes.control(look.sn, held, now())
        if row := row_of(look.machine.family, key):
            value = await self._value(look, row)
            return UNKNOWN if value is None else _control(row, value, now())
        held = await self._programmes.read(look)
        return _together(key, held, now())

    async def _value(self, look: Look, row: Row) -> Setting | None:
        told = await look.told(*row.told)
        return row.value(await look.parameter(*row.ids) if told is None else told)

    # --- write -------------------------------------------------------------------------

    async def write(
        self, sn: str, changes: Mapping[str, Setting]
    ) -> dict[str, CloudError]:
        """Send settings; returns those that were refused, by key.

        A refusal is believed once the machine does not show the value either.
        """
        refused: dict[str, CloudError] = {}
        async with self.lock(sn):
            look = self._settings.look(sn)
            for keys in self._groups(sn, changes):
                if keys == (MODE,) and TOGETHER.keys() & changes.keys():
                    look = self._settings.look(sn)
                part = {key: changes[key] for key in keys}
                try:
                    await self._write(look, part)
                except Refused as err:
                    refused |= dict.fromkeys(keys, err)
        if not refused:
            return {}
        try:
            shown = await self.read(sn, list(refused))
        except CloudError:
            return refused
        return {
            key: err
            for key, err in refused.items()
            if not (
                isinstance(control := shown.get(key), Control)
                and agrees(control, changes[key])
            )
        }

    def _groups(self, sn: str, keys: Iterable[str]) -> list[tuple[str, ...]]:
        """Return the keys in the order they are sent; what goes together in one tuple."""
        together: list[tuple[str, ...]] = [EXPORT]
        if self._settings.machine(sn).family.name in WITH_WINDOWS:
            together.append(tuple(TOGETHER))
        together.append((MODE,))
        grouped = {key for group in together for key in group}
        return [
            *((key,) for key in keys if key not in grouped),
            *(
                part
                for group in together
                if (part := tuple(key for key in group if key in keys))
            ),
        ]

    async def _write(self, look: Look, part: Mapping[str, Setting]) -> None:
        key, value = next(iter(part.items()))
        row = row_of(look.machine.family, key)
        if not all(self._is_offered(look, name) for name in part):
            raise NotSupported("the machine does not have this setting")
        if key == SYNC_CLOCK:
            await self._sync_clock(look)
        elif key in EXPORT:
            await self._export.write(look, part)
        elif key == MODE:
            self.runs.require_free(look.sn)
            await self._modes.set(look, str(value), self._save)
        elif row is None:
            await self._write_together(look, part)
        elif await self._value(look, row) != value:
            await self._send(look, row, value)

    async def _send(self, look: Look, row: Row, value: Setting) -> None:
        name = await look.known(*row.ids)
        if row.key != ON_OFF or not value:
            await self._settings.send(look.sn, name, row.wire(value))
            return
        forms = sorted(TURNED_ON, key=lambda form: form != self._on_form(look))
        try:
            await self._settings.send(look.sn, name, forms[0])
        except NotSupported:
            raise
        except Refused:
            await self._settings.send(look.sn, name, forms[1])
            self._forms[look.sn] = forms[1]

    def _on_form(self, look: Look) -> str:
        """Return how a machine is told to turn on: by the document, or as today's pages say."""
        document = look.machine.family in (on.INVERTER, on.STORAGE)
        return self._forms.get(look.sn, TURNED_ON[0 if document else 1])

    async def _sync_clock(self, look: Look) -> None:
        form = SHORT_STAMP if look.machine.family is on.STORAGE else STAMP
        local = self._settings.now().astimezone(look.machine.zone)
        name = self._settings.clock_id(look.sn)
        await self._settings.send(look.sn, name, local.strftime(form))

    async def _write_together(self, look: Look, part: Mapping[str, Setting]) -> None:
        """Send what an SPH or SPA takes with its windows only."""
        held = await self._programmes.read(look)
        values = dict(held.values)
        for key, value in part.items():
            if key == MIN_SOC:
                values |= _floors(held, float(value))
            else:
                values[TOGETHER[key]] = float(value)
        await self._programmes.write(look, held, replace(held, values=values))

    async def _save(self) -> None:
        if self.remember:
            await self.remember()


def _control(row: Row, value: Setting, now: Any) -> Control:
    if row.words:
        return Control(value=value, at=now, options=tuple(row.words.values()))
    if row.switch:
        return Control(value=value, at=now)
    return Control(value=value, at=now, minimum=row.low, maximum=row.high, step=1)


def _together(key: str, held: Held, now: Any) -> Control | Absent:
    """Return a value of an SPH's or SPA's windows; absent where it could not be written."""
    name = TOGETHER[key]
    whole = next(names for names in (CHARGE, DISCHARGE) if name in names)
    if not held.values.keys() >= set(whole):
        return UNKNOWN
    if name == "mains":
        return Control(value=bool(held.values[name]), at=now)
    value = held.values[name]
    if key == MIN_SOC:
        value = min(value, held.values.get("load_stop", value))
    return Control(value=value, at=now, minimum=0, maximum=100, step=1)


def _floors(held: Held, floor: float) -> dict[str, float]:
    """Return the stop SOCs below which the battery is never discharged.

    A higher one, which the owner has set where the grid comes first, stays.
    """
    if "load_stop" not in held.values:
        return {"discharge_stop": floor}
    if (stop := held.values.get("discharge_stop")) is None:
        raise Refused("the machine does not tell its discharge stop")
    return {"load_stop": floor, "discharge_stop": max(stop, floor)}
