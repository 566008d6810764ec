"""The interfaces of FoxESS that concern a home, as the document lists them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One interface: HTTP method, path, and whether it changes a device."""

    method: str
    path: str
    update: bool = False


PLANT_LIST = Endpoint("POST", "/op/v0/plant/list")
PLANT_DETAIL = Endpoint("GET", "/op/v0/plant/detail")
DEVICE_LIST = Endpoint("POST", "/op/v0/device/list")
DEVICE_DETAIL_V1 = Endpoint("GET", "/op/v1/device/detail")
DEVICE_DETAIL_V0 = Endpoint("GET", "/op/v0/device/detail")
MODULE_LIST = Endpoint("POST", "/op/v0/module/list")
METER_LIST = Endpoint("POST", "/op/v0/gw/list")
METER_SETTING_GET = Endpoint("POST", "/op/v0/gw/setting/get")
METER_SETTING_SET = Endpoint("POST", "/op/v0/gw/setting/set", update=True)

VARIABLES = Endpoint("GET", "/op/v0/device/variable/get")
REAL_V1 = Endpoint("POST", "/op/v1/device/real/query")
REAL_V0 = Endpoint("POST", "/op/v0/device/real/query")
HISTORY = Endpoint("POST", "/op/v0/device/history/query")
REPORT = Endpoint("POST", "/op/v0/device/report/query")
GENERATION = Endpoint("GET", "/op/v0/device/generation")
FAULT_TEXTS = Endpoint("GET", "/op/v0/device/fault/get")
FAULT_HISTORY = Endpoint("POST", "/op/v0/device/fault/history")
ACCESS_COUNT = Endpoint("GET", "/op/v0/user/getAccessCount")

SOC_GET = Endpoint("GET", "/op/v0/device/battery/soc/get")
SOC_SET = Endpoint("POST", "/op/v0/device/battery/soc/set", update=True)
CHARGE_TIME_GET = Endpoint("GET", "/op/v0/device/battery/forceChargeTime/get")
CHARGE_TIME_SET = Endpoint(
    "POST", "/op/v0/device/battery/forceChargeTime/set", update=True
)
SETTING_GET = Endpoint("POST", "/op/v0/device/setting/get")
SETTING_SET = Endpoint("POST", "/op/v0/device/setting/set", update=True)
PEAK_SHAVING_GET = Endpoint("POST", "/op/v0/device/peakShaving/get")
PEAK_SHAVING_SET = Endpoint("POST", "/op/v0/device/peakShaving/set", update=True)
TIME_GET = Endpoint("POST", "/op/v0/device/time/get")
TIME_SET = Endpoint("POST", "/op/v0/device/time/set", update=True)

FLAG_GET = {
    version: Endpoint("POST", f"/op/v{version}/device/scheduler/get/flag")
    for version in (1, 0)
}
FLAG_SET = {
    version: Endpoint("POST", f"/op/v{version}/device/scheduler/set/flag", update=True)
    for version in (1, 0)
}
SCHEDULER_GET = {
    version: Endpoint("POST", f"/op/v{version}/device/scheduler/get")
    for version in (3, 2, 1, 0)
}
SCHEDULER_SET = {
    version: Endpoint("POST", f"/op/v{version}/device/scheduler/enable", update=True)
    for version in (3, 2, 1, 0)
}

ALL = (
    *(row for row in tuple(globals().values()) if isinstance(row, Endpoint)),
    *FLAG_GET.values(),
    *FLAG_SET.values(),
    *SCHEDULER_GET.values(),
    *SCHEDULER_SET.values(),
)
QUERIES = frozenset(row.path for row in ALL if not row.update)
UPDATES = frozenset(row.path for row in ALL if row.update)
