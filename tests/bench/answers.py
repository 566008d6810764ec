"""What a FoxESS cloud answers for as many inverters as wanted, without any physics.

Each plant has ten hybrids with a battery of four modules; every value of a sample differs
from that of the sample before, so that a refresh writes as many states as it ever can.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import batched
import re
from typing import Any

from tests.simulator.foxess.models import KH8, Model
from tests.simulator.foxess.scheduler import show_properties
from tests.simulator.foxess.steering import shown
from tests.simulator.foxess.variables import RARE, TABLE, Row

PERIOD = 300
LAG = 15
PLANT_SIZE = 10
MODULES = 4
DEVICE_GONE, NOT_SUPPORTED = 41930, 42015
DAYS = 31

TEXTS = {
    "runningState": "163",
    "currentFault": "",
    "batStatus": "1",
    "batStatusV2": "Normal",
}
FIXED = {"currentFaultCount": 0, "SOH": 98.0, "PowerFactor": 0.99, "meterPower2": 0.0}


CLOCK = ("year", "month", "day", "hour", "minute", "second")

_STRING = re.compile(r"^pv(\d+)")


def _has(row: Row, model: Model) -> bool:
    """Return whether the model sends a variable."""
    if match := _STRING.match(row.variable):
        return int(match[1]) <= len(model.strings)
    return row.variable not in (*RARE, *model.absent)


class Fleet:
    """The answers for an account with so many inverters."""

    def __init__(self, inverters: int) -> None:
        """Name plants and inverters."""
        self._rows = [row for row in TABLE if _has(row, KH8)]
        self.inverters = {f"60KE8{n:06d}A{n:03d}": n for n in range(inverters)}
        self._plants = {
            f"00000000-0000-4000-8000-{n:012d}": members
            for n, members in enumerate(
                batched(self.inverters, PLANT_SIZE, strict=False)
            )
        }
        self._plant_of = {
            sn: plant for plant, members in self._plants.items() for sn in members
        }

    def answer(self, path: str, asked: Mapping[str, Any], at: float) -> dict[str, Any]:
        """Return the body of an answer to what was asked at an instant."""
        name = path.removeprefix("/op/").split("/", 1)[1]
        sn = str(asked.get("sn") or asked.get("deviceSN") or "")
        if sn and sn not in self.inverters:
            return _body(DEVICE_GONE)
        match name:
            case "plant/list":
                return _page(asked, [self._plant(plant) for plant in self._plants])
            case "plant/detail":
                return _body(result={"capacity": 80.0, "timezone": "Europe/London"})
            case "device/list":
                return _page(asked, [self._device(sn) for sn in self.inverters])
            case "device/detail":
                return _body(result=self._detail(sn))
            case "module/list":
                return _page(asked, [self._logger(sn) for sn in self.inverters])
            case "gw/list":
                return _page(asked, [])
            case "device/real/query":
                return _body(result=[self._sample(sn, at) for sn in asked["sns"]])
            case "device/report/query":
                return _body(result=_report(asked))
            case "user/getAccessCount":
                total = 1440 * len(self.inverters)
                return _body(result={"total": str(total), "remaining": str(total)})
        return _setting(name, asked, at)

    def _plant(self, plant: str) -> dict[str, Any]:
        name = f"Plant {int(plant[-12:]) + 1}"
        return {"stationID": plant, "name": name, "ianaTimezone": "Europe/London"}

    def _device(self, sn: str) -> dict[str, Any]:
        return {
            "deviceSN": sn,
            "moduleSN": f"609W{sn}",
            "stationID": self._plant_of[sn],
            "status": 1,
            "hasPV": True,
            "hasBattery": True,
            "deviceType": KH8.device_type,
            "productType": KH8.product_type,
        }

    def _logger(self, sn: str) -> dict[str, Any]:
        return {
            "moduleSN": f"609W{sn}",
            "stationID": self._plant_of[sn],
            "status": 1,
            "signal": 80,
        }

    def _detail(self, sn: str) -> dict[str, Any]:
        battery = {"batterySN": f"60EP{sn}", "model": "EP11", "version": "1.005"}
        modules = [
            {"batterySN": f"60EP{sn}{n}", "type": "bmu", "capacity": 2590}
            for n in range(MODULES)
        ]
        return {
            **self._device(sn),
            "managerVersion": "1.28",
            "masterVersion": "1.34",
            "slaveVersion": "1.01",
            "hardwareVersion": "--",
            "capacity": KH8.capacity,
            "batteryList": [battery | {"type": "bcu"}, *modules],
            "thirdPartyGen": False,
        }

    def _sample(self, sn: str, at: float) -> dict[str, Any]:
        number, tick = self.inverters[sn], int(at // PERIOD)
        measured = datetime.fromtimestamp(at - LAG, UTC)
        return {
            "datas": [
                {
                    "unit": row.unit,
                    "name": row.name,
                    "variable": row.variable,
                    "value": _value(row, seed, tick),
                }
                for seed, row in enumerate(self._rows, start=number)
            ],
            "time": f"{measured:%Y-%m-%d %H:%M:%S} UTC+0000",
            "deviceSN": sn,
        }


def _value(row: Row, seed: int, tick: int) -> Any:
    """Return what a variable is at a tick: never what it was at the one before."""
    name, step = row.variable, seed * 7 + tick
    if name in TEXTS:
        return TEXTS[name]
    if name in FIXED:
        return FIXED[name]
    match row.unit:
        case "kWh" | "Wh":
            return round(seed + tick % 1_000_000 / 10, 1)
        case "kW" | "kVar":
            return round((step * 37 % 7919) / 1000, 3)
        case "V":
            return round(220 + step % 200 / 10, 1)
        case "%":
            return float(10 + step % 90)
    return round(step % 300 / 10, 1)


def _body(errno: int = 0, result: Any = None) -> dict[str, Any]:
    return {"errno": errno, "msg": "Operation successful", "result": result}


def _page(asked: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    page, size = asked["currentPage"], asked["pageSize"]
    shown_rows = rows[(page - 1) * size : page * size]
    return _body(result={"data": shown_rows, "total": len(rows)})


def _report(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"unit": "kWh", "variable": variable, "values": [1.5] * DAYS}
        for variable in asked["variables"]
    ]


def _setting(name: str, asked: Mapping[str, Any], at: float) -> dict[str, Any]:
    """Return a setting, with its range."""
    match name:
        case "device/setting/get":
            rule = KH8.settings.get(str(asked["key"]))
            if rule is None or rule.errno or rule.empty:
                return _body(NOT_SUPPORTED)
            return _body(result=shown(rule, rule.default))
        case "device/peakShaving/get":
            power = {"unit": "kW", "precision": 0.001, "range": {"min": 0, "max": 30}}
            level = {"unit": "%", "precision": 1, "range": {"min": 10, "max": 100}}
            result = {
                "importLimit": power | {"value": "5"},
                "soc": level | {"value": "50"},
            }
            return _body(result=result)
        case "device/time/get":
            now = datetime.fromtimestamp(at, UTC)
            return _body(result={key: str(getattr(now, key)) for key in CLOCK})
        case "device/scheduler/get":
            properties = show_properties("v3", KH8)
            rest = {"enable": 0, "groups": [], "maxGroupCount": 8}
            return _body(result=rest | {"properties": properties})
    return _body(NOT_SUPPORTED)
