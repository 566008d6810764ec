"""The device types of SmartPVMS: what each is, and whether it has real-time data (5.1.2.2)."""

from ..model import DeviceKind

STRING_INVERTER = 1
EMI = 10
GRID_METER = 17
RESIDENTIAL_INVERTER = 38
BATTERY = 39
ESS = 41
POWER_SENSOR = 47
MAINS = 60001
GENSET = 60003
SSU_GROUP = 60043
SSU = 60044
CONVERTER = 60092
RACK = 60014
DISTRIBUTION = 60010
# Not in the document's list of real-time data, but served.
EMMA = 23070

KINDS: dict[int, DeviceKind] = {
    STRING_INVERTER: DeviceKind.INVERTER,
    RESIDENTIAL_INVERTER: DeviceKind.INVERTER,
    EMI: DeviceKind.SENSOR,
    GRID_METER: DeviceKind.METER,
    POWER_SENSOR: DeviceKind.METER,
    MAINS: DeviceKind.METER,
    BATTERY: DeviceKind.BATTERY,
    ESS: DeviceKind.BATTERY,
    RACK: DeviceKind.BATTERY,
    EMMA: DeviceKind.CONTROLLER,
    GENSET: DeviceKind.GENERATOR,
    SSU_GROUP: DeviceKind.CONVERTER,
    SSU: DeviceKind.CONVERTER,
    CONVERTER: DeviceKind.INVERTER,
    DISTRIBUTION: DeviceKind.BACKUP,
    # Data loggers, which have no real-time data: SmartLogger, Pinnet, Dongle, distributed.
    2: DeviceKind.LOGGER,
    37: DeviceKind.LOGGER,
    62: DeviceKind.LOGGER,
    63: DeviceKind.LOGGER,
}
REAL_TIME = tuple(kind for kind in KINDS if KINDS[kind] is not DeviceKind.LOGGER)
INVERTERS = (STRING_INVERTER, RESIDENTIAL_INVERTER)
BATTERIES = (BATTERY, ESS)
# Which type measures the plant's connection to the grid, where there are several.
AT_THE_GRID = (EMMA, GRID_METER, POWER_SENSOR, MAINS)
WITH_HISTORY = frozenset(REAL_TIME) - {SSU, CONVERTER, EMMA}
