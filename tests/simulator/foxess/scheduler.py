"""The time segments of an inverter: what v0 to v3 accept and show.

`vendors/foxess.md` §3: a write replaces all groups, an end is inclusive, no
window crosses midnight, overlaps are refused, unused slots are filled up.
"""

from itertools import pairwise
from typing import Any

from .models import Model, Property

type Group = dict[str, Any]

TIMES = ("startHour", "startMinute", "endHour", "endMinute")
EXTRA = (
    "minSocOnGrid",
    "fdSoc",
    "fdPwr",
    "maxSoc",
    "importLimit",
    "exportLimit",
    "pvLimit",
    "reactivePower",
)
FLAT = {
    "v0": ("minSocOnGrid", "fdSoc", "fdPwr"),
    "v1": ("minSocOnGrid", "fdSoc", "fdPwr", "maxSoc"),
}
OPTIONAL = ("maxSoc",)
SLOTS = 8
BAD = 40257
OVERLAP = 42023


class GroupError(Exception):
    """Groups that the vendor refuses, with its error code."""

    def __init__(self, errno: int) -> None:
        """Carry the code."""
        super().__init__(errno)
        self.errno = errno


def defaults(model: Model) -> Group:
    """Return what a group holds where nothing was given."""
    low = model.properties["minSocOnGrid"].low
    values = {
        "minSocOnGrid": low,
        "fdSoc": low,
        "fdPwr": model.properties["fdPwr"].high,
        "maxSoc": 100,
    }
    for key in ("importLimit", "exportLimit", "pvLimit"):
        if key in model.properties:
            values[key] = model.properties[key].high
    if "reactivePower" in model.properties:
        values["reactivePower"] = 0
    return values


def minutes(group: Group) -> tuple[int, int]:
    """Return the first and the last minute of a group's day."""
    start = group["startHour"] * 60 + group["startMinute"]
    end = group["endHour"] * 60 + group["endMinute"]
    return int(start), int(end)


def is_remainder(group: Group) -> bool:
    """Say whether a group is the v3 "remaining period", under all the others."""
    return minutes(group) == (0, 23 * 60 + 59)


def active(groups: list[Group], minute: int) -> Group | None:
    """Return the group in force at a minute of the device's day."""
    hits = [
        group
        for group in groups
        if group["enable"] and minutes(group)[0] <= minute <= minutes(group)[1]
    ]
    hits.sort(key=is_remainder)
    return hits[0] if hits else None


def read(
    version: str,
    body: dict[str, Any],
    model: Model,
    held: list[Group],
    *,
    strict: bool,
) -> list[Group]:
    """Return the groups of a write, or raise a GroupError."""
    given = body.get("groups")
    if not isinstance(given, list) or len(given) > _slots(version, model):
        raise GroupError(BAD)
    base = defaults(model)
    reset = bool(body.get("isDefault", False))
    groups: list[Group] = []
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise GroupError(BAD)
        keep = base if reset or index >= len(held) else base | _extra(held[index])
        group = _read_group(version, item, model, base, keep)
        groups.append(group)
    _refuse_overlaps(version, groups, strict=strict)
    for group in groups:
        _refuse_ranges(version, group, model)
    return groups


def _slots(version: str, model: Model) -> int:
    """Return how many groups a version of the interface takes."""
    return model.max_groups if version == "v3" else SLOTS


def _extra(group: Group) -> Group:
    """Return the parameters of a group without its times and mode."""
    return {key: group[key] for key in EXTRA if key in group}


def _read_group(
    version: str, item: Group, model: Model, base: Group, keep: Group
) -> Group:
    """Return one group of a write with all its fields."""
    named = (*TIMES, "workMode") if version == "v3" else ("enable", *TIMES, "workMode")
    flat = FLAT.get(version, ("extraParam",))
    optional = OPTIONAL if version in FLAT else ("extraParam",)
    known = {*named, *flat}
    if set(item) - known or {*known} - set(item) - {*optional}:
        raise GroupError(BAD)
    params = item.get("extraParam") if version not in FLAT else None
    if version in FLAT:
        values = base | {key: item[key] for key in flat if key in item}
    else:
        params = {} if params is None else params
        if not isinstance(params, dict) or set(params) - {*_extra_keys(model)}:
            raise GroupError(BAD)
        values = keep | params
    enable = int(bool(item.get("enable", 1)))
    return {"enable": enable, **{key: item[key] for key in named[-5:]}, **values}


def _extra_keys(model: Model) -> list[str]:
    """Return the parameters that a model has."""
    return [key for key in EXTRA if key in model.properties]


def _refuse_overlaps(version: str, groups: list[Group], *, strict: bool) -> None:
    """Raise when two groups share a minute; unused slots count as groups."""
    spans = []
    for group in groups:
        if not all(_is_number(group[key]) for key in TIMES):
            raise GroupError(BAD)
        if version == "v3" and is_remainder(group):
            continue
        if strict or group["enable"] or group["workMode"] == "Invalid":
            spans.append(minutes(group))
    spans.sort()
    for before, after in pairwise(spans):
        if after[0] <= before[1]:
            raise GroupError(OVERLAP)


def _refuse_ranges(version: str, group: Group, model: Model) -> None:
    """Raise when a field is outside what `properties` says."""
    start, end = minutes(group)
    if start > end:
        raise GroupError(BAD)
    for key, rule in model.properties.items():
        if key in group and (group["enable"] or key in TIMES):
            _refuse_value(group[key], rule)
    if not group["enable"]:
        return
    if not group["minSocOnGrid"] <= group["fdSoc"] <= group["maxSoc"]:
        raise GroupError(BAD)
    if version == "v0" and group["workMode"].startswith("Force") and not group["fdPwr"]:
        raise GroupError(BAD)


def _refuse_value(value: Any, rule: Property) -> None:
    """Raise when a value does not fit its rule."""
    if rule.options:
        if value not in rule.options:
            raise GroupError(BAD)
    elif not _is_number(value):
        raise GroupError(BAD)
    elif rule.low is not None and rule.high is not None:
        if not rule.low <= value <= rule.high:
            raise GroupError(BAD)


def _is_number(value: Any) -> bool:
    """Say whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def show(
    version: str, groups: list[Group], model: Model, *, hide_idle: bool
) -> list[Group]:
    """Return the groups as a version of `scheduler/get` shows them."""
    if version in FLAT:
        shown = [_flat(version, group) for group in groups[:SLOTS]]
        return shown + [_unused(version, model)] * (SLOTS - len(shown))
    if version == "v3" and hide_idle:
        groups = [group for group in groups if group["enable"]]
    return [_nested(version, group, model) for group in groups]


def _flat(version: str, group: Group) -> Group:
    """Return a group as v0 and v1 show it."""
    keys = ("enable", *TIMES, "workMode", *FLAT[version])
    return {k: group[k] if k == "workMode" else int(group[k]) for k in keys}


def _unused(version: str, model: Model) -> Group:
    """Return a slot that holds nothing."""
    low = int(model.properties["minSocOnGrid"].low or 0)
    slot: Group = dict.fromkeys(("enable", *TIMES), 0)
    slot |= {"workMode": "Invalid", "minSocOnGrid": low, "fdSoc": low, "fdPwr": 0}
    return slot | ({"maxSoc": 100} if version == "v1" else {})


def _nested(version: str, group: Group, model: Model) -> Group:
    """Return a group as v2 and v3 show it."""
    shown: Group = {key: int(group[key]) for key in TIMES}
    shown["workMode"] = group["workMode"]
    shown["extraParam"] = {
        key: float(group[key]) for key in _extra_keys(model) if key in group
    }
    return shown if version == "v3" else {"enable": group["enable"], **shown}


def show_properties(version: str, model: Model) -> dict[str, Any]:
    """Return the ranges of a group's fields, with the lower-case names of the wire."""
    if version == "v0":
        return {}
    hidden = () if version in ("v2", "v3") else tuple(EXTRA[4:])
    shown: dict[str, Any] = {}
    for key, rule in model.properties.items():
        if key in hidden or (version == "v1" and key == "reactivePowerEnable"):
            continue
        entry: dict[str, Any] = {"unit": rule.unit, "precision": 1.0}
        if rule.low is not None and rule.high is not None:
            entry["range"] = {"min": float(rule.low), "max": float(rule.high)}
        if rule.options:
            entry["enumList"] = list(rule.options)
        shown[key.lower()] = entry
    return shown
