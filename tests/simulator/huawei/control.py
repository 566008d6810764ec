"""Section 5.2: tasks for batteries and feed-in, and the questions after them."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .dispatching import status as charge_status, tasks as charge_tasks
from .errors import HuaweiError, ParameterError
from .plant import HuaweiPlant
from .settings import SELF, TO_BATTERY, TO_GRID, TOU, minutes
from .tasks import FAIL, LIMITS, MODE as MODE_KIND, POWER, RUNNING, Part, Task, Tasks

if TYPE_CHECKING:
    from .server import Server

PVMS = "/rest/openapi/pvms"
MODE, BLANK_MODE = "/control/battery/mode/", "/control/battery mode/"
MOST = 10
SAME = "The configured value is the same as the current value."
RANGE = "The input parameter is out of the valid range, {}"
OVERLAP = "The startTime and endTime of multiple days overlap."
GRID_CHARGE = {"Dongle": 30.0, "EMMA": 50.0, "SmartLogger": 50_000.0}
FEED_IN = {"Dongle": 5000.0, "SmartLogger": 5000.0}
WINDOWS = 14
NAMES = {
    MODE_KIND: "battery mode",
    LIMITS: "battery configuration",
    POWER: "active power control",
}


class _Invalid(Exception):
    """A part of a task that is turned down."""


def _tasks(exchange: Exchange) -> list[dict[str, Any]]:
    """Return the tasks of a delivery."""
    rows = exchange.params.get("tasks")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST:
        raise ParameterError("tasks", f"tasks size must be between 1 and {MOST}")
    return [row if isinstance(row, dict) else {} for row in rows]


def _number(row: dict[str, Any], key: str, low: float, high: float) -> float | None:
    """Return a number of a task within its range."""
    value = row.get(key)
    if value is None:
        return None
    try:
        number = float(value)
    except TypeError, ValueError:
        raise _Invalid(RANGE.format(f"{key} in: [{low}, {high}]")) from None
    if not low <= number <= high:
        raise _Invalid(RANGE.format(f"{key} in: [{low}, {high}]"))
    return number


def _mode(plant: HuaweiPlant, row: dict[str, Any]) -> dict[str, Any]:
    """Check a task for the working mode; returns what will be set."""
    if plant.lg:
        raise _Invalid("The battery working mode cannot be set for LG batteries.")
    mode = row.get("operationMode")
    if mode not in (SELF, TOU):
        raise _Invalid(RANGE.format(f"operationMode in: [{SELF}, {TOU}]"))
    wanted: dict[str, Any] = {"operationMode": mode}
    if mode == TOU:
        surplus = row.get("redundantPVEnergyPriority")
        if surplus not in (None, TO_GRID, TO_BATTERY):
            raise _Invalid(
                RANGE.format(f"redundantPVEnergyPriority in: [{TO_GRID}, {TO_BATTERY}]")
            )
        most = GRID_CHARGE[plant.controller]
        power = _number(row, "allowedAcChargePower", 0.0, most)
        held = plant.settings
        wanted |= {
            "redundantPVEnergyPriority": surplus or held.surplus,
            "allowedAcChargePower": held.grid_charge_kw if power is None else power,
            "chargingAndDischargingTimeWindow": _windows(row),
        }
    now = plant.settings.held()
    if all(now[key] == value for key, value in wanted.items()):
        raise _Invalid(SAME)
    return wanted


def _windows(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Check the windows of a task."""
    given = row.get("chargingAndDischargingTimeWindow")
    if not isinstance(given, list) or not given:
        raise _Invalid("The chargingAndDischargingTimeWindow may not be null")
    if len(given) > WINDOWS:
        raise _Invalid(RANGE.format(f"time window size in: [1, {WINDOWS}]"))
    windows = [_window(window) for window in given]
    for n, one in enumerate(windows):
        for other in windows[n + 1 :]:
            if _overlap(one, other):
                raise _Invalid(OVERLAP)
    return windows


def _window(given: Any) -> dict[str, Any]:
    """Check a window."""
    try:
        start, end = given["startTime"], given["endTime"]
        what = str(given["chargeOrDischarge"])
        repeat = sorted({int(day) for day in given["repeat"]})
        inside = 0 <= minutes(start) < minutes(end) < 1440
        shaped = len(start) == 5 and len(end) == 5
    except KeyError, TypeError, ValueError:
        raise _Invalid("The time window is incomplete.") from None
    if not inside or not shaped:
        raise _Invalid(RANGE.format("startTime and endTime in: [00:00, 23:59]"))
    if what not in ("charge", "discharge"):
        raise _Invalid(RANGE.format("chargeOrDischarge in: [charge, discharge]"))
    if not repeat or not set(repeat) <= set(range(1, 8)):
        raise _Invalid(RANGE.format("repeat in: [1, 7]"))
    return {
        "startTime": start,
        "endTime": end,
        "chargeOrDischarge": what,
        "repeat": repeat,
    }


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two windows share time on a day."""
    return bool(set(one["repeat"]) & set(other["repeat"])) and (
        minutes(one["startTime"]) < minutes(other["endTime"])
        and minutes(other["startTime"]) < minutes(one["endTime"])
    )


def _limits(plant: HuaweiPlant, row: dict[str, Any]) -> dict[str, Any]:
    """Check a task for the limits of the batteries; returns what will be set."""
    if plant.lg:
        raise _Invalid("Battery parameters cannot be set for LG batteries.")
    info = row.get("batteryConfigurationInfo")
    if not isinstance(info, dict):
        raise _Invalid("batteryConfigurationInfo may not be null")
    if not plant.batteries or any(b.disconnected for b in plant.batteries):
        raise _Invalid("Signal dispensing happened error.")
    count = len(plant.batteries)
    spec = plant.home.spec
    wanted = {
        "endOfChargeSoc": _number(info, "endOfChargeSoc", 90.0, 100.0),
        "endOfDischargeSoc": _number(info, "endOfDischargeSoc", 0.0, 20.0),
        "maximumChargePower": _power(
            info, "maximumChargePower", spec.charge_power / count
        ),
        "maximumDischargePower": _power(
            info, "maximumDischargePower", spec.discharge_power / count
        ),
    }
    wanted = {key: value for key, value in wanted.items() if value is not None}
    if not wanted:
        raise _Invalid("At least one of the four parameters must be set.")
    return {"batteryConfigurationInfo": wanted}


def _power(info: dict[str, Any], key: str, most: float) -> int | None:
    """Return a power of a battery; what is more than it can is what it can."""
    value = _number(info, key, 0, 1e9)
    return None if value is None else int(min(value, most))


def _export(plant: HuaweiPlant, row: dict[str, Any]) -> dict[str, Any]:
    """Check a task for the feed-in; returns what will be set."""
    mode = row.get("controlMode")
    if mode not in ("0", "6"):
        raise _Invalid(RANGE.format("controlMode in: [0, 6]"))
    wanted: dict[str, Any] = {"controlMode": mode}
    if mode == "6":
        info = row.get("controlInfo")
        info = info if isinstance(info, dict) else {}
        most = FEED_IN.get(plant.controller, plant.home.spec.rated / 1000)
        power = _number(info, "maxGridFeedInPower", -1000.0, most)
        if power is None:
            raise _Invalid("maxGridFeedInPower may not be null")
        scope = info.get("limitationMode", plant.settings.export_per_phase)
        if scope not in ("0", "1"):
            raise _Invalid(RANGE.format("limitationMode in: [0, 1]"))
        wanted["controlInfo"] = {"maxGridFeedInPower": power, "limitationMode": scope}
    if wanted == _exported(plant):
        raise _Invalid(SAME)
    return wanted


def _exported(plant: HuaweiPlant) -> dict[str, Any]:
    """Return the limit of the feed-in as a task would set it."""
    held = plant.settings
    if held.export_mode == "0":
        return {"controlMode": "0"}
    return {
        "controlMode": "6",
        "controlInfo": {
            "maxGridFeedInPower": held.export_kw,
            "limitationMode": held.export_per_phase,
        },
    }


def apply(kind: str, plant: HuaweiPlant, wanted: dict[str, Any]) -> None:
    """Let a plant take over what a task says."""
    held = plant.settings
    if kind == MODE_KIND:
        held.mode = wanted["operationMode"]
        if held.mode == TOU:
            held.surplus = wanted["redundantPVEnergyPriority"]
            held.grid_charge_kw = wanted["allowedAcChargePower"]
            held.windows = wanted["chargingAndDischargingTimeWindow"]
    elif kind == LIMITS:
        info = wanted["batteryConfigurationInfo"]
        held.end_of_charge = info.get("endOfChargeSoc", held.end_of_charge)
        held.end_of_discharge = info.get("endOfDischargeSoc", held.end_of_discharge)
        held.charge_w = info.get("maximumChargePower", held.charge_w)
        held.discharge_w = info.get("maximumDischargePower", held.discharge_w)
    else:
        held.export_mode = wanted["controlMode"]
        if info := wanted.get("controlInfo"):
            held.export_kw = info["maxGridFeedInPower"]
            held.export_per_phase = info["limitationMode"]


CHECKS = {MODE_KIND: _mode, LIMITS: _limits, POWER: _export}


def _deliver(kind: str) -> Any:
    """Return the handler that delivers settings of a kind."""

    def deliver(server: Server, exchange: Exchange) -> dict[str, Any]:
        rows = _tasks(exchange)
        found = exchange.account.by_code
        strange = [r.get("plantCode") for r in rows if r.get("plantCode") not in found]
        if strange:
            return _unauthorized(kind, strange)
        parts = [
            _part(server, exchange, kind, found[row["plantCode"]], row) for row in rows
        ]
        good = [part for part in parts if part.status == RUNNING]
        busy = [part for part in parts if part.message == "20615"]
        if busy and len(busy) == len(parts):
            raise HuaweiError(20615)
        if not good:
            return _result(kind, None, parts)

        def carry_out(part: Part, at: float) -> None:
            apply(kind, part.plant, part.echo)
            server.tasks.record(part, at, f"task {kind}", part.echo)

        task = server.tasks.deliver(exchange, kind, good, carry_out)
        return _result(kind, task, parts)

    return deliver


def _part(
    server: Server,
    exchange: Exchange,
    kind: str,
    plant: HuaweiPlant,
    row: dict[str, Any],
) -> Part:
    """Return a plant's part of a delivery, turned down or not."""
    plant.home.advance(exchange.at)
    part = Part(plant=plant)
    problem: str | None = None
    if refused := server.take("task_refused", exchange.call, plant.id):
        problem = str(refused.args.get("message", "FAILURE"))
    elif server.tasks.running(plant, kind):
        problem = "20615"
    elif not plant.reachable(exchange.at):
        problem = "The device is disconnected."
    else:
        try:
            part.echo = CHECKS[kind](plant, row)
        except _Invalid as invalid:
            problem = str(invalid)
    if problem:
        part.end(exchange.at, FAIL, problem)
    return part


def _unauthorized(kind: str, codes: list[Any]) -> dict[str, Any]:
    """Refuse plants that are not the account's."""
    listed = ", ".join(str(code) for code in codes)
    if kind == LIMITS:
        words = f"Exist no permission plants, plantCodes: [{listed}]"
        return {"failCode": 2, "success": False, "message": words}
    words = f"Exist no permission resources. plantCodes: [{listed}]"
    return {"failCode": 2, "success": False, "message": words, "data": None}


def _result(kind: str, task: Task | None, parts: list[Part]) -> dict[str, Any]:
    """Return the answer to a delivery: done, partly done, failed."""
    name = NAMES[kind]
    failures = sum(part.status == FAIL for part in parts)
    words = f"The {name} task is delivered successfully."
    code = 0
    if task is None:
        code, words = 2, f"Failed to deliver the {name} task."
    elif failures:
        code, words = 1, f"The {name} task is partially delivered successfully."
    rows = [
        {"plantCode": part.plant.id, "status": part.status, "message": _words(part)}
        for part in parts
    ]
    data = {"taskId": task.id if task else None, "result": rows}
    return {"failCode": code, "success": code != 2, "message": words, "data": data}


def _words(part: Part) -> str | None:
    """Return why a part was turned down."""
    if part.message == "20615":
        return "The same task is being executed in the current plant."
    return part.message


def _query(kind: str) -> Any:
    """Return the handler that tells how a task of a kind is getting on."""

    def query(server: Server, exchange: Exchange) -> dict[str, Any]:
        ident = exchange.params.get("taskId")
        if ident is None:
            raise ParameterError("taskId", "taskId may not be null", query=True)
        task = server.tasks.find(exchange.account.name, ident, kind)
        if task is None:
            raise HuaweiError(20620)
        return {
            "failCode": 0,
            "success": True,
            "message": f"The {NAMES[kind]} task status queried successfully.",
            "data": _told(task, exchange.at),
        }

    return query


def _told(task: Task, at: float) -> dict[str, Any]:
    """Return the state of a task, with what it sets."""
    for part in task.parts:
        part.plant.home.advance(at)
    plant = task.parts[0].plant
    ended = task.ended
    return {
        "dispatchResult": [
            {
                "plantCode": part.plant.id,
                "status": part.status,
                "message": part.message,
                **part.echo,
            }
            for part in task.parts
        ],
        "startTime": plant.local(task.received).isoformat(timespec="seconds"),
        "endTime": ended and plant.local(ended).isoformat(timespec="seconds"),
    }


_PATHS = {
    MODE_KIND: f"{PVMS}/nbi/v1{MODE}",
    LIMITS: f"{PVMS}/nbi/v1/control/battery/configuration/",
    POWER: f"{PVMS}/nbi/v2/control/active-power-control/",
}
ENDPOINTS: dict[str, Any] = {
    f"{PVMS}/nbi/v2/control/charge-and-discharge/async-task": charge_tasks,
    f"{PVMS}/v1/vpp/chargeAndDischargeStatus": charge_status,
    **{f"{path}async-task": _deliver(kind) for kind, path in _PATHS.items()},
    **{f"{path}task-info": _query(kind) for kind, path in _PATHS.items()},
}

__all__ = ["BLANK_MODE", "ENDPOINTS", "MODE", "PVMS", "Tasks"]
