"""Which plants there are, with the vendor's list and without it."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    NoPlants,
    PermissionDenied,
    QuotaExceeded,
)
from custom_components.solar_cloud.cloud.solarlog.listing import (
    plant_of,
    typed_ids,
    zone_of,
)

from .conftest import Open
from .stub import NOON, PLANT, Page, Stub

OTHER = "0a1b2c3d-0002-4000-8000-00000000000b"
DETAIL = f"/administration/plant/{PLANT}"
HEADER = f"/visualization/plant/{PLANT}"
OUT_OF_ORDER = [
    Page(status=500, text=""),
    Page(status=404, body={}),
    Page(text="<html>"),
    Page(body=None),
    [],
]


async def test_a_list_that_works(open_world: Open) -> None:
    """Names, sizes, places, the day of installation, and the offset of the last upload."""
    world = open_world("advanced")
    found = (await world.vendor.identify()).plants
    assert set(found) == {plant.id for plant in world.account.plants}
    plant = found[world.plant.id]
    assert plant.name == world.plant.name
    assert plant.peak_power_kw == 14.8
    assert plant.latitude == 46.95
    assert plant.created == "2026-05-07"
    assert plant.time_zone == "Etc/GMT-2"


@pytest.mark.parametrize("answer", OUT_OF_ORDER)
async def test_a_list_that_fails(stub: Stub, answer: Any) -> None:
    """Without a typed id there is no plant; with one, its details are asked for."""
    stub.answers["/administration/plants"] = answer
    with pytest.raises(NoPlants):
        await stub.vendor.identify()
    stub.begin(plant_id=f" https://sun.enerest.world/x/detail/{PLANT}/ ")
    stub.answers[DETAIL] = {"id": PLANT, "label": "Sun 2", "plantSize": None}
    identity = await stub.vendor.identify()
    assert identity.unique_id == PLANT
    assert identity.plants[PLANT].name == "Sun 2"
    assert identity.plants[PLANT].peak_power_kw is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Page(status=401, text=""), AuthenticationFailed),
        (Page(status=403, text=""), PermissionDenied),
        (Page(status=429, text=""), QuotaExceeded),
    ],
)
async def test_a_list_that_is_refused(
    stub: Stub, answer: Any, error: type[CloudError]
) -> None:
    """A wrong client, portal or quota is said."""
    stub.answers["/administration/plants"] = answer
    with pytest.raises(error):
        await stub.vendor.identify()


async def test_a_cloud_that_is_not_there(stub: Stub) -> None:
    """That is no list out of order."""
    await stub.vendor.identify()
    stub.begin(host="http://127.0.0.1:9", plant_id=PLANT)
    with pytest.raises(CloudUnavailable):
        await stub.vendor.identify()


async def test_a_plant_that_is_not_the_users(stub: Stub) -> None:
    """A typed id that nobody knows is no plant, other troubles are themselves."""
    stub.begin(plant_id=OTHER)
    with pytest.raises(NoPlants):
        await stub.vendor.identify()
    stub.answers[f"/administration/plant/{OTHER}"] = Page(status=500, text="")
    with pytest.raises(AnswerLost):
        await stub.vendor.identify()


async def test_fleets_tell_of_other_plants(stub: Stub) -> None:
    """While the list fails, the fleets of a typed plant have its siblings."""
    stub.answers["/administration/plants"] = Page(status=500, text="")
    stub.answers[DETAIL] = {"id": PLANT, "label": "Sun 1"}
    stub.answers[HEADER] = {"fleets": [{"id": "f1"}, {"id": None}, 5, {"id": "f1"}]}
    fleet = "/administration/fleet/f1/plants"
    stub.answers[fleet] = [{"id": OTHER, "label": "Sun 3"}, {"id": PLANT}, {}]
    stub.begin(plant_id=PLANT)
    found = (await stub.vendor.identify()).plants
    assert [row.name for row in found.values()] == ["Sun 1", "Sun 3"]
    for answer in (Page(status=403, body={}), Page(status=500, text="")):
        stub.answers[fleet] = answer
        assert set((await stub.vendor.identify()).plants) == {PLANT}
    stub.answers[HEADER] = {"fleets": None}
    assert set((await stub.vendor.identify()).plants) == {PLANT}
    stub.answers[HEADER] = Page(status=429, text="")
    with pytest.raises(QuotaExceeded):
        await stub.vendor.identify()


async def test_a_typed_plant_that_is_listed(stub: Stub) -> None:
    """Its details need not be asked for."""
    stub.begin(plant_id=PLANT)
    await stub.vendor.identify()
    assert stub.paths() == ["/administration/plants"]


async def test_a_client_of_the_advanced_package_finds_its_fleet(
    open_world: Open,
) -> None:
    """The simulated fleet holds both plants."""
    world = open_world("advanced")
    world.account.list_status = 404
    world.begin(plant_id=world.plant.id)
    found = (await world.vendor.identify()).plants
    assert set(found) == {plant.id for plant in world.account.plants}


def test_typed_ids() -> None:
    """Several, in any way that people separate them; addresses too."""
    assert typed_ids("") == []
    assert typed_ids("a, b;c  a\nhttps://x/detail/d/") == ["a", "b", "c", "d"]


def test_zones_are_offsets() -> None:
    """Whole hours have a name; the vendor tells no other."""
    assert zone_of(None) is None
    assert zone_of(NOON) == "Etc/GMT"
    row = {"lastDataTransfer": {"lastTransfer": "2026-01-01T10:00:00-03:00"}}
    assert plant_of("p", row).time_zone == "Etc/GMT+3"
    row = {"lastDataTransfer": {"lastTransfer": "2026-01-01T10:00:00+05:30"}}
    assert plant_of("p", row).time_zone is None
    assert plant_of("p", {"lastDataTransfer": None}).time_zone is None


def test_a_place_that_nobody_entered() -> None:
    """Zeros are no place."""
    plant = plant_of("p", {"latitude": 0.0, "longitude": 0.0})
    assert plant.latitude is plant.longitude is None
    assert plant.name == "p"
    assert (
        plant_of("p", {"installationDate": "2017-06-12T10:00"}).created == "2017-06-12"
    )
