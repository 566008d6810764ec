"""Settings of systems: read, written, read back; absent where the plan has none of it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..errors import (
    AuthenticationFailed,
    CloudError,
    NotSupported,
    QuotaExceeded,
    Refused,
)
from ..model import Reading
from ..quota import Purpose
from . import endpoints as on
from .client import EnphaseClient, NotInPlan
from .settings import (
    BATTERY,
    CONTACT,
    KEYS,
    LOADS,
    NEVER,
    OFF,
    ON,
    PARTS,
    STORM,
    STORM_GUARD,
    Part,
    battery_body,
    contact_body,
    contacts,
)

GONE = (AuthenticationFailed, QuotaExceeded)
ON_GRID = "on grid"


class Steering:
    """The settings of an owner's systems, as they were told last."""

    def __init__(self, client: EnphaseClient, clock: Clock) -> None:
        """Begin without knowing any."""
        self._client = client
        self._clock = clock
        self._told: dict[str, dict[str, Any]] = {}
        self.controls: dict[str, dict[str, Control | Absent]] = {}

    def take_over(self, system: str, found: Mapping[str, Control | Absent]) -> None:
        """Take up settings that were stored."""
        self.controls.setdefault(system, {}).update(found)

    async def poll(self, system: str) -> Mapping[str, Control | Absent]:
        """Ask for all settings of a system; a part that it has not is absent."""
        failure: CloudError | None = None
        for part in PARTS:
            try:
                await self._read(system, part, Purpose.POLL)
            except GONE:
                raise
            except CloudError as err:
                failure = err
        found = self.controls.get(system, {})
        if failure and not found:
            raise failure
        return {**NEVER, **found}

    async def grid(self, system: str) -> Mapping[str, Reading]:
        """Return whether the grid is there."""
        body = await self._client.call(on.READ_GRID, system=system)
        state = str(body.get("grid_state", "") if isinstance(body, Mapping) else "")
        if not state:
            return {}
        connected = state.lower() == ON_GRID
        now = self._clock.now()
        return {"grid_connected": Reading(value=connected, at=now)}

    async def _read(self, system: str, part: Part, purpose: Purpose) -> None:
        """Ask for the settings of a part."""
        keys = [key for key, own in KEYS.items() if own is part]
        held = self.controls.setdefault(system, {})
        try:
            body = await self._client.call(part.read, system=system, purpose=purpose)
        except NotInPlan:
            held |= dict.fromkeys(keys, Absent(reason=Reason.NOT_IN_PLAN))
            return
        except NotSupported:
            held |= dict.fromkeys(keys, Absent(reason=Reason.UNSUPPORTED))
            return
        self._told.setdefault(system, {})[part.name] = body
        missing = dict.fromkeys(keys, Absent(reason=Reason.UNSUPPORTED))
        held |= missing | dict(part.told(body, self._clock.now()))

    async def read(
        self, system: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Ask for settings afresh."""
        for part in PARTS:
            if any(KEYS.get(key) is part for key in keys):
                await self._read(system, part, Purpose.COMMAND)
        held = self.controls.get(system, {})
        return {key: held[key] for key in keys if key in held}

    async def write(
        self, system: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings; what belongs together goes in one call, on what is set now."""
        refused: dict[str, CloudError] = {}
        sent = False
        for part in PARTS:
            own = {key: row for key, row in changes.items() if KEYS.get(key) is part}
            if not own:
                continue
            try:
                await self._write(system, part, own)
                sent = True
            except (Refused, NotInPlan) as err:
                refused |= dict.fromkeys(own, err)
        if not sent and len(refused) == len(changes) == 1:
            raise next(iter(refused.values()))
        return refused

    async def _write(
        self, system: str, part: Part, changes: Mapping[str, Setting]
    ) -> None:
        if part is STORM_GUARD:
            status = ON if changes[STORM] else OFF
            await self._put(system, part, {"storm_guard_status": status})
            return
        await self._read(system, part, Purpose.COMMAND)
        told = self._told.get(system, {}).get(part.name)
        if part is BATTERY:
            await self._put(system, part, battery_body(told, changes))
            return
        rows = contacts(told)
        for key, value in changes.items():
            index = int(key.removeprefix(CONTACT)) - 1
            if index >= len(rows):
                raise NotSupported
            await self._put(system, LOADS, contact_body(rows[index], value))

    async def _put(self, system: str, part: Part, body: Mapping[str, Any]) -> None:
        await self._client.call(
            part.write, system=system, body=body, purpose=Purpose.COMMAND
        )

    async def battery(self, system: str) -> dict[str, Any]:
        """Return the battery's settings as they are now, in the wire's words."""
        await self._read(system, BATTERY, Purpose.COMMAND)
        told = self._told.get(system, {}).get(BATTERY.name)
        return dict(told) if isinstance(told, Mapping) else {}

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    def known(self, system: str) -> Mapping[str, Any]:
        """Return the battery's settings as they were told last."""
        told = self._told.get(system, {}).get(BATTERY.name)
        return told if isinstance(told, Mapping) else {}
