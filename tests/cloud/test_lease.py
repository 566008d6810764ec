"""What the telemetry proves of a run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.solar_cloud.cloud.control import (
    Absent,
    Control,
    Forced,
    Reason,
    Run,
)
from custom_components.solar_cloud.cloud.house import House
from custom_components.solar_cloud.cloud.lease import Lease
from custom_components.solar_cloud.cloud.model import Reading, Value

from .conftest import NOON


def a_lease(kind: Forced = Forced.CHARGE, *, sent: bool = True) -> Lease:
    """Return a lease of an hour, sent at noon."""
    run = Run(
        id="run",
        plant="p",
        kind=kind,
        start=NOON,
        end=NOON + timedelta(hours=1),
        devices=("d",),
        power=2000,
        target_soc=50,
    )
    return Lease(run=run, before={}, sent_at=NOON if sent else None)


def a_house(minutes: float, **values: Value) -> House:
    """Return a house with readings of the plant so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    rows = {key: Reading(value=value, at=at) for key, value in values.items()}
    return House(readings={"p": rows})


@pytest.mark.parametrize(
    ("minutes", "proved"), [(-1, False), (0, False), (1, True), (60, True), (61, False)]
)
def test_what_is_measured_while_a_run_lasts_proves_it(
    minutes: float, proved: bool
) -> None:
    """What was before it or comes after it does not."""
    house = a_house(minutes, battery_power=-1500.0, battery_soc=60.0)
    assert a_lease().seen(house) is proved
    assert a_lease().reached(house) is proved


def test_without_a_measurement_nothing_is_proved() -> None:
    """Nor before it is sent."""
    assert not a_lease().seen(House())
    assert not a_lease().reached(House())
    assert not a_lease(sent=False).seen(a_house(1, battery_power=-1500.0))
    assert not a_lease().seen(a_house(1, battery_power=None))


def test_a_discharge_is_seen_in_the_inverters_output() -> None:
    """The sun shares it; without a reading of it the battery alone counts."""
    lease = a_lease(Forced.DISCHARGE)
    assert lease.seen(a_house(1, battery_power=300.0, inverter_power=1900.0))
    assert not lease.seen(a_house(1, battery_power=300.0))
    assert lease.seen(a_house(1, battery_power=1300.0))


def test_a_charge_without_a_target_ends_at_the_owners_own_limit() -> None:
    """Above it the mains charge nothing; without one the battery is to be full."""
    lease = a_lease()
    lease.run = replace(lease.run, target_soc=None)
    house = a_house(1, battery_soc=90.0)
    assert not lease.reached(house)
    limit = Control(value=88.0, at=NOON)
    held = replace(house, controls={"d": {"grid_charge_soc_limit": limit}})
    assert lease.reached(held)
    assert not a_lease().reached(a_house(1, battery_soc=40.0))
    absent = {"grid_charge_soc_limit": Absent(reason=Reason.UNSUPPORTED)}
    assert not lease.reached(replace(house, controls={"d": absent}))
