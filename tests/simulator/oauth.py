"""An OAuth 2.0 server for whichever vendor needs one: consent page, codes, tokens.

A vendor puts its paths, lives and error bodies into `Rules`, gives each account a
client with `add_client`, and hands requests to `serve` when `handles` says so.
The page of the authorize address is a plain form: a test sends its fields back
with POST and finds the code in `Location` (and on the page).
"""

from base64 import b64decode
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

from .base import Answer, Exchange

ERRORS: dict[str, tuple[int, dict[str, str]]] = {
    name: (status, {"error": name})
    for name, status in (
        ("invalid_client", 401),
        ("invalid_grant", 400),
        ("invalid_request", 400),
        ("unsupported_grant_type", 400),
    )
}

BAD_REQUEST = (
    "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit"
    " mapping for /error, so you are seeing this as a fallback.</p><div>There was an"
    " unexpected error (type=Bad Request, status=400).</div></body></html>"
)

PAGE = """<!DOCTYPE html><html><head><title>Authorize</title></head><body>
<h1>{app} asks for access</h1><form method="post" action="{action}">
{hidden}{scopes}<button name="decision" value="allow">Authorize</button>
<button name="decision" value="deny">Reject</button></form></body></html>"""

DONE = """<!DOCTYPE html><html><head><title>{title}</title></head><body>
<h1>{title}</h1><p><code id="code">{code}</code></p></body></html>"""

KEPT = ("response_type", "client_id", "redirect_uri", "state", "locale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a vendor does OAuth: paths, lives in seconds, what it refuses."""

    authorize: str
    token: str
    # Where codes are shown, refreshed or revoked at addresses of their own.
    shown: str | None = None
    refresh: str | None = None
    revoke: str | None = None
    methods: tuple[str, ...] = ("POST",)
    scopes: tuple[str, ...] = ()
    basic: bool = False
    rotate: bool = False
    # A refresh ends the access token before it; a new consent ends the grant.
    one_access_token: bool = True
    code_life: float = 300.0
    access_life: float = 3600.0
    refresh_life: float = 365 * 86_400.0
    most_state: int | None = None
    forbidden_in_redirect: tuple[str, ...] = ()
    denied: tuple[str, str] = ("access_denied", "access is denied")
    bad_scope: tuple[str, str] = ("invalid_scope", "OAuth 2.0 Parameter: scope")
    errors: Mapping[str, tuple[int, Any]] = field(default_factory=lambda: ERRORS)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Client:
    """An app that is registered with the vendor, and whose account it reaches."""

    id: str
    secret: str
    account: str
    app: str = "Home Assistant"
    scopes: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class Grant:
    """What an owner allowed an app, with the tokens of it."""

    client: Client
    scopes: tuple[str, ...]
    access: dict[str, float] = field(default_factory=dict)
    refresh: str = ""
    until: float = 0.0
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class _Code:
    """A code that can be changed for tokens once."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    until: float


class OAuthServer:
    """The clients, codes and tokens of a vendor."""

    def __init__(self, rules: Rules, seed: int) -> None:
        """Begin without clients."""
        self.rules = rules
        self.clients: dict[str, Client] = {}
        self.grants: list[Grant] = []
        self._codes: dict[str, _Code] = {}
        self._random = Random(f"{seed}/oauth")

    def add_client(self, client: Client) -> Client:
        """Register an app."""
        self.clients[client.id] = client
        return client

    # Who it is

    def handles(self, path: str) -> bool:
        """Say whether a path belongs to the OAuth service."""
        rules = self.rules
        paths = (rules.authorize, rules.token, rules.refresh, rules.revoke, rules.shown)
        return path in paths

    def account_of(self, headers: Any, params: Mapping[str, Any]) -> str | None:
        """Return the account whose token or client a request shows, old ones included."""
        token = bearer(headers)
        for grant in self.grants:
            if token is not None and token in grant.access:
                return grant.client.account
        client = self.clients.get(_credentials(headers, params)[0])
        return client.account if client else None

    def grant_of(self, token: str | None, at: float) -> Grant | None:
        """Return the grant of an access token that is valid at an instant."""
        for grant in self.grants:
            if token in grant.access and not grant.revoked:
                return grant if at < grant.access[str(token)] else None
        return None

    # What an owner or a test does

    def consent(
        self, client_id: str, redirect_uri: str, scopes: Iterable[str], at: float
    ) -> str:
        """Let the owner allow scopes; returns the code."""
        code = self._draw(32)
        self._codes[code] = _Code(
            client=self.clients[client_id],
            redirect_uri=redirect_uri,
            scopes=tuple(scopes),
            until=at + self.rules.code_life,
        )
        return code

    def sign_in(
        self, client_id: str, scopes: Iterable[str], at: float
    ) -> dict[str, Any]:
        """Let the owner allow scopes, and the app fetch its tokens; returns them."""
        grant = Grant(client=self.clients[client_id], scopes=tuple(scopes))
        self.grants.append(grant)
        return self._tokens(grant, at)

    def revoke(self, account: str) -> None:
        """Let the owner take back what was allowed for an account."""
        for grant in self.grants:
            if grant.client.account == account:
                grant.revoked = True

    def expire(self, account: str) -> None:
        """End the access tokens of an account early; refreshing still works."""
        for grant in self.grants:
            if grant.client.account == account:
                grant.access = dict.fromkeys(grant.access, 0.0)

    # The wire

    def serve(self, exchange: Exchange) -> Answer:
        """Answer a request to the OAuth service."""
        rules = self.rules
        if exchange.endpoint == rules.shown:
            code = str(exchange.params.get("code", ""))
            return Answer(body=_done(code))
        if exchange.endpoint == rules.authorize:
            return self._authorize(exchange)
        if exchange.method not in rules.methods:
            return Answer(status=405, code=405, body="Method Not Allowed")
        client = self._client(exchange)
        if client is None:
            return self._error("invalid_client")
        if exchange.endpoint == rules.revoke:
            return self._revoke(exchange)
        return self._token(exchange, client)

    def _authorize(self, exchange: Exchange) -> Answer:
        """Show the page of consent, or do what the owner chose on it."""
        params = exchange.params
        client = self.clients.get(str(params.get("client_id")))
        redirect_uri = str(params.get("redirect_uri", ""))
        if client is None or not self._fit(client, params, redirect_uri):
            return Answer(status=400, code=400, body=BAD_REQUEST, refused=True)
        offered = client.scopes or self.rules.scopes
        asked = tuple(str(params.get("scope", "")).split())
        if any(scope not in offered for scope in asked):
            return self._send(params, redirect_uri, _problem(self.rules.bad_scope))
        if exchange.method == "GET":
            return Answer(body=_page(exchange, client, asked or offered))
        if params.get("decision") != "allow":
            return self._send(params, redirect_uri, _problem(self.rules.denied))
        code = self.consent(client.id, redirect_uri, asked or offered, exchange.at)
        return self._send(params, redirect_uri, {"code": code})

    def _fit(self, client: Client, params: Mapping[str, Any], uri: str) -> bool:
        """Say whether a request for consent is as the vendor wants it."""
        most = self.rules.most_state
        parts = urlsplit(uri)
        return (
            params.get("response_type") == "code"
            and bool(parts.scheme and parts.netloc)
            and not any(word in uri for word in self.rules.forbidden_in_redirect)
            and (client.redirect_uris is None or uri in client.redirect_uris)
            and (most is None or len(str(params.get("state", ""))) <= most)
        )

    def _send(
        self, params: Mapping[str, Any], uri: str, result: dict[str, str]
    ) -> Answer:
        """Send the browser back to the app; the page shows the code as well."""
        if "state" in params:
            result = result | {"state": str(params["state"])}
        location = f"{uri}{'&' if '?' in uri else '?'}{urlencode(result)}"
        return Answer(
            status=302,
            headers={"Location": location},
            body=_done(result.get("code", "")),
        )

    def _token(self, exchange: Exchange, client: Client) -> Answer:
        """Change a code or a refresh token for an access token."""
        params, at = exchange.params, exchange.at
        match params.get("grant_type"):
            case "authorization_code":
                grant = self._by_code(params, client, at)
            case "refresh_token":
                grant = self._by_refresh(params, client, at)
            case _:
                return self._error("unsupported_grant_type")
        if grant is None:
            return self._error("invalid_grant")
        return Answer(body=self._tokens(grant, at))

    def _by_code(
        self, params: Mapping[str, Any], client: Client, at: float
    ) -> Grant | None:
        """Return a new grant for a code, which is spent by that."""
        code = self._codes.pop(str(params.get("code")), None)
        if code is None or code.client is not client or at >= code.until:
            return None
        if params.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return None
        if self.rules.one_access_token:
            self.revoke(client.account)
        grant = Grant(client=client, scopes=code.scopes)
        self.grants.append(grant)
        return grant

    def _by_refresh(
        self, params: Mapping[str, Any], client: Client, at: float
    ) -> Grant | None:
        """Return the grant of a refresh token."""
        token = params.get("refresh_token")
        for grant in self.grants:
            if grant.client is client and grant.refresh == token:
                return None if grant.revoked or at >= grant.until else grant
        return None

    def _tokens(self, grant: Grant, at: float) -> dict[str, Any]:
        """Draw the tokens of a grant."""
        rules = self.rules
        if rules.one_access_token:
            grant.access = dict.fromkeys(grant.access, 0.0)
        access = self._draw(48)
        grant.access[access] = at + rules.access_life
        if rules.rotate or not grant.refresh:
            grant.refresh = self._draw(48)
            grant.until = at + rules.refresh_life
        return {
            "access_token": access,
            "refresh_token": grant.refresh,
            "expires_in": int(rules.access_life),
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
            **rules.extra,
        }

    def _revoke(self, exchange: Exchange) -> Answer:
        """End the grant of an access token."""
        token = exchange.params.get("access_token", exchange.params.get("token"))
        for grant in self.grants:
            if token in grant.access:
                grant.revoked = True
        return Answer(body={})

    def _client(self, exchange: Exchange) -> Client | None:
        """Return the client that identifies itself, in the way the vendor wants."""
        basic = exchange.headers.get("Authorization", "").startswith("Basic ")
        if basic is not self.rules.basic:
            return None
        name, secret = _credentials(exchange.headers, exchange.params)
        client = self.clients.get(name)
        return client if client and client.secret == secret else None

    def _error(self, name: str) -> Answer:
        """Return one of the token interface's errors."""
        status, body = self.rules.errors.get(name, ERRORS[name])
        return Answer(status=status, code=status, body=body, refused=True)

    def _draw(self, length: int) -> str:
        """Draw a code or a token."""
        signs = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(self._random.choices(signs, k=length))


def bearer(headers: Any) -> str | None:
    """Return the bearer token of a request."""
    kind, _, token = headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" and token else None


def _credentials(headers: Any, params: Mapping[str, Any]) -> tuple[str, str]:
    """Return id and secret of the client, from the header or the fields."""
    kind, _, text = headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        try:
            name, _, secret = b64decode(text).decode().partition(":")
        except binascii.Error, UnicodeDecodeError:
            return "", ""
        return name, secret
    return str(params.get("client_id", "")), str(params.get("client_secret", ""))


def _problem(problem: tuple[str, str]) -> dict[str, str]:
    """Return an error as it is sent to the app."""
    return {"error": problem[0], "error_description": problem[1]}


def _page(exchange: Exchange, client: Client, scopes: Iterable[str]) -> str:
    """Return the page on which the owner allows or refuses."""
    hidden = "".join(
        f'<input type="hidden" name="{key}" value="{escape(str(value))}">'
        for key, value in exchange.params.items()
        if key in KEPT
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(scope)}" checked>'
        f" {escape(scope)}</label>"
        for scope in scopes
    )
    return PAGE.format(
        app=escape(client.app), action=exchange.endpoint, hidden=hidden, scopes=boxes
    )


def _done(code: str) -> str:
    """Return the page that shows a code."""
    title = "Authorized" if code else "Not authorized"
    return DONE.format(title=title, code=escape(code))
