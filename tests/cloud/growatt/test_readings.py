"""Answers read by the tables of their family: numbers, ghosts, and what is not told."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.solar_cloud.cloud.growatt import fields
from custom_components.solar_cloud.cloud.growatt.readings import (
    read,
    read_meter,
    read_sensor,
)
from custom_components.solar_cloud.cloud.quantity import quantity

from tests.simulator.growatt import shapes
from tests.simulator.growatt.wire import shaped

INVERTER, STORAGE, MAX, SPH, SPA, MIN = 1, 2, 4, 5, 6, 7
SHAPES = {
    INVERTER: shapes.INVERTER,
    STORAGE: shapes.STORAGE,
    MAX: shapes.MAX,
    SPH: shapes.SPH,
    SPA: shapes.SPA,
    MIN: shapes.MIN,
}
NAMES = sorted({key for shape in SHAPES.values() for key in shaped(shape)})
ODD: list[Any] = [
    "",
    None,
    "null",
    "NaN",
    float("nan"),
    float("inf"),
    "-",
    [],
    {},
    "12,5",
    True,
]


def sample(kind: int, **values: Any) -> dict[str, Any]:
    """Return the newest data of a family in which all else is empty."""
    return shaped(SHAPES[kind]) | values


# --- numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (43.099998474121094, 43.1),
        ("43.1", 43.1),
        (" 43.1 ", 43.1),
        ("4.31e1", 43.1),
        (43, 43.0),
        *((odd, None) for odd in ODD),
    ],
)
def test_numbers_come_in_every_dress(sent: Any, shown: float | None) -> None:
    """Strings, noise of short floats, and what is no number."""
    found = read(INVERTER, sample(INVERTER, temperature=sent), set())
    assert found.device.get("inverter_temperature") == shown


@pytest.mark.parametrize("kind", list(SHAPES))
def test_the_case_of_names_does_not_matter(kind: int) -> None:
    """The service writes some names in several ways."""
    values = dict.fromkeys(sample(kind), 1.5)
    upper = {name.upper(): value for name, value in values.items()}
    assert read(kind, values, set()) == read(kind, upper, set())


@given(
    kind=st.sampled_from(list(SHAPES)),
    values=st.dictionaries(
        st.sampled_from(NAMES),
        st.floats() | st.sampled_from(ODD) | st.integers(-10, 100_000),
        max_size=25,
    ),
)
def test_nothing_that_is_sent_breaks_it(kind: int, values: dict[str, Any]) -> None:
    """Whatever a field holds: what is shown is in the catalogue, and plausible."""
    found = read(kind, values, set())
    for values_of in (found.device, *found.batteries.values()):
        for key, value in values_of.items():
            row = quantity(key)
            if row.is_counter or row.never_negative:
                assert value is None or float(value) >= 0
    read_meter(values, set())
    read_sensor(values, set())


def test_an_empty_answer_tells_nothing() -> None:
    """Each family's shape without values has no string, phase, battery or meter."""
    for kind in SHAPES:
        found = read(kind, sample(kind), set())
        assert found.batteries == {}
        assert not any(
            key.startswith(("string_", "grid_", "battery_", "load_", "backup_"))
            for key in found.device
        ), kind
    assert read_sensor({}, set()) == {}


# --- type 1, section 4.3.8 ------------------------------------------------------------


def test_an_inverter() -> None:
    """Powers, energies, strings and phases by the names of 4.3.8."""
    known: set[str] = set()
    found = read(
        INVERTER,
        sample(
            INVERTER,
            status=1,
            ppv=2120.4,
            pac=2051.2,
            powerToday="7.4",
            powerTotal=10421.5,
            epvTotal=10800.5,
            epv1Today=4.0999999,
            epv2Today=3.5,
            vpv1=331.5,
            ipv1=3.2,
            ppv1=1060.8,
            vpv2=318.2,
            ipv2=3.3,
            ppv2=1059.6,
            vacr=231.4,
            iacr=2.9,
            pacr=684.1,
            vacs=232.8,
            iacs=2.9,
            pacs=683.4,
            vact=230.9,
            iact=3.0,
            pact=683.7,
            fac=49.98,
            pf=0.99,
            rac=120,
            temperature=41.5,
        ),
        known,
    ).device
    assert found["pv_power"] == 2120.4
    assert found["inverter_power"] == 2051.2
    assert found["inverter_energy"] == 10421.5
    assert found["inverter_energy_today"] == 7.4
    assert found["pv_energy"] == 10800.5
    assert found["pv_energy_today"] == 7.6
    assert found["string_power_2"] == 1059.6
    assert found["grid_voltage_3"] == 230.9
    assert found["inverter_power_1"] == 684.1
    assert found["reactive_power"] == 120
    assert found["inverter_state"] == "producing"
    assert found["problem"] is False
    assert found["fault_code"] is None
    assert known == {
        "string_1",
        "string_2",
        "phase_1",
        "phase_2",
        "phase_3",
        "pv_energy",
    }


def test_the_parts_that_were_seen_stay_at_night() -> None:
    """A string without sun is there all the same."""
    known = {"string_1", "string_2", "phase_1"}
    found = read(INVERTER, sample(INVERTER, status=0), known).device
    assert found["string_power_2"] == 0
    assert found["grid_voltage_1"] == 0
    assert "string_power_3" not in found
    assert found["inverter_state"] == "waiting"


def test_the_yield_of_an_inverter_that_does_not_count_its_strings() -> None:
    """Production stands in for it, until the strings' own was seen once."""
    known: set[str] = set()
    told = sample(INVERTER, powerTotal=500.5, powerToday=2.5)
    found = read(INVERTER, told, known).device
    assert (found["pv_energy"], found["pv_energy_today"]) == (500.5, 2.5)
    without = {key: row for key, row in told.items() if key != "powerToday"}
    assert "pv_energy_today" not in read(INVERTER, without, known).device
    read(INVERTER, told | {"epvTotal": 520.0}, known)
    found = read(INVERTER, told, known).device
    assert found["pv_energy"] == 0


@pytest.mark.parametrize(
    ("kind", "values", "state", "problem", "code"),
    [
        (INVERTER, {"status": 3, "faultType": 24}, "fault", True, "24"),
        (INVERTER, {"status": 3}, "fault", True, None),
        (INVERTER, {"status": 1, "warnCode": 104}, "producing", False, "104"),
        (INVERTER, {"status": 9}, None, False, None),
        (MAX, {"status": 1, "faultType": 0}, "producing", False, None),
        (STORAGE, {"status": 4}, "upgrading", False, None),
        (STORAGE, {"status": 0, "errorCode": 7}, "producing", True, "7"),
        (STORAGE, {"status": 3, "faultCode": 7, "errorCode": 9}, "fault", True, "7, 9"),
        (SPH, {"status": 7, "errorCode": -1}, "off_grid", False, None),
        (SPA, {"status": 6, "faultCode": -1}, "producing", False, None),
        (SPH, {"status": 1}, "checking", False, None),
        (MIN, {"status": 1, "warnCode": "null"}, "producing", False, None),
        (MIN, {"status": "0"}, "waiting", False, None),
    ],
)
def test_states_and_faults(
    kind: int,
    values: dict[str, Any],
    state: str | None,
    problem: bool,
    code: str | None,
) -> None:
    """The number of a status means another thing in each family; -1 is no fault."""
    found = read(kind, sample(kind, **values), set()).device
    assert (found["inverter_state"], found["problem"], found["fault_code"]) == (
        state,
        problem,
        code,
    )


# --- type 2, section 4.3.13 -----------------------------------------------------------

STORED: dict[str, Any] = {
    "status": 1,
    "capacity": "61.0",
    "ppv": 820.5,
    "ppv2": 410.5,
    "vpv": 171.2,
    "ipv": 4.8,
    "vpv2": 168.4,
    "pCharge": 310.2,
    "pCharge2": 120.1,
    "pacToUser": 0.0,
    "pacToGrid": 150.5,
    "vBat": 51.6,
    "vac": 229.5,
    "freqGrid": 50.01,
    "temperature": 38.5,
    "epvTotal": 700.5,
    "epvTotal2": 300.5,
    "epvToday": 3.5,
    "epvToday2": 1.5,
    "eChargeTotal": 210.5,
    "eChargeTotal2": 90.5,
    "eChargeToday": 1.5,
    "eChargeToday2": 0.5,
    "eDischargeTotal": 190.5,
    "eDischargeTotal2": 80.5,
    "eDischargeToday": 0.5,
    "eDischargeToday2": 0.5,
    "eToUserTotal": 930.5,
    "eToUserToday": 2.5,
    "eToGridTotal": 410.5,
    "eToGridToday": 1.5,
    "batTemp": 24.5,
    "soh": 97.0,
    "cycleCount": 81,
}


def test_a_storage_machine() -> None:
    """An SP3000 has two inputs and two batteries; the grid is bought less sold."""
    found = read(STORAGE, sample(STORAGE, **STORED), set())
    device = found.device
    assert device["pv_power"] == 1231.0
    assert (device["string_power_1"], device["string_power_2"]) == (820.5, 410.5)
    assert device["pv_energy"] == 1001.0
    assert device["pv_energy_today"] == 5.0
    assert device["grid_power"] == -150.5
    assert device["grid_import_energy"] == 930.5
    assert device["grid_export_energy_today"] == 1.5
    assert device["battery_charge_energy"] == 301.0
    assert device["battery_discharge_energy_today"] == 1.0
    assert "load_power" not in device
    first, second = found.batteries[1], found.batteries[2]
    assert first["battery_soc"] == second["battery_soc"] == 61.0
    assert (first["battery_power"], second["battery_power"]) == (-310.2, -120.1)
    assert first["battery_state"] == "charging"
    assert first["battery_charging"] is True
    assert first["battery_soh"] == 97.0
    assert first["battery_cycles"] == 81


def test_what_a_storage_machine_puts_out_is_derived() -> None:
    """Its output is what it made, less what it stored; its own counter goes first."""
    derived = read(STORAGE, sample(STORAGE, **STORED), set()).device
    assert derived["inverter_energy"] == 1001.0 - 301.0 + 271.0
    assert derived["inverter_energy_today"] == 4.0
    told = sample(STORAGE, **STORED, etotal=970.5, etoday=4.5)
    own = read(STORAGE, told, set()).device
    assert (own["inverter_energy"], own["inverter_energy_today"]) == (970.5, 4.5)


def test_a_storage_machine_without_a_battery() -> None:
    """It has neither battery nor anything that one would tell."""
    told = {
        key: value
        for key, value in STORED.items()
        if not key.startswith(("capacity", "vBat", "pCh", "eCh", "eDis", "soh", "batT"))
    }
    found = read(STORAGE, sample(STORAGE, **told), set())
    assert found.batteries == {}
    assert not any(key.startswith("battery_") for key in found.device)
    assert found.device["pv_power"] == 1231.0


def test_a_storage_machine_with_one_battery() -> None:
    """The fields with a 2 are zero in an SP2000."""
    told = {key: value for key, value in STORED.items() if not key.endswith("2")}
    found = read(STORAGE, sample(STORAGE, **told), set())
    assert set(found.batteries) == {1}
    assert "string_power_2" not in found.device


def test_impossible_totals_are_left_out() -> None:
    """Some registers hold millions of kWh."""
    told = STORED | {"eToUserTotal": 21_873_004.8, "eToGridTotal": 6_204_113.6}
    found = read(STORAGE, sample(STORAGE, **told), set()).device
    assert "grid_import_energy" not in found
    assert "grid_export_energy" not in found
    assert found["grid_import_energy_today"] == 2.5


# --- today's families -----------------------------------------------------------------


def _min(**values: Any) -> dict[str, Any]:
    return sample(
        MIN,
        **{
            "status": 1,
            "ppv": 3100.0,
            "pac": 2400.5,
            "epvTotal": 4100.5,
            "epv1Today": 6.5,
            "epv2Today": 5.5,
            "eacTotal": 3900.5,
            "eacToday": 11.0,
            "pacToUserTotal": 0.0,
            "pacToGridTotal": 900.5,
            "pacToLocalLoad": 1500.0,
            "etoUserTotal": 1800.5,
            "etoGridTotal": 1200.5,
            "elocalLoadTotal": 4500.5,
            "bmsSoc": 71.0,
            "bdc1Soc": 0.0,
            "bdc1Vbat": 402.5,
            "bdc1ChargePower": 600.5,
            "echargeTotal": 900.5,
            "edischargeTotal": 850.5,
            **values,
        },
    )


def test_a_min_with_a_battery() -> None:
    """Bought and sold are separate powers; the yield of the day is that of the strings."""
    found = read(MIN, _min(), set())
    assert found.device["grid_power"] == -900.5
    assert found.device["load_power"] == 1500.0
    assert found.device["pv_energy_today"] == 12.0
    assert found.device["load_energy"] == 4500.5
    assert found.batteries[1]["battery_soc"] == 71.0
    assert found.batteries[1]["battery_power"] == -600.5
    assert set(found.batteries) == {1}


def test_a_ghost_of_a_second_battery() -> None:
    """Some fields of a second battery hold garbage where none is fitted."""
    ghost = {"bdc2Soc": 3.0, "bdc2ChargeTotal": 612.4, "bdc2FaultType": 7}
    ghost |= {"bdc2WarnCode": 1, "bdc2Temp1": 11.0, "bdc2Vbat": 0.4}
    assert set(read(MIN, _min(**ghost), set()).batteries) == {1}
    real = {"bdc2Soc": 64.0, "bdc2Vbat": 399.5, "bdc2DischargePower": 210.5}
    found = read(MIN, _min(**real), set()).batteries[2]
    assert (found["battery_soc"], found["battery_power"]) == (64.0, 210.5)


def test_a_min_without_meter_and_battery() -> None:
    """What would need a meter is not there at all."""
    told = sample(MIN, status=1, ppv=900.0, pac=880.0, epvTotal=50.5, eacTotal=49.5)
    known: set[str] = set()
    found = read(MIN, told | {"pf": -1.0}, known)
    assert not any(key.startswith(("grid_", "load_")) for key in found.device)
    assert "grid" not in known
    assert "power_factor" not in found.device
    assert found.batteries == {}


def test_a_min_that_feeds_a_backup_output() -> None:
    """The output is there once it has had a voltage."""
    told = _min(epsVac1=230.5, epsPac1=410.5, epsIac1=1.8, epsPac=410.5)
    found = read(MIN, told, set()).device
    assert found["backup_power"] == 410.5
    assert found["backup_voltage_1"] == 230.5


def test_an_sph() -> None:
    """The totals go before those of one phase; charging from the grid takes power in."""
    told = sample(
        SPH,
        status=5,
        soc=80.0,
        bmsSOC=81,
        vbat=52.5,
        pac=0.0,
        acChargePower=1500.5,
        pcharge1=1490.5,
        bmsBatteryCurr=28.4,
        pacToUserR=600.5,
        pacToUserTotal=1800.5,
        pacToGridTotal=0.0,
        plocalLoadTotal=300.5,
        etogridTotal=210.5,
        etoUserTotal=310.5,
        echarge1Total=90.5,
        edischargeTotal=80.5,
        eacTotal=400.5,
        vac1=231.5,
    )
    found = read(SPH, told, set())
    assert found.device["inverter_power"] == -1500.5
    assert found.device["grid_power"] == 1800.5
    assert found.device["grid_export_energy"] == 210.5
    assert found.device["battery_discharge_energy"] == 80.5
    assert found.batteries[1]["battery_soc"] == 80.0
    assert found.batteries[1]["battery_current"] == -28.4
    one_phase = told | {"pacToUserTotal": 0.0}
    assert read(SPH, one_phase, set()).device["grid_power"] == 600.5


def test_the_current_of_a_battery() -> None:
    """It has the sign of the power; where it is always zero, it is not measured."""
    told = sample(SPA, soc=50.0, vbat=51.0, pdischarge1=510.0, bmsBatteryCurr=-10.0)
    known: set[str] = set()
    battery = read(SPA, told, known).batteries[1]
    assert battery["battery_current"] == 10.0
    idle = told | {"bmsBatteryCurr": 0.0, "pdischarge1": 0.0}
    battery = read(SPA, idle, known).batteries[1]
    assert battery["battery_current"] == 0.0
    assert battery["battery_state"] == "idle"
    assert "battery_current" not in read(SPA, idle, set()).batteries[1]


def test_a_battery_of_an_inverter_with_a_fault() -> None:
    """It shares the inverter's fault."""
    told = sample(SPH, status=3, soc=50.0, vbat=51.0, pdischarge1=10.0)
    assert read(SPH, told, set()).batteries[1]["battery_state"] == "fault"


def test_a_battery_whose_power_is_not_told() -> None:
    """Nothing is said of what it does."""
    battery = read(MIN, {"bmsSoc": 40, "bdc1Vbat": 390}, set()).batteries[1]
    assert "battery_state" not in battery
    assert battery["battery_soc"] == 40


def test_an_spa() -> None:
    """What it has put out is its battery's; it sees the inverter beside it."""
    told = sample(SPA, soc=50.0, eacTotal=90.5, ppvInverter=1200.5, pac=300.5)
    found = read(SPA, told, set()).device
    assert found["external_pv_power"] == 1200.5
    assert "inverter_energy" not in found
    assert "pv_energy" not in found


def test_a_max() -> None:
    """Its production has two names, of which one may be empty."""
    told = sample(MAX, status=1, eacTotal=0.0, powerTotal=810.5, eacToday=3.5)
    found = read(MAX, told, set()).device
    assert found["inverter_energy"] == 810.5
    assert found["inverter_energy_today"] == 3.5


def test_a_smart_meter() -> None:
    """Bought is positive; phases and counters are there once they were not zero."""
    told = {
        "activePower": -820.5,
        "activePowerL1": -300.5,
        "voltageL1": 231.5,
        "currentL1": 1.3,
        "voltageUb": 230.5,
        "bActivePower": 0.0,
        "positiveActiveTotalEnergy": 310.5,
        "positiveActiveTodayEnergy": 0.0,
        "reverseActiveTotalEnergy": 0.0,
    }
    known: set[str] = set()
    found = read_meter(told, known)
    assert found["grid_power"] == -820.5
    assert found["grid_power_1"] == -300.5
    assert found["grid_power_2"] == 0.0
    assert found["grid_import_energy_today"] == 0.0
    assert found["grid_export_energy"] == 0.0
    assert known == {"phase_1", "phase_2", "grid"}
    other = {"activePower": 5.5, "activeEnergy": 48.5, "positiveActiveTotalEnergy": 0.0}
    assert read_meter(other, set()) == {"grid_power": 5.5}


def test_a_sensor() -> None:
    """W/m², degrees and m/s; what it has not, is not there."""
    told = {"radiant": 412.5, "envTemp": -1.0, "panelTemp": "31.5", "windSpeed": 0.0}
    assert read_sensor(told, set()) == {
        "irradiance": 412.5,
        "ambient_temperature": -1.0,
        "module_temperature": 31.5,
        "wind_speed": 0.0,
    }


# --- the document's tables ------------------------------------------------------------

SECTION_4_3_8 = [
    "inverterId",
    "status",
    "ipv1",
    "ipv2",
    "vpv1",
    "vpv2",
    "ppv1",
    "ppv2",
    "iacr",
    "iacs",
    "iact",
    "vacr",
    "vacs",
    "vact",
    "pacr",
    "pacs",
    "pact",
    "ppv",
    "pac",
    "powerToday",
    "powerTotal",
    "temperature",
    "fac",
    "pf",
    "time",
    "faultType",
    "timeTotal",
    "ipmTemperature",
    "epv1Today",
    "epv1Total",
    "epv2Today",
    "epv2Total",
    "epvTotal",
    "eRacToday",
    "eRacTotal",
    "pBusVoltage",
    "nBusVoltage",
    "dwStringWarningValue1",
    "wStringStatusValue",
    "wPIDFaultValue",
    "vPidPvape",
    "iPidPvape",
    "pidStatus",
    "vPidPvbpe",
    "iPidPvbpe",
    "strFault",
    "vString1",
    "vString2",
    "vString3",
    "vString4",
    "vString5",
    "vString6",
    "vString7",
    "vString8",
    "currentString1",
    "currentString2",
    "currentString3",
    "currentString4",
    "currentString5",
    "currentString6",
    "currentString7",
    "currentString8",
    "warnCode",
]
SECTION_4_3_13 = [
    "status",
    "deviceType",
    "pCharge",
    "pDischarge",
    "vpv",
    "ipv",
    "iCharge",
    "iDischarge",
    "ppv",
    "vBuck",
    "vac",
    "iacToUser",
    "pacToUser",
    "iacToGrid",
    "pacToGrid",
    "vBat",
    "capacity",
    "ipmTemperature",
    "epvToday",
    "epvTotal",
    "temperature",
    "eChargeToday",
    "eChargeTotal",
    "time",
    "eDischargeToday",
    "eDischargeTotal",
    "eToUserToday",
    "eToUserTotal",
    "eToGridToday",
    "eToGridTotal",
    "faultCode",
    "vpv2",
    "ppv2",
    "pCharge2",
    "pDischarge2",
    "vBuck2",
    "epvToday2",
    "epvTotal2",
    "eChargeToday2",
    "eChargeTotal2",
    "eDischargeToday2",
    "eDischargeTotal2",
    "normalPower",
    "errorCode",
    "warnCode",
]


@pytest.mark.parametrize(
    ("kind", "section"), [(INVERTER, SECTION_4_3_8), (STORAGE, SECTION_4_3_13)]
)
def test_the_document_s_fields_are_served(kind: int, section: list[str]) -> None:
    """The simulated service knows every field of the document's tables."""
    assert set(section) <= set(sample(kind))


def test_tables_use_names_that_are_served() -> None:
    """No row waits for a field that no answer has."""
    for kind, table in fields.TABLES.items():
        served = {name.lower() for name in sample(kind)}
        parts = (*table.batteries, table.grid)
        rows = [*table.rows, *(row for part in parts for row in part.rows)]
        for row in rows:
            assert served & set(row.plus), (kind, row.key, row.plus)
