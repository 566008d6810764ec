"""Limits are set, carried out by the device, and read back; inputs steer nothing."""

import asyncio

import pytest
from pytest_homeassistant_custom_component.common import (
    mock_restore_cache_with_extra_data,
)

from homeassistant.core import State as HassState
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from tests.common import Home, text_of

SETTING_SET = "/op/v0/device/setting/set"
SETTING_GET = "/op/v0/device/setting/get"

# key, value, what the device carries out, and what it then holds
KH = (
    ("min_soc", 21, "setting MinSoc", "21"),
    ("backup_reserve", 22, "setting MinSocOnGrid", "22"),
    ("max_soc", 95, "setting MaxSoc", "95"),
    ("export_limit", 4500, "setting ExportLimit", "4500"),
    ("active_power_rate", 80, "setting ActivePowerLimit", "80"),
    ("charge_current_limit", 20.5, "setting MaxSetChargeCurrent", "20.5"),
    ("discharge_current_limit", 19.5, "setting MaxSetDischargeCurrent", "19.5"),
    ("import_limit", 6500, "peak shaving", {"importLimit": 6.5, "soc": 40}),
    ("peak_shaving_soc", 55, "peak shaving", {"importLimit": 6.5, "soc": 55}),
)
EVO = (
    ("min_soc", 8, "setting MinSoc", "8"),
    ("backup_reserve", 9, "setting MinSocOnGrid", "9"),
    ("export_limit", 3000, "setting ExportLimit", "3000"),
)


@pytest.mark.parametrize(("name", "table"), [("kh", KH), ("evo", EVO)])
async def test_limits_are_set_and_confirmed(
    home: Home, name: str, table: tuple[tuple[str, float, str, object], ...]
) -> None:
    """Each is what the device holds afterwards; the owner's schedule is on again."""
    await home.set_up(name)
    device = home.sim.plant(name).device
    schedule = device.held()["groups"], device.flag
    for key, value, what, held in table:
        await home.set_number(device.sn, key, value)
        assert home.done(what)[-1] == held
        assert float(home.value(device.sn, key)) == value
        assert home.outcomes(key)[-1] == ("confirmed", "read_back")
    assert (device.held()["groups"], device.flag) == schedule
    assert not home.refused()


async def test_the_meter_limits_the_export(home: Home) -> None:
    """Where the inverter has no limit of its own."""
    await home.set_up("h3")
    plant = home.sim.plant("h3")
    assert "export_limit" not in home.keys(plant.device.sn)
    meter = plant.device.meter
    await home.set_number(meter.sn, "export_limit", 4000)
    assert meter.settings["feedinPower"] == "4000"
    assert home.outcomes("export_limit")[-1] == ("confirmed", "read_back")


async def test_ranges_and_units_are_the_devices(home: Home) -> None:
    """Nothing is offered that the device would refuse."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    low = home.state(sn, "min_soc").attributes
    assert (low["min"], low["max"], low["step"]) == (5, 100, 1)
    assert low["unit_of_measurement"] == "%"
    limit = home.state(sn, "export_limit").attributes
    assert (limit["max"], limit["device_class"]) == (10000, "power")
    with pytest.raises(ServiceValidationError):
        await home.set_number(sn, "min_soc", 150)
    assert not home.done("setting MinSoc")


async def test_a_value_that_is_there_already_is_not_sent(home: Home) -> None:
    """A fresh read-back confirms it."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    await home.set_number(sn, "min_soc", 12)
    asked = home.asked(SETTING_SET)
    await home.set_number(sn, "min_soc", 12)
    assert home.asked(SETTING_SET) == asked
    assert home.outcomes("min_soc")[-1] == ("confirmed", "read_back")


async def test_a_refusal_is_told_in_the_vendors_words(home: Home) -> None:
    """The state stays what the device last answered."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault("errno", endpoint=SETTING_SET, errno=42023, msg="Value too high")
    with pytest.raises(HomeAssistantError) as raised:
        await home.set_number(sn, "min_soc", 30)
    assert "42023" in text_of(raised.value)
    assert "Value too high" in text_of(raised.value)
    assert home.outcomes("min_soc")[-1] == ("refused", None)
    assert home.value(sn, "min_soc") == "10.0"
    plant = home.sim.plant("evo").id
    last = home.state(plant, "last_command")
    assert last.state == "refused"
    assert last.attributes["control"] == "min_soc"
    assert (last.attributes["device"], last.attributes["value"]) == (sn, 30.0)
    assert (last.attributes["code"], last.attributes["writes_today"]) == ("42023", 0)


async def test_what_was_accepted_and_not_done_has_failed(home: Home) -> None:
    """A read-back that does not show the value is believed over the vendor's ok."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault("accepted_not_done", endpoint=SETTING_SET)
    with pytest.raises(HomeAssistantError) as raised:
        await home.set_number(sn, "min_soc", 30)
    assert raised.value.translation_key == "command_failed"
    assert text_of(raised.value)
    assert [row[0] for row in home.outcomes("min_soc")] == ["accepted", "failed"]
    assert home.asked(SETTING_SET) == 1
    assert home.value(sn, "min_soc") == "10.0"


async def test_what_is_done_late_is_confirmed_when_it_is_done(home: Home) -> None:
    """The device takes its time; nothing is sent twice."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault("done_late", endpoint=SETTING_SET, seconds=12)
    await home.set_number(sn, "min_soc", 30)
    assert home.outcomes("min_soc") == [
        ("accepted", None),
        ("confirmed", "read_back"),
    ]
    assert home.done("setting MinSoc") == ["30"]


@pytest.mark.parametrize(
    ("kind", "sent"), [("drop_after", 1), ("drop_before", 2), ("empty", 1)]
)
async def test_after_a_lost_answer_the_device_is_asked_first(
    home: Home, kind: str, sent: int
) -> None:
    """What arrived is not sent again; what did not is, once."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault(kind, endpoint=SETTING_SET, count=1)
    await home.set_number(sn, "min_soc", 30)
    assert home.asked(SETTING_SET) == sent
    assert home.done("setting MinSoc") == ["30"]
    assert home.outcomes("min_soc")[-1] == ("confirmed", "read_back")


async def test_a_command_waits_while_the_cloud_is_busy(home: Home) -> None:
    """And gives up after some attempts; nothing was changed."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault("errno", endpoint=SETTING_SET, errno=41935, count=2)
    await home.set_number(sn, "min_soc", 30)
    assert home.done("setting MinSoc") == ["30"]
    home.sim.fault("errno", endpoint=SETTING_SET, errno=41935)
    with pytest.raises(HomeAssistantError) as raised:
        await home.set_number(sn, "min_soc", 31)
    assert "41935" in text_of(raised.value)
    assert home.done("setting MinSoc") == ["30"]


async def test_a_command_waits_for_the_vendors_limit(home: Home) -> None:
    """It is told as queued after half a minute, and carried out when the limit opens."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    home.sim.fault("errno", endpoint=SETTING_SET, errno=40400, count=1)
    home.time.asleep = asyncio.Event()
    setting = asyncio.create_task(home.set_number(sn, "min_soc", 30))
    while not home.asked(SETTING_SET):
        await asyncio.sleep(0.001)
    home.time.tick(31)
    await setting
    assert home.outcomes("min_soc")[-1] == ("queued", None)
    home.time.asleep.set()
    await home.settle()
    assert home.outcomes("min_soc")[-1] == ("confirmed", "read_back")
    assert home.done("setting MinSoc") == ["30"]


async def test_the_newest_value_wins_when_a_slider_is_dragged(home: Home) -> None:
    """What was not sent yet is not sent at all."""
    await home.set_up("evo")
    sn = home.sim.plant("evo").device.sn
    await asyncio.gather(
        *(home.set_number(sn, "min_soc", value) for value in range(20, 30)),
        home.set_number(sn, "export_limit", 2000),
    )
    await home.settle()
    assert home.done("setting MinSoc")[-1] == "29"
    assert len(home.done("setting MinSoc")) <= 2
    assert home.done("setting ExportLimit") == ["2000"]
    assert home.value(sn, "min_soc") == "29.0"
    states = [row[0] for row in home.outcomes("min_soc")]
    assert states.count("superseded") >= 8
    assert states[-1] == "confirmed"


async def test_a_limit_that_the_device_no_longer_offers_is_unavailable(
    home: Home,
) -> None:
    """It comes back with the next answer."""
    await home.set_up("evo")
    device = home.sim.plant("evo").device
    home.sim.fault("errno", endpoint=SETTING_GET, errno=42015)
    await home.pass_time(minutes=61)
    assert home.value(device.sn, "export_limit") == "unavailable"
    await home.set_number(device.sn, "export_limit", 100)
    assert not home.done("setting ExportLimit")


async def test_inputs_of_a_run_change_nothing_by_themselves(home: Home) -> None:
    """They are kept within their range, and have a value from the start."""
    await home.set_up("kh")
    plant = home.sim.plant("kh").id
    assert home.value(plant, "forced_power") == "8000.0"
    assert home.value(plant, "forced_duration") == "60"
    assert home.value(plant, "forced_charge_target_soc") == "100"
    calls = len(home.sim.calls)
    await home.set_number(plant, "forced_power", 2000)
    await home.set_number(plant, "forced_duration", 90)
    assert home.value(plant, "forced_power") == "2000.0"
    for key, value in (("forced_power", 9000), ("forced_duration", 1440)):
        with pytest.raises(ServiceValidationError):
            await home.set_number(plant, key, value)
    with pytest.raises(ServiceValidationError) as raised:
        await home.set_number(plant, "forced_power", 0)
    assert text_of(raised.value)
    assert len(home.sim.calls) == calls
    other = home.sim.plant("kh", 1).id
    assert "forced_power" not in home.keys(other)


async def test_inputs_survive_a_restart(home: Home) -> None:
    """As far as they are within the range that the devices have now."""
    await home.set_up("kh")
    plant = home.sim.plant("kh").id
    await home.unload()
    kept = {"native_min_value": 0.0, "native_step": 10.0}
    kept |= {"native_max_value": 9e4, "native_unit_of_measurement": None}
    mock_restore_cache_with_extra_data(
        home.hass,
        [
            (HassState(home.entity_id(plant, key), "-"), kept | {"native_value": value})
            for key, value in (
                ("forced_power", 9e4),
                ("forced_duration", 45.0),
                ("forced_charge_target_soc", None),
            )
        ],
    )
    await home.load()
    assert float(home.value(plant, "forced_power")) == 8000
    assert float(home.value(plant, "forced_duration")) == 45
    assert float(home.value(plant, "forced_charge_target_soc")) == 100


async def test_an_entry_that_only_reads_has_no_controls(home: Home) -> None:
    """Nothing that could change a setting, and no outcome of a command."""
    await home.set_up("kh", control=False)
    for subject in (home.sim.plant("kh").id, home.sim.plant("kh").device.sn):
        keys = home.keys(subject)
        assert not {"min_soc", "battery_mode", "schedule_enabled", "sync_clock"} & keys
        assert not {"forced_power", "force_charge", "last_command", "hold"} & keys
    assert {row.domain for row in home.shown()} == {
        "sensor",
        "binary_sensor",
        "button",
        "event",
    }
