"""The wire of Growatt: how it is asked, what errors mean where, and how often it may be."""

from datetime import timedelta

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AccountLocked,
    AnswerLost,
    Busy,
    CloudError,
    CloudUnavailable,
    DeviceGone,
    DeviceOffline,
    NotSupported,
    PermissionDenied,
    QuotaExceeded,
    Refused,
    UnexpectedAnswer,
    WrongRegion,
)
from custom_components.solar_cloud.cloud.growatt import endpoints as on
from custom_components.solar_cloud.cloud.growatt.client import HOSTS, GrowattClient
from custom_components.solar_cloud.cloud.growatt.codes import BadDate, Empty
from custom_components.solar_cloud.cloud.growatt.limits import allowances
from custom_components.solar_cloud.cloud.quota import Ledger, Purpose

from .stub import Error, Later, Page, Stub, Whole

WALL = "<html><body>Your request holds potential threats</body></html>"
FREQUENT = "error_frequently_access"

READS: list[on.Endpoint] = [
    on.PLANTS,
    on.PLANT_DATA,
    on.DEVICES,
    on.INVERTER.last,
    on.STORAGE.last,
    *(row.many for row in (on.MAX,) if row.many),
    on.SPH.history,
    on.SPA.alarms,
    on.MIN.info,
    on.MIN_SETTINGS,
    on.METER_LAST,
]
SETS = [row.set for row in on.FAMILIES.values()]
PARAMETERS = [row.read for row in on.FAMILIES.values()]


async def test_a_get_carries_the_token_and_its_arguments(stub: Stub) -> None:
    """The token goes in a header of its own, the arguments in the query."""
    stub.answers["plant/data"] = {"today_energy": "1.5"}
    data = await stub.client.call(on.PLANT_DATA, {"plant_id": "17"})
    assert data == {"today_energy": "1.5"}
    assert stub.asked == [("/v1/plant/data", {"plant_id": "17"})]
    assert stub.headers[0]["token"] == "token"
    assert stub.client.raw["/v1/plant/data 17"]["data"] == data


async def test_a_post_is_a_form_with_empty_values(stub: Stub) -> None:
    """Values that a setting does not use are sent empty."""
    stub.answers["storageSet"] = ""
    params = {"storage_sn": "JZB1", "type": "storage_cmd_md_mode", "param1": "1"}
    params |= {"param2": "", "param3": "", "param4": ""}
    await stub.client.call(on.STORAGE.set, params, Purpose.COMMAND)
    assert stub.asked == [("/v1/storageSet", params)]
    kind = stub.headers[0]["Content-Type"]
    assert kind == "application/x-www-form-urlencoded"
    assert not stub.client.raw


def _params(endpoint: on.Endpoint) -> dict[str, str]:
    return {"device_sn": endpoint.path}


@pytest.mark.parametrize("endpoint", [*READS, *PARAMETERS, *SETS])
@pytest.mark.parametrize(
    ("code", "kind"), [(10011, PermissionDenied), (-1, WrongRegion)]
)
async def test_what_means_the_same_everywhere(
    stub: Stub, endpoint: on.Endpoint, code: int, kind: type[CloudError]
) -> None:
    """Permission and the vendor's new domain are told by one number each."""
    stub.answers[endpoint.path] = Error(code, "words")
    with pytest.raises(kind) as caught:
        await stub.client.call(endpoint, _params(endpoint), Purpose.COMMAND)
    assert (caught.value.code, caught.value.words) == (str(code), "words")


MEANINGS: list[tuple[list[on.Endpoint], int, type[CloudError]]] = [
    # Lists of plants and users know one number of their own.
    ([on.PLANTS, on.PLANTS_OF_USER, on.USERS], 10001, Busy),
    ([on.USER_CHECK], 10002, Empty),
    ([on.USER_CHECK], 10003, Refused),
    # A plant that is not there is 10002, and 10003 in its lists of devices.
    ([on.PLANT_DETAILS, on.PLANT_DATA], 10001, Busy),
    ([on.PLANT_DETAILS, on.PLANT_DATA], 10002, DeviceGone),
    ([on.PLANT_DETAILS, on.PLANT_DATA], 10003, Empty),
    ([on.PLANT_ENERGY, on.PLANT_POWER], 10002, DeviceGone),
    ([on.PLANT_ENERGY, on.PLANT_POWER], 10003, BadDate),
    ([on.PLANT_ENERGY], 10004, BadDate),
    ([on.DEVICES, on.LOGGERS, on.METERS, on.SENSORS], 10002, Empty),
    ([on.DEVICES, on.LOGGERS, on.METERS, on.SENSORS], 10003, DeviceGone),
    ([on.VALIDATE], 10001, Refused),
    ([on.VALIDATE], 10002, Refused),
    ([on.VALIDATE], 10003, Refused),
    ([row.last for row in on.FAMILIES.values()], 10001, Busy),
    ([row.last for row in on.FAMILIES.values()], 10002, DeviceGone),
    ([row.last for row in on.FAMILIES.values()], 10003, DeviceGone),
    ([row.many for row in on.FAMILIES.values() if row.many], 10005, DeviceGone),
    ([row.history for row in on.FAMILIES.values()], 10002, DeviceGone),
    ([row.history for row in on.FAMILIES.values()], 10003, BadDate),
    ([row.history for row in on.FAMILIES.values()], 10004, BadDate),
    ([row.history for row in on.FAMILIES.values()], 10005, DeviceGone),
    ([row.alarms for row in on.FAMILIES.values()], 10002, DeviceGone),
    ([row.alarms for row in on.FAMILIES.values()], 10003, BadDate),
    ([row.alarms for row in on.FAMILIES.values()], 10005, DeviceGone),
    ([on.METER_LAST, on.SENSOR_LAST], 10002, Empty),
    ([on.METER_LAST, on.SENSOR_LAST], 10003, DeviceGone),
    ([on.VPP_SOC], 10003, DeviceGone),
    # What may have been carried out all the same is a lost answer.
    ([*SETS, on.VPP_SET], 10001, AnswerLost),
    (SETS, 10002, AnswerLost),
    (SETS, 10003, DeviceOffline),
    ([*SETS, on.VPP_SET], 10004, Empty),
    ([*SETS, on.VPP_SET], 10005, DeviceOffline),
    (SETS, 10006, NotSupported),
    ([*SETS, on.VPP_SET], 10007, Empty),
    ([*SETS, on.VPP_SET], 10008, Refused),
    ([*SETS, on.VPP_SET], 10009, BadDate),
    ([*SETS, on.VPP_SET], 10012, DeviceGone),
    (SETS, 10013, Refused),
    ([on.VPP_SET], 500, AnswerLost),
    (PARAMETERS, 10001, Busy),
    (PARAMETERS, 10002, DeviceGone),
    (PARAMETERS, 10003, DeviceOffline),
    (PARAMETERS, 10004, Empty),
    (PARAMETERS, 10005, DeviceOffline),
    (PARAMETERS, 10006, NotSupported),
    (PARAMETERS, 10007, NotSupported),
    (PARAMETERS, 10008, DeviceOffline),
    (PARAMETERS, 10009, NotSupported),
    (READS, 10012, QuotaExceeded),
    (PARAMETERS, 10012, QuotaExceeded),
    (READS, 10013, Refused),
    (READS, 10014, Refused),
    (READS, 4711, UnexpectedAnswer),
]


@pytest.mark.parametrize(
    ("endpoint", "code", "kind"),
    [
        pytest.param(row, code, kind, id=f"{row.path} {code}")
        for rows, code, kind in MEANINGS
        for row in rows
    ],
)
async def test_an_error_number_is_read_by_its_endpoint(
    stub: Stub, endpoint: on.Endpoint, code: int, kind: type[CloudError]
) -> None:
    """The same number says different things in different endpoints."""
    stub.answers[endpoint.path] = Error(code, "words")
    with pytest.raises(CloudError) as caught:
        await stub.client.call(endpoint, _params(endpoint), Purpose.COMMAND)
    assert type(caught.value) is kind
    assert caught.value.code == str(code)


@pytest.mark.parametrize("endpoint", [*SETS, on.VPP_SET, on.PLANT_DATA])
async def test_a_limit_is_told_by_its_words_where_the_number_is_another(
    stub: Stub, endpoint: on.Endpoint
) -> None:
    """10012 is no missing device when its words are those of the limit."""
    stub.answers[endpoint.path] = Error(10012, FREQUENT)
    with pytest.raises(QuotaExceeded):
        await stub.client.call(endpoint, _params(endpoint), Purpose.COMMAND)


@pytest.mark.parametrize("endpoint", SETS)
async def test_a_write_at_the_wrong_host_is_no_server_error(
    stub: Stub, endpoint: on.Endpoint
) -> None:
    """10002 with these words says that another region takes the setting."""
    stub.answers[endpoint.path] = Error(10002, "error_useTrueHostToSet")
    with pytest.raises(WrongRegion):
        await stub.client.call(endpoint, _params(endpoint), Purpose.COMMAND)


@pytest.mark.parametrize(
    ("page", "kind", "written"),
    [
        (Page(WALL, 403), AccountLocked, AccountLocked),
        (Page(WALL, 405), AccountLocked, AccountLocked),
        (Page(WALL), AccountLocked, AccountLocked),
        (Page("", 302), WrongRegion, WrongRegion),
        (Page("moved", 308), WrongRegion, WrongRegion),
        (Page("?", 401), PermissionDenied, PermissionDenied),
        (Page(WALL, 404), NotSupported, NotSupported),
        (Page("slow down", 429), QuotaExceeded, QuotaExceeded),
        (Page(WALL, 500), AnswerLost, AnswerLost),
        (Page(WALL, 503), CloudUnavailable, CloudUnavailable),
        (Page(""), UnexpectedAnswer, AnswerLost),
        (Page("not json"), UnexpectedAnswer, AnswerLost),
        (Whole([1]), UnexpectedAnswer, AnswerLost),
        (Whole({"code": 2, "message": "TOKEN"}), UnexpectedAnswer, AnswerLost),
        (Whole({"error_code": "?"}), UnexpectedAnswer, AnswerLost),
    ],
)
async def test_an_answer_without_a_number(
    stub: Stub, page: Page, kind: type[CloudError], written: type[CloudError]
) -> None:
    """A firewall, another server, and garbage: none of it is a traceback."""
    stub.answers["plant/data"] = stub.answers["tlxSet"] = page
    with pytest.raises(CloudError) as caught:
        await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    assert type(caught.value) is kind
    with pytest.raises(CloudError) as caught:
        await stub.client.call(on.MIN.set, {"tlx_sn": "1"}, Purpose.COMMAND)
    assert type(caught.value) is written


async def test_a_number_may_come_as_a_string(stub: Stub) -> None:
    """The envelope's number is read like any other."""
    stub.answers["plant/data"] = Whole({"error_code": "0", "data": {"a": 1}})
    assert await stub.client.call(on.PLANT_DATA, {"plant_id": "1"}) == {"a": 1}
    stub.answers["plant/power"] = Whole({"error_code": "10002"})
    with pytest.raises(DeviceGone):
        await stub.client.call(on.PLANT_POWER, {"plant_id": "1"})


# --- pages ----------------------------------------------------------------------------


def _rows(count: int | None, total: int = 230) -> object:
    def answer(params: dict[str, str]) -> dict[str, object]:
        first = (int(params["page"]) - 1) * int(params["perpage"])
        rows = [{"sn": n} for n in range(first, min(first + 100, total))]
        return {"datas": rows} | ({} if count is None else {"count": count})

    return answer


@pytest.mark.parametrize(("count", "calls"), [(230, 3), (None, 3), (100, 1)])
async def test_all_pages_of_a_list_are_read(
    stub: Stub, count: int | None, calls: int
) -> None:
    """A list ends where it is complete, or where a page is not full."""
    stub.answers["tlx_data"] = _rows(count)
    found = await stub.client.pages(on.MIN.history, {"tlx_sn": "1"}, "datas")
    assert [row["sn"] for row in found] == list(range(min(calls * 100, 230)))
    assert len(stub.asked) == calls
    assert "/v1/device/tlx/tlx_data 1" in stub.client.raw


@pytest.mark.parametrize("data", [None, "", {}, {"datas": None}, {"count": 0}])
async def test_a_list_may_be_missing(stub: Stub, data: object) -> None:
    """Nothing is no error."""
    stub.answers["tlx_data"] = data
    assert await stub.client.pages(on.MIN.history, {"tlx_sn": "1"}, "datas") == []


@pytest.mark.parametrize("data", [{"datas": "x"}, "x", [1]])
async def test_a_list_that_is_none(stub: Stub, data: object) -> None:
    """What is no list is an unexpected answer."""
    stub.answers["tlx_data"] = data
    with pytest.raises(UnexpectedAnswer):
        await stub.client.pages(on.MIN.history, {"tlx_sn": "1"}, "datas")


async def test_a_list_without_an_end_is_left(stub: Stub) -> None:
    """The service allows 250 pages."""
    row = {"datas": [{"sn": n} for n in range(100)]}
    stub.answers["tlx_data"] = row
    found = await stub.client.pages(on.MIN.history, {"tlx_sn": "1"}, "datas")
    assert len(found) == 25_000


async def test_an_answer_without_a_date(stub: Stub) -> None:
    """The vendor's clock is followed only where it is shown."""
    stub.answers["plant/data"] = {"a": 1}
    stub.date = "soon"
    before = stub.ledger.time
    await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    assert stub.ledger.time == before


# --- how often ------------------------------------------------------------------------


async def test_the_same_request_waits_and_another_does_not(stub: Stub) -> None:
    """Five minutes lie between two equal requests; other arguments have their own."""
    stub.answers["plant/data"] = {}
    await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    await stub.client.call(on.PLANT_DATA, {"plant_id": "2"})
    with pytest.raises(QuotaExceeded) as caught:
        await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    assert caught.value.code is None
    assert caught.value.retry_at
    assert timedelta(minutes=4) < caught.value.retry_at - stub.now
    stub.advance(minutes=5)
    await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    assert len(stub.asked) == 3


async def test_a_fast_request_waits_ten_seconds(stub: Stub) -> None:
    """The newest data of some families may be asked every ten seconds."""
    stub.answers["mix_last_data"] = {}
    began = stub.now
    for _ in range(3):
        await stub.client.call(on.SPH.last, {"mix_sn": "1"}, Purpose.COMMAND)
    assert timedelta(seconds=20) <= stub.now - began < timedelta(seconds=22)


async def test_ten_calls_a_day(stub: Stub) -> None:
    """The eleventh list of plants within 24 hours is not asked for."""
    stub.answers["plant/list"] = {}
    for _ in range(10):
        await stub.client.call(on.PLANTS, {})
        stub.advance(minutes=6)
    with pytest.raises(QuotaExceeded):
        await stub.client.call(on.PLANTS, {})
    left = stub.ledger.left()
    assert left
    assert left.polls == 0
    stub.advance(hours=23, minutes=30)
    await stub.client.call(on.PLANTS, {})


async def test_a_refused_request_is_put_off_and_longer_each_time(stub: Stub) -> None:
    """Asking again and again is what gets an address blocked."""
    stub.answers["plant/data"] = Error(10012, FREQUENT)
    waits = []
    for _ in range(3):
        with pytest.raises(QuotaExceeded) as caught:
            await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
        assert caught.value.retry_at
        waits.append((caught.value.retry_at - stub.now).total_seconds())
        stub.now = caught.value.retry_at + timedelta(seconds=1)
    assert waits == [pytest.approx(300 * 2**n, abs=1) for n in range(3)]


async def test_the_rate_of_settings_is_learned_and_kept(stub: Stub) -> None:
    """Five seconds lie between settings, ten after a refusal, also after a restart."""
    stub.answers["tlxSet"] = ""
    call = (on.MIN.set, {"tlx_sn": "1"}, Purpose.COMMAND)
    began = stub.now
    await stub.client.call(*call)
    await stub.client.call(*call)
    assert timedelta(seconds=5) <= stub.now - began < timedelta(seconds=6)
    stub.answers["tlxSet"] = Later([Error(10012, FREQUENT), ""])
    with pytest.raises(QuotaExceeded):
        await stub.client.call(*call)
    stub.advance(minutes=1)
    assert stub.memory["setting_spacing"] == 10

    ledger = Ledger(allowances(), stub.clock)
    assert stub.session
    client = GrowattClient(stub.session, stub.url, "token", ledger, stub.memory)
    began = stub.now
    await client.call(*call)
    await client.call(*call)
    assert timedelta(seconds=10) <= stub.now - began < timedelta(seconds=11)


async def test_what_may_not_be_asked_again_is_remembered(stub: Stub) -> None:
    """A poll that comes too soon gets the last answer, or the last failure."""
    stub.answers["plant/data"] = Later([{"a": 1}, Page(WALL, 503), {"a": 2}])
    ask = (on.PLANT_DATA, {"plant_id": "1"})
    assert await stub.client.ask(*ask) == {"a": 1}
    assert await stub.client.ask(*ask) == {"a": 1}
    assert len(stub.asked) == 1
    stub.advance(minutes=5, seconds=1)
    for _ in range(2):
        with pytest.raises(CloudUnavailable):
            await stub.client.ask(*ask)
    assert len(stub.asked) == 2
    stub.advance(minutes=5, seconds=1)
    assert await stub.client.ask(*ask) == {"a": 2}


async def test_what_was_asked_before_a_restart_is_a_quota(stub: Stub) -> None:
    """Nothing is known of the request but that it must wait."""
    stub.answers["plant/data"] = {"a": 1}
    await stub.client.call(on.PLANT_DATA, {"plant_id": "1"})
    with pytest.raises(QuotaExceeded):
        await stub.client.ask(on.PLANT_DATA, {"plant_id": "1"})


# --- what is kept ---------------------------------------------------------------------


async def test_hosts_are_the_vendors_regions(stub: Stub) -> None:
    """A server of one's own has no other regions."""
    assert stub.client.other_hosts == ()
    assert stub.session
    client = GrowattClient(stub.session, f"{HOSTS[1]}/", "token", stub.ledger, {})
    assert client.other_hosts == (HOSTS[0], *HOSTS[2:])
    assert all(host.startswith("https://openapi") for host in HOSTS)


async def test_a_call_may_go_to_another_region(stub: Stub) -> None:
    """The same token is tried at another host."""
    stub.answers["tlxSet"] = ""
    assert stub.session
    client = GrowattClient(stub.session, HOSTS[0], "token", stub.ledger, {})
    await client.call(on.MIN.set, {"tlx_sn": "1"}, Purpose.COMMAND, host=stub.url)
    assert stub.paths() == ["/v1/tlxSet"]


def test_every_endpoint_has_one_pace() -> None:
    """A path is not in the table twice with different limits."""
    paces = {row.path: row.pace for row in on.ALL}
    assert all(paces[row.path] is row.pace for row in on.ALL)
    assert {
        "/v1/plant/list",
        "/v1/plant/user_plant_list",
        "/v1/user/c_user_list",
        "/v1/plant/energy",
    } == on.DAILY
