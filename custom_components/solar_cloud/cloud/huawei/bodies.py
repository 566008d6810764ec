"""What a task says: the fields of 5.2.3, 5.2.5 and 5.2.7 from changes in our words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..control import Setting
from ..errors import CloudError, Refused
from .items import (
    BATTERY_FIELDS,
    GRID_CHARGE,
    LIMIT,
    LIMITED,
    LIMITED_KW,
    MODE,
    MODES,
    SCOPE,
    SCOPE_NAMES,
    SELF,
    SURPLUS,
    SURPLUS_NAMES,
    TOU,
    UNLIMITED,
    kilowatts,
)
from .known import Known
from .tasks import Kind
from .windows import Wire

NO_WINDOWS = "time of use needs its windows; set them with set_schedule first"
NO_TOU = "it takes effect in the mode time of use only; choose that first"
NO_LIMIT = "the limit is not known; set export_limit first"
NOT_LIMITED = "the feed-in is not limited"

_NAMES = {ours: theirs for theirs, ours in MODES.items()}


@dataclass(slots=True)
class Body:
    """A task's body, the changes that it carries, and those that no task can."""

    fields: dict[str, Any]
    changes: dict[str, Setting] = field(default_factory=dict)
    refused: dict[str, CloudError] = field(default_factory=dict)


def body_of(
    kind: Kind, plant: str, changes: Mapping[str, Setting], known: Known
) -> Body:
    """Return what to send for changes of one kind."""
    body = Body({"plantCode": plant})
    {Kind.MODE: _mode, Kind.BATTERY: _battery, Kind.POWER: _power}[kind](
        body, plant, changes, known
    )
    return body


def mode_fields(
    plant: str, windows: list[Wire], changes: Mapping[str, Setting], known: Known
) -> dict[str, Any]:
    """Return the fields of time of use: what is known beside the windows goes with them."""
    fields: dict[str, Any] = {"operationMode": _NAMES[TOU]}
    if surplus := changes.get(SURPLUS, known.value(plant, SURPLUS)):
        fields["redundantPVEnergyPriority"] = SURPLUS_NAMES[str(surplus)]
    if (power := changes.get(GRID_CHARGE, known.value(plant, GRID_CHARGE))) is not None:
        fields["allowedAcChargePower"] = kilowatts(power)
    return fields | {"chargingAndDischargingTimeWindow": windows}


def _mode(body: Body, plant: str, changes: Mapping[str, Setting], known: Known) -> None:
    mode = changes.get(MODE, known.value(plant, MODE))
    windows = known.windows(plant)
    if mode == TOU and windows:
        body.changes = dict(changes)
        body.fields |= mode_fields(plant, windows, changes, known)
        return
    if MODE in changes and mode == SELF:
        body.changes = {MODE: SELF}
        body.fields["operationMode"] = _NAMES[SELF]
    for key in changes.keys() - body.changes.keys():
        words = NO_TOU
        if key == MODE:
            words = NO_WINDOWS if mode == TOU else f"the plant has no mode {mode}"
        body.refused[key] = Refused(words)


def _battery(
    body: Body, plant: str, changes: Mapping[str, Setting], known: Known
) -> None:
    info: dict[str, float] = {}
    for key, value in changes.items():
        name, whole = BATTERY_FIELDS[key]
        info[name] = whole(float(value))
    body.changes = dict(changes)
    body.fields["batteryConfigurationInfo"] = info


def _power(
    body: Body, plant: str, changes: Mapping[str, Setting], known: Known
) -> None:
    limited = changes.get(LIMITED)
    if limited is False:
        body.fields["controlMode"] = UNLIMITED
        body.changes = {LIMITED: False}
        rest = changes.keys() - body.changes.keys()
        body.refused = {key: Refused(NOT_LIMITED) for key in rest}
        return
    limit = changes.get(LIMIT, known.value(plant, LIMIT))
    if set(changes) == {SCOPE} and known.value(plant, LIMITED) is not True:
        body.refused = {SCOPE: Refused(NOT_LIMITED)}
        return
    if limit is None:
        body.refused = {key: Refused(NO_LIMIT) for key in changes}
        return
    info: dict[str, Any] = {"maxGridFeedInPower": kilowatts(limit)}
    if scope := changes.get(SCOPE, known.value(plant, SCOPE)):
        info["limitationMode"] = SCOPE_NAMES[str(scope)]
    body.fields |= {"controlMode": LIMITED_KW, "controlInfo": info}
    body.changes = {LIMITED: True, LIMIT: limit, **changes}
