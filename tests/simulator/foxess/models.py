"""What each FoxESS model can do: settings, ranges, scheduler versions, oddities.

From `vendors/foxess.md` §2 to §5 and the captured answers; what no document
gives (ranges of rarely used keys) is a plausible value of our own.
"""

from dataclasses import dataclass, field

GRID_CODES = ("VDE4105", "EN50549", "G98", "G99", "AS4777")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of `setting/get`: its range or options, or why it is refused."""

    unit: str = ""
    precision: float = 1
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    default: str = ""
    errno: int = 0
    empty: bool = False
    guarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A field of a scheduler group: its range, or the modes."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of inverter."""

    device_type: str
    product_type: str
    capacity: float
    phases: int
    strings: tuple[float, ...]
    battery_model: str = ""
    suffixed: bool = False
    metered: bool = True
    absent: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    residual: str = "kwh_as_10wh"
    throughput_unit: str = "kWh"
    year_digits: int = 4
    busy_errno: int = 44098
    scheduler: dict[str, int] = field(default_factory=dict)
    flag: dict[str, int] = field(default_factory=dict)
    detail: dict[str, int] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=dict)
    max_groups: int = 8
    settings: dict[str, Setting] = field(default_factory=dict)
    peak_shaving: int = 0
    battery_volts: float = 400.0


UNSUPPORTED = Setting(errno=42015)


def _percent(default: int, low: int = 10) -> Setting:
    """Return a state of charge that is guarded by the scheduler."""
    return Setting(unit="%", low=low, high=100, default=str(default), guarded=True)


def _modes(*modes: str) -> Setting:
    """Return the work mode setting."""
    return Setting(options=modes, precision=1.0, default="SelfUse", guarded=True)


def _current(default: float, high: float) -> Setting:
    """Return a current limit."""
    return Setting(unit="A", precision=0.1, low=0, high=high, default=f"{default:.1f}")


_SWITCH_OFF = Setting(low=0, high=1, default="0")
_SWITCH_ON = Setting(low=0, high=1, default="1")
_GRID_CODE = Setting(options=GRID_CODES, default="VDE4105")

_TIMES = {
    "startHour": Property(low=0, high=23),
    "startMinute": Property(low=0, high=59),
    "endHour": Property(low=0, high=23),
    "endMinute": Property(low=0, high=59),
}


def _properties(
    power: float, modes: tuple[str, ...], soc: int = 10, *, extra: bool = False
) -> dict[str, Property]:
    """Return the fields of a group with their ranges."""
    fields = {
        **_TIMES,
        "workMode": Property(options=modes),
        "fdPwr": Property(unit="W", low=0, high=power),
        "fdSoc": Property(unit="%", low=soc, high=100),
        "minSocOnGrid": Property(unit="%", low=soc, high=100),
        "maxSoc": Property(unit="%", low=soc, high=100),
    }
    if extra:
        fields |= {
            "pvLimit": Property(unit="W", low=0, high=20_000),
            "importLimit": Property(unit="W", low=0, high=100_000),
            "exportLimit": Property(unit="W", low=0, high=100_000),
            "reactivePower": Property(unit="Var", low=-6000, high=6000),
            "reactivePowerEnable": Property(),
        }
    return fields


KH8 = Model(
    device_type="KH8",
    product_type="KH",
    capacity=8,
    phases=1,
    strings=(0.6, 0.4, 0.0, 0.0),
    battery_model="EP11",
    absent=("todayYield", "batPower"),
    residual="kwh_as_10wh",
    throughput_unit="kWh",
    year_digits=2,
    busy_errno=44096,
    scheduler={"v0": 0, "v1": 0, "v2": 41200, "v3": 40257},
    flag={"v0": 0, "v1": 0},
    detail={"v0": 0, "v1": 0},
    properties=_properties(
        8000, ("ForceDischarge", "Feedin", "SelfUse", "ForceCharge")
    ),
    settings={
        "ExportLimit": Setting(unit="W", low=0, high=30_000, default="30000"),
        "MinSoc": _percent(10),
        "MinSocOnGrid": _percent(15),
        "MaxSoc": _percent(100),
        "GridCode": _GRID_CODE,
        "WorkMode": _modes("PeakShaving", "Feedin", "SelfUse"),
        "ActivePowerLimit": Setting(unit="%", low=0, high=100, default="100"),
        "ExportLimitPower": Setting(empty=True),
        "EpsOutPut": _SWITCH_ON,
        "MaxSetChargeCurrent": _current(25, 50),
        "MaxSetDischargeCurrent": _current(25, 50),
        "ECOMode": UNSUPPORTED,
        "Meter1Enable": _SWITCH_ON,
        "Meter2Enable": _SWITCH_OFF,
        "SysSwitch": _SWITCH_ON,
        "GroundProtection": _SWITCH_ON,
        "LowPowerMode": Setting(errno=44096),
    },
)

H3 = Model(
    device_type="H3-10.0-E",
    product_type="H3",
    capacity=10.0,
    phases=3,
    strings=(0.55, 0.45),
    battery_model="ECS2900",
    suffixed=True,
    extra=("batCycleCount",),
    residual="10wh",
    throughput_unit="Wh",
    scheduler={"v0": 0, "v1": 0, "v2": 0, "v3": 0},
    flag={"v0": 0, "v1": 0},
    detail={"v0": 404, "v1": 0},
    properties=_properties(
        10_000,
        (
            "ForceDischarge",
            "Feedin",
            "ForceCharge(BAT)",
            "ForceDischarge(BAT)",
            "Backup",
            "SelfUse",
            "ForceCharge",
        ),
        extra=True,
    ),
    max_groups=96,
    settings={
        "ExportLimit": UNSUPPORTED,
        "MinSoc": _percent(10),
        "MinSocOnGrid": _percent(10),
        "MaxSoc": _percent(100),
        "GridCode": _GRID_CODE,
        "WorkMode": _modes("SelfUse", "Feedin", "Backup", "PeakShaving"),
        "ActivePowerLimit": Setting(
            unit="%", precision=0.1, low=0, high=110, default="100.0"
        ),
        "ExportLimitPower": UNSUPPORTED,
        "EpsOutPut": _SWITCH_OFF,
        "MaxSetChargeCurrent": _current(26, 26),
        "MaxSetDischargeCurrent": _current(26, 26),
        "ECOMode": _SWITCH_OFF,
        "Meter1Enable": _SWITCH_ON,
        "Meter2Enable": _SWITCH_OFF,
        "SysSwitch": _SWITCH_ON,
        "GroundProtection": _SWITCH_ON,
        "LowPowerMode": UNSUPPORTED,
    },
)

EVO = Model(
    device_type="EVO 10-5-H",
    product_type="812",
    capacity=5.0,
    phases=1,
    strings=(0.5, 0.5),
    battery_model="EVO-BAT",
    extra=("batCycleCount", "maxChargeCurrent", "maxDischargeCurrent"),
    residual="full_capacity",
    throughput_unit="",
    scheduler={"v0": 41200, "v1": 41200, "v2": 0, "v3": 0},
    flag={"v0": 0, "v1": 41200},
    detail={"v0": 41200, "v1": 0},
    properties=_properties(
        5000,
        (
            "SelfUse",
            "Feedin",
            "Backup",
            "PeakShaving",
            "ForceCharge",
            "ForceDischarge",
            "ForceCharge(BAT)",
            "ForceDischarge(BAT)",
        ),
        soc=5,
        extra=True,
    ),
    settings={
        "ExportLimit": Setting(unit="W", low=0, high=10_000, default="10000"),
        "MinSoc": _percent(10, 5),
        "MinSocOnGrid": _percent(10, 5),
        "MaxSoc": UNSUPPORTED,
        "GridCode": _GRID_CODE,
        "WorkMode": _modes("SelfUse", "Feedin", "Backup", "PeakShaving"),
        "ActivePowerLimit": UNSUPPORTED,
        "ExportLimitPower": Setting(
            unit="W", low=0, high=10_000, default="10000", empty=True
        ),
        "EpsOutPut": UNSUPPORTED,
        "MaxSetChargeCurrent": UNSUPPORTED,
        "MaxSetDischargeCurrent": UNSUPPORTED,
        "ECOMode": UNSUPPORTED,
        "Meter1Enable": _SWITCH_ON,
        "Meter2Enable": UNSUPPORTED,
        "SysSwitch": _SWITCH_ON,
        "GroundProtection": UNSUPPORTED,
        "LowPowerMode": UNSUPPORTED,
    },
)

STRING = Model(
    device_type="S3000-G2",
    product_type="S",
    capacity=3.0,
    phases=1,
    strings=(1.0,),
    metered=False,
    throughput_unit="",
    scheduler={"v0": 41200, "v1": 41200, "v2": 41200, "v3": 41200},
    flag={"v0": 41200, "v1": 0},
    detail={"v0": 0, "v1": 0},
    settings={
        "ExportLimit": Setting(unit="W", low=0, high=3000, default="3000"),
        "GridCode": _GRID_CODE,
        "ActivePowerLimit": Setting(unit="%", low=0, high=100, default="100"),
    },
    peak_shaving=42015,
)

CURRENT_KEYS = ("MaxSetChargeCurrent", "MaxSetDischargeCurrent")
KEYS = tuple(KH8.settings)
