"""Settings of each family, judged by what the simulated machines hold."""

from datetime import datetime
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.control import Absent, Control, Reason
from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    OtherServer,
    PermissionDenied,
    QuotaExceeded,
    Refused,
)
from custom_components.solar_cloud.cloud.growatt import client as wire
from custom_components.solar_cloud.cloud.model import Snapshot

from .conftest import Steer
from .steered import Steered

UNSUPPORTED, NO_METER = Reason.UNSUPPORTED, Reason.NO_METER

# What each machine of the simulator holds at first; the rest it does not have.
AT_FIRST: dict[str, dict[str, Any]] = {
    "inverter": {"active_power_rate": 100, "inverter_on": True},
    "alone": {"active_power_rate": 100, "inverter_on": True},
    "max": {"active_power_rate": 100, "inverter_on": True},
    "storage": {
        "storage_mode": "standard",
        "min_soc": 6,
        "grid_charge_soc_limit": 70,
        "charge_from_grid": False,
        "inverter_on": True,
    },
    "min": {
        "battery_mode": "time_of_use",
        "min_soc": 15,
        "backup_reserve": 12,
        "grid_charge_soc_limit": 95,
        "active_power_rate": 100,
        "charge_power_rate": 70,
        "discharge_power_rate": 100,
        "export_limit": 5000,
        "export_limit_enabled": False,
        "charge_from_grid": True,
        "inverter_on": True,
    },
    "min_pv": {
        "active_power_rate": 100,
        "export_limit": NO_METER,
        "export_limit_enabled": NO_METER,
        "inverter_on": True,
    },
    "sph": {
        "battery_mode": "time_of_use",
        "min_soc": 14,
        "grid_charge_soc_limit": 88,
        "active_power_rate": 100,
        "charge_power_rate": 80,
        "discharge_power_rate": 90,
        "export_limit": 6000,
        "export_limit_enabled": False,
        "charge_from_grid": True,
        "inverter_on": True,
    },
    "spa": {
        "battery_mode": "self_consumption",
        "min_soc": 14,
        "grid_charge_soc_limit": 88,
        "active_power_rate": 100,
        "charge_power_rate": 80,
        "discharge_power_rate": 90,
        "export_limit": 3000,
        "export_limit_enabled": False,
        "charge_from_grid": False,
        "inverter_on": True,
    },
}


@pytest.mark.parametrize("name", list(AT_FIRST))
async def test_what_a_machine_has(steer: Steer, name: str) -> None:
    """Each family shows its settings; what it has not is absent for a reason."""
    world = steer(name)
    found = await world.poll()
    offset = found.pop("sync_clock")
    assert offset == pytest.approx(world.device.clock_offset, abs=1)
    there = {key: value for key, value in found.items() if value is not UNSUPPORTED}
    assert there == AT_FIRST[name]
    assert ("forced_power" in found) == (name == "storage")
    assert not world.refused


@pytest.mark.parametrize("name", list(AT_FIRST))
async def test_the_plan_of_a_poll(steer: Steer, name: str) -> None:
    """What a poll is planned to call is about what it calls."""
    world = steer(name)
    await world.poll()
    before = len(world.sim.calls)
    await world.poll()
    made = [call.endpoint for call in world.sim.calls[before:]]
    planned = [call.endpoint for call in world.steering.calls(world.sn)]
    assert set(made) == set(planned)
    assert abs(len(made) - len(planned)) <= 4


NEW: dict[str, dict[str, Any]] = {
    "inverter": {"active_power_rate": 60, "inverter_on": False},
    "max": {"active_power_rate": 45, "inverter_on": False},
    "storage": {
        "storage_mode": "free",
        "min_soc": 9,
        "grid_charge_soc_limit": 55,
        "charge_from_grid": True,
        "inverter_on": False,
    },
    "min": {
        "min_soc": 18,
        "backup_reserve": 21,
        "grid_charge_soc_limit": 90,
        "active_power_rate": 80,
        "charge_power_rate": 35,
        "discharge_power_rate": 55,
        "export_limit": 2500,
        "export_limit_enabled": True,
        "charge_from_grid": False,
        "inverter_on": False,
    },
    "sph": {
        "min_soc": 30,
        "grid_charge_soc_limit": 90,
        "active_power_rate": 80,
        "charge_power_rate": 35,
        "discharge_power_rate": 55,
        "export_limit": 2400,
        "export_limit_enabled": True,
        "charge_from_grid": False,
        "inverter_on": False,
    },
    "spa": {
        "min_soc": 30,
        "grid_charge_soc_limit": 90,
        "active_power_rate": 80,
        "charge_power_rate": 35,
        "discharge_power_rate": 55,
        "export_limit": 900,
        "export_limit_enabled": True,
        "charge_from_grid": True,
        "inverter_on": False,
    },
}


@pytest.mark.parametrize("name", list(NEW))
async def test_all_settings_at_once(steer: Steer, name: str) -> None:
    """Everything that a family takes is written, and is read back as it was asked for."""
    world = steer(name)
    assert await world.set(**NEW[name]) == {}
    shown = await world.poll()
    assert {key: shown[key] for key in NEW[name]} == NEW[name]
    writes = len(world.written())
    assert await world.set(**NEW[name]) == {}
    assert len(world.written()) == writes
    assert await world.set(inverter_on=True) == {}
    assert (await world.control("inverter_on")).value is True
    assert not world.refused


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [(name, key, value) for name, row in NEW.items() for key, value in row.items()],
)
async def test_nothing_else_is_changed(
    steer: Steer, name: str, key: str, value: Any
) -> None:
    """One setting is written; its neighbours stay, the windows of the owner too."""
    world = steer(name)
    before = dict(world.device.settings)
    assert await world.set(**{key: value}) == {}
    assert (await world.control(key)).value == value
    changed = {k for k, v in world.device.settings.items() if v != before[k]}
    assert len(changed) == (2 if (name, key) in BOTH else 1)
    assert len(world.written()) == (2 if (name, key) in BOTH else 1)


# A floor under which the battery is never discharged is a stop SOC for each priority.
BOTH = {("sph", "min_soc"), ("spa", "min_soc")}


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
async def test_settings_with_a_mode(steer: Steer, name: str) -> None:
    """What is set together is sent after one look, the mode after another."""
    world = steer(name)
    before = sum("info" in call.endpoint for call in world.sim.calls)
    changes = {
        "battery_mode": "charge_priority",
        "charge_power_rate": 30,
        "grid_charge_soc_limit": 70,
        "active_power_rate": 75,
    }
    assert await world.set(**changes) == {}
    looks = sum("info" in call.endpoint for call in world.sim.calls) - before
    assert looks == 2
    shown = await world.poll()
    assert {key: shown[key] for key in changes} == changes


@pytest.mark.parametrize("name", ["sph", "spa"])
async def test_the_stop_soc_survives(steer: Steer, name: str) -> None:
    """A write that carries the stop SOC carries the one that the machine holds."""
    world = steer(name)
    world.hold(wchargeSOCLowLimit2="77", wdisChargeSOCLowLimit2="33")
    assert await world.set(charge_power_rate=40, discharge_power_rate=50) == {}
    held = world.device.settings
    assert (held["wchargeSOCLowLimit2"], held["wdisChargeSOCLowLimit2"]) == ("77", "33")
    assert await world.set(charge_from_grid=name == "spa") == {}
    assert (held["wchargeSOCLowLimit2"], held["wdisChargeSOCLowLimit2"]) == ("77", "33")


async def test_a_floor_keeps_a_higher_stop_soc(steer: Steer) -> None:
    """A stop SOC that the owner has set higher where the grid comes first stays."""
    sph = steer("sph")
    assert await sph.set(min_soc=20) == {}
    held = sph.device.settings
    assert (held["wdisChargeSOCLowLimit1"], held["wdisChargeSOCLowLimit2"]) == (
        "20",
        "24",
    )
    assert (await sph.control("min_soc")).value == 20
    assert await sph.set(min_soc=30) == {}
    assert await sph.set(min_soc=12) == {}
    assert (held["wdisChargeSOCLowLimit1"], held["wdisChargeSOCLowLimit2"]) == (
        "12",
        "30",
    )
    assert (await sph.control("min_soc")).value == 12


async def test_a_floor_that_does_not_stick(steer: Steer) -> None:
    """A limit below the machine's own is accepted, but what it shows is the truth."""
    world = steer("min")
    assert await world.set(backup_reserve=5) == {}
    assert (await world.control("backup_reserve")).value == 12


async def test_out_of_range(steer: Steer) -> None:
    """What the document does not allow is refused before it is sent."""
    world = steer("storage")
    assert await world.set(min_soc=11, grid_charge_soc_limit=9, storage_mode="?") == {
        "min_soc": "Refused: 11 is not between 0 and 10",
        "grid_charge_soc_limit": "Refused: 9 is not between 10 and 80",
        "storage_mode": "Refused: the machine has no mode ?",
    }
    assert not world.written()


async def test_what_a_machine_has_not(steer: Steer) -> None:
    """A setting of another family is refused, and absent when it is asked for."""
    world = steer("inverter")
    refused = await world.steering.write(world.sn, {"min_soc": 5, "battery_mode": "x"})
    assert {key: type(err) for key, err in refused.items()} == {
        "min_soc": NotSupported,
        "battery_mode": NotSupported,
    }
    found = await world.steering.read(world.sn, ["min_soc"])
    assert found == {"min_soc": Absent(reason=UNSUPPORTED)}


# --- two words for one thing ---------------------------------------------------------


@pytest.mark.parametrize("dialect", ["today", "document"])
@pytest.mark.parametrize("name", ["inverter", "storage"])
async def test_the_word_for_on(steer: Steer, name: str, dialect: str) -> None:
    """The document's word is tried first, today's when it is refused; then remembered."""
    world = steer(name)
    world.device.dialect = dialect
    assert await world.set(inverter_on=False) == {}
    assert await world.set(inverter_on=True) == {}
    assert (await world.control("inverter_on")).value is True
    asked = sum(call.endpoint.endswith("Set") for call in world.sim.calls)
    assert asked == (3 if dialect == "today" else 2)
    world.begin()
    assert await world.set(inverter_on=False) == {}
    assert await world.set(inverter_on=True) == {}
    again = sum(call.endpoint.endswith("Set") for call in world.sim.calls)
    assert again - asked == 2


@pytest.mark.parametrize("dialect", ["today", "document"])
async def test_the_name_of_the_charge_switch(steer: Steer, dialect: str) -> None:
    """The name that the server knows is found by reading, and only then written."""
    storage = steer("storage")
    storage.device.dialect = dialect
    assert await storage.set(charge_from_grid=True) == {}
    assert (await storage.control("charge_from_grid")).value is True
    assert [call.code for call in storage.sim.calls].count(10006) == 0


async def test_neither_word_for_on(steer: Steer) -> None:
    """A machine that cannot be switched says so."""
    world = steer("max")
    world.device.unknown_types = {"max_cmd_on_off"}
    assert await world.set(inverter_on=False) == {}
    world.device.unknown_types = {"max_cmd_on_off", "pv_on_off"}
    world.steering.firmware(world.sn, "2.0")
    assert "10006" in (await world.set(inverter_on=True))["inverter_on"]


# --- the clock -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inverter", "storage", "max", "min", "sph", "spa"])
async def test_the_clock(steer: Steer, name: str) -> None:
    """The drift of the clock is shown, and repaired on request, in the plant's time."""
    world = steer(name)
    world.device.clock_offset = -1234.0
    assert (await world.control("sync_clock")).value == pytest.approx(-1234, abs=1)
    assert await world.set(sync_clock=True) == {}
    slack = 60 if name == "storage" else 6
    value = (await world.control("sync_clock")).value
    assert value == pytest.approx(0, abs=slack)


# --- the export limit ----------------------------------------------------------------


async def test_the_export_limit(steer: Steer) -> None:
    """W are % of the rated power; by what it is limited stays, also while it is off."""
    world = steer("min")
    world.hold(exportLimit="2", exportLimitPowerRate="30")
    control = await world.control("export_limit")
    assert (control.value, control.maximum, control.step) == (1500, 5000, 50)
    assert await world.set(export_limit=1010) == {}
    held = world.device.settings
    assert (held["exportLimit"], held["exportLimitPowerRate"]) == ("2", "20")
    assert await world.set(export_limit_enabled=False) == {}
    assert (held["exportLimit"], held["exportLimitPowerRate"]) == ("0", "20")
    world.begin()
    assert await world.set(export_limit_enabled=True) == {}
    assert (held["exportLimit"], held["exportLimitPowerRate"]) == ("2", "20")
    assert await world.set(export_limit=99999) == {}
    assert held["exportLimitPowerRate"] == "100"


async def test_no_meter(steer: Steer) -> None:
    """Without a meter a limit can do nothing; one that is set is shown all the same."""
    world = steer("min_pv")
    found = await world.poll()
    assert found["export_limit"] is found["export_limit_enabled"] is NO_METER
    world.hold(exportLimit="1", exportLimitPowerRate="40")
    assert (await world.control("export_limit")).value == 1200
    assert (await world.control("export_limit_enabled")).value is True


async def test_an_export_limit_without_a_rating(steer: Steer) -> None:
    """% of what is not known is nothing."""
    world = steer("sph")
    world.machine = world.machine.__replace__(rated=None)
    assert (await world.poll())["export_limit"] is Reason.UNKNOWN
    assert "rated power" in (await world.set(export_limit=100))["export_limit"]
    assert await world.set(export_limit_enabled=True) == {}


# --- battery modes -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["min", "sph", "spa"])
@pytest.mark.parametrize("mode", ["charge_priority", "feed_in_priority"])
async def test_a_mode_for_all_day(steer: Steer, name: str, mode: str) -> None:
    """A mode is one window for the whole day; the owner's sleep, and come back."""
    world = steer(name)
    before = dict(world.device.settings)
    first = (await world.control("battery_mode")).value
    assert await world.set(battery_mode=mode) == {}
    control = await world.control("battery_mode")
    assert control.value == mode
    world.advance(minutes=1)
    order = world.plant.home.state(world.sim.clock.seconds()).orders
    assert order.label == mode
    assert await world.set(battery_mode="self_consumption") == {}
    order = world.plant.home.state(world.sim.clock.seconds()).orders
    assert order.label == "self_consumption"
    if first == "time_of_use":
        world.begin()
        control = await world.control("battery_mode")
        assert "time_of_use" in control.options
        assert await world.set(battery_mode="time_of_use") == {}
        assert world.device.settings == before
    else:
        assert "time_of_use" not in control.options
        told = await world.set(battery_mode="time_of_use")
        assert "set_schedule" in told["battery_mode"]
    assert not world.refused


async def test_sleeping_windows_survive_a_mode(steer: Steer) -> None:
    """A mode that needs the place of a sleeping window gives it back."""
    world = steer("spa")
    for place in (1, 2, 3):
        world.device.settings |= {
            f"forcedChargeTimeStart{place}": f"{place}:0",
            f"forcedChargeTimeStop{place}": f"{place}:30",
        }
    before = dict(world.device.settings)
    assert await world.set(battery_mode="charge_priority") == {}
    assert world.device.settings != before
    world.begin()
    assert "time_of_use" not in (await world.control("battery_mode")).options
    assert await world.set(battery_mode="feed_in_priority") == {}
    assert await world.set(battery_mode="self_consumption") == {}
    assert world.device.settings["forcedChargeTimeStart1"] == "1:0"
    changed = {k for k, v in world.device.settings.items() if before[k] != v}
    assert changed <= {"forcedDischargeTimeStop1"}


async def test_a_mode_that_holds_already(steer: Steer) -> None:
    """Nothing is written for the mode that there is."""
    world = steer("min")
    assert await world.set(battery_mode="time_of_use") == {}
    assert not world.written()
    told = await world.set(battery_mode="backup")
    assert told == {"battery_mode": "Refused: the machine has no mode backup"}


async def test_windows_that_were_kept_last(steer: Steer) -> None:
    """Windows made anew meanwhile are the ones that come back."""
    world = steer("min")
    await world.set(battery_mode="self_consumption")
    world.hold(forcedStopSwitch3="1", forcedTimeStart3="5:0", forcedTimeStop3="6:0")
    assert (await world.control("battery_mode")).value == "time_of_use"
    await world.set(battery_mode="charge_priority")
    await world.set(battery_mode="time_of_use")
    assert world.device.settings["forcedStopSwitch3"] == "1"
    assert world.device.settings["forcedStopSwitch1"] == "0"


# --- refusals, and answers that get lost ---------------------------------------------


async def test_a_refusal_that_is_none(steer: Steer) -> None:
    """A machine that says no and does it all the same is believed by what it shows."""
    world = steer("min")

    def did_it(call: Any) -> None:
        if call.endpoint.endswith("tlxSet"):
            world.hold(chargePowerCommand="33")

    world.sim.world.listeners.append(did_it)
    world.sim.fault("errno", endpoint="*tlxSet", errno=10008, msg="?", count=1)
    assert await world.set(charge_power_rate=33) == {}


async def test_a_refusal_that_cannot_be_read_back(steer: Steer) -> None:
    """Where nothing can be read, the refusal stands."""
    world = steer("min")
    world.sim.fault("errno", endpoint="*tlxSet", errno=10008, msg="?", count=1)
    world.sim.fault("errno", endpoint="*set_info", errno=10003, msg="?", skip=1)
    assert "10008" in (await world.set(charge_power_rate=33))["charge_power_rate"]


SET_CODES = {
    1: AnswerLost,
    10001: AnswerLost,
    10002: AnswerLost,
    10003: DeviceOffline,
    10005: DeviceOffline,
    10011: PermissionDenied,
    10012: DeviceGone,
}
REFUSALS = (10004, 10006, 10007, 10008, 10009, 10013)


@pytest.mark.parametrize("code", [*SET_CODES, *REFUSALS])
@pytest.mark.parametrize("name", list(NEW))
async def test_what_a_set_endpoint_says(steer: Steer, name: str, code: int) -> None:
    """Each error number of each Set endpoint means what its own table says."""
    world = steer(name)
    world.sim.fault("errno", endpoint="*Set", errno=code, msg="words")
    value = {"active_power_rate": 40} if name != "storage" else {"min_soc": 3}
    if code in REFUSALS:
        refused = await world.steering.write(world.sn, value)
        (err,) = refused.values()
        assert isinstance(err, Refused)
        assert err.code == str(code)
    else:
        with pytest.raises(SET_CODES[code]):
            await world.steering.write(world.sn, value)
    assert not world.written()


@pytest.mark.parametrize("name", list(NEW))
async def test_too_often(steer: Steer, name: str) -> None:
    """10012 with the limit's words is no missing device: it is waited for, and learned."""
    world = steer(name)
    world.sim.fault(
        "errno", endpoint="*Set", errno=10012, msg="error_frequently_access", count=1
    )
    began = world.sim.clock.seconds()
    value = {"active_power_rate": 40} if name != "storage" else {"min_soc": 3}
    assert await world.set(**value) == {}
    assert world.sim.clock.seconds() - began >= 30
    assert world.memory["setting_spacing"] == 10


async def test_too_often_for_long(steer: Steer) -> None:
    """A limit that does not open within minutes is told, with when it will."""
    world = steer("min")
    world.sim.fault(
        "errno", endpoint="*Set", errno=10012, msg="error_frequently_access"
    )
    with pytest.raises(QuotaExceeded) as err:
        await world.steering.write(world.sn, {"active_power_rate": 40})
    assert isinstance(err.value.retry_at, datetime)


# --- the server that takes the change ------------------------------------------------


def regions(world: Steered, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let the client know the simulator's regions."""
    urls: dict[str, str] = world.sim.vendors["growatt"].urls
    monkeypatch.setattr(wire, "HOSTS", tuple(urls.values()))
    return urls


async def test_another_region_takes_the_change(
    steer: Steer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`error_useTrueHostToSet`: the other regions are tried, and the one is remembered."""
    world = steer("min")
    regions(world, monkeypatch)
    world.plant.set_region = "au"
    assert await world.set(charge_power_rate=20) == {}
    assert world.device.settings["chargePowerCommand"] == "20"
    world.begin()
    before = len(world.sim.calls)
    assert await world.set(charge_power_rate=30) == {}
    sets = [call for call in world.sim.calls[before:] if call.endpoint.endswith("Set")]
    assert len(sets) == 1
    world.plant.set_region = "cn"
    assert await world.set(charge_power_rate=40) == {}
    world.plant.set_region = None
    assert await world.set(charge_power_rate=50) == {}
    assert world.device.settings["chargePowerCommand"] == "50"


async def test_no_region_takes_the_change(
    steer: Steer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no server that we know takes it, that is said."""
    world = steer("min")
    world.plant.set_region = "moon"
    refused = await world.steering.write(world.sn, {"charge_power_rate": 20})
    assert isinstance(refused["charge_power_rate"], OtherServer)
    urls = regions(world, monkeypatch)
    monkeypatch.setattr(wire, "HOSTS", (*urls.values(), "http://127.0.0.1:9"))
    refused = await world.steering.write(world.sn, {"charge_power_rate": 20})
    assert isinstance(refused["charge_power_rate"], OtherServer)
    assert "useTrueHostToSet" in str(refused["charge_power_rate"])


async def test_the_answer_of_another_region_is_lost(
    steer: Steer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may have been carried out there is read back before it is sent again."""
    world = steer("min")
    regions(world, monkeypatch)
    world.plant.set_region = "us"
    world.sim.fault("drop_after", endpoint="*tlxSet", count=1, skip=1)
    with pytest.raises(AnswerLost):
        await world.steering.write(world.sn, {"charge_power_rate": 20})
    assert (await world.control("charge_power_rate")).value == 20


# --- polls that go wrong -------------------------------------------------------------


async def test_a_poll_while_the_logger_is_offline(steer: Steer) -> None:
    """What was known stays; the rest is unknown."""
    world = steer("inverter")
    world.sim.fault("logger_offline", device=world.sn)
    assert (await world.poll())["inverter_on"] is Reason.UNKNOWN
    world.sim.clear_faults()
    before = await world.poll()
    world.begin()
    world.steering.take_over(
        Snapshot(
            at=world.clock.now(),
            controls={world.sn: {"active_power_rate": Control(value=7, at=NOW)}},
        ).controls
    )
    world.sim.fault("logger_offline", device=world.sn)
    found = await world.poll()
    assert found["active_power_rate"] == 7
    assert found["inverter_on"] is Reason.UNKNOWN
    assert before["inverter_on"] is True


NOW = datetime.fromisoformat("2026-06-17T09:00:00+00:00")


async def test_a_parameter_that_cannot_be_read_now(steer: Steer) -> None:
    """One parameter that fails leaves the others; one that is not allowed says so."""
    world = steer("storage")
    await world.poll()
    world.sim.fault("errno", endpoint="*Param", errno=10001, msg="?", count=1)
    found = await world.poll()
    assert (found["storage_mode"], found["min_soc"]) == ("standard", 6)
    world.sim.fault("errno", endpoint="*Param", errno=10011, msg="?", count=1)
    found = await world.poll()
    assert (found["storage_mode"], found["min_soc"]) == (Reason.NO_PERMISSION, 6)


READ_CODES = {
    10001: "busy",
    10002: "gone",
    10003: "offline",
    10004: "refused",
    10005: "offline",
    10006: "absent",
    10007: "absent",
    10008: "offline",
    10009: "absent",
}


@pytest.mark.parametrize("code", list(READ_CODES))
async def test_what_reading_a_parameter_says(steer: Steer, code: int) -> None:
    """The same numbers mean other things than in the Set endpoints."""
    world = steer("inverter")
    world.sim.fault("errno", endpoint="*Param", errno=code, msg="words")
    if READ_CODES[code] == "absent":
        found = await world.steering.read(world.sn, ["active_power_rate"])
        assert isinstance(found["active_power_rate"], Absent)
        return
    kinds: dict[str, type[Exception]] = {
        "gone": DeviceGone,
        "offline": DeviceOffline,
        "refused": Refused,
    }
    with pytest.raises(kinds.get(READ_CODES[code], Exception)):
        await world.steering.read(world.sn, ["active_power_rate"])


async def test_firmware(steer: Steer) -> None:
    """What a machine did not know is asked again once its firmware is another."""
    world = steer("inverter")
    world.device.unknown_types = {"pv_active_p_rate"}
    world.steering.firmware(world.sn, "1.0")
    assert (await world.poll())["active_power_rate"] is Reason.UNKNOWN
    world.device.unknown_types = set()
    world.steering.firmware(world.sn, "1.0")
    assert (await world.poll())["active_power_rate"] is Reason.UNKNOWN
    world.steering.firmware(world.sn, "1.1")
    assert (await world.poll())["active_power_rate"] == 100
