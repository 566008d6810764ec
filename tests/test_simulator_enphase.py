"""Enphase's simulated cloud: as documented, and in step with the home behind it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
import json
import re
from typing import Any

import aiohttp
from aiohttp import ClientSession
import pytest

from tests.simulator import Simulator
from tests.simulator.enphase.accounts import EnphaseAccount, encoded
from tests.simulator.enphase.plans import Group
from tests.simulator.enphase.system import System
from tests.simulator.enphase.v2 import SYSTEM_CALLS as OLD_CALLS
from tests.simulator.enphase.v4 import SYSTEM_CALLS as NEW_CALLS

NOON = datetime(2026, 6, 17, 12, 3, 20, tzinfo=UTC)


class Caller:
    """Calls the cloud as an account."""

    def __init__(self, sim: Simulator, session: ClientSession, name: str) -> None:
        """Take an account."""
        self.sim = sim
        self.session = session
        self.account: EnphaseAccount = sim.account(name)
        self.system: System = self.account.plants[0]
        self.token = ""
        self.refresh = ""

    async def old(self, path: str, **params: Any) -> tuple[int, Any]:
        """Make a call of version 2."""
        known = {"key": self.account.old_app.key, "user_id": self.account.user_id}
        url = f"{self.sim.url('enphase')}/api/v2/systems{path}"
        async with self.session.get(url, params=known | params) as answer:
            return answer.status, json.loads(await answer.text() or "null")

    async def new(
        self, path: str, method: str = "GET", body: Any = None, **params: Any
    ) -> tuple[int, Any]:
        """Make a call of version 4, signed in."""
        if not self.token:
            await self.sign_in()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "key": self.account.app.key,
        }
        url = f"{self.sim.url('enphase')}/api/v4/systems{path}"
        async with self.session.request(
            method, url, params=params, json=body, headers=headers
        ) as answer:
            return answer.status, json.loads(await answer.text() or "null")

    async def sign_in(self) -> None:
        """Consent, and take the tokens for the code."""
        url = self.sim.url("enphase")
        shown = f"{url}/oauth/redirect_uri"
        form = {
            "response_type": "code",
            "client_id": self.account.app.client_id,
            "redirect_uri": shown,
            "state": "s",
            "decision": "allow",
        }
        async with self.session.post(f"{url}/oauth/authorize", data=form) as answer:
            page = await answer.text()
        code = re.search(r'id="code">(\w+)<', page)
        assert code
        status, found = await self.tokens(
            grant_type="authorization_code", code=code[1], redirect_uri=shown
        )
        assert status == 200
        self.token, self.refresh = found["access_token"], found["refresh_token"]

    async def tokens(self, **params: str) -> tuple[int, Any]:
        """Ask for tokens, with HTTP Basic."""
        app = self.account.app
        basic = aiohttp.encode_basic_auth(app.client_id, app.client_secret)
        async with self.session.post(
            f"{self.sim.url('enphase')}/oauth/token",
            params=params,
            headers={"Authorization": basic},
        ) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return the simulator at a summer's noon."""
    async with Simulator(
        now=lambda: NOON, vendors=("enphase",), seed=3, history_days=40
    ) as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return an HTTP session."""
    async with ClientSession() as found:
        yield found


@pytest.fixture
def old(sim: Simulator, session: ClientSession) -> Caller:
    """Return a caller of version 2."""
    return Caller(sim, session, "legacy")


@pytest.fixture
def mega(sim: Simulator, session: ClientSession) -> Caller:
    """Return a caller on Megawatt."""
    return Caller(sim, session, "mega")


@pytest.fixture
def watt(sim: Simulator, session: ClientSession) -> Caller:
    """Return a caller on Watt."""
    return Caller(sim, session, "watt")


# --- version 2 -------------------------------------------------------------------------


async def test_old_systems_come_in_pages(old: Caller) -> None:
    """The list is cut at `limit`, and `next` is there only where there is more."""
    status, first = await old.old("", limit=1)
    assert status == 200
    assert len(first["systems"]) == 1
    status, second = await old.old("", limit=1, next=first["next"])
    assert "next" not in second
    found = {row["system_id"] for row in (*first["systems"], *second["systems"])}
    assert found == {int(row.id) for row in old.account.plants}
    _, one = await old.old("", system_id=old.system.id)
    assert [row["system_id"] for row in one["systems"]] == [int(old.system.id)]


@pytest.mark.parametrize("name", OLD_CALLS)
async def test_old_calls_answer(old: Caller, name: str) -> None:
    """Each call answers for a metered system."""
    system = old.account.plants[1]
    start = {"start_date": "2026-05-10"} if name == "monthly_production" else {}
    status, body = await old.old(f"/{system.id}/{name}", **start)
    assert status == 200
    assert body["system_id"] == int(system.id)


async def test_old_pv_only_has_no_meters(old: Caller) -> None:
    """Without a meter: 204, empty lists."""
    assert await old.old(f"/{old.system.id}/consumption_lifetime") == (204, None)
    for name in ("consumption_stats", "rgm_stats"):
        _, body = await old.old(f"/{old.system.id}/{name}")
        assert body["intervals"] == []
    _, body = await old.old(f"/{old.system.id}/production_meter_readings")
    assert body["meter_readings"] == []


async def test_old_stats_add_up(old: Caller) -> None:
    """The day's intervals add up to the summary, but for late microinverters."""
    _, stats = await old.old(f"/{old.system.id}/stats")
    _, summary = await old.old(f"/{old.system.id}/summary")
    total = sum(row["enwh"] for row in stats["intervals"])
    assert summary["energy_today"] * 0.98 <= total <= summary["energy_today"]
    assert total > 0
    assert stats["intervals"][-1]["end_at"] <= summary["last_interval_end_at"]
    midnight = old.system.midnight(date(2026, 6, 17))
    dark = [row for row in stats["intervals"] if row["end_at"] < midnight + 3 * 3600]
    assert not dark


async def test_late_microinverters_follow(old: Caller) -> None:
    """An interval that was told of in part is whole after the next upload."""
    path = f"/{old.system.id}/stats"
    for _ in range(12):
        _, before = await old.old(path)
        newest = before["intervals"][-1]
        old.sim.clock.advance(900)
        if newest["devices_reporting"] == 40:
            continue
        _, after = await old.old(path)
        again = next(r for r in after["intervals"] if r["end_at"] == newest["end_at"])
        assert again["devices_reporting"] == 40
        assert again["enwh"] > newest["enwh"]
        return
    pytest.fail("no microinverter was ever late")


async def test_old_lifetime_is_yesterday(old: Caller) -> None:
    """Days end with yesterday; asking for today alone is refused in other words."""
    _, body = await old.old(f"/{old.system.id}/energy_lifetime")
    days = [body["start_date"], len(body["production"])]
    first = date.fromisoformat(days[0])
    assert first + timedelta(days=days[1]) == date(2026, 6, 17)
    status, body = await old.old(
        f"/{old.system.id}/energy_lifetime", start_date="2026-06-17"
    )
    assert status == 422
    assert "errorMessages" in body


async def test_old_odometer_follows_the_home(old: Caller) -> None:
    """The meter's odometer is the home's; a retired meter stands still."""
    system = old.account.plants[1]
    _, body = await old.old(f"/{system.id}/production_meter_readings")
    live, retired = body["meter_readings"]
    truth = system.home.totals(live["read_at"])["pv_energy"]
    assert live["value"] == pytest.approx(truth * 1000, abs=1)
    assert retired["read_at"] < live["read_at"] - 86_400


async def test_old_inverters_are_a_list(old: Caller) -> None:
    """Forty microinverters share power and energy; a wrong site is refused."""
    path = "/inverters_summary_by_envoy_or_site"
    _, body = await old.old(path, site_id=old.system.id)
    rows = body[0]["micro_inverters"]
    assert len(rows) == 40
    power = sum(row["power_produced"] for row in rows)
    assert power == pytest.approx(old.system.flow(NOON.timestamp() - 300).pv, rel=0.3)
    status, body = await old.old(path, site_id=-1)
    assert status == 422
    _, body = await old.old(path, site_id=old.account.plants[1].id)
    assert body[0]["micro_inverters"][0]["power_produced"]["units"] == "W"


async def test_old_refusals(old: Caller) -> None:
    """What cannot be is refused in the words of the service."""
    assert (await old.old("/1/summary"))[0] == 401
    assert (await old.old(f"/{old.system.id}/unknown"))[0] == 404
    assert (await old.old("", user_id="31"))[0] == 401
    assert (await old.old("/search_system_id", serial_num="x"))[0] == 404
    path = f"/{old.system.id}/summary"
    assert (await old.old(path, summary_date="soon"))[0] == 422
    assert (await old.old(path, summary_date="2027-01-01"))[0] == 422
    late = int(NOON.timestamp()) + 60
    assert (await old.old(f"/{old.system.id}/stats", start_at=late))[0] == 422
    old.account.revoke()
    status, body = await old.old("")
    assert status == 401
    assert body["message"][0].endswith(".")


async def test_old_search_finds_the_gateway(old: Caller) -> None:
    """A gateway's serial leads to its system."""
    _, body = await old.old("/search_system_id", serial_num=old.system.gateway)
    assert body == {"system_id": int(old.system.id)}


async def test_old_limit_of_a_minute(old: Caller) -> None:
    """The eleventh call of a minute is a conflict that says until when."""
    for _ in range(10):
        assert (await old.old(""))[0] == 200
    status, body = await old.old("")
    assert (status, body["period"], body["limit"]) == (409, "minute", 10)
    old.sim.clock.set(datetime.fromtimestamp(body["period_end"], UTC))
    assert (await old.old(""))[0] == 200


async def test_consumption_may_be_withheld(old: Caller) -> None:
    """An owner who does not share the consumption shares the rest."""
    old.account.consumption = False
    assert (await old.old(f"/{old.system.id}/consumption_stats"))[0] == 401
    assert (await old.old(f"/{old.system.id}/summary"))[0] == 200


def test_user_ids() -> None:
    """A user's number is written as the hexadecimal digits of its base64."""
    assert bytes.fromhex(encoded(271828)) == b"MjcxODI4\n"


# --- version 4 -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NEW_CALLS if name != "live_data"])
async def test_new_calls_answer(mega: Caller, name: str) -> None:
    """Each call answers on a plan that has it; the stream is no JSON."""
    start = {"start_time": 0} if name in ("events", "alarms") else {}
    status, body = await mega.new(f"/{mega.system.id}/{name}".rstrip("/"), **start)
    assert status == 200
    assert body["system_id"] == int(mega.system.id)


async def test_plans_cover_calls(watt: Caller) -> None:
    """What the plan has not is refused as if nobody had signed in."""
    for name, (group, _) in NEW_CALLS.items():
        start = {"start_time": 0} if name in ("events", "alarms") else {}
        watt.sim.clock.advance(60)
        status, body = await watt.new(f"/{watt.system.id}/{name}".rstrip("/"), **start)
        covered = group not in (Group.DEVICE, Group.STREAMING)
        assert status == (200 if covered else 401), name
        if not covered:
            assert body["message"] == "Not Authorized"
    status, _ = await watt.new(f"/config/{watt.system.id}/battery_settings")
    assert status == 401


@pytest.mark.parametrize(
    ("path", "key", "field"),
    [
        ("telemetry/production_meter", "pv_energy", "wh_del"),
        ("telemetry/consumption_meter", "load_energy", "enwh"),
        ("energy_import_telemetry", "grid_import_energy", "wh_imported"),
        ("energy_export_telemetry", "grid_export_energy", "wh_exported"),
    ],
)
async def test_intervals_are_the_home_s(
    mega: Caller, path: str, key: str, field: str
) -> None:
    """A day's quarters of an hour add up to what the home did."""
    midnight = mega.system.midnight(date(2026, 6, 16))
    _, body = await mega.new(f"/{mega.system.id}/{path}", start_at=int(midnight))
    rows = body["intervals"]
    if rows and isinstance(rows[0], list):
        rows = rows[0]
    assert len(rows) == 96
    assert rows[0]["end_at"] == midnight + 900
    home = mega.system.home
    grew = home.totals(midnight + 86_400)[key] - home.totals(midnight)[key]
    assert sum(row[field] for row in rows) == pytest.approx(grew * 1000, abs=2)


async def test_batteries_are_the_home_s(mega: Caller) -> None:
    """Charge, discharge and state of charge agree with the home."""
    _, body = await mega.new(f"/{mega.system.id}/telemetry/battery")
    last = body["intervals"][-1]
    assert last["soc"]["percent"] == round(mega.system.home.state(last["end_at"]).soc)
    _, odometer = await mega.new(f"/{mega.system.id}/storage_meter_readings")
    row = odometer["meter_readings"][0]
    truth = mega.system.home.totals(row["read_at"])
    assert row["value_charged"] == pytest.approx(
        truth["battery_charge_energy"] * 1000, abs=1
    )


async def test_latest_powers_balance(mega: Caller) -> None:
    """The consumption of a net meter less the charge is what the house uses."""
    _, body = await mega.new(f"/{mega.system.id}/latest_telemetry")
    channels = [r for r in body["devices"]["meters"] if r["power"] is not None]
    power = {row["name"]: row["power"] for row in channels}
    charge = sum(row["power"] for row in body["devices"]["encharges"])
    flow = mega.system.flow(channels[0]["last_report_at"])
    assert power["production"] == pytest.approx(flow.pv, abs=1)
    assert power["consumption"] - charge == pytest.approx(flow.load, abs=3)


async def test_live_data_is_a_stream(mega: Caller) -> None:
    """The stream tells of the present; a wrong duration has a code of its own."""
    await mega.sign_in()
    headers = {"Authorization": f"Bearer {mega.token}", "key": mega.account.app.key}
    url = f"{mega.sim.url('enphase')}/api/v4/systems/{mega.system.id}/live_data"
    async with mega.session.get(url, headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        first = (await answer.text()).split("\n\n")[0].removeprefix("data: ")
    told = json.loads(first)["data"]["data"]
    flow = mega.system.home.state(NOON.timestamp()).flow
    assert told["grid_power"] == pytest.approx(flow.grid, abs=1)
    async with mega.session.get(url, headers=headers | {"duration": "5"}) as answer:
        assert answer.status == 461


async def test_cellular_tells_every_six_hours(
    sim: Simulator, session: ClientSession
) -> None:
    """A gateway on cellular uploads four times a day."""
    caller = Caller(sim, session, "cellular")
    told = set()
    for _ in range(24):
        _, body = await caller.new(f"/{caller.system.id}")
        told.add(body["last_report_at"])
        sim.clock.advance(3600)
    assert 4 <= len(told) <= 5


async def test_tokens_rotate(mega: Caller) -> None:
    """A refresh gives a new refresh token, and the old one is spent."""
    await mega.sign_in()
    old = mega.refresh
    status, found = await mega.tokens(grant_type="refresh_token", refresh_token=old)
    assert status == 200
    assert found["refresh_token"] != old
    status, _ = await mega.tokens(grant_type="refresh_token", refresh_token=old)
    assert status == 400
    mega.sim.clock.advance(86_400)
    assert (await mega.new(""))[0] == 401
    mega.token = found["access_token"]
    assert (await mega.new(""))[0] == 401


async def test_key_belongs_to_the_client(mega: Caller, watt: Caller) -> None:
    """A token with another application's key is refused."""
    await mega.sign_in()
    watt.token = mega.token
    status, body = await watt.new("")
    assert (status, body["details"]) == (401, "API Key -Client mismatch")


async def test_limits_of_minute_and_month(watt: Caller) -> None:
    """Ten a minute, a thousand a month; the month says until when."""
    for _ in range(10):
        assert (await watt.new(""))[0] == 200
    assert (await watt.new(""))[0] == 429
    watt.account.app.spend(watt.sim.clock.seconds(), 990)
    watt.sim.clock.advance(60)
    status, body = await watt.new("")
    assert (status, body["period"], body["limit"]) == (429, "month", 1000)
    july = datetime(2026, 7, 1, tzinfo=UTC)
    watt.sim.clock.set(july)
    watt.token = ""
    assert (await watt.new(""))[0] == 200


# --- steering ----------------------------------------------------------------------------


async def test_battery_settings_act(mega: Caller) -> None:
    """Full Backup charges from the grid where that is allowed, and comes to an end."""
    path = f"/config/{mega.system.id}/battery_settings"
    mega.sim.clock.set(datetime(2026, 6, 18, 2, tzinfo=UTC))
    _, before = await mega.new(path)
    assert before["battery_mode"] == "Self - Consumption"
    status, told = await mega.new(path, "PUT", {"battery_mode": "Full Backup"})
    assert (status, told["battery_mode"]) == (200, "full backup")
    now = mega.sim.clock.seconds()
    mega.sim.clock.advance(420)
    assert mega.system.home.state(now).flow.battery > 0
    assert mega.system.home.state(now + 60).flow.battery < -1000
    back = {"battery_mode": "Self-consumption", "reserve_soc": before["reserve_soc"]}
    assert (await mega.new(path, "PUT", back))[0] == 200
    assert (await mega.new(path))[1] == before
    mega.sim.clock.advance(420)
    assert mega.system.home.state(mega.sim.clock.seconds()).flow.battery > 0
    assert [row.what for row in mega.sim.commands] == ["battery settings"] * 2


async def test_settings_are_checked(mega: Caller) -> None:
    """Modes are taken letter by letter, the reserve not below the shutdown level."""
    path = f"/config/{mega.system.id}/battery_settings"
    for wrong in (
        {"battery_mode": "Self - Consumption"},
        {"reserve_soc": 3},
        {"energy_independence": "on"},
    ):
        assert (await mega.new(path, "PUT", wrong))[0] == 422, wrong
    assert (await mega.new(path, "DELETE"))[0] == 405
    assert not mega.sim.commands


async def test_storm_guard_and_contacts(mega: Caller) -> None:
    """The storm guard answers in other words; a contact has to be named."""
    path = f"/config/{mega.system.id}"
    _, told = await mega.new(
        f"{path}/storm_guard", "PUT", {"storm_guard_status": "enabled"}
    )
    assert told["storm_guard_status"] == "Enabled (Inactive)"
    assert (await mega.new(f"{path}/storm_guard"))[1]["storm_guard_status"] == "enabled"
    loads = f"{path}/load_control"
    assert (await mega.new(loads, "PUT", {"mode": "Basic"}))[0] == 422
    wanted = {"name": "NC2", "mode": "Manual_always_not_powered"}
    _, told = await mega.new(loads, "PUT", wanted)
    assert told["load_control_data"][1]["mode"] == wanted["mode"]
    assert told["load_control_data"][0]["mode"] == "Manual_always_powered"
    assert (await mega.new(f"{path}/grid_status"))[1]["grid_state"] == "On Grid"


async def test_a_write_may_be_lost(mega: Caller) -> None:
    """A setting that is accepted and not carried out stays as it was."""
    mega.sim.fault("accepted_not_done", count=1)
    path = f"/config/{mega.system.id}/battery_settings"
    assert (await mega.new(path, "PUT", {"reserve_soc": 44}))[0] == 200
    assert (await mega.new(path))[1]["reserve_soc"] == 15


async def test_events_come_and_go(mega: Caller) -> None:
    """A fault is an open event and alarm, and afterwards a closed one."""
    serial = mega.system.micros[0].serial
    mega.sim.fault("device_fault", device=serial, code=31)
    mega.sim.clock.advance(60)
    _, body = await mega.new(f"/{mega.system.id}/open_alarms")
    assert body["alarms"][0]["events"][0]["serial_number"] == serial
    mega.sim.clear_faults()
    mega.sim.clock.advance(60)
    assert (await mega.new(f"/{mega.system.id}/open_alarms"))[1]["alarms"] == []
    _, body = await mega.new(f"/{mega.system.id}/alarms", start_time=0)
    assert body["alarms"][0]["cleared"]
    _, body = await mega.new("/event_types")
    assert {row["event_type_id"] for row in body["event_types"]} == {28, 31}


async def test_an_offline_gateway_is_silent(mega: Caller) -> None:
    """While the gateway is offline nothing new is told."""
    _, before = await mega.new(f"/{mega.system.id}/summary")
    mega.sim.fault("logger_offline")
    mega.sim.clock.advance(7200)
    _, after = await mega.new(f"/{mega.system.id}/summary")
    assert after["last_report_at"] <= before["last_report_at"] + 900
    assert mega.system.truth(mega.sim.clock.seconds())[""]["online"] is False


async def test_days_of_clock_changes(sim: Simulator, session: ClientSession) -> None:
    """A day has as many quarters of an hour as the clock gives it."""
    caller = Caller(sim, session, "mega")
    sim.clock.set(datetime(2026, 10, 26, 12, tzinfo=UTC))
    _, body = await caller.new(
        f"/{caller.system.id}/energy_import_telemetry", start_date="2026-10-25"
    )
    assert len(body["intervals"][0]) == 100
