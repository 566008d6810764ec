"""The Set endpoints: what each family takes, and what it then holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base import Exchange
from . import orders
from .device import GrowattDevice, Remote
from .errors import DENIED, SETTING, GrowattError
from .models import FAMILIES, INVERTER, MAX, MIX, SPA, STORAGE, TLX, Family

if TYPE_CHECKING:
    from .server import Server

type Changes = dict[str, str]

REMOTE_LIMIT = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a device is to do, once it is reached."""

    device: GrowattDevice
    what: str
    value: Any
    apply: Callable[[float], None]
    body: Any = ""


class Range(NamedTuple):
    """A parameter: numbers between two ends, or words."""

    key: str
    low: float = 0
    high: float = 100
    words: tuple[str, ...] = ()

    def take(self, text: str) -> str:
        """Return a parameter's value, or refuse it."""
        if text == "":
            raise _refused(10007)
        if self.words:
            if text not in self.words:
                raise _refused(10008)
            return text
        try:
            number = float(text)
        except ValueError as problem:
            raise _refused(10008) from problem
        if not self.low <= number <= self.high:
            raise _refused(10008)
        return text


class Rule(NamedTuple):
    """A type of parameter: its values, and how they are held."""

    values: tuple[Range, ...]
    store: Callable[[list[str]], Changes]


def _refused(code: int) -> GrowattError:
    """Return a Set endpoint's error."""
    return GrowattError(code, SETTING.get(code))


def _plain(key: str, low: float = 0, high: float = 100) -> Rule:
    """Return the rule of one number."""
    return Rule((Range(key, low, high),), lambda given: {key: given[0]})


def _words(key: str, *words: str) -> Rule:
    """Return the rule of one of some words."""
    return Rule((Range(key, words=words),), lambda given: {key: given[0]})


def _power(*on: str) -> Rule:
    """Return the rule of a switch that is off at 0000."""
    return Rule(
        (Range("onOff", words=("0000", *on)),),
        lambda given: {"onOff": "0" if given[0] == "0000" else "1"},
    )


_CLOCK = Rule((Range("clock", words=()),), lambda given: {"clock": given[0]})

_TIME = (
    Range("hour", 0, 24),
    Range("minute", 0, 59),
    Range("hour", 0, 24),
    Range("minute", 0, 59),
)


def _window(given: list[str]) -> tuple[str, str]:
    """Return start and stop of four numbers, refusing an end before the start."""
    hours = [int(float(text)) for text in given[:4]]
    start, stop = f"{hours[0]}:{hours[1]}", f"{hours[2]}:{hours[3]}"
    if orders.minute(stop) < orders.minute(start):
        raise _refused(10013)
    return start, stop


def _segment(n: int) -> Rule:
    """Return the rule of one of a MIN's time segments."""

    def store(given: list[str]) -> Changes:
        start, stop = _window(given[1:5])
        return {
            f"time{n}Mode": given[0],
            f"forcedTimeStart{n}": start,
            f"forcedTimeStop{n}": stop,
            f"forcedStopSwitch{n}": given[5],
        }

    mode = Range("mode", words=("0", "1", "2"))
    return Rule((mode, *_TIME, Range("on", words=("0", "1"))), store)


def _periods(what: str, heads: tuple[str, ...]) -> Rule:
    """Return the rule that rewrites all three periods of an SPH or SPA."""
    on = Range("on", words=("0", "1"))
    head = tuple(
        Range(key, words=("0", "1")) if key == "acChargeEnable" else Range(key)
        for key in heads
    )

    def store(given: list[str]) -> Changes:
        changes = dict(zip(heads, given, strict=False))
        rest = given[len(heads) :]
        for n in (1, 2, 3):
            own = rest[5 * (n - 1) : 5 * n]
            start, stop = _window(own)
            changes[f"forced{what}TimeStart{n}"] = start
            changes[f"forced{what}TimeStop{n}"] = stop
            changes[f"forced{what}StopSwitch{n}"] = own[4]
        return changes

    return Rule((*head, *(*_TIME, on) * 3), store)


def _hours(key: str) -> Rule:
    """Return the rule of a storage machine's one window."""

    def store(given: list[str]) -> Changes:
        _window(given)
        return {key: ",".join(given[:4])}

    return Rule(_TIME, store)


_BACKFLOW = Rule(
    (Range("exportLimit", words=("0", "1", "2")), Range("exportLimitPowerRate")),
    lambda given: {"exportLimit": given[0], "exportLimitPowerRate": given[1]},
)

_CHARGE = ("chargePowerCommand", "wchargeSOCLowLimit2", "acChargeEnable")
_DISCHARGE = ("disChargePowerCommand", "wdisChargeSOCLowLimit2")

_HYBRID: dict[str, Rule] = {
    "pv_on_off": _power("0001"),
    "pv_active_p_rate": _plain("activeRate"),
    "pf_sys_year": _CLOCK,
    "backflow_setting": _BACKFLOW,
}

RULES: dict[str, dict[str, Rule]] = {
    INVERTER.name: {
        "pv_on_off": _power("0001", "0101"),
        "pv_active_p_rate": _plain("activeRate"),
        "pv_pf_cmd_memory_state": _words("pv_pf_cmd_memory_state", "0", "1"),
        "pf_sys_year": _CLOCK,
    },
    MAX.name: {
        "max_cmd_on_off": _power("0001", "0101"),
        "pv_on_off": _power("0001", "0101"),
        "pv_active_p_rate": _plain("activeRate"),
        "pf_sys_year": _CLOCK,
    },
    STORAGE.name: {
        "storage_cmd_on_off": _words("storage_cmd_on_off", "0000", "0001", "0101"),
        "storage_cmd_mode": _words("storage_cmd_mode", "0", "1"),
        "storage_cmd_forced_discharge_enable": _words(
            "storage_cmd_forced_discharge_enable", "0", "1"
        ),
        "storage_lithium_battery": _plain("storage_lithium_battery", 0, 10),
        "storage_cmd_forced_discharge_time1": _hours(
            "storage_cmd_forced_discharge_time1"
        ),
        "storage_cmd_sys_year": _CLOCK,
        orders.CHARGE_AC: _words(orders.CHARGE_AC, "0", "1"),
        "storage_ac_charge_enable_disable": _words(orders.CHARGE_AC, "0", "1"),
        "storage_ac_charge_hour_start": _hours("storage_ac_charge_hour_start"),
        "storage_ac_charge_soc_limit": _plain("storage_ac_charge_soc_limit", 10, 80),
    },
    MIX.name: _HYBRID
    | {
        "mix_ac_charge_time_period": _periods("Charge", _CHARGE),
        "mix_ac_discharge_time_period": _periods("Discharge", _DISCHARGE),
        "mix_load_flast_value_multi": _plain("wdisChargeSOCLowLimit1"),
        "mix_single_export": _words("mix_single_export", "0", "1"),
        "mix_off_grid_enable": _words("mix_off_grid_enable", "0", "1"),
    },
    SPA.name: _HYBRID
    | {
        "spa_ac_charge_time_period": _periods("Charge", _CHARGE),
        "spa_ac_discharge_time_period": _periods("Discharge", _DISCHARGE),
        "spa_load_flast": _plain("wdisChargeSOCLowLimit1"),
        "spa_off_grid_enable": _words("mix_off_grid_enable", "0", "1"),
    },
    TLX.name: {
        "tlx_on_off": _power("0001"),
        "pv_active_p_rate": _plain("activeRate"),
        "charge_power": _plain("chargePowerCommand"),
        "charge_stop_soc": _plain("wchargeSOCLowLimit"),
        "discharge_power": _plain("disChargePowerCommand"),
        "discharge_stop_soc": _plain("wdisChargeSOCLowLimit"),
        "on_grid_discharge_stop_soc": _plain("onGridDischargeStopSOC"),
        "ac_charge": _words("acChargeEnable", "0", "1"),
        "backflow_setting": _BACKFLOW,
        "pf_sys_year": _CLOCK,
        **{f"time_segment{n}": _segment(n) for n in range(1, 10)},
    },
}

# The document's name and today's, of which a server knows one (device.dialect).
DIALECTS = {
    "today": ("storage_ac_charge_enable_disable", "0101"),
    "document": (orders.CHARGE_AC, "0001"),
}

FLOORS = ("wdisChargeSOCLowLimit", "onGridDischargeStopSOC")


def _given(family: Family, params: dict[str, Any]) -> tuple[str, list[str]]:
    """Return type and values of a request, under the family's names."""
    if family is INVERTER:
        given = [params.get("command_1"), params.get("command_2")]
        kind = params.get("paramId")
    else:
        names = [f"param{n}" for n in range(1, family.params + 1)]
        given = [params.get(name) for name in names]
        kind = params.get("type")
        if family.strict and any(value is None for value in given):
            raise _refused(10007)
    return str(kind or ""), ["" if v is None else str(v).strip() for v in given]


def _clock(text: str) -> datetime:
    """Return a time that a clock is set to."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise _refused(10009)


def overlapping(device: GrowattDevice, changes: Changes) -> bool:
    """Say whether a MIN's segments would overlap."""
    held = device.settings | changes
    open_: list[tuple[int, int]] = []
    for n in range(1, 10):
        if held[f"forcedStopSwitch{n}"] == "1":
            start = orders.minute(held[f"forcedTimeStart{n}"])
            open_.append((start, orders.minute(held[f"forcedTimeStop{n}"])))
    open_.sort()
    return any(first[1] > second[0] for first, second in pairwise(open_))


def _setter(family: Family) -> Any:
    """Return the handler of a family's Set endpoint."""

    def handler(server: Server, exchange: Exchange) -> Change:
        device = server.settable(exchange, family)
        kind, given = _given(family, exchange.params)
        rule = RULES[family.name].get(kind)
        name, word = DIALECTS[device.dialect]
        if rule is None or kind == name or kind in device.unknown_types:
            raise _refused(10006)
        if rule is _CLOCK:
            shown = _clock(given[0])
            return Change(
                device=device,
                what=f"{family.name} clock",
                value=given[0],
                apply=lambda at: device.set_time(shown, at),
            )
        if word in given[:1] and given[0] in ("0001", "0101"):
            raise _refused(10008)
        values = [row.take(text) for row, text in zip(rule.values, given, strict=False)]
        changes = rule.store(values)
        if family is TLX and overlapping(device, changes):
            raise GrowattError(500, "overlap", status=500)
        if device.refuses_repeats and changes.items() <= device.settings.items():
            raise _refused(10001)
        return Change(
            device=device,
            what=f"{family.name} {kind}",
            value=values[0] if len(values) == 1 else values,
            apply=lambda _: _hold(device, changes),
        )

    return handler


def _hold(device: GrowattDevice, changes: Changes) -> None:
    """Let a device take settings over; a limit below its own floor does not stick."""
    for key, value in changes.items():
        if key in FLOORS and float(value) < device.hard_floor:
            continue
        device.settings[key] = value


def remote(server: Server, exchange: Exchange) -> Change:
    """Force a charge (+) or discharge (-) for some minutes, where it is allowed."""
    device = _remote_device(server, exchange)
    minutes = _whole(exchange.params.get("time"), 0, REMOTE_LIMIT)
    percentage = _whole(exchange.params.get("percentage"), -100, 100)

    def apply(at: float) -> None:
        until = at + 60 * minutes if minutes else float("inf")
        device.remote = Remote(percentage=percentage, until=until)
        if minutes:
            device.home.later(until, lambda: None)

    value = {"time": minutes, "percentage": percentage}
    return Change(device=device, what="remote", value=value, apply=apply, body=0)


def _whole(text: Any, low: int, high: int) -> int:
    """Return a whole number of a remote command."""
    if text in (None, ""):
        raise _refused(10007)
    if not str(text).lstrip("-").isdigit() or not low <= int(text) <= high:
        raise _refused(10008)
    return int(text)


def _remote_device(server: Server, exchange: Exchange) -> GrowattDevice:
    """Return the device of a remote command, if its account may give one."""
    if not exchange.account.remote:
        raise GrowattError(10011, DENIED)
    device = server.settable(exchange, None, "vppSn")
    if device.family not in (TLX, MIX, SPA):
        raise _refused(10012)
    return device


def soc(server: Server, exchange: Exchange) -> Any:
    """Return a battery's state of charge."""
    from .realtime import Told  # noqa: PLC0415

    device = server.find(exchange, exchange.params.get("vppSn"))
    if not exchange.account.remote:
        raise GrowattError(10011, DENIED)
    if device is None or device.family not in (TLX, MIX, SPA):
        raise GrowattError(10002, "error_device not exist")
    state = device.home.state(device.published(exchange.at))
    return Told(
        data="", soc=round(state.soc, 1), dataLogSn=device.logger.sn, sn=device.sn
    )


def _reader(family: Family) -> Any:
    """Return the handler of a family's read*Param endpoint."""

    def handler(server: Server, exchange: Exchange) -> str:
        device = server.readable(exchange, family)
        kind = str(exchange.params.get("paramId") or "")
        rule = RULES[family.name].get(kind)
        name, _ = DIALECTS[device.dialect]
        if rule is None or kind == name or kind in device.unknown_types:
            raise GrowattError(10009, "error_parameter type not exist")
        if rule is _CLOCK:
            return f"{device.device_time(exchange.at):%Y-%m-%d %H:%M:%S}"
        return ",".join(_read(device, kind, rule))

    return handler


def _read(device: GrowattDevice, kind: str, rule: Rule) -> Iterable[str]:
    """Return what a device holds for a type, as the numbers that set it."""
    held = device.settings
    if kind in held:
        return [held[kind]]
    blank = [row.words[0] if row.words else "0" for row in rule.values]
    keys = rule.store(blank)
    if list(keys) == ["onOff"]:
        return ["0000" if held["onOff"] == "0" else "0001"]
    return [held[key] for key in keys]


SET: dict[tuple[str, str], Any] = {
    ("POST", family.set_path): _setter(family) for family in FAMILIES
} | {("POST", "/v1/vppRemoteSetNew"): remote}

READ: dict[tuple[str, str], Any] = {
    ("POST", family.read_path): _reader(family) for family in FAMILIES
} | {("POST", "/v1/device/vpp/getSocData"): soc}
