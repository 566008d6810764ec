"""The scheduler of FoxESS on the wire: its four versions, chosen by what a device answers.

Documented as "Scheduler", "Scheduler-V1", and V2 and V3 of the later revisions. A write
replaces all groups.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..errors import Busy, NotSupported, Refused
from ..quota import Purpose
from ..values import number, truth
from . import endpoints as on
from .client import FoxessClient
from .errnos import QueryFailed
from .groups import NO_GROUP_SWITCH, SLOTS, Group, Held, decode, encode, neutral
from .tolerant import mapping

VERSIONS = (3, 2, 1, 0)
# Those that tell which groups are asleep; from EXTRA on they know all parameters.
SWITCHED, EXTRA = (2, 1), 2
FIRST_FLAG = 1
TIRED_AFTER = 3


class Scheduler:
    """Reads and writes the scheduler of the devices of an account."""

    def __init__(self, client: FoxessClient, memory: dict[str, Any]) -> None:
        """Keep in `memory` which version each device answered."""
        self._client = client
        self._held: dict[str, dict[str, Any]] = memory.setdefault("held", {})
        self._versions: dict[str, int] = memory.setdefault("scheduler", {})
        self._flags: dict[str, int] = memory.setdefault("scheduler_flag", {})
        self._failures: dict[str, int] = {}

    def forget(self, sn: str) -> None:
        """Ask again which version a device answers."""
        self._versions.pop(sn, None)
        self._flags.pop(sn, None)
        self._failures.pop(sn, None)

    async def read(self, sn: str, purpose: Purpose = Purpose.POLL) -> Held:
        """Return what a device holds; raises NotSupported when it has no scheduler."""
        known = self._versions.get(sn)
        if known is None:
            return await self._find(sn, purpose)
        try:
            held = await self._read(sn, known, purpose)
        except Refused:
            self.forget(sn)
            return await self._find(sn, purpose)
        except QueryFailed:
            self._failures[sn] = self._failures.get(sn, 0) + 1
            if self._failures[sn] < TIRED_AFTER:
                raise
            self.forget(sn)
            return await self._find(sn, purpose)
        self._failures.pop(sn, None)
        return held

    def last(self, sn: str) -> Held | None:
        """Return what a device held when it was last read."""
        known = self._held.get(sn)
        return Held.from_dict(known) if known else None

    async def read_whole(self, sn: str) -> Held:
        """Return what a device holds with the groups that are asleep.

        Version 3 does not tell which those are, so an older version is asked where one
        answers; it is then also the one to put the groups back with.
        """
        held = await self.read(sn, Purpose.COMMAND)
        if held.version != NO_GROUP_SWITCH or len(held.groups) > SLOTS:
            return held
        if any(group.remainder for group in held.groups):
            return held
        for version in SWITCHED:
            try:
                older = await self._read(sn, version, Purpose.COMMAND, attempts=1)
            except Refused, QueryFailed:
                continue
            awake = all(group.enabled for group in older.groups)
            if awake and len(older.groups) == len(held.groups):
                return held
            return older
        return held

    async def read_version(self, sn: str, version: int) -> Held:
        """Return what a device holds, by one version while there is one."""
        try:
            return await self._read(sn, version, Purpose.COMMAND)
        except Refused:
            return await self.read(sn, Purpose.COMMAND)

    async def _find(self, sn: str, purpose: Purpose) -> Held:
        failure: Busy | None = None
        silent: int | None = None
        for version in VERSIONS:
            try:
                result = await self._ask(sn, version, purpose, attempts=1)
            except Refused:
                continue
            except QueryFailed as err:
                failure = err
                continue
            if result:
                self._versions[sn] = version
                return await self._take(sn, version, result, purpose)
            silent = version if silent is None else silent
        if silent is not None:
            return await self._take(sn, silent, {}, purpose)
        raise failure or NotSupported("no version of the scheduler answers")

    async def _read(
        self, sn: str, version: int, purpose: Purpose, attempts: int | None = None
    ) -> Held:
        result = await self._ask(sn, version, purpose, attempts)
        return await self._take(sn, version, result, purpose)

    async def _ask(
        self, sn: str, version: int, purpose: Purpose, attempts: int | None = None
    ) -> dict[str, Any]:
        return await self._client.read(
            on.SCHEDULER_GET[version], sn, purpose, attempts=attempts
        )

    async def _take(
        self, sn: str, version: int, result: Mapping[str, Any], purpose: Purpose
    ) -> Held:
        """Return what an answer says; it is empty when the mode was set in the app."""
        properties: Mapping[str, Mapping[str, Any]] = {
            str(name).lower(): row
            for name, row in mapping(result.get("properties")).items()
            if isinstance(row, dict)
        }
        known = self.last(sn)
        if not properties and known and known.version == version:
            properties = known.properties
        enabled = truth(result.get("enable"))
        if enabled is None:
            enabled = await self.flag(sn, purpose)
        held = Held(
            version=version,
            enabled=enabled,
            groups=decode(result.get("groups")),
            properties=properties,
            slots=int(number(result.get("maxGroupCount")) or SLOTS),
        )
        self._held[sn] = held.as_dict()
        return held

    async def flag(self, sn: str, purpose: Purpose = Purpose.POLL) -> bool:
        """Return the main switch."""

        async def get(version: int) -> bool:
            endpoint = on.FLAG_GET[version]
            attempts = None if sn in self._flags else 1
            result = await self._client.read(endpoint, sn, purpose, attempts=attempts)
            return bool(truth(result.get("enable")))

        return await self._either(sn, get)

    async def switch(self, sn: str, enabled: bool) -> None:
        """Set the main switch."""

        async def change(version: int) -> None:
            endpoint = on.FLAG_SET[version]
            await self._client.change(endpoint, sn, enable=int(enabled))

        await self._either(sn, change)
        if sn in self._held:
            self._held[sn]["enabled"] = enabled

    async def _either[T](self, sn: str, call: Callable[[int], Awaitable[T]]) -> T:
        """Call version 1 of the main switch, or 0 where the device knows only that."""
        version = self._flags.get(sn, FIRST_FLAG)
        try:
            result = await call(version)
        except NotSupported, QueryFailed:
            version = 1 - version
            result = await call(version)
        self._flags[sn] = version
        return result

    async def write(self, sn: str, held: Held, groups: Sequence[Group]) -> None:
        """Replace all groups; an empty list leaves one that does nothing."""
        try:
            await self._write(sn, held, groups)
        except Refused:
            if groups:
                raise
            await self._write(sn, held, [neutral(held)])

    async def _write(self, sn: str, held: Held, groups: Sequence[Group]) -> None:
        # Parameters that a group does not name are the device's own, not those of the
        # group that was in its place before.
        extra = {"isDefault": True} if held.version >= EXTRA else {}
        await self._client.change(
            on.SCHEDULER_SET[held.version], sn, groups=encode(groups, held), **extra
        )
