"""Signing in: the one session of an API account, and an owner's access token."""

import asyncio
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AccountLocked,
    AuthenticationFailed,
    Busy,
    CloudError,
    NoPlants,
    PermissionDenied,
    QuotaExceeded,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.huawei.codes import SessionLost

from .conftest import Open
from .stub import Error, Page, Stub, device, plants
from .world import World


async def test_a_session_is_used_again(home: World) -> None:
    """One login serves until nothing was asked for half an hour, also after a restart."""
    await home.vendor.identify()
    for _ in range(8):
        home.advance(minutes=20)
        await home.poll("totals")
    await home.begin()
    await home.vendor.identify()
    assert home.paths().count("login") == 1
    home.advance(minutes=31)
    await home.vendor.identify()
    assert home.paths().count("login") == 2
    assert not home.refused


async def test_a_new_password_has_a_session_of_its_own(home: World) -> None:
    """What was stored under another password is another session."""
    await home.vendor.identify()
    await home.begin(password="another")
    with pytest.raises(AuthenticationFailed):
        await home.vendor.identify()


async def test_a_flow_and_the_entry_share_a_session(home: World) -> None:
    """Signing in a second time with the same name and password takes nothing away."""
    await home.vendor.identify()
    other = World(home.sim, home.session, "home")
    await other.begin()
    other.ledger = home.ledger
    other.vendor = other.way.connect(home.connection(memory={}))
    await other.vendor.identify()
    assert home.paths().count("login") == 1


async def test_a_wrong_password_is_not_tried_again(home: World) -> None:
    """However often the feeds ask, the account is not locked by us."""
    await home.begin(password="wrong")
    for _ in range(6):
        with pytest.raises(AuthenticationFailed, match="user_or_value_invalid"):
            await home.vendor.identify()
    assert home.paths() == ["login"]


async def test_five_restarts_do_not_lock_the_account(home: World) -> None:
    """The ledger keeps the fifth attempt of ten minutes back."""
    for _ in range(4):
        await home.begin(password="wrong")
        with pytest.raises(AuthenticationFailed):
            await home.vendor.identify()
    await home.begin(password="wrong")
    with pytest.raises(QuotaExceeded):
        await home.vendor.identify()
    home.advance(minutes=11)
    await home.begin()
    assert (await home.vendor.identify()).plants


async def test_a_locked_account_is_left_alone(home: World) -> None:
    """For half an hour nothing is sent, also after a restart."""
    home.account.locked_until = home.sim.clock.seconds() + 3000
    with pytest.raises(AccountLocked) as caught:
        await home.vendor.identify()
    assert caught.value.key == "locked"
    home.advance(minutes=20)
    await home.begin()
    with pytest.raises(AccountLocked):
        await home.vendor.identify()
    assert home.paths() == ["login"]
    home.advance(minutes=31)
    assert (await home.vendor.identify()).plants


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (20001, AuthenticationFailed),
        (20002, AccountLocked),
        (20003, AuthenticationFailed),
        (20028, AuthenticationFailed),
        (20029, AuthenticationFailed),
        (20400, AuthenticationFailed),
        (20403, AccountLocked),
    ],
)
async def test_what_a_login_is_refused_for(
    stub: Stub, code: int, kind: type[CloudError]
) -> None:
    """Each code has its meaning; without words of its own the document's are told."""
    stub.answers["login"] = Error(code)
    with pytest.raises(kind) as caught:
        await stub.vendor.identify()
    assert caught.value.words
    assert caught.value.code == str(code)


async def test_an_empty_body_is_a_wrong_password_at_first_only(stub: Stub) -> None:
    """Once the account has been signed in to, it is a server's hiccup."""
    stub.answers["login"] = Page("")
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.identify()
    stub.begin()
    stub.answers |= {"login": None, "stations": plants()}
    await stub.vendor.identify()
    stub.answers["login"] = Page("")
    stub.advance(hours=1)
    stub.begin()
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.identify()


async def test_a_login_without_a_token_is_not_understood(stub: Stub) -> None:
    """Neither the header nor the cookie is there."""
    stub.login_headers = {"Set-Cookie": "locale=en"}
    with pytest.raises(UnexpectedAnswer, match="without a token"):
        await stub.vendor.identify()


async def test_a_token_may_come_as_a_cookie(stub: Stub) -> None:
    """Servers of older days have it there only."""
    stub.login_headers = {"Set-Cookie": "XSRF-TOKEN=x-9; Path=/; Secure"}
    stub.answers["stations"] = plants()
    await stub.vendor.identify()
    assert stub.headers[-1]["XSRF-TOKEN"] == "x-9"


async def test_an_account_without_plants(stub: Stub) -> None:
    """Nothing to be shown is told as such."""
    stub.answers["stations"] = {"list": [], "pageCount": 0, "total": 0}
    with pytest.raises(NoPlants):
        await stub.vendor.identify()


@pytest.mark.parametrize(
    "page", [Page("<html>", 404), Page("nothing here", 405), Page("{}", 404)]
)
async def test_another_server_answers(stub: Stub, page: Page) -> None:
    """A host that is not Huawei's is told from a device that lacks something."""
    stub.answers["login"] = page
    with pytest.raises(UnexpectedAnswer):
        await stub.vendor.identify()


# --- lost sessions ----------------------------------------------------------------------


async def test_a_lost_session_is_renewed_within_the_poll(home: World) -> None:
    """The call that found nobody signed in is made again."""
    await home.vendor.identify()
    home.cloud.new_session(home.account, home.sim.clock.seconds())
    await home.poll("devices")
    assert home.paths().count("login") == 2
    assert home.vendor.warnings == frozenset()


async def test_another_client_is_told_of(home: World) -> None:
    """A second loss within ten minutes is no accident; an hour later it is forgotten."""
    await home.vendor.identify()
    for _ in range(2):
        home.advance(minutes=5)
        home.cloud.new_session(home.account, home.sim.clock.seconds())
        await home.poll("totals")
    assert home.vendor.warnings == {"other_client"}
    home.advance(minutes=50)
    assert home.vendor.warnings == {"other_client"}
    home.advance(minutes=11)
    assert home.vendor.warnings == frozenset()


async def test_losses_far_apart_are_no_other_client(home: World) -> None:
    """A cloud that restarts now and then is not in use by somebody else."""
    await home.vendor.identify()
    for _ in range(3):
        home.advance(minutes=15)
        home.cloud.new_session(home.account, home.sim.clock.seconds())
        await home.poll("totals")
    assert home.vendor.warnings == frozenset()


async def test_a_storm_of_lost_sessions_costs_one_login_a_cycle(stub: Stub) -> None:
    """Whatever we do, somebody else takes the session at once."""
    stub.answers |= {"stations": Error(305, "USER_MUST_RELOGIN")}
    for _ in range(7):
        with pytest.raises(SessionLost) as caught:
            await stub.vendor.poll("devices")
        assert caught.value.key == "session_lost"
    assert stub.paths().count("login") == 2
    stub.advance(minutes=5)
    with pytest.raises(Busy) as flows:
        await stub.vendor.identify()
    assert flows.value.key == "cannot_connect"
    assert stub.paths().count("login") <= 4


async def test_calls_at_the_same_time_share_a_login(stub: Stub) -> None:
    """Who finds the session lost while another signs in waits for that."""
    stub.answers |= {"stations": plants(), "getDevList": [device(1, 38, "S1")]}
    await stub.vendor.identify()
    lost = {"t1"}

    def answer(result: Any) -> Any:
        return lambda body: (
            Error(306) if stub.headers[-1].get("XSRF-TOKEN") in lost else result
        )

    stub.answers |= {"getAlarmList": answer([]), "getKpiStationDay": answer([])}
    stub.login_headers = {"XSRF-TOKEN": "t2"}
    await asyncio.gather(stub.vendor.poll("totals"), stub.vendor.poll("alarms"))
    assert stub.paths().count("login") == 2


async def test_no_permission_for_an_interface(stub: Stub) -> None:
    """401 concerns one interface."""
    stub.answers["stations"] = Error(401, "Invalid access to current interface!")
    with pytest.raises(PermissionDenied) as caught:
        await stub.vendor.identify()
    assert caught.value.code == "401"
    assert stub.paths().count("login") == 1


# --- an owner's authorisation -----------------------------------------------------------


async def test_an_access_token_is_refreshed_before_it_ends(owner: World) -> None:
    """Each hour one, without a call that is refused."""
    await owner.vendor.identify()
    for _ in range(5):
        owner.advance(minutes=30)
        await owner.poll("alarms")
    assert not [row for row in owner.sim.calls if row.code]
    assert owner.paths().count("token") == 3


async def test_an_access_token_that_is_turned_down_is_refreshed_once(
    owner: World,
) -> None:
    """The server may end one earlier than it said."""
    await owner.vendor.identify()
    owner.cloud.oauth.expire(owner.name)
    await owner.poll("devices")
    assert owner.paths()[-3:] != []
    assert [row.code for row in owner.sim.calls].count(305) == 1


async def test_a_revoked_authorisation_asks_for_consent(owner: World) -> None:
    """No other call is tried then."""
    await owner.vendor.identify()
    owner.cloud.oauth.revoke(owner.name)
    with pytest.raises(AuthenticationFailed):
        await owner.poll("devices")


async def test_both_ways_see_the_same_serials(open_world: Open) -> None:
    """So plants are recognised by their devices when the way in is changed."""
    world = await open_world("owner")
    await world.vendor.identify()
    snapshot = await world.poll("devices")
    assert {row.serial for row in snapshot.devices.values()} >= {
        row.sn for row in world.plant.devices if row.sn
    }
