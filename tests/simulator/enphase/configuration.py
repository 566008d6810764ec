"""Version 4's System Configurations: what an owner may read and set."""

from dataclasses import asdict
from typing import Any

from ..base import Answer, Command, Exchange
from .errors import new
from .system import Contact, System

# What PUT takes, letter by letter; GET and the answer to PUT spell it otherwise.
MODES = {"Savings Mode", "Self-consumption", "Full Backup"}
SHOWN = {"Self-consumption": "Self - Consumption"}
SWITCH = {"enabled", "disabled"}
LOAD_MODES = {
    "Scheduled",
    "Basic",
    "Advanced_BatteryPowered",
    "Advanced_GeneratorPowered",
    "Manual_always_powered",
    "Manual_always_not_powered",
}


def serve(system: System, name: str, exchange: Exchange, *, ignored: bool) -> Any:
    """Answer a configuration call; what is ignored is answered but not carried out."""
    if name not in CALLS:
        raise new(404, "Not found")
    read, write = CALLS[name]
    match exchange.method:
        case "GET":
            return read(system, exchange)
        case "PUT" if write:
            return write(system, exchange, ignored)
    body = {"reason": "405", "message": ["Method not allowed"]}
    return Answer(status=405, code=405, body=body)


def _battery(system: System, mode: str) -> dict[str, Any]:
    """Return the battery's settings."""
    settings = system.settings
    return {
        "system_id": int(system.id),
        "battery_mode": mode,
        "reserve_soc": settings.reserve_soc,
        "energy_independence": settings.energy_independence,
        "charge_from_grid": settings.charge_from_grid,
        "battery_shutdown_level": settings.battery_shutdown_level,
    }


def _with_batteries(system: System) -> None:
    """Turn down what concerns batteries that are not there."""
    if not system.batteries:
        raise new(422, "System doesn't have encharges")


def _read_battery(system: System, exchange: Exchange) -> Any:
    """Return the battery's settings."""
    _with_batteries(system)
    mode = system.settings.battery_mode
    return _battery(system, SHOWN.get(mode, mode))


def _write_battery(system: System, exchange: Exchange, ignored: bool) -> Any:
    """Take mode, reserve and energy independence; all or some of them."""
    _with_batteries(system)
    params, settings = exchange.params, system.settings
    wanted: dict[str, Any] = {
        key: params[key]
        for key in ("battery_mode", "reserve_soc", "energy_independence")
        if key in params
    }
    if wanted.get("battery_mode", "Savings Mode") not in MODES:
        raise new(422, "battery_mode is invalid")
    if wanted.get("energy_independence", "enabled") not in SWITCH:
        raise new(422, "energy_independence is invalid")
    reserve = wanted.get("reserve_soc", 100)
    low = settings.battery_shutdown_level
    if not isinstance(reserve, int) or not low <= reserve <= 100:
        raise new(422, f"reserve_soc must be between {low} and 100")
    if not ignored:
        system.change(exchange.at, wanted)
        _carried_out(system, exchange, "battery settings", wanted)
    mode = str(wanted.get("battery_mode", settings.battery_mode))
    return _battery(system, mode.lower())


def _read_storm(system: System, exchange: Exchange) -> Any:
    """Return the storm guard."""
    _with_batteries(system)
    return {
        "system_id": int(system.id),
        "storm_guard_status": system.settings.storm_guard_status,
        "storm_alert": system.settings.storm_alert,
    }


def _write_storm(system: System, exchange: Exchange, ignored: bool) -> Any:
    """Turn the storm guard on or off; the answer puts it otherwise."""
    _with_batteries(system)
    wanted = exchange.params.get("storm_guard_status")
    if wanted not in SWITCH:
        raise new(422, "storm_guard_status is invalid")
    if not ignored:
        values = {"storm_guard_status": wanted}
        system.change(exchange.at, values)
        _carried_out(system, exchange, "storm guard", values)
    shown = "Enabled (Inactive)" if wanted == "enabled" else "Disabled"
    return _read_storm(system, exchange) | {"storm_guard_status": shown}


def _grid(system: System, exchange: Exchange) -> Any:
    """Return whether the grid is there."""
    return {
        "system_id": int(system.id),
        "grid_state": "On Grid",
        "last_report_date": int(system.reported(exchange.at)),
    }


def _read_loads(system: System, exchange: Exchange) -> Any:
    """Return the dry contacts."""
    if not system.contacts:
        raise new(422, "System doesn't have load control")
    rows = [asdict(row) for row in system.contacts]
    return {"system_id": int(system.id), "load_control_data": rows}


def _write_loads(system: System, exchange: Exchange, ignored: bool) -> Any:
    """Set one dry contact, which has to be named."""
    params = exchange.params
    contact = next(
        (row for row in system.contacts if row.name == params.get("name")), None
    )
    if contact is None:
        raise new(422, "name is mandatory")
    if params.get("mode") not in LOAD_MODES:
        raise new(422, "mode is invalid")
    if params["mode"] == "Advanced_BatteryPowered" and "soc_low" not in params:
        raise new(422, "soc_low is mandatory for Advanced_BatteryPowered mode")
    if not ignored:
        _set_contact(contact, params)
        _carried_out(system, exchange, f"contact {contact.name}", params["mode"])
    return _read_loads(system, exchange)


def _set_contact(contact: Contact, params: dict[str, Any]) -> None:
    """Take over what a contact is told."""
    for key in (
        "mode",
        "soc_low",
        "soc_high",
        "essential_start_time",
        "essential_end_time",
    ):
        if key in params:
            setattr(contact, key, params[key])


def _carried_out(system: System, exchange: Exchange, what: str, value: Any) -> None:
    """Write down what a gateway was told."""
    system.world.commands.append(
        Command(
            at=exchange.at,
            vendor=system.vendor,
            account=system.account,
            plant=system.id,
            device=system.gateway,
            what=what,
            value=value,
        )
    )


CALLS: dict[str, tuple[Any, Any]] = {
    "battery_settings": (_read_battery, _write_battery),
    "storm_guard": (_read_storm, _write_storm),
    "grid_status": (_grid, None),
    "load_control": (_read_loads, _write_loads),
}
