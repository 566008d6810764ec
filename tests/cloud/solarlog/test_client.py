"""Tokens, statuses, quotas: what an answer means, and how often we ask."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AnswerLost,
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
    UnexpectedAnswer,
)
from custom_components.solar_cloud.cloud.solarlog.client import portal_of
from custom_components.solar_cloud.cloud.solarlog.limits import Pace
from custom_components.solar_cloud.cloud.solarlog.tokens import Tokens

from .stub import NOON, PLANT, TOKEN, Later, Page, Stub, slots, told
from .world import World


def tokens(stub: Stub) -> int:
    """Return how many tokens were asked for."""
    return sum(path.endswith(TOKEN) for path, _ in stub.asked)


async def test_a_token_is_kept_until_shortly_before_it_ends(advanced: World) -> None:
    """One token does for all calls within its life; nothing is refused for its age."""
    await advanced.vendor.identify()
    await advanced.poll()
    assert sum(TOKEN in path for path in advanced.paths()) == 1
    advanced.advance(seconds=271)
    await advanced.poll("devices")
    assert sum(TOKEN in path for path in advanced.paths()) == 2
    assert not advanced.refused


async def test_a_token_that_ended_early_is_renewed_once(stub: Stub) -> None:
    """The call is made again with a new token; a second refusal is a wrong client."""
    await stub.vendor.identify()
    stub.answers["/administration/plants"] = Later(
        [Page(status=401, text=""), [{"id": PLANT}]]
    )
    assert (await stub.vendor.identify()).plants[PLANT].name == PLANT
    assert tokens(stub) == 2
    stub.answers["/administration/plants"] = Page(status=401, body={})
    with pytest.raises(AuthenticationFailed):
        await stub.vendor.identify()
    assert tokens(stub) == 3


async def test_a_token_without_an_end_is_kept(stub: Stub) -> None:
    """Until it is turned away."""
    stub.answers[TOKEN] = {"access_token": "t"}
    await stub.vendor.identify()
    stub.advance(days=2)
    await stub.vendor.identify()
    assert tokens(stub) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Page({"error": "invalid_client"}, 401), AuthenticationFailed),
        (Page({"error_description": "Client disabled"}, 400), AuthenticationFailed),
        (Page(status=403, text="<html>"), AuthenticationFailed),
        (Page({}), UnexpectedAnswer),
        (Page([]), UnexpectedAnswer),
        (Page(text="<html>"), UnexpectedAnswer),
        (Page(status=503, text=""), CloudUnavailable),
        (Page(status=500, text=""), AnswerLost),
    ],
)
async def test_a_client_that_gets_no_token(
    stub: Stub, answer: Any, error: type[CloudError]
) -> None:
    """A refused client has to sign in again; all else is the cloud's trouble."""
    stub.answers[TOKEN] = answer
    await raised_by(stub, error)


async def raised_by(stub: Stub, error: type[CloudError]) -> CloudError:
    """Poll the plants' values; returns the error it must end in."""
    stub.vendor._plants = {PLANT: None}  # type: ignore[dict-item]  # noqa: SLF001
    with pytest.raises(error) as raised:
        await stub.vendor.poll("realtime")
    assert type(raised.value) is error
    return raised.value


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Page(status=401, text=""), AuthenticationFailed),
        (Page(status=403, text=""), PermissionDenied),
        (Page(status=408, text=""), CloudUnavailable),
        (Page(status=418, body={}), UnexpectedAnswer),
        (Page(status=502, text=""), AnswerLost),
        (Page(status=503, text="<html>"), CloudUnavailable),
        (Page(text="<html>"), UnexpectedAnswer),
        (Page(text=""), UnexpectedAnswer),
        (Page({"title": "strange"}), UnexpectedAnswer),
    ],
)
async def test_statuses(stub: Stub, answer: Page, error: type[CloudError]) -> None:
    """Each status has its meaning, with and without a body."""
    stub.answers[f"/{PLANT}/channels"] = answer
    await raised_by(stub, error)


@pytest.mark.parametrize("text", ["", "<html>", "{}"])
async def test_a_quota_is_honoured_and_learned(stub: Stub, text: str) -> None:
    """As long as the vendor says nothing is asked; later we ask less often."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    good = stub.answers[f"/{PLANT}/channels"]
    stub.advance(minutes=15)
    stub.answers[f"/{PLANT}/channels"] = Page(
        status=429, text=text, headers={"Retry-After": "1800"}
    )
    with pytest.raises(QuotaExceeded) as raised:
        await stub.vendor.poll("realtime")
    retry_at = raised.value.retry_at
    assert retry_at
    assert abs(retry_at - stub.now - timedelta(seconds=1800)) < timedelta(seconds=5)
    made = len(stub.asked)
    stub.advance(minutes=29)
    with pytest.raises(QuotaExceeded):
        await stub.vendor.poll("devices")
    assert len(stub.asked) == made
    stub.answers[f"/{PLANT}/channels"] = good
    stub.advance(minutes=2)
    for factor, later in ((1.5, 16), (1.0, 17)):
        stub.answers[f"/{PLANT}/channels"] = [told("A", slots(**{f"at{later}00": 1}))]
        stub.now = NOON.replace(hour=later)
        stub.now += timedelta(days=later - 16)
        await stub.vendor.poll("realtime")
        assert stub.memory["pace"]["pace"] == factor
    assert stub.vendor.due("realtime", 1.0) > stub.now + timedelta(minutes=5)


async def test_a_quota_that_names_no_time(stub: Stub) -> None:
    """The account waits a quarter of an hour, and longer each time."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    stub.answers[f"/{PLANT}/channels"] = Page(status=429, body={})
    for minutes in (15, 30):
        stub.advance(hours=2)
        with pytest.raises(QuotaExceeded) as raised:
            await stub.vendor.poll("realtime")
        retry_at = raised.value.retry_at
        assert retry_at
        wait = (retry_at - stub.now).total_seconds() / 60
        assert wait == pytest.approx(minutes, abs=0.1)


def test_the_pace_grows_and_falls_back() -> None:
    """Never slower than an hour, never faster than a quarter of one."""
    pace = Pace({})
    for _ in range(9):
        pace.refused(NOON)
    assert pace.factor == 4
    pace.succeeded(NOON + timedelta(hours=23))
    assert pace.factor == 4
    for day in range(1, 9):
        pace.succeeded(NOON + timedelta(days=day))
    assert pace.factor == 1


@pytest.mark.parametrize(
    "typed",
    ["sun", " sun ", "sun.enerest.world", "https://sun.enerest.world/user-settings"],
)
def test_a_portal_may_be_typed_in_many_ways(typed: str) -> None:
    """Its name, its domain, or the address of one of its pages."""
    assert portal_of(typed) == "sun"
    assert portal_of("...") == "..."


async def test_a_request_carries_what_is_documented(stub: Stub) -> None:
    """Names are repeated as PHP does it, days are the words that the vendor knows."""
    await stub.vendor.poll("devices")
    await stub.vendor.poll("realtime")
    path, query = next(row for row in stub.asked if row[0].endswith("channels"))
    assert path == f"/api/v1/sun/visualization/plant/{PLANT}/channels"
    assert ("channelNames[]", "ProdPac") in query
    assert ("channelNames[]", "ProdEtotal") in query
    assert query[-2:] == [("dateFrom", "yesterday"), ("dateTo", "today")]


async def test_an_answer_without_a_clock(stub: Stub) -> None:
    """The vendor's clock is not needed."""
    stub.answers["/administration/plants"] = Page(
        [{"id": PLANT}], headers={"Date": "whenever"}
    )
    assert (await stub.vendor.identify()).plants


async def test_only_the_token_that_was_refused_is_forgotten(stub: Stub) -> None:
    """Somebody else may have renewed it meanwhile."""
    keeper = Tokens(
        stub.session,  # type: ignore[arg-type]
        stub.clock,
        stub.ledger,
        {"auth_host": stub.url, "client_id": "c", "client_secret": "s"},
    )
    assert await keeper.get() == "t1"
    keeper.forget("t0")
    assert await keeper.get() == "t1"
    assert tokens(stub) == 1
