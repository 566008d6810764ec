"""FoxESS with an access token instead of a key."""

from typing import Any

import pytest

from custom_components.solar_cloud.cloud.errors import (
    AuthenticationFailed,
    Busy,
    CloudUnavailable,
    PermissionDenied,
    QuotaExceeded,
)
from custom_components.solar_cloud.cloud.foxess.cloud import FOXESS, FoxessCloud
from custom_components.solar_cloud.cloud.foxess.sign_in import OAUTH, tokens
from custom_components.solar_cloud.cloud.oauth import Token, Tokens, TokenService
from custom_components.solar_cloud.cloud.vendor import Connection

from .conftest import Open
from .world import World

BACK = "https://home.example/back"
READ, STEER = OAUTH.scopes


class Allowed:
    """An account into which its owner has let us."""

    def __init__(self, world: World) -> None:
        """Take an account of the simulator."""
        self.world = world
        self.server = world.sim.vendors["foxess"].oauth
        self.saved: list[Token] = []

    async def begin(self, *scopes: str) -> FoxessCloud:
        """Consent, and sign in."""
        world = self.world
        fields = world.account.oauth_fields()
        service = TokenService(world.session, world.clock, OAUTH, fields)
        at = world.sim.clock.seconds()
        code = self.server.consent(world.account.client.id, BACK, scopes, at)
        self.tokens = Tokens(
            service, world.clock, await service.exchange(code, BACK), self._save
        )
        way = FOXESS.way("foxess_oauth")
        vendor = way.connect(
            Connection(
                session=world.session,
                clock=world.clock,
                ledger=world.ledger,
                credentials=fields,
                token=self.tokens,
            )
        )
        assert isinstance(vendor, FoxessCloud)
        return vendor

    async def _save(self, token: Token) -> None:
        self.saved.append(token)


@pytest.fixture
def allowed(open_world: Open) -> Allowed:
    """Return an account."""
    return Allowed(open_world("kh"))


async def test_requests_are_signed_with_the_access_token(allowed: Allowed) -> None:
    """Reading and steering go the same way as with a key."""
    vendor = await allowed.begin(READ, STEER)
    assert allowed.tokens.granted == {"scope": f"{READ} {STEER}"}
    identity = await vendor.identify()
    assert set(identity.plants) == {plant.id for plant in allowed.world.account.plants}
    for feed in ("devices", "realtime", "settings"):
        await vendor.poll(feed)
    sn = allowed.world.sn
    assert await vendor.write(sn, {"max_soc": 93}) == {}
    assert ("setting MaxSoc", "93") in allowed.world.commands()
    assert not allowed.world.refused


async def test_a_token_that_was_taken_back_early(allowed: Allowed) -> None:
    """It costs one refusal and one refresh; then the call is made again."""
    vendor = await allowed.begin(READ)
    await vendor.identify()
    allowed.server.expire("kh")
    await vendor.identify()
    assert [row.code for row in allowed.world.refused] == [41809]
    assert allowed.saved == [allowed.tokens.token]
    allowed.server.revoke("kh")
    with pytest.raises(AuthenticationFailed):
        await vendor.identify()


async def test_what_the_owner_did_not_allow(allowed: Allowed) -> None:
    """Steering needs its own scope."""
    vendor = await allowed.begin(READ)
    await vendor.poll("devices")
    with pytest.raises(PermissionDenied):
        await vendor.write(allowed.world.sn, {"max_soc": 93})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"errno": 41807, "msg": None}, AuthenticationFailed),
        ({"errno": 40257}, AuthenticationFailed),
        ({"errno": 99999}, AuthenticationFailed),
        ({"errno": "x"}, AuthenticationFailed),
        ({"errno": 30000}, CloudUnavailable),
        ({"errno": 40400}, QuotaExceeded),
        ({"errno": 40401}, Busy),
    ],
)
def test_errors_come_as_numbers(body: dict[str, Any], error: Any) -> None:
    """Only what cannot be waited for asks the owner again."""
    with pytest.raises(error):
        tokens(body)


def test_tokens_come_as_they_are_or_wrapped() -> None:
    """No document shows the answer."""
    plain = {"access_token": "a"}
    assert tokens(plain) == plain
    assert tokens({"errno": 0, "result": plain}) == plain
    assert tokens([]) == []
