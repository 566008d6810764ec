"""Which calls bring the newest data: one for a family of devices, one for who is alone.

Several devices of a family are asked together where there is such an endpoint. All of a
plant are asked at the same time, so that its values belong together.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

from ..model import DeviceKind
from . import endpoints as on
from .inventory import Inventory
from .tolerant import mapping

BATCH = 100
# Above this, fewer calls are worth more than values of one instant.
MANY_PLANTS = 5
FIRST_PAGE = ("pageNum", "1")
BEHIND = {DeviceKind.METER: on.METER_LAST, DeviceKind.SENSOR: on.SENSOR_LAST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call for the newest data: what is asked, and which devices it is about."""

    endpoint: on.Endpoint
    arguments: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]

    @property
    def params(self) -> dict[str, str]:
        """Return the arguments as they are sent."""
        return dict(self.arguments)

    @property
    def is_slow(self) -> bool:
        """Return whether it may be made once in five minutes only."""
        return self.endpoint.pace is on.Pace.FIVE_MINUTES

    def fields(self, data: Any, sn: str) -> Mapping[str, Any]:
        """Return the fields of a device; a batch holds them twice under its serial."""
        if len(self.devices) == 1:
            return mapping(data)
        outer = mapping(mapping(data).get(sn))
        return mapping(outer.get(sn)) or outer


def alone(family: on.Family, sn: str) -> Request:
    """Return the request for one inverter by itself."""
    return Request(
        endpoint=family.last, arguments=((family.argument, sn),), devices=(sn,)
    )


def rounds(inventory: Inventory) -> Iterator[list[Request]]:
    """Yield what is asked together: of each plant, of many plants by the family."""
    plants = list(inventory.plants)
    if len(plants) > MANY_PLANTS:
        yield from ([row] for row in _requests(inventory, plants))
        return
    for plant in plants:
        # The slow ones first, so that they keep their rhythm.
        rows = sorted(_requests(inventory, [plant]), key=lambda row: not row.is_slow)
        if rows:
            yield rows


def _requests(inventory: Inventory, plants: Collection[str]) -> Iterator[Request]:
    for kind, sns in inventory.by_family(plants).items():
        family = on.FAMILIES[kind]
        if family.many is None or len(sns) == 1:
            yield from (alone(family, sn) for sn in sns)
            continue
        for part in batched(sorted(sns), BATCH, strict=False):
            yield Request(
                endpoint=family.many,
                arguments=((family.batch, ",".join(part)), FIRST_PAGE),
                devices=part,
            )
    for kind_behind, endpoint in BEHIND.items():
        for sn, (logger, address) in inventory.behind_loggers(kind_behind).items():
            if inventory.devices[sn].plant in plants:
                yield Request(
                    endpoint=endpoint,
                    arguments=(("datalog_sn", logger), ("address", address)),
                    devices=(sn,),
                )
