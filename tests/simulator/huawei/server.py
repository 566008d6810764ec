"""The FusionSolar cloud: signing in, limits, and the way to the interfaces."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from random import Random
from typing import Any, override

from ..base import Answer, Call, Exchange, Refusal, VendorServer, World
from ..faults import Fault
from ..limits import LimitBoard
from ..oauth import Client, OAuthServer, Rules, bearer
from . import alarms, control as steering, listing, readback, realtime, reports
from .accounts import ACCOUNTS, DORMANT, HuaweiAccount, Session, build
from .errors import (
    INVALID,
    MESSAGES,
    NO_RIGHT,
    NO_SCOPE,
    OAUTH_TOO_OFTEN,
    RELOGIN,
    TOO_OFTEN,
    HuaweiError,
    ParameterError,
    failed,
)
from .limits import LOGIN, LOGOUT, OAUTH, is_control, limits, signing_in
from .plant import Device, HuaweiPlant

TOKEN = "XSRF-TOKEN"
SESSION = 1800.0
WRONG, WITHIN, LOCKED = 5, 600.0, 1800.0
BASIC, CONTROL = "pvms.openapi.basic", "pvms.openapi.control"
BASE = "/rest/dp/uidm/oauth2/v1"
WORDS = "Northbound API Reference: https://info.support.example/#/u?i=24.5&l=en_US"
REFUSED = "user.login.user_or_value_invalid"

RULES = Rules(
    authorize=f"{BASE}/authorize",
    token=f"{BASE}/token",
    scopes=(BASIC, CONTROL),
    most_state=128,
    forbidden_in_redirect=("..", "redirect", "#"),
    denied=("10002", "access_is_denied"),
    errors={
        "unsupported_grant_type": (
            400,
            {"error_description": "unsupported_grant_type", "error": "1111"},
        ),
        "invalid_grant": (
            400,
            {"error_description": "invalid_grant", "error": "1110"},
        ),
    },
)

READING = listing.ENDPOINTS | realtime.ENDPOINTS | alarms.ENDPOINTS | reports.ENDPOINTS
ENDPOINTS = READING | steering.ENDPOINTS | readback.ENDPOINTS


class Server(VendorServer):
    """The northbound interfaces of SmartPVMS, and the OAuth service beside them."""

    name = "huawei"

    def __init__(self, world: World) -> None:
        """Build the accounts; large ones only when somebody asks for them."""
        super().__init__(world)
        self.limits = LimitBoard[Exchange](limits())
        self.signing_in = LimitBoard[Exchange](signing_in())
        self.oauth = OAuthServer(RULES, world.seed)
        self.tasks = steering.Tasks(self)
        self._random = Random(f"{world.seed}/huawei")
        self.dormant = tuple(DORMANT)
        for name in ACCOUNTS:
            self.wake(name)

    @override
    def wake(self, name: str) -> HuaweiAccount:
        """Build an account."""
        account = build(self.world, name, self.world.clock.seconds())
        self.accounts[name] = account
        if account.policy == OAUTH:
            fields = account.fields
            scopes = (BASIC, CONTROL) if account.control else (BASIC,)
            self.oauth.add_client(
                Client(
                    id=fields["client_id"],
                    secret=fields["client_secret"],
                    account=name,
                    scopes=scopes,
                )
            )
        return account

    # Envelopes

    def done(self, data: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Return the envelope of a success."""
        return {
            "success": True,
            "data": data,
            "failCode": 0,
            "params": params,
            "message": None,
        }

    @override
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an error: HTTP 200, failCode and words."""
        if code == 305:
            return Answer(
                body=RELOGIN | {"message": message or RELOGIN["message"]}, code=code
            )
        text = message if message is not None else MESSAGES.get(code)
        return Answer(body=failed(code, text), code=code)

    @override
    def token_error(self) -> Answer:
        """Return the answer to a token that is not valid any more."""
        return Answer(body=RELOGIN, code=305)

    @override
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return a body with null data, or without any."""
        if not isinstance(body, dict):
            return body
        rest = {key: item for key, item in body.items() if key != "data"}
        return rest | {"data": None} if keep_key else rest

    # Who it is

    @override
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the account of a token, of a client, or of a name that is typed."""
        token = headers.get(TOKEN)
        for account in self.accounts.values():
            if account.policy == OAUTH:
                continue
            session = account.session
            if token and token.startswith(f"{_mark(account)}-"):
                return str(account.name)
            if session and params.get("xsrfToken") == session.token:
                return str(account.name)
            if params.get("userName") == account.username:
                return str(account.name)
        return self.oauth.account_of(headers, params)

    @override
    def serve(self, exchange: Exchange) -> Answer:
        """Check a request and carry it out."""
        if self.oauth.handles(exchange.endpoint):
            return self.oauth.serve(exchange)
        if exchange.method != "POST":
            return _unknown(exchange)
        if exchange.endpoint in (LOGIN, LOGOUT):
            return self._session(exchange)
        exchange.account = self._authenticate(exchange)
        handler = ENDPOINTS.get(self._path(exchange))
        if handler is None:
            return _unknown(exchange)
        self._permit(exchange)
        self._limit(exchange)
        return self._answer(handler, exchange)

    def _answer(self, handler: Any, exchange: Exchange) -> Answer:
        """Let an interface answer."""
        if "_malformed" in exchange.params:
            return self.error(30030)
        try:
            body = handler(self, exchange)
        except HuaweiError as error:
            params = {"currentTime": int(exchange.at * 1000)}
            body = failed(error.code, error.message, params)
        except ParameterError as error:
            return Answer(status=400, code=400, body=error.body)
        if body is None:
            return _unknown(exchange)
        answer = Answer(body=body, code=int(body.get("failCode", 0)))
        answer.refused = answer.code == 20615
        return answer

    def _path(self, exchange: Exchange) -> str:
        """Return the path; one is printed with a blank, and some serve it so."""
        path = exchange.endpoint
        if exchange.account.blank_paths:
            if steering.MODE in path:
                return ""
            return path.replace(steering.BLANK_MODE, steering.MODE)
        return path

    def _permit(self, exchange: Exchange) -> None:
        """Refuse what the account has no permission for; nothing else is said then."""
        account = exchange.account
        wanted = CONTROL if is_control(exchange.endpoint) else BASIC
        if exchange.endpoint in account.forbidden:
            allowed = False
        elif account.policy == OAUTH:
            grant = self.oauth.grant_of(bearer(exchange.headers), exchange.at)
            allowed = grant is not None and wanted in grant.scopes
        else:
            allowed = wanted == BASIC or account.control
        if not allowed:
            words = NO_SCOPE if account.policy == OAUTH else NO_RIGHT
            answer = Answer(body=failed(401, words), code=401)
            # A probe has no other way to find out; it is not counted as refused.
            answer.refused = wanted == BASIC
            raise Refusal(answer)

    def _limit(self, exchange: Exchange) -> None:
        """Refuse what comes too often."""
        limit = self.limits.refused_by(exchange, exchange.at)
        if limit is None:
            return
        account = exchange.account
        if limit.name.endswith(" day"):
            answer = self.error(account.daily_code)
        elif account.policy == OAUTH:
            answer = self.error(407, OAUTH_TOO_OFTEN)
        else:
            body = failed(407) | {"data": TOO_OFTEN}
            answer = Answer(body=body, code=407)
        answer.refused = True
        raise Refusal(answer)

    def _authenticate(self, exchange: Exchange) -> HuaweiAccount:
        """Return the account of a valid token; using it makes it last."""
        token = exchange.headers.get(TOKEN)
        if token:
            for account in self.accounts.values():
                session = account.session
                if session and session.token == token and exchange.at < session.until:
                    session.until = exchange.at + SESSION
                    found: HuaweiAccount = account
                    return found
            raise Refusal(Answer(body=RELOGIN, code=305, refused=True))
        grant = self.oauth.grant_of(bearer(exchange.headers), exchange.at)
        if grant is None:
            raise Refusal(Answer(body=INVALID, code=305, refused=True))
        owner: HuaweiAccount = self.accounts[grant.client.account]
        return owner

    # The session of an API account

    def _session(self, exchange: Exchange) -> Answer:
        """Log in or out."""
        limit = self.signing_in.refused_by(exchange, exchange.at)
        if limit is not None:
            body = failed(407) | {"data": TOO_OFTEN}
            return Answer(body=body, code=407, refused=True)
        params = {"currentTime": int(exchange.at * 1000)}
        if exchange.endpoint == LOGOUT:
            return self._logout(exchange, params)
        for account in self.accounts.values():
            if account.username and exchange.params.get("userName") == account.username:
                return self._login(account, exchange, params)
        return _denied(REFUSED, params)

    def _login(
        self, account: HuaweiAccount, exchange: Exchange, params: dict[str, Any]
    ) -> Answer:
        """Check a password; five wrong ones lock the account."""
        at, wrong = exchange.at, account.wrong
        if at < account.locked_until:
            return _denied("user.login.user_locked", params)
        if exchange.params.get("systemCode") != account.password:
            wrong.append(at)
            while wrong and wrong[0] <= at - WITHIN:
                wrong.popleft()
            if len(wrong) >= WRONG:
                account.locked_until = at + LOCKED
                wrong.clear()
            return _denied(REFUSED, params)
        wrong.clear()
        token = self.new_session(account, at)
        return Answer(
            body={
                "data": None,
                "success": True,
                "failCode": 0,
                "params": {},
                "message": WORDS,
            },
            headers={
                TOKEN: token,
                "Set-Cookie": f"{TOKEN}={token}; Path=/; HttpOnly",
            },
        )

    def new_session(self, account: HuaweiAccount, at: float) -> str:
        """Open the one session of an account; the one before is over."""
        signs = "abcdefghijklmnopqrstuvwxyz0123456789"
        rest = "".join(self._random.choices(signs, k=64))
        token = f"{_mark(account)}-{rest}"
        account.session = Session(token=token, until=at + SESSION)
        return token

    def _logout(self, exchange: Exchange, params: dict[str, Any]) -> Answer:
        """End a session."""
        token = exchange.params.get("xsrfToken", exchange.params.get("xsrftoken"))
        for account in self.accounts.values():
            if account.session and account.session.token == token:
                account.session = None
                body = self.done(None, params)
                return Answer(body=body)
        return Answer(body=failed(20004, None, params), code=20004)

    # Faults

    def taken(self, kind: str, call: Call, subject: str) -> Iterator[Fault]:
        """Yield every fault of a kind that concerns an answer, and count it."""
        for fault in list(self.world.faults.standing(kind, self.name)):
            fits = fault.device in (None, subject)
            fits = fits and fault.account in (None, call.account)
            if fault.endpoint and not fnmatchcase(call.endpoint, fault.endpoint):
                continue
            if not fits or not fault.active(call.at):
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    fault.until = call.at
            call.fault = kind
            yield fault

    def gone(self, device: Device, at: float) -> bool:
        """Say whether a device is not in the account any more."""
        for fault in self.world.faults.standing("device_gone", self.name):
            if fault.active(at) and fault.device in (device.sn, str(device.id)):
                return True
        return False

    def late(self, plant: HuaweiPlant, at: float) -> float | None:
        """Return by how many seconds today's values are reset too late."""
        board = self.world.faults
        fault = board.find("late_midnight", at, self.name, plant.account, plant.id)
        fault = fault or board.find("late_midnight", at, self.name, plant.account)
        return None if fault is None else 60.0 * float(fault.args.get("minutes", 20))


def _mark(account: HuaweiAccount) -> str:
    """Return how the tokens of an account begin, which tells old ones apart as well."""
    return f"x{account.username.replace('_', '')}"


def _denied(words: str, params: dict[str, Any]) -> Answer:
    """Refuse a login."""
    return Answer(body=failed(20400, words, params), code=20400, refused=True)


def _unknown(exchange: Exchange) -> Answer:
    """Return the answer of a path that nobody serves."""
    body = {
        "timestamp": int(exchange.at * 1000),
        "status": 404,
        "error": "Not Found",
        "path": exchange.endpoint,
    }
    return Answer(status=404, code=404, body=body)
