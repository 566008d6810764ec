"""What steering has to know of a machine: its family, its place, its rating."""

from dataclasses import dataclass
from datetime import tzinfo

from .endpoints import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An inverter or storage machine; `rated` is its power in W.

    `has_meter` is False only where nothing measures the grid, None where that is unknown.
    """

    sn: str
    family: Family
    zone: tzinfo
    rated: float | None = None
    has_battery: bool = False
    has_meter: bool | None = None
