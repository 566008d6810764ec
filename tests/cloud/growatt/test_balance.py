"""What a house used is the balance of its inverters, its battery and the mains."""

from datetime import UTC, datetime, timedelta

from custom_components.solar_cloud.cloud.growatt import endpoints as on
from custom_components.solar_cloud.cloud.growatt.balance import balanced
from custom_components.solar_cloud.cloud.model import Reading, Value

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)

STORAGE: dict[str, Value] = {
    "pv_energy": 100.0, "pv_energy_today": 6.0,
    "battery_charge_energy": 40.0, "battery_charge_energy_today": 5.0,
    "battery_discharge_energy": 30.0, "battery_discharge_energy_today": 1.0,
    "grid_import_energy": 25.0, "grid_import_energy_today": 2.5,
    "grid_export_energy": 20.0, "grid_export_energy_today": 0.5,
}  # fmt: skip
INVERTER: dict[str, Value] = {"inverter_energy": 50.0, "inverter_energy_today": 3.0}
METER: dict[str, Value] = {
    "grid_import_energy": 24.0, "grid_export_energy": 22.0,
}  # fmt: skip


def rows(values: dict[str, Value], at: datetime = NOON) -> dict[str, Reading]:
    """Return readings of an instant."""
    return {key: Reading(value=value, at=at) for key, value in values.items()}


def values(found: dict[str, Reading]) -> dict[str, Value]:
    """Return what readings say."""
    return {key: row.value for key, row in found.items()}


def test_a_storage_machine_and_an_inverter() -> None:
    """What the mains put into the battery was not used by the house."""
    own = [(on.STORAGE, rows(STORAGE)), (on.INVERTER, rows(INVERTER))]
    found = balanced(own, [], NOON)
    assert values(found) == {"load_energy": 145.0, "load_energy_today": 7.0}
    with_meter = balanced(own, [rows(METER)], NOON)
    assert values(with_meter) == {"load_energy": 142.0}


def test_what_was_told_of_yesterday_is_none_of_today() -> None:
    """An inverter that sleeps tells yesterday's energy until it wakes."""
    asleep = rows(INVERTER, NOON - timedelta(hours=14))
    found = balanced([(on.STORAGE, rows(STORAGE)), (on.INVERTER, asleep)], [], NOON)
    assert values(found) == {"load_energy": 145.0, "load_energy_today": 4.0}


def test_who_counts_the_load_or_does_not_see_the_mains_needs_no_balance() -> None:
    """A part that is missing makes no sum."""
    assert balanced([(on.INVERTER, rows(INVERTER))], [], NOON) == {}
    told = rows(STORAGE | {"load_energy": 1.0})
    assert balanced([(on.STORAGE, told)], [], NOON) == {}
    blind = {key: row for key, row in STORAGE.items() if not key.startswith("grid")}
    assert balanced([(on.STORAGE, rows(blind))], [], NOON) == {}
    silent = [(on.STORAGE, rows(STORAGE)), (on.INVERTER, rows({}))]
    assert balanced(silent, [], NOON) == {}
