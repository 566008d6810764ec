"""The physical home of the simulator keeps its balances, at any pace."""

from datetime import UTC, datetime
from itertools import pairwise
from time import perf_counter

import pytest

from tests.simulator.home import Home
from tests.simulator.physics import (
    ENERGIES,
    HomeSpec,
    Mode,
    Orders,
    flows,
    stored_after,
)
from tests.simulator.weather import elevation

NOON = datetime(2026, 6, 20, 11, 7, 13, tzinfo=UTC).timestamp()
DAY = 86_400
SPEC = HomeSpec(
    latitude=51.5,
    longitude=0.0,
    zone="Europe/London",
    packs=(10.0,),
    history_days=40,
)


@pytest.fixture
def home() -> Home:
    """Return a home at noon in June."""
    return Home(SPEC, NOON, soc=50)


def test_energy_is_conserved_over_a_day(home: Home) -> None:
    """What comes in goes out, into the battery, or is lost where losses are."""
    before, after = home.state(NOON), home.state(NOON + DAY)
    grown = {key: after.totals[key] - before.totals[key] for key in ENERGIES}
    loss = SPEC.round_trip**0.5
    stored = (after.soc - before.soc) / 100 * SPEC.usable / 1000
    into_cells = grown["battery_charge_energy"] * loss
    out_of_cells = grown["battery_discharge_energy"] / loss
    assert stored == pytest.approx(into_cells - out_of_cells, abs=1e-6)
    dc = (
        grown["pv_energy"]
        + grown["battery_discharge_energy"]
        - grown["battery_charge_energy"]
    )
    assert grown["inverter_energy"] == pytest.approx(dc * SPEC.efficiency, abs=1e-6)
    grid = grown["grid_import_energy"] - grown["grid_export_energy"]
    assert grid == pytest.approx(grown["load_energy"] - grown["inverter_energy"])


def test_every_instant_balances(home: Home) -> None:
    """Grid is load minus inverter; PV and load are never negative."""
    for minute in range(0, 2 * 24 * 60, 7):
        flow = home.state(NOON + minute * 60 + 0.5).flow
        assert flow.grid == pytest.approx(flow.load - flow.inverter, abs=1e-9)
        assert flow.pv >= 0
        assert flow.load > 0
        assert -SPEC.rated <= flow.inverter <= SPEC.rated


def test_counters_never_fall(home: Home) -> None:
    """Lifetime counters only grow, from the beginning of the plant on."""
    instants = [home.created + 3600 * n for n in range(0, 41 * 24, 5)]
    instants += [NOON + 120 * n for n in range(200)]
    instants = sorted(at for at in instants if at <= NOON + DAY)
    totals = [home.totals(at) for at in instants]
    for before, after in pairwise(totals):
        assert all(after[key] >= before[key] - 1e-9 for key in ENERGIES)


def test_nights_are_dark(home: Home) -> None:
    """Nothing comes from the roof while the sun is below the horizon."""
    for minute in range(0, 24 * 60, 5):
        at = NOON + minute * 60
        step = at // 60 * 60
        if elevation(SPEC.latitude, SPEC.longitude, step) < 0:
            assert home.state(at).flow.pv == 0
    assert elevation(SPEC.latitude, SPEC.longitude, NOON) == pytest.approx(
        60.0, abs=0.3
    )


def test_the_pace_of_questions_changes_nothing() -> None:
    """One leap and a thousand questions lead to the same home."""
    leaping, asked = Home(SPEC, NOON, soc=50), Home(SPEC, NOON, soc=50)
    for second in range(0, DAY, 83):
        asked.state(NOON + second)
    assert asked.state(NOON + DAY) == leaping.state(NOON + DAY)
    assert asked.state(NOON + 4321) == leaping.state(NOON + 4321)


def test_hours_add_up_to_the_counters(home: Home) -> None:
    """The energy of the hours is what the counters grew, past included."""
    start = home.created + 5 * DAY + 1800
    rows = home.energy(start, NOON)
    for key in ENERGIES:
        grown = home.totals(NOON)[key] - home.totals(start)[key]
        assert sum(value for _, value in rows[key]) == pytest.approx(grown)
    today = home.today(NOON)
    rows = home.energy(home.midnight(NOON), NOON)
    assert today["load_energy"] == pytest.approx(sum(v for _, v in rows["load_energy"]))


def test_an_order_counts_from_its_second(home: Home) -> None:
    """A command in the middle of a minute changes the flows at once."""
    charge = Orders(mode=Mode.FORCE_CHARGE, power=3000, target=90)
    orders = [Orders(), charge]
    home.controller = lambda at: orders[0]
    at = NOON + DAY / 2 + 17
    home.change(at, orders.reverse)
    assert home.state(at - 1).flow.battery >= 0
    assert home.state(at).flow.battery == pytest.approx(-3000)
    home.later(at + 90, orders.reverse)
    assert home.state(at + 89).flow.battery == pytest.approx(-3000)
    assert home.state(at + 91).flow.battery >= 0
    told = home.told(at - 600, at + 600)
    assert [(end - start, order.mode) for start, end, order in told] == [
        (600, Mode.SELF_CONSUMPTION),
        (90, Mode.FORCE_CHARGE),
        (510, Mode.SELF_CONSUMPTION),
    ]


@pytest.mark.parametrize(
    ("orders", "battery"),
    [
        (Orders(mode=Mode.FORCE_CHARGE, power=3000, target=90), -3000),
        (Orders(mode=Mode.FORCE_CHARGE, power=3000, target=50), 0),
        (Orders(mode=Mode.FORCE_CHARGE, power=3000, import_limit=1000), -450 * 0.97),
        (Orders(mode=Mode.FORCE_DISCHARGE, power=970, target=20), 1000),
        (Orders(mode=Mode.FORCE_DISCHARGE, power=970, target=50), 0),
        (Orders(mode=Mode.FORCE_DISCHARGE, power=970, export_limit=0), 550 / 0.97),
        (Orders(floor=50), 0),
        (Orders(floor=10), 550 / 0.97),
        (Orders(mode=Mode.FEED_IN_PRIORITY), 0),
        (Orders(mode=Mode.BACKUP), 0),
        (Orders(mode=Mode.HOLD), 0),
        (Orders(mode=Mode.PEAK_SHAVING, import_limit=400, peak_soc=60), 150 / 0.97),
        (Orders(mode=Mode.PEAK_SHAVING, import_limit=800, peak_soc=60), 0),
        (Orders(discharge_limit=300), 300),
    ],
)
def test_at_night_the_battery_does_as_told(orders: Orders, battery: float) -> None:
    """Without sun and with a load of 550 W, half full."""
    flow = flows(SPEC, orders, 0, 550, SPEC.usable / 2, 1 / 60)
    assert flow.battery == pytest.approx(battery)
    assert flow.grid == pytest.approx(550 - flow.inverter)


def test_steps_end_with_the_clock_that_rules(home: Home) -> None:
    """Orders that follow a clock 37 s ahead begin and end to the second."""
    noon = NOON // 60 * 60 + 3600
    home.phase = 37
    home.controller = lambda at: Orders(floor=30 if (at + 37) // 60 % 2 else 20)
    told = home.told(noon, noon + 7200)
    assert {start % 60 for start, _, _ in told[1:]} == {23}
    hours = home.energy(noon, noon + 7200)["load_energy"]
    grown = home.totals(noon + 7200)["load_energy"] - home.totals(noon)["load_energy"]
    assert sum(value for _, value in hours) == pytest.approx(grown)


def test_limits_curtail_the_sun() -> None:
    """A full battery and an export limit leave only what the house takes."""
    flow = flows(SPEC, Orders(export_limit=1000), 7000, 500, SPEC.usable, 1 / 60)
    assert flow.grid == pytest.approx(-1000)
    assert flow.pv == pytest.approx(1500 / SPEC.efficiency)
    feed_in = Orders(mode=Mode.FEED_IN_PRIORITY, export_limit=1000)
    flow = flows(SPEC, feed_in, 7000, 500, SPEC.usable / 2, 1 / 60)
    assert flow.battery == pytest.approx(-(7000 - 1500 / SPEC.efficiency))


def test_a_target_is_met_and_not_passed() -> None:
    """A forced charge ends at its target."""
    stored = SPEC.usable * 0.89
    orders = Orders(mode=Mode.FORCE_CHARGE, power=6000, target=90)
    for _ in range(10):
        flow = flows(SPEC, orders, 0, 300, stored, 1 / 60)
        stored = stored_after(SPEC, stored, flow.battery, 1 / 60)
    assert stored == pytest.approx(SPEC.usable * 0.9)


def test_a_day_is_lived_quickly(home: Home) -> None:
    """A simulated day takes a small part of a second."""
    began = perf_counter()
    home.advance(NOON + DAY)
    assert perf_counter() - began < 0.3
