"""The simulated FoxESS cloud speaks as the document and the captured answers do."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
import json
from typing import Any

import aiohttp
import pytest

from tests.cloud.foxess import answers as told
from tests.simulator import Simulator
from tests.simulator.foxess.models import KH8
from tests.simulator.foxess.server import signature

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
DAY = 86_400
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0"

pytestmark = pytest.mark.usefixtures("socket_enabled")

REAL = "/op/v1/device/real/query"
LIST = "/op/v0/device/list"
SETTING_GET = "/op/v0/device/setting/get"
SETTING_SET = "/op/v0/device/setting/set"
COUNT = "/op/v0/user/getAccessCount"


class Client:
    """A client that keeps the limits, as it moves the clock before each call."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Talk to a simulator."""
        self.sim = sim
        self.session = session
        self.pause = 2.0

    def headers(self, account: Any, path: str, **changed: str) -> dict[str, str]:
        """Return signed headers."""
        token = account.fields["api_key"]
        timestamp = str(int(self.sim.clock.seconds() * 1000))
        text = path + r"\r\n" + token + r"\r\n" + timestamp
        return {
            "token": token,
            "timestamp": timestamp,
            "lang": "en",
            "signature": md5(text.encode()).hexdigest(),
            "User-Agent": AGENT,
        } | changed

    async def raw(
        self,
        account: Any,
        path: str,
        body: Any = None,
        get: bool = False,
        **changed: str,
    ) -> tuple[int, str]:
        """Return status and text of an answer."""
        self.sim.clock.advance(self.pause)
        async with self.session.request(
            "GET" if get else "POST",
            self.sim.url("foxess") + path,
            headers=self.headers(account, path, **changed),
            params=body if get else None,
            json=None if get else body or {},
        ) as response:
            return response.status, await response.text()

    async def answer(
        self, account: Any, path: str, body: Any = None, get: bool = False
    ) -> dict[str, Any]:
        """Return an answer."""
        _, text = await self.raw(account, path, body, get)
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def ask(self, account: Any, path: str, get: bool = False, **body: Any) -> Any:
        """Return the result of an answer that is no error."""
        answer = await self.answer(account, path, body, get)
        assert answer["errno"] == 0, answer
        return answer["result"]

    async def errno(
        self, account: Any, path: str, get: bool = False, **body: Any
    ) -> int:
        """Return the error code of an answer."""
        answer = await self.answer(account, path, body, get)
        assert answer["errno"] == 0 or answer["result"] is None
        number: int = answer["errno"]
        return number

    async def values(self, account: Any, device: Any) -> dict[str, Any]:
        """Return the newest values of an inverter."""
        result = await self.ask(account, REAL, sns=[device.sn])
        return {item["variable"]: item.get("value") for item in result[0]["datas"]}


@pytest.fixture
async def sim() -> AsyncGenerator[Simulator]:
    """Return a running simulator whose clock stands still."""
    async with Simulator(
        now=lambda: NOON, vendors=("foxess",), seed=5, history_days=60
    ) as simulator:
        yield simulator


@pytest.fixture
async def client(sim: Simulator) -> AsyncGenerator[Client]:
    """Return a client."""
    async with aiohttp.ClientSession() as session:
        yield Client(sim, session)


@pytest.fixture
def kh(sim: Simulator) -> Any:
    """Return the account of the single-phase hybrid."""
    return sim.account("kh")


@pytest.fixture
def h3(sim: Simulator) -> Any:
    """Return the account of the three-phase hybrid."""
    return sim.account("h3")


@pytest.fixture
def evo(sim: Simulator) -> Any:
    """Return the account of the EVO."""
    return sim.account("evo")


def device_of(account: Any) -> Any:
    """Return the first inverter of an account."""
    return account.devices[0]


def settle(sim: Simulator, device: Any, **changed: Any) -> None:
    """Change what an inverter holds, as its owner would at its display."""

    def change() -> None:
        for key, value in changed.items():
            setattr(device, key, value)
        device.changed()

    device.home.change(sim.clock.seconds(), change)


def group(
    start: str, end: str, mode: str = "ForceCharge", **given: Any
) -> dict[str, Any]:
    """Return a v1 group."""
    hours = [int(part) for part in f"{start}:{end}".split(":")]
    keys = ("startHour", "startMinute", "endHour", "endMinute")
    base = {"enable": 1, "minSocOnGrid": 10, "fdSoc": 90, "fdPwr": 3000, "maxSoc": 90}
    return dict(zip(keys, hours, strict=True)) | {"workMode": mode} | base | given


# Sign-in


def test_signature_has_four_characters_between() -> None:
    """The golden value was made with printf and md5sum."""
    key = "0f5c1a52-3f5e-4a0b-9f43-6f1d2b7c8e90"
    assert signature(LIST, key, "1795176000000") == "3d88d6a8ef82efadd727e3160022a0f8"


@pytest.mark.parametrize(
    ("changed", "errno", "words"),
    [
        ({"signature": "0" * 32}, 40256, "illegal signature"),
        ({"timestamp": "12345"}, 40256, "illegal signature"),
        ({"signature": ""}, 40256, "no signature"),
        ({"lang": ""}, 40256, "Parameter could not be parsed"),
    ],
)
async def test_headers_are_checked(
    client: Client, kh: Any, changed: dict[str, str], errno: int, words: str
) -> None:
    """Each header that is wrong has its words."""
    status, text = await client.raw(kh, LIST, {}, **changed)
    answer = json.loads(text)
    assert (status, answer["errno"], answer["result"]) == (200, errno, None)
    assert words in answer["msg"]
    assert client.sim.calls[-1].refused


async def test_a_clock_that_is_off_is_refused(client: Client, kh: Any) -> None:
    """A time stamp may be five minutes off."""
    for seconds, errno in ((299, 0), (301, 40256), (-301, 40256)):
        token, stamp = (
            kh.token,
            str(int((client.sim.clock.seconds() + 2 + seconds) * 1000)),
        )
        changed = {"timestamp": stamp, "signature": signature(LIST, token, stamp)}
        _, text = await client.raw(kh, LIST, {}, **changed)
        assert json.loads(text)["errno"] == errno
    assert "illegal timestamp" in text


async def test_keys_end(client: Client, kh: Any) -> None:
    """A key that never was and one that is not any more have their codes."""
    old = kh.fields["api_key"]
    kh.renew("11111111-2222-4333-8444-555555555555")
    assert await client.errno(kh, LIST) == 0
    kh.fields["api_key"] = old
    assert await client.errno(kh, LIST) == 41809
    kh.fields["api_key"] = "nonsense"
    assert await client.errno(kh, LIST) == 41808


@pytest.mark.parametrize("agent", ["", "Python/3.14 aiohttp/3.13", "curl/8.5"])
async def test_scripts_are_turned_away(client: Client, kh: Any, agent: str) -> None:
    """A wall stands before the cloud."""
    status, text = await client.raw(kh, LIST, {}, **{"User-Agent": agent})
    assert status == 403
    assert text.startswith("<!DOCTYPE html>")


# Limits


async def test_a_query_a_second(client: Client, kh: Any) -> None:
    """Each interface has its own second; a refused call is recorded."""
    assert await client.errno(kh, LIST) == 0
    client.pause = 0.9
    assert await client.errno(kh, LIST) == 40400
    client.pause = 0.1
    assert await client.errno(kh, LIST) == 0
    client.pause = 0.0
    assert await client.errno(kh, COUNT, get=True) == 0
    counted = client.sim.counted()["kh"]
    assert counted["endpoints"][LIST] == {"made": 3, "refused": 1}


async def test_an_update_in_two_seconds(client: Client, evo: Any) -> None:
    """Updates keep two seconds, whatever the key."""
    sn = device_of(evo).sn
    assert await client.errno(evo, SETTING_SET, sn=sn, key="MinSoc", value="12") == 0
    client.pause = 1.5
    errno = await client.errno(evo, SETTING_SET, sn=sn, key="ExportLimit", value="1")
    assert errno == 40400
    client.pause = 0.5
    assert await client.errno(evo, SETTING_SET, sn=sn, key="MinSoc", value="11") == 0


async def test_the_day_of_an_account_ends(client: Client, kh: Any) -> None:
    """A batch costs one per inverter, and the window rolls."""
    server = client.sim.vendors["foxess"]
    sns = [device.sn for device in kh.devices]
    await client.ask(kh, REAL, sns=sns)
    result = await client.ask(kh, COUNT, get=True)
    assert result == {"total": "2880", "remaining": "2877"}
    client.sim.clock.advance(3600)
    server.spend("kh", 2877)
    assert await client.errno(kh, LIST) == 40402
    client.sim.clock.advance(DAY - 3600)
    assert await client.errno(kh, LIST) == 0
    assert server.remaining(kh, client.sim.clock.seconds()) == 2


# Shapes


def shapes(value: Any) -> Any:
    """Return the keys of a value, and those of a list's first item."""
    if isinstance(value, dict):
        return {key: shapes(item) for key, item in value.items()}
    return [shapes(value[0])] if isinstance(value, list) and value else None


def missing(example: Any, ours: Any, path: str = "") -> Iterator[str]:
    """Yield what an example has and our answer has not."""
    if isinstance(example, dict):
        for key, item in example.items():
            if not isinstance(ours, dict) or key not in ours:
                yield f"{path}.{key}"
            else:
                yield from missing(item, ours[key], f"{path}.{key}")
    elif isinstance(example, list) and example:
        yield from missing(example[0], (ours or [None])[0], f"{path}[]")


REPORT = [{"variable": "generation", "unit": "kWh", "values": [0.1]}]
SHAPES = [
    (told.DEVICE_LIST, "kh", LIST, False, {}),
    (told.DETAIL_V0, "kh", "/op/v0/device/detail", True, {"sn": "SN"}),
    (told.REAL, "kh", REAL, False, {"sns": ["SN"]}),
    (
        told.CHARGE_TIME,
        "kh",
        "/op/v0/device/battery/forceChargeTime/get",
        True,
        {"sn": "SN"},
    ),
    (told.GENERATION, "kh", "/op/v0/device/generation", True, {"sn": "SN"}),
    (told.ACCESS, "kh", COUNT, True, {}),
    (told.PEAK_SHAVING, "kh", "/op/v0/device/peakShaving/get", False, {"sn": "SN"}),
    (
        REPORT,
        "kh",
        "/op/v0/device/report/query",
        False,
        {
            "sn": "SN",
            "year": 2026,
            "month": 6,
            "day": 16,
            "dimension": "day",
            "variables": ["generation", "feedin", "gridConsumption"],
        },
    ),
    (
        REPORT,
        "kh",
        "/op/v0/device/report/query",
        False,
        {"sn": "SN", "year": 2026, "dimension": "year", "variables": ["generation"]},
    ),
    (
        told.FLAG_V1,
        "kh",
        "/op/v1/device/scheduler/get/flag",
        False,
        {"deviceSN": "SN"},
    ),
    (
        told.SCHEDULER_V0,
        "kh",
        "/op/v0/device/scheduler/get",
        False,
        {"deviceSN": "SN"},
    ),
    (
        told.SCHEDULER_V1,
        "kh",
        "/op/v1/device/scheduler/get",
        False,
        {"deviceSN": "SN"},
    ),
    (
        told.SCHEDULER_V3,
        "h3",
        "/op/v3/device/scheduler/get",
        False,
        {"deviceSN": "SN"},
    ),
    (
        told.SETTINGS["ExportLimit"],
        "kh",
        SETTING_GET,
        False,
        {"sn": "SN", "key": "ExportLimit"},
    ),
    (
        told.SETTINGS["WorkMode"],
        "kh",
        SETTING_GET,
        False,
        {"sn": "SN", "key": "WorkMode"},
    ),
    (
        None,
        "kh",
        SETTING_SET,
        False,
        {"sn": "SN", "key": "ExportLimit", "value": "5000"},
    ),
]


@pytest.mark.parametrize(("example", "account", "path", "get", "body"), SHAPES)
async def test_every_shape(
    client: Client,
    example: Any,
    account: str,
    path: str,
    get: bool,
    body: dict[str, Any],
) -> None:
    """An answer has all that the document's and captured ones have."""
    owner = client.sim.account(account)
    sn = device_of(owner).sn
    body = json.loads(
        json.dumps(body).replace("SN", sn).replace(f"device{sn}", "deviceSN")
    )
    ours = await client.answer(owner, path, body, get)
    assert {"errno", "msg", "result"} <= ours.keys()
    assert list(missing(shapes(example), ours["result"])) == []


async def test_every_variable(client: Client, kh: Any) -> None:
    """A hybrid inverter tells what a captured one did."""
    ours = await client.answer(kh, REAL, {"sns": [device_of(kh).sn]}, False)
    there = {item["variable"] for item in ours["result"][0]["datas"]}
    assert {item["variable"] for item in told.REAL[0]["datas"]} <= there


async def test_pages_have_at_least_ten_entries(client: Client, kh: Any) -> None:
    """A page smaller than ten is refused."""
    page = await client.ask(kh, LIST, currentPage=1, pageSize=10)
    assert (page["total"], len(page["data"])) == (2, 2)
    assert (await client.ask(kh, LIST, currentPage=2, pageSize=10))["data"] == []
    assert await client.errno(kh, LIST, currentPage=1, pageSize=9) == 40257
    assert await client.errno(kh, LIST, currentPage=0, pageSize=10) == 40257


async def test_plants_loggers_codes(client: Client, h3: Any) -> None:
    """The lists that a client reads once."""
    plant = h3.plants[0]
    plants = await client.ask(h3, "/op/v0/plant/list")
    assert plants["data"][0]["stationID"] == plant.id
    detail = await client.ask(h3, "/op/v0/plant/detail", get=True, id=plant.id)
    assert detail["createDate"] == str(int(plant.home.created * 1000))
    assert detail["timezone"] == "Europe/Berlin"
    module = plant.device.module_sn
    assert (await client.ask(h3, "/op/v0/module/list"))["data"][0]["status"] == 1
    assert (await client.ask(h3, "/op/v0/module/detail", get=True, sn=module))[
        "signal"
    ] >= 0
    assert (await client.ask(h3, "/op/v0/module/getSignal", sn=module))["signal"] < 0
    table = await client.ask(h3, "/op/v0/device/variable/get", get=True)
    assert {"pvPower"} == set(table[1])
    codes = await client.ask(h3, "/op/v0/device/fault/get", get=True)
    assert set(codes[0]["5"]) == {"en", "zh_CN", "pl"}
    client.sim.fault("device_fault", account="h3", code="12", message="Grid voltage")
    day = "2026-06-17"
    faults = await client.ask(
        h3, "/op/v0/device/fault/history", sn=plant.device.sn, date=day
    )
    assert faults["faults"][0]["faultCode"] == "12"
    client.sim.clock.advance(330)
    values = await client.values(h3, plant.device)
    assert (values["currentFault"], values["currentFaultCount"]) == ("12", "1")


async def test_models_differ(client: Client, kh: Any, h3: Any, evo: Any) -> None:
    """What each model refuses, it refuses for good."""
    for account, path, errno in (
        (evo, "/op/v0/device/detail", 41200),
        (kh, "/op/v0/device/detail", 0),
        (evo, "/op/v1/device/detail", 0),
    ):
        sn = device_of(account).sn
        assert await client.errno(account, path, get=True, sn=sn) == errno
    status, _ = await client.raw(
        h3, "/op/v0/device/detail", {"sn": device_of(h3).sn}, True
    )
    assert status == 404
    for account, path, errno in (
        (evo, "/op/v1/device/scheduler/get", 41200),
        (evo, "/op/v1/device/scheduler/get/flag", 41200),
        (evo, "/op/v0/device/scheduler/get/flag", 0),
        (evo, "/op/v2/device/scheduler/get", 0),
        (evo, "/op/v3/device/scheduler/get", 0),
        (kh, "/op/v3/device/scheduler/get", 40257),
        (h3, "/op/v3/device/scheduler/get", 0),
    ):
        sn = device_of(account).sn
        assert await client.errno(account, path, deviceSN=sn) == errno
    for account, key, errno in (
        (evo, "MaxSoc", 42015),
        (h3, "ExportLimit", 42015),
        (kh, "LowPowerMode", 44096),
        (kh, "Nonsense", 40257),
    ):
        sn = device_of(account).sn
        assert await client.errno(account, SETTING_GET, sn=sn, key=key) == errno
    sn = device_of(kh).sn
    assert await client.ask(kh, SETTING_GET, sn=sn, key="ExportLimitPower") == {}
    assert (
        await client.errno(kh, SETTING_GET, sn=device_of(evo).sn, key="MinSoc") == 41930
    )


# Readings


@pytest.mark.parametrize("name", ["kh", "h3", "evo"])
async def test_readings_are_the_truth_of_their_time(client: Client, name: str) -> None:
    """What an inverter says is what was true when it said it."""
    account = client.sim.account(name)
    for _ in range(5):
        client.sim.clock.advance(4000)
        for plant in account.plants:
            device = plant.device
            result = (await client.ask(account, REAL, sns=[device.sn]))[0]
            stamp = result["time"]
            at = datetime.strptime(stamp[:19] + stamp[-5:], "%Y-%m-%d %H:%M:%S%z")
            assert at.timestamp() == plant.published(client.sim.clock.seconds())
            values = {item["variable"]: item["value"] for item in result["datas"]}
            truth = client.sim.truth(at.timestamp())[plant.id][""]
            check(values, truth, bool(device.batteries))


def check(values: dict[str, Any], truth: dict[str, Any], battery: bool) -> None:
    """Compare a sample with the truth, within the vendor's resolution."""
    near = pytest.approx
    assert values["pvPower"] * 1000 == near(truth["pv_power"], abs=0.6)
    assert values["generationPower"] * 1000 == near(truth["inverter_power"], abs=0.6)
    assert values["generation"] == near(truth["inverter_energy"], abs=0.06)
    if not battery:
        return
    assert values["meterPower"] * 1000 == near(truth["grid_power"], abs=0.6)
    assert values["loadsPower"] * 1000 == near(truth["load_power"], abs=0.6)
    packs = [value for key, value in values.items() if key.startswith("invBatPower")]
    assert sum(packs) * 1000 == near(truth["battery_power"], abs=1.2)
    assert values["PVEnergyTotal"] == near(truth["pv_energy"], abs=0.06)
    assert values["feedin"] == near(truth["grid_export_energy"], abs=0.06)
    assert values["dischargeEnergyToTal"] == near(
        truth["battery_discharge_energy"], abs=0.06
    )
    socs = [value for key, value in values.items() if key.startswith("SoC")]
    assert sum(socs) / len(socs) == near(truth["battery_soc"], abs=1.3)


async def test_samples_come_every_five_minutes_and_late(
    client: Client, kh: Any
) -> None:
    """A sample is seen some seconds after its time, and then for five minutes."""
    device = device_of(kh)
    client.pause = 1
    seen: dict[str, float] = {}
    for _ in range(620):
        result = (await client.ask(kh, REAL, sns=[device.sn]))[0]
        seen.setdefault(result["time"], client.sim.clock.seconds())
    assert len(seen) in (3, 4)
    for stamp, first in list(seen.items())[1:]:
        at = datetime.strptime(stamp[:19], "%Y-%m-%d %H:%M:%S") - timedelta(hours=1)
        assert stamp.endswith("BST+0100")
        assert 5 <= first - at.replace(tzinfo=UTC).timestamp() <= 26


async def test_an_inverter_without_battery_sleeps(client: Client, kh: Any) -> None:
    """At night it is offline and its last sample stays."""
    plant = kh.plants[1]
    client.sim.clock.set(datetime(2026, 6, 18, 1, 0, tzinfo=UTC))
    page = await client.ask(kh, LIST)
    assert {d["deviceSN"]: d["status"] for d in page["data"]}[plant.device.sn] == 3
    values = await client.values(kh, plant.device)
    assert values["pvPower"] == 0
    plant.device.night = "missing"
    assert (await client.values(kh, plant.device))["pvPower"] is None
    assert (
        await client.errno(kh, SETTING_GET, sn=plant.device.sn, key="ExportLimit")
        == 41935
    )
    client.sim.clock.set(datetime(2026, 6, 18, 10, 0, tzinfo=UTC))
    page = await client.ask(kh, LIST)
    assert {d["status"] for d in page["data"]} == {1}


async def test_several_inverters_in_one_call(client: Client, kh: Any) -> None:
    """Up to fifty; strangers are left out."""
    sns = [device.sn for device in kh.devices]
    assert len(await client.ask(kh, REAL, sns=[*sns, "STRANGER"])) == 2
    assert len(await client.ask(kh, "/op/v0/device/real/query")) == 2
    assert await client.errno(kh, REAL, sns=["X"] * 51) == 40257
    assert await client.errno(kh, REAL) == 40257
    result = await client.ask(kh, REAL, sns=sns[:1], variables=["SoC", "pvPower"])
    assert {item["variable"] for item in result[0]["datas"]} == {"SoC", "pvPower"}


async def test_reports_add_up(client: Client, kh: Any) -> None:
    """Hours make days, days make months, all of it the counter."""
    device = device_of(kh)
    report = "/op/v0/device/report/query"

    async def values(**when: Any) -> list[float]:
        result = await client.ask(
            kh, report, sn=device.sn, variables=["generation"], **when
        )
        row: list[float] = result[0]["values"]
        return row

    client.sim.clock.set(datetime(2026, 6, 17, 22, 59, 59, tzinfo=UTC))
    year = await values(year=2026, dimension="year")
    month = await values(year=2026, month=6, dimension="month")
    day = await values(year=2026, month=6, day=17, dimension="day")
    assert [len(year), len(month), len(day)] == [12, 30, 24]
    assert sum(day) == pytest.approx(month[16])
    assert sum(month) == pytest.approx(year[5])
    at = device.published(client.sim.clock.seconds())
    counter = device.home.totals(at)["inverter_energy"]
    assert sum(year) == pytest.approx(counter, abs=0.06)
    gen = await client.ask(kh, "/op/v0/device/generation", get=True, sn=device.sn)
    assert gen["today"] == pytest.approx(sum(day))
    assert gen["month"] == pytest.approx(sum(month))
    assert gen["cumulative"] == pytest.approx(counter, abs=0.06)
    for bad in (
        {"year": 2026, "month": 13, "dimension": "month"},
        {"year": 2019, "dimension": "year"},
        {"year": 2026, "dimension": "week"},
        {"year": 2026, "month": 2, "day": 30, "dimension": "day"},
    ):
        body = {"sn": device.sn, "variables": ["generation"], **bad}
        assert await client.errno(kh, report, **body) == 40257


async def test_a_day_of_25_hours(client: Client, kh: Any) -> None:
    """The day on which the clocks go back loses nothing."""
    client.sim.clock.set(datetime(2026, 10, 27, 12, tzinfo=UTC))
    device = device_of(kh)
    report = "/op/v0/device/report/query"
    body = {"sn": device.sn, "year": 2026, "month": 10, "variables": ["loads"]}
    hours = await client.ask(kh, report, **body, day=25, dimension="day")
    days = await client.ask(kh, report, **body, dimension="month")
    assert len(hours[0]["values"]) == 24
    assert sum(hours[0]["values"]) == pytest.approx(days[0]["values"][24])


async def test_history_of_a_day(client: Client, kh: Any) -> None:
    """Samples of five minutes, of today and of last month alike; a day at most."""
    path, device = "/op/v0/device/history/query", device_of(kh)
    end = int(client.sim.clock.seconds() * 1000)
    for offset in (0, 30):
        stop = end - offset * DAY * 1000
        result = await client.ask(
            kh, path, sn=device.sn, begin=stop - DAY * 1000, end=stop, variables=["SoC"]
        )
        data = result[0]["datas"][0]["data"]
        assert 286 <= len(data) <= 288
        assert all(0 <= item["value"] <= 100 for item in data)
    body = {"sn": device.sn, "begin": end - DAY * 1000 - 1, "end": end}
    assert await client.errno(kh, path, **body) == 40257


# Steering


async def test_a_forced_charge_is_seen(client: Client, evo: Any) -> None:
    """A group of the scheduler charges the battery, and again on the next day."""
    device = device_of(evo)
    settle(client.sim, device, flag=False)
    extra = {"minSocOnGrid": 10, "fdSoc": 80, "fdPwr": 2500, "maxSoc": 80}
    window = group("12:05", "12:24")
    segment = {key: window[key] for key in list(window)[:4]}
    segment |= {"workMode": "ForceCharge", "extraParam": extra}
    path = "/op/v3/device/scheduler/enable"
    body = {"deviceSN": device.sn, "isDefault": True, "groups": [segment]}
    echo = await client.ask(evo, path, **body)
    assert echo["groups"] == [segment]
    for day in range(2):
        start = datetime(2026, 6, 17 + day, 10, 5, tzinfo=UTC).timestamp()
        device.home.advance(start - 1)
        told = [device.home.state(start + s).orders.mode for s in (-1, 0, 1199, 1200)]
        assert [mode == "force_charge" for mode in told] == [False, True, True, False]
        power = device.home.state(start + 600).flow.battery
        assert power == pytest.approx(-2500) or device.home.state(start).soc >= 79.9
    got = await client.ask(evo, "/op/v3/device/scheduler/get", deviceSN=device.sn)
    assert got["enable"] == 1
    assert got["groups"][0]["extraParam"]["fdPwr"] == 2500.0
    assert got["maxGroupCount"] == 8
    assert client.sim.commands[-1].what == "schedule v3"


async def test_the_devices_clock_rules(client: Client, kh: Any) -> None:
    """Windows follow the device's clock, which may be set by hand."""
    device = device_of(kh)
    clock = await client.ask(kh, "/op/v0/device/time/get", sn=device.sn)
    assert clock["year"] == "26"
    shown = datetime(
        *[int(clock[k]) for k in ("year", "month", "day", "hour", "minute")]
    )
    seconds = shown.replace(year=2026) + timedelta(seconds=int(clock["second"]))
    local = device.local(client.sim.clock.seconds()).replace(tzinfo=None)
    assert (seconds - local).total_seconds() == pytest.approx(37, abs=1)
    later = local + timedelta(minutes=30)
    keys = ("year", "month", "day", "hour", "minute", "second")
    given = {key: str(getattr(later, key)) for key in keys}
    await client.ask(kh, "/op/v0/device/time/set", sn=device.sn, **given)
    assert device.clock_offset == pytest.approx(1800, abs=3)
    assert not device.auto_sync
    assert (
        device.local_minute(client.sim.clock.seconds())
        == later.hour * 60 + later.minute
    )


@pytest.mark.parametrize(
    ("groups", "errno"),
    [
        ([group("01:00", "01:59"), group("02:00", "02:59")], 0),
        ([group("01:00", "02:00"), group("02:00", "02:59")], 42023),
        ([group("01:00", "02:30"), group("02:00", "02:59", enable=0)], 0),
        ([group("23:00", "01:00")], 40257),
        ([group("01:00", "01:59", "Backup")], 40257),
        ([group("01:00", "01:59", minSocOnGrid=95)], 40257),
        ([group("01:00", "01:59", fdSoc=95)], 40257),
        ([group("01:00", "01:59", fdPwr=8001)], 40257),
        ([group("01:00", "01:59", fdSoc=9)], 40257),
        ([group("01:00", "01:59", surprise=1)], 40257),
        ([group("25:00", "25:59")], 40257),
        ([group("00:00", "00:00", "Invalid", enable=0)] * 2, 42023),
        ([{"enable": 1}], 40257),
        ("nonsense", 40257),
        ([group("01:00", "01:01")] * 9, 40257),
    ],
)
async def test_what_a_schedule_may_not_be(
    client: Client, kh: Any, groups: Any, errno: int
) -> None:
    """Overlaps, windows over midnight and values out of range are refused."""
    device = device_of(kh)
    before = device.held()
    path = "/op/v1/device/scheduler/enable"
    assert await client.errno(kh, path, deviceSN=device.sn, groups=groups) == errno
    assert (device.held() == before) is (errno != 0)


async def test_unused_slots_are_filled(client: Client, kh: Any) -> None:
    """v1 shows eight slots, with small letters in the properties."""
    path = "/op/v1/device/scheduler/get"
    result = await client.ask(kh, path, deviceSN=device_of(kh).sn)
    modes = [item["workMode"] for item in result["groups"]]
    assert modes[3:] == ["Invalid"] * 5
    assert result["properties"]["fdpwr"]["range"] == {"min": 0.0, "max": 8000.0}


async def test_v3_keeps_or_resets_what_is_left_out(client: Client, h3: Any) -> None:
    """`isDefault` says what becomes of parameters that are not given."""
    device = device_of(h3)
    path = "/op/v3/device/scheduler/enable"
    bare = {"startHour": 0, "startMinute": 0, "endHour": 5, "endMinute": 59}
    bare |= {"workMode": "SelfUse", "extraParam": {"maxSoc": 95}}
    rest = {"startHour": 0, "startMinute": 0, "endHour": 23, "endMinute": 59}
    rest |= {"workMode": "SelfUse"}
    await client.ask(h3, path, deviceSN=device.sn, groups=[bare, rest])
    assert (device.groups[0]["minSocOnGrid"], device.groups[0]["maxSoc"]) == (30, 95)
    await client.ask(h3, path, deviceSN=device.sn, groups=[bare], isDefault=True)
    assert device.groups[0]["minSocOnGrid"] == 10
    odd = bare | {"extraParam": {"fdSOC": 20}}
    assert await client.errno(h3, path, deviceSN=device.sn, groups=[odd]) == 40257
    disabled = bare | {"enable": 0}
    assert await client.errno(h3, path, deviceSN=device.sn, groups=[disabled]) == 40257


async def test_settings_wait_for_the_scheduler(
    client: Client, kh: Any, h3: Any
) -> None:
    """While it runs, what it would override is refused, by each model in its way."""
    for account, errno in ((kh, 44096), (h3, 44098)):
        device = device_of(account)
        settle(client.sim, device, flag=True)
        body = {"sn": device.sn, "key": "MinSocOnGrid", "value": "20"}
        assert await client.errno(account, SETTING_SET, **body) == errno
        flag = {"deviceSN": device.sn, "enable": 0}
        await client.ask(account, "/op/v1/device/scheduler/set/flag", **flag)
        result = await client.ask(account, SETTING_SET, **body)
        assert result == (body if account.echo else None)
        flag["enable"] = 1
        await client.ask(account, "/op/v1/device/scheduler/set/flag", **flag)
        got = await client.ask(account, SETTING_GET, sn=device.sn, key="MinSocOnGrid")
        assert got["value"] == "20"
        assert device.flag


@pytest.mark.parametrize(
    ("key", "value", "errno"),
    [
        ("ExportLimit", "2500", 0),
        ("ExportLimit", "30001", 40257),
        ("ExportLimit", "much", 40257),
        ("MaxSetChargeCurrent", "12.5", 0),
        ("MaxSetChargeCurrent", "12.55", 40257),
        ("GridCode", "G98", 0),
        ("GridCode", "G1", 40257),
    ],
)
async def test_settings_have_ranges(
    client: Client, kh: Any, key: str, value: str, errno: int
) -> None:
    """What is out of range is refused and changes nothing."""
    body = {"sn": device_of(kh).sn, "key": key, "value": value}
    before = dict(device_of(kh).settings)
    assert await client.errno(kh, SETTING_SET, **body) == errno
    assert device_of(kh).settings == before | ({key: value} if not errno else {})


async def test_settings_reach_the_battery(client: Client, kh: Any, h3: Any) -> None:
    """An export limit curtails, a charge window charges, a meter limits too."""
    device = device_of(kh)
    settle(client.sim, device, flag=False)
    await client.ask(kh, SETTING_SET, sn=device.sn, key="ExportLimit", value="0")
    for minutes in range(0, 180, 20):
        at = client.sim.clock.seconds() + minutes * 60
        assert device.home.state(at).flow.grid >= -1e-6
    client.sim.clock.advance(180 * 60)
    times = {
        "enable1": True,
        "startTime1": {"hour": 1, "minute": 0},
        "endTime1": {"hour": 1, "minute": 59},
        "enable2": False,
        "startTime2": {"hour": 0, "minute": 0},
        "endTime2": {"hour": 0, "minute": 0},
    }
    path = "/op/v0/device/battery/forceChargeTime"
    await client.ask(kh, f"{path}/set", sn=device.sn, **times)
    assert await client.ask(kh, f"{path}/get", get=True, sn=device.sn) == times
    at = datetime(2026, 6, 18, 0, 10, tzinfo=UTC).timestamp()
    assert device.home.state(at).orders.mode == "force_charge"
    meter = device_of(h3).meter
    body = {"sn": meter.sn, "mode": "FeedinLimit", "feedinPower": "700"}
    await client.ask(h3, "/op/v0/gw/setting/set", **body)
    got = await client.ask(h3, "/op/v0/gw/setting/get", sn=meter.sn)
    assert got["feedinPower"]["value"] == "700"
    assert device_of(h3).orders(client.sim.clock.seconds()).export_limit == 700
    body = {"sn": meter.sn, "mode": "Normal", "feedinPower": "700"}
    assert await client.errno(h3, "/op/v0/gw/setting/set", **body) == 40257


async def test_both_floors_and_peak_shaving(client: Client, evo: Any) -> None:
    """The two settings that go together."""
    sn = device_of(evo).sn
    path = "/op/v0/device/battery/soc"
    await client.ask(evo, f"{path}/set", sn=sn, minSoc=12, minSocOnGrid=18)
    got = await client.ask(evo, f"{path}/get", get=True, sn=sn)
    assert got == {"minSoc": 12, "minSocOnGrid": 18}
    assert await client.errno(evo, f"{path}/set", sn=sn, minSoc=12) == 40257
    path = "/op/v0/device/peakShaving"
    await client.ask(evo, f"{path}/set", sn=sn, importLimit=2.5, soc=35)
    got = await client.ask(evo, f"{path}/get", sn=sn)
    assert (got["importLimit"]["value"], got["soc"]["value"]) == ("2.500", "35")
    assert await client.errno(evo, f"{path}/set", sn=sn, importLimit=2.5) == 40257


# Faults


async def test_a_lost_answer(client: Client, evo: Any) -> None:
    """The connection drops, after the command was carried out, or before."""
    device = device_of(evo)
    body = {"sn": device.sn, "key": "MinSoc", "value": "20"}
    for kind, value in (("drop_before", "10"), ("drop_after", "20")):
        fault = client.sim.fault(kind, endpoint="/op/v0/device/setting/*", count=1)
        with pytest.raises(aiohttp.ClientError):
            await client.ask(evo, SETTING_SET, **body)
        assert device.settings["MinSoc"] == value
        assert fault.until is not None
    assert await client.errno(evo, SETTING_SET, **body) == 0


async def test_a_command_that_is_not_carried_out(client: Client, evo: Any) -> None:
    """Accepted is not done, and done may be late."""
    device = device_of(evo)
    body = {"sn": device.sn, "key": "MinSoc", "value": "20"}
    client.sim.fault("accepted_not_done", account="evo", count=1)
    assert await client.errno(evo, SETTING_SET, **body) == 0
    assert device.settings["MinSoc"] == "10"
    assert client.sim.commands == []
    client.sim.fault("done_late", seconds=90, count=1)
    assert await client.errno(evo, SETTING_SET, **body) == 0
    assert device.settings["MinSoc"] == "10"
    client.sim.clock.advance(91)
    assert [command.what for command in client.sim.commands] == ["setting MinSoc"]
    assert device.settings["MinSoc"] == "20"


async def test_answers_that_are_none(client: Client, kh: Any) -> None:
    """What a cloud may say instead of an answer."""
    sns = [device_of(kh).sn]
    fault = client.sim.fault
    fault("status", status=503, count=1)
    assert (await client.raw(kh, LIST))[0] == 503
    fault("status", status=429, retry_after=7, count=1, body={"errno": 1})
    assert (await client.raw(kh, LIST))[0] == 429
    fault("html", count=1)
    status, text = await client.raw(kh, LIST)
    assert (status, text[:9]) == (200, "<!DOCTYPE")
    fault("empty", count=1)
    assert await client.raw(kh, LIST) == (200, "")
    fault("garbage", count=1)
    with pytest.raises(json.JSONDecodeError):
        await client.answer(kh, LIST)
    fault("null_result", count=1)
    assert (await client.answer(kh, LIST))["result"] is None
    fault("no_result", count=1)
    assert "result" not in await client.answer(kh, LIST)
    fault("errno", errno=41203, msg="Operation timeout", count=1, skip=1)
    assert await client.errno(kh, LIST) == 0
    assert await client.errno(kh, LIST) == 41203
    fault("refused_token", account="kh")
    assert await client.errno(kh, LIST) == 41809
    client.sim.clear_faults()
    fault("strings", count=1)
    values = (await client.ask(kh, REAL, sns=sns))[0]["datas"]
    assert all(isinstance(item["value"], str) for item in values)
    assert any("E+" in item["value"] for item in values)
    assert not any(call.refused for call in client.sim.calls)


async def test_values_that_are_wrong(client: Client, kh: Any) -> None:
    """Single variables, counters and time stamps may lie."""
    device = device_of(kh)
    fault = client.sim.fault
    fault("value", variable="SoC", value=150, count=1)
    assert (await client.values(kh, device))["SoC"] == 150
    fault("value", variable="fluxCapacitor", value=1.21, count=1)
    assert (await client.values(kh, device))["fluxCapacitor"] == 1.21
    fault("missing", variable="SoC", count=1)
    assert "SoC" not in await client.values(kh, device)
    true = await client.values(kh, device)
    fault("dip_counters", factor=0.5, count=1)
    assert (await client.values(kh, device))["loads"] == pytest.approx(
        true["loads"] / 2, abs=0.1
    )
    fault("vendor_correction", variable="loads", delta=-12.0)
    assert (await client.values(kh, device))["loads"] == pytest.approx(
        true["loads"] - 12, abs=0.1
    )
    client.sim.clear_faults()
    fault("frozen", account="kh")
    client.sim.clock.advance(3600)
    frozen = await client.values(kh, device)
    assert frozen["pvPower"] == true["pvPower"]


async def test_a_logger_without_connection(client: Client, kh: Any) -> None:
    """The last sample stays, settings cannot be reached, and all comes back."""
    device = device_of(kh)
    before = await client.values(kh, device)
    client.sim.fault("logger_offline", device=device.sn, seconds=3600)
    client.sim.clock.advance(1800)
    assert (await client.values(kh, device))["loads"] == before["loads"]
    page = await client.ask(kh, LIST)
    assert [item["status"] for item in page["data"]] == [3, 1]
    assert await client.errno(kh, SETTING_GET, sn=device.sn, key="MinSoc") == 41935
    client.sim.clock.advance(2200)
    assert (await client.values(kh, device))["loads"] > before["loads"]


async def test_a_device_goes(client: Client, kh: Any) -> None:
    """It is in no list any more, and unknown by its serial."""
    device = device_of(kh)
    client.sim.fault("device_gone", device=device.sn)
    assert (await client.ask(kh, LIST))["total"] == 1
    assert await client.errno(kh, REAL, sns=[device.sn]) == 41930
    assert (
        await client.errno(kh, "/op/v1/device/detail", get=True, sn=device.sn) == 41930
    )


async def test_a_late_reset(client: Client, h3: Any) -> None:
    """After midnight today is yesterday for a while."""
    device = device_of(h3)
    client.sim.fault("late_midnight", minutes=20)
    client.sim.clock.set(datetime(2026, 6, 17, 22, 10, tzinfo=UTC))
    assert (await client.values(h3, device))["todayYield"] > 1
    path = "/op/v0/device/generation"
    late = await client.ask(h3, path, get=True, sn=device.sn)
    assert late["today"] > 1
    client.sim.clock.advance(900)
    assert (await client.values(h3, device))["todayYield"] < 1
    assert (await client.ask(h3, path, get=True, sn=device.sn))["today"] < 1


async def test_a_cloud_that_never_answers(client: Client, kh: Any) -> None:
    """It accepts and is silent until the client leaves."""
    client.sim.fault("timeout", count=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.ask(kh, LIST)
    assert await client.errno(kh, LIST) == 0


# OAuth


class App:
    """An app that an owner has allowed into an account."""

    def __init__(self, client: Client, account: Any) -> None:
        """Take an account."""
        self.client = client
        self.account = account
        self.oauth = client.sim.vendors["foxess"].oauth

    async def fetch(self, path: str, **fields: str) -> dict[str, Any]:
        """Ask for tokens, with the fields in the URL as the document has them."""
        app = {"client_id": self.account.client.id}
        app["client_secret"] = self.account.client.secret
        async with self.client.session.post(
            self.client.sim.url("foxess") + path,
            params=app | fields,
            headers={"User-Agent": AGENT},
        ) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def sign_in(self, *scopes: str) -> dict[str, Any]:
        """Return tokens."""
        at = self.client.sim.clock.seconds()
        code = self.oauth.consent(self.account.client.id, "https://a.b/c", scopes, at)
        return await self.fetch(
            "/oauth2/token", grant_type="authorization_code", code=code
        )

    async def errno(self, path: str, access: str, body: Any = None, **more: str) -> int:
        """Return the error code of a call that is signed with an access token."""
        timestamp = str(int((self.client.sim.clock.seconds() + 2) * 1000))
        signed = {
            "Authorization": f"Bearer {access}",
            "timestamp": timestamp,
            "lang": "en",
            "signature": signature(path, access, timestamp),
            "User-Agent": AGENT,
        }
        self.client.sim.clock.advance(2)
        async with self.client.session.post(
            self.client.sim.url("foxess") + path, json=body or {}, headers=signed | more
        ) as response:
            answer = await response.json()
            return int(answer["errno"])


@pytest.fixture
def app(client: Client, kh: Any) -> App:
    """Return an app."""
    return App(client, kh)


async def test_an_access_token_takes_the_keys_place(app: App) -> None:
    """In the signature and in a header of its own, never beside the key."""
    token = (await app.sign_in("data_access"))["access_token"]
    assert await app.errno(LIST, token) == 0
    assert await app.errno(LIST, token, signature="") == 40256
    assert await app.errno(LIST, token, token=app.account.token) == 40256
    assert await app.errno(LIST, "another") == 41809


async def test_a_scope_for_steering(app: App) -> None:
    """Without it an app may only look."""
    body = {"sn": app.account.devices[0].sn, "key": "ExportLimit", "value": "3000"}
    token = (await app.sign_in("data_access"))["access_token"]
    assert await app.errno(SETTING_SET, token, body) == 41811
    token = (await app.sign_in("data_access", "device_control"))["access_token"]
    assert await app.errno(SETTING_SET, token, body) == 0


async def test_a_days_token_and_the_next(app: App) -> None:
    """A refresh token serves once; the access token before it ends with the day."""
    first = await app.sign_in("data_access")
    assert first["expires_in"] == DAY
    app.client.sim.clock.advance(DAY)
    assert await app.errno(LIST, first["access_token"]) == 41809
    fields = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await app.fetch("/oauth2/refresh", **fields)
    assert await app.errno(LIST, second["access_token"]) == 0
    assert (await app.fetch("/oauth2/refresh", **fields))["errno"] == 41808
    await app.fetch("/oauth2/revoke", access_token=second["access_token"])
    assert await app.errno(LIST, second["access_token"]) == 41809


async def test_the_page_of_consent(app: App) -> None:
    """It is at one of two addresses."""
    server = app.client.sim.vendors["foxess"]
    query = (
        f"?response_type=code&client_id={app.account.client.id}"
        "&redirect_uri=https://a.b/c"
    )
    for there, missing in (
        ("/h5/auth/foxessIndex", "/public/auth/index.html"),
        ("/public/auth/index.html", "/h5/auth/foxessIndex"),
    ):
        server.pages = {there}
        for path, status in ((there, 200), (missing, 404)):
            async with app.client.session.get(
                app.client.sim.url("foxess") + path + query,
                headers={"User-Agent": AGENT},
            ) as response:
                assert response.status == status


# The control API


async def test_control(client: Client, kh: Any) -> None:
    """All that a test may know from outside."""
    control, session = client.sim.control_url, client.session

    async def get(path: str) -> Any:
        async with session.get(control + path) as response:
            return await response.json()

    async def post(path: str, body: Any) -> Any:
        async with session.post(control + path, json=body) as response:
            return await response.json()

    accounts = await get("/accounts")
    assert [item["account"] for item in accounts] == ["kh", "h3", "evo", "oauth"]
    assert accounts[0]["step"] == "foxess_key"
    assert accounts[0]["fields"] == {
        "host": client.sim.url("foxess"),
        "api_key": kh.token,
    }
    plant = accounts[0]["plants"][0]
    kinds = [device["kind"] for device in plant["devices"]]
    assert kinds == ["inverter", "battery", "logger"]
    truth = await get("/truth?at=2026-06-17T10:00:00%2B00:00")
    assert truth[plant["id"]][""]["battery_capacity"] == 10.36
    assert plant["devices"][1]["id"] in truth[plant["id"]]
    published = await get("/truth?published=1")
    device = device_of(kh)
    flow = device.home.state(device.published(client.sim.clock.seconds())).flow
    assert published[plant["id"]][""]["load_power"] == pytest.approx(flow.load)
    energy = await get("/energy?from=2026-06-17T00:00:00Z&to=2026-06-17T10:00:00Z")
    assert len(energy[plant["id"]]["load_energy"]) == 10
    other = accounts[0]["plants"][1]["id"]
    hour = "from=2026-06-17T10:00:00Z&to=2026-06-17T11:00:00Z"
    energy = await get(f"/energy?plant={other}&{hour}")
    assert energy.keys() == {other}
    assert energy[other]["pv_energy"] == energy[other]["inverter_energy"]
    schedule = await get(f"/schedule?plant={plant['id']}")
    assert schedule[device.sn]["flag"] is True
    fault = await post("/fault", {"vendor": "foxess", "kind": "errno", "errno": 41203})
    assert await client.errno(kh, LIST) == 41203
    assert fault["id"] > 0
    assert (await post("/fault", {"kind": "nonsense"}))["error"]
    assert await post("/fault", {"kind": "clear"}) == {"cleared": 1}
    assert await client.errno(kh, LIST) == 0
    now = await post("/clock", {"now": "2026-06-18T10:00:00Z", "advance": 60})
    assert now["now"].startswith("2026-06-18T10:01:00")
    body = {"sn": device.sn, "key": "ExportLimit", "value": "3000"}
    await client.ask(kh, SETTING_SET, **body)
    command = (await get("/commands"))[-1]
    assert (command["device"], command["what"]) == (device.sn, "setting ExportLimit")
    calls = await get("/calls")
    assert calls["kh"]["made"] == 3
    assert calls["kh"]["refused"] == 0


def test_names_are_drawn_anew() -> None:
    """Two seeds have nothing in common; one seed is the same world."""
    worlds = [
        Simulator(now=lambda: NOON, vendors=("foxess",), seed=n, history_days=5)
        for n in (1, 2, 2)
    ]
    plants = [set(world.plants) for world in worlds]
    assert not plants[0] & plants[1]
    assert plants[1] == plants[2]
    assert worlds[1].truth() == worlds[2].truth()


async def test_a_model_may_be_altered(client: Client, kh: Any) -> None:
    """A test may take a scheduler version from a device."""
    device = device_of(kh)
    device.model = replace(KH8, scheduler={"v0": 0, "v1": 41200})
    path = "/op/v1/device/scheduler/get"
    assert await client.errno(kh, path, deviceSN=device.sn) == 41200
