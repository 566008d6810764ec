"""The actions: forced runs, a temporary export limit, schedules, raw answers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr

from . import recorded
from .account import Account, SolarCloudConfigEntry
from .cloud.control import Forced, RunRange, Window
from .cloud.errors import CloudError, understood
from .cloud.quantity import BATTERY_MODES
from .const import DEFAULT_MINUTES, DOMAIN, LONGEST_RUN
from .coordinator import placeholders
from .dashboard import async_energy_config, async_set_up
from .devices import subject_of
from .entity import invalid, raise_failed

ATTR_POWER = "power"
ATTR_DURATION = "duration"
ATTR_TARGET_SOC = "target_soc"
ATTR_WINDOWS = "windows"
ATTR_PLANTS = "plants"
ATTR_APPLY = "apply"
ATTR_START = "start"
ATTR_END = "end"

MINUTES_A_DAY = 24 * 60
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WINDOW_MODES = ("charge", "discharge", "hold", *BATTERY_MODES)

TARGET = {vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string])}
DURATION = {vol.Optional(ATTR_DURATION, default=DEFAULT_MINUTES): vol.Coerce(float)}
RUN_SCHEMA = vol.Schema(
    {
        **TARGET,
        **DURATION,
        vol.Optional(ATTR_POWER): vol.Coerce(float),
        vol.Optional(ATTR_TARGET_SOC): vol.Coerce(float),
    }
)
HOLD_SCHEMA = vol.Schema({**TARGET, **DURATION})
LIMIT_SCHEMA = vol.Schema(
    {**TARGET, **DURATION, vol.Required(ATTR_POWER): vol.Coerce(float)}
)
TARGET_SCHEMA = vol.Schema(TARGET)
SCHEDULE_SCHEMA = vol.Schema(
    {
        **TARGET,
        vol.Required(ATTR_WINDOWS): [
            {
                vol.Required("start"): cv.string,
                vol.Required("end"): cv.string,
                vol.Required("mode"): cv.string,
                vol.Optional("days"): vol.All(cv.ensure_list, [vol.Coerce(int)]),
                vol.Optional("power"): vol.Coerce(float),
                vol.Optional("target_soc"): vol.Coerce(float),
            }
        ],
    }
)


DASHBOARD_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_PLANTS): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(ATTR_APPLY, default=False): cv.boolean,
    }
)


HISTORY_SCHEMA = vol.Schema(
    {
        **TARGET,
        vol.Optional(ATTR_START): cv.date,
        vol.Optional(ATTR_END): cv.date,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an action is about: a plant, or a device of it."""

    account: Account
    plant: str
    device: str | None


@callback
def async_add_actions(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, kind, schema in (
        ("force_charge", Forced.CHARGE, RUN_SCHEMA),
        ("force_discharge", Forced.DISCHARGE, RUN_SCHEMA),
        ("hold", Forced.HOLD, HOLD_SCHEMA),
        ("limit_export", Forced.LIMIT_EXPORT, LIMIT_SCHEMA),
    ):
        _add_action(
            hass, name, partial(_start, kind), schema, SupportsResponse.OPTIONAL
        )
    _add_action(hass, "stop_forced", _stop, TARGET_SCHEMA, SupportsResponse.OPTIONAL)
    _add_action(
        hass, "set_schedule", _set_schedule, SCHEDULE_SCHEMA, SupportsResponse.NONE
    )
    _add_action(
        hass, "get_schedule", _get_schedule, TARGET_SCHEMA, SupportsResponse.ONLY
    )
    _add_action(
        hass,
        "get_energy_config",
        _get_energy_config,
        TARGET_SCHEMA,
        SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        "setup_energy_dashboard",
        partial(_setup_dashboard, hass),
        schema=DASHBOARD_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    _add_action(
        hass,
        "import_history",
        _import_history,
        HISTORY_SCHEMA,
        SupportsResponse.OPTIONAL,
    )
    _add_action(
        hass, "get_raw_readings", _get_raw, TARGET_SCHEMA, SupportsResponse.ONLY
    )


type Handler = Callable[[Target, ServiceCall], Awaitable[ServiceResponse]]


def _add_action(
    hass: HomeAssistant,
    name: str,
    handle: Handler,
    schema: vol.Schema,
    response: SupportsResponse,
) -> None:
    """Register an action that is carried out for each target."""

    async def action(call: ServiceCall) -> ServiceResponse:
        targets = _targets(hass, call.data[ATTR_DEVICE_ID])
        try:
            with understood():
                answers = [await handle(target, call) for target in targets]
        except CloudError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=err.key,
                translation_placeholders=placeholders(err),
            ) from err
        if not call.return_response:
            return None
        if len(answers) == 1:
            return answers[0]
        return {
            target.device or target.plant: answer
            for target, answer in zip(targets, answers, strict=True)
        }

    hass.services.async_register(
        DOMAIN, name, action, schema=schema, supports_response=response
    )


def _targets(hass: HomeAssistant, device_ids: Iterable[str]) -> list[Target]:
    """Return the plants and devices that an action is about, each once."""
    found: dict[tuple[str, str | None], Target] = {}
    for device_id in device_ids:
        target = _target(hass, device_id)
        found[target.plant, target.device] = target
    return list(found.values())


def _target(hass: HomeAssistant, device_id: str) -> Target:
    device = dr.async_get(hass).async_get(device_id)
    subject = subject_of(device.identifiers) if device else ""
    entry: SolarCloudConfigEntry
    for entry in hass.config_entries.async_entries(DOMAIN):
        if not device or entry.entry_id != device.config_entry_id:
            continue
        if entry.state is not ConfigEntryState.LOADED:
            raise invalid("entry_not_loaded", account=entry.title)
        house = entry.runtime_data.house.data
        if subject in house.plants:
            return Target(account=entry.runtime_data, plant=subject, device=None)
        if subject in house.devices:
            return Target(
                account=entry.runtime_data,
                plant=house.devices[subject].plant,
                device=subject,
            )
    raise invalid("unknown_device", device=device_id)


async def _start(kind: Forced, target: Target, call: ServiceCall) -> ServiceResponse:
    account = target.account
    _require_control(account)
    minutes = call.data[ATTR_DURATION]
    power = call.data.get(ATTR_POWER)
    soc = call.data.get(ATTR_TARGET_SOC)
    if not account.leases.devices(target.plant, kind):
        raise invalid("run_not_offered", run=kind)
    if not 1 <= minutes <= LONGEST_RUN:
        raise invalid("duration_range", longest=LONGEST_RUN)
    if kind is not Forced.LIMIT_EXPORT:
        _check_run(account.leases.range(target.plant, kind), power, soc)
    elif power is not None and power < 0:
        raise invalid("power_negative")
    outcome = await account.leases.async_start(
        kind, target.plant, minutes=minutes, power=power, target_soc=soc
    )
    raise_failed(outcome)
    return {"outcome": outcome.state, "evidence": outcome.evidence}


def _check_run(limits: RunRange, power: float | None, soc: float | None) -> None:
    """Raise what is wrong with the power or the target of a run."""
    if power is not None and power <= 0:
        raise invalid("power_zero")
    if power is not None and limits.max_power and power > limits.max_power:
        raise invalid("power_range", most=f"{limits.max_power:g}")
    if soc is not None and not limits.min_soc <= soc <= limits.max_soc:
        raise invalid(
            "soc_range", least=f"{limits.min_soc:g}", most=f"{limits.max_soc:g}"
        )


async def _stop(target: Target, call: ServiceCall) -> ServiceResponse:
    _require_control(target.account)
    outcome = await target.account.leases.async_stop(target.plant)
    raise_failed(outcome)
    return {"outcome": outcome.state, "evidence": outcome.evidence}


def _require_control(account: Account) -> None:
    if not account.controllable:
        raise invalid("read_only", account=account.entry.title)


def _scheduled(target: Target) -> str:
    """Return the device whose schedule is meant."""
    account = target.account
    devices = account.leases.scheduled(target.plant)
    if target.device in devices:
        return target.device
    parent = account.house.data.devices[target.device].parent if target.device else None
    if parent in devices:
        return parent
    if len(devices) != 1:
        raise invalid("which_device")
    return devices[0]


async def _set_schedule(target: Target, call: ServiceCall) -> ServiceResponse:
    _require_control(target.account)
    windows = [_window(row) for row in call.data[ATTR_WINDOWS]]
    _check_overlap(windows)
    account, device = target.account, _scheduled(target)
    await account.vendor.set_schedule(device, windows)
    account.dispatcher.resume()
    account.spawn(account.async_reread(device))
    return None


def _window(row: Mapping[str, Any]) -> Window:
    start, end = _minute(row["start"]), _minute(row["end"])
    if start == MINUTES_A_DAY:
        raise invalid("time_format", time=row["start"])
    if end == 0:
        end = MINUTES_A_DAY
    if end <= start:
        raise invalid("window_order", start=row["start"], end=row["end"])
    if row["mode"] not in WINDOW_MODES:
        raise invalid("window_mode", mode=row["mode"], modes=", ".join(WINDOW_MODES))
    days = tuple(sorted(set(row.get("days", EVERY_DAY))))
    if not days or not set(days) <= set(EVERY_DAY):
        raise invalid("window_days")
    _check_run(RunRange(kinds=frozenset()), row.get("power"), row.get("target_soc"))
    return Window(
        start=start,
        end=end,
        mode=row["mode"],
        days=days,
        power=row.get("power"),
        target_soc=row.get("target_soc"),
    )


def _minute(text: str) -> int:
    """Return the minute of the day that HH:MM names; 24:00 is the day's end."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts):
        raise invalid("time_format", time=text)
    minute = int(parts[0]) * 60 + int(parts[1])
    if minute > MINUTES_A_DAY or int(parts[1]) > 59:
        raise invalid("time_format", time=text)
    return minute


def _check_overlap(windows: list[Window]) -> None:
    for number, window in enumerate(windows):
        for other in windows[:number]:
            apart = window.end <= other.start or other.end <= window.start
            if not apart and set(window.days) & set(other.days):
                raise invalid(
                    "windows_overlap", first=_clock(other), second=_clock(window)
                )


def _clock(window: Window) -> str:
    return f"{_hhmm(window.start)}-{_hhmm(window.end)}"


def _hhmm(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


async def _get_schedule(target: Target, call: ServiceCall) -> ServiceResponse:
    schedule = await target.account.vendor.get_schedule(_scheduled(target))
    return {
        "enabled": schedule.enabled,
        "windows": [
            {
                "start": _hhmm(window.start),
                "end": _hhmm(window.end),
                "mode": window.mode,
                "days": list(window.days),
                **({"power": window.power} if window.power is not None else {}),
                **(
                    {"target_soc": window.target_soc}
                    if window.target_soc is not None
                    else {}
                ),
            }
            for window in schedule.windows
        ],
    }


async def _get_energy_config(target: Target, call: ServiceCall) -> ServiceResponse:
    """Return which entity belongs in which slot of the Energy dashboard."""
    hass = target.account.hass
    sources: Any = await async_energy_config(hass, target.account, [target.plant])
    return {"energy_sources": sources}


async def _setup_dashboard(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Answer what the Energy dashboard lacks of the plants; with `apply` add it."""
    wanted = call.data.get(ATTR_PLANTS)
    targets = (
        _targets(hass, wanted)
        if wanted is not None
        else [
            Target(account=entry.runtime_data, plant=plant, device=None)
            for entry in _loaded(hass)
            for plant in entry.runtime_data.house.data.plants
        ]
    )
    sources = [
        source
        for target in targets
        for source in await async_energy_config(hass, target.account, [target.plant])
    ]
    new: Any = await async_set_up(hass, sources, apply=call.data[ATTR_APPLY])
    if call.data[ATTR_APPLY]:
        for target in targets:
            await target.account.history.async_begin([target.plant])
    return {"energy_sources": new, "applied": call.data[ATTR_APPLY]}


async def _import_history(target: Target, call: ServiceCall) -> ServiceResponse:
    """Begin to import the past of a plant; answers how far it is."""
    account, plant = target.account, target.plant
    start, end = call.data.get(ATTR_START), call.data.get(ATTR_END)
    if not recorded.is_there(account.hass):
        raise invalid("no_recorder")
    if start and start > account.today():
        raise invalid("history_future", start=start)
    if start and end and end < start:
        raise invalid("history_order", start=start, end=end)
    await account.history.async_import([plant], start, end)
    return {
        **account.history.attributes(plant),
        "progress": account.history.progress(plant),
    }


def _loaded(hass: HomeAssistant) -> list[SolarCloudConfigEntry]:
    return hass.config_entries.async_loaded_entries(DOMAIN)


async def _get_raw(target: Target, call: ServiceCall) -> ServiceResponse:
    """Return the last answers whole; of one device only where one is meant."""
    raw = target.account.vendor.raw
    subject = target.device
    return {
        key: answer for key, answer in raw.items() if subject is None or subject in key
    }
