"""The Solar-Log cloud: token server, portals, packages, and the way to the calls."""

import re
import secrets
from typing import Any, override

from ..base import Answer, Exchange, Refusal, VendorServer, World
from . import administration, datasource, visualization
from .accounts import ACCOUNTS, SolarAccount, build

TOKEN = "/auth/realms/quotaapi/protocol/openid-connect/token"
API = re.compile(r"/api/v1/([^/]+)(/.*)")
HEADERS = {
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "X-Powered-By": "ASP.NET",
}
ROUTES = tuple(
    (re.compile(pattern), handler)
    for part in (administration, datasource, visualization)
    for pattern, handler in part.ROUTES.items()
)


class Server(VendorServer):
    """WEB Enerest's User API."""

    name = "solarlog"

    def __init__(self, world: World) -> None:
        """Build the accounts."""
        super().__init__(world)
        now = world.clock.seconds()
        self.accounts = {name: build(world, name, now) for name in ACCOUNTS}
        self._spent: dict[str, list[float]] = {}

    @override
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the account of a client or of a token that it got."""
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        for account in self.accounts.values():
            if params.get("client_id") == account.client_id or token in account.tokens:
                return str(account.name)
        return None

    @override
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an HTTP error."""
        body = {"status": code, "title": message or f"error {code}"}
        return Answer(status=code, code=code, body=body)

    @override
    def token_error(self) -> Answer:
        """Return the answer to a token that is not valid any more."""
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return Answer(status=401, code=401, body="", headers=headers, refused=True)

    @override
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return null, or an empty list or object."""
        return None if keep_key else type(body)()

    @override
    def serve(self, exchange: Exchange) -> Answer:
        """Check a request and answer it."""
        if exchange.endpoint == TOKEN:
            return self._token(exchange)
        found = API.fullmatch(exchange.endpoint)
        if not found or exchange.method != "GET":
            return self.error(404 if exchange.method == "GET" else 405)
        account = self._authenticate(exchange)
        exchange.account = account
        self._spend(account, exchange.at)
        if found[1] != account.portal:
            return self.error(403, "portal")
        for pattern, handler in ROUTES:
            if match := pattern.fullmatch(found[2]):
                answer: Answer = handler(self, exchange, *match.groups())
                answer.headers |= HEADERS
                return answer
        return self.error(404)

    def _token(self, exchange: Exchange) -> Answer:
        """Hand a token out for a client's id and secret."""
        params = exchange.params
        if exchange.method != "POST":
            return self.error(405)
        if params.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type")
        account = next(
            (
                row
                for row in self.accounts.values()
                if row.client_id == params.get("client_id")
            ),
            None,
        )
        if not account or account.revoked:
            return _oauth_error(401, "invalid_client")
        if params.get("client_secret") != account.secret:
            return _oauth_error(401, "unauthorized_client")
        token = secrets.token_urlsafe(40)
        account.tokens[token] = exchange.at + account.token_life
        return Answer(
            body={
                "access_token": token,
                "expires_in": account.token_life,
                "refresh_expires_in": 0,
                "token_type": "Bearer",
                "not-before-policy": 0,
                "scope": "profile email",
            }
        )

    def _authenticate(self, exchange: Exchange) -> SolarAccount:
        """Return the account of a token that is valid."""
        given = exchange.headers.get("Authorization", "")
        token = given.removeprefix("Bearer ")
        for account in self.accounts.values():
            if given.startswith("Bearer ") and token in account.tokens:
                if account.tokens[token] > exchange.at:
                    found: SolarAccount = account
                    return found
        raise Refusal(self.token_error())

    def _spend(self, account: SolarAccount, at: float) -> None:
        """Count a call where there is a quota."""
        if account.quota is None:
            return
        most, window = account.quota
        spent = self._spent.setdefault(account.name, [])
        spent[:] = [made for made in spent if made > at - window]
        if len(spent) >= most:
            answer = self.error(429, "Too Many Requests")
            answer.headers["Retry-After"] = str(int(spent[0] + window - at) + 1)
            answer.refused = True
            raise Refusal(answer)
        spent.append(at)


def _oauth_error(status: int, error: str) -> Answer:
    """Return an error as the token server words it."""
    words = "Invalid client or Invalid client credentials"
    return Answer(
        status=status,
        code=status,
        body={"error": error, "error_description": words},
        refused=status == 401,
    )
