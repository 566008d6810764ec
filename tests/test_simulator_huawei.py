"""The simulated FusionSolar cloud speaks as the document and the captured answers do."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from yarl import URL

from tests.consent import consent
from tests.simulator import Simulator
from tests.simulator.huawei import devices as kinds
from tests.simulator.huawei.plant import Alarm

NOON = datetime(2026, 6, 17, 10, 2, 0, tzinfo=UTC)
BACK = "https://home.example/callback"

pytestmark = pytest.mark.usefixtures("socket_enabled")

LOGIN, LOGOUT = "/thirdData/login", "/thirdData/logout"
STATIONS, DEVICES = "/thirdData/stations", "/thirdData/getDevList"
STATION_REAL, DEVICE_REAL = (
    "/thirdData/getStationRealKpi",
    "/thirdData/getDevRealKpi",
)
HISTORY, ALARMS = "/thirdData/getDevHistoryKpi", "/thirdData/getAlarmList"
PVMS = "/rest/openapi/pvms"
CHARGE = f"{PVMS}/nbi/v2/control/charge-and-discharge/async-task"
CHARGE_STATUS = f"{PVMS}/v1/vpp/chargeAndDischargeStatus"
MODE = f"{PVMS}/nbi/v1/control/battery/mode/"
LIMITS = f"{PVMS}/nbi/v1/control/battery/configuration/"
POWER = f"{PVMS}/nbi/v2/control/active-power-control/"
AUTH = "/rest/dp/uidm/oauth2/v1"
ALL_DAYS = [1, 2, 3, 4, 5, 6, 7]


class Client:
    """A client of one account."""

    def __init__(
        self, sim: Simulator, session: aiohttp.ClientSession, name: str
    ) -> None:
        """Talk to a simulator."""
        self.sim = sim
        self.session = session
        self.account = sim.account(name)
        self.headers: dict[str, str] = {}
        self.refresh = ""

    @property
    def plant(self) -> Any:
        """Return the first plant of the account."""
        return self.account.plants[0]

    @property
    def at(self) -> float:
        """Return the present."""
        return self.sim.clock.seconds()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(seconds)

    async def post(
        self, path: str, body: Any = None, *, status: int = 200, **form: Any
    ) -> Any:
        """Return an answer."""
        url = self.sim.url("huawei") + path
        given: dict[str, Any] = {"data": form} if form else {"json": body or {}}
        async with self.session.post(url, headers=self.headers, **given) as answer:
            text = await answer.text()
            assert answer.status == status, text
            token = answer.headers.get("XSRF-TOKEN")
        if token:
            self.headers = {"XSRF-TOKEN": token}
        return json.loads(text)

    async def sign_in(self) -> dict[str, Any]:
        """Sign in by the account's way."""
        fields = self.account.fields
        if "username" in fields:
            name, word = fields["username"], fields["password"]
            return await self.login(name, word)
        query = {
            "response_type": "code",
            "client_id": fields["client_id"],
            "redirect_uri": BACK,
            "state": "short",
        }
        url = URL(self.sim.url("huawei") + AUTH) / "authorize"
        back = await consent(self.session, str(url.with_query(query)))
        code = parse_qs(urlsplit(back).query)["code"][0]
        return await self.tokens(
            grant_type="authorization_code", code=code, redirect_uri=BACK
        )

    async def login(self, name: str, word: str) -> dict[str, Any]:
        """Log in to an API account."""
        found: dict[str, Any] = await self.post(
            LOGIN, {"userName": name, "systemCode": word}
        )
        return found

    async def tokens(self, **form: Any) -> dict[str, Any]:
        """Fetch tokens, and use them from now on."""
        fields = self.account.fields
        who: dict[str, Any] = {
            "client_id": fields["client_id"],
            "client_secret": fields["client_secret"],
        }
        found: dict[str, Any] = await self.post(f"{AUTH}/token", **(who | form))
        self.headers = {"Authorization": f"Bearer {found['access_token']}"}
        self.refresh = found["refresh_token"]
        return found

    async def code(self, path: str, body: Any = None) -> int:
        """Return the failCode of an answer."""
        answer = await self.post(path, body)
        number: int = answer["failCode"]
        assert answer.get("success", False) is (number in (0, 1))
        return number

    async def items(self, kind: int, n: int = 0, plant: Any = None) -> dict[str, Any]:
        """Return what a device says now."""
        device = (plant or self.plant).of(kind)[n]
        answer = await self.post(
            DEVICE_REAL, {"devIds": str(device.id), "devTypeId": kind}
        )
        assert answer["failCode"] == 0, answer
        found: dict[str, Any] = answer["data"][0]["dataItemMap"]
        return found

    async def station(self) -> dict[str, Any]:
        """Return what the plant says now."""
        answer = await self.post(STATION_REAL, {"stationCodes": self.plant.id})
        found: dict[str, Any] = answer["data"][0]["dataItemMap"]
        return found

    async def charge(self, switch: int, **given: Any) -> dict[str, Any]:
        """Deliver a task to charge, discharge or stop."""
        task = {"plantCode": self.plant.id, "dispatchSwitch": switch, **given}
        found: dict[str, Any] = await self.post(CHARGE, {"tasks": [task]})
        return found

    async def deliver(self, path: str, *plants: Any, **given: Any) -> dict[str, Any]:
        """Deliver a task with settings."""
        rows = [{"plantCode": p.id, **given} for p in plants or (self.plant,)]
        found: dict[str, Any] = await self.post(f"{path}async-task", {"tasks": rows})
        return found

    async def ended(self, path: str, task: dict[str, Any]) -> dict[str, Any]:
        """Return how a task ended, after as long as it takes."""
        self.wait(100)
        answer = await self.post(f"{path}task-info", {"taskId": task["data"]["taskId"]})
        found: dict[str, Any] = answer["data"]["dispatchResult"][0]
        return found

    def truth(self) -> dict[str, Any]:
        """Return the truth of what the cloud shows."""
        found: dict[str, Any] = self.plant.truth(self.plant.published(self.at))
        return found


@pytest.fixture
async def sim() -> AsyncGenerator[Simulator]:
    """Return a running simulator whose clock stands still."""
    async with Simulator(
        now=lambda: NOON, vendors=("huawei",), seed=5, history_days=60
    ) as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    """Return a session without cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as found:
        yield found


@pytest.fixture
async def home(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    """Return a client of the API account, signed in."""
    client = Client(sim, session, "home")
    await client.sign_in()
    return client


@pytest.fixture
async def emma(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    """Return a client of the owner with the controller, signed in."""
    client = Client(sim, session, "emma")
    await client.sign_in()
    return client


@pytest.fixture
async def owner(sim: Simulator, session: aiohttp.ClientSession) -> Client:
    """Return a client of the owner of two inverters, signed in."""
    client = Client(sim, session, "owner")
    await client.sign_in()
    return client


# --- signing in -----------------------------------------------------------------------


async def test_login_envelope(home: Client) -> None:
    """A login answers without data, and with a link; the token is in the header."""
    home.wait(1)
    answer = await home.sign_in()
    assert (answer["success"], answer["data"], answer["failCode"]) == (True, None, 0)
    assert len(home.headers["XSRF-TOKEN"]) > 60


async def test_a_token_lasts_half_an_hour_after_its_last_use(home: Client) -> None:
    """Use makes it last; silence ends it."""
    for _ in range(3):
        home.wait(1790)
        assert await home.code(STATIONS, {"pageNo": 1}) == 0
    home.wait(1801)
    answer = await home.post(STATIONS, {"pageNo": 1})
    assert answer == {
        "failCode": 305,
        "immediately": True,
        "message": "USER_MUST_RELOGIN",
    }


async def test_one_session_for_each_account(home: Client) -> None:
    """Another client's login ends ours."""
    home.sim.vendors["huawei"].new_session(home.account, home.at)
    assert (await home.post(STATIONS, {"pageNo": 1}))["failCode"] == 305
    assert home.sim.calls[-1].account == "home"
    assert home.sim.calls[-1].refused


async def test_wrong_passwords_lock_the_account(home: Client) -> None:
    """Five of them lock it for half an hour, whatever comes then."""
    fields = home.account.fields
    home.wait(601)
    for _ in range(5):
        answer = await home.login(fields["username"], "wrong")
        assert answer["failCode"] == 20400
        assert answer["message"] == "user.login.user_or_value_invalid"
    assert (await home.login(fields["username"], "wrong"))["failCode"] == 407
    home.wait(601)
    assert (await home.sign_in())["message"] == "user.login.user_locked"
    home.wait(1201)
    assert (await home.sign_in())["failCode"] == 0
    assert (await home.login("nobody", "wrong"))["failCode"] == 20400


async def test_logout_ends_the_session(home: Client) -> None:
    """What was logged out is not online."""
    token = home.headers["XSRF-TOKEN"]
    assert await home.code(LOGOUT, {"xsrfToken": token}) == 0
    assert await home.code(LOGOUT, {"xsrfToken": token}) == 20004
    assert (await home.post(STATIONS, {"pageNo": 1}))["failCode"] == 305


async def test_oauth_tokens(owner: Client) -> None:
    """Tokens last an hour; a refresh ends the access token before it."""
    old = owner.headers
    assert await owner.code(STATIONS, {"pageNo": 1}) == 0
    found = await owner.tokens(grant_type="refresh_token", refresh_token=owner.refresh)
    assert found["scope"] == "pvms.openapi.basic pvms.openapi.control"
    assert (found["expires_in"], found["token_type"]) == (3600, "Bearer")
    new, owner.headers = owner.headers, old
    assert await owner.post(STATIONS, {"pageNo": 1}) == {
        "success": False,
        "failCode": 305,
        "message": "INVALID_CREDENTIAL",
    }
    owner.headers = new
    owner.wait(3600)
    assert (await owner.post(STATIONS, {"pageNo": 1}))["failCode"] == 305


@pytest.mark.parametrize(
    ("form", "status", "body"),
    [
        ({"client_secret": "no"}, 401, {"error": "invalid_client"}),
        (
            {"grant_type": "password"},
            400,
            {"error_description": "unsupported_grant_type", "error": "1111"},
        ),
        (
            {"refresh_token": "no"},
            400,
            {"error_description": "invalid_grant", "error": "1110"},
        ),
    ],
)
async def test_oauth_errors(
    owner: Client, form: dict[str, str], status: int, body: dict[str, str]
) -> None:
    """The token interface answers as the document says."""
    fields = owner.account.fields
    good = {
        "client_id": fields["client_id"],
        "client_secret": fields["client_secret"],
        "grant_type": "refresh_token",
        "refresh_token": owner.refresh,
    }
    assert await owner.post(f"{AUTH}/token", status=status, **good | form) == body


@pytest.mark.parametrize(
    "wrong",
    [{"state": "x" * 129}, {"redirect_uri": "https://my.example/redirect/oauth"}],
)
async def test_oauth_page_refuses(owner: Client, wrong: dict[str, str]) -> None:
    """A long state, and "redirect" in the address, end on an error page."""
    query = {
        "response_type": "code",
        "client_id": owner.account.fields["client_id"],
        "redirect_uri": BACK,
        "state": "x" * 128,
    }
    url = owner.sim.url("huawei") + f"{AUTH}/authorize"
    async with owner.session.get(url, params=query) as answer:
        assert answer.status == 200
    async with owner.session.get(url, params=query | wrong) as answer:
        assert answer.status == 400
        assert "Whitelabel" in await answer.text()


# --- what there is --------------------------------------------------------------------


async def test_plants_and_devices(home: Client) -> None:
    """A plant has its capacity in kWp; ids of devices may be negative."""
    answer = await home.post(STATIONS, {"pageNo": 1})
    assert answer["message"] == "get plant list success"
    assert answer["data"]["total"] == answer["data"]["pageCount"] == 1
    row = answer["data"]["list"][0]
    assert (row["plantCode"], row["capacity"]) == (home.plant.id, 6.2)
    answer = await home.post(DEVICES, {"stationCodes": home.plant.id})
    found = {row["devTypeId"]: row for row in answer["data"]}
    assert set(found) == {62, 38, 39, 47}
    assert all(row["id"] < 0 for row in found.values())
    assert found[39]["esnCode"] is None
    assert found[38]["esnCode"] == home.plant.of(38)[0].sn
    assert answer["params"]["currentTime"] == int(home.at * 1000)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (STATIONS, {"pageNo": 1, "gridConnectedStartTime": -1}, 20605),
        (DEVICES, {}, 20010),
        (DEVICES, {"stationCodes": ",".join(f"NE={n}" for n in range(101))}, 20014),
        (STATION_REAL, {"stationCodes": "NE=1"}, 20007),
        (DEVICE_REAL, {"devIds": "1", "devTypeId": 38}, 20008),
        (DEVICE_REAL, {"devTypeId": 38}, 20011),
        (DEVICE_REAL, {"devIds": "1", "devTypeId": 62}, 20013),
        (DEVICE_REAL, {"devIds": "1"}, 20013),
        (
            DEVICE_REAL,
            {"devIds": ",".join(str(n) for n in range(101)), "devTypeId": 1},
            20016,
        ),
        (ALARMS, {"language": "en_US"}, 20055),
        (ALARMS, {"stationCodes": "NE=1"}, 20024),
        (ALARMS, {"stationCodes": "NE=1", "language": "ru_RU"}, 20025),
        (ALARMS, {"stationCodes": "NE=1", "language": "en_US"}, 20012),
        ("/thirdData/getKpiStationDay", {"stationCodes": "NE=1"}, 20012),
        (
            HISTORY,
            {"devIds": "1", "devTypeId": 38, "startTime": 5, "endTime": 3},
            20023,
        ),
        (
            HISTORY,
            {"devIds": "1", "devTypeId": 38, "startTime": 0, "endTime": 4 * 86400000},
            30032,
        ),
    ],
)
async def test_errors(home: Client, path: str, body: Any, code: int) -> None:
    """Each wrong question has the code of the document."""
    assert await home.code(path, body) == code


async def test_devices_of_another_type(home: Client) -> None:
    """A type that does not fit the device is an error, also as a string."""
    battery = home.plant.of(39)[0]
    assert (
        await home.code(DEVICE_REAL, {"devIds": battery.id, "devTypeId": 38}) == 20006
    )


async def test_only_strings_for_types(emma: Client) -> None:
    """Some servers take the type as a string only."""
    emma.account.string_types = True
    inverter = emma.plant.of(38)[0]
    body = {"sns": inverter.sn, "devTypeId": 38}
    assert await emma.code(DEVICE_REAL, body) == 20006
    assert await emma.code(DEVICE_REAL, body | {"devTypeId": "38"}) == 0


async def test_unauthorized_by_the_owner(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """The plant is in the list, and its data are refused."""
    client = Client(sim, session, "closed")
    await client.sign_in()
    assert (await client.post(STATIONS, {"pageNo": 1}))["data"]["total"] == 1
    assert await client.code(DEVICES, {"stationCodes": client.plant.id}) == 20056
    client.account.hides_closed = True
    assert (await client.post(STATIONS, {"pageNo": 1}))["data"]["total"] == 0


async def test_large_accounts(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """Three hundred plants come in three pages, and are not in the demo's list."""
    assert {row["account"] for row in sim.listed()} == {"home", "emma", "owner"}
    client = Client(sim, session, "installer")
    await client.sign_in()
    pages = [(await client.post(STATIONS, {"pageNo": n}))["data"] for n in (1, 3)]
    assert [len(page["list"]) for page in pages] == [100, 100]
    assert (pages[0]["total"], pages[0]["pageCount"]) == (300, 3)
    codes = ",".join(row["plantCode"] for row in pages[0]["list"])
    for _ in range(3):
        assert await client.code(STATION_REAL, {"stationCodes": codes}) == 0
    assert await client.code(STATION_REAL, {"stationCodes": codes}) == 407


# --- values ---------------------------------------------------------------------------


async def test_units_and_signs(home: Client) -> None:
    """Power in kW or W by type, export positive at the sensor, charge positive."""
    truth = home.truth()
    plant, inverter = truth[""], home.plant.of(38)[0]
    items = await home.items(38)
    assert items["active_power"] == pytest.approx(
        plant["inverter_power"] / 1000, abs=1e-3
    )
    assert items["mppt_power"] == pytest.approx(plant["pv_power"] / 1000, abs=1e-3)
    assert items["total_cap"] == pytest.approx(plant["inverter_energy"], abs=0.01)
    assert items["pv3_u"] == items["pv3_i"] == 0
    assert (items["inverter_state"], items["run_state"]) == (512.0, 1)
    assert items["close_time"] == "N/A"
    assert truth[inverter.sn]["string_voltage_1"] == pytest.approx(
        items["pv1_u"], abs=0.1
    )
    items = await home.items(39)
    assert items["ch_discharge_power"] == pytest.approx(
        -plant["battery_power"], abs=0.5
    )
    assert items["battery_soh"] == 0
    items = await home.items(47)
    assert items["active_power"] == pytest.approx(-plant["grid_power"], abs=0.5)
    phases = sum(items[f"active_power_{phase}"] for phase in "abc")
    assert phases == pytest.approx(items["active_power"], abs=2)
    assert items["active_cap"] == pytest.approx(plant["grid_export_energy"], abs=0.01)
    assert [key for key in items if items[key] is None] == list(kinds.NULLS[47])


async def test_controller_counts_the_other_way(emma: Client) -> None:
    """A controller tells kW, import positive."""
    truth = emma.truth()[""]
    items = await emma.items(23070)
    assert items["active_power"] == pytest.approx(truth["grid_power"] / 1000, abs=1e-3)
    assert items["active_cap"] == pytest.approx(truth["grid_import_energy"], abs=0.01)
    station = await emma.station()
    assert station["day_power"] == f"{float(station['day_power']):.3f}"
    assert station["real_health_state"] == "3"


async def test_two_inverters_share(owner: Client) -> None:
    """Each inverter and battery tells its part; newer servers tell more."""
    truth = owner.truth()[""]
    both = [await owner.items(1, n) for n in (0, 1)]
    power = sum(items["mppt_power"] for items in both) * 1000
    assert power == pytest.approx(truth["pv_power"], abs=2)
    total = sum(items["mppt_total_cap"] for items in both)
    assert total == pytest.approx(truth["pv_energy"], abs=0.02)
    items = await owner.items(39)
    assert items["rated_capacity"] == 10
    station = await owner.station()
    assert station["day_use_energy"] > 0


async def test_commercial_plant(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """A hundred inverters a call, a meter in kW, a weather station."""
    client = Client(sim, session, "commercial")
    await client.sign_in()
    ids = [device.id for device in client.plant.of(1)]
    answers = [
        await client.post(
            DEVICE_REAL, {"devIds": ",".join(map(str, part)), "devTypeId": 1}
        )
        for part in (ids[:100], ids[100:])
    ]
    rows = [row["dataItemMap"] for answer in answers for row in answer["data"]]
    truth = client.truth()
    assert sum(row["mppt_power"] for row in rows) * 1000 == pytest.approx(
        truth[""]["pv_power"], rel=1e-3
    )
    items = await client.items(17)
    assert items["active_power"] == pytest.approx(
        -truth[""]["grid_power"] / 1000, abs=0.1
    )
    assert items["grid_frequency"] is None
    items = await client.items(10)
    assert items["horiz_radiant_line"] is None
    assert items["radiant_total"] == pytest.approx(
        3.6 * truth[client.plant.of(10)[0].sn]["irradiation_today"], abs=0.01
    )
    assert await client.code(DEVICE_REAL, {"devIds": ids[0], "devTypeId": 1}) == 407


async def test_sites_without_a_grid(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """Every type of the table answers."""
    client = Client(sim, session, "site")
    await client.sign_in()
    for kind in (kinds.ESS, *kinds.POWER_M):
        assert await client.items(kind)
    client.wait(301)
    answer = await client.post(DEVICE_REAL, {"devIds": "7", "devTypeId": 62})
    assert answer["data"] == [{"devId": 7, "dataItemMap": {}}]


async def test_values_come_every_five_minutes(owner: Client) -> None:
    """Between two collections nothing new is told; a new one shows after a while."""
    begin = datetime(2026, 6, 17, 10, 5, 5, tzinfo=UTC)
    owner.sim.clock.set(begin)
    before = await owner.items(47)
    owner.wait(4)
    assert await owner.items(47) == before
    owner.wait(60)
    assert await owner.items(47) != before


async def test_midnight(home: Client) -> None:
    """Yesterday's yield stays until the sun is seen; the month and the total dip."""
    zone = timedelta(hours=2)
    midnight = datetime(2026, 6, 18, tzinfo=UTC) - zone
    home.sim.clock.set(midnight - timedelta(minutes=4))
    await home.sign_in()
    before = await home.station()
    home.sim.clock.set(midnight + timedelta(minutes=10))
    after = await home.station()
    assert after["day_power"] == pytest.approx(before["day_power"], abs=0.05)
    fallen = before["month_power"] - after["month_power"]
    assert fallen == pytest.approx(before["day_power"], abs=0.05)
    assert (await home.items(39))["charge_cap"] < 1
    home.sim.clock.set(midnight + timedelta(minutes=70))
    await home.sign_in()
    assert (await home.station())["total_power"] < before["total_power"]
    home.sim.clock.set(midnight + timedelta(hours=8))
    await home.sign_in()
    morning = await home.station()
    assert morning["day_power"] < before["day_power"]
    assert morning["total_power"] > before["total_power"]


async def test_nothing_comes_from_a_silent_logger(home: Client) -> None:
    """After a quarter of an hour all is null, and the plant counts as disconnected."""
    home.sim.fault("logger_offline", device=home.plant.id)
    home.wait(1200)
    items = await home.items(38)
    assert items.pop("run_state") == 0
    assert set(items.values()) == {None}
    assert (await home.station())["real_health_state"] == 1
    home.sim.clear_faults()
    home.wait(600)
    assert (await home.items(38))["run_state"] == 1


async def test_faults_of_values(home: Client) -> None:
    """Values are replaced, left out, and turned into strings."""
    device = str(home.plant.of(39)[0].id)
    home.sim.fault("value", variable="battery_soc", value="N/A", device=device)
    home.sim.fault("missing", variable="busbar_u", device=device)
    items = await home.items(39)
    assert items["battery_soc"] == "N/A"
    assert "busbar_u" not in items
    home.sim.fault("strings")
    home.wait(300)
    answer = await home.post(STATION_REAL, {"stationCodes": home.plant.id})
    assert isinstance(answer["data"][0]["dataItemMap"]["total_power"], str)
    assert answer["failCode"] == 0
    home.sim.clear_faults()
    home.sim.fault("dip_counters", factor=0.5)
    home.sim.fault("vendor_correction", variable="total_power", delta=-5.0)
    home.wait(300)
    truth = home.truth()[""]["pv_energy"]
    assert (await home.station())["total_power"] == pytest.approx(
        truth / 2 - 5, abs=0.1
    )
    home.sim.fault("null_result", endpoint=STATION_REAL)
    home.wait(300)
    answer = await home.post(STATION_REAL, {"stationCodes": home.plant.id})
    assert (answer["success"], answer["data"]) == (True, None)


# --- alarms, reports, history ---------------------------------------------------------


async def test_alarms(home: Client) -> None:
    """Active alarms that began in a span of at most 31 days, in ten languages."""
    inverter = home.plant.of(38)[0]
    alarm = Alarm(device=inverter, alarm_id=2064, level=4, since=home.at - 40 * 86_400)
    home.plant.alarms.append(alarm)
    now = int(home.at * 1000)
    month = 31 * 86_400_000
    body = {"stationCodes": home.plant.id, "language": "de_DE", "endTime": now}
    home.account.policy = "old"
    found = await home.post(ALARMS, body | {"beginTime": now - month})
    assert found["data"] == []
    early = {"beginTime": now - 2 * month, "endTime": now - month}
    row = (await home.post(ALARMS, body | early))["data"][0]
    assert (row["alarmId"], row["lev"], row["status"]) == (2064, 4, 1)
    assert row["alarmName"] == "Das Gerät ist gestört."
    assert row["esnCode"] == inverter.sn
    assert (await home.post(ALARMS, body | early | {"levels": "1,2"}))["data"] == []
    assert await home.code(ALARMS, body | {"beginTime": now - 2 * month}) == 20027
    year = now - 370 * 86_400_000
    assert await home.code(ALARMS, body | {"beginTime": year, "endTime": year}) == 20026
    alarm.until = home.at
    assert (await home.post(ALARMS, body | early))["data"] == []
    home.sim.fault("device_fault", device=inverter.sn, code=300, level=1, message="Arc")
    home.wait(1)
    recent = {"sns": inverter.sn, "language": "en_US", "beginTime": now - 1000}
    rows = (await home.post(ALARMS, recent | {"endTime": now + 9000}))["data"]
    assert [(row["alarmName"], row["lev"]) for row in rows] == [("Arc", 1)]
    assert (await home.station())["real_health_state"] == 2


async def test_reports(home: Client) -> None:
    """Hours of a day, days of a month, months of a year, years: they add up."""
    now = int(home.at * 1000)
    body = {"stationCodes": home.plant.id, "collectTime": now}
    rows = {
        span: (await home.post(f"/thirdData/getKpiStation{span}", body))["data"]
        for span in ("Hour", "Day", "Month", "Year")
    }
    assert [len(rows[span]) for span in rows] == [12, 17, 3, 1]
    day = rows["Day"][-1]["dataItemMap"]
    hours = [row["dataItemMap"] for row in rows["Hour"]]
    assert sum(row["PVYield"] for row in hours) == pytest.approx(
        day["PVYield"], abs=0.1
    )
    assert "buyPower" not in hours[0]
    assert day["use_power"] >= day["buyPower"]
    assert rows["Hour"][0]["collectTime"] == rows["Day"][-1]["collectTime"]
    battery = home.plant.of(39)[0]
    asked = {"devIds": battery.id, "devTypeId": 39, "collectTime": now}
    days = (await home.post("/thirdData/getDevKpiDay", asked))["data"]
    assert days[-1]["dataItemMap"]["charge_cap"] == day["chargeCap"]
    wrong = {"devIds": battery.id, "devTypeId": 47, "collectTime": now}
    assert await home.code("/thirdData/getDevKpiDay", wrong) == 20013


async def test_a_report_may_slip_in_its_case(emma: Client) -> None:
    """One report spells its key in another way."""
    body = {"stationCodes": emma.plant.id, "collectTime": int(emma.at * 1000)}
    rows = (await emma.post("/thirdData/getKpiStationDay", body))["data"]
    assert "dataitemMap" in rows[0]


async def test_history(home: Client) -> None:
    """Rows of full five minutes, of at most three days."""
    meter = home.plant.of(47)[0]
    end = int(home.at * 1000)
    body = {"devIds": meter.id, "devTypeId": 47, "endTime": end}
    rows = (await home.post(HISTORY, body | {"startTime": end - 7_200_000}))["data"]
    assert len(rows) == 24
    assert {row["collectTime"] % 300_000 for row in rows} == {0}
    caps = [row["dataItemMap"]["active_cap"] for row in rows]
    assert caps == sorted(caps)


# --- limits ---------------------------------------------------------------------------


async def test_daily_limits(home: Client) -> None:
    """The list of plants may be asked 34 times in a day."""
    for _ in range(34):
        assert await home.code(STATIONS, {"pageNo": 1}) == 0
    assert await home.code(STATIONS, {"pageNo": 1}) == 20618
    assert home.sim.calls[-1].refused


async def test_realtime_limits(home: Client) -> None:
    """One call a type in five minutes, one for all plants."""
    for kind in (38, 39, 47):
        await home.items(kind)
    inverter = home.plant.of(38)[0]
    body = {"devIds": inverter.id, "devTypeId": 38}
    assert await home.post(DEVICE_REAL, body) == {
        "data": "ACCESS_FREQUENCY_IS_TOO_HIGH",
        "failCode": 407,
        "message": None,
        "params": {},
        "success": False,
    }
    home.wait(301)
    assert await home.code(DEVICE_REAL, body) == 0


async def test_old_policy(home: Client) -> None:
    """Accounts of before count by the minute."""
    home.account.policy = "old"
    for _ in range(10):
        assert await home.code(DEVICES, {"stationCodes": home.plant.id}) == 0
    assert await home.code(DEVICES, {"stationCodes": home.plant.id}) == 407
    home.wait(61)
    assert await home.code(DEVICES, {"stationCodes": home.plant.id}) == 0


async def test_owners_day(owner: Client) -> None:
    """An owner has a thousand calls a day, and a hundred to control."""
    for _ in range(1000):
        assert await owner.code(STATIONS, {"pageNo": 1}) == 0
    assert await owner.code(STATIONS, {"pageNo": 1}) == 407
    for _ in range(100):
        owner.wait(30)
        refresh = {"grant_type": "refresh_token", "refresh_token": owner.refresh}
        await owner.tokens(**refresh)
        owner.wait(31)
        assert await owner.code(CHARGE_STATUS, {"requestID": 1}) == 20050
    owner.wait(61)
    assert await owner.code(CHARGE_STATUS, {"requestID": 1}) == 407


# --- control --------------------------------------------------------------------------


async def test_no_permission_to_control(home: Client) -> None:
    """A probe shows it without writing, and is not counted as refused."""
    answer = await home.post(f"{MODE}task-info", {"taskId": "1"})
    assert (answer["failCode"], answer["message"]) == (401, "Unauthorized")
    assert not home.sim.calls[-1].refused
    home.account.control = True
    assert await home.code(f"{MODE}task-info", {"taskId": "1"}) == 20620


async def test_forced_charge_ends_by_itself(emma: Client) -> None:
    """A charge drives the battery for its time, then the mode goes on as before."""
    emma.wait(17 * 3600)
    await emma.sign_in()
    answer = await emma.charge(1, controlType=2, dispatchTime=30, powerDispatch=2500)
    assert answer["failCode"] == 0
    result = answer["data"]["result"][0]
    assert (result["dispatchResult"], result["sn"]) == (0, emma.plant.of(38)[0].sn)
    emma.wait(120)
    home = emma.plant.home
    state = home.state(emma.at)
    assert state.orders.mode == "force_charge"
    assert state.flow.battery == pytest.approx(-2500, abs=1)
    body = {"requestID": answer["data"]["requestID"]}
    emma.wait(300)
    row = (await emma.post(CHARGE_STATUS, body))["data"][0]
    assert (row["status"], row["execEndTime"]) == (1, None)
    assert row["chargedCapacity"] > 0
    emma.wait(1700)
    assert home.state(emma.at).orders.mode == "self_consumption"
    told = [
        last - first
        for first, last, orders in home.told(emma.at - 3000, emma.at)
        if orders.mode == "force_charge"
    ]
    assert sum(told) == pytest.approx(1800, abs=1)
    row = (await emma.post(CHARGE_STATUS, body))["data"][0]
    assert (row["status"], row["message"]) == (0, None)
    assert row["chargedCapacity"] == pytest.approx(1.25, abs=0.02)
    assert row["dischargedCapacity"] is None
    assert row["execEndTime"]


async def test_forced_discharge_by_target(owner: Client) -> None:
    """Every battery gets the power, and the target ends the run."""
    soc = owner.plant.home.state(owner.at).soc
    answer = await owner.charge(
        2, controlType=1, targetSOC=soc - 5, powerDispatch=-2000
    )
    assert len(answer["data"]["result"]) == 2
    owner.wait(120)
    orders = owner.plant.home.state(owner.at).orders
    assert (orders.mode, orders.power) == ("force_discharge", 4000)
    owner.wait(2400)
    state = owner.plant.home.state(owner.at)
    assert state.orders.mode != "force_discharge"
    assert [command.what for command in owner.sim.commands] == [
        "forced discharge",
        "forced discharge",
        "forced end",
        "forced end",
    ]


async def test_stop_and_change(emma: Client) -> None:
    """The same again is refused, a stop is not; the first is told of as an exception."""
    first = await emma.charge(1, controlType=2, dispatchTime=600, powerDispatch=2000)
    emma.wait(30)
    again = await emma.charge(1, controlType=2, dispatchTime=60, powerDispatch=900)
    assert again["failCode"] == 407
    emma.wait(31)
    again = await emma.charge(1, controlType=2, dispatchTime=60, powerDispatch=900)
    assert again["failCode"] == 20615
    emma.wait(61)
    assert (await emma.charge(0))["failCode"] == 0
    emma.wait(200)
    assert emma.plant.home.state(emma.at).orders.mode == "self_consumption"
    body = {"requestID": first["data"]["requestID"]}
    row = (await emma.post(CHARGE_STATUS, body))["data"][0]
    assert row["status"] == 0
    assert "has changed" in row["message"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dispatchSwitch": 3}, "DispatchSwitch is illegal"),
        ({"powerDispatch": -5}, "PowerDispatch is illegal"),
        ({"dispatchTime": 1441}, "DispatchTime is illegal"),
        ({"controlType": 5}, "ControlType is illegal"),
        ({"controlType": 1, "targetSOC": 101}, "TargetSOC is illegal"),
    ],
)
async def test_wrong_tasks(owner: Client, given: dict[str, Any], words: str) -> None:
    """A task that is not valid is turned down with words."""
    good = {
        "dispatchSwitch": 1,
        "controlType": 2,
        "dispatchTime": 10,
        "powerDispatch": 500,
    }
    task = {"plantCode": owner.plant.id, **good, **given}
    answer = await owner.post(CHARGE, {"tasks": [task]})
    assert (answer["failCode"], answer["success"]) == (2, False)
    result = answer["data"]["result"][0]
    assert result["dispatchResult"] == 1
    assert result["description"].startswith(words)


async def test_charge_partly_and_late(owner: Client) -> None:
    """One inverter may refuse, and one may fail late."""
    one, other = (device.sn for device in owner.plant.of(1))
    owner.sim.fault("task_refused", device=one, count=1, message="no")
    good = {"controlType": 2, "dispatchTime": 30, "powerDispatch": 1500}
    answer = await owner.charge(1, **good)
    assert (answer["failCode"], answer["success"]) == (1, True)
    owner.wait(60)
    assert owner.plant.home.state(owner.at).orders.power == 1500
    await owner.charge(0)
    owner.wait(61)
    owner.sim.fault(
        "task_fails", device=other, count=1, seconds=300, message="EXCEPTION"
    )
    answer = await owner.charge(1, **good)
    owner.wait(600)
    assert owner.plant.home.state(owner.at).orders.power == 1500
    assert list(owner.plant.runs) == [one]
    body = {"requestID": answer["data"]["requestID"]}
    rows = (await owner.post(CHARGE_STATUS, body))["data"]
    assert {row["sn"]: (row["status"], row["message"]) for row in rows} == {
        one: (1, None),
        other: (2, "EXCEPTION"),
    }


async def test_lg_batteries(emma: Client) -> None:
    """They know no target and take no settings, but are charged for a time."""
    lg = emma.account.plants[1]
    task = {"plantCode": lg.id, "dispatchSwitch": 1, "controlType": 1, "targetSOC": 80}
    answer = await emma.post(CHARGE, {"tasks": [task]})
    assert "LG" in answer["data"]["result"][0]["description"]
    emma.wait(61)
    task |= {"controlType": 2, "dispatchTime": 5}
    assert (await emma.post(CHARGE, {"tasks": [task]}))["failCode"] == 0
    answer = await emma.deliver(MODE, lg, operationMode="maximumSelfConsumption")
    assert answer["data"]["result"][0]["status"] == "FAIL"
    info = {"endOfDischargeSoc": 15}
    answer = await emma.deliver(LIMITS, lg, batteryConfigurationInfo=info)
    assert "LG" in answer["data"]["result"][0]["message"]
    emma.wait(61)
    answer = await emma.deliver(LIMITS, emma.plant, lg, batteryConfigurationInfo=info)
    assert (answer["failCode"], answer["success"]) == (1, True)


def _window(start: str, end: str, what: str, repeat: list[int]) -> dict[str, Any]:
    """Return a window."""
    return {
        "startTime": start,
        "endTime": end,
        "chargeOrDischarge": what,
        "repeat": repeat,
    }


async def test_time_of_use(emma: Client) -> None:
    """Windows drive the battery; grid charging keeps to its power."""
    home = emma.plant.home
    windows = [
        _window("12:00", "13:00", "charge", ALL_DAYS),
        _window("13:30", "14:00", "discharge", ALL_DAYS),
    ]
    answer = await emma.deliver(
        MODE,
        operationMode="TOU",
        redundantPVEnergyPriority="fedToGridPreference",
        allowedAcChargePower=1.5,
        chargingAndDischargingTimeWindow=windows,
    )
    assert answer["data"]["result"] == [
        {"plantCode": emma.plant.id, "status": "RUNNING", "message": None}
    ]
    row = await emma.ended(MODE, answer)
    assert (row["status"], row["operationMode"]) == ("SUCCESS", "TOU")
    assert row["chargingAndDischargingTimeWindow"] == windows
    # 12:30, 13:15 and 13:45 in Zurich.
    for minute, mode in (
        (30, "force_charge"),
        (75, "feed_in_priority"),
        (105, "self_consumption"),
    ):
        at = datetime(2026, 6, 17, 10, tzinfo=UTC) + timedelta(minutes=minute)
        emma.sim.clock.set(at)
        state = home.state(emma.at)
        assert state.orders.mode == mode
        if mode == "force_charge":
            assert state.flow.inverter >= -1501
    assert home.state(emma.at).orders.label == "time_of_use"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"operationMode": "backup"}, "operationMode in"),
        ({"chargingAndDischargingTimeWindow": []}, "may not be null"),
        (
            {
                "chargingAndDischargingTimeWindow": [
                    _window("01:00", "02:00", "charge", [1, 2]),
                    _window("01:30", "03:00", "discharge", [2]),
                ]
            },
            "overlap",
        ),
        (
            {
                "chargingAndDischargingTimeWindow": [
                    _window("22:00", "02:00", "charge", [1])
                ]
            },
            "startTime and endTime",
        ),
        (
            {
                "chargingAndDischargingTimeWindow": [
                    _window(f"{n:02}:00", f"{n:02}:30", "charge", [1])
                    for n in range(15)
                ]
            },
            "size in",
        ),
        ({"allowedAcChargePower": 51}, "allowedAcChargePower in"),
        ({"redundantPVEnergyPriority": "any"}, "redundantPVEnergyPriority in"),
    ],
)
async def test_wrong_modes(emma: Client, given: dict[str, Any], words: str) -> None:
    """What does not fit the document's ranges is turned down."""
    good = {
        "operationMode": "TOU",
        "chargingAndDischargingTimeWindow": [
            _window("01:00", "02:00", "charge", ALL_DAYS)
        ],
    }
    answer = await emma.deliver(MODE, **good | given)
    assert (answer["failCode"], answer["data"]["taskId"]) == (2, None)
    assert words in answer["data"]["result"][0]["message"]


async def test_same_value(emma: Client) -> None:
    """What is so already is told as a failure."""
    answer = await emma.deliver(MODE, operationMode="maximumSelfConsumption")
    assert answer["failCode"] == 2
    assert answer["data"]["result"][0] == {
        "plantCode": emma.plant.id,
        "status": "FAIL",
        "message": "The configured value is the same as the current value.",
    }


async def test_limits_of_batteries(emma: Client) -> None:
    """The floor and the powers act; too much is what the battery can."""
    info = {
        "endOfChargeSoc": 95,
        "endOfDischargeSoc": 15.5,
        "maximumChargePower": 1200,
        "maximumDischargePower": 99_999,
    }
    answer = await emma.deliver(LIMITS, batteryConfigurationInfo=info)
    assert (
        await emma.code(
            f"{LIMITS}async-task",
            {"tasks": [{"plantCode": emma.plant.id, "batteryConfigurationInfo": info}]},
        )
        == 407
    )
    row = await emma.ended(LIMITS, answer)
    assert row["status"] == "SUCCESS"
    assert row["batteryConfigurationInfo"]["maximumDischargePower"] == 7000
    orders = emma.plant.home.state(emma.at).orders
    assert (orders.floor, orders.ceiling) == (15.5, 95)
    assert (orders.charge_limit, orders.discharge_limit) == (1200, 7000)
    emma.wait(61)
    info = {"endOfChargeSoc": 80}
    answer = await emma.deliver(LIMITS, batteryConfigurationInfo=info)
    assert "endOfChargeSoc in: [90.0, 100.0]" in answer["data"]["result"][0]["message"]


async def test_feed_in_limit(owner: Client) -> None:
    """The limit acts; without limitation there is none; newer servers read it back."""
    read = f"{PVMS}/nbi/v1/configuration/active-power-control-mode"
    answer = await owner.post(read, {"plantCode": owner.plant.id})
    assert answer["data"]["controlMode"] == "noLimit"
    info = {"maxGridFeedInPower": 0.5, "limitationMode": "0"}
    answer = await owner.deliver(POWER, controlMode="6", controlInfo=info)
    row = await owner.ended(POWER, answer)
    assert (row["status"], row["controlInfo"]) == ("SUCCESS", info)
    state = owner.plant.home.state(owner.at)
    assert state.orders.export_limit == 500
    assert state.flow.grid >= -500.1
    answer = await owner.post(read, {"plantCode": owner.plant.id})
    assert (
        answer["data"]["limitedPowerGridValueParam"]["maxGridFeedInPowerValue"] == 0.5
    )
    mode = f"{PVMS}/nbi/v1/configuration/battery-mode"
    answer = await owner.post(mode, {"plantCode": owner.plant.id})
    assert answer["data"]["operationMode"] == "TOU"
    assert len(answer["data"]["touOperationModeParamDetail"]) == 3


async def test_servers_without_read_back(emma: Client) -> None:
    """What only newer servers know is a page that is not there."""
    path = f"{PVMS}/nbi/v1/configuration/battery-mode"
    assert (await emma.post(path, {"plantCode": emma.plant.id}, status=404))[
        "status"
    ] == 404


async def test_blank_in_the_path(emma: Client) -> None:
    """Some servers serve the path that the document prints."""
    emma.account.blank_paths = True
    await emma.post(f"{MODE}task-info", {"taskId": "1"}, status=404)
    blank = MODE.replace("battery/mode", "battery%20mode")
    url = URL(f"{emma.sim.url('huawei')}{blank}task-info", encoded=True)
    async with emma.session.post(
        url, json={"taskId": "1"}, headers=emma.headers
    ) as answer:
        assert (await answer.json())["failCode"] == 20620


async def test_tasks_of_the_same_kind(emma: Client) -> None:
    """While one runs another is refused; one that hangs stays there."""
    emma.sim.fault("task_hangs", endpoint="*configuration*", count=1)
    info = {"endOfDischargeSoc": 12}
    answer = await emma.deliver(LIMITS, batteryConfigurationInfo=info)
    emma.wait(600)
    again = await emma.deliver(LIMITS, batteryConfigurationInfo=info)
    assert again["failCode"] == 20615
    row = await emma.ended(LIMITS, answer)
    assert (row["status"], row["message"]) == ("RUNNING", None)


@pytest.mark.parametrize(
    ("fault", "status", "message", "done"),
    [
        ({"kind": "task_fails", "message": "BUSY"}, "FAIL", "BUSY", False),
        ({"kind": "accepted_not_done"}, "SUCCESS", None, False),
        ({"kind": "done_late", "seconds": 90}, "SUCCESS", None, True),
        ({"kind": "logger_offline"}, "FAIL", "TIMEOUT", False),
    ],
)
async def test_tasks_that_go_wrong(
    emma: Client, fault: dict[str, Any], status: str, message: str | None, done: bool
) -> None:
    """A task may fail, may claim what it has not done, and takes its time."""
    late = fault["kind"] == "logger_offline"
    if not late:
        emma.sim.fault(**fault)
    answer = await emma.deliver(LIMITS, batteryConfigurationInfo={"endOfChargeSoc": 93})
    assert answer["failCode"] == 0
    if late:
        emma.wait(1)
        emma.sim.fault(**fault)
    row = await emma.ended(LIMITS, answer)
    assert (row["status"], row["message"]) == (status, message)
    assert (emma.plant.settings.end_of_charge == 93) is done


async def test_parameter_errors(emma: Client) -> None:
    """They come with HTTP 400, spelled as the document does."""
    answer = await emma.post(f"{MODE}async-task", {"tasks": []}, status=400)
    assert answer["exceptionId"] == "framwork.remote.Paramerror"
    assert answer["detailArgs"] == ["tasks size must be between 1 and 10"]
    answer = await emma.post(f"{MODE}task-info", {}, status=400)
    assert answer["detailArgs"] == ["taskId may not be null"]
    row = {"plantCode": "NE=1", "operationMode": "TOU"}
    emma.wait(61)
    answer = await emma.post(f"{MODE}async-task", {"tasks": [row]})
    assert answer["failCode"] == 2
    assert answer["message"] == "Exist no permission resources. plantCodes: [NE=1]"
    answer = await emma.post(CHARGE, {"tasks": []})
    assert answer["message"] == "Battery charge and discharge task list is empty."
    assert await emma.code(CHARGE_STATUS, {}) == 20044


async def test_a_disconnected_controller(emma: Client) -> None:
    """Nothing is delivered to a plant whose controller is away."""
    emma.sim.fault("logger_offline", device=emma.plant.id)
    emma.wait(1)
    answer = await emma.deliver(
        POWER, controlMode="6", controlInfo={"maxGridFeedInPower": 1}
    )
    assert answer["data"]["result"][0]["message"] == "The device is disconnected."
    answer = await emma.charge(1, controlType=2, dispatchTime=5)
    assert answer["data"]["result"][0]["description"] == "The battery is disconnected."
