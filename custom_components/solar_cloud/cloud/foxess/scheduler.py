"""The scheduler of FoxESS in its four shapes, chosen by what the device answers.

Groups repeat daily by the device's own clock; the end is inclusive; a write replaces all
groups. Version 0 and 1 send flat groups, 2 and 3 put the parameters into `extraParam`,
3 has no switch per group. Documented as "Scheduler", "Scheduler-V1", and V2 and V3 of the
later revisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from ..errors import Busy, CloudError, NotSupported, Refused, UnexpectedAnswer
from ..quota import Purpose
from ..values import number, truth
from . import endpoints as on
from .client import FoxessClient

VERSIONS = (3, 2, 1, 0)
NO_GROUP_SWITCH = 3
OLDER = (2, 1)
SLOTS = 8
LAST_MINUTE = 24 * 60 - 1
UNUSED = "Invalid"
NEUTRAL = "SelfUse"
WHOLE_DAY_REMAINDER = "isRemainMode"

FLAT_PARAMETERS = {
    0: ("minSocOnGrid", "fdSoc", "fdPwr"),
    1: ("minSocOnGrid", "fdSoc", "fdPwr", "maxSoc"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One window of the day: minutes, both inclusive; parameters by the vendor's names."""

    start: int
    end: int
    mode: str
    enabled: bool = True
    parameters: dict[str, float] = field(default_factory=dict)
    remainder: bool = False

    def same_run(self, other: Group) -> bool:
        """Return whether both make the battery do the same at the same time."""
        shared = self.parameters.keys() & other.parameters.keys()
        return (
            (self.start, self.end, self.mode) == (other.start, other.end, other.mode)
            and self.enabled == other.enabled
            and all(self.parameters[key] == other.parameters[key] for key in shared)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The scheduler as a device holds it; `properties` have lower-case names."""

    version: int
    enabled: bool
    groups: tuple[Group, ...]
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    slots: int = SLOTS

    @property
    def modes(self) -> tuple[str, ...]:
        """Return the modes a group may have, by the device's own list."""
        return tuple(self.properties.get("workmode", {}).get("enumList") or ())

    def range(self, name: str) -> tuple[float | None, float | None]:
        """Return the range of a parameter, where the device gives one."""
        found = self.properties.get(name.lower(), {}).get("range") or {}
        return number(found.get("min")), number(found.get("max"))

    def takes(self, parameter: str) -> bool:
        """Return whether a group may carry a parameter."""
        if self.version in FLAT_PARAMETERS:
            return parameter in FLAT_PARAMETERS[self.version]
        return parameter.lower() in self.properties

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "version": self.version,
            "enabled": self.enabled,
            "groups": [asdict(group) for group in self.groups],
            "properties": dict(self.properties),
            "slots": self.slots,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        return cls(
            version=data["version"],
            enabled=data["enabled"],
            groups=tuple(Group(**row) for row in data["groups"]),
            properties=data["properties"],
            slots=data["slots"],
        )


class Scheduler:
    """Reads and writes the scheduler of the devices of an account."""

    def __init__(self, client: FoxessClient, memory: dict[str, Any]) -> None:
        """Keep in `memory` which version each device answered."""
        self._client = client
        self._held: dict[str, dict[str, Any]] = memory.setdefault("held", {})
        self._versions: dict[str, int] = memory.setdefault("scheduler", {})
        self._flags: dict[str, int] = memory.setdefault("scheduler_flag", {})

    async def read(self, sn: str, purpose: Purpose = Purpose.POLL) -> Held:
        """Return what a device holds; raises NotSupported when it has no scheduler."""
        held = await self._find(sn, purpose)
        self._held[sn] = held.as_dict()
        return held

    def last(self, sn: str) -> Held | None:
        """Return what a device held when it was last read."""
        known = self._held.get(sn)
        return Held.from_dict(known) if known else None

    async def read_whole(self, sn: str, purpose: Purpose = Purpose.COMMAND) -> Held:
        """Return what a device holds, with the groups that are asleep.

        Version 3 has no switch per group, so an older version is asked where one answers;
        it is also the one to put the groups back with.
        """
        held = await self.read(sn, purpose)
        if held.version != NO_GROUP_SWITCH or len(held.groups) > SLOTS:
            return held
        for version in OLDER:
            try:
                return await self._read(sn, version, purpose)
            except Refused, Busy:
                continue
        return held

    async def read_version(self, sn: str, version: int) -> Held:
        """Return what a device holds, by one version."""
        held = await self._read(sn, version, Purpose.COMMAND)
        self._held[sn] = held.as_dict()
        return held

    async def _find(self, sn: str, purpose: Purpose) -> Held:
        if (known := self._versions.get(sn)) is not None:
            return await self._read(sn, known, purpose)
        silent: Held | None = None
        for version in VERSIONS:
            try:
                held = await self._read(sn, version, purpose)
            except Refused, Busy:
                continue
            if held.groups or held.properties:
                self._versions[sn] = version
                return held
            silent = silent or held
        if silent is None:
            raise NotSupported("no version of the scheduler answers")
        return silent

    async def _read(self, sn: str, version: int, purpose: Purpose) -> Held:
        try:
            result = await self._client.read(on.SCHEDULER_GET[version], sn, purpose)
        except UnexpectedAnswer as err:
            if err.code is not None:
                raise
            # The service answers null when the mode was last set in the vendor's app.
            return Held(version=version, enabled=False, groups=())
        properties = {
            str(name).lower(): row
            for name, row in (result.get("properties") or {}).items()
            if isinstance(row, dict)
        }
        enabled = truth(result.get("enable"))
        if enabled is None:
            enabled = await self.flag(sn, purpose)
        return Held(
            version=version,
            enabled=enabled,
            groups=tuple(decode(result.get("groups") or ())),
            properties=properties,
            slots=int(number(result.get("maxGroupCount")) or SLOTS),
        )

    async def flag(self, sn: str, purpose: Purpose = Purpose.POLL) -> bool:
        """Return the main switch."""
        result = await self._either(
            sn,
            lambda version: self._client.read(
                on.FLAG_GET_V1 if version else on.FLAG_GET_V0, sn, purpose
            ),
        )
        return bool(truth(result.get("enable")))

    async def switch(self, sn: str, enabled: bool) -> None:
        """Set the main switch."""
        await self._either(
            sn,
            lambda version: self._client.change(
                on.FLAG_SET_V1 if version else on.FLAG_SET_V0, sn, enable=int(enabled)
            ),
        )
        if sn in self._held:
            self._held[sn]["enabled"] = enabled

    async def _either(self, sn: str, call: Any) -> Any:
        """Call version 1 of the flag, or 0 where the device knows only that."""
        versions = [self._flags[sn]] if sn in self._flags else [1, 0]
        for version in versions:
            try:
                result = await call(version)
            except (NotSupported, Busy) as err:
                failure: CloudError = err
                continue
            self._flags[sn] = version
            return result
        raise failure

    async def write(self, sn: str, held: Held, groups: Sequence[Group]) -> None:
        """Replace all groups; an empty list leaves one that does nothing."""
        sent = [encode(group, held) for group in groups[: held.slots]]
        extra = {"isDefault": False} if held.version >= 2 else {}
        endpoint = on.SCHEDULER_SET[held.version]
        try:
            await self._client.change(endpoint, sn, groups=sent, **extra)
        except Refused:
            if sent:
                raise
            neutral = Group(start=0, end=LAST_MINUTE, mode=NEUTRAL, enabled=False)
            await self._client.change(
                endpoint, sn, groups=[encode(neutral, held)], **extra
            )


def decode(rows: Iterable[Mapping[str, Any]]) -> Iterable[Group]:
    """Return the groups in use among those a device sent."""
    for row in rows:
        start, end = _minute(row, "start"), _minute(row, "end")
        mode = str(row.get("workMode") or UNUSED)
        if mode == UNUSED or (start == end == 0):
            continue
        parameters = {
            key: value
            for key, raw in {**row, **(row.get("extraParam") or {})}.items()
            if key not in _FRAME and (value := number(raw)) is not None
        }
        yield Group(
            start=start,
            end=end,
            mode=mode,
            enabled=truth(row.get("enable", 1)) is not False,
            parameters=parameters,
            remainder=bool(truth(row.get(WHOLE_DAY_REMAINDER))),
        )


_FRAME = frozenset(
    (
        "enable",
        "startHour",
        "startMinute",
        "endHour",
        "endMinute",
        "workMode",
        "extraParam",
        WHOLE_DAY_REMAINDER,
    )
)


def _minute(row: Mapping[str, Any], edge: str) -> int:
    hour, minute = number(row.get(f"{edge}Hour")), number(row.get(f"{edge}Minute"))
    return int((hour or 0) * 60 + (minute or 0))


def encode(group: Group, held: Held) -> dict[str, Any]:
    """Return a group as the device's version of the scheduler takes it."""
    start_hour, start_minute = divmod(group.start, 60)
    end_hour, end_minute = divmod(group.end, 60)
    row: dict[str, Any] = {
        "startHour": start_hour,
        "startMinute": start_minute,
        "endHour": end_hour,
        "endMinute": end_minute,
        "workMode": group.mode,
    }
    parameters = {
        key: int(value) if value == int(value) else value
        for key, value in group.parameters.items()
        if held.takes(key)
    }
    if held.version < 3:
        row["enable"] = int(group.enabled)
    if held.version in FLAT_PARAMETERS:
        return row | parameters
    if group.remainder:
        row[WHOLE_DAY_REMAINDER] = True
    return row | {"extraParam": parameters}


def windows(start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return a span of minutes, end exclusive, as windows of one day, ends inclusive."""
    day = LAST_MINUTE + 1
    first, last = start % day, (end - 1) % day
    if end - start >= day:
        return ((0, LAST_MINUTE),)
    if first <= last:
        return ((first, last),)
    return ((first, LAST_MINUTE), (0, last))


def cut(groups: Iterable[Group], spans: Sequence[tuple[int, int]]) -> list[Group]:
    """Return the groups without the minutes of the spans."""
    kept = list(groups)
    for first, last in spans:
        kept = [piece for group in kept for piece in _cut_one(group, first, last)]
    return kept


def _cut_one(group: Group, first: int, last: int) -> Iterable[Group]:
    if group.remainder or group.end < first or group.start > last:
        yield group
        return
    if group.start < first:
        yield replace(group, end=first - 1)
    if group.end > last:
        yield replace(group, start=last + 1)
