"""Lifetime counters on the vendor's sums: true, never falling, over midnights and years."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.solar_cloud.cloud.solarlog.lifetime import Lifetime

from .stub import PLANT, Page, Stub, slots, told
from .world import World

from tests.simulator import Simulator

KEYS = ("pv_energy", "load_energy", "grid_export_energy", "grid_import_energy")
CHANNELS = f"/{PLANT}/channels"
LIFETIME = f"/plant/{PLANT}/lifetime"
YEAR = f"/plant/{PLANT}/year/2026"
MONTH = f"/plant/{PLANT}/year/2026/month/06"


def sums(unit: str = "Wh", name: str = "ProdEtotal", **points: float | None) -> Any:
    """Return sums; `of2026_05=3` is told of May."""
    keys = {key[2:].replace("_", "-"): value for key, value in points.items()}
    return [told(name, keys, unit)]


@pytest.fixture
def summed(stub: Stub) -> Stub:
    """Return a plant whose sums are 5 kWh, 30 kWh and 3 kWh before today."""
    stub.answers |= {
        CHANNELS: [told("ProdEtotal", slots(at1100=700), "Wh")],
        LIFETIME: sums(of2025=5000, of2026=33_700),
        YEAR: sums(of2026_04=10_000, of2026_05=20_000, of2026_06=3700),
        MONTH: sums(of2026_06_15=1000, of2026_06_16=2000, of2026_06_17=700),
    }
    return stub


async def shown(stub: Stub, key: str = "pv_energy") -> Any:
    """Poll, and return what is shown."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    row = stub.vendor.snapshots["realtime"].readings[PLANT].get(key)
    return None if row is None else row.value


@pytest.mark.parametrize("today", [700, 0, None])
async def test_closed_years_months_and_days(summed: Stub, today: float | None) -> None:
    """It makes no difference whether the vendor's sums hold today."""
    summed.answers[MONTH] = sums(
        of2026_06_15=1000, of2026_06_16=2000, of2026_06_17=today
    )
    assert await shown(summed) == 38.7


async def test_units_are_the_vendors(summed: Stub) -> None:
    """kWh, or none told: then it is Wh, as documented."""
    summed.answers[LIFETIME] = sums("kWh", of2025=5)
    summed.answers[YEAR] = sums("", of2026_05=30_000)
    assert await shown(summed) == 38.7


@pytest.mark.parametrize(
    "answer", [Page(status=403, body={}), [], None, Page(status=500, text="")]
)
async def test_without_sums_there_is_no_lifetime_counter(
    summed: Stub, answer: Any
) -> None:
    """Today's counter stands; the sums are asked for later, each time after longer."""
    summed.answers[YEAR] = answer
    assert await shown(summed) is None
    assert await shown(summed, "pv_energy_today") == 0.7
    times: list[datetime] = []
    for _ in range(60):
        made = len(summed.asked)
        summed.advance(minutes=15, seconds=1)
        await summed.vendor.poll("realtime")
        if any(path.endswith(LIFETIME) for path, _ in summed.asked[made:]):
            times.append(summed.now)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps)
    assert len(times) <= 6


async def test_on_the_first_of_a_year_only_years_are_asked_for(summed: Stub) -> None:
    """And on the first of a month no days."""
    summed.now = datetime(2027, 1, 1, 10, tzinfo=UTC)
    summed.begin()
    stamp = "2027-01-01T11:00:00+02:00"
    summed.answers[CHANNELS] = [
        told("ProdEtotal", {stamp: 250}, "Wh", date="2027-01-01")
    ]
    summed.answers[LIFETIME] = sums(of2025=5000, of2026=60_000, of2027=9)
    assert await shown(summed) == 65.25
    assert not [path for path in summed.paths() if "/year/" in path]


async def test_after_midnight_yesterdays_own_counter_stands_in(summed: Stub) -> None:
    """Until the vendor's sums of the new day are there; they may be late or too low."""
    assert await shown(summed) == 38.7
    summed.now = datetime(2026, 6, 17, 22, 30, tzinfo=UTC)
    for path in (LIFETIME, YEAR, MONTH):
        summed.answers[path] = Page(status=500, text="")
    summed.answers[CHANNELS] = [
        told("ProdEtotal", slots(at1100=700, at2355=1500), "Wh"),
        told("ProdEtotal", {"2026-06-18T00:10:00+02:00": 4}, "Wh", date="2026-06-18"),
    ]
    assert await shown(summed) == 39.504
    summed.answers |= {
        LIFETIME: sums(of2025=5000, of2026=34_500),
        YEAR: sums(of2026_04=10_000, of2026_05=20_000, of2026_06=4500),
        MONTH: sums(of2026_06_15=1000, of2026_06_16=2000, of2026_06_17=1100),
    }
    summed.advance(minutes=31)
    assert await shown(summed) == 39.504


async def test_after_days_away_the_sums_come_first(summed: Stub) -> None:
    """What was counted meanwhile is not known before."""
    assert await shown(summed) == 38.7
    summed.now += timedelta(days=3)
    stamp = "2026-06-20T11:00:00+02:00"
    summed.answers[CHANNELS] = [told("ProdEtotal", {stamp: 5}, "Wh", date="2026-06-20")]
    summed.answers[MONTH] = Page(status=500, text="")
    assert await shown(summed) is None


async def test_a_counter_that_is_missing_today(summed: Stub) -> None:
    """Then there is no lifetime counter now; its mark stays with the house."""
    assert await shown(summed) == 38.7
    summed.answers[CHANNELS] = [told("ProdPac", slots(at1105=5))]
    summed.advance(minutes=16)
    assert await shown(summed) is None


async def test_a_plant_without_counters(stub: Stub) -> None:
    """There is nothing to ask for."""
    assert await shown(stub) is None
    assert not [path for path in stub.paths() if path.endswith("lifetime")]


async def test_what_the_grid_delivered(summed: Stub) -> None:
    """Consumption without what was covered; a channel that is missing has no counter."""
    names = {"ConsEtotal": 3.0, "ConsEtotalCov": 1.0}

    def each(**points: float) -> Any:
        return [
            row
            for name, factor in names.items()
            for row in sums(name=name, **{k: v * factor for k, v in points.items()})
        ]

    summed.answers |= {
        CHANNELS: [
            told("ConsEtotal", slots(at1100=900, at1105=950), "Wh"),
            told("ConsEtotalCov", slots(at1100=300), "Wh"),
        ],
        LIFETIME: each(of2025=1000),
        YEAR: each(of2026_05=2000),
        MONTH: each(of2026_06_16=3000),
    }
    assert await shown(summed, "grid_import_energy") == 12.6
    assert await shown(summed, "load_energy") == 18.95
    assert await shown(summed, "grid_import_energy_today") == 0.6
    assert await shown(summed) is None


def test_what_is_known_of_nobody() -> None:
    """A plant that was never asked for is due."""
    lifetime = Lifetime(None, {})  # type: ignore[arg-type]
    now = datetime(2026, 6, 17, tzinfo=UTC)
    assert lifetime.anchor(PLANT) is None
    assert lifetime.due(PLANT, date(2026, 6, 17), now) == now


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (datetime(2026, 6, 30, 12, tzinfo=UTC), "basic_battery"),
        (datetime(2026, 3, 28, 12, tzinfo=UTC), "basic_battery"),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "basic_battery"),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "basic"),
    ],
)
@pytest.mark.parametrize("live", [True, False])
async def test_counters_are_the_homes(
    socket_enabled: None,
    session: ClientSession,
    start: datetime,
    name: str,
    live: bool,
) -> None:
    """Over the ends of months and years and both changes of the clocks; none falls."""
    async with Simulator(
        now=lambda: start, vendors=("solarlog",), seed=1, history_days=40
    ) as sim:
        plant = sim.plant(name)
        plant.details["live"] = live
        await follow(World(sim, session, name, plants=frozenset((plant.id,))))


async def follow(world: World) -> None:
    """Live for more than a day, and look every hour."""
    plant = world.plant
    await world.vendor.identify()
    last: dict[str, float] = {}
    step = plant.step / 1000
    for _ in range(30):
        await world.live(hours=1)
        values = world.values()
        for key in KEYS:
            assert values[key] >= last.get(key, 0.0), key
            last[key] = values[key]
            newest = world.vendor.snapshots["realtime"].readings[plant.id][key].at
            truth = plant.truth(newest.timestamp())[""]
            assert values[key] == pytest.approx(truth[key], abs=0.15 + 90 * step), key
