"""The endpoints of Growatt that concern a home: the document's, and today's families."""

from dataclasses import dataclass, field
from enum import StrEnum, auto

from . import codes
from .codes import Codes


class Pace(StrEnum):
    """How often the same request may be made."""

    FIVE_MINUTES = auto()
    TEN_SECONDS = auto()
    UNDOCUMENTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint: HTTP method, path, what its error numbers mean, and its pace.

    `daily` ones may be asked ten times a day; `write` ones change a device.
    """

    path: str
    method: str = "GET"
    codes: Codes = field(default_factory=dict)
    pace: Pace = Pace.FIVE_MINUTES
    daily: bool = False
    write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The endpoints of one kind of device; `argument` is what its serial is called.

    `kind` is the number in the device list, `batch` the argument for several at once;
    `fixed` is how many values a setting is always sent with.
    """

    name: str
    kind: int
    argument: str
    last: Endpoint
    history: Endpoint
    alarms: Endpoint
    set: Endpoint
    read: Endpoint
    info: Endpoint
    many: Endpoint | None = None
    batch: str = ""
    fixed: int = 0


def _read(name: str) -> Endpoint:
    return Endpoint(
        path=f"/v1/read{name}Param",
        method="POST",
        codes=codes.READ,
        pace=Pace.UNDOCUMENTED,
    )


def _set(name: str) -> Endpoint:
    return Endpoint(
        path=f"/v1/{name}Set",
        method="POST",
        codes=codes.SET,
        pace=Pace.UNDOCUMENTED,
        write=True,
    )


def _post(path: str, meaning: Codes, pace: Pace) -> Endpoint:
    return Endpoint(path=f"/v1/device/{path}", method="POST", codes=meaning, pace=pace)


def _get(path: str, meaning: Codes, pace: Pace = Pace.FIVE_MINUTES) -> Endpoint:
    return Endpoint(path=f"/v1/{path}", codes=meaning, pace=pace)


# 4.1, 4.2
USER_CHECK = Endpoint(
    path="/v1/user/check_user",
    method="POST",
    codes=codes.USER_CHECK,
    pace=Pace.UNDOCUMENTED,
)
USERS = Endpoint(path="/v1/user/c_user_list", codes=codes.USERS, daily=True)
PLANTS = Endpoint(path="/v1/plant/list", codes=codes.PLANTS, daily=True)
PLANTS_OF_USER = Endpoint(
    path="/v1/plant/user_plant_list", method="POST", codes=codes.PLANTS, daily=True
)
PLANT_DETAILS = _get("plant/details", codes.PLANT)
PLANT_DATA = _get("plant/data", codes.PLANT)
PLANT_ENERGY = Endpoint(path="/v1/plant/energy", codes=codes.PLANT_DATES, daily=True)
PLANT_POWER = _get("plant/power", codes.PLANT_DATES)

# 4.3
LOGGERS = _get("device/datalogger/list", codes.OF_PLANT)
DEVICES = _get("device/list", codes.OF_PLANT)
VALIDATE = _post("datalogger/validate", codes.VALIDATE, Pace.UNDOCUMENTED)
METERS = _get("device/ammeter/meter_list", codes.BEHIND_LOGGER)
METER_LAST = _get("device/ammeter/meter_last_data", codes.METER_LAST)
METER_HISTORY = _get("device/ammeter/meter_data", codes.HISTORY)
SENSORS = _get("device/env/env_list", codes.BEHIND_LOGGER)
SENSOR_LAST = _get("device/env/env_last_data", codes.METER_LAST)
SENSOR_HISTORY = _get("device/env/env_data", codes.HISTORY)

INVERTER = Family(
    name="inverter",
    kind=1,
    argument="device_sn",
    info=_get("device/inverter/inv_data_info", codes.INVERTER_LAST),
    last=_get("device/inverter/last_new_data", codes.INVERTER_LAST),
    many=_post("inverter/invs_data", codes.BATCH, Pace.FIVE_MINUTES),
    batch="inverters",
    history=_get("device/inverter/data", codes.HISTORY),
    alarms=_get("device/inverter/alarm", codes.ALARMS),
    set=_set("inverter"),
    read=_read("Inverter"),
    fixed=2,
)
STORAGE = Family(
    name="storage",
    kind=2,
    argument="storage_sn",
    info=_get("device/storage/storage_data_info", codes.LAST, Pace.TEN_SECONDS),
    last=_post("storage/storage_last_data", codes.LAST, Pace.TEN_SECONDS),
    history=_post("storage/storage_data", codes.HISTORY, Pace.TEN_SECONDS),
    alarms=_post("storage/alarm_data", codes.ALARMS, Pace.TEN_SECONDS),
    set=_set("storage"),
    read=_read("Storage"),
    fixed=4,
)
MAX = Family(
    name="max",
    kind=4,
    argument="max_sn",
    info=_get("device/max/max_data_info", codes.LAST, Pace.UNDOCUMENTED),
    last=_post("max/max_last_data", codes.LAST, Pace.FIVE_MINUTES),
    many=_post("max/maxs_data", codes.BATCH, Pace.FIVE_MINUTES),
    batch="maxs",
    history=_post("max/max_data", codes.HISTORY, Pace.FIVE_MINUTES),
    alarms=_post("max/alarm_data", codes.ALARMS, Pace.UNDOCUMENTED),
    set=_set("max"),
    read=_read("Max"),
)
SPH = Family(
    name="sph",
    kind=5,
    argument="mix_sn",
    info=_get("device/mix/mix_data_info", codes.LAST, Pace.UNDOCUMENTED),
    last=_post("mix/mix_last_data", codes.LAST, Pace.TEN_SECONDS),
    many=_post("mix/mixs_data", codes.BATCH, Pace.TEN_SECONDS),
    batch="mixs",
    history=_post("mix/mix_data", codes.HISTORY, Pace.FIVE_MINUTES),
    alarms=_post("mix/alarm_data", codes.ALARMS, Pace.TEN_SECONDS),
    set=_set("mix"),
    read=_read("Mix"),
    fixed=18,
)
SPA = Family(
    name="spa",
    kind=6,
    argument="spa_sn",
    info=_get("device/spa/spa_data_info", codes.LAST, Pace.UNDOCUMENTED),
    last=_post("spa/spa_last_data", codes.LAST, Pace.TEN_SECONDS),
    many=_post("spa/spas_data", codes.BATCH, Pace.TEN_SECONDS),
    batch="spas",
    history=_post("spa/spa_data", codes.HISTORY, Pace.TEN_SECONDS),
    alarms=_post("spa/alarm_data", codes.ALARMS, Pace.TEN_SECONDS),
    set=_set("spa"),
    read=_read("Spa"),
    fixed=18,
)
MIN = Family(
    name="min",
    kind=7,
    argument="tlx_sn",
    info=_get("device/tlx/tlx_data_info", codes.LAST),
    last=_post("tlx/tlx_last_data", codes.LAST, Pace.FIVE_MINUTES),
    many=_post("tlx/tlxs_data", codes.BATCH, Pace.FIVE_MINUTES),
    batch="tlxs",
    history=_post("tlx/tlx_data", codes.HISTORY, Pace.TEN_SECONDS),
    alarms=_post("tlx/alarm_data", codes.ALARMS, Pace.FIVE_MINUTES),
    set=_set("tlx"),
    read=_read("Min"),
    fixed=19,
)
MIN_SETTINGS = _get("device/tlx/tlx_set_info", codes.LAST, Pace.UNDOCUMENTED)
FAMILIES = {row.kind: row for row in (INVERTER, STORAGE, MAX, SPH, SPA, MIN)}

VPP_SOC = _post("vpp/getSocData", codes.SOC, Pace.TEN_SECONDS)
VPP_SET = Endpoint(
    path="/v1/vppRemoteSetNew",
    method="POST",
    codes=codes.VPP_SET,
    pace=Pace.TEN_SECONDS,
    write=True,
)
VPP_SCHEDULE = Endpoint(
    path="/v1/vppSetNew",
    method="POST",
    codes=codes.VPP_SET,
    pace=Pace.TEN_SECONDS,
    write=True,
)

ALL: tuple[Endpoint, ...] = (
    *(row for row in tuple(globals().values()) if isinstance(row, Endpoint)),
    *(
        part
        for family in FAMILIES.values()
        for part in (
            family.info,
            family.last,
            family.many,
            family.history,
            family.alarms,
            family.set,
            family.read,
        )
        if part is not None
    ),
)


def paths(pace: Pace) -> frozenset[str]:
    """Return the paths of all endpoints of a pace."""
    return frozenset(row.path for row in ALL if row.pace is pace)


ALARM_ROWS = "alarms"
DAILY = frozenset(row.path for row in ALL if row.daily)
