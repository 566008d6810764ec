"""The wire: how requests are signed, what answers mean, and that the limits are kept."""

from contextlib import suppress
from hashlib import md5
from itertools import pairwise
import json
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    AuthenticationFailed,
    Blocked,
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
)
from custom_components.solar_cloud.cloud.foxess import endpoints as on
from custom_components.solar_cloud.cloud.foxess.client import signature
from custom_components.solar_cloud.cloud.foxess.errnos import QueryFailed
from custom_components.solar_cloud.cloud.quota import Purpose

from .stub import Error, Later, Page, Stub
from .world import NOON, World

REAL = "/op/v1/device/real/query"


def test_signature() -> None:
    """The parts are joined by four characters, not by a line's end."""
    text = "/op/v0/plant/list" + "\\r\\n" + "0a1b-key" + "\\r\\n" + "1781690430000"
    assert "\n" not in text
    expected = md5(text.encode()).hexdigest()
    assert signature("/op/v0/plant/list", "0a1b-key", 1781690430000) == expected
    assert expected == "ca9886b3a7be03f9022dc6d4bcf54cab"


async def test_headers(stub: Stub) -> None:
    """All four headers are sent, and an agent that is no script's; a query is unsigned."""
    stub.answers["generation"] = {"today": 1.5, "month": 30, "cumulative": 900.5}
    assert await stub.client.generation("SN1") == stub.answers["generation"]
    headers = stub.headers[0]
    timestamp = str(round(NOON.timestamp() * 1000))
    assert headers["token"] == "key"
    assert headers["lang"] == "en"
    assert headers["timestamp"] == timestamp
    assert headers["signature"] == signature(
        "/op/v0/device/generation", "key", int(timestamp)
    )
    assert headers["User-Agent"].startswith("Mozilla/5.0")
    assert stub.asked == [("/op/v0/device/generation", {"sn": "SN1"})]


ERRNOS: dict[int, type[CloudError]] = {
    30000: CloudUnavailable,
    40256: CloudUnavailable,
    40257: Refused,
    40261: DeviceGone,
    40400: QuotaExceeded,
    40401: Busy,
    40402: QuotaExceeded,
    41038: AuthenticationFailed,
    41200: QueryFailed,
    41201: AnswerLost,
    41202: AnswerLost,
    41203: AnswerLost,
    41807: AuthenticationFailed,
    41808: AuthenticationFailed,
    41809: AuthenticationFailed,
    41810: AuthenticationFailed,
    41811: PermissionDenied,
    41930: DeviceGone,
    41931: Busy,
    41932: Busy,
    41935: DeviceOffline,
    42015: NotSupported,
    42023: Refused,
    44096: Blocked,
    44098: Blocked,
}


@pytest.mark.parametrize(("errno", "kind"), ERRNOS.items())
@pytest.mark.parametrize("words", ["some words", None])
async def test_errnos(
    stub: Stub, errno: int, kind: type[CloudError], words: str | None
) -> None:
    """Each number is told as what it says, with the vendor's words."""
    stub.answers["device/detail"] = Error(errno, words)
    with pytest.raises(CloudError) as caught:
        await stub.client.device("SN")
    assert type(caught.value) is kind
    assert caught.value.code == str(errno)
    assert caught.value.words == (words or "")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Parameter could not be parsed correctly illegal signature", True),
        ("no signature", True),
        ("Parameter could not be parsed correctly illegal timestamp", False),
        ("Illegal Timestamp", False),
    ],
)
async def test_a_wrong_time_is_no_wrong_key(stub: Stub, words: str, kind: bool) -> None:
    """A server has once refused every time stamp: nobody need sign in again."""
    stub.answers["plant/list"] = Error(40256, words)
    expected = AuthenticationFailed if kind else CloudUnavailable
    with pytest.raises(expected):
        await stub.client.plants()


async def test_a_wrong_clock_is_put_right(kh: World) -> None:
    """The answer to a wrong time stamp shows the vendor's clock, which is then kept."""
    local = kh.ledger.time
    kh.ledger.sync(kh.clock.now().replace(year=2027))
    assert kh.ledger.time > local
    with pytest.raises(CloudUnavailable):
        await kh.client.plants()
    assert await kh.client.plants()


async def test_an_answer_without_a_date(stub: Stub) -> None:
    """Our own clock goes on then."""
    stub.date = "some day"
    stub.answers["plant/list"] = {"data": []}
    before = stub.ledger.time
    assert await stub.client.plants() == []
    assert stub.ledger.time == before


async def test_an_unknown_errno(kh: World) -> None:
    """A query is told as not understood; an update was refused, with code and words."""
    kh.fault("errno", errno=49999, msg="new")
    with pytest.raises(UnexpectedAnswer, match="49999: new"):
        await kh.client.plants()
    with pytest.raises(Refused, match="49999: new"):
        await kh.client.change(on.SETTING_SET, kh.sn, key="MinSoc", value="20")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationFailed),
        (403, CloudUnavailable),
        (404, NotSupported),
        (406, AuthenticationFailed),
        (418, UnexpectedAnswer),
        (429, QuotaExceeded),
        (500, AnswerLost),
        (502, AnswerLost),
        (503, CloudUnavailable),
    ],
)
@pytest.mark.parametrize("body", ["<html>", '{"status": 1}', "[]", ""])
async def test_statuses(
    stub: Stub, status: int, kind: type[CloudError], body: str
) -> None:
    """What has no error number is told by its status."""
    stub.answers["plant/list"] = Page(body, status)
    with pytest.raises(CloudError) as caught:
        await stub.client.plants()
    assert type(caught.value) is kind
    assert caught.value.code == str(status)


@pytest.mark.parametrize(
    "fault", ["html", "empty", "garbage", "null_result", "no_result"]
)
async def test_answers_that_are_none(kh: World, fault: str) -> None:
    """A query that got no answer is no empty one; of an update nobody knows."""
    kh.fault(fault)
    for ask in (
        kh.client.plants(),
        kh.client.plant(kh.plant.id),
        kh.client.devices(),
        kh.client.device(kh.sn),
        kh.client.realtime([kh.sn]),
        kh.client.history(kh.sn, 0, 1000),
        kh.client.report(kh.sn, ["loads"], 2026),
        kh.client.generation(kh.sn),
        kh.client.fault_texts(),
        kh.client.faults(kh.sn, "2026-06-17"),
        kh.client.access_count(),
    ):
        with pytest.raises(UnexpectedAnswer):
            await ask
    write = kh.client.change(on.SETTING_SET, kh.sn, key="ExportLimit", value="20")
    if fault in ("null_result", "no_result"):
        await write
    else:
        with pytest.raises(AnswerLost):
            await write


@pytest.mark.parametrize("errno", ["x", None, True, [], {}, "1e999"])
async def test_an_errno_that_is_no_number(stub: Stub, errno: Any) -> None:
    """It may have any type."""
    stub.answers["plant/list"] = Page(json.dumps({"errno": errno}))
    with pytest.raises(UnexpectedAnswer):
        await stub.client.plants()


async def test_an_errno_may_be_a_string(stub: Stub) -> None:
    """As numbers may be in all answers."""
    stub.answers["plant/list"] = Page('{"errno": "0", "result": {"data": []}}')
    assert await stub.client.plants() == []


async def test_lost_answers(kh: World) -> None:
    """A request that left us may have been carried out; one that did not, not."""
    kh.fault("drop_after", "setting/set", count=1)
    with pytest.raises(AnswerLost):
        await kh.client.change(on.SETTING_SET, kh.sn, key="ExportLimit", value="4000")
    assert kh.commands() == [("setting ExportLimit", "4000")]
    kh.begin(host="http://127.0.0.1:9")
    with pytest.raises(CloudUnavailable) as caught:
        await kh.client.plants()
    assert not isinstance(caught.value, AnswerLost)


async def test_every_interface(any_home: World) -> None:
    """Every interface of the document that concerns a home answers us."""
    client, sn = any_home.client, any_home.sn
    plant = any_home.plant
    assert [row["stationID"] for row in await client.plants()] == [
        row.id for row in any_home.account.plants
    ]
    assert (await client.plant(plant.id))["stationName"] == plant.name
    assert [row["deviceSN"] for row in await client.devices()] == [
        row.sn for row in any_home.account.devices
    ]
    assert len(await client.loggers()) == len(any_home.account.devices)
    assert len(await client.meters()) == (1 if any_home.device.meter else 0)
    assert (await client.device(sn))["deviceSN"] == sn
    assert [row["deviceSN"] for row in await client.realtime([sn])] == [sn]
    assert [row["deviceSN"] for row in await client.realtime([sn], v0=True)] == [sn]
    now = round(any_home.sim.clock.seconds() * 1000)
    (past,) = await client.history(sn, now - 3600_000, now, ["SoC", "pvPower"])
    series = {row["variable"]: len(row["data"]) for row in past["datas"]}
    assert series["pvPower"] in (11, 12)
    (past,) = await client.history(sn, now - 3600_000, now)
    assert len(past["datas"]) > 30
    names = ["generation", "loads"]
    year = await client.report(sn, names, 2026)
    month = await client.report(sn, names, 2026, 6)
    day = await client.report(sn, names, 2026, 6, 17)
    lengths = [len(found["loads"]) for found in (year, month, day)]
    assert lengths == [12, 30, 24]
    assert set(await client.generation(sn)) == {"today", "month", "cumulative"}
    assert (await client.fault_texts())["11"]["en"] == "Grid lost fault"
    assert await client.faults(sn, "2026-06-17") == []
    total, remaining = await client.access_count()
    assert total == 1440 * len(any_home.account.devices)
    assert remaining and remaining < total
    if any_home.account.variable_table:
        assert any("pvPower" in row for row in await client.variables())
    else:
        with pytest.raises(QueryFailed):
            await client.variables()
    for endpoint in (on.SOC_GET, on.CHARGE_TIME_GET, on.PEAK_SHAVING_GET, on.TIME_GET):
        assert await client.read(endpoint, sn, Purpose.COMMAND)
    for endpoint in (*on.SCHEDULER_GET.values(), *on.FLAG_GET.values()):
        with suppress(Refused, QueryFailed):
            assert await client.read(endpoint, sn, Purpose.POLL)
    assert not any_home.refused


async def test_numbers_as_strings(kh: World) -> None:
    """Counts and pages may be strings, in scientific notation too."""
    kh.fault("strings")
    assert len(await kh.client.plants()) == 2
    total, remaining = await kh.client.access_count()
    assert (total, remaining) == (2880, 2878)


async def test_access_count_without_numbers(stub: Stub) -> None:
    """Older servers tell the total alone."""
    stub.answers["getAccessCount"] = {"total": "1440"}
    assert await stub.client.access_count() == (1440, None)


async def test_pages(stub: Stub) -> None:
    """All pages are fetched, up to an empty one where the total is a lie."""
    rows = [{"stationID": str(n)} for n in range(130)]
    total: Any = 0

    def page(params: dict[str, Any]) -> Any:
        start = (params["currentPage"] - 1) * params["pageSize"]
        return {"total": total, "data": rows[start : start + params["pageSize"]]}

    stub.answers["plant/list"] = page
    for said, pages in ((130, 2), ("130", 2), (500, 3), (None, 1)):
        total = said
        stub.asked.clear()
        found = await stub.client.plants()
        assert len(found) == (100 if pages == 1 else 130)
        assert len(stub.asked) == pages
    assert "/op/v0/plant/list 2" in stub.client.raw
    total = "many"
    with pytest.raises(UnexpectedAnswer):
        await stub.client.plants()
    stub.answers["plant/list"] = lambda params: {"total": 1e9, "data": [{}]}
    assert len(await stub.client.plants()) == 100


async def test_queries_that_fail_for_a_moment(kh: World) -> None:
    """What cannot be done without is asked up to three times; nothing else is."""
    for errno in (41200, 41201, 41202, 41203):
        kh.fault("errno", REAL, errno=errno, count=2)
        assert await kh.client.realtime([kh.sn])
    kh.fault("errno", REAL, errno=41200, count=3)
    with pytest.raises(QueryFailed):
        await kh.client.realtime([kh.sn])
    calls = len(kh.sim.calls)
    kh.fault("errno", REAL, errno=40401, count=1)
    with pytest.raises(Busy):
        await kh.client.realtime([kh.sn])
    assert len(kh.sim.calls) == calls + 1
    kh.fault("errno", "setting/get", errno=41200)
    for purpose, tries in ((Purpose.POLL, 1), (Purpose.COMMAND, 3)):
        calls = len(kh.sim.calls)
        with pytest.raises(QueryFailed):
            await kh.client.read(on.SETTING_GET, kh.sn, purpose, key="MinSoc")
        assert len(kh.sim.calls) == calls + tries
    kh.fault("errno", "setting/set", errno=41200)
    calls = len(kh.sim.calls)
    with pytest.raises(QueryFailed):
        await kh.client.change(on.SETTING_SET, kh.sn, key="MinSoc", value="20")
    assert len(kh.sim.calls) == calls + 1


async def test_too_frequent(kh: World) -> None:
    """A refusal for frequency closes that interface for seconds, and longer each time."""
    kh.fault("errno", "plant/list", errno=40400, count=2)
    waits = []
    for _ in range(2):
        with pytest.raises(QuotaExceeded) as caught:
            await kh.client.plants()
        assert caught.value.retry_at
        waits.append((caught.value.retry_at - kh.clock.now()).total_seconds())
    assert waits == pytest.approx([3, 6], abs=0.1)
    assert await kh.client.devices()
    assert await kh.client.plants()
    kh.fault("errno", "setting/set", errno=40400, count=1)
    with pytest.raises(QuotaExceeded) as caught:
        await kh.client.change(on.SETTING_SET, kh.sn, key="ExportLimit", value="20")
    assert caught.value.retry_at
    wait = caught.value.retry_at - kh.clock.now()
    assert wait.total_seconds() == pytest.approx(6, abs=0.1)


async def test_the_day_is_spent(kh: World) -> None:
    """No call at all is made until the vendor may have some left."""
    kh.fault("errno", errno=40402, count=1)
    with pytest.raises(QuotaExceeded):
        await kh.client.plants()
    calls = len(kh.sim.calls)
    with pytest.raises(QuotaExceeded) as caught:
        await kh.client.devices()
    assert caught.value.code is None
    assert len(kh.sim.calls) == calls
    kh.advance(minutes=16)
    assert await kh.client.devices()


async def test_limits_are_kept(kh: World) -> None:
    """Queries a second apart and updates two, each interface by itself."""
    for value in range(10):
        await kh.client.plants()
        await kh.client.read(on.TIME_GET, kh.sn, Purpose.POLL)
        await kh.client.change(
            on.SETTING_SET, kh.sn, key="ExportLimit", value=str(value)
        )
    assert not kh.refused
    times = [row.at for row in kh.sim.calls if row.endpoint.endswith("setting/set")]
    assert min(b - a for a, b in pairwise(times)) >= 2


async def test_a_batch_costs_a_call_for_each_inverter(kh: World) -> None:
    """Which is the safe reading of the document; the vendor's word is believed."""
    await kh.poll("devices")
    before = kh.ledger.left()
    await kh.poll("realtime")
    after = kh.ledger.left()
    assert before and after
    assert before.commands - after.commands == 2
    kh.sim.vendors["foxess"].spend("kh", 1000)
    await kh.poll("allowance")
    learned = kh.ledger.left()
    assert learned
    assert learned.commands < after.commands - 900


async def test_raw_answers_are_kept(kh: World) -> None:
    """The last answer of each interface and device stays whole."""
    kh.fault("value", variable="brandNew", value=17.5)
    await kh.poll()
    sns = [row.sn for row in kh.account.devices]
    for sn in sns:
        row = kh.vendor.raw[f"{REAL} {sn}"]
        assert {"variable": "brandNew", "value": 17.5}.items() <= next(
            data for data in row["datas"] if data["variable"] == "brandNew"
        ).items()
    assert kh.vendor.raw[f"/op/v0/device/setting/get {sns[0]}/WorkMode"]["value"]
    assert "/op/v0/user/getAccessCount" in kh.vendor.raw


async def test_lists_with_strange_rows(stub: Stub) -> None:
    """Rows that are no objects are passed over."""
    stub.answers["plant/list"] = {"total": 1, "data": [None, "x", {"stationID": 7}]}
    assert await stub.client.plants() == [{"stationID": 7}]
    stub.answers["report/query"] = [
        {"variable": "loads", "values": [1, None, "2"]},
        {"variable": "feedin", "values": None},
        {"values": [1]},
    ]
    assert await stub.client.report("SN", ["loads"], 2026) == {"loads": [1, None, "2"]}
    stub.answers["fault/get"] = {"7": {"en": "Seven"}, "version": 2}
    assert await stub.client.fault_texts() == {"7": {"en": "Seven"}}
    stub.answers["fault/history"] = {"sn": "SN", "faults": None}
    assert await stub.client.faults("SN", "2026-06-17") == []
    stub.answers["time/get"] = None
    assert await stub.client.read(on.TIME_GET, "SN", Purpose.POLL) == {}
    stub.answers["time/get"] = []
    with pytest.raises(UnexpectedAnswer):
        await stub.client.read(on.TIME_GET, "SN", Purpose.POLL)


async def test_setters_echo_or_not(kh: World, h3: World) -> None:
    """Servers answer an update with null, or with what was sent."""
    for world in (kh, h3):
        await world.client.change(
            on.SETTING_SET, world.sn, key="ActivePowerLimit", value="90"
        )
        assert world.device.settings["ActivePowerLimit"].startswith("90")


async def test_answers_in_turn(stub: Stub) -> None:
    """A refused call leaves the last answer where it was."""
    stub.answers["plant/list"] = Later([{"data": [{"stationID": "1"}]}, Error(40257)])
    assert await stub.client.plants()
    with pytest.raises(Refused):
        await stub.client.plants()
    assert stub.client.raw["/op/v0/plant/list 1"]["data"]
