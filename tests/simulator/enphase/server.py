"""Enphase's cloud: who asks, with which application, and what that may ask."""

from typing import Any, ClassVar, override

from ..base import Answer, Exchange, VendorServer, World
from ..oauth import Client, OAuthServer, Rules, bearer
from . import configuration, v2, v4
from .accounts import ACCOUNTS, EnphaseAccount, build
from .errors import new, old, unavailable
from .plans import App, Group

DAY = 86_400.0
RULES = Rules(
    authorize="/oauth/authorize",
    token="/oauth/token",
    shown="/oauth/redirect_uri",
    basic=True,
    rotate=True,
    one_access_token=False,
    access_life=DAY - 7,
    refresh_life=30 * DAY,
    scopes=("read", "write"),
    extra={"app_type": "system", "enl_cid": "", "jti": "elm"},
)
WRITES = ("PUT", "POST")


class Server(VendorServer):
    """One vendor's cloud."""

    name: ClassVar[str] = "enphase"

    def __init__(self, world: World) -> None:
        """Build the accounts; each has an application of its own."""
        super().__init__(world)
        now = world.clock.seconds()
        self.oauth = OAuthServer(RULES, world.seed)
        self.accounts: dict[str, EnphaseAccount] = {}
        for name in ACCOUNTS:
            account = build(world, name, now)
            self.accounts[name] = account
            self.oauth.add_client(
                Client(
                    id=account.app.client_id,
                    secret=account.app.client_secret,
                    account=name,
                )
            )

    # --- who asks ---------------------------------------------------------------------

    @override
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the account that a token, a client or an old key belongs to."""
        if found := self.oauth.account_of(headers, params):
            return found
        for name, account in self.accounts.items():
            if params.get("key") == account.old_app.key:
                return name
        return None

    @override
    def serve(self, exchange: Exchange) -> Answer:
        """Answer a request."""
        if self.oauth.handles(exchange.endpoint):
            return self.oauth.serve(exchange)
        if exchange.endpoint.startswith("/api/v2/"):
            return self._old(exchange)
        if exchange.endpoint.startswith("/api/v4/"):
            return self._new(exchange)
        raise new(404, "Not found")

    def _old(self, exchange: Exchange) -> Answer:
        """Answer a call of version 2."""
        key, user = exchange.params.get("key"), exchange.params.get("user_id")
        account = next(
            (row for row in self.accounts.values() if row.old_app.key == key), None
        )
        if account is None or account.revoked or user != account.user_id:
            raise old(401, "Not authorized to access requested resource.", limited=True)
        if spent := account.old_app.hit(exchange.at):
            words = f"Usage limit exceeded for plan {account.old_app.plan.name}"
            raise old(409, words, limited=True, **spent | {"reason": "409"})
        exchange.account = account
        return v2.serve(account, exchange)

    def _new(self, exchange: Exchange) -> Answer:
        """Answer a call of version 4: a token, and the key of the same application."""
        headers, params = exchange.headers, exchange.params
        grant = self.oauth.grant_of(bearer(headers), exchange.at)
        if grant is None:
            raise new(401, "User is not authorized", limited=True)
        account = self.accounts[grant.client.account]
        if headers.get("key", params.get("key")) != account.app.key:
            raise new(401, "API Key -Client mismatch", limited=True)
        if spent := account.app.hit(exchange.at):
            words = f"Usage limit exceeded for plan {account.app.plan.name}"
            told = spent if spent["period"] == "month" else {}
            raise new(429, words, limited=True, **told)
        exchange.account = account
        found = self._answer(account, exchange)
        return found if isinstance(found, Answer) else Answer(body=found)

    def _answer(self, account: EnphaseAccount, exchange: Exchange) -> Any:
        """Return the answer to a call of a signed-in account."""
        path = exchange.endpoint.removeprefix("/api/v4/systems").strip("/")
        if path in v4.ACCOUNT_CALLS:
            group, call = v4.ACCOUNT_CALLS[path]
            _covered(account.app, group)
            return call(account, exchange)
        parts = path.split("/")
        if parts[0] == "config" and len(parts) == 3:
            _covered(account.app, Group.CONFIGURATION)
            system = _system(account, parts[1])
            ignored = bool(
                exchange.method in WRITES
                and self.take("accepted_not_done", exchange.call)
            )
            return configuration.serve(system, parts[2], exchange, ignored=ignored)
        return self._of_system(account, parts, exchange)

    def _of_system(
        self, account: EnphaseAccount, parts: list[str], exchange: Exchange
    ) -> Any:
        """Return the answer to a call about one system, or a device of it."""
        name = "/".join(parts[1:])
        if name in v4.SYSTEM_CALLS:
            group, read = v4.SYSTEM_CALLS[name]
            _covered(account.app, group)
            system = _system(account, parts[0])
            if group is Group.CONSUMPTION and not account.consumption:
                raise new(401, "User is not authorized", text=True)
            return read(system, exchange)
        match parts:
            case [found, "devices", kind, serial, "telemetry"] if (
                kind in v4.DEVICE_CALLS
            ):
                _covered(account.app, Group.DEVICE)
                return v4.DEVICE_CALLS[kind](_system(account, found), exchange, serial)
        raise new(404, "Not found")

    # --- what goes wrong ----------------------------------------------------------------

    @override
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an answer with an HTTP status of the service."""
        if code in (500, 503):
            return unavailable(code)
        body = {"message": message or "Error", "details": message or "", "code": code}
        return Answer(status=code, code=code, body=body)

    @override
    def token_error(self) -> Answer:
        """Return the answer to a token that is not valid any more."""
        return new(401, "User is not authorized", limited=True).answer

    @override
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return an answer's body with its lists empty or gone."""
        if not isinstance(body, dict):
            return [] if keep_key else None
        if keep_key:
            return {
                k: None if isinstance(v, list | dict) else v for k, v in body.items()
            }
        return {k: v for k, v in body.items() if not isinstance(v, list | dict)}


def _system(account: EnphaseAccount, found: str) -> Any:
    """Return a system of an account."""
    for system in account.plants:
        if system.id == found:
            return system
    raise new(404, f'System not found for {{:id=>"{found}"}}')


def _covered(app: App, group: Group) -> None:
    """Turn down what the plan has not, in the words of a sign-in that failed."""
    if group not in app.plan.groups:
        raise new(401, "User is not authorized")
