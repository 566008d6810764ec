"""Settings of systems: which there are, what a write sends, what it leaves alone."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.solar_cloud.cloud.control import Absent, Control, Reason
from custom_components.solar_cloud.cloud.enphase.settings import (
    KEYS,
    NEVER,
    battery_body,
    battery_of,
    contacts,
    flag,
    mode_of,
)
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    NotSupported,
    Refused,
    UnexpectedAnswer,
)

from .conftest import Open
from .stub import SYSTEM, Later, Page, Stub
from .world import World

BATTERY: dict[str, Any] = {
    "battery_mode": "Self - Consumption",
    "reserve_soc": "30",
    "energy_independence": "enabled",
    "charge_from_grid": "enabled",
    "battery_shutdown_level": 13,
}
STORM = {"storm_guard_status": "Enabled (Inactive)", "storm_alert": "false"}
LOADS = {
    "load_control_data": [
        {"name": "NC2", "mode": "Manual_always_not_powered"},
        {"name": "NC1", "mode": "Manual_always_powered"},
        {"name": "NO1", "mode": "Advanced_BatteryPowered"},
        {"name": None, "mode": "Basic"},
        "NO2",
    ]
}
GRID = {"grid_state": "On Grid"}


@pytest.fixture
def configured(stub: Stub) -> Stub:
    """Return a server that lets its settings be read and written."""
    stub.answers |= {
        "/battery_settings": BATTERY,
        "/storm_guard": STORM,
        "/load_control": LOADS,
        "/grid_status": GRID,
    }
    stub.begin(plan="megawatt")
    return stub


def values(found: Any) -> dict[str, Any]:
    """Return the values of the controls that there are."""
    return {key: row.value for key, row in found.items() if isinstance(row, Control)}


def reasons(found: Any) -> dict[str, Reason]:
    """Return why the other controls are absent."""
    return {key: row.reason for key, row in found.items() if isinstance(row, Absent)}


async def controls(stub: Stub) -> Any:
    """Return the settings of the stub's system."""
    await stub.vendor.poll("systems")
    return (await stub.vendor.poll("settings")).controls[SYSTEM]


def puts(world: World) -> list[str]:
    """Return the writes that arrived."""
    return [f"{row.what} {row.value}" for row in world.sim.world.commands]


# --- what is told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        ("Self - Consumption", "self_consumption"),
        ("self-consumption", "self_consumption"),
        ("Savings Mode", "savings"),
        ("full backup", "backup"),
        ("DR Event Active", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_modes_are_told_in_many_spellings(told: Any, mode: str | None) -> None:
    """What the grid's operator forces is no mode of the owner's."""
    assert mode_of(told) == mode


@pytest.mark.parametrize(
    ("told", "on"),
    [
        ("enabled", True),
        ("Enabled (Inactive)", True),
        ("Disabled", False),
        ("maybe", None),
        (None, None),
    ],
)
def test_switches_are_told_in_many_spellings(told: Any, on: bool | None) -> None:
    """A storm guard waits for its storm."""
    assert flag(told) is on


def test_contacts_keep_their_places() -> None:
    """Whatever the order in which they are told; without a name there is none."""
    assert [row["name"] for row in contacts(LOADS)] == ["NC1", "NC2", "NO1"]
    assert contacts({"load_control_data": "none"}) == contacts(None) == []


async def test_settings_of_a_large_plan(mega: World) -> None:
    """All that one may set is there, with its range; the rest says why not."""
    await mega.poll("systems", "settings")
    found = mega.vendor.snapshots["settings"].controls[mega.system.id]
    assert values(found) == {
        "battery_mode": "self_consumption",
        "backup_reserve": 15.0,
        "energy_independence": False,
        "storm_guard": False,
        "load_control_1": True,
        "load_control_2": None,
    }
    assert found["battery_mode"].options == ("self_consumption", "savings", "backup")
    reserve = found["backup_reserve"]
    assert (reserve.minimum, reserve.maximum, reserve.step) == (10, 100, 1)
    assert reasons(found) == {
        "load_control_3": Reason.UNSUPPORTED,
        "load_control_4": Reason.UNSUPPORTED,
        **{key: row.reason for key, row in NEVER.items()},
    }
    assert reasons(found)["charge_from_grid"] is Reason.READ_ONLY
    assert reasons(found)["export_limit"] is Reason.UNSUPPORTED
    assert mega.values()["grid_connected"] is True
    assert mega.vendor.lane("backup_reserve") == mega.vendor.lane("battery_mode")
    assert mega.vendor.lane("storm_guard") != mega.vendor.lane("battery_mode")
    assert not mega.refused


@pytest.mark.parametrize("name", ["watt", "cellular", "legacy"])
async def test_small_plans_have_none_and_are_not_asked(
    open_world: Open, name: str
) -> None:
    """The reason is the plan's; nothing is asked."""
    world = await open_world(name)
    await world.poll("systems")
    before = len(world.sim.calls)
    assert world.vendor.calls("settings") == ()
    await world.poll("settings")
    found = world.vendor.snapshots["settings"].controls[world.system.id]
    assert {reasons(found)[key] for key in KEYS} == {Reason.NOT_IN_PLAN}
    assert reasons(found)["charge_from_grid"] is Reason.READ_ONLY
    assert len(world.sim.calls) == before


async def test_a_plan_that_was_typed_too_large_is_found_out(watt: World) -> None:
    """The answer tells; the sign-in is good, and nothing is asked twice."""
    await watt.begin(plan="megawatt")
    await watt.poll("systems")
    watt.advance(minutes=2)
    await watt.poll("settings")
    found = watt.vendor.snapshots["settings"].controls[watt.system.id]
    assert {reasons(found)[key] for key in KEYS} == {Reason.NOT_IN_PLAN}
    before = len(watt.sim.calls)
    watt.advance(minutes=2)
    await watt.poll("settings")
    assert len(watt.sim.calls) == before
    watt.advance(minutes=2)
    refused = await watt.vendor.write(watt.system.id, {"storm_guard": True})
    assert set(refused) == {"storm_guard"}
    assert not puts(watt)
    watt.advance(days=8)
    await watt.poll("settings")
    assert len(watt.sim.calls) > before


async def test_what_a_system_has_not_got_is_unsupported(configured: Stub) -> None:
    """As the vendor says, or because nothing is told of it."""
    configured.answers |= {
        "/battery_settings": Page({"message": "System doesn't have encharges"}, 422),
        "/storm_guard": Page(text="", status=204),
        "/load_control": {"load_control_data": []},
        "/grid_status": Page({"message": "no"}, 422),
    }
    found = await controls(configured)
    assert {reasons(found)[key] for key in KEYS} == {Reason.UNSUPPORTED}
    told = configured.vendor.snapshots["settings"].readings
    assert "grid_connected" not in told.get(SYSTEM, {})


async def test_what_the_owner_withholds(configured: Stub) -> None:
    """403 is no matter of the plan."""
    configured.answers["/battery_settings"] = Page({"message": "Forbidden"}, 403)
    found = await controls(configured)
    assert reasons(found)["battery_mode"] is Reason.NO_PERMISSION


@pytest.mark.parametrize(
    ("state", "connected"), [("On Grid", True), ("off grid", False), ("???", None)]
)
async def test_the_grid(configured: Stub, state: str, connected: bool | None) -> None:
    """What is said in other words is not known."""
    configured.answers["/grid_status"] = {"grid_state": state}
    told = await configured.values("systems", "settings")
    assert told["grid_connected"] is connected


async def test_one_call_that_fails_leaves_the_others(configured: Stub) -> None:
    """What was told before stays; only when nothing comes the poll fails."""
    await controls(configured)
    configured.answers["/storm_guard"] = Page({"message": "no"}, 404)
    configured.answers["/battery_settings"] = BATTERY | {"reserve_soc": 44}
    found = values(await controls(configured))
    assert (found["backup_reserve"], found["storm_guard"]) == (44, True)
    for end in ("/battery_settings", "/load_control"):
        configured.answers[end] = ["not an object"]
    with pytest.raises(UnexpectedAnswer):
        await controls(configured)


async def test_fields_that_are_not_told_are_no_settings(configured: Stub) -> None:
    """And values that are none are not known."""
    configured.answers["/battery_settings"] = {
        "battery_mode": "DR Event Active",
        "reserve_soc": None,
    }
    found = await controls(configured)
    assert found["battery_mode"].value is None
    assert found["backup_reserve"].value is None
    assert found["backup_reserve"].minimum == 0
    assert reasons(found)["energy_independence"] is Reason.UNSUPPORTED


async def test_a_call_outside_the_plan_is_no_failed_sign_in(configured: Stub) -> None:
    """But a token that nothing takes any more is one."""
    configured.answers |= {
        end: Page({"message": "Not Authorized"}, 401)
        for end in ("/battery_settings", "/storm_guard", "/load_control")
    }
    assert {reasons(await controls(configured))[key] for key in KEYS} == {
        Reason.NOT_IN_PLAN
    }
    configured.memory.clear()
    configured.begin(plan="megawatt")
    await configured.vendor.poll("systems")
    configured.answers["/systems"] = Page({"message": "Not Authorized"}, 401)
    with pytest.raises(AuthenticationFailed):
        await configured.vendor.poll("settings")
    del configured.answers["/battery_settings"]
    configured.answers["/grid_status"] = Page({"message": "Not Authorized"}, 401)
    for end in ("/battery_settings", "/storm_guard", "/load_control"):
        configured.answers[end] = {}
    with pytest.raises(AuthenticationFailed):
        await configured.vendor.poll("settings")


async def test_settings_that_were_stored_are_taken_up(mega: World) -> None:
    """After a restart they are there before anything is asked."""
    await mega.poll("systems", "settings")
    kept = dict(mega.vendor.snapshots)
    await mega.begin()
    for feed, snapshot in kept.items():
        await mega.vendor.restore(feed, snapshot)
    device = mega.system.batteries[0]
    ranged = mega.vendor.run_range(kept["systems"].devices[device])
    assert ranged is not None
    assert {"charge", "hold"} == set(ranged.kinds)
    assert ranged.powered is False


# --- what is set -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "held"),
    [
        ("battery_mode", "savings", {"battery_mode": "Savings Mode"}),
        ("battery_mode", "backup", {"battery_mode": "Full Backup"}),
        ("backup_reserve", 40.0, {"reserve_soc": 40}),
        ("energy_independence", True, {"energy_independence": "enabled"}),
        ("storm_guard", True, {"storm_guard_status": "enabled"}),
    ],
)
async def test_a_setting_is_sent_and_read_back(
    mega: World, key: str, value: Any, held: dict[str, Any]
) -> None:
    """The rest stays as it is."""
    await mega.poll("systems", "settings")
    before = mega.system.schedule()[mega.system.gateway]
    assert await mega.vendor.write(mega.system.id, {key: value}) == {}
    found = await mega.vendor.read(mega.system.id, [key])
    assert values(found) == {key: value}
    after = mega.system.schedule()[mega.system.gateway]
    changed = {name: row for name, row in after.items() if before[name] != row}
    # Full Backup keeps everything back.
    assert {"reserve_soc": 100, **changed} == {"reserve_soc": 100, **held}
    assert not mega.refused


async def test_what_was_changed_in_the_app_meanwhile_is_not_reset(mega: World) -> None:
    """All three values go in one call, as they are now."""
    await mega.poll("systems", "settings")
    mega.system.settings.reserve_soc = 33
    mega.system.settings.energy_independence = "enabled"
    await mega.vendor.write(mega.system.id, {"battery_mode": "savings"})
    (command,) = mega.sim.world.commands
    assert command.value == {
        "battery_mode": "Savings Mode",
        "reserve_soc": 33,
        "energy_independence": "enabled",
    }


async def test_full_backup_does_not_leave_its_reserve_behind(mega: World) -> None:
    """The reserve of the other modes comes back with them."""
    await mega.poll("systems", "settings")
    await mega.vendor.write(mega.system.id, {"battery_mode": "backup"})
    assert mega.system.settings.reserve_soc == 100
    await mega.begin()
    await mega.vendor.write(mega.system.id, {"battery_mode": "self_consumption"})
    assert mega.system.settings.reserve_soc == 15
    await mega.vendor.write(mega.system.id, {"battery_mode": "backup"})
    await mega.vendor.write(
        mega.system.id, {"battery_mode": "savings", "backup_reserve": 55.0}
    )
    assert mega.system.settings.reserve_soc == 55


async def test_settings_sent_together_are_one_call(mega: World) -> None:
    """Contacts are set one by one, by their names."""
    await mega.poll("systems", "settings")
    before = len(mega.sim.calls)
    await mega.vendor.write(
        mega.system.id,
        {
            "battery_mode": "savings",
            "backup_reserve": 25.0,
            "load_control_1": False,
            "load_control_2": True,
        },
    )
    assert len(puts(mega)) == 3
    assert len(mega.sim.calls) - before == 6
    assert [row.mode for row in mega.system.contacts] == [
        "Manual_always_not_powered",
        "Manual_always_powered",
    ]
    found = await mega.vendor.read(
        mega.system.id, ["load_control_1", "load_control_2", "load_control_3"]
    )
    assert values(found) == {"load_control_1": False, "load_control_2": True}
    refused = await mega.vendor.write(mega.system.id, {"load_control_3": True})
    assert isinstance(refused["load_control_3"], NotSupported)


async def test_what_the_vendor_refuses(mega: World) -> None:
    """With its words; the other settings are sent all the same."""
    await mega.poll("systems", "settings")
    refused = await mega.vendor.write(
        mega.system.id, {"backup_reserve": 5.0, "storm_guard": True}
    )
    assert set(refused) == {"backup_reserve"}
    reason = refused["backup_reserve"]
    assert isinstance(reason, Refused)
    assert not isinstance(reason, NotSupported)
    assert "between 10 and 100" in reason.words
    assert mega.system.settings.storm_guard_status == "enabled"


async def test_what_is_accepted_and_not_done_is_seen(mega: World) -> None:
    """By reading it back."""
    await mega.poll("systems", "settings")
    mega.fault("accepted_not_done")
    assert await mega.vendor.write(mega.system.id, {"backup_reserve": 40.0}) == {}
    found = await mega.vendor.read(mega.system.id, ["backup_reserve"])
    assert values(found) == {"backup_reserve": 15}


async def test_a_value_that_is_not_known_is_not_sent(configured: Stub) -> None:
    """While the grid's operator steers, the reserve can be set."""
    sent: list[Any] = []

    async def battery(request: web.Request) -> dict[str, Any]:
        if request.method == "PUT":
            sent.append(await request.json())
        return {"battery_mode": "DR Event Active", "reserve_soc": 20}

    configured.answers["/battery_settings"] = battery
    await controls(configured)
    assert not await configured.vendor.write(SYSTEM, {"backup_reserve": 30.0})
    assert not await configured.vendor.write(SYSTEM, {"energy_independence": False})
    assert sent == [
        {"reserve_soc": 30},
        {"reserve_soc": 20, "energy_independence": "disabled"},
    ]


def test_nothing_that_is_known_is_left_out() -> None:
    """And nothing else is made up."""
    told = {**BATTERY, "reserve_soc": None}
    assert battery_body(battery_of(told)) == {
        "battery_mode": "Self-consumption",
        "energy_independence": "enabled",
    }


async def test_nothing_is_sent_when_reading_before_fails(configured: Stub) -> None:
    """That the answer was lost says nothing about a write."""
    await controls(configured)
    configured.answers["/battery_settings"] = Page({}, 500)
    before = len(configured.asked)
    with pytest.raises(CloudUnavailable) as err:
        await configured.vendor.write(SYSTEM, {"backup_reserve": 30.0})
    assert not isinstance(err.value, AnswerLost)
    assert len(configured.asked) == before + 1


async def test_a_write_is_sent_once(configured: Stub) -> None:
    """Whatever is answered; only who reads back may send it again."""
    await controls(configured)
    configured.answers["/storm_guard"] = Page({"message": "oops"}, 500)
    before = len(configured.asked)
    with pytest.raises(AnswerLost):
        await configured.vendor.write(SYSTEM, {"storm_guard": False})
    assert len(configured.asked) == before + 1


async def test_a_write_that_is_not_allowed(configured: Stub) -> None:
    """Settings that may be looked at stay, and what is not to be set says so."""
    await controls(configured)
    configured.answers["/storm_guard"] = Later(
        [Page({"message": "Not Authorized"}, 401)] * 2 + [STORM]
    )
    refused = await configured.vendor.write(SYSTEM, {"storm_guard": False})
    assert refused["storm_guard"].key == "no_permission"
    assert values(await controls(configured))["storm_guard"] is True


async def test_writes_wait_for_each_other(mega: World) -> None:
    """What is read before a write is still so when it is sent."""
    await mega.poll("systems", "settings")
    await asyncio.gather(
        mega.vendor.write(mega.system.id, {"backup_reserve": 44.0}),
        mega.vendor.write(mega.system.id, {"energy_independence": True}),
        mega.vendor.write(mega.system.id, {"battery_mode": "savings"}),
    )
    held = mega.system.settings
    assert (held.reserve_soc, held.energy_independence, held.battery_mode) == (
        44,
        "enabled",
        "Savings Mode",
    )


async def test_nothing_is_known_of_a_system_that_was_never_read(mega: World) -> None:
    """And what is asked for of it is refused."""
    assert await mega.vendor.read(mega.system.id, []) == {}
    with pytest.raises(CloudError):
        await mega.vendor.read("1", ["storm_guard"])


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "empty", "html"])
async def test_settings_that_fail_halfway(mega: World, kind: str) -> None:
    """What went before is done, and reading back tells how far it came."""
    await mega.poll("systems", "settings")
    mega.fault(kind, "storm_guard", count=1)
    with pytest.raises((AnswerLost, UnexpectedAnswer)):
        await mega.vendor.write(
            mega.system.id, {"battery_mode": "savings", "storm_guard": True}
        )
    found = await mega.vendor.read(mega.system.id, ["battery_mode", "storm_guard"])
    arrived = kind in ("drop_after", "empty")
    assert values(found) == {"battery_mode": "savings", "storm_guard": arrived}
    assert len(puts(mega)) == 1 + arrived


async def test_what_is_so_already_is_not_sent_again(mega: World) -> None:
    """A write that is tried again goes on where it ended."""
    await mega.poll("systems", "settings")
    wanted = {"battery_mode": "savings", "load_control_1": False}
    mega.fault("status", "load_control", status=503, count=1)
    with pytest.raises(CloudUnavailable):
        await mega.vendor.write(mega.system.id, wanted)
    assert await mega.vendor.write(mega.system.id, wanted) == {}
    assert await mega.vendor.write(mega.system.id, wanted) == {}
    assert len(puts(mega)) == 2
