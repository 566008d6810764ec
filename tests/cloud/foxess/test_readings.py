"""What the variables of a sample mean: quantities, units, signs, batteries."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.foxess.readings import Sample, read


def datas(*rows: tuple[str, Any] | tuple[str, Any, str]) -> list[dict[str, Any]]:
    """Return variables as the service sends them."""
    return [
        {"variable": row[0], "name": row[0], "value": row[1]}
        | ({"unit": row[2]} if len(row) > 2 else {})
        for row in rows
    ]


def one(*rows: Any, capacity: float | None = None) -> Sample:
    """Return what the sample of an inverter with one battery says."""
    return read(datas(*rows), {1: capacity})


def battery(*rows: Any, capacity: float | None = None) -> dict[str, Any]:
    """Return what a sample says of its only battery."""
    return dict(one(*rows, capacity=capacity).batteries[1])


def test_a_hybrid_in_the_evening() -> None:
    """As a captured answer of a single-phase hybrid, with values of our own."""
    sample = one(
        ("pvPower", 1.4120000000000001, "kW"),
        ("pv1Volt", 351.2, "V"),
        ("pv1Current", 2.5, "A"),
        ("pv1Power", 0.878, "kW"),
        ("pv24Power", 0.534, "kW"),
        ("epsPower", 0.0, "kW"),
        ("epsCurrentR", 1.1, "A"),
        ("epsVoltR", 241.0, "V"),
        ("epsPowerR", 0.2, "kW"),
        ("RCurrent", 21.5, "A"),
        ("RVolt", 243.1, "V"),
        ("RFreq", 50.02, "Hz"),
        ("RPower", 5.211, "kW"),
        ("ambientTemperation", 28.5, "℃"),
        ("boostTemperation", 31, "℃"),
        ("invTemperation", 33.4, "℃"),
        ("chargeTemperature", 30.5, "℃"),
        ("dspTemperature", 35.5, "℃"),
        ("batTemperature", 26.1, "℃"),
        ("loadsPower", 9.9, "kW"),
        ("loadsPowerS", 3.3, "kW"),
        ("generationPower", 5.211, "kW"),
        ("feedinPower", 0.0, "kW"),
        ("gridConsumptionPower", 4.689, "kW"),
        ("invBatVolt", 398.1, "V"),
        ("invBatCurrent", 9.9, "A"),
        ("invBatPower", 3.95, "kW"),
        ("batChargePower", 0.0, "kW"),
        ("batDischargePower", 3.95, "kW"),
        ("batVolt", 397.5, "V"),
        ("batCurrent", 9.9, "A"),
        ("meterPower", 4.689, "kW"),
        ("meterPowerT", -0.5, "kW"),
        ("meterPower2", 0.0, "kW"),
        ("SoC", 61.0, "%"),
        ("ReactivePower", 0.15, "kVar"),
        ("PowerFactor", 0.98, ""),
        ("generation", 5120.4, "kWh"),
        ("ResidualEnergy", 610.0, "0.01kWh"),
        ("runningState", "163"),
        ("batStatus", "1"),
        ("batStatusV2", "Charge"),
        ("currentFault", ""),
        ("currentFaultCount", "0"),
        ("energyThroughput", 3310.5, "kWh"),
        ("SOH", 98.0, "%"),
        ("batCycleCount", 210, ""),
        ("gridConsumption", 1500.1, "kWh"),
        ("loads", 3900.2, "kWh"),
        ("feedin", 3400.3, "kWh"),
        ("chargeEnergyToTal", 1700.4, "kWh"),
        ("dischargeEnergyToTal", 1610.5, "kWh"),
        ("PVEnergyTotal", 7200.6, "kWh"),
        ("todayYield", 17.7, "kW"),
        ("somethingNew", 3, "?"),
        capacity=10.36,
    )
    assert sample.inverter == {
        "pv_power": 1412.0,
        "string_voltage_1": 351.2,
        "string_current_1": 2.5,
        "string_power_1": 878.0,
        "string_power_24": 534.0,
        "backup_power": 0.0,
        "backup_current_1": 1.1,
        "backup_voltage_1": 241.0,
        "backup_power_1": 200.0,
        "grid_current_1": 21.5,
        "grid_voltage_1": 243.1,
        "grid_frequency": 50.02,
        "inverter_power_1": 5211.0,
        "ambient_temperature": 28.5,
        "boost_temperature": 31.0,
        "inverter_temperature": 33.4,
        "charger_temperature": 30.5,
        "processor_temperature": 35.5,
        "load_power": 9900.0,
        "load_power_2": 3300.0,
        "inverter_power": 5211.0,
        "grid_power": 4689.0,
        "grid_power_3": -500.0,
        "external_pv_power": 0.0,
        "reactive_power": 150.0,
        "power_factor": 0.98,
        "inverter_energy": 5120.4,
        "inverter_state": "producing",
        "grid_connected": True,
        "fault_code": None,
        "problem": False,
        "grid_import_energy": 1500.1,
        "load_energy": 3900.2,
        "grid_export_energy": 3400.3,
        "battery_charge_energy": 1700.4,
        "battery_discharge_energy": 1610.5,
        "pv_energy": 7200.6,
        "inverter_energy_today": 17.7,
    }
    assert sample.batteries == {
        1: {
            "battery_temperature": 26.1,
            "battery_power": 3950.0,
            "battery_voltage": 397.5,
            "battery_current": 9.9,
            "battery_soc": 61.0,
            "battery_soh": 98.0,
            "battery_cycles": 210.0,
            "battery_charging": False,
            "battery_state": "discharging",
            "battery_capacity": 10.36,
            "battery_remaining_energy": 6.1,
            "battery_throughput": 3310.5,
        }
    }


def test_two_batteries() -> None:
    """Newer inverters number the names; what is told once holds for both."""
    sample = read(
        datas(
            ("SoC_1", 50),
            ("SoC_2", 60),
            ("batVolt_1", 401),
            ("batVolt_2", 402),
            ("batCurrent_2", -3.5),
            ("batTemperature_1", 22),
            ("invBatPower_1", -1.5),
            ("invBatPower_2", -0.7),
            ("SOH", 96),
            ("ResidualEnergy", 1200, "0.01kWh"),
            ("energyThroughput", 2_000_000, "Wh"),
            ("chargeEnergyToTal", 1010),
            ("dischargeEnergyToTal", 985),
        ),
        {1: 10.0, 2: 5.0},
    )
    first, second = sample.batteries[1], sample.batteries[2]
    assert first["battery_remaining_energy"] == pytest.approx(4.8)
    assert second["battery_remaining_energy"] == pytest.approx(2.88)
    assert (first["battery_power"], second["battery_power"]) == (-1500, -700)
    assert first["battery_charging"] is second["battery_charging"] is True
    assert first["battery_soh"] == second["battery_soh"] == 96
    assert "battery_throughput" not in first
    assert sample.inverter["battery_throughput"] == 2000


def test_two_batteries_that_tell_little() -> None:
    """What nobody told stays unknown."""
    sample = read(datas(("SoC_1", 50), ("SoC_2", 60)), {1: None, 2: None})
    assert sample.batteries == {1: {"battery_soc": 50}, 2: {"battery_soc": 60}}
    assert sample.inverter == {}


def test_numbers_in_every_form() -> None:
    """Strings and scientific notation are numbers; the rest is unknown."""
    sample = read(
        datas(
            ("pvPower", "9.90E-1"),
            ("generation", "6.1333E3"),
            ("RVolt", None),
            ("RCurrent", "--"),
            ("RFreq", "NaN"),
            ("invTemperation", True),
            ("loadsPower", "1e999"),
        ),
        {},
    )
    assert sample.inverter == {"pv_power": 990, "inverter_energy": 6133.3}
    assert read([{"variable": "pvPower"}, {}], {}).inverter == {}


def test_never_below_zero() -> None:
    """At night a panel's power is told slightly negative."""
    sample = read(datas(("pvPower", -0.003), ("loadsPower", -0.01)), {})
    assert sample.inverter == {"pv_power": 0, "load_power": 0}


@pytest.mark.parametrize("soc", [150, -1, 6553.5])
def test_an_impossible_soc(soc: float) -> None:
    """It is left out, and the battery stays."""
    assert battery(("SoC", soc), ("batVolt", 400)) == {"battery_voltage": 400}


def test_registers_without_a_value() -> None:
    """A sleeping inverter shows them; a counter may have that very value."""
    sample = read(datas(("pv1Volt", 6553.5), ("generation", 6553.5)), {})
    assert sample.inverter == {"inverter_energy": 6553.5}


def test_power_of_the_grid() -> None:
    """Import is positive, by the meter or by the pair of flows."""
    assert read(datas(("meterPower", -2.5)), {}).inverter["grid_power"] == -2500
    flows = datas(("feedinPower", 1.5), ("gridConsumptionPower", 0))
    assert read(flows, {}).inverter["grid_power"] == -1500
    flows = datas(("gridConsumptionPower", 0.4))
    assert read(flows, {}).inverter["grid_power"] == 400
    assert "grid_power" not in read(datas(("feedinPower", None)), {}).inverter


def test_power_of_the_battery() -> None:
    """Discharge is positive, by whatever name; no battery, no reading of one."""
    assert battery(("batPower", -1.2))["battery_power"] == -1200
    flows = (("SoC", 50), ("batChargePower", 2.0), ("batDischargePower", 0))
    found = battery(*flows)
    assert found["battery_power"] == -2000
    assert found["battery_state"] == "charging"
    assert battery(("invBatPower", 0))["battery_state"] == "idle"
    assert read(datas(("SoC", 0), ("batVolt", 0)), {}).batteries == {}
    assert read(datas(("SoC", 40)), {}).batteries == {1: {"battery_soc": 40}}


def test_generation_of_others() -> None:
    """The second meter is often mounted the other way round."""
    sample = read(datas(("meterPower2", -1.25)), {})
    assert sample.inverter == {"external_pv_power": 1250}


@pytest.mark.parametrize(
    ("state", "told", "on_grid"),
    [
        ("160", "checking", None),
        ("161", "waiting", None),
        ("162", "checking", None),
        ("163", "producing", True),
        ("164", "off_grid", False),
        ("165", "fault", None),
        ("166", "fault", None),
        ("167", "standby", None),
        ("168", "upgrading", None),
        ("169", "checking", None),
        ("170", "fault", None),
        ("163.0", "producing", True),
        (163, "producing", True),
        ("999", None, None),
    ],
)
def test_running_states(state: Any, told: str | None, on_grid: bool | None) -> None:
    """The document's table; a fault is a problem even without a code."""
    found = read(datas(("runningState", state)), {}).inverter
    assert found["inverter_state"] == told
    assert found["grid_connected"] is on_grid
    assert found["problem"] is (told == "fault")


def test_faults() -> None:
    """A code is told as it is; a count alone is a problem too."""
    found = read(datas(("currentFault", "4120"), ("currentFaultCount", "1")), {})
    assert (found.inverter["fault_code"], found.inverter["problem"]) == ("4120", True)
    found = read(datas(("currentFault", "0"), ("currentFaultCount", 0)), {})
    assert (found.inverter["fault_code"], found.inverter["problem"]) == (None, False)
    assert read(datas(("currentFaultCount", "2")), {}).inverter["problem"] is True
    assert read(datas(("runningState", "")), {}).inverter["problem"] is False


@pytest.mark.parametrize(
    ("sent", "unit", "told"),
    [
        (620, "0.01kWh", 6.2),
        (620, "10Wh", 6.2),
        (62, "0.1kWh", 6.2),
        (6.2, "1.0kWh", 6.2),
        (6.2, "kWh", 6.2),
        (6200, "Wh", 6.2),
        # The unit may lie, and newer batteries tell all they could hold.
        (6.2, "0.01kWh", 6.2),
        (10.0, "kWh", 6.0),
        (5.2, "0.01 kWh", 5.2),
        (None, "kWh", 6.0),
    ],
)
def test_remaining_energy(sent: float | None, unit: str, told: float) -> None:
    """The vendor's value where it agrees with capacity, SOC and health."""
    found = battery(("SoC", 60), ("ResidualEnergy", sent, unit), capacity=10)
    assert found["battery_remaining_energy"] == pytest.approx(told)


def test_remaining_energy_by_health() -> None:
    """An aged battery holds less; no health is no zero."""
    rows = (("SoC", 50), ("SOH", 80))
    assert battery(*rows, capacity=10)["battery_remaining_energy"] == 4
    rows = (("SoC", 50), ("SOH", 0))
    assert battery(*rows, capacity=10)["battery_remaining_energy"] == 5


@pytest.mark.parametrize(
    ("sent", "unit", "told"),
    [(1040, "0.01kWh", 10.4), (10.4, "0.01kWh", 10.4), (7.5, "", 7.5)],
)
def test_remaining_energy_without_a_capacity(
    sent: float, unit: str, told: float
) -> None:
    """The vendor's value is all there is."""
    found = battery(("SoC", 60), ("ResidualEnergy", sent, unit))
    assert found["battery_remaining_energy"] == pytest.approx(told)


@pytest.mark.parametrize(
    ("sent", "unit", "moved", "told"),
    [
        (2255.9, "Wh", 2300, 2255.9),
        (2255900, "kWh", 2300, 2255.9),
        (2255900, "Wh", 0, 2255.9),
        (2255.9, "kWh", 0, 2255.9),
        (None, "kWh", 100, None),
    ],
)
def test_throughput(
    sent: float | None, unit: str, moved: float, told: float | None
) -> None:
    """The document says Wh, and living services send kWh under either name."""
    rows = (
        ("SoC", 50),
        ("energyThroughput", sent, unit),
        ("chargeEnergyToTal", moved / 2),
        ("dischargeEnergyToTal", moved / 2),
    )
    assert battery(*rows).get("battery_throughput") == told
