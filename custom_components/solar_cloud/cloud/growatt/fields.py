"""The fields of Growatt's answers as quantities: one table a family.

Sections 4.3.8 and 4.3.13 for inverters and storage machines, the vendor's examples for
today's families. Names are compared without regard to case, which varies. A `#` stands
for the number of a string or phase.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

STRINGS = 16
PHASES = 3


class How(StrEnum):
    """How a value is made of several fields."""

    FIRST = auto()
    """The first that is told."""
    LARGEST = auto()
    """The first that is not zero."""
    SUM = auto()
    """All together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A quantity, made of `plus` fields less `minus` ones.

    `hollow` ones have no value while they are zero.
    """

    key: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    how: How = How.FIRST
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A string, phase or battery: it is there once one of its `proofs` was not zero."""

    name: str
    proofs: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the fields of a family mean.

    `grid` is only there where a meter is: its counters are not all zero. `states` and
    `charging` are by the number in `status`; `faults` and `warnings` are zero when all
    is well.
    """

    rows: tuple[Row, ...]
    grid: Part
    parts: tuple[Part, ...]
    batteries: tuple[Part, ...] = ()
    states: dict[int, str]
    faults: tuple[str, ...]
    warnings: tuple[str, ...] = ("warncode",)
    own_yield: str = "epvtotal"


def _first(key: str, *names: str, hollow: bool = False) -> Row:
    return Row(key=key, plus=names, hollow=hollow)


def _largest(key: str, *names: str, hollow: bool = False) -> Row:
    return Row(key=key, plus=names, how=How.LARGEST, hollow=hollow)


def _sum(key: str, *names: str) -> Row:
    return Row(key=key, plus=names, how=How.SUM)


def _parts(
    name: str, count: int, proofs: tuple[str, ...], **rows: str
) -> tuple[Part, ...]:
    """Return parts that are numbered in their fields and keys alike."""
    return tuple(
        Part(
            name=f"{name}_{n}",
            proofs=tuple(proof.replace("#", str(n)) for proof in proofs),
            rows=tuple(
                _first(f"{key}_{n}", field.replace("#", str(n)))
                for key, field in rows.items()
            ),
        )
        for n in range(1, count + 1)
    )


def _phases_rst(**rows: str) -> tuple[Part, ...]:
    """Return phases that the fields call r, s and t."""
    return tuple(
        Part(
            name=f"phase_{n}",
            proofs=(f"vac{letter}",),
            rows=tuple(
                _first(f"{key}_{n}", field.replace("#", letter))
                for key, field in rows.items()
            ),
        )
        for n, letter in enumerate("rst", start=1)
    )


_STRINGS = _parts(
    "string",
    STRINGS,
    ("vpv#", "ppv#", "epv#total"),
    string_power="ppv#",
    string_voltage="vpv#",
    string_current="ipv#",
)
_PV_TODAY = tuple(f"epv{n}today" for n in range(1, STRINGS + 1))
_PV_TOTAL = tuple(f"epv{n}total" for n in range(1, STRINGS + 1))
_PV = (
    _first("pv_power", "ppv"),
    _first("pv_energy", "epvtotal"),
    Row(key="pv_energy_today", plus=_PV_TODAY, how=How.SUM),
)
_FREQUENCY = _first("grid_frequency", "fac", hollow=True)
_COMMON = (_FREQUENCY, _first("power_factor", "pf", hollow=True))

# 4.3.8
INVERTER = Table(
    rows=(
        *_PV,
        *_COMMON,
        _first("inverter_power", "pac"),
        _first("inverter_energy", "powertotal"),
        _first("inverter_energy_today", "powertoday"),
        _first("reactive_power", "rac", hollow=True),
        _first("inverter_temperature", "temperature", hollow=True),
    ),
    grid=Part(name="grid", proofs=(), rows=()),
    parts=(
        *_STRINGS,
        *_phases_rst(inverter_power="pac#", grid_voltage="vac#", grid_current="iac#"),
    ),
    states={0: "waiting", 1: "producing", 3: "fault"},
    faults=("faulttype",),
)

MAX = Table(
    rows=(
        *_PV,
        *_COMMON,
        _first("inverter_power", "pac"),
        _largest("inverter_energy", "eactotal", "powertotal"),
        _largest("inverter_energy_today", "eactoday", "powertoday"),
        _largest("reactive_power", "reactpower", "rac", hollow=True),
        _first("inverter_temperature", "temperature", hollow=True),
    ),
    grid=INVERTER.grid,
    parts=INVERTER.parts,
    states=INVERTER.states,
    faults=("faulttype",),
)

_BOUGHT = ("etousertoday", "etousertotal")
_SOLD = ("etogridtoday", "etogridtotal")
_GRID_ENERGIES = (
    _first("grid_import_energy", "etousertotal"),
    _first("grid_import_energy_today", "etousertoday"),
    _first("grid_export_energy", "etogridtotal"),
    _first("grid_export_energy_today", "etogridtoday"),
)
_LOAD_ENERGIES = (
    _first("load_energy", "elocalloadtotal"),
    _first("load_energy_today", "elocalloadtoday"),
)

# 4.3.13: without a second string and battery, the fields with a 2 are zero.
STORAGE = Table(
    rows=(
        _sum("pv_power", "ppv", "ppv2"),
        _sum("pv_energy", "epvtotal", "epvtotal2"),
        _sum("pv_energy_today", "epvtoday", "epvtoday2"),
        _first("grid_frequency", "freqgrid", hollow=True),
        _first("grid_voltage_1", "vac", hollow=True),
        _first("inverter_power", "sysout"),
        _first("inverter_energy", "etotal", hollow=True),
        _first("inverter_energy_today", "etoday", hollow=True),
        _first("backup_power", "outputpower", hollow=True),
        _first("backup_voltage_1", "outputvolt", hollow=True),
        _first("inverter_temperature", "temperature", hollow=True),
        _sum("battery_charge_energy", "echargetotal", "echargetotal2"),
        _sum("battery_charge_energy_today", "echargetoday", "echargetoday2"),
        _sum("battery_discharge_energy", "edischargetotal", "edischargetotal2"),
        _sum("battery_discharge_energy_today", "edischargetoday", "edischargetoday2"),
    ),
    grid=Part(
        name="grid",
        proofs=(*_BOUGHT, *_SOLD, "pactouser", "pactogrid"),
        rows=(
            Row(key="grid_power", plus=("pactouser",), minus=("pactogrid",)),
            *_GRID_ENERGIES,
        ),
    ),
    parts=(
        Part(
            name="string_1",
            proofs=("vpv", "ppv", "epvtotal"),
            rows=(
                _first("string_power_1", "ppv"),
                _first("string_voltage_1", "vpv"),
                _first("string_current_1", "ipv"),
            ),
        ),
        Part(
            name="string_2",
            proofs=("vpv2", "ppv2", "epvtotal2"),
            rows=(
                _first("string_power_2", "ppv2"),
                _first("string_voltage_2", "vpv2"),
            ),
        ),
    ),
    batteries=(
        Part(
            name="battery_1",
            proofs=("vbat", "capacity", "echargetotal", "edischargetotal"),
            rows=(
                _first("battery_soc", "capacity"),
                Row(key="battery_power", plus=("pdischarge",), minus=("pcharge",)),
                _first("battery_voltage", "vbat", hollow=True),
                _largest("battery_current", "bmscurrent"),
                _largest(
                    "battery_temperature", "bmstemperature", "battemp", hollow=True
                ),
                _largest("battery_soh", "bmssoh", "soh", hollow=True),
                _first("battery_cycles", "cyclecount", hollow=True),
            ),
        ),
        Part(
            name="battery_2",
            proofs=("pcharge2", "pdischarge2", "echargetotal2", "edischargetotal2"),
            rows=(
                _first("battery_soc", "capacity"),
                Row(key="battery_power", plus=("pdischarge2",), minus=("pcharge2",)),
                _first("battery_temperature", "bmstemperature2", hollow=True),
                _first("battery_current", "bmscurrent2"),
                _first("battery_soh", "soh2", hollow=True),
                _first("battery_cycles", "cyclecount2", hollow=True),
            ),
        ),
    ),
    states={0: "producing", 1: "producing", 2: "producing", 3: "fault", 4: "upgrading"},
    faults=("faultcode", "errorcode"),
)

_HYBRID_STATES = {
    0: "waiting",
    1: "checking",
    3: "fault",
    4: "upgrading",
    5: "producing",
    6: "producing",
    7: "off_grid",
    8: "off_grid",
}
_SPH_BATTERY = Part(
    name="battery_1",
    proofs=("soc", "bmssoc", "vbat"),
    rows=(
        _largest("battery_soc", "soc", "bmssoc"),
        Row(
            key="battery_power",
            plus=("pdischarge1",),
            minus=("pcharge1",),
        ),
        _largest("battery_voltage", "vbat", "bmsbatteryvolt", hollow=True),
        _first("battery_current", "bmsbatterycurr"),
        _largest(
            "battery_temperature", "batterytemperature", "bmsbatterytemp", hollow=True
        ),
        _first("battery_soh", "bmssoh", hollow=True),
        _first("battery_cycles", "bmscyclecnt", hollow=True),
    ),
)
# While it charges from the grid, what it takes is told apart.
_SPH_POWER = (
    Row(key="inverter_power", plus=("pac",), minus=("acchargepower",)),
    _first("inverter_temperature", "temp1", hollow=True),
)
_SPH_ENERGIES = (
    _first("battery_charge_energy", "echarge1total", "echargetotal"),
    _first("battery_charge_energy_today", "echarge1today", "echargetoday"),
    _first("battery_discharge_energy", "edischarge1total", "edischargetotal"),
    _first("battery_discharge_energy_today", "edischarge1today", "edischargetoday"),
)
_SPH_GRID = Part(
    name="grid",
    proofs=(
        *_BOUGHT,
        *_SOLD,
        "pactousertotal",
        "pactouserr",
        "pactogridtotal",
        "pactogridr",
    ),
    rows=(
        Row(
            key="grid_power",
            plus=("pactousertotal", "pactouserr"),
            minus=("pactogridtotal", "pactogridr"),
            how=How.LARGEST,
        ),
        _largest("load_power", "plocalloadtotal", "plocalloadr"),
        *_GRID_ENERGIES,
        *_LOAD_ENERGIES,
    ),
)
_SPH_PHASES = _parts(
    "phase", PHASES, ("vac#",), inverter_power="pac#", grid_voltage="vac#"
)
_BACKUP = _parts(
    "backup",
    PHASES,
    ("upsvac#", "epsvac#"),
    backup_power="upspac#",
    backup_voltage="upsvac#",
)

SPH = Table(
    rows=(
        *_PV,
        _first("inverter_energy", "eactotal"),
        _first("inverter_energy_today", "eactoday"),
        _FREQUENCY,
        *_SPH_ENERGIES,
        *_SPH_POWER,
    ),
    grid=_SPH_GRID,
    parts=(*_STRINGS, *_SPH_PHASES, *_BACKUP),
    batteries=(_SPH_BATTERY,),
    states=_HYBRID_STATES,
    faults=("faultcode", "errorcode"),
)

# It is coupled on the AC side: the sun is another inverter's, and what it has put out is
# what its battery has.
SPA = Table(
    rows=(
        _FREQUENCY,
        *_SPH_ENERGIES,
        *_SPH_POWER,
        _first("external_pv_power", "ppvinverter"),
    ),
    grid=_SPH_GRID,
    parts=(*_SPH_PHASES, *_BACKUP),
    batteries=(_SPH_BATTERY,),
    states=_HYBRID_STATES,
    faults=("faultcode", "errorcode"),
)


def _bdc(n: int, *more: str) -> Part:
    """Return a battery of a MIN; where none is fitted, some of its fields are garbage."""
    soc = (f"bdc{n}soc", "bmssoc") if n == 1 else (f"bdc{n}soc",)
    volts = (f"bdc{n}vbat", "bmsvbat") if n == 1 else (f"bdc{n}vbat",)
    bms = (
        (
            _first("battery_current", "bmsibat"),
            _largest("battery_temperature", "bmstemp1bat", "bdc1temp1", hollow=True),
            _first("battery_soh", "bmssoh", hollow=True),
        )
        if n == 1
        else (_first("battery_temperature", f"bdc{n}temp1", hollow=True),)
    )
    return Part(
        name=f"battery_{n}",
        proofs=(f"bdc{n}vbat", *more),
        rows=(
            _largest("battery_soc", *soc),
            Row(
                key="battery_power",
                plus=(f"bdc{n}dischargepower",),
                minus=(f"bdc{n}chargepower",),
            ),
            _largest("battery_voltage", *volts, hollow=True),
            *bms,
        ),
    )


MIN = Table(
    rows=(
        *_PV,
        *_COMMON,
        _first("inverter_power", "pac"),
        _first("inverter_energy", "eactotal"),
        _first("inverter_energy_today", "eactoday"),
        _first("backup_power", "epspac", hollow=True),
        _first("battery_charge_energy", "echargetotal"),
        _first("battery_charge_energy_today", "echargetoday"),
        _first("battery_discharge_energy", "edischargetotal"),
        _first("battery_discharge_energy_today", "edischargetoday"),
        _first("inverter_temperature", "temp1", hollow=True),
    ),
    grid=Part(
        name="grid",
        proofs=(*_BOUGHT, *_SOLD, "pactousertotal", "pactogridtotal"),
        rows=(
            Row(key="grid_power", plus=("pactousertotal",), minus=("pactogridtotal",)),
            _first("load_power", "pactolocalload"),
            *_GRID_ENERGIES,
            *_LOAD_ENERGIES,
        ),
    ),
    parts=(
        *_STRINGS,
        *_parts(
            "phase",
            PHASES,
            ("vac#",),
            inverter_power="pac#",
            grid_voltage="vac#",
            grid_current="iac#",
        ),
        *_parts(
            "backup",
            PHASES,
            ("epsvac#",),
            backup_power="epspac#",
            backup_voltage="epsvac#",
            backup_current="epsiac#",
        ),
    ),
    batteries=(_bdc(1, "bmssoc", "echargetotal", "edischargetotal"), _bdc(2)),
    states={**_HYBRID_STATES, 1: "producing"},
    faults=("faulttype",),
)

TABLES: dict[int, Table] = {
    1: INVERTER,
    2: STORAGE,
    4: MAX,
    5: SPH,
    6: SPA,
    7: MIN,
}

METER = Table(
    rows=(
        _largest("grid_power", "activepower", "instantlytotalactivepower"),
        _largest("grid_frequency", "frequency", "gridfrequency", hollow=True),
        _first("power_factor", "powerfactor", hollow=True),
        _first("reactive_power", "reactivepower", hollow=True),
    ),
    # Some meters have other counters only, which are not documented.
    grid=Part(
        name="grid",
        proofs=("positiveactivetotalenergy", "reverseactivetotalenergy"),
        rows=(
            _first("grid_import_energy", "positiveactivetotalenergy"),
            _first("grid_import_energy_today", "positiveactivetodayenergy"),
            _first("grid_export_energy", "reverseactivetotalenergy"),
            _first("grid_export_energy_today", "reverseactivetodayenergy"),
        ),
    ),
    parts=tuple(
        Part(
            name=f"phase_{n}",
            proofs=(f"voltagel{n}", f"voltageu{letter}"),
            rows=(
                _largest(f"grid_power_{n}", f"activepowerl{n}", f"{letter}activepower"),
                _largest(f"grid_voltage_{n}", f"voltagel{n}", f"voltageu{letter}"),
                _largest(f"grid_current_{n}", f"currentl{n}", f"currenti{letter}"),
            ),
        )
        for n, letter in enumerate("abc", start=1)
    ),
    states={},
    faults=(),
)
SENSOR_ROWS = (
    _first("irradiance", "radiant"),
    _first("irradiation_today", "etodayradiation"),
    _first("module_temperature", "paneltemp"),
    _first("ambient_temperature", "envtemp"),
    _first("wind_speed", "windspeed"),
)
