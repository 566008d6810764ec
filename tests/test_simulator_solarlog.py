"""The simulated Solar-Log cloud speaks as the document and the captured answers do."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.simulator import Simulator

NOON = datetime(2026, 6, 17, 10, 0, 30, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, 12, 0, 30, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 12, 0, 30, tzinfo=UTC)
TOKEN = "/auth/realms/quotaapi/protocol/openid-connect/token"

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Client:
    """A client of the User API."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Talk to a simulator."""
        self.sim = sim
        self.session = session
        self.tokens: dict[str, str] = {}

    async def sign_in(self, account: Any, **changed: str) -> tuple[int, Any]:
        """Ask for a token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": account.client_id,
            "client_secret": account.secret,
        } | changed
        url = self.sim.url("solarlog") + TOKEN
        async with self.session.post(url, data=form) as response:
            body = await response.json()
        if response.status == 200:
            self.tokens[account.name] = body["access_token"]
        return response.status, body

    async def raw(
        self, account: Any, path: str, query: Any = (), portal: str | None = None
    ) -> tuple[int, Any, Any]:
        """Make a call with the token there is; return status, body and headers."""
        if account.name not in self.tokens:
            await self.sign_in(account)
        url = f"{self.sim.url('solarlog')}/api/v1/{portal or account.portal}{path}"
        headers = {"Authorization": f"Bearer {self.tokens[account.name]}"}
        async with self.session.get(url, params=query, headers=headers) as response:
            text = await response.text()
            body = await response.json() if text else None
            return response.status, body, response.headers

    async def get(self, account: Any, path: str, *query: tuple[str, str]) -> Any:
        """Make a call that has to succeed."""
        status, body, _ = await self.raw(account, path, query)
        assert status == 200, body
        return body

    async def channels(
        self, account: Any, *names: str, first: str, last: str = "", **more: str
    ) -> Any:
        """Ask for the plant's channels."""
        query = [("channelNames[]", name) for name in names]
        query += [("dateFrom", first), ("dateTo", last or first)]
        query += [(f"{key}[]", value) for key, value in more.items()]
        cross = "cross-epoch/" if "xComponentIds" in more else ""
        plant = account.plants[0].id
        return await self.get(
            account, f"/visualization/plant/{plant}/{cross}channels", *query
        )


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncGenerator[Client]:
    """Return a client of a simulator at an instant."""
    now = getattr(request, "param", NOON)
    sim = Simulator(now=lambda: now, vendors=("solarlog",), seed=5, history_days=40)
    async with sim, aiohttp.ClientSession() as session:
        yield Client(sim, session)


def test_accounts(client: Client) -> None:
    """There are Basic and Advanced accounts, with the fields to type."""
    accounts = {row["account"]: row for row in client.sim.listed()}
    assert set(accounts) == {"advanced", "basic", "basic_battery"}
    fields = accounts["advanced"]["fields"]
    assert fields["auth_host"] == fields["host"] == client.sim.url("solarlog")
    assert accounts["basic"]["fields"]["plant_id"]
    kinds = [row["kind"] for row in accounts["advanced"]["plants"][0]["devices"]]
    assert kinds == ["inverter", "inverter", "meter", "battery", "sensor"]
    assert len(client.sim.plant("advanced").components[0].trackers) == 2


async def test_token(client: Client) -> None:
    """A token is for a client's id and secret, and ends."""
    account = client.sim.account("advanced")
    status, body = await client.sign_in(account)
    assert (status, body["expires_in"]) == (200, 300)
    status, body = await client.sign_in(account, client_secret="other")
    assert (status, body["error"]) == (401, "unauthorized_client")
    status, body = await client.sign_in(account, client_id="other")
    assert (status, body["error"]) == (401, "invalid_client")
    status, body = await client.sign_in(account, grant_type="password")
    assert (status, body["error"]) == (400, "unsupported_grant_type")
    assert await client.get(account, "/administration/plants")
    client.sim.clock.advance(301)
    status, _, _ = await client.raw(account, "/administration/plants")
    assert status == 401
    account.revoke()
    assert (await client.sign_in(account))[0] == 401
    account.renew("new")
    assert (await client.sign_in(account))[0] == 200


async def test_refusals(client: Client) -> None:
    """Other portals, plants and methods are turned away; a quota answers 429."""
    account = client.sim.account("advanced")
    assert (await client.raw(account, "/administration/plants", portal="x"))[0] == 403
    other = client.sim.plant("basic").id
    assert (await client.raw(account, f"/administration/plant/{other}"))[0] == 404
    assert (await client.raw(account, "/nothing"))[0] == 404
    account.quota = (1, 3600)
    assert (await client.raw(account, "/administration/plants"))[0] == 200
    status, _, headers = await client.raw(account, "/administration/plants")
    assert (status, headers["Retry-After"]) == (429, "3601")
    counted = client.sim.counted()["advanced"]
    assert counted["refused"] == 1


async def test_administration(client: Client) -> None:
    """Plants, their details and addresses, and fleets."""
    account = client.sim.account("advanced")
    rows = await client.get(account, "/administration/plants")
    assert [row["id"] for row in rows] == [plant.id for plant in account.plants]
    assert rows[0]["plantSize"] == 14_800
    plant = account.plants[0].id
    detail = await client.get(account, f"/administration/plant/{plant}")
    assert detail["lastDataTransfer"]["lastTransfer"].endswith("+02:00")
    assert (await client.get(account, f"/administration/plants/{plant}/address"))["id"]
    assert await client.get(account, f"/administration/plants/{plant}/contacts")
    header = await client.get(account, f"/visualization/plant/{plant}")
    assert header["healthStatus"] == "OK"
    fleet = header["fleets"][0]["id"]
    assert await client.get(account, f"/administration/fleet/{fleet}")
    assert len(await client.get(account, f"/administration/fleet/{fleet}/plants")) == 2
    assert (await client.raw(account, "/administration/fleet/x/plants"))[0] == 404
    client.sim.fault("device_fault", device=plant, message="ERROR")
    header = await client.get(account, f"/visualization/plant/{plant}")
    assert header["healthStatus"] == "ERROR"
    assert client.sim.truth()[plant][""]["plant_health"] == "faulty"


async def test_basic(client: Client) -> None:
    """Basic sees the plant as a whole; the list of plants is out of order."""
    account = client.sim.account("basic")
    plant = account.plants[0]
    assert (await client.raw(account, "/administration/plants"))[0] == 500
    rows = await client.get(account, f"/datasource/plant/{plant.id}/components/today")
    assert {row["type"] for row in rows} == {"Inverter", "Meter", "SolarLogIntern"}
    assert await client.channels(account, "ProdPac", first="today")
    query = [("channelNames[]", "ProdPac"), ("componentIds[]", rows[0]["id"])]
    path = f"/visualization/plant/{plant.id}/channels"
    assert (await client.raw(account, path, query))[0] == 403
    assert (await client.raw(account, path, [("channelNames[]", "TechAv")]))[0] == 403
    assert (await client.raw(account, "/administration/fleet/x"))[0] == 403
    account.refusal = "nothing"
    assert await client.get(account, path, *query) == []
    assert plant.listed() == []


async def test_day(client: Client) -> None:
    """A day has 288 slots; the newest value is about a quarter of an hour old."""
    account = client.sim.account("advanced")
    plant = account.plants[0]
    names = ("ProdPac", "ProdEtotal", "Strange")
    rows = await client.channels(account, *names, first="yesterday", last="today")
    assert [(row["name"], row["date"]) for row in rows] == [
        ("ProdPac", "2026-06-17"),
        ("ProdEtotal", "2026-06-17"),
        ("ProdPac", "2026-06-16"),
        ("ProdEtotal", "2026-06-16"),
    ]
    assert {row["deviceType"] for row in rows} == {"Datasource"}
    assert {row["deviceId"] for row in rows} == {plant.datasource}
    assert {row["unit"] for row in rows} == {"W", "Wh"}
    points = rows[1]["dataPoints"]
    assert len(points) == 288
    assert points["2026-06-17T00:00:00+02:00"] == 0
    known = [key for key, value in points.items() if value is not None]
    newest = datetime.fromisoformat(known[-1])
    assert newest.timestamp() == plant.published(client.sim.clock.seconds())
    assert timedelta(0) < NOON - newest < timedelta(minutes=21)
    truth = client.sim.truth(newest.timestamp())[plant.id][""]
    assert points[known[-1]] == pytest.approx(1000 * truth["pv_energy_today"], abs=1)
    account.unknown = "bad_request"
    path = f"/visualization/plant/{plant.id}/channels"
    assert (await client.raw(account, path, [("channelNames[]", "Strange")]))[0] == 400


async def test_components(client: Client) -> None:
    """Components, trackers and what they measure."""
    account = client.sim.account("advanced")
    plant = account.plants[0]
    rows = await client.get(account, f"/datasource/plant/{plant.id}/components/today")
    inverter = rows[0]
    assert len(inverter["mpptrackers"]) == 2
    assert "ProdPdc" in inverter["mpptrackers"][0]["visualizationChannels"]
    cross = inverter["crossEpochId"]
    told = await client.channels(account, "ProdPac", first="today", xComponentIds=cross)
    assert [row["deviceId"] for row in told] == [cross]
    told = await client.channels(
        account, "Temp", first="today", componentIds=inverter["id"]
    )
    assert [row["deviceId"] for row in told] == [inverter["id"]]
    tracker = inverter["mpptrackers"][1]["id"]
    told = await client.channels(
        account, "ProdUdc", first="today", mppTrackerIds=tracker
    )
    assert [(row["deviceId"], row["unit"]) for row in told] == [(tracker, "V")]
    battery = next(row for row in rows if row["type"] == "Battery")
    name = battery["visualizationChannels"][0]
    told = await client.channels(account, name, first="today")
    assert told[0]["unit"] == "%"
    assert await client.get(account, f"/datasource/plant/{plant.id}/inverters")


async def test_epochs(client: Client) -> None:
    """A reconfiguration gives new ids, but for those that cross epochs."""
    account = client.sim.account("advanced")
    plant = account.plants[1]
    base = f"/datasource/plant/{plant.id}"
    now = await client.get(account, f"{base}/components/2026-06-17")
    before = await client.get(account, f"{base}/components/2026-06-14")
    assert now[0]["crossEpochId"] == before[0]["crossEpochId"]
    assert now[0]["id"] != before[0]["id"]
    gone = {row["crossEpochId"] for row in before}
    came = {row["crossEpochId"] for row in now}
    assert len(gone - came) == len(came - gone) == 1
    span = await client.get(account, f"{base}/epochrange", ("date", "2026-06-17"))
    assert span["from"] == "2026-06-15T00:00:00+02:00"
    query = [("channelNames[]", "ProdPac"), ("mppTrackerIds[]", "")]
    tracker = before[0]["mpptrackers"][0]["id"]
    query = [("channelNames[]", "ProdPdc"), ("mppTrackerIds[]", tracker)]
    query += [("dateFrom", "2026-06-13"), ("dateTo", "2026-06-17")]
    rows = await client.get(
        account, f"/visualization/plant/{plant.id}/channels", *query
    )
    assert [row["date"] for row in rows] == ["2026-06-14", "2026-06-13"]


@pytest.mark.parametrize("client", [SPRING], indirect=True)
async def test_spring(client: Client) -> None:
    """The hour that does not exist is there, at winter's offset, empty."""
    account = client.sim.account("advanced")
    (row,) = await client.channels(account, "ConsEtotal", first="2026-03-29")
    points = row["dataPoints"]
    assert len(points) == 288
    missing = [points[f"2026-03-29T02:{m:02}:00+01:00"] for m in range(0, 60, 5)]
    assert missing == [None] * 12
    assert points["2026-03-29T03:00:00+02:00"] is not None


@pytest.mark.parametrize("client", [AUTUMN], indirect=True)
async def test_autumn(client: Client) -> None:
    """The hour that comes twice is there once, as it comes the second time."""
    account = client.sim.account("advanced")
    plant = account.plants[0]
    (row,) = await client.channels(account, "ConsEtotal", first="2026-10-25")
    points = row["dataPoints"]
    assert len(points) == 288
    assert "2026-10-25T02:30:00+02:00" not in points
    assert points["2026-10-25T02:30:00+01:00"] is not None
    within = datetime(2026, 10, 25, 0, 59, tzinfo=UTC).timestamp()
    assert plant.local(plant.published(within)).isoformat()[11:] == "01:55:00+02:00"


async def test_first_day_and_overflow(client: Client) -> None:
    """The day of commissioning has 401 keys; a 31st that is none runs over."""
    account = client.sim.account("advanced")
    rows = await client.channels(account, "ProdPac", first="2020-01-01", last="today")
    assert len(rows) == 42
    assert len(rows[-1]["dataPoints"]) == 401
    assert set(rows[-1]["dataPoints"].values()) == {None}
    client.sim.clock.advance(86_400 * 14)
    client.tokens.clear()
    rows = await client.channels(
        account, "ProdPac", first="2026-06-30", last="2026-06-31"
    )
    assert [row["date"] for row in rows] == ["2026-07-01", "2026-06-30"]
    path = f"/visualization/plant/{account.plants[0].id}/channels"
    assert (await client.raw(account, path, [("dateFrom", "soon")]))[0] == 400


@pytest.mark.parametrize("stamps", ["instant", "short"])
@pytest.mark.parametrize("live", [True, False])
async def test_sums(client: Client, stamps: str, live: bool) -> None:
    """Days of a month, months of a year and the years add up."""
    account = client.sim.account("advanced")
    plant = account.plants[0]
    plant.details |= {"stamps": stamps, "live": live}
    base = f"/visualization/plant/{plant.id}"
    name = ("channelNames[]", "ConsEtotal")
    totals = []
    for path in ("/lifetime", "/year/2026", "/year/2026/month/05"):
        (row,) = await client.get(account, base + path, name)
        values = [value for value in row["dataPoints"].values() if value is not None]
        totals.append(sum(values))
        assert row["unit"] == "Wh"
    (june,) = await client.get(account, f"{base}/year/2026/month/6", name)
    values = [value for value in june["dataPoints"].values() if value is not None]
    assert len(values) == 16 + live
    assert abs(totals[0] - totals[1]) <= 1
    assert abs(totals[2] + sum(values) - totals[1]) <= 50
    client.sim.fault("vendor_correction", variable="ConsEtotal", delta=5000)
    (row,) = await client.get(account, f"{base}/lifetime", name)
    assert max(row["dataPoints"].values()) == totals[0] + 5000
    assert (await client.raw(account, f"{base}/year/2026/month/13", [name]))[0] == 400


async def test_faults(client: Client) -> None:
    """What goes wrong with values and transfers."""
    account = client.sim.account("advanced")
    plant = account.plants[0]
    sim, now = client.sim, client.sim.clock.seconds()
    newest = plant.published(now)
    sim.fault("missing", variable="ProdPac")
    assert await client.channels(account, "ProdPac", first="today") == []
    sim.clear_faults()
    sim.fault("value", variable="ConsPac", value="NaN", count=1)
    (row,) = await client.channels(account, "ConsPac", first="today")
    assert set(row["dataPoints"].values()) == {None, "NaN"}
    sim.fault("logger_offline", seconds=3600)
    sim.clock.advance(3000)
    assert plant.published(sim.clock.seconds()) == newest
    assert sim.truth()[plant.id][""]["online"] is False
    sim.clock.advance(2400)
    assert plant.published(sim.clock.seconds()) > newest + 3600
    cross = plant.components[0].cross_id
    sim.fault("device_gone", device=cross)
    client.tokens.clear()
    rows = await client.get(account, f"/datasource/plant/{plant.id}/components/today")
    assert cross not in {row["crossEpochId"] for row in rows}
    sim.clear_faults()
    sim.fault("dip_counters", factor=0.5)
    sim.fault("frozen")
    sim.clock.advance(1800)
    client.tokens.clear()
    (row,) = await client.channels(account, "ConsEtotal", first="today")
    points = [value for value in row["dataPoints"].values() if value is not None]
    assert points[-1] < points[-10]
    assert points[-1] == points[-2]
    sim.clear_faults()
    sim.fault("refused_token", count=1)
    assert (await client.raw(account, "/administration/plants"))[0] == 401
    sim.fault("errno", errno=503, count=1)
    assert (await client.raw(account, "/administration/plants"))[0] == 503
    sim.fault("null_result", count=1)
    assert await client.get(account, "/administration/plants") is None
    sim.fault("no_result", count=1)
    assert await client.get(account, "/administration/plants") == []


async def test_late_midnight(client: Client) -> None:
    """The counter of the day is yesterday's for a while."""
    sim = client.sim
    account = sim.account("advanced")
    sim.fault("late_midnight", minutes=20)
    sim.clock.set(datetime(2026, 6, 17, 23, 5, tzinfo=UTC))
    (row,) = await client.channels(account, "ConsEtotal", first="today")
    points = list(row["dataPoints"].values())
    assert points[0] == points[3] > 1000
    assert points[4] < 1000


def test_drawn_names() -> None:
    """What no document names is named anew in each run."""
    names = {
        tuple(row.name for row in sim.account("advanced").drawn.battery)
        for sim in (Simulator(vendors=("solarlog",), history_days=2) for _ in range(3))
    }
    assert len(names) > 1
