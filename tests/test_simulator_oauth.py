"""The simulated OAuth service: what a browser and an app see of it."""

from base64 import b64encode
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulator.base import Answer, Call, Exchange
from tests.simulator.oauth import Client, OAuthServer, Rules

RULES = Rules(
    authorize="/authorize",
    token="/token",
    revoke="/revoke",
    shown="/shown",
    scopes=("read", "write"),
    most_state=20,
    forbidden_in_redirect=("..",),
)
BACK = "https://home.example/back"


def _server(**given: Any) -> OAuthServer:
    """Return a server with one app."""
    rules = Rules(**{f: getattr(RULES, f) for f in RULES.__slots__} | given)
    server = OAuthServer(rules, 1)
    server.add_client(Client(id="app", secret="word", account="owner"))
    return server


def _ask(
    server: OAuthServer, method: str, path: str, at: float = 0.0, /, **given: Any
) -> Answer:
    """Send a request."""
    headers = given.pop("headers", {})
    call = Call(at=at, vendor="any", account="", method=method, endpoint=path)
    return server.serve(
        Exchange(
            at=at,
            method=method,
            endpoint=path,
            headers=headers,
            params=given,
            call=call,
        )
    )


def _asking(**given: str) -> dict[str, str]:
    """Return the parameters of an authorize address."""
    return {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": BACK,
        "state": "abc",
    } | given


def _code(server: OAuthServer, at: float = 0.0) -> str:
    """Go through the page of consent as a browser does; returns the code."""
    page = _ask(server, "GET", "/authorize", at, **_asking()).body
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    scopes = re.findall(r'name="scope" value="(\w+)"', page)
    form = fields | {"scope": " ".join(scopes), "decision": "allow"}
    answer = _ask(server, "POST", "/authorize", at, **form)
    sent = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert sent["state"] == ["abc"]
    assert sent["code"][0] in answer.body
    return sent["code"][0]


def _change(server: OAuthServer, at: float = 0.0, /, **given: Any) -> Answer:
    """Ask for tokens."""
    fields = {"client_id": "app", "client_secret": "word", "redirect_uri": BACK}
    return _ask(server, "POST", "/token", at, **fields | given)


def _tokens(server: OAuthServer, at: float = 0.0) -> dict[str, Any]:
    """Sign in; returns the tokens."""
    code = _code(server, at)
    answer = _change(server, at, grant_type="authorization_code", code=code)
    assert answer.status == 200
    tokens: dict[str, Any] = answer.body
    return tokens


def test_consent_gives_tokens_that_last_an_hour() -> None:
    """A code becomes an access token with the scopes that the owner allowed."""
    server = _server()
    tokens = _tokens(server)
    assert tokens["scope"] == "read write"
    assert tokens["expires_in"] == 3600
    assert server.grant_of(tokens["access_token"], 3599) is not None
    assert server.grant_of(tokens["access_token"], 3600) is None
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert server.account_of(headers, {}) == "owner"


def test_a_code_serves_once_and_not_for_long() -> None:
    """A spent code, a late one and a foreign address are refused."""
    server = _server()
    code = _code(server)
    first = _change(server, grant_type="authorization_code", code=code)
    second = _change(server, grant_type="authorization_code", code=code)
    late = _change(server, 300, grant_type="authorization_code", code=_code(server))
    other = {"redirect_uri": "https://other.example", "code": _code(server)}
    foreign = _change(server, grant_type="authorization_code", **other)
    assert [a.status for a in (first, second, late, foreign)] == [200, 400, 400, 400]


@pytest.mark.parametrize(
    ("one", "rotate"), [(True, False), (False, True), (True, True)]
)
def test_refresh(one: bool, rotate: bool) -> None:
    """A refresh gives a new access token; what was before ends as the vendor says."""
    server = _server(one_access_token=one, rotate=rotate)
    old = _tokens(server)
    refresh = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = _change(server, 100, **refresh).body
    assert server.grant_of(new["access_token"], 200) is not None
    assert (server.grant_of(old["access_token"], 200) is None) is one
    assert (new["refresh_token"] != old["refresh_token"]) is rotate
    assert (_change(server, 200, **refresh).status == 400) is rotate


def test_who_the_app_is() -> None:
    """A wrong secret is refused; a server that wants HTTP Basic takes nothing else."""
    server = _server()
    assert _change(server, client_secret="no", grant_type="x").status == 401
    assert _change(server, grant_type="password").body == {
        "error": "unsupported_grant_type"
    }
    basic = _server(basic=True)
    assert _change(basic, grant_type="authorization_code").status == 401
    word = b64encode(b"app:word").decode()
    headers = {"Authorization": f"Basic {word}"}
    given = {"grant_type": "authorization_code", "code": _code(basic)}
    assert _change(basic, headers=headers, **given).status == 200
    broken = {"Authorization": "Basic ???"}
    assert _change(basic, headers=broken, **given).status == 401


def test_the_owner_may_refuse_and_take_back() -> None:
    """A refusal comes back as an error; what was allowed can be taken back."""
    server = _server()
    no = _ask(server, "POST", "/authorize", **_asking(decision="deny"))
    assert "error=access_denied" in no.headers["Location"]
    bad = _ask(server, "GET", "/authorize", **_asking(scope="other"))
    assert "error=invalid_scope" in bad.headers["Location"]
    tokens = _tokens(server)
    server.revoke("owner")
    assert server.grant_of(tokens["access_token"], 1) is None
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert _change(server, **refresh).status == 400


def test_an_app_may_give_its_tokens_back() -> None:
    """A revoked token is worth nothing; an expired one can be refreshed."""
    server = _server()
    tokens = _tokens(server)
    server.expire("owner")
    assert server.grant_of(tokens["access_token"], 1) is None
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert _change(server, **refresh).status == 200
    who = {"client_id": "app", "client_secret": "word"}
    given = who | {"access_token": tokens["access_token"]}
    assert _ask(server, "POST", "/revoke", **given).status == 200
    assert _change(server, **refresh).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"response_type": "token"},
        {"state": "x" * 21},
        {"redirect_uri": "https://home.example/../x"},
        {"redirect_uri": "home"},
    ],
)
def test_a_wrong_address_is_a_bad_request(wrong: dict[str, str]) -> None:
    """What the vendor does not like ends on its error page."""
    assert _ask(_server(), "GET", "/authorize", **_asking(**wrong)).status == 400


def test_the_code_can_be_shown() -> None:
    """An address of the vendor's own shows the code to copy."""
    server = _server()
    assert "XYZ" in _ask(server, "GET", "/shown", code="XYZ").body
    assert server.handles("/shown")
    assert not server.handles("/other")
    assert _ask(server, "GET", "/token").status == 405
