"""The groups of the FoxESS scheduler: what they are, and how each version writes them.

Groups repeat daily by the device's own clock, and their end is inclusive. Version 0 and 1
have flat groups, 2 and 3 put the parameters into `extraParam`, 3 has no switch per group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

from ..values import number, truth
from .tolerant import mapping

SLOTS = 8
LAST_MINUTE = 24 * 60 - 1
UNUSED = "Invalid"
NEUTRAL = "SelfUse"
REMAINDER = "isRemainMode"
NO_GROUP_SWITCH = 3

# The parameters of versions 0 and 1, and those that every device has.
FLAT_PARAMETERS = {
    0: ("minSocOnGrid", "fdSoc", "fdPwr"),
    1: ("minSocOnGrid", "fdSoc", "fdPwr", "maxSoc"),
}
COMMON_PARAMETERS = FLAT_PARAMETERS[1]
LOWEST_SOC, HIGHEST_SOC = 10.0, 100.0

# W by which a rating may be too low: the service cuts off the half of 10.5 kW.
CUT_OFF = 1000.0

_FRAME = frozenset(
    (
        "enable",
        "startHour",
        "startMinute",
        "endHour",
        "endMinute",
        "workMode",
        "extraParam",
        REMAINDER,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One window of the day: minutes, both inclusive; parameters by the vendor's names."""

    start: int
    end: int
    mode: str
    enabled: bool = True
    parameters: dict[str, float] = field(default_factory=dict)
    remainder: bool = False

    def same(self, other: Group) -> bool:
        """Return whether both are one group; a device puts one to sleep when it is over."""
        shared = self.parameters.keys() & other.parameters.keys()
        return (self.start, self.end, self.mode) == (
            other.start,
            other.end,
            other.mode,
        ) and all(self.parameters[key] == other.parameters[key] for key in shared)


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

    def offers(self, mode: str) -> bool:
        """Return whether a group may have a mode; without a list it may have any."""
        return not self.modes or mode in self.modes

    def range(self, name: str) -> tuple[float | None, float | None]:
        """Return the range of a parameter, where the device gives one."""
        found = mapping(self.properties.get(name.lower(), {}).get("range"))
        return number(found.get("min")), number(found.get("max"))

    @property
    def lowest_soc(self) -> float:
        """Return the lowest floor in %."""
        low = self.range("minSocOnGrid")[0]
        return LOWEST_SOC if low is None else low

    @property
    def highest_soc(self) -> float:
        """Return the highest target in %."""
        return self.range("maxSoc")[1] or HIGHEST_SOC

    def most_power(self, rated: float | None) -> float | None:
        """Return the most W of a group; a range far above the rating is bogus."""
        high = self.range("fdPwr")[1]
        if high and rated and high > rated + CUT_OFF:
            return rated
        return high or rated

    def takes(self, parameter: str) -> bool:
        """Return whether a group may carry a parameter; others are refused."""
        if self.version in FLAT_PARAMETERS:
            return parameter in FLAT_PARAMETERS[self.version]
        if not self.properties:
            return parameter in COMMON_PARAMETERS
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


def decode(rows: Any) -> tuple[Group, ...]:
    """Return the groups in use among those a device sent."""
    sent = rows if isinstance(rows, list) else []
    return tuple(group for row in sent if (group := _group(mapping(row))))


def _group(row: Mapping[str, Any]) -> Group | None:
    start, end = _minute(row, "start"), _minute(row, "end")
    mode = str(row.get("workMode") or UNUSED)
    if mode == UNUSED or (start == end == 0):
        return None
    return Group(
        start=start,
        end=end,
        mode=mode,
        enabled=truth(row.get("enable", 1)) is not False,
        parameters={
            key: value
            for key, raw in {**row, **mapping(row.get("extraParam"))}.items()
            if key not in _FRAME and (value := number(raw)) is not None
        },
        remainder=bool(truth(row.get(REMAINDER))),
    )


def _minute(row: Mapping[str, Any], edge: str) -> int:
    hour, minute = number(row.get(f"{edge}Hour")), number(row.get(f"{edge}Minute"))
    return int((hour or 0) * 60 + (minute or 0))


def encode(groups: Iterable[Group], held: Held) -> list[dict[str, Any]]:
    """Return groups as the device's version takes them.

    Version 3 cannot hold a group that is asleep: it would wake it.
    """
    fitting = [
        group for group in groups if group.enabled or held.version != NO_GROUP_SWITCH
    ]
    return [_row(group, held) for group in fitting[: held.slots]]


def _row(group: Group, held: Held) -> dict[str, Any]:
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
    if held.version != NO_GROUP_SWITCH:
        row["enable"] = int(group.enabled)
    if held.version in FLAT_PARAMETERS:
        return row | parameters
    if group.remainder:
        row[REMAINDER] = True
    return row | {"extraParam": parameters}


def neutral(held: Held) -> Group:
    """Return a group that changes nothing, for services that refuse an empty list."""
    return Group(
        start=0,
        end=LAST_MINUTE,
        mode=NEUTRAL,
        enabled=held.version == NO_GROUP_SWITCH,
        parameters={
            "minSocOnGrid": held.lowest_soc,
            "fdSoc": held.highest_soc,
            "maxSoc": held.highest_soc,
            "fdPwr": held.range("fdPwr")[1] or 0.0,
        },
    )


def windows(start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return a span of minutes, end exclusive, as windows of one day, ends inclusive."""
    day = LAST_MINUTE + 1
    first, last = start % day, (end - 1) % day
    if end - start >= day:
        return ((0, LAST_MINUTE),)
    if first <= last:
        return ((first, last),)
    return ((first, LAST_MINUTE), (0, last))


def overlap(spans: Iterable[tuple[int, int]]) -> bool:
    """Return whether windows, ends inclusive, have a minute in common."""
    ordered = sorted(spans)
    return any(later[0] <= earlier[1] for earlier, later in pairwise(ordered))


def cut(
    groups: Iterable[Group], spans: Sequence[tuple[int, int]], version: int
) -> list[Group]:
    """Return the groups without the minutes of the spans.

    In version 3 the group for the rest of the day may lie under all the others.
    """
    kept = list(groups)
    for first, last in spans:
        kept = [
            piece
            for group in kept
            for piece in (
                [group]
                if group.remainder and version == NO_GROUP_SWITCH
                else _cut_one(group, first, last)
            )
        ]
    return kept


def _cut_one(group: Group, first: int, last: int) -> Iterable[Group]:
    if group.end < first or group.start > last:
        yield group
        return
    if group.start < first:
        yield replace(group, end=first - 1)
    if group.end > last:
        yield replace(group, start=last + 1)
