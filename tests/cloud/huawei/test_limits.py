"""How much may be asked: the document's formulas, its examples, and the two policies."""

import pytest

from custom_components.solar_cloud.cloud.errors import QuotaExceeded
from custom_components.solar_cloud.cloud.huawei import endpoints as on
from custom_components.solar_cloud.cloud.huawei.limits import (
    BASIC,
    CONTROL,
    Census,
    account,
    oauth,
)
from custom_components.solar_cloud.cloud.quota import Demand, Purpose

from .world import World


def limits(census: Census) -> dict[str, int | None]:
    """Return the limits of the interfaces."""
    return {row.name.rpartition("/")[2]: row.limit for row in account(census)}


@pytest.mark.parametrize(
    ("census", "expected"),
    [
        (
            Census(plants=20, devices={1: 20, 47: 20}),
            {
                "stations": 34,
                "getDevList": 25,
                "getDevHistoryKpi": 28,
                "getAlarmList": 2,
                "getKpiStationHour": 25,
                "getKpiStationYear": 25,
                "getDevKpiDay": 26,
            },
        ),
        (
            Census(plants=120, devices={1: 120, 47: 120}),
            {
                "stations": 44,
                "getDevList": 26,
                "getDevHistoryKpi": 48,
                "getAlarmList": 4,
                "getKpiStationDay": 26,
                "getDevKpiMonth": 28,
            },
        ),
    ],
)
def test_the_documents_examples(census: Census, expected: dict[str, int]) -> None:
    """4.2, with 20 and with 120 plants, inverters and meters."""
    found = limits(census)
    assert {key: found[key] for key in expected} == expected


def test_an_owners_day() -> None:
    """4.1: a bucket for reading, one for steering; neither counts in the other."""
    found = {row.name: row for row in oauth()}
    assert (found[BASIC].limit, found[CONTROL].limit) == (1000, 100)
    assert not found[BASIC].endpoints & found[CONTROL].endpoints
    assert found[BASIC].reserve
    assert found[CONTROL].reserve


async def test_the_allowances_follow_what_the_account_holds(home: World) -> None:
    """A home with three types: one call for plants, three for devices, each 5 minutes."""
    await home.vendor.identify()
    await home.poll("devices")
    await home.poll("realtime", "alarms")
    with pytest.raises(QuotaExceeded):
        await home.poll("realtime")
    left = home.ledger.left()
    assert left
    assert left.allowance.startswith("/thirdData/")
    assert left.limit >= 25


# --- which policy -----------------------------------------------------------------------


async def read_history(world: World, seconds: float = 0) -> None:
    """Read an hour of the inverter's samples."""
    world.advance(seconds=seconds)
    end = world.clock.now()
    await world.vendor.client.device_history(
        38, [str(world.of(38).id)], end.replace(minute=0), end, Purpose.HISTORY
    )


async def test_an_old_account_shows_itself_by_its_first_refusal(home: World) -> None:
    """A second call for history within a minute; from then on the minutes count."""
    home.account.policy = "old"
    await home.vendor.identify()
    await home.poll("devices")
    await read_history(home)
    with pytest.raises(QuotaExceeded) as caught:
        await read_history(home, 5)
    assert caught.value.retry_at
    assert (caught.value.retry_at - home.clock.now()).total_seconds() < 70
    assert len(home.refused) == 1
    for _ in range(60):
        await read_history(home, 67)
    assert len(home.refused) == 1
    await home.begin()
    await home.vendor.identify()
    await home.poll("devices")
    for _ in range(3):
        home.advance(seconds=20)
        await home.poll("realtime")
    assert len(home.refused) == 1


async def test_an_account_that_is_not_old_after_all(home: World) -> None:
    """A refusal that the old policy does not explain tells so."""
    home.memory["policy"] = "old"
    await home.begin()
    await home.vendor.identify()
    await home.poll("devices", "realtime")
    home.advance(minutes=1)
    with pytest.raises(QuotaExceeded):
        await home.poll("realtime")
    assert "policy" not in home.memory
    assert len(home.refused) <= 4
    home.advance(minutes=16)
    before = len(home.refused)
    await home.poll("realtime")
    assert len(home.refused) == before


async def test_a_refusal_that_nothing_explains_changes_no_policy(home: World) -> None:
    """Somebody else may have made the calls."""
    await home.vendor.identify()
    await home.poll("devices")
    home.fault("errno", endpoint="getKpiStationDay", errno=407, count=1)
    with pytest.raises(QuotaExceeded):
        await home.poll("totals")
    assert "policy" not in home.memory


async def test_a_day_of_an_owner(owner: World) -> None:
    """A day and a half of polls as the ledger plans them: nothing is refused."""
    await owner.vendor.identify()
    await owner.poll()
    feeds = [row for row in owner.vendor.feeds if row.key != "settings"]
    end = owner.clock.now().timestamp() + 1.5 * 86_400
    while owner.clock.now().timestamp() < end:
        hour = owner.clock.now().hour
        dark = (
            {row.id for row in owner.account.plants} if hour < 4 or hour > 19 else set()
        )
        demands = [
            Demand(call=call, interval=row.interval)
            for row in feeds
            for call in owner.vendor.calls(row.key)
        ]
        stretch = owner.ledger.stretch(demands)
        dues = {row.key: owner.vendor.due(row.key, stretch, dark) for row in feeds}
        key = min(dues, key=lambda name: dues[name])
        wait = (dues[key] - owner.clock.now()).total_seconds()
        if wait > 0:
            owner.advance(seconds=min(wait, 600))
            continue
        await owner.vendor.poll(key, dark=frozenset(dark))
    assert not owner.refused
    basic = [row for row in owner.sim.calls if row.endpoint.startswith("/thirdData")]
    last = [row for row in basic if row.at > end - 86_400]
    assert 800 < len(last) <= 1000


def test_every_interface_is_of_one_kind() -> None:
    """Reading or steering; each path once."""
    rows = (*on.BASIC, *on.CONTROL)
    assert len({row.path for row in rows}) == len(rows)
    assert not any(row.control for row in on.BASIC)
    assert all(row.control for row in on.CONTROL)
