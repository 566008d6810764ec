"""The tables: every unit and sign, and what is no value."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.huawei import readings, types as of
from custom_components.solar_cloud.cloud.huawei.readings import (
    INVERTER_STATES,
    ROWS,
    is_online,
    items,
    read,
    read_plant,
)
from custom_components.solar_cloud.cloud.quantity import quantity


def test_every_row_is_of_the_catalogue() -> None:
    """Each key exists, each type has rows, and each factor is a power of ten or a sign."""
    assert ROWS.keys() == set(of.REAL_TIME)
    for rows in (*ROWS.values(), readings.PLANT_ROWS):
        keys = [row.key for row in rows]
        assert len(keys) == len(set(keys))
        for row in rows:
            assert quantity(row.key.replace("#", "1"))
            assert row.factor in (1, -1, 1000, -1000, 1 / 3.6)


@pytest.mark.parametrize(
    ("kind", "sent", "told"),
    [
        (1, {"active_power": 2.5}, {"inverter_power": 2500}),
        (38, {"mppt_power": 3.21}, {"pv_power": 3210}),
        (38, {"mppt_power": -0.002}, {"pv_power": 0}),
        (1, {"reactive_power": -0.12}, {"reactive_power": -120}),
        (1, {"total_cap": 47000.5, "day_cap": 9.5}, {"inverter_energy": 47000.5, "inverter_energy_today": 9.5}),
        (1, {"mppt_total_cap": 50.25}, {"pv_energy": 50.25}),
        (38, {"mppt_1_cap": 10.5, "mppt_2_cap": 4.25, "mppt_3_cap": 0}, {"pv_energy": 14.75}),
        (1, {"temperature": 41.5, "power_factor": 0.99, "elec_freq": 49.98}, {"inverter_temperature": 41.5, "power_factor": 0.99, "grid_frequency": 49.98}),
        (1, {"a_u": 231.2, "b_u": 0, "c_u": None, "a_i": 3.1, "b_i": 0}, {"grid_voltage_1": 231.2, "grid_current_1": 3.1}),
        (1, {"pv7_u": 610, "pv7_i": 9.5, "pv8_u": 0, "pv8_i": 0, "pv28_u": 12, "pv28_i": None},
         {"string_voltage_7": 610, "string_current_7": 9.5, "string_power_7": 5795, "string_voltage_28": 12}),
        (10, {"temperature": 17.5, "pv_temperature": 44, "wind_speed": 3.2, "radiant_line": 812, "radiant_total": 18, "horiz_radiant_line": None},
         {"ambient_temperature": 17.5, "module_temperature": 44, "wind_speed": 3.2, "irradiance": 812, "irradiation_today": 5}),
        (17, {"active_power": 12.5, "active_power_a": 4, "reactive_power": 0.5, "active_cap": 100, "reverse_active_cap": 30},
         {"grid_power": -12500, "grid_power_1": -4000, "reactive_power": 500, "grid_export_energy": 100, "grid_import_energy": 30}),
        (47, {"active_power": 2600, "active_power_a": 1680, "active_power_b": -1260, "active_power_c": 2180, "active_cap": 7, "reverse_active_cap": 9},
         {"grid_power": -2600, "grid_power_1": -1680, "grid_power_2": 1260, "grid_power_3": -2180, "grid_export_energy": 7, "grid_import_energy": 9}),
        (47, {"meter_u": 229, "meter_i": 2.2, "b_u": 230, "b_i": 2, "reactive_power": -40, "grid_frequency": 50.02},
         {"grid_voltage_1": 229, "grid_current_1": 2.2, "grid_voltage_2": 230, "grid_current_2": 2, "reactive_power": -40, "grid_frequency": 50.02}),
        (23070, {"active_power": -1.3, "active_power_a": -0.9, "active_cap": 50, "reverse_active_cap": 70},
         {"grid_power": -1300, "grid_power_1": -900, "grid_import_energy": 50, "grid_export_energy": 70}),
        (41, {"ch_discharge_power": 45000, "battery_soc": 66, "battery_soh": 98, "charge_cap": 12, "discharge_cap": 3},
         {"battery_power": -45000, "battery_soc": 66, "battery_soh": 98, "battery_charge_energy_today": 12, "battery_discharge_energy_today": 3, "battery_charging": True, "battery_state": "charging"}),
        (60001, {"mains_state": 0, "active_power": 1.5, "ac_voltage": 0, "total_energy_consumption": 88},
         {"grid_connected": False, "grid_power": 1500, "grid_voltage_1": 0, "grid_import_energy": 88}),
        (60003, {"output_power": 4.2, "running_state": 2, "load_rate": 60}, {"generator_power": 4200}),
        (60043, {"total_output_power": 2.2}, {"pv_power": 2200}),
        (60044, {"input_voltage": 280.5}, {"string_voltage_1": 280.5}),
        (60092, {"pv_input_power": 1.1, "pv_input_voltage": 300, "pv_input_current": 3.6, "ac_output_voltage": 230}, {"pv_power": 1100, "string_voltage_1": 300, "string_current_1": 3.6, "backup_voltage_1": 230}),
        (60014, {"soc": 80, "charge_discharge_power": -1.2, "total_discharge": 410, "battery_state": 4, "total_capacity": 9.6, "total_discharge_times": 77},
         {"battery_soc": 80, "battery_power": 1200, "battery_discharge_energy": 410, "battery_state": "discharging", "battery_capacity": 9.6, "battery_cycles": 77, "battery_charging": False}),
        (60010, {"active_power": 0.7, "ac_voltage": 229}, {"load_power": 700, "backup_voltage_1": 229}),
    ],
)  # fmt: skip
def test_units_and_signs(kind: int, sent: dict[str, Any], told: dict[str, Any]) -> None:
    """KW or W, import or export positive, by type."""
    found = read(kind, sent)
    assert found == pytest.approx(told)


@pytest.mark.parametrize("kind", sorted(ROWS))
@pytest.mark.parametrize("sent", [None, "", "N/A", "null", float("nan"), "x", [], {}])
def test_what_is_no_number_is_no_value(kind: int, sent: Any) -> None:
    """Registers that are documented as null among them."""
    names = {row.item.replace("#", "1") for row in ROWS[kind]} | {
        "run_state",
        "inverter_state",
    }
    found = read(kind, dict.fromkeys(names, sent))
    assert not any(found.values()), found


def test_numbers_may_be_texts() -> None:
    """As some servers send them."""
    assert read(38, {"mppt_power": "1.250", "inverter_state": "512.0"}) == {
        "pv_power": 1250,
        "inverter_state": "producing",
        "problem": False,
        "fault_code": None,
    }


# --- inverters --------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "state"), sorted(INVERTER_STATES.items()))
def test_a_state_has_a_word(code: int, state: str) -> None:
    """All of table 5-1; a fault shows its code."""
    found = read(1, {"inverter_state": float(code)})
    assert found["inverter_state"] == state
    assert state in quantity("inverter_state").states
    assert found["fault_code"] == (str(code) if state == "fault" else None)
    assert found["problem"] is (state == "fault")


def test_an_unknown_state_has_none() -> None:
    """A newer server's code is unknown, and no problem."""
    found = read(38, {"inverter_state": 4095.0})
    assert found["inverter_state"] is None
    assert found["problem"] is False


# --- batteries --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "power", "state"),
    [
        (0, 0, "offline"),
        (0, None, "offline"),
        (1, 0, "standby"),
        (2, 1500, "charging"),
        (2, -1500, "discharging"),
        (2, 0, "idle"),
        (3, 0, "fault"),
        (4, 0, "hibernating"),
        (None, -3, "discharging"),
        (9, None, None),
    ],
)
def test_the_state_of_a_battery(status: Any, power: Any, state: str | None) -> None:
    """Charging is positive on the wire; with us discharging is."""
    found = read(39, {"battery_status": status, "ch_discharge_power": power})
    assert found["battery_state"] == state
    if power is not None:
        assert found["battery_power"] == -power
        assert found["battery_charging"] is (power > 0)


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        (0, None),
        (None, None),
        (1, "other"),
        (2, "time_of_use"),
        (3, "schedule"),
        (4, "self_consumption"),
        (5, "feed_in_priority"),
        (6, "time_of_use"),
        (7, "self_consumption"),
        (8, "feed_in_priority"),
        (9, "time_of_use"),
        (10, "external"),
        (12, "external"),
        (77, "other"),
    ],
)
def test_what_steers_a_battery(model: Any, mode: str | None) -> None:
    """`ch_discharge_model` is all that older servers tell of the mode."""
    assert read(39, {"ch_discharge_model": model}).get("active_mode") == mode


def test_an_unknown_health_is_none() -> None:
    """0 is what batteries say that do not know; modules of newer servers do."""
    assert "battery_soh" not in read(39, {"battery_soh": 0})
    assert read(39, {"battery_soh": 96})["battery_soh"] == 96
    units = {
        "unit1": [{"sn": "a", "soh": "97.0%"}, {"soh": "95.5%"}],
        "unit2": [],
        "unit3": None,
    }
    assert (
        read(39, {"battery_soh": 0, "battery_unit_info": units})["battery_soh"] == 95.5
    )


@pytest.mark.parametrize(
    ("sent", "told"), [(15, 15), (15000, 15), (0, None), (None, None)]
)
def test_a_capacity_is_in_kwh(sent: Any, told: float | None) -> None:
    """Newer servers tell it; a number of thousands is Wh."""
    assert read(39, {"rated_capacity": sent}).get("battery_capacity") == told


# --- meters -----------------------------------------------------------------------------


def test_a_grid_meter_that_tells_watts_is_found_out() -> None:
    """By what its voltages and currents carry, else by the size of the plant."""
    carried = {
        f"{phase}_{what}": value
        for phase in "abc"
        for what, value in (("u", 230), ("i", 20))
    }
    kilowatts = {"active_power": 13.1, "active_power_a": 4.4, "reactive_power": 0.3}
    watts = {key: value * 1000 for key, value in kilowatts.items()}
    for sent in (kilowatts, watts):
        found = read(17, sent | carried)
        assert found["grid_power"] == pytest.approx(-13100)
        assert found["grid_power_1"] == pytest.approx(-4400)
        assert found["reactive_power"] == pytest.approx(300)
        assert read(17, sent, 100.0)["grid_power"] == pytest.approx(-13100)
    assert read(17, {"active_power": 13.1})["grid_power"] == -13100
    assert "grid_power_2" not in read(17, watts, 100.0)
    assert read(17, {"active_power": 9000}, 100.0) == {"grid_power": -9000}


@pytest.mark.parametrize(
    ("kind", "sent", "told"),
    [
        (38, {"run_state": 1}, True),
        (38, {"run_state": 0}, False),
        (38, {"run_state": "0"}, False),
        (38, {}, None),
        (47, {"run_state": 1, "meter_status": 1}, True),
        (47, {"run_state": 1, "meter_status": 0.0}, False),
        (60003, {"run_state": 0}, None),
    ],
)
def test_who_is_connected(kind: int, sent: dict[str, Any], told: bool | None) -> None:
    """`run_state`, and a power sensor's own state."""
    assert is_online(kind, sent) is told


# --- plants -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "health"),
    [(1, "disconnected"), ("2", "faulty"), ("3", "healthy"), (9, None), (None, None)],
)
def test_a_plant(state: Any, health: str | None) -> None:
    """Yield is the panels', money is the tenant's, health is a word."""
    found = read_plant(
        {
            "day_power": "12.5",
            "month_power": 200,
            "total_power": 3210.25,
            "day_income": 2.5,
            "total_income": "640.100",
            "real_health_state": state,
            "day_on_grid_energy": 4,
            "day_use_energy": 11,
        }
    )
    assert found.pop("plant_health", None) == health
    assert found == {
        "pv_energy_today": 12.5,
        "pv_energy": 3210.25,
        "revenue_today": 2.5,
        "revenue": 640.1,
        "grid_export_energy_today": 4,
        "load_energy_today": 11,
    }


def test_items_are_found_in_any_case() -> None:
    """One table of the document spells them otherwise."""
    assert items({"dataitemMap": {"a": 1}}) == {"a": 1}
    assert items({"dataItemMap": None}) == {}
    assert items({"other": 1}) == {}
    assert items(None) == {}
