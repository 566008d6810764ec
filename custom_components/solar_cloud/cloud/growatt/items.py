"""What can be set on each family of Growatt's machines: one row a setting.

Sections 4.3.7 and 4.3.12, and today's pages of mixSet, spaSet, tlxSet and maxSet. Never
offered: registers (`set_any_reg`), grid limits, power factor, string voltages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..control import Setting
from ..errors import Refused
from ..values import number
from . import endpoints as on
from .programmes import CHARGE_LIMIT, CHARGE_SWITCH

ON_OFF = "inverter_on"
RATE = "active_power_rate"
MODE = "battery_mode"
STORAGE_MODE = "storage_mode"
SYNC_CLOCK = "sync_clock"
EXPORT_LIMIT, EXPORT_ENABLED = "export_limit", "export_limit_enabled"
EXPORT = (EXPORT_LIMIT, EXPORT_ENABLED)
MIN_SOC = "min_soc"

# 4.3.7 and 4.3.12 say 0101; today's pages say 0001 for the same.
TURNED_ON = ("0101", "0001")
OFF = "0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting: its names on the wire, the first that the machine knows being used.

    `told` are the names in the answer with all settings; numbers have a range in %,
    a switch has none, a choice has words.
    """

    key: str
    ids: tuple[str, ...]
    told: tuple[str, ...] = ()
    low: float = 0
    high: float = 100
    words: Mapping[str, str] = field(default_factory=dict)
    switch: bool = False

    def value(self, shown: str | float | None) -> Setting | None:
        """Return a value as the machine shows it, None when it shows none."""
        found = number(shown)
        if found is None:
            return None
        if self.switch:
            return found != 0
        if self.words:
            return self.words.get(f"{found:g}")
        return round(found, 2)

    def wire(self, value: Setting) -> str:
        """Return a value as the machine takes it; raises Refused for what it has not."""
        if self.key == ON_OFF:
            return TURNED_ON[0] if value else OFF
        if self.switch:
            return str(int(bool(value)))
        if self.words:
            for theirs, ours in self.words.items():
                if ours == value:
                    return theirs
            raise Refused(f"the machine has no mode {value}")
        if not self.low <= float(value) <= self.high:
            raise Refused(f"{value:g} is not between {self.low:g} and {self.high:g}")
        return f"{float(value):g}"


def _on_off(name: str, *others: str) -> Row:
    return Row(key=ON_OFF, ids=(name, *others), told=("onoff",), switch=True)


def _rate(*told: str) -> Row:
    return Row(key=RATE, ids=("pv_active_p_rate",), told=told)


ROWS: Mapping[str, tuple[Row, ...]] = {
    on.INVERTER.name: (_on_off("pv_on_off"), _rate()),
    on.STORAGE.name: (
        _on_off("storage_cmd_on_off"),
        Row(
            key=STORAGE_MODE,
            ids=("storage_cmd_mode",),
            words={"1": "free", "0": "standard"},
        ),
        Row(key=MIN_SOC, ids=("storage_lithium_battery",), high=10),
        Row(key="grid_charge_soc_limit", ids=(CHARGE_LIMIT,), low=10, high=80),
        Row(key="charge_from_grid", ids=CHARGE_SWITCH, switch=True),
    ),
    on.MAX.name: (_on_off("max_cmd_on_off", "pv_on_off"), _rate("activerate")),
    on.SPH.name: (_on_off("pv_on_off"), _rate("activerate")),
    on.SPA.name: (_on_off("pv_on_off"), _rate("activeprate", "activerate")),
    on.MIN.name: (
        _on_off("tlx_on_off"),
        _rate("activerate"),
        Row(
            key="charge_power_rate", ids=("charge_power",), told=("chargepowercommand",)
        ),
        Row(
            key="discharge_power_rate",
            ids=("discharge_power",),
            told=("dischargepowercommand",),
        ),
        Row(
            key="grid_charge_soc_limit",
            ids=("charge_stop_soc",),
            told=("wchargesoclowlimit",),
        ),
        Row(key=MIN_SOC, ids=("discharge_stop_soc",), told=("wdischargesoclowlimit",)),
        Row(
            key="backup_reserve",
            ids=("on_grid_discharge_stop_soc",),
            told=("ongriddischargestopsoc",),
        ),
        Row(
            key="charge_from_grid",
            ids=("ac_charge",),
            told=("acchargeenable",),
            switch=True,
        ),
    ),
}

# What an SPH or SPA takes together with its windows, by the name of the value.
TOGETHER: Mapping[str, str] = {
    "charge_power_rate": "charge_power",
    "grid_charge_soc_limit": "charge_stop",
    "charge_from_grid": "mains",
    "discharge_power_rate": "discharge_power",
    MIN_SOC: "discharge_stop",
}
WITH_WINDOWS = frozenset((on.SPH.name, on.SPA.name))
WITH_MODES = frozenset((on.MIN.name, *WITH_WINDOWS))
WITH_EXPORT = WITH_MODES
BACKFLOW = "backflow_setting"

FORCED_POWER = "forced_power"
KEYS: tuple[str, ...] = (
    MODE,
    STORAGE_MODE,
    MIN_SOC,
    "backup_reserve",
    "grid_charge_soc_limit",
    RATE,
    "charge_power_rate",
    "discharge_power_rate",
    *EXPORT,
    "charge_from_grid",
    ON_OFF,
    SYNC_CLOCK,
)
BATTERY_ONLY = frozenset(KEYS) - {RATE, ON_OFF, SYNC_CLOCK, *EXPORT}


def row_of(family: on.Family, key: str) -> Row | None:
    """Return the row of a family's setting."""
    return next((row for row in ROWS[family.name] if row.key == key), None)
