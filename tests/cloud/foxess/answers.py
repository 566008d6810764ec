"""Answers of the shapes that the document and captured services have; values of our own."""

from typing import Any

SN, LOGGER, BATTERY = "61KE7Q2000A0001", "61ZW2Q2000A0001", "61EP1Q2000A0001"
STATION = "7b0e1c52-33aa-4d0e-9d53-0d7a3c1e55f1"


def _range(low: float, high: float, unit: str = "") -> dict[str, Any]:
    return {"unit": unit, "precision": 1.0, "range": {"min": low, "max": high}}


HEAD: dict[str, Any] = {
    "deviceSN": SN,
    "moduleSN": LOGGER,
    "stationID": STATION,
    "stationName": "Mill",
    "status": 1,
    "hasPV": True,
    "hasBattery": True,
    "deviceType": "KH7",
    "productType": "KH",
}
PLANT_LIST: dict[str, Any] = {
    "currentPage": 1,
    "pageSize": 100,
    "total": 1,
    "data": [
        {"stationID": STATION, "name": "Mill", "ianaTimezone": "Europe/Lisbon"},
    ],
}
PLANT_DETAIL: dict[str, Any] = {
    "stationName": "Mill",
    "country": "Portugal",
    "city": "Faro",
    "address": "Rua 5",
    "createDate": "1701234567000",
    "postcode": "8000",
    "capacity": 6.6,
    "timezone": "Europe/Lisbon",
    "user": {"name": "o", "email": "o@example.org", "phone": "0"},
    "installer": {"name": "i", "email": "i@example.org", "phone": "0"},
    "modules": [{"moduleSN": LOGGER, "deviceSN": SN}],
}
DEVICE_LIST: dict[str, Any] = {
    "currentPage": 1,
    "pageSize": 100,
    "total": 1,
    "data": [HEAD],
}
DETAIL_V0: dict[str, Any] = HEAD | {
    "masterVersion": "1.41",
    "slaveVersion": "1.05",
    "managerVersion": "1.30",
    "afciVersion": "",
    "hardwareVersion": "--",
    "capacity": 7,
    "function": {"scheduler": True},
    "batteryList": [
        {"batterySN": BATTERY, "model": "EP8", "type": "bcu", "version": "1.007"},
        {
            "batterySN": BATTERY,
            "model": "EP8",
            "type": "bmu",
            "version": "1.07",
            "capacity": 7770,
        },
        {"batterySN": BATTERY, "model": "EP8", "type": "ivu", "version": "0.00"},
    ],
}
MODULE_LIST: dict[str, Any] = {
    "currentPage": 1,
    "pageSize": 100,
    "total": 1,
    "data": [{"moduleSN": LOGGER, "stationID": STATION, "status": 1, "signal": 71}],
}
METER_LIST: dict[str, Any] = {
    "currentPage": 1,
    "pageSize": 100,
    "total": 1,
    "data": [
        {"sn": "61GW1", "stationID": STATION, "stationName": "Mill", "status": 1},
    ],
}
METER_SETTING: dict[str, Any] = {
    "mode": {"value": "Normal", "unit": "", "precision": 1, "enumList": ["Normal"]},
    "feedinPower": {"value": "7000"} | _range(0, 20000, "W"),
    "outputMaxCurrent": {"value": "30"} | _range(0, 60, "A"),
}

# variable, value, unit (None where the service sends no unit at all).
VARIABLES: tuple[tuple[str, Any, str | None], ...] = (
    ("pvPower", 2.2439999999999998, "kW"),
    ("pv1Volt", 361.4, "V"),
    ("pv1Current", 3.6, "A"),
    ("pv1Power", 1.301, "kW"),
    ("pv2Volt", 241.1, "V"),
    ("pv2Current", 3.9, "A"),
    ("pv2Power", 0.943, "kW"),
    ("epsPower", 0.0, "kW"),
    ("RVolt", 239.8, "V"),
    ("RFreq", 50.01, "Hz"),
    ("RPower", 6.912, "kW"),
    ("ambientTemperation", 31.2, "℃"),
    ("invTemperation", 30.1, "℃"),
    ("batTemperature", 27.3, "℃"),
    ("loadsPower", 11.052, "kW"),
    ("generationPower", 6.912, "kW"),
    ("feedinPower", 0.0, "kW"),
    ("gridConsumptionPower", 4.14, "kW"),
    ("invBatPower", 4.86, "kW"),
    ("batChargePower", 0.0, "kW"),
    ("batDischargePower", 4.86, "kW"),
    ("batVolt", 305.5, "V"),
    ("batCurrent", 15.9, "A"),
    ("meterPower", 4.14, "kW"),
    ("meterPower2", 0.0, "kW"),
    ("SoC", 44.0, "%"),
    ("generation", 4821.9, "kWh"),
    ("ResidualEnergy", 3.35, "0.01kWh"),
    ("runningState", "163", None),
    ("batStatus", "1", None),
    ("batStatusV2", "Charge", None),
    ("currentFault", "", None),
    ("currentFaultCount", "0", None),
    ("energyThroughput", 1544.2, "kWh"),
    ("SOH", 97.0, "%"),
    ("gridConsumption", 901.3, "kWh"),
    ("loads", 3110.4, "kWh"),
    ("feedin", 2612.9, "kWh"),
    ("chargeEnergyToTal", 802.5, "kWh"),
    ("dischargeEnergyToTal", 741.7, "kWh"),
    ("PVEnergyTotal", 5120.6, "kWh"),
)
REAL: list[dict[str, Any]] = [
    {
        "datas": [
            {"name": name, "variable": name, "value": value}
            | ({} if unit is None else {"unit": unit})
            for name, value, unit in VARIABLES
        ],
        "time": "2026-06-17 10:59:09 WEST+0100",
        "deviceSN": SN,
    }
]
HISTORY: list[dict[str, Any]] = [
    {
        "deviceSN": SN,
        "datas": [
            {
                "unit": "kW",
                "name": "PVPower",
                "variable": "pvPower",
                "data": [
                    {"value": 1.25, "time": "2026-06-17 10:49:09 WEST+0100"},
                    {"value": 1.5, "time": "2026-06-17 10:54:09 WEST+0100"},
                ],
            }
        ],
    }
]
HOURS = [0.0, 0.2000000000007276, None, *[0.5] * 8, *[0.0] * 13]
REPORTED = (
    "generation",
    "feedin",
    "gridConsumption",
    "chargeEnergyToTal",
    "dischargeEnergyToTal",
    "loads",
    "PVEnergyTotal",
)


def report(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a report of a day, a month or a year."""
    values = {"day": HOURS, "month": [1.25] * 30, "year": [30.5] * 12}
    return [
        {"unit": "kWh", "values": values[params["dimension"]], "variable": name}
        for name in params["variables"]
    ]


GENERATION = {"month": 311.2000000000007, "today": 9.3, "cumulative": 4821.9}
ACCESS = {"total": "1440", "remaining": "1203"}
CHARGE_TIME: dict[str, Any] = {
    "enable1": True,
    "startTime1": {"hour": 22, "minute": 15},
    "endTime1": {"hour": 23, "minute": 59},
    "enable2": False,
    "startTime2": {"hour": 0, "minute": 0},
    "endTime2": {"hour": 4, "minute": 45},
}
PEAK_SHAVING: dict[str, Any] = {
    "importLimit": {"value": "12.500"} | _range(0, 10000, "kW") | {"precision": 0.001},
    "soc": {"value": "35"} | _range(10, 100, "%"),
}
SETTINGS: dict[str, Any] = {
    "ExportLimit": {"value": "0"} | _range(0, 20000, "W"),
    "ExportLimitPower": {},
    "WorkMode": {
        "value": "SelfUse",
        "unit": "",
        "precision": 1.0,
        "enumList": ["PeakShaving", "Feedin", "SelfUse"],
    },
    "MinSoc": {"value": "15"} | _range(10, 100, "%"),
    "MinSocOnGrid": {"value": "20"} | _range(10, 100, "%"),
    "MaxSoc": {"value": "95"} | _range(10, 100, "%"),
}
TIME = {
    "year": "2026",
    "month": "6",
    "day": "17",
    "hour": "11",
    "minute": "0",
    "second": "42",
}
FLAG_V1 = {"enable": True, "support": True}
FLAG_V0 = {"enable": 1, "support": 1}

_UNUSED = {
    "enable": 0,
    "startHour": 0,
    "startMinute": 0,
    "endHour": 0,
    "endMinute": 0,
    "workMode": "Invalid",
    "minSocOnGrid": 10,
    "fdSoc": 10,
    "fdPwr": 0,
    "maxSoc": 100,
}
_OWN = _UNUSED | {
    "enable": 1,
    "startHour": 1,
    "endHour": 3,
    "endMinute": 59,
    "workMode": "ForceCharge",
    "fdSoc": 80,
    "fdPwr": 2500,
    "maxSoc": 80,
}
PROPERTIES: dict[str, Any] = {
    "starthour": _range(0, 23),
    "startminute": _range(0, 59),
    "endhour": _range(0, 23),
    "endminute": _range(0, 59),
    "fdpwr": _range(0, 7000, "W"),
    "fdsoc": _range(10, 100, "%"),
    "minsocongrid": _range(10, 100, "%"),
    "maxsoc": _range(10, 100, "%"),
    "workmode": {
        "enumList": ["ForceDischarge", "Feedin", "SelfUse", "ForceCharge"],
        "unit": "",
        "precision": 1.0,
    },
}
SCHEDULER_V0: dict[str, Any] = {
    "enable": 1,
    "groups": [
        {key: row for key, row in _OWN.items() if key != "maxSoc"},
    ],
    "properties": {},
}
SCHEDULER_V1: dict[str, Any] = {
    "enable": 1,
    "groups": [_OWN, *[_UNUSED] * 7],
    "properties": PROPERTIES,
}
_FRAME = ("startHour", "startMinute", "endHour", "endMinute", "workMode")
SCHEDULER_V3: dict[str, Any] = {
    "enable": 1,
    "maxGroupCount": 48,
    "groups": [
        {key: _OWN[key] for key in _FRAME}
        | {
            "extraParam": {
                "minSocOnGrid": 10.0,
                "fdSoc": 80.0,
                "fdPwr": 2500.0,
                "maxSoc": 80.0,
                "pvLimit": 9000.0,
                "importLimit": 90000.0,
                "exportLimit": 90000.0,
                "reactivePower": 0.0,
            }
        }
    ],
    "properties": PROPERTIES
    | {
        "pvlimit": _range(0, 9000, "W"),
        "importlimit": _range(0, 90000, "W"),
        "exportlimit": _range(0, 90000, "W"),
        "reactivepower": _range(-4000, 4000, "Var"),
        "reactivepowerenable": {"unit": "", "precision": 1.0},
    },
}
FAULT_TEXTS = [{"4": {"en": "Four", "zh_CN": "四", "pl": "Cztery"}}]
FAULTS = {
    "sn": SN,
    "faults": [
        {"faultCode": "4", "faultMessage": "Four!", "timestamp": 1781686800000},
    ],
}
VARIABLE_TABLE = [{"pvPower": {"unit": "kW", "name": {"en": "PVPower"}}}]
