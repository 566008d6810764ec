"""FusionSolar in Home Assistant: what an account shows, what it costs, and nights."""

from datetime import datetime
import json
import logging

import pytest

from custom_components.solar_cloud.diagnostics import async_get_config_entry_diagnostics
from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import JSONEncoder

from tests.common import Home

LIFETIME = (
    "pv_energy",
    "inverter_energy",
    "grid_import_energy",
    "grid_export_energy",
    "load_energy",
)
BATTERY = ("battery_charge_energy", "battery_discharge_energy")


@pytest.fixture
def vendors() -> tuple[str, ...]:
    """Return the cloud that these tests need."""
    return ("huawei",)


@pytest.fixture(autouse=True)
def settled(home: Home) -> None:
    """Begin when the newest sample is there for sure."""
    home.time.tick(90)


@pytest.mark.parametrize("name", ["home", "emma", "owner"])
async def test_an_account_is_shown(home: Home, name: str) -> None:
    """Plants and devices have their values, and nothing was refused."""
    await home.set_up(name, control=False)
    for plant in home.sim.account(name).plants:
        at = plant.published(home.sim.clock.seconds())
        truth = plant.truth(at)[""] | plant.state(at).totals
        for key in ("pv_power", "grid_power", "battery_power", "load_power", *LIFETIME):
            shown = float(home.value(plant.id, key))
            assert shown == pytest.approx(truth[key], rel=0.01, abs=3), key
        assert float(home.value(plant.id, "battery_soc")) == pytest.approx(
            truth["battery_soc"], abs=0.8
        )
        assert home.value(plant.id, "connection_status") == "ok"
        assert home.value(plant.id, "plant_health") == "healthy"
        assert home.value(plant.id, "problem") == "off"
    assert not home.unavailable()
    assert not home.refused()


async def test_devices_are_called_as_their_owner_knows_them(home: Home) -> None:
    """By the names of the app, below the plant."""
    await home.set_up("home", control=False)
    plant = home.sim.account("home").plants[0]
    for device in plant.devices:
        entry = home.device(device.sn or str(device.id)) or home.device(
            f"{plant.of(38)[0].sn}_battery_1"
        )
        assert entry
        assert entry.name == f"{plant.name} {device.name}"
        assert entry.manufacturer == "FusionSolar"


async def test_money_is_in_the_currency_of_the_house(home: Home) -> None:
    """The vendor names none; a day's money begins at midnight."""
    home.hass.config.currency = "CHF"
    await home.set_up("home", control=False)
    plant = home.sim.account("home").plants[0]
    total, today = (home.state(plant.id, key) for key in ("revenue", "revenue_today"))
    for state in (total, today):
        assert state.attributes["unit_of_measurement"] == "CHF"
        assert state.attributes["device_class"] == "monetary"
        assert state.attributes["state_class"] == "total"
    assert "last_reset" not in total.attributes
    begun = datetime.fromisoformat(today.attributes["last_reset"])
    assert begun.isoformat() == "2026-06-17T00:00:00+01:00"


async def test_a_day_is_counted_as_the_home_had_it(home: Home) -> None:
    """Over midnight, dips and late resets: nothing falls, and nothing counts twice."""
    fallen: list[str] = []

    @callback
    def watch(event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        row = er.async_get(home.hass).async_get(event.data["entity_id"])
        try:
            before, after = float(old.state), float(new.state)  # type: ignore[union-attr]
        except AttributeError, ValueError:
            return
        key = row.unique_id if row else ""
        if any(key.endswith(f"_{name}") for name in (*LIFETIME, *BATTERY)):
            if after < before - 0.001:
                fallen.append(f"{key}: {before} {after}")

    home.hass.bus.async_listen("state_changed", watch)
    await home.set_up("home", control=False)
    plant = home.sim.account("home").plants[0]
    shown = {key: float(home.value(plant.id, key)) for key in (*LIFETIME, *BATTERY)}
    begun = plant.state(plant.published(home.sim.clock.seconds())).totals
    await home.pass_time(hours=27)
    ended = plant.state(plant.published(home.sim.clock.seconds())).totals
    for key, first in shown.items():
        grown = float(home.value(plant.id, key)) - first
        assert grown == pytest.approx(ended[key] - begun[key], rel=0.02, abs=0.25), key
    today = plant.today(plant.published(home.sim.clock.seconds()))
    for key in (*LIFETIME, *BATTERY):
        told = float(home.value(plant.id, f"{key}_today"))
        assert told == pytest.approx(today[key], rel=0.02, abs=1.0), key
    assert not fallen
    assert not home.refused()


async def test_a_plant_without_a_battery_sleeps(home: Home) -> None:
    """At night it is asleep, neither missing nor faulty, and asked rarely."""
    account = home.sim.account("installer")
    plant = account.plants[1]
    assert not plant.batteries
    await home.set_up("installer", control=False, plants=[plant.id])
    await home.pass_time(hours=13)
    assert home.value(plant.id, "connection_status") == "asleep"
    inverter = plant.of(38)[0].sn
    assert home.value(inverter, "inverter_state") == "standby"
    assert float(home.value(inverter, "pv_power")) == 0
    assert home.value(plant.id, "plant_health") == "healthy"
    before = home.asked("getStationRealKpi")
    await home.pass_time(hours=1)
    assert home.asked("getStationRealKpi") - before in (3, 4, 5)
    await home.pass_time(hours=11)
    assert home.value(plant.id, "connection_status") == "ok"
    assert float(home.value(inverter, "pv_power")) > 0
    assert not home.refused()


async def test_a_meter_that_is_mounted_the_wrong_way_round(home: Home) -> None:
    """The option turns it, for the plant and the meter."""
    plant = home.sim.account("emma").plants[0]
    await home.set_up("emma", control=False, invert_meter=[plant.id])
    truth = plant.truth(plant.published(home.sim.clock.seconds()))[""]
    assert float(home.value(plant.id, "grid_power")) == pytest.approx(
        -truth["grid_power"], rel=0.01, abs=2
    )
    assert float(home.value(plant.id, "grid_import_energy")) == pytest.approx(
        truth["grid_export_energy"], rel=0.01
    )


async def test_an_alarm_is_told_with_what_to_do(home: Home) -> None:
    """The worst severity and the vendor's advice; and when it is gone."""
    await home.set_up("home", control=False)
    plant = home.sim.account("home").plants[0]
    serial = plant.of(38)[0].sn
    home.sim.fault("device_fault", vendor="huawei", device=serial, code=2032, level=2)
    await home.pass_time(minutes=36)
    problem = home.state(plant.id, "problem")
    assert problem.state == "on"
    assert problem.attributes["severity"] == "major"
    (alarm,) = problem.attributes["alarms"]
    assert (alarm["device"], alarm["code"]) == (serial, "2032")
    assert alarm["advice"]
    told = home.state(plant.id, "alarm").attributes
    assert (told["event_type"], told["code"]) == ("raised", "2032")
    home.sim.clear_faults()
    await home.pass_time(minutes=36)
    assert home.value(plant.id, "problem") == "off"
    assert home.state(plant.id, "problem").attributes["severity"] is None
    assert home.state(plant.id, "alarm").attributes["event_type"] == "cleared"


async def test_an_outage_loses_nothing(home: Home) -> None:
    """Values become unknown, counters stay; a restart from the stored costs no call."""
    await home.set_up("home", control=False)
    plant = home.sim.account("home").plants[0]
    total = home.value(plant.id, "pv_energy")
    before = len(home.sim.calls)
    await home.skip(minutes=2)
    assert len(home.sim.calls) == before
    home.sim.fault("status", status=503)
    await home.pass_time(minutes=40)
    assert home.value(plant.id, "connection_status") == "cloud_down"
    assert home.value(plant.id, "pv_power") == "unknown"
    assert home.value(plant.id, "pv_energy") == total
    home.sim.clear_faults()
    await home.pass_time(minutes=11)
    assert home.value(plant.id, "connection_status") == "ok"
    assert not [row for row in home.sim.calls if row.refused and not row.fault]


async def test_nothing_private_is_told(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the log nor in the diagnostics: names, ids, tokens, places."""
    account = await home.set_up("home", control=False)
    for fault in (
        {"kind": "html"},
        {"kind": "errno", "errno": 407},
        {"kind": "garbage"},
    ):
        home.sim.fault(**fault)
        await account.async_refresh()
        home.sim.clear_faults()
    known = home.sim.account("home")
    plant = known.plants[0]
    secrets = {plant.id, plant.name, known.fields["username"], known.fields["password"]}
    secrets |= {row.sn for row in plant.devices if row.sn}
    secrets |= {str(row.id) for row in plant.devices} | {
        row.dn for row in plant.devices
    }
    secrets |= {account.vendor.memory["session"]["token"], str(plant.facts.address)}
    secrets |= {str(plant.home.spec.latitude), str(plant.home.spec.longitude)}
    told = await async_get_config_entry_diagnostics(home.hass, home.entry)
    text = json.dumps(told, cls=JSONEncoder)
    log = "\n".join(
        logging.Formatter("%(message)s").format(row)
        for row in caplog.records
        if row.name.startswith("custom_components.solar_cloud")
    )
    for secret in secrets - {"None"}:
        assert secret not in text, secret
        assert secret not in log, secret
