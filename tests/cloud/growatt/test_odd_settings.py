"""Settings as living machines tell them: missing, empty, elsewhere, or not at all."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Forced,
    Progress,
    Reason,
    Run,
)
from custom_components.solar_cloud.cloud.errors import (
    NotSupported,
    Refused,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.growatt.controls import Steering
from custom_components.solar_cloud.cloud.growatt.endpoints import (
    INVERTER,
    MAX,
    MIN,
    SPA,
    SPH,
    STORAGE,
    Family,
)
from custom_components.solar_cloud.cloud.growatt.machines import Machine

from .stub import Error, Page, Stub

SN = "TLX1"
UNKNOWN = Absent(reason=Reason.UNKNOWN)
UNSUPPORTED = Absent(reason=Reason.UNSUPPORTED)
NO_SUCH = Error(10009, "error_parameter type not exist")

# No windows at all.
EMPTY = {"forcedTimeStart1": "0:0", "forcedTimeStop1": "0:0"}
HALVES = {"forcedChargeTimeStart1": "0:0", "forcedDischargeTimeStart1": "0:0"}
# An SPH whose one answer leaves everything out that it may leave out.
SILENT: dict[str, Any] = HALVES | {
    "chargePowerCommand": "",
    "wchargeSOCLowLimit1": "null",
    "wchargeSOCLowLimit2": None,
    "acChargeEnable": -1,
    "disChargePowerCommand": 90,
    "wdisChargeSOCLowLimit2": "-1",
    "onOff": 1,
    "activeRate": 41.900001525878906,
}


def steering(stub: Stub, family: Family, **known: Any) -> Steering:
    """Return what steers a machine of the stub."""
    machine = Machine(
        sn=SN,
        family=family,
        zone=ZoneInfo("Europe/Lisbon"),
        **{"rated": 6000.0, "has_battery": True, **known},
    )
    stub.memory.clear()
    return Steering(stub.client, stub.clock, stub.memory, machine=lambda sn: machine)


async def one(found: Steering, key: str) -> Control | Absent:
    """Read a setting."""
    return (await found.read(SN, [key]))[key]


def sent(stub: Stub, end: str) -> list[dict[str, str]]:
    """Return the forms that were sent to an endpoint."""
    return [form for path, form in stub.asked if path.endswith(end)]


@pytest.mark.parametrize("shown", ["null", "", None, "2026", "99:99", 7])
async def test_a_clock_that_shows_nothing(stub: Stub, shown: Any) -> None:
    """A clock without a readable time is unknown."""
    stub.answers = {"readInverterParam": shown}
    assert await one(steering(stub, INVERTER), "sync_clock") == UNKNOWN


async def test_the_settings_are_nested(stub: Stub) -> None:
    """Where `tlx_set_info` is not there, the settings in `tlx_data_info` are read."""
    stub.answers = {
        "tlx_set_info": Page("<html>", 404),
        "tlx_data_info": {"tlxSetbean": {"charge_power_command": "55"}, "lost": True},
    }
    found = steering(stub, MIN)
    for _ in range(2):
        control = await one(found, "charge_power_rate")
        assert isinstance(control, Control)
        assert control.value == 55
        stub.advance(minutes=6)
    assert len(sent(stub, "tlx_set_info")) == 1
    assert [call.endpoint for call in found.calls(SN)][0].endswith("tlx_set_info")


@pytest.mark.parametrize("answer", [None, "", [], "null"])
async def test_settings_that_are_no_object(stub: Stub, answer: Any) -> None:
    """An answer that cannot be understood is said to be one, once nothing else came."""
    stub.answers = {"tlx_set_info": answer, "readMinParam": Error(10001)}
    found = steering(stub, MIN)
    with pytest.raises(UnexpectedAnswer):
        await found.poll(SN)
    stub.answers["readMinParam"] = "2026-06-17 11:00:30"
    told = await found.poll(SN)
    assert isinstance(told["sync_clock"], Control)
    assert told["battery_mode"] == UNKNOWN


async def test_what_is_missing_is_asked_for(stub: Stub) -> None:
    """A value that the one answer leaves out is read by itself."""
    stub.answers = {
        "tlx_set_info": EMPTY | {"chargePowerCommand": "", "exportLimit": None},
        "readMinParam": lambda form: {
            "charge_power": "44",
            "backflow_setting": "1,30",
            "ac_charge": "1",
            "discharge_stop_soc": "null",
            "tlx_on_off": "0101",
        }.get(form["paramId"], NO_SUCH),
    }
    found = steering(stub, MIN)
    values = {}
    for key, row in (await found.poll(SN)).items():
        values[key] = row.value if isinstance(row, Control) else row.reason
    assert (values["charge_power_rate"], values["charge_from_grid"]) == (44, True)
    assert (values["export_limit"], values["export_limit_enabled"]) == (1800, True)
    assert values["inverter_on"] is True
    assert values["min_soc"] is Reason.UNKNOWN
    assert values["battery_mode"] == "self_consumption"
    stub.asked.clear()
    await found.poll(SN)
    asked = [form["paramId"] for form in sent(stub, "readMinParam")]
    assert "on_grid_discharge_stop_soc" not in asked


async def test_a_limit_of_which_only_the_switch_is_told(stub: Stub) -> None:
    """Without the % there is no limit to show, and none to write the switch with."""
    stub.answers = {
        "tlx_set_info": {},
        "readMinParam": lambda form: (
            "1" if form["paramId"] == "backflow_setting" else NO_SUCH
        ),
    }
    found = steering(stub, MIN)
    assert isinstance(await one(found, "export_limit_enabled"), Control)
    assert await one(found, "export_limit") == UNKNOWN
    refused = await found.write(SN, {"export_limit_enabled": False})
    assert "does not tell" in refused["export_limit_enabled"].words
    assert not sent(stub, "tlxSet")


async def test_what_is_not_told_is_not_overwritten(stub: Stub) -> None:
    """An SPH's stop SOC that is told nowhere keeps all that is written with it absent."""
    stub.answers = {"mix_data_info": SILENT, "readMixParam": NO_SUCH, "mixSet": ""}
    found = steering(stub, SPH)
    told = await found.poll(SN)
    for key in ("charge_power_rate", "charge_from_grid", "grid_charge_soc_limit"):
        assert told[key] == UNKNOWN
    for key in ("discharge_power_rate", "min_soc"):
        assert told[key] == UNKNOWN
    control = told["active_power_rate"]
    assert isinstance(control, Control)
    assert control.value == 41.9
    refused = await found.write(SN, {"charge_power_rate": 40, "min_soc": 20})
    assert isinstance(refused["charge_power_rate"], Refused)
    assert "does not tell" in refused["min_soc"].words
    assert not sent(stub, "mixSet")
    # Only the remote call can force it, as long as it may be used.
    limits = found.runs.range(SN)
    assert limits
    assert limits.kinds == {Forced.CHARGE, Forced.DISCHARGE}


async def test_a_floor_of_which_half_is_told(stub: Stub) -> None:
    """A floor is not written where the stop SOC of the other priority is not told."""
    stub.answers = {
        "mix_data_info": SILENT | {"wdisChargeSOCLowLimit1": 12},
        "readMixParam": NO_SUCH,
        "mixSet": "",
    }
    found = steering(stub, SPH)
    assert (await found.write(SN, {"min_soc": 30}))["min_soc"].words
    assert not sent(stub, "mixSet")


async def test_what_the_whole_setting_tells(stub: Stub) -> None:
    """What the one answer leaves out is taken from the setting as a whole."""
    charge = "70,85,1,1,0,3,30,1,0,0,0,0,0,0,0,0,0,0"
    stub.answers = {
        "spa_data_info": SILENT | {"wdisChargeSOCLowLimit2": 25, "batFirstSwitch1": 1},
        "readSpaParam": lambda form: {
            "spa_ac_charge_time_period": charge,
            "spa_ac_discharge_time_period": "1,2,3",
            "spa_load_flast_value_multi": "11",
        }.get(form["paramId"], NO_SUCH),
        "spaSet": "",
    }
    found = steering(stub, SPA)
    values = {
        key: row.value
        for key, row in (await found.poll(SN)).items()
        if isinstance(row, Control)
    }
    assert (values["charge_power_rate"], values["grid_charge_soc_limit"]) == (70, 85)
    assert (values["charge_from_grid"], values["min_soc"]) == (True, 11)
    await found.write(SN, {"charge_power_rate": 30})
    (form,) = sent(stub, "spaSet")
    assert [form[f"param{n}"] for n in range(1, 5)] == ["30", "85", "1", "0"]
    await found.write(SN, {"min_soc": 20})
    assert sent(stub, "spaSet")[1]["type"] == "spa_load_flast_value_multi"


async def test_forced_without_windows(stub: Stub) -> None:
    """Where windows are not told at all, the remote call is all that forces."""
    stub.answers = {"tlx_set_info": Page("<html>", 404)}
    stub.answers |= {"tlx_data_info": Page("<html>", 404), "vppRemoteSetNew": 0}
    found = steering(stub, MIN)
    run = Run(
        id="run",
        plant="plant",
        kind=Forced.CHARGE,
        start=stub.now,
        end=stub.now.replace(minute=30),
        devices=(SN,),
    )
    before = await found.runs.prepare(run)
    assert before[SN]["owner"] is None
    assert not await found.runs.started(run, before)
    await found.runs.start(run, before)
    assert await found.runs.started(run, before) == Progress(done=None)
    (form,) = sent(stub, "vppRemoteSetNew")
    assert (form["vppSn"], form["time"], form["percentage"]) == (SN, "30", "100")
    stub.now = run.end
    stub.advance(minutes=1)
    await found.runs.stop(run, before)
    assert await found.runs.stopped(run, before)
    stub.answers["vppRemoteSetNew"] = Error(10011)
    with pytest.raises(Refused, match="cannot be forced"):
        await found.runs.start(run, before)
    with pytest.raises(NotSupported):
        await found.runs.prepare(run)
    stub.answers["readMinParam"] = "2026-06-17 11:00:30"
    stub.advance(minutes=6)
    assert (await found.poll(SN))["battery_mode"] == UNSUPPORTED


@pytest.mark.parametrize(
    ("family", "answer"),
    [
        (MIN, {"acChargeEnable": 1}),
        (MIN, {"forcedTimeStart1": "null"}),
        (SPH, SILENT | {"forcedDischargeTimeStart1": ""}),
    ],
)
async def test_windows_that_are_not_told(
    stub: Stub, family: Family, answer: dict[str, Any]
) -> None:
    """Windows that a machine does not tell could not be put back: they are left alone."""
    stub.answers = {"_info": answer, "Param": NO_SUCH}
    found = steering(stub, family)
    assert (await found.poll(SN))["battery_mode"] == UNSUPPORTED
    limits = found.runs.range(SN)
    assert limits
    assert limits.kinds == {Forced.CHARGE, Forced.DISCHARGE}
    with pytest.raises(NotSupported):
        await found.schedules.get(SN)


async def test_a_stop_soc_that_is_not_told(stub: Stub) -> None:
    """A target that the machine has no stop SOC for is left to our own watch."""
    stub.answers = {
        "tlx_set_info": EMPTY | {"acChargeEnable": 0},
        "readMinParam": NO_SUCH,
        "tlxSet": "",
    }
    found = steering(stub, MIN)
    for kind in (Forced.CHARGE, Forced.DISCHARGE):
        run = Run(
            id="run",
            plant="plant",
            kind=kind,
            start=stub.now,
            end=stub.now.replace(minute=30),
            devices=(SN,),
            target_soc=50,
        )
        (part,) = (await found.runs.prepare(run))[SN]["parts"]
        assert part["held"]["values"] == {"mains": float(kind is Forced.CHARGE)}


async def test_storage_windows_by_any_form(stub: Stub) -> None:
    """The four numbers of a window are found, however they are put together."""
    stub.answers = {
        "readStorageParam": lambda form: {
            "storage_ac_charge_hour_start": "1:00-4:30",
            "storage_cmd_forced_discharge_time1": "18_0_24_0",
            "storage_ac_charge_enable_disable": "1",
            "storage_cmd_forced_discharge_enable": "0",
        }.get(form["paramId"], NO_SUCH),
        "storageSet": "",
    }
    found = steering(stub, STORAGE)
    schedule = await found.schedules.get(SN)
    assert [(row.start, row.end, row.target_soc) for row in schedule.windows] == [
        (60, 270, None),
        (1080, 1440, None),
    ]


async def test_a_machine_that_turns_nothing_on(stub: Stub) -> None:
    """A setting that the machine does not know is told so, and not tried in other words."""
    stub.answers = {
        "max_data_info": {"onOff": 0, "activeRate": 100},
        "readMaxParam": NO_SUCH,
        "maxSet": Error(10006),
    }
    found = steering(stub, MAX, has_battery=False)
    refused = await found.write(SN, {"inverter_on": True})
    assert isinstance(refused["inverter_on"], NotSupported)
    assert len(sent(stub, "maxSet")) == 1


async def test_nobody_stores_the_memory(stub: Stub) -> None:
    """A mode can be set before anybody has said how the memory is stored."""
    stub.answers = {
        "tlx_set_info": {
            "forcedTimeStart1": "1:0",
            "forcedTimeStop1": "2:0",
            "forcedStopSwitch1": 1,
            "time1Mode": 1,
        },
        "readMinParam": NO_SUCH,
        "tlxSet": "",
    }
    found = steering(stub, MIN)
    assert await found.write(SN, {"battery_mode": "self_consumption"}) == {}
    (form,) = sent(stub, "tlxSet")
    assert [form[f"param{n}"] for n in range(1, 20)] == [
        *("1", "1", "0", "2", "0", "0"),
        *[""] * 13,
    ]
