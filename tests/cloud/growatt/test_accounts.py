"""Signing in: regions, tokens that show too little, installers, and rare calls."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    CloudUnavailable,
    NoPlants,
    PermissionDenied,
    QuotaExceeded,
    WrongRegion,
)
from custom_components.solar_cloud.cloud.growatt import client as wire

from .conftest import Open
from .stub import Error, Stub
from .world import World

from tests.simulator import Simulator

LIST = "/v1/plant/list"
DENIED = Error(10011, "error_permission_denied")
PLANT = {"plant_id": 7, "name": "Roof", "country": "Poland", "latitude": ""}


@pytest.fixture(autouse=True)
def regions(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Take the simulated regions for the vendor's."""
    urls: dict[str, str] = sim.vendors["growatt"].urls
    monkeypatch.setattr(wire, "HOSTS", tuple(urls.values()))
    return urls


async def test_each_account_is_found_in_its_region(any_world: World) -> None:
    """The region that was chosen is the one that is asked."""
    identity = await any_world.vendor.identify()
    assert identity.account is None
    assert set(identity.plants) == {plant.id for plant in any_world.account.plants}
    assert {row.name for row in identity.plants.values()} == {
        plant.name for plant in any_world.account.plants
    }
    assert any_world.paths().count(LIST) == 1
    assert not any_world.refused


@pytest.mark.parametrize("name", ["old", "sph"])
async def test_another_region_is_named(
    open_world: Open, regions: dict[str, str], name: str
) -> None:
    """A token that another region knows says which one; no list is asked for."""
    world = open_world(name)
    right = world.account.fields["host"]
    world.begin(host=regions["cn"])
    with pytest.raises(WrongRegion) as caught:
        await world.vendor.identify()
    assert caught.value.words == right
    assert LIST not in world.paths()


async def test_a_token_that_no_region_knows(open_world: Open) -> None:
    """A revoked token is known nowhere, a typo neither."""
    world = open_world("min")
    world.account.revoke()
    with pytest.raises(AuthenticationFailed):
        await world.vendor.identify()
    assert LIST not in world.paths()
    assert world.paths().count("/v1/user/check_user") == 4


async def test_a_region_that_does_not_answer_is_passed_over(
    open_world: Open, regions: dict[str, str]
) -> None:
    """Only the chosen region has to be there."""
    world = open_world("sph")
    world.begin(host=regions["eu"])
    world.fault("status", "check_user", status=503, skip=1, count=1)
    with pytest.raises(AuthenticationFailed):
        await world.vendor.identify()
    world.fault("status", "check_user", status=503, count=1)
    with pytest.raises(CloudUnavailable):
        await world.vendor.identify()


async def test_a_token_of_the_web_page(open_world: Open) -> None:
    """It lists the plants, and is told apart by the devices that it may not see."""
    world = open_world("old")
    world.begin(token=world.account.web_token)
    with pytest.raises(PermissionDenied):
        await world.vendor.identify()
    assert LIST in world.paths()


async def test_a_blocked_address_is_no_other_region(open_world: Open) -> None:
    """Where every call is denied, no region is named."""
    world = open_world("old")
    world.sim.vendors["growatt"].blocked = True
    with pytest.raises(AuthenticationFailed):
        await world.vendor.identify()


async def test_plants_that_are_not_bound(open_world: Open) -> None:
    """A good token without plants is no error of the token."""
    with pytest.raises(NoPlants):
        await open_world("unbound").vendor.identify()


async def test_an_installer_has_the_plants_of_the_end_users(open_world: Open) -> None:
    """Each end user is asked once a day."""
    world = open_world("installer")
    identity = await world.vendor.identify()
    wanted = {plant.id for user in world.account.users for plant in user.plants}
    assert set(identity.plants) == wanted
    await world.poll("devices")
    assert world.paths().count("/v1/plant/user_plant_list") == 2
    world.advance(hours=25)
    await world.poll("devices")
    assert world.paths().count("/v1/plant/user_plant_list") == 4
    assert not world.refused


async def test_more_end_users_than_may_be_asked_a_day(stub: Stub) -> None:
    """Those who were not asked are asked on the next day; known plants stay."""
    users = [{"c_user_name": f"user{n:02}"} for n in range(12)]

    def plants(params: dict[str, str]) -> dict[str, Any]:
        number = int(params["user_name"].removeprefix("user"))
        row = {"plant_id": 100 + number, "name": params["user_name"]}
        return {"count": 1, "plants": [row]}

    stub.answers |= {
        "check_user": Error(10002),
        "plant/list": {"count": 0, "plants": []},
        "c_user_list": {"count": 12, "c_user": [*users, {"c_user_name": ""}]},
        "user_plant_list": plants,
        "device/list": {"count": 0, "devices": []},
    }
    identity = await stub.vendor.identify()
    assert len(identity.plants) == 10
    stub.advance(hours=25)
    identity = await stub.vendor.identify()
    assert len(identity.plants) == 12


async def test_an_account_that_may_not_list_end_users(stub: Stub) -> None:
    """It has no plants, and that is all."""
    stub.answers |= {
        "check_user": Error(10002),
        "plant/list": {"count": 0, "plants": []},
        "c_user_list": DENIED,
    }
    with pytest.raises(NoPlants):
        await stub.vendor.identify()


async def test_plants_are_listed_once_a_day(open_world: Open) -> None:
    """Neither polls nor restarts spend the ten calls a day."""
    world = open_world("old")
    for _ in range(4):
        world.begin()
        await world.poll("devices")
        world.advance(hours=1)
    assert world.paths().count(LIST) == 1
    world.advance(hours=24)
    await world.poll("devices")
    assert world.paths().count(LIST) == 2


async def test_known_plants_stay_while_the_list_is_refused(open_world: Open) -> None:
    """Another client may have spent the ten calls of the day."""
    world = open_world("old")
    await world.poll("devices")
    world.advance(hours=25)
    world.fault("errno", LIST, errno=10012, msg="error_frequently_access")
    snapshot = await world.poll("devices")
    assert set(snapshot.plants) == {plant.id for plant in world.account.plants}


async def test_the_first_list_must_come(open_world: Open) -> None:
    """Without any plant known, a refused list is an error."""
    world = open_world("old")
    world.fault("errno", LIST, errno=10012, msg="error_frequently_access")
    with pytest.raises(QuotaExceeded):
        await world.vendor.identify()


@pytest.mark.parametrize(
    "devices", [Error(10003), Error(10012, "error_frequently_access"), "?"]
)
async def test_a_list_of_devices_that_says_nothing_of_the_token(
    stub: Stub, devices: Any
) -> None:
    """Only a denied list tells a token of the web page."""
    stub.answers |= {
        "check_user": "",
        "plant/list": {"count": 2, "plants": [PLANT, {"name": "without an id"}]},
        "device/list": devices,
    }
    identity = await stub.vendor.identify()
    assert list(identity.plants) == ["7"]
    assert identity.plants["7"].latitude is None
