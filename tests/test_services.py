"""The actions: what they do, what they answer, and what they refuse."""

from typing import Any

import pytest
import voluptuous as vol

from custom_components.solar_cloud.const import DOMAIN
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr

from tests.common import Home, text_of

NIGHT = {"start": "02:00", "end": "05:30", "mode": "charge"}


BAD: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("force_charge", {"target_soc": 150}, "soc_range"),
    ("force_charge", {"target_soc": -1}, "soc_range"),
    ("force_charge", {"power": 0}, "power_zero"),
    ("force_charge", {"power": -100}, "power_zero"),
    ("force_discharge", {"power": 100_000}, "power_range"),
    ("force_discharge", {"duration": 0}, "duration_range"),
    ("hold", {"duration": -5}, "duration_range"),
    ("hold", {"duration": 1440}, "duration_range"),
    ("limit_export", {"power": -1}, "power_negative"),
    ("set_schedule", {"windows": [NIGHT | {"end": "01:00"}]}, "window_order"),
    ("set_schedule", {"windows": [NIGHT | {"end": "02:00"}]}, "window_order"),
    ("set_schedule", {"windows": [NIGHT | {"start": "2am"}]}, "time_format"),
    ("set_schedule", {"windows": [NIGHT | {"start": "24:00"}]}, "time_format"),
    ("set_schedule", {"windows": [NIGHT | {"end": "24:01"}]}, "time_format"),
    ("set_schedule", {"windows": [NIGHT | {"end": "03:60"}]}, "time_format"),
    ("set_schedule", {"windows": [NIGHT | {"end": "3"}]}, "time_format"),
    ("set_schedule", {"windows": [NIGHT | {"mode": "party"}]}, "window_mode"),
    ("set_schedule", {"windows": [NIGHT | {"days": [0, 3]}]}, "window_days"),
    ("set_schedule", {"windows": [NIGHT | {"days": []}]}, "window_days"),
    ("set_schedule", {"windows": [NIGHT | {"power": 0}]}, "power_zero"),
    ("set_schedule", {"windows": [NIGHT | {"target_soc": 101}]}, "soc_range"),
    (
        "set_schedule",
        {"windows": [NIGHT, {"start": "05:29", "end": "06:00", "mode": "hold"}]},
        "windows_overlap",
    ),
)


async def test_wrong_input_is_refused_before_anything_is_sent(home: Home) -> None:
    """With words that say what is wrong."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    before = plant.device.held()
    calls = len(home.sim.calls)
    for action, data, key in BAD:
        with pytest.raises(ServiceValidationError) as raised:
            await home.act(action, plant.id, answer=False, **data)
        assert raised.value.translation_key == key, (action, data)
        assert text_of(raised.value)
    for data in ({"power": "much"}, {"unknown": 1}, {"duration": None}):
        with pytest.raises(vol.Invalid):
            await home.act("force_charge", plant.id, **data)
    assert len(home.sim.calls) == calls
    assert plant.device.held() == before


async def test_targets_must_be_ours_and_running(home: Home) -> None:
    """A device of another integration, one that is gone, an entry that is unloaded."""
    await home.set_up("kh")
    plant, other = home.sim.account("kh").plants
    registry = dr.async_get(home.hass)
    foreign = registry.async_get_or_create(
        config_entry_id=home.entry.entry_id, identifiers={("other", "thing")}
    ).id
    for device_id in ("no-such-device", foreign):
        with pytest.raises(ServiceValidationError) as raised:
            await home.hass.services.async_call(
                DOMAIN, "hold", {"device_id": device_id}, blocking=True
            )
        assert raised.value.translation_key == "unknown_device"
        assert text_of(raised.value)
    for action, key in (
        ("force_charge", "run_not_offered"),
        ("hold", "run_not_offered"),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await home.act(action, other.id)
        assert raised.value.translation_key == key
        assert text_of(raised.value)
    with pytest.raises(ServiceValidationError) as raised:
        await home.act("get_schedule", other.id)
    assert raised.value.translation_key == "which_device"
    assert text_of(raised.value)
    await home.unload()
    with pytest.raises(ServiceValidationError) as raised:
        await home.act("hold", plant.id)
    assert raised.value.translation_key == "entry_not_loaded"
    assert text_of(raised.value)


async def test_an_entry_that_only_reads_refuses_to_steer(home: Home) -> None:
    """Reading a schedule and the raw answers is allowed."""
    await home.set_up("kh", control=False)
    plant = home.sim.plant("kh")
    for action, data in (
        ("force_charge", {}),
        ("stop_forced", {}),
        ("limit_export", {"power": 0}),
        ("set_schedule", {"windows": [NIGHT]}),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await home.act(action, plant.id, answer=False, **data)
        assert raised.value.translation_key == "read_only"
        assert home.entry.title in text_of(raised.value)
    assert await home.act("get_schedule", plant.id)
    assert not home.sim.commands


async def test_runs_answer_what_became_of_them(home: Home) -> None:
    """With and without an answer, for one plant and for several devices."""
    await home.set_up("kh")
    plant = home.sim.plant("kh")
    assert await home.act("force_charge", plant.id, power=2500, target_soc=99) == {
        "outcome": "accepted",
        "evidence": "read_back",
    }
    assert home.value(plant.id, "forced_state") == "charging"
    assert await home.act("stop_forced", plant.device.sn) == {
        "outcome": "confirmed",
        "evidence": "read_back",
    }
    assert await home.act("stop_forced", plant.id) == {
        "outcome": "confirmed",
        "evidence": None,
    }
    assert await home.act("hold", plant.id, answer=False, duration=5) is None
    answers = await home.act("stop_forced", [plant.id, plant.device.sn, plant.id])
    assert set(answers) == {plant.id, plant.device.sn}


@pytest.mark.parametrize("name", ["kh", "h3", "evo"])
async def test_a_schedule_is_set_and_read(home: Home, name: str) -> None:
    """In our words and whole; the device's scheduler is on afterwards."""
    await home.set_up(name)
    plant = home.sim.plant(name)
    battery = plant.device.batteries[0].serials[0]
    windows: list[dict[str, Any]] = [
        NIGHT | {"power": 2000, "target_soc": 90},
        {"start": "06:00:00", "end": "07:00", "mode": "hold"},
        {"start": "12:00", "end": "13:00", "mode": "self_consumption"},
        {"start": "18:00", "end": "00:00", "mode": "discharge", "target_soc": 30},
    ]
    await home.act("set_schedule", battery, answer=False, windows=windows)
    assert plant.device.flag is True
    found = await home.act("get_schedule", plant.id)
    assert found == await home.act("get_schedule", plant.device.sn)
    assert found["enabled"] is True
    shown = [
        (row["start"], row["end"], row["mode"], row["days"]) for row in found["windows"]
    ]
    every = [1, 2, 3, 4, 5, 6, 7]
    assert shown == [
        ("02:00", "05:30", "charge", every),
        ("06:00", "07:00", "hold", every),
        ("12:00", "13:00", "self_consumption", every),
        ("18:00", "24:00", "discharge", every),
    ]
    assert (found["windows"][0]["power"], found["windows"][0]["target_soc"]) == (
        2000,
        90,
    )
    assert "power" not in found["windows"][1]
    await home.act("set_schedule", plant.id, answer=False, windows=found["windows"])
    assert await home.act("get_schedule", plant.id) == found
    await home.settle()
    assert home.value(plant.device.sn, "schedule_enabled") == "on"


async def test_a_schedule_that_the_device_refuses_is_told(home: Home) -> None:
    """In the vendor's words, or ours where the device cannot do it."""
    await home.set_up("kh")
    plant = home.sim.plant("kh").id
    with pytest.raises(HomeAssistantError) as raised:
        await home.act(
            "set_schedule", plant, answer=False, windows=[NIGHT | {"days": [1, 2]}]
        )
    assert raised.value.translation_key == "refused"
    assert "every day" in text_of(raised.value)
    home.sim.fault("status", status=503, endpoint="*scheduler*")
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("get_schedule", plant)
    assert raised.value.translation_key == "cannot_connect"
    assert text_of(raised.value)


async def test_raw_answers_are_given_whole(home: Home) -> None:
    """Of a plant all, of a device its own."""
    await home.set_up("kh")
    plant, other = home.sim.account("kh").plants
    raw = await home.act("get_raw_readings", plant.id)
    assert any("/op/v0/plant/list" in key for key in raw)
    sn = plant.device.sn
    own = await home.act("get_raw_readings", sn)
    assert own and all(sn in key for key in own)
    assert not any(other.device.sn in key for key in own)
    detail = next(row for key, row in own.items() if "device/detail" in key)
    assert detail["deviceSN"] == sn


async def test_a_refused_run_raises(home: Home) -> None:
    """The action's caller hears it at once."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault("errno", endpoint="*/scheduler/enable", errno=41935)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("force_charge", plant.id)
    assert raised.value.translation_key == "command_refused"
    assert "41935" in text_of(raised.value)
    home.sim.fault("errno", endpoint="*/setting/set", errno=42023)
    with pytest.raises(HomeAssistantError) as raised:
        await home.act("limit_export", plant.id, power=100)
    assert "42023" in text_of(raised.value)


async def test_an_inverter_without_an_export_limit_refuses_one(home: Home) -> None:
    """There is nothing that could be set."""
    await home.set_up("evo")
    plant = home.sim.plant("evo")
    home.sim.fault("errno", endpoint="*/setting/*", errno=42015)
    await home.pass_time(minutes=61)
    with pytest.raises(ServiceValidationError) as raised:
        await home.act("limit_export", plant.id, power=100)
    assert raised.value.translation_key == "run_not_offered"
