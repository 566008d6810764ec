"""Settings of systems: read, written, read back; absent where the plan has none of it."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..clock import Clock
from ..control import Absent, Control, Reason, Setting
from ..errors import (
    AnswerLost,
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
)
from ..model import Reading
from ..quota import Purpose
from ..values import text
from . import endpoints as on
from .client import EnphaseClient, NotInPlan
from .lacking import Lacking
from .settings import (
    BACKUP,
    BATTERY,
    CONTACT,
    FROM_GRID,
    FULL,
    KEYS,
    MODE,
    NEVER,
    OFF,
    ON,
    PARTS,
    RESERVE,
    STORM,
    STORM_GUARD,
    Part,
    battery_body,
    battery_of,
    contact_body,
    contacts,
    flag,
)

GONE = (AuthenticationFailed, QuotaExceeded)
WITHHELD = (NotInPlan, PermissionDenied)
GRID_STATES = {"on grid": True, "off grid": False}


class Steering:
    """The settings of an owner's systems, as they were told last."""

    def __init__(
        self,
        client: EnphaseClient,
        clock: Clock,
        lacking: Lacking,
        memory: dict[str, Any],
    ) -> None:
        """Keep under `battery` what calls do not tell at all times."""
        self._client = client
        self._clock = clock
        self._lacking = lacking
        self._kept: dict[str, dict[str, Any]] = memory.setdefault("battery", {})
        # What is read before a write is still so when it is sent.
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.controls: dict[str, dict[str, Control | Absent]] = {}

    def take_over(self, system: str, found: Mapping[str, Control | Absent]) -> None:
        """Take up settings that were stored."""
        self.controls.setdefault(system, {}).update(found)

    def charges_from_grid(self, system: str) -> bool:
        """Return whether the owner lets the grid charge the batteries."""
        return self._kept.get(system, {}).get(FROM_GRID) is True

    # --- read ----------------------------------------------------------------------------

    async def poll(self, system: str) -> Mapping[str, Control | Absent]:
        """Ask for all settings of a system; raises when no call told any."""
        failures: list[CloudError] = []
        for part in PARTS:
            try:
                await self._read(system, part, Purpose.POLL)
            except GONE:
                raise
            except CloudError as err:
                failures.append(err)
        if len(failures) == len(PARTS):
            raise failures[0]
        return {**self.controls[system], **NEVER}

    async def grid(self, system: str) -> Mapping[str, Reading]:
        """Return whether the grid is there, nothing where nobody tells."""
        try:
            body = await self._client.call(on.READ_GRID, system=system)
        except GONE:
            raise
        except CloudError:
            return {}
        state = text(body.get("grid_state")) if isinstance(body, Mapping) else None
        connected = GRID_STATES.get((state or "").lower())
        return {"grid_connected": Reading(value=connected, at=self._clock.now())}

    async def read(
        self, system: str, keys: Collection[str]
    ) -> Mapping[str, Control | Absent]:
        """Ask for settings afresh."""
        for part in PARTS:
            if any(KEYS.get(key) is part for key in keys):
                await self._read(system, part, Purpose.COMMAND)
        held = self.controls.get(system, {})
        return {key: held[key] for key in keys if key in held}

    async def battery(self, system: str) -> Mapping[str, Any]:
        """Return the battery's settings as they are now, in our words."""
        return battery_of(await self._ask(system, BATTERY, Purpose.COMMAND))

    async def _read(self, system: str, part: Part, purpose: Purpose) -> None:
        """Ask for the settings of a part; what is withheld is absent."""
        try:
            await self._ask(system, part, purpose)
        except NotSupported:
            self._lack(system, part, Reason.UNSUPPORTED)
        except WITHHELD:
            reason = self._lacking.why(part.read, system)
            self._lack(system, part, reason or Reason.NO_PERMISSION)

    async def _ask(self, system: str, part: Part, purpose: Purpose) -> Any:
        """Return the answer about a part, and take over what it tells."""
        body = await self._client.call(part.read, system=system, purpose=purpose)
        if body is None:
            raise NotSupported
        if not isinstance(body, dict):
            raise UnexpectedAnswer("no fields")
        self._lack(system, part, Reason.UNSUPPORTED)
        self.controls[system].update(part.told(body, self._clock.now()))
        if part is BATTERY:
            self._keep(system, body)
        return body

    def _lack(self, system: str, part: Part, reason: Reason) -> None:
        """Take all settings of a part as absent."""
        keys = (key for key, own in KEYS.items() if own is part)
        absent = dict.fromkeys(keys, Absent(reason=reason))
        self.controls.setdefault(system, {}).update(absent)

    def _keep(self, system: str, body: Mapping[str, Any]) -> None:
        """Keep the reserve of the other modes, which Full Backup may hide."""
        now, kept = battery_of(body), self._kept.setdefault(system, {})
        kept[FROM_GRID] = flag(body.get(FROM_GRID))
        if now[MODE] not in (None, BACKUP) and now[RESERVE] is not None:
            kept[RESERVE] = now[RESERVE]

    # --- write ---------------------------------------------------------------------------

    async def write(
        self, system: str, changes: Mapping[str, Setting]
    ) -> Mapping[str, CloudError]:
        """Send settings; returns those that were refused.

        What goes in one call is read before, so that nothing else is reset by it.
        """
        refused: dict[str, CloudError] = {}
        async with self._locks[system]:
            for part in PARTS:
                own = {key: row for key, row in changes.items() if KEYS[key] is part}
                for group in _together(part, own):
                    try:
                        await self._write(system, part, group)
                    except (Refused, NotInPlan, PermissionDenied) as err:
                        refused |= dict.fromkeys(group, err)
        return refused

    async def _write(
        self, system: str, part: Part, changes: Mapping[str, Setting]
    ) -> None:
        """Send what belongs together in one call, unless it is so already."""
        if part is STORM_GUARD:
            status = ON if changes[STORM] else OFF
            await self._put(system, part, {"storm_guard_status": status})
            return
        told = await self._told(system, part)
        if part is BATTERY:
            body = self._battery_body(system, told, changes)
            if body != battery_body(battery_of(told)):
                await self._put(system, part, body)
            return
        ((key, value),) = changes.items()
        rows = contacts(told)
        index = int(key.removeprefix(CONTACT)) - 1
        if index >= len(rows):
            raise NotSupported
        body = contact_body(rows[index], value)
        if body["mode"] != rows[index].get("mode"):
            await self._put(system, part, body)

    async def _told(self, system: str, part: Part) -> Any:
        """Return a part's settings before a write: nothing was sent if they do not come."""
        try:
            return await self._ask(system, part, Purpose.COMMAND)
        except AnswerLost as err:
            raise CloudUnavailable(err.words, code=err.code) from None

    def _battery_body(
        self, system: str, told: Any, changes: Mapping[str, Setting]
    ) -> dict[str, Any]:
        """Return what the batteries are told: what is changed, and all the rest as it is.

        Full Backup shows a reserve of 100 %, whatever it is in the other modes.
        """
        now = battery_of(told)
        leaves = now[MODE] == BACKUP and changes.get(MODE, BACKUP) != BACKUP
        if leaves and now[RESERVE] == FULL:
            now[RESERVE] = self._kept.get(system, {}).get(RESERVE, FULL)
        return battery_body({**now, **changes})

    async def _put(self, system: str, part: Part, body: Mapping[str, Any]) -> None:
        """Send a part once; what a system does not take as it stands is refused."""
        try:
            await self._client.call(
                part.write, system=system, body=body, purpose=Purpose.COMMAND
            )
        except NotSupported as err:
            raise Refused(err.words, code=err.code) from None


def _together(
    part: Part, changes: Mapping[str, Setting]
) -> Iterable[Mapping[str, Setting]]:
    """Return what goes in one call: the battery's settings, but one contact at a time."""
    if part is BATTERY and changes:
        return (changes,)
    return ({key: value} for key, value in changes.items())
