"""The interfaces of SmartPVMS that concern a home, as the document lists them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One interface, always a POST: its path, and whether it steers a plant.

    `update` delivers a task, so that an answer that is lost may have been carried out.
    """

    path: str
    control: bool = False
    update: bool = False


LOGIN = Endpoint("/thirdData/login")
LOGOUT = Endpoint("/thirdData/logout")

PLANTS = Endpoint("/thirdData/stations")
DEVICES = Endpoint("/thirdData/getDevList")
PLANT_REAL = Endpoint("/thirdData/getStationRealKpi")
DEVICE_REAL = Endpoint("/thirdData/getDevRealKpi")
DEVICE_HISTORY = Endpoint("/thirdData/getDevHistoryKpi")
ALARMS = Endpoint("/thirdData/getAlarmList")
PLANT_HOUR = Endpoint("/thirdData/getKpiStationHour")
PLANT_DAY = Endpoint("/thirdData/getKpiStationDay")
PLANT_MONTH = Endpoint("/thirdData/getKpiStationMonth")
PLANT_YEAR = Endpoint("/thirdData/getKpiStationYear")
DEVICE_DAY = Endpoint("/thirdData/getDevKpiDay")
DEVICE_MONTH = Endpoint("/thirdData/getDevKpiMonth")
DEVICE_YEAR = Endpoint("/thirdData/getDevKpiYear")

_NBI = "/rest/openapi/pvms/nbi"
CHARGE = Endpoint(
    f"{_NBI}/v2/control/charge-and-discharge/async-task", control=True, update=True
)
CHARGE_STATUS = Endpoint(
    "/rest/openapi/pvms/v1/vpp/chargeAndDischargeStatus", control=True
)
MODE = Endpoint(f"{_NBI}/v1/control/battery/mode/async-task", control=True, update=True)
MODE_STATUS = Endpoint(f"{_NBI}/v1/control/battery/mode/task-info", control=True)
# As one table of the document prints it, for servers that answer 404 to the other.
MODE_SPACED = Endpoint(
    f"{_NBI}/v1/control/battery mode/async-task", control=True, update=True
)
MODE_SPACED_STATUS = Endpoint(f"{_NBI}/v1/control/battery mode/task-info", control=True)
BATTERY = Endpoint(
    f"{_NBI}/v1/control/battery/configuration/async-task", control=True, update=True
)
BATTERY_STATUS = Endpoint(
    f"{_NBI}/v1/control/battery/configuration/task-info", control=True
)
POWER = Endpoint(
    f"{_NBI}/v2/control/active-power-control/async-task", control=True, update=True
)
POWER_STATUS = Endpoint(
    f"{_NBI}/v2/control/active-power-control/task-info", control=True
)
# Served by newer releases than the document's.
MODE_READ = Endpoint(f"{_NBI}/v1/configuration/battery-mode", control=True)
POWER_READ = Endpoint(
    f"{_NBI}/v1/configuration/active-power-control-mode", control=True
)

PLANT_REPORTS = (PLANT_HOUR, PLANT_DAY, PLANT_MONTH, PLANT_YEAR)
DEVICE_REPORTS = (DEVICE_DAY, DEVICE_MONTH, DEVICE_YEAR)
BASIC = (
    PLANTS,
    DEVICES,
    PLANT_REAL,
    DEVICE_REAL,
    DEVICE_HISTORY,
    ALARMS,
    *PLANT_REPORTS,
    *DEVICE_REPORTS,
)
CONTROL = (
    CHARGE,
    CHARGE_STATUS,
    MODE,
    MODE_STATUS,
    MODE_SPACED,
    MODE_SPACED_STATUS,
    BATTERY,
    BATTERY_STATUS,
    POWER,
    POWER_STATUS,
    MODE_READ,
    POWER_READ,
)
