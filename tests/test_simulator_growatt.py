"""The simulated Growatt cloud speaks as the documents and the vendor's examples do."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
import json
from typing import Any

import aiohttp
import pytest

from tests.simulator import Simulator
from tests.simulator.growatt.models import FAMILIES

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
DAY = 86_400

pytestmark = pytest.mark.usefixtures("socket_enabled")

# What document 4.3.8, 4.3.13, 4.3.15 and 4.3.5 name; `#` stands for 1 to 8.
INVERTER_FIELDS = (
    "inverterId status ipv1 ipv2 vpv1 vpv2 ppv1 ppv2 iacr iacs iact vacr vacs vact "
    "pacr pacs pact ppv pac powerToday powerTotal temperature fac pf time faultType "
    "timeTotal ipmTemperature epv1Today epv1Total epv2Today epv2Total epvTotal "
    "eRacToday eRacTotal pBusVoltage nBusVoltage dwStringWarningValue1 "
    "wStringStatusValue wPIDFaultValue vPidPvape iPidPvape pidStatus vPidPvbpe "
    "iPidPvbpe strFault vString# currentString# warnCode"
)
STORAGE_FIELDS = (
    "status deviceType pCharge pDischarge vpv ipv iCharge iDischarge ppv vBuck vac "
    "iacToUser pacToUser iacToGrid pacToGrid vBat capacity ipmTemperature epvToday "
    "epvTotal temperature eChargeToday eChargeTotal time eDischargeToday "
    "eDischargeTotal eToUserToday eToUserTotal eToGridToday eToGridTotal faultCode "
    "vpv2 ppv2 pCharge2 pDischarge2 vBuck2 epvToday2 epvTotal2 eChargeToday2 "
    "eChargeTotal2 eDischargeToday2 eDischargeTotal2 normalPower errorCode warnCode"
)
INFO_FIELDS = (
    "serialNum status lost alias location dataLogSn nominalPower power eToday eTotal "
    "lastUpdateTime tcpServerIp fwVersion"
)
HISTORY_FIELDS = (
    "ipv1 ipv2 vpv1 vpv2 iac1 iac2 iac3 vac1 vac2 vac3 power today_energy "
    "total_energy temperature fac power_factor time"
)


def fields(text: str) -> set[str]:
    """Return the names of a table."""
    return {
        name.replace("#", str(n)) for name in text.split() for n in range(1, 9)
    }  # fmt: skip


class Client:
    """A client that keeps the limits, as it moves the clock before each call."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Talk to a simulator."""
        self.sim = sim
        self.session = session
        self.pause = 301.0

    async def raw(
        self, account: Any, method: str, path: str, **params: Any
    ) -> tuple[int, str]:
        """Return status and text of an answer; `host` and `token` may be others."""
        host = params.pop("host", account.fields["host"])
        token = params.pop("token", account.fields["token"])
        self.sim.clock.advance(self.pause)
        given = {key: str(value) for key, value in params.items()}
        async with self.session.request(
            method,
            f"{host}/v1/{path}",
            headers={"token": token} if token else {},
            params=given if method == "GET" else None,
            data=None if method == "GET" else given,
        ) as response:
            return response.status, await response.text()

    async def answer(
        self, account: Any, method: str, path: str, **params: Any
    ) -> dict[str, Any]:
        """Return an answer."""
        status, text = await self.raw(account, method, path, **params)
        assert status == 200, text
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def get(self, account: Any, path: str, **params: Any) -> Any:
        """Return the data of a GET."""
        answer = await self.answer(account, "GET", path, **params)
        assert answer["error_code"] == 0, answer
        return answer["data"]

    async def post(self, account: Any, path: str, **params: Any) -> Any:
        """Return the data of a POST."""
        answer = await self.answer(account, "POST", path, **params)
        assert answer["error_code"] == 0, answer
        return answer["data"]

    async def code(
        self, account: Any, path: str, method: str = "POST", **params: Any
    ) -> int:
        """Return the error code of an answer."""
        answer = await self.answer(account, method, path, **params)
        number: int = answer["error_code"]
        return number

    async def newest(self, account: Any, device: Any) -> dict[str, Any]:
        """Return a device's newest data."""
        family = device.family
        if family.name == "inverter":
            path, method = "device/inverter/last_new_data", "GET"
        else:
            path, method = f"device/{family.name}/{family.name}_last_data", "POST"
        answer = await self.answer(account, method, path, **{family.serial: device.sn})
        assert answer["error_code"] == 0, answer
        assert answer["dataloggerSn"] == device.logger.sn
        assert answer[family.serial] == device.sn
        data: dict[str, Any] = answer["data"]
        return data

    async def set_up(
        self, account: Any, device: Any, kind: str, *given: Any, **more: Any
    ) -> int:
        """Write a setting, and return the error code."""
        family = device.family
        path = family.set_path.removeprefix("/v1/")
        values = [*given, *[""] * (family.params - len(given))]
        if family.name == "inverter":
            names = {"paramId": kind, "command_1": values[0], "command_2": values[1]}
        else:
            names = {f"param{n}": v for n, v in enumerate(values, start=1)}
            names["type"] = kind
        serial = {family.set_serial: device.sn}
        return await self.code(account, path, **(serial | names | more))

    async def read(self, account: Any, device: Any, kind: str) -> str:
        """Read a setting."""
        path = device.family.read_path.removeprefix("/v1/")
        found: str = await self.post(
            account, path, device_sn=device.sn, paramId=kind, startAddr=0, endAddr=0
        )
        return found


@pytest.fixture
async def sim() -> AsyncGenerator[Simulator]:
    """Return a running simulator whose clock stands still."""
    async with Simulator(
        now=lambda: NOON, vendors=("growatt",), seed=5, history_days=40
    ) as simulator:
        yield simulator


@pytest.fixture
async def client(sim: Simulator) -> AsyncGenerator[Client]:
    """Return a client."""
    async with aiohttp.ClientSession() as session:
        yield Client(sim, session)


@pytest.fixture
def old(sim: Simulator) -> Any:
    """Return the account of the document's own devices."""
    return sim.account("old")


@pytest.fixture
def min_(sim: Simulator) -> Any:
    """Return the account of the MIN."""
    return sim.account("min")


@pytest.fixture
def sph(sim: Simulator) -> Any:
    """Return the account of the SPH."""
    return sim.account("sph")


@pytest.fixture
def spa(sim: Simulator) -> Any:
    """Return the account of SPA and MAX."""
    return sim.account("spa")


@pytest.fixture
def cloud(sim: Simulator) -> Any:
    """Return the server."""
    return sim.vendors["growatt"]


# Token and regions


async def test_token_is_known_in_its_region_only(client: Client, cloud: Any) -> None:
    """The same token answers 10011 in every other region."""
    for account in cloud.accounts.values():
        for region, url in cloud.urls.items():
            found = await client.code(account, "plant/list", "GET", host=url)
            assert (found == 0) is (region == account.region)


async def test_token_wrong_missing_revoked_blocked(
    client: Client, old: Any, cloud: Any
) -> None:
    """A token that is not, or not any more, valid is denied."""
    answer = await client.answer(old, "GET", "plant/list", token="0" * 32)
    assert answer == {"error_msg": "error_permission_denied token", "error_code": 10011}
    assert await client.code(old, "plant/list", "GET", token="") == 10011
    cloud.blocked = True
    assert await client.code(old, "plant/list", "GET") == 10011
    cloud.blocked = False
    before = old.token
    old.renew("n" * 32)
    assert await client.code(old, "plant/list", "GET", token=before) == 10011
    assert await client.code(old, "plant/list", "GET") == 0
    counted = client.sim.counted()["old"]
    assert counted["refused"] == 2


async def test_token_of_the_web_page_lists_but_reads_nothing(
    client: Client, old: Any
) -> None:
    """A token made on the web page knows the plants, and is denied their devices."""
    token = old.web_token
    plant = old.plants[0].id
    assert await client.code(old, "plant/list", "GET", token=token) == 0
    for path in ("device/list", "plant/data", "plant/details"):
        assert await client.code(old, path, "GET", plant_id=plant, token=token) == 10011


async def test_token_without_plants_and_installer(client: Client, cloud: Any) -> None:
    """A token may have no plants; an installer's has those of its end users."""
    empty = await client.get(cloud.others["unbound"], "plant/list")
    assert empty == {"count": 0, "plants": []}
    installer = cloud.others["installer"]
    assert (await client.get(installer, "plant/list"))["count"] == 0
    users = await client.get(installer, "user/c_user_list", perpage=1)
    assert (users["count"], len(users["c_user"])) == (2, 1)
    name = users["c_user"][0]["c_user_name"]
    found = await client.post(installer, "plant/user_plant_list", user_name=name)
    plant = found["plants"][0]["plant_id"]
    devices = await client.get(installer, "device/list", plant_id=plant)
    assert devices["count"] == 1


async def test_check_user_tells_the_region(client: Client, sph: Any, old: Any) -> None:
    """A user name is taken where the account lives; the call has no daily limit."""
    for _ in range(12):
        name = sph.user_name
        assert await client.code(sph, "user/check_user", user_name=name) == 10003
    assert await client.code(old, "user/check_user", user_name=sph.user_name) == 0
    assert await client.code(old, "user/check_user") == 10002


# Limits


async def test_limit_is_on_identical_requests(client: Client, old: Any) -> None:
    """The same request is refused within five minutes, another one is not."""
    first, second = (plant.id for plant in old.plants)
    client.pause = 0
    assert await client.code(old, "plant/data", "GET", plant_id=first) == 0
    answer = await client.answer(old, "GET", "plant/data", plant_id=first)
    assert answer["error_code"] == 10012
    assert answer["error_msg"] == "error_frequently_access"
    assert await client.code(old, "plant/data", "GET", plant_id=second) == 0
    client.pause = 299
    assert await client.code(old, "plant/data", "GET", plant_id=first) == 10012
    client.pause = 1
    assert await client.code(old, "plant/data", "GET", plant_id=first) == 0


async def test_limit_of_ten_seconds(client: Client, sph: Any) -> None:
    """Storage, mix and spa may be asked every ten seconds."""
    client.pause = 10
    for _ in range(3):
        await client.newest(sph, sph.devices[0])
    client.pause = 5
    path, serial = "device/mix/mix_last_data", sph.devices[0].sn
    assert await client.code(sph, path, mix_sn=serial) == 10012


async def test_limit_of_ten_a_day(client: Client, old: Any, cloud: Any) -> None:
    """The lists of plants may be asked ten times a day, each by itself."""
    for _ in range(10):
        assert await client.code(old, "plant/list", "GET") == 0
    assert await client.code(old, "plant/list", "GET") == 10012
    plant = {"plant_id": old.plants[0].id, "start_date": "2026-06-15"}
    end = {"end_date": "2026-06-16"}
    assert await client.code(old, "plant/energy", "GET", **plant, **end) == 0
    client.sim.clock.advance(DAY)
    assert await client.code(old, "plant/list", "GET") == 0
    cloud.spend("old", "/v1/plant/list", 9)
    assert await client.code(old, "plant/list", "GET") == 10012


async def test_limit_that_nobody_wrote(client: Client, min_: Any, cloud: Any) -> None:
    """Settings have no rate, until the server has one."""
    device = min_.devices[0]
    client.pause = 0
    assert await client.read(min_, device, "charge_power") == "70"
    assert await client.read(min_, device, "charge_power") == "70"
    cloud.undocumented = 10
    assert await client.read(min_, device, "charge_power") == "70"
    path = "readMinParam"
    given = {"device_sn": device.sn, "paramId": "charge_power"}
    assert await client.code(min_, path, **given) == 10012
    client.pause = 10
    assert await client.code(min_, path, **given) == 0


# Plants and devices


async def test_units_of_the_plant_differ_by_endpoint(client: Client, old: Any) -> None:
    """Power is W as a string in the list, kW in the data, W in the day."""
    plant = old.plants[0]
    client.pause = 0
    listed = (await client.get(old, "plant/list"))["plants"][0]
    data = await client.get(old, "plant/data", plant_id=plant.id)
    power = plant.truth(plant.published(client.sim.clock.seconds()))[""]["pv_power"]
    assert isinstance(listed["current_power"], str)
    assert float(listed["current_power"]) == pytest.approx(power, abs=0.1)
    assert data["current_power"] == pytest.approx(power / 1000, abs=0.001)
    assert isinstance(data["today_energy"], str)
    assert data["timezone"] == "GMT+1"
    day = await client.get(
        old, "plant/power", plant_id=plant.id, date="2026-06-17",
        timezone_id="Europe/Berlin",
    )  # fmt: skip
    assert day["powers"][0]["power"] == pytest.approx(power, rel=0.2)
    assert day["powers"][0]["time"].startswith("2026-06-17 11:5")
    utc = await client.get(old, "plant/power", plant_id=plant.id, date="2026-06-17")
    assert utc["powers"][0]["time"].startswith("2026-06-17 09:5")


async def test_codes_of_the_plant_endpoints(client: Client, old: Any) -> None:
    """An unknown plant and none are other codes in the lists of devices."""
    for path in ("plant/details", "plant/data"):
        assert await client.code(old, path, "GET", plant_id=1) == 10002
        assert await client.code(old, path, "GET") == 10003
    for path in ("device/list", "device/datalogger/list"):
        assert await client.code(old, path, "GET") == 10002
        assert await client.code(old, path, "GET", plant_id=1) == 10003
    plant = {"plant_id": old.plants[0].id}
    assert await client.code(old, "plant/power", "GET", **plant, date="today") == 10003
    days = {"start_date": "17.6.2026", "end_date": "2026-06-17"}
    assert await client.code(old, "plant/energy", "GET", **plant, **days) == 10004
    assert await client.code(old, "device/list", "GET", **plant, perpage=101) == 10013
    assert await client.code(old, "device/list", "GET", **plant, page=251) == 10014


async def test_list_of_devices(client: Client, spa: Any, old: Any) -> None:
    """Meters and sensors have neither a serial, nor a status."""
    plant = spa.plants[0]
    found = await client.get(spa, "device/list", plant_id=plant.id)
    rows = {row["type"]: row for row in found["devices"]}
    assert [row["type"] for row in found["devices"]] == [6, 4, 3, 3]
    assert rows[3]["device_sn"] == "ENV_DEVICE"
    assert rows[3]["device_id"] == ""
    assert "lost" not in rows[3]
    assert "status" not in rows[3]
    assert rows[4]["lost"] is False
    second = await client.get(spa, "device/list", plant_id=plant.id, page=2, perpage=3)
    assert (second["count"], len(second["devices"])) == (4, 1)
    types = await client.get(old, "device/list", plant_id=old.plants[0].id)
    assert [row["type"] for row in types["devices"]] == [1, 2]


async def test_lost_is_true_in_the_list_only_when_it_is(
    client: Client, min_: Any
) -> None:
    """The data always say lost; the list knows."""
    plant = min_.plants[0]
    assert (await client.newest(min_, plant.devices[0]))["lost"] is True
    listed = await client.get(min_, "device/list", plant_id=plant.id)
    assert listed["devices"][0]["lost"] is False
    client.sim.fault("logger_offline", account="min")
    client.sim.clock.advance(1800)
    listed = await client.get(min_, "device/list", plant_id=plant.id)
    assert listed["devices"][0]["lost"] is True


async def test_meters_and_sensors(client: Client, spa: Any, min_: Any) -> None:
    """They are found by data logger and address; import is positive."""
    plant = spa.plants[0]
    logger = plant.loggers[0]
    serial = {"datalog_sn": logger.sn}
    meters = await client.get(spa, "device/ammeter/meter_list", **serial)
    assert meters["meters"][0]["address"] == 1
    sensors = await client.get(spa, "device/env/env_list", **serial)
    assert sensors["envs"][0]["address"] == 2
    where = {**serial, "address": 1}
    data = await client.get(spa, "device/ammeter/meter_last_data", **where)
    truth = plant.truth(plant.published(client.sim.clock.seconds()))
    meter = truth[f"{logger.sn}_1"]
    assert data["activePower"] == pytest.approx(meter["grid_power"], abs=0.1)
    assert data["positiveActiveTotalEnergy"] == pytest.approx(
        meter["grid_import_energy"], abs=0.1
    )
    where["address"] = 2
    data = await client.get(spa, "device/env/env_last_data", **where)
    at = plant.published(client.sim.clock.seconds())
    sensor = plant.truth(at)[f"{logger.sn}_2"]
    assert data["radiant"] == pytest.approx(sensor["irradiance"], abs=0.1)
    path = "device/ammeter/meter_last_data"
    assert await client.code(spa, path, "GET", **where) == 10004
    days = {"start_date": "2026-06-16", "end_date": "2026-06-17"}
    where["address"] = 1
    found = await client.get(spa, "device/ammeter/meter_data", **where, **days)
    assert len(found["meter_data"]) == 20
    assert found["count"] > 400
    none = min_.plants[1].loggers[0].sn
    found = await client.get(min_, "device/ammeter/meter_list", datalog_sn=none)
    assert found["count"] == 0


# Newest data


async def test_every_field_of_the_document(client: Client, old: Any) -> None:
    """Types 1 and 2 have all fields of the document's tables."""
    inverter, storage = old.plants[0].devices
    assert fields(INVERTER_FIELDS) <= (await client.newest(old, inverter)).keys()
    assert fields(STORAGE_FIELDS) <= (await client.newest(old, storage)).keys()
    info = await client.get(old, "device/inverter/inv_data_info", device_sn=inverter.sn)
    assert fields(INFO_FIELDS) <= info.keys()
    days = {"start_date": "2026-06-17", "end_date": "2026-06-17"}
    serial = {"device_sn": inverter.sn}
    found = await client.get(old, "device/inverter/data", **serial, **days)
    assert fields(HISTORY_FIELDS) <= found["datas"][0].keys()
    assert isinstance(found["datas"][0]["today_energy"], str)


async def test_data_are_the_truth_at_their_time(client: Client, cloud: Any) -> None:
    """Every family tells what is true, in W and kWh."""
    names = {
        "inverter": ("pac", "powerToday", "powerTotal"),
        "max": ("pac", "eacToday", "eacTotal"),
        "tlx": ("pac", "eacToday", "eacTotal"),
        "mix": ("pac", "eacToday", "eacTotal"),
    }
    for account in cloud.accounts.values():
        for device in account.devices:
            data = await client.newest(account, device)
            at = device.published(client.sim.clock.seconds())
            assert data["time"] == f"{device.plant.local(at):%Y-%m-%d %H:%M:%S}"
            truth = device.plant.truth(at)[device.sn]
            if device.family.name not in names:
                continue
            power, today, total = names[device.family.name]
            output = data[power] - data.get("acChargePower", 0)
            assert output == pytest.approx(truth["inverter_power"], abs=0.1)
            assert data[today] == pytest.approx(
                truth["inverter_energy_today"], abs=0.06
            )
            assert data[total] == pytest.approx(truth["inverter_energy"], abs=0.06)


async def test_storage_data(client: Client, old: Any) -> None:
    """A storage machine has two channels that are the whole together."""
    device = old.plants[0].devices[1]
    data = await client.newest(old, device)
    at = device.published(client.sim.clock.seconds())
    truth = device.plant.truth(at)[device.sn]
    assert data["ppv"] + data["ppv2"] == pytest.approx(truth["pv_power"], abs=0.2)
    power = (
        data["pDischarge"] + data["pDischarge2"] - data["pCharge"] - data["pCharge2"]
    )
    assert power == pytest.approx(truth["battery_power"], abs=0.2)
    grid = data["pacToUser"] - data["pacToGrid"]
    assert grid == pytest.approx(truth["grid_power"], abs=0.2)
    charged = data["eChargeTotal"] + data["eChargeTotal2"]
    assert charged == pytest.approx(truth["battery_charge_energy"], abs=0.06)
    assert data["capacity"] == round(truth["battery_soc"])
    device.without_battery = True
    device.plant.mad_totals = True
    data = await client.newest(old, device)
    assert data["capacity"] == 0
    assert data["eToGridTotal"] > 1e6


async def test_min_has_a_ghost_and_spa_a_neighbour(
    client: Client, min_: Any, spa: Any
) -> None:
    """The MIN tells of a battery that is not there, the SPA of the MAX."""
    data = await client.newest(min_, min_.devices[0])
    assert data["bdc2ChargeTotal"] > 0
    assert data["bdc2Vbat"] == 0
    assert "epvToday" not in data
    storage, inverter = spa.devices
    data = await client.newest(spa, storage)
    at = storage.published(client.sim.clock.seconds())
    other = storage.plant.truth(at)[inverter.sn]["inverter_power"]
    assert data["ppvInverter"] == pytest.approx(other, abs=0.1)


async def test_batches(client: Client, spa: Any, old: Any) -> None:
    """A batch holds what is known, under its serial twice; strangers are left out."""
    inverter = spa.devices[1]
    answer = await client.answer(
        spa, "POST", "device/max/maxs_data", maxs=f"{inverter.sn},STRANGER", pageNum=1
    )
    assert answer["maxs"] == [inverter.sn, "STRANGER"]
    assert answer["pageNum"] == 1
    assert list(answer["data"]) == [inverter.sn]
    assert answer["data"][inverter.sn][inverter.sn]["serialNum"] == inverter.sn
    serials = ",".join(d.sn for d in old.devices if d.family.name == "inverter")
    data = await client.post(
        old, "device/inverter/invs_data", inverters=serials, pageNum=1
    )
    assert len(data) == 2


async def test_device_that_is_not_there(client: Client, cloud: Any) -> None:
    """No endpoint knows another account's device."""
    stranger = cloud.others["unbound"]
    for account in cloud.accounts.values():
        for device in account.devices:
            family = device.family
            if family.name != "inverter":
                path = f"device/{family.name}/{family.name}_last_data"
                given = {family.serial: device.sn}
                host = account.fields["host"]
                if account.region == "eu":
                    found = await client.code(stranger, path, host=host, **given)
                    assert found == 10002


# The past


async def test_history_of_devices(client: Client, cloud: Any) -> None:
    """At most seven days, a hundred a page, in the zone that was asked for."""
    for account in cloud.accounts.values():
        for device in account.devices:
            family = device.family
            if family.name == "inverter":
                continue
            path = f"device/{family.name}/{family.name}_data"
            given = {family.serial: device.sn, "start_date": "2026-06-10"}
            week = {"end_date": "2026-06-17", "perpage": 100}
            found = await client.post(account, path, **given, **week)
            assert len(found["datas"]) == 100
            assert found["count"] > 800
            long = {"end_date": "2026-06-18"}
            assert await client.code(account, path, **given, **long) == 10004
            odd = {family.serial: device.sn, "start_date": "x", "end_date": "y"}
            assert await client.code(account, path, **odd) == 10003
            gone = given | {family.serial: "STRANGER"} | long
            assert await client.code(account, path, **gone) == 10005
            assert await client.code(account, path, start_date="2026-06-10") == 10002


async def test_history_of_an_old_inverter(client: Client, old: Any) -> None:
    """The document names it by its id, the service of today by its serial."""
    device = old.plants[1].devices[0]
    path = "device/inverter/data"
    days = {"start_date": "2026-06-17", "end_date": "2026-06-17", "perpage": 1000}
    by_number = {"device_id": device.number} | days
    assert await client.code(old, path, "GET", **by_number) == 10002
    zone = {"timezone_id": "Europe/Berlin"}
    given = {"device_sn": device.sn, **days, **zone}
    assert await client.code(old, path, "GET", **given) == 10013
    found = await client.get(old, path, **(given | {"perpage": 100}))
    assert found["datas"][-1]["time"].startswith("2026-06-17 04:")
    device.dialect = "document"
    assert await client.code(old, path, "GET", **by_number) == 0
    found = await client.get(
        old, "device/inverter/day_energy", device_sn=device.sn, date="2026-06-16"
    )
    assert found > 0


async def test_energy_of_the_plant(client: Client, old: Any) -> None:
    """By day, month and year, as strings; the days are the plant's."""
    plant = old.plants[0]
    given = {"plant_id": plant.id, "start_date": "2026-06-15", "end_date": "2026-06-16"}
    found = await client.get(old, "plant/energy", **given)
    assert found["time_unit"] == "day"
    start = datetime(2026, 6, 14, 22, tzinfo=UTC).timestamp()
    rows = plant.home.energy(start, start + DAY)["pv_energy"]
    assert float(found["energys"][0]["energy"]) == pytest.approx(
        sum(value for _, value in rows), abs=0.06
    )
    given = {"plant_id": plant.id, "start_date": "2026-05", "end_date": "2026-06"}
    found = await client.get(old, "plant/energy", **given, time_unit="month")
    assert [row["date"] for row in found["energys"]] == ["2026-05-01", "2026-06-01"]
    given = {"plant_id": plant.id, "start_date": "2025", "end_date": "2026"}
    found = await client.get(old, "plant/energy", **given, time_unit="year")
    assert float(found["energys"][1]["energy"]) > 0
    assert found["energys"][0]["energy"] == "0.0"


async def test_alarms(client: Client, old: Any, min_: Any) -> None:
    """A device's faults are alarms of their day, and codes in its data."""
    device = min_.devices[0]
    client.sim.fault("device_fault", device=device.sn, code=302, message="No AC")
    client.sim.clock.advance(600)
    data = await client.newest(min_, device)
    assert (data["status"], data["faultType"]) == (3, 302)
    path = "device/tlx/alarm_data"
    found = await client.post(min_, path, tlx_sn=device.sn, date="2026-06-17")
    assert found["count"] == 1
    assert found["alarms"][0]["alarm_code"] == 302
    assert found["tlx_sn"] == device.sn
    assert await client.code(min_, path, tlx_sn=device.sn, date="now") == 10003
    assert await client.code(min_, path, tlx_sn="X", date="2026-06-17") == 10005
    found = await client.get(
        old, "device/inverter/alarm", device_sn=old.devices[0].sn, date="2026-06-17"
    )
    assert found == {"count": 0, "alarms": [], "sn": old.devices[0].sn}


# Settings


async def test_every_setting_is_held_and_read_back(client: Client, cloud: Any) -> None:
    """What is written is what is read."""
    client.pause = 5
    told = {
        "inverter": ("pv_active_p_rate", "64"),
        "max": ("pv_active_p_rate", "71"),
        "storage": ("storage_ac_charge_soc_limit", "55"),
        "mix": ("mix_load_flast_value_multi", "18"),
        "spa": ("spa_load_flast", "19"),
        "tlx": ("charge_stop_soc", "88"),
    }
    assert told.keys() == {family.name for family in FAMILIES}
    for account in cloud.accounts.values():
        for device in account.devices:
            kind, value = told[device.family.name]
            assert await client.set_up(account, device, kind, value) == 0
            assert await client.read(account, device, kind) == value


async def test_codes_of_the_set_endpoints(client: Client, old: Any, min_: Any) -> None:
    """10002 to 10013 mean other things there than elsewhere."""
    client.pause = 5
    device = old.plants[0].devices[1]
    kind = "storage_ac_charge_soc_limit"
    assert await client.code(old, "storageSet", type=kind, param1="50") == 10004
    other = {"storage_sn": "STRANGER", "type": kind, "param1": "50"}
    assert await client.code(old, "storageSet", **other) == 10012
    assert await client.set_up(old, device, "storage_colour", "1") == 10006
    assert await client.set_up(old, device, kind, "") == 10007
    assert await client.set_up(old, device, kind, "81") == 10008
    assert await client.set_up(old, device, "storage_cmd_sys_year", "noon") == 10009
    window = "storage_cmd_forced_discharge_time1"
    assert await client.set_up(old, device, window, 18, 0, 17, 0) == 10013
    tlx = min_.devices[0]
    given = {"tlx_sn": tlx.sn, "type": "charge_power", "param1": "50"}
    assert await client.code(min_, "tlxSet", **given) == 10007
    client.sim.fault("logger_offline", account="old")
    assert await client.set_up(old, device, kind, "50") == 10005
    given = {"device_sn": device.sn, "paramId": kind}
    assert await client.code(old, "readStorageParam", **given) == 10005
    client.sim.clear_faults()
    client.sim.clock.set(datetime(2026, 6, 17, 23, tzinfo=UTC))
    asleep = old.plants[1].devices[0]
    assert await client.set_up(old, asleep, "pv_active_p_rate", "50") == 10003
    given = {"device_sn": asleep.sn, "paramId": "pv_active_p_rate"}
    assert await client.code(old, "readInverterParam", **given) == 10003
    given["device_sn"] = "STRANGER"
    assert await client.code(old, "readInverterParam", **given) == 10002


async def test_dialects(client: Client, old: Any) -> None:
    """The document's names and words, or those of today: never both."""
    client.pause = 5
    device = old.plants[0].devices[1]
    today, then = (
        "storage_ac_charge_enable_disenable",
        "storage_ac_charge_enable_disable",
    )
    assert await client.set_up(old, device, today, "1") == 0
    assert await client.set_up(old, device, then, "1") == 10006
    assert await client.set_up(old, device, "storage_cmd_on_off", "0101") == 10008
    device.dialect = "document"
    assert await client.set_up(old, device, today, "1") == 10006
    assert await client.set_up(old, device, then, "0") == 0
    assert await client.read(old, device, then) == "0"
    assert await client.set_up(old, device, "storage_cmd_on_off", "0001") == 10008
    assert await client.set_up(old, device, "storage_cmd_on_off", "0101") == 0


async def test_true_host(client: Client, min_: Any, cloud: Any) -> None:
    """A plant may live on another host for writes, while reading works here."""
    plant = min_.plants[0]
    plant.set_region = "au"
    device = plant.devices[0]
    answer = await client.answer(
        min_, "POST", "tlxSet", tlx_sn=device.sn, type="charge_power", param1="60"
    )
    assert answer["error_code"] == 10002
    assert answer["error_msg"] == "error_useTrueHostToSet"
    await client.newest(min_, device)
    found = await client.set_up(
        min_, device, "charge_power", "60", host=cloud.urls["au"]
    )
    assert found == 0
    assert device.settings["chargePowerCommand"] == "60"
    found = await client.set_up(
        min_, device, "charge_power", "60", host=cloud.urls["us"]
    )
    assert found == 10011


async def test_min_settings(client: Client, min_: Any) -> None:
    """Segments may not overlap; a limit below the floor does not stick."""
    device = min_.devices[0]
    assert await client.set_up(
        min_, device, "time_segment3", "1", 13, 0, 14, 30, "1"
    ) == 0  # fmt: skip
    info = await client.get(min_, "device/tlx/tlx_set_info", device_sn=device.sn)
    assert info["time3Mode"] == 1
    assert info["forcedTimeStart3"] == "13:0"
    assert info["forcedStopSwitch3"] == 1
    nested = await client.get(min_, "device/tlx/tlx_data_info", device_sn=device.sn)
    assert nested["tlxSetbean"]["forcedTimeStop3"] == "14:30"
    values = ["1", 14, 0, 15, 0, "1", *[""] * 13]
    given = {f"param{n}": v for n, v in enumerate(values, start=1)}
    status, text = await client.raw(
        min_, "POST", "tlxSet", tlx_sn=device.sn, type="time_segment4", **given
    )
    assert status == 500
    assert text.startswith("<!DOCTYPE html>")
    assert await client.set_up(min_, device, "on_grid_discharge_stop_soc", "4") == 0
    assert device.settings["onGridDischargeStopSOC"] == "12"
    device.refuses_repeats = True
    assert await client.set_up(min_, device, "ac_charge", "1") == 10001


async def test_mix_settings_are_rewritten_as_a_whole(client: Client, sph: Any) -> None:
    """One call rewrites power, stop SOC and all three periods."""
    device = sph.devices[0]
    periods = [1, 30, 4, 0, "1", 0, 0, 0, 0, "0", 0, 0, 0, 0, "0"]
    kind = "mix_ac_charge_time_period"
    assert await client.set_up(sph, device, kind, 65, 91, "1", *periods) == 0
    info = await client.get(sph, "device/mix/mix_data_info", device_sn=device.sn)
    assert info["wchargeSOCLowLimit2"] == 91
    assert info["chargePowerCommand"] == 65
    assert info["forcedChargeTimeStart1"] == "1:30"
    assert info["forcedChargeStopSwitch1"] == 1
    assert "wchargeSOCLowLimit" not in info
    kind = "mix_ac_discharge_time_period"
    assert await client.set_up(sph, device, kind, 50, 30, *periods) == 0
    assert device.settings["wdisChargeSOCLowLimit2"] == "30"


async def test_spa_tells_its_switches_by_other_names(client: Client, spa: Any) -> None:
    """The SPA has batFirstSwitch and gridFirstSwitch."""
    device = spa.devices[0]
    periods = [1, 30, 4, 0, "1", *[0, 0, 0, 0, "0"] * 2]
    kind = "spa_ac_charge_time_period"
    assert await client.set_up(spa, device, kind, 65, 91, "0", *periods) == 0
    info = await client.get(spa, "device/spa/spa_data_info", device_sn=device.sn)
    assert info["batFirstSwitch1"] == 1
    assert info["activePRate"] == 100
    assert "forcedChargeStopSwitch1" not in info


async def test_clock_of_the_device(client: Client, min_: Any, old: Any) -> None:
    """The device's clock drifts until it is set."""
    client.pause = 0
    device = min_.devices[0]
    info = await client.get(min_, "device/tlx/tlx_set_info", device_sn=device.sn)
    assert info["sysTime"] == "2026-06-17 11:01:11"
    assert await client.set_up(min_, device, "pf_sys_year", "2026-06-17 11:00:30") == 0
    assert device.clock_offset == 0
    storage = old.plants[0].devices[1]
    kind = "storage_cmd_sys_year"
    assert await client.set_up(old, storage, kind, "2026-06-17 12:02") == 0
    assert await client.read(old, storage, kind) == "2026-06-17 12:02:00"


# What the settings do


async def test_segments_act(client: Client, min_: Any) -> None:
    """Battery first charges from the grid, grid first discharges, in their time."""
    client.pause = 5
    device = min_.devices[0]
    device.clock_offset = 0
    assert await client.set_up(min_, device, "charge_stop_soc", "100") == 0
    segment = ("1", 11, 5, 11, 30, "1")
    assert await client.set_up(min_, device, "time_segment3", *segment) == 0
    home, clock = device.home, client.sim.clock
    clock.set(datetime(2026, 6, 17, 10, 10, tzinfo=UTC))
    state = home.state(clock.seconds())
    assert state.orders.mode == "force_charge"
    assert state.flow.battery == pytest.approx(-0.7 * 5000, rel=0.01)
    assert await client.set_up(min_, device, "ac_charge", "0") == 0
    assert home.state(clock.seconds()).orders.mode == "charge_priority"
    segment = ("2", 11, 5, 11, 30, "1")
    assert await client.set_up(min_, device, "discharge_power", "40") == 0
    assert await client.set_up(min_, device, "time_segment3", *segment) == 0
    state = home.state(clock.seconds())
    assert state.orders.mode == "force_discharge"
    assert state.orders.label == "time_of_use"
    clock.set(datetime(2026, 6, 17, 10, 31, tzinfo=UTC))
    assert home.state(clock.seconds()).orders.mode == "self_consumption"


async def test_storage_windows_act(client: Client, old: Any) -> None:
    """The flag of the forced discharge is inverted."""
    client.pause = 5
    device = old.plants[0].devices[1]
    home, clock = device.home, client.sim.clock
    window = "storage_cmd_forced_discharge_time1"
    assert await client.set_up(old, device, window, 12, 0, 13, 0) == 0
    flag = "storage_cmd_forced_discharge_enable"
    assert await client.set_up(old, device, flag, "1") == 0
    assert home.state(clock.seconds()).orders.mode == "self_consumption"
    assert await client.set_up(old, device, flag, "0") == 0
    assert home.state(clock.seconds()).orders.mode == "force_discharge"
    assert await client.set_up(old, device, flag, "1") == 0
    window = "storage_ac_charge_hour_start"
    assert await client.set_up(old, device, window, 12, 0, 13, 0) == 0
    charge = "storage_ac_charge_enable_disenable"
    assert await client.set_up(old, device, charge, "1") == 0
    assert home.state(clock.seconds()).orders.target == 70


async def test_remote_command(client: Client, sph: Any, min_: Any) -> None:
    """A remote command runs for its minutes, where the account may give one."""
    client.pause = 10
    device = sph.devices[0]
    home, clock = device.home, client.sim.clock
    clock.set(datetime(2026, 6, 17, 12, tzinfo=UTC))
    given = {"vppSn": device.sn, "time": 10, "percentage": 25}
    answer = await client.answer(sph, "POST", "vppRemoteSetNew", **given)
    assert answer == {"data": 0, "error_code": 0, "error_msg": ""}
    state = home.state(clock.seconds())
    assert state.flow.battery == pytest.approx(-1500, rel=0.01)
    answer = await client.answer(sph, "POST", "device/vpp/getSocData", vppSn=device.sn)
    assert answer["soc"] == pytest.approx(state.soc, abs=2)
    assert answer["sn"] == device.sn
    clock.advance(600)
    assert home.state(clock.seconds()).orders.mode == "self_consumption"
    given["percentage"] = -101
    assert await client.code(sph, "vppRemoteSetNew", **given) == 10008
    given |= {"vppSn": "STRANGER", "percentage": 1}
    assert await client.code(sph, "vppRemoteSetNew", **given) == 10012
    given["vppSn"] = min_.devices[0].sn
    assert await client.code(min_, "vppRemoteSetNew", **given) == 10011


async def test_export_limit_needs_a_meter(client: Client, min_: Any) -> None:
    """With a meter the export is limited, without nothing happens."""
    client.pause = 5
    clock = client.sim.clock
    hybrid, simple = min_.devices
    for device in (hybrid, simple):
        assert await client.set_up(min_, device, "backflow_setting", "1", "5") == 0
    limit = hybrid.home.state(clock.seconds()).orders.export_limit
    assert limit == pytest.approx(0.05 * 5000)
    flow = simple.home.state(clock.seconds()).flow
    assert flow.inverter == pytest.approx(flow.pv * 0.97)


async def test_power_rate_and_switch(client: Client, spa: Any, old: Any) -> None:
    """A MAX and an old inverter are limited and switched off."""
    client.pause = 5
    clock = client.sim.clock
    inverter = spa.devices[1]
    assert await client.set_up(spa, inverter, "pv_active_p_rate", "10") == 0
    assert inverter.home.state(clock.seconds()).flow.pv <= 1000
    alone = old.plants[1].devices[0]
    assert await client.set_up(old, alone, "pv_on_off", "0000") == 0
    assert alone.home.state(clock.seconds()).flow.pv == 0
    assert await client.read(old, alone, "pv_on_off") == "0000"
    assert await client.set_up(old, alone, "pv_on_off", "0001") == 0
    assert alone.home.state(clock.seconds()).flow.pv > 0
    command = client.sim.commands[-1]
    assert (command.account, command.what, command.value) == (
        "old", "inverter pv_on_off", "0001",
    )  # fmt: skip


# Faults


async def test_faults_of_writes(client: Client, min_: Any) -> None:
    """A write may be said to be done, and not be, or be later."""
    client.pause = 5
    device = min_.devices[0]
    client.sim.fault("accepted_not_done", endpoint="/v1/tlxSet", count=1)
    assert await client.set_up(min_, device, "charge_power", "33") == 0
    assert device.settings["chargePowerCommand"] == "70"
    client.sim.fault("done_late", endpoint="/v1/tlxSet", count=1, seconds=60)
    assert await client.set_up(min_, device, "charge_power", "33") == 0
    assert device.settings["chargePowerCommand"] == "70"
    client.sim.clock.advance(60)
    assert await client.read(min_, device, "charge_power") == "33"


async def test_faults_of_data(client: Client, min_: Any) -> None:
    """Single fields change, fall back, or stay."""
    device = min_.devices[0]
    true = (await client.newest(min_, device))["epvTotal"]
    fault = client.sim.fault
    fault("dip_counters", count=1)
    data = await client.newest(min_, device)
    assert data["epvTotal"] == 0
    assert data["pac"] > 0
    fault("vendor_correction", variable="epvTotal", delta=-5)
    assert (await client.newest(min_, device))["epvTotal"] < true
    client.sim.clear_faults()
    fault("value", variable="bmsSoc", value="null", count=1)
    assert (await client.newest(min_, device))["bmsSoc"] == "null"
    fault("missing", variable="bmsSoc", count=1)
    assert "bmsSoc" not in await client.newest(min_, device)
    fault("strings", count=1)
    data = await client.newest(min_, device)
    assert isinstance(data["ppv"], str)
    fault("frozen", account="min")
    first = await client.newest(min_, device)
    second = await client.newest(min_, device)
    assert first["epvTotal"] == second["epvTotal"]
    assert first["time"] < second["time"]


async def test_late_midnight(client: Client, min_: Any) -> None:
    """Today's values may stay yesterday's for some minutes."""
    device = min_.devices[0]
    client.sim.fault("late_midnight", minutes=20)
    client.sim.clock.set(datetime(2026, 6, 17, 23, 4, tzinfo=UTC))
    data = await client.newest(min_, device)
    assert data["time"].startswith("2026-06-18 00:0")
    assert data["elocalLoadToday"] > 5
    client.sim.clock.advance(900)
    assert (await client.newest(min_, device))["elocalLoadToday"] < 1


async def test_faults_of_the_cloud(client: Client, min_: Any) -> None:
    """The firewall answers HTML, the service any code."""
    plant = {"plant_id": min_.plants[0].id}
    page = "<html>405 ... potential threats</html>"
    client.sim.fault("status", status=405, body=page, count=1)
    assert await client.raw(min_, "GET", "plant/data", **plant) == (405, page)
    client.sim.fault("errno", errno=-1, count=1)
    assert await client.code(min_, "plant/data", "GET", **plant) == -1
    client.sim.fault("refused_token", count=1)
    assert await client.code(min_, "plant/data", "GET", **plant) == 10011
    client.sim.fault("null_result", count=1)
    assert await client.get(min_, "plant/data", **plant) is None
    assert (await client.raw(min_, "POST", "plant/data", **plant))[0] == 405
    assert (await client.raw(min_, "GET", "plant/garden", **plant))[0] == 404


async def test_device_that_left(client: Client, spa: Any) -> None:
    """A device that has left is in no list and in no batch."""
    inverter = spa.devices[1]
    client.sim.fault("device_gone", device=inverter.sn)
    found = await client.get(spa, "device/list", plant_id=spa.plants[0].id)
    assert inverter.sn not in {row["device_sn"] for row in found["devices"]}
    data = await client.post(spa, "device/max/maxs_data", maxs=inverter.sn, pageNum=1)
    assert data == {}


async def test_small_answers(client: Client, old: Any, min_: Any) -> None:
    """Serial numbers lead to types, plants and loggers."""
    device = old.devices[0]
    found = await client.get(old, "device/check/sn", dataloggerSn=device.sn)
    assert found["dtype"] == 16
    found = await client.post(old, "plant/sn_plant", device_sn=device.sn)
    assert str(found["plant"]["plant_id"]) == old.plants[0].id
    found = await client.post(old, "device/sn_datalog", device_sn=device.sn)
    assert found["datalogSN"] == device.logger.sn
    serial = min_.devices[0].sn
    assert await client.code(old, "plant/sn_plant", device_sn=serial) == 10005
    path = "device/datalogger/validate"
    assert await client.code(old, path, datalogSn="X") == 10001
    assert await client.code(old, path, datalogSn="X" * 10) == 10002
    assert await client.code(old, path, datalogSn=device.logger.sn) == 10003


async def test_details(client: Client, sph: Any) -> None:
    """A plant's details have place, zone and power."""
    plant = sph.plants[0]
    found = await client.get(sph, "plant/details", plant_id=plant.id)
    assert found["timezone"] == "GMT-7"
    assert found["peak_power"] == 6.6
    assert float(found["latitude"]) == 33.45
    loggers = await client.get(sph, "device/datalogger/list", plant_id=plant.id)
    assert loggers["dataloggers"][0]["sn"] == plant.loggers[0].sn
    assert loggers["dataloggers"][0]["lost"] is False
