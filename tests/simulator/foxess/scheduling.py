"""The FoxESS endpoints of the scheduler: time segments and their switch, v0 to v3."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import scheduler
from .device import FoxDevice
from .errors import FoxError
from .steering import Change, reach

if TYPE_CHECKING:
    from .server import Server


def _scheduled(
    server: Server, exchange: Exchange, table: str, version: str
) -> FoxDevice:
    """Return a device that speaks a version of the scheduler."""
    device = reach(server, exchange, "deviceSN")
    versions: dict[str, int] = getattr(device.model, table)
    if errno := versions.get(version, 41200):
        raise FoxError(errno)
    return device


def _scheduler_get(version: str) -> Any:
    """Return the handler of `scheduler/get`."""

    def handler(server: Server, exchange: Exchange) -> Any:
        """Return the time segments."""
        device = _scheduled(server, exchange, "scheduler", version)
        if device.schedule_null:
            return None
        model = device.model
        result: dict[str, Any] = {
            "enable": int(device.flag),
            "groups": scheduler.show(
                version, device.groups, model, hide_idle=device.hide_idle_in_v3
            ),
            "properties": scheduler.show_properties(version, model),
        }
        return result | ({"maxGroupCount": model.max_groups} if version == "v3" else {})

    return handler


def _scheduler_enable(version: str) -> Any:
    """Return the handler of `scheduler/enable`."""

    def handler(server: Server, exchange: Exchange) -> Change:
        """Replace all time segments."""
        device = _scheduled(server, exchange, "scheduler", version)
        try:
            groups = scheduler.read(
                version,
                exchange.params,
                device.model,
                device.groups,
                strict=device.strict_overlap,
            )
        except scheduler.GroupError as error:
            raise FoxError(error.errno) from None

        def apply() -> None:
            device.groups = groups
            device.flag = device.flag or device.enabling_turns_on
            device.schedule_null = False

        return Change(
            device=device,
            what=f"schedule {version}",
            value=[dict(group) for group in groups],
            apply=apply,
            echo=dict(exchange.params),
        )

    return handler


def _flag_get(version: str) -> Any:
    """Return the handler of `scheduler/get/flag`."""

    def handler(server: Server, exchange: Exchange) -> Any:
        """Tell whether the scheduler is on; v1 says so in booleans."""
        device = _scheduled(server, exchange, "flag", version)
        state = {"enable": device.flag, "support": bool(device.model.properties)}
        if version == "v0":
            return {key: int(value) for key, value in state.items()}
        return state

    return handler


def _flag_set(version: str) -> Any:
    """Return the handler of `scheduler/set/flag`."""

    def handler(server: Server, exchange: Exchange) -> Change:
        """Turn the scheduler on or off."""
        device = _scheduled(server, exchange, "flag", version)
        enable = exchange.params.get("enable")
        if enable not in (0, 1) or not device.model.properties:
            raise FoxError(40257 if device.model.properties else 42015)

        def apply() -> None:
            device.flag = bool(enable)

        return Change(
            device=device,
            what="schedule flag",
            value=bool(enable),
            apply=apply,
            echo={"deviceSN": device.sn, "enable": enable},
        )

    return handler


def _versions(table: tuple[tuple[str, Any, int], ...]) -> dict[tuple[str, str], Any]:
    """Return the handlers of each version's endpoints."""
    return {
        ("POST", f"/op/v{version}/device/scheduler/{path}"): handler(f"v{version}")
        for path, handler, versions in table
        for version in range(versions)
    }


SET = _versions((("enable", _scheduler_enable, 4), ("set/flag", _flag_set, 2)))
GET = _versions((("get", _scheduler_get, 4), ("get/flag", _flag_get, 2)))
