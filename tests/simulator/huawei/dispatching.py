"""Sections 5.2.1 and 5.2.2: forced charging and discharging."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from .errors import HuaweiError
from .plant import Device, HuaweiPlant
from .questions import whole
from .tasks import FAIL, RUNNING, SUCCESS, Part, Task

if TYPE_CHECKING:
    from .server import Server

MOST = 100
STOP, CHARGE, DISCHARGE = 0, 1, 2
BY_SOC, BY_TIME = 1, 2
LONGEST = 1440
STATUS = {SUCCESS: 0, RUNNING: 1, FAIL: 2}
WRONG_POWER = (
    "PowerDispatch is illegal. The value should be greater than 0 during forced charge"
    " (dispatchSwitch = 1) and smaller than 0 during forced discharge"
    " (dispatchSwitch = 2)."
)
WRONG_SWITCH = "DispatchSwitch is illegal, valid value: 0 or 1 or 2"
WRONG_TYPE = "ControlType is illegal, valid value: 1 or 2"
WRONG_TIME = "DispatchTime is illegal, valid range: [0,1440]"
WRONG_SOC = "TargetSOC is illegal, valid range: [0,100]"
NO_SOC = "The LG battery does not support SOC control."
NO_BATTERY = "The plant has no residential energy storage system."
DISCONNECTED = "The battery is disconnected."
RUNS = "The same task is being executed in the current plant."


class _Illegal(Exception):
    """A task that is turned down."""


def tasks(server: Server, exchange: Exchange) -> dict[str, Any]:
    """Deliver tasks: one result for each inverter of each plant."""
    rows = exchange.params.get("tasks")
    if not isinstance(rows, list) or not rows:
        return _answer(2, "Battery charge and discharge task list is empty.", None)
    if len(rows) > MOST:
        raise HuaweiError(20014)
    found = exchange.account.by_code
    if any(not isinstance(r, dict) or r.get("plantCode") not in found for r in rows):
        raise HuaweiError(20045)
    parts = [
        part
        for row in rows
        for part in _parts(server, exchange, found[row["plantCode"]], row)
    ]
    good = [part for part in parts if part.ended is None]
    if not good and all(part.message == RUNS for part in parts):
        raise HuaweiError(20615)
    results = [_result(part) for part in parts]
    if not good:
        words = "Failed to deliver the battery charge/discharge task."
        return _answer(2, words, {"requestID": None, "result": results})
    task = server.tasks.dispatch(exchange, good)
    data = {"requestID": int(task.id), "result": results}
    if len(good) < len(parts):
        words = "The battery charge/discharge task is partially delivered successfully."
        return _answer(1, words, data)
    words = "The battery charge/discharge task is delivered successfully."
    return _answer(0, words, data)


def _answer(code: int, words: str, data: Any) -> dict[str, Any]:
    """Return the envelope of a delivery."""
    return {"data": data, "failCode": code, "message": words, "success": code != 2}


def _result(part: Part) -> dict[str, Any]:
    """Return what became of a part of a delivery."""
    good = part.ended is None
    return {
        "plantCode": part.plant.id,
        "sn": part.device.sn if part.device else None,
        "dispatchResult": 0 if good else 1,
        "subTaskId": part.ident if good else None,
        "description": part.message,
    }


def _parts(
    server: Server, exchange: Exchange, plant: HuaweiPlant, row: dict[str, Any]
) -> list[Part]:
    """Return the parts of a plant: the task goes to every battery."""
    plant.home.advance(exchange.at)
    try:
        wanted = _checked(plant, row)
    except _Illegal as problem:
        part = Part(plant=plant)
        part.end(exchange.at, FAIL, str(problem))
        return [part]
    inverters = [b.inverter for b in plant.batteries if b.inverter]
    return [_part(server, exchange, plant, device, wanted) for device in inverters]


def _part(
    server: Server,
    exchange: Exchange,
    plant: HuaweiPlant,
    device: Device,
    wanted: dict[str, Any],
) -> Part:
    """Return the part of an inverter."""
    part = Part(plant=plant, device=device, ident=server.tasks.draw(), **wanted)
    battery = next(b for b in plant.batteries if b.inverter is device)
    refused = server.take("task_refused", exchange.call, str(device.sn))
    problem = None
    if refused is not None:
        problem = str(refused.args.get("message", "The task fails to be received."))
    elif battery.disconnected or not plant.reachable(exchange.at):
        problem = DISCONNECTED
    elif part.switch and server.tasks.running(plant, "charge", device, part.switch):
        problem = RUNS
    if problem:
        part.end(exchange.at, FAIL, problem)
    return part


def _checked(plant: HuaweiPlant, row: dict[str, Any]) -> dict[str, Any]:
    """Check a task; returns what each inverter has to do."""
    switch = row.get("dispatchSwitch")
    if switch not in (STOP, CHARGE, DISCHARGE):
        raise _Illegal(WRONG_SWITCH)
    if not plant.batteries:
        raise _Illegal(NO_BATTERY)
    if switch == STOP:
        return {"switch": STOP}
    return {"switch": switch, "power": _power(plant, row, switch)} | _end(plant, row)


def _power(plant: HuaweiPlant, row: dict[str, Any], switch: int) -> float:
    """Return the power of each battery; its most when none or too much is asked."""
    spec, count = plant.home.spec, len(plant.batteries)
    most = (spec.charge_power if switch == CHARGE else spec.discharge_power) / count
    given = row.get("powerDispatch")
    sign = 1 if switch == CHARGE else -1
    if given is None or given == "":
        return sign * most
    power = whole(given)
    if power is None or power * sign <= 0:
        raise _Illegal(WRONG_POWER)
    return sign * min(abs(power), most)


def _end(plant: HuaweiPlant, row: dict[str, Any]) -> dict[str, Any]:
    """Return how a run ends."""
    kind = row.get("controlType")
    if kind == BY_TIME:
        duration = whole(row.get("dispatchTime"))
        if duration is None or not 0 <= duration <= LONGEST:
            raise _Illegal(WRONG_TIME)
        return {"seconds": duration * 60.0, "echo": {"dispatchTime": duration}}
    if kind != BY_SOC:
        raise _Illegal(WRONG_TYPE)
    if plant.lg:
        raise _Illegal(NO_SOC)
    target = row.get("targetSOC")
    if not isinstance(target, int | float) or not 0 <= target <= 100:
        raise _Illegal(WRONG_SOC)
    return {"target": float(target), "echo": {"targetSOC": target}}


def status(server: Server, exchange: Exchange) -> dict[str, Any]:
    """Tell how a task is getting on, inverter by inverter."""
    ident = exchange.params.get("requestID")
    if ident in (None, ""):
        raise HuaweiError(20044)
    task = server.tasks.find(exchange.account.name, ident, "charge")
    if task is None:
        raise HuaweiError(20050)
    at = exchange.at
    for part in task.parts:
        part.plant.home.advance(at)
    rows = [_row(server, task, part, at) for part in task.parts]
    return {"success": True, "failCode": 0, "message": None, "data": rows}


def _row(server: Server, task: Task, part: Part, now: float) -> dict[str, Any]:
    """Return the state of a part as of its last update."""
    shown = task.updated(now)
    over = part.ended is not None and part.ended <= shown
    moved = (
        part.moved if over else server.tasks.moved(part, max(shown, part.began or 0))
    )
    energy = None if moved is None else round(moved, 2)
    local = part.plant.local
    ended = part.ended if over else None
    return {
        "plantCode": part.plant.id,
        "sn": part.device.sn if part.device else None,
        "remoteID": part.ident,
        "status": STATUS[part.status] if over else 1,
        "chargedCapacity": energy if part.switch == CHARGE else None,
        "dischargedCapacity": energy if part.switch == DISCHARGE else None,
        "execStartTime": local(task.received).isoformat(timespec="seconds"),
        "execEndTime": ended and local(ended).isoformat(timespec="seconds"),
        "message": part.message if over else None,
    }
