"""A snapshot survives the file it is stored in."""

from datetime import timedelta
import json

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Forced,
    Reason,
    Run,
)
from custom_components.solar_cloud.cloud.errors import CloudError, Refused
from custom_components.solar_cloud.cloud.model import (
    Alarm,
    Device,
    DeviceKind,
    Plant,
    Reading,
    Snapshot,
)
from custom_components.solar_cloud.cloud.quantity import (
    CATALOGUE,
    Kind,
    Quantity,
    index_of,
    name_quantity,
    quantity,
)

from .conftest import NOON


def test_a_snapshot_comes_back_from_json_as_it_was() -> None:
    """Instants with their offsets, controls, and why there is none."""
    snapshot = Snapshot(
        at=NOON,
        plants={"p": Plant(id="p", name="Home", time_zone="Europe/Berlin")},
        devices={"d": Device(id="d", plant="p", kind=DeviceKind.INVERTER)},
        readings={
            "d": {
                "pv_power": Reading(value=1.5, at=NOON),
                "inverter_state": Reading(value="producing", at=NOON),
                "online": Reading(value=True, at=NOON),
                "grid_power": Reading(value=None, at=NOON),
            }
        },
        controls={
            "d": {
                "min_soc": Control(value=10.0, at=NOON, minimum=10, maximum=100),
                "battery_mode": Control(value="backup", at=NOON, options=("backup",)),
                "export_limit": Absent(reason=Reason.NO_METER),
            }
        },
        alarms=(
            Alarm(id="1", device="d", code="7", text="hot", at=NOON),
            Alarm(id="2", device="d", code="8", text="cold"),
        ),
    )

    def carried(value: object) -> str:
        return value.isoformat()  # type: ignore[attr-defined, no-any-return]

    data = json.loads(json.dumps(snapshot.as_dict(), default=carried))
    assert Snapshot.from_dict(data) == snapshot


def test_an_indexed_key_finds_its_row() -> None:
    """Phases and strings are numbered, a key of the catalogue never is."""
    assert quantity("string_power_12") is CATALOGUE["string_power_N"]
    assert index_of("string_power_12") == 12
    assert index_of("pv_power") is None
    assert index_of("string_power_N") is None
    assert quantity("pv_energy").is_counter
    assert quantity("pv_energy_today").kind is Kind.DAY_COUNTER


def test_the_power_of_a_run_is_shared_by_its_devices() -> None:
    """Or left to them."""
    run = Run(
        id="1",
        plant="p",
        kind=Forced.CHARGE,
        start=NOON,
        end=NOON + timedelta(hours=1),
        devices=("a", "b"),
        power=3000,
    )
    assert run.share == 1500
    free = Run(
        id="1", plant="p", kind=Forced.HOLD, start=NOON, end=NOON, devices=("a",)
    )
    assert free.share is None


def test_an_error_says_what_the_vendor_said() -> None:
    """For the log: kind, code, words."""
    assert str(Refused("SOC too low", code=40257)) == "Refused 40257: SOC too low"
    assert str(CloudError()) == "CloudError"


def test_a_vendor_names_a_quantity_at_run_time() -> None:
    """It keeps its own words and unit; the catalogue's keys stay what they are."""
    row = Quantity(key="bat_foo_soc", kind=Kind.POWER, unit="W/kWp", label="Bat Foo")
    assert quantity("bat_foo_soc").label == "Bat foo soc"
    name_quantity(row)
    assert quantity("bat_foo_soc") is row
    name_quantity(Quantity(key="pv_power", kind=Kind.TEXT))
    assert quantity("pv_power") is CATALOGUE["pv_power"]


def test_absent_readings_are_stored() -> None:
    """Why a reading is not there comes back as it was."""
    absent = {"p": {"tech_av": Reason.NOT_IN_PLAN}}
    data = json.loads(
        json.dumps(Snapshot(at=NOON, absent_readings=absent).as_dict(), default=str)
    )
    data["at"] = NOON.isoformat()
    assert Snapshot.from_dict(data).absent_readings == absent
