"""The FoxESS cloud: headers and signature, limits, and the way to the endpoints."""

from collections.abc import Iterable
from hashlib import md5
import re
from typing import Any, override

from ..base import HTML, Answer, Command, Exchange, Refusal, VendorServer, World
from ..limits import Limit, LimitBoard
from ..oauth import OAuthServer, Rules, bearer
from . import history, listing, meters, realtime, scheduling, steering
from .accounts import ACCOUNTS, FoxAccount, build
from .device import FoxDevice
from .errors import (
    BAD_SIGNATURE,
    BAD_TIMESTAMP,
    MESSAGES,
    NO_SIGNATURE,
    FoxError,
    failed,
)
from .steering import Change

DAY = 86_400.0
CALLS_PER_INVERTER = 1440
SKEW = 300.0
HEADERS = ("timestamp", "signature", "lang")
SCRIPTS = re.compile(
    r"python|aiohttp|curl|wget|httpx|okhttp|java|go-http", re.IGNORECASE
)

# "Oauth", and the guide of later revisions: another page, scopes, a day's token.
READ, STEER = "data_access", "device_control"
OLD_PAGE, NEW_PAGE = "/public/auth/index.html", "/h5/auth/foxessIndex"
OAUTH = Rules(
    authorize=NEW_PAGE,
    token="/oauth2/token",
    refresh="/oauth2/refresh",
    revoke="/oauth2/revoke",
    scopes=(READ, STEER),
    rotate=True,
    access_life=DAY,
    errors={
        "invalid_client": (200, failed(41807)),
        "invalid_grant": (200, failed(41808)),
        "unsupported_grant_type": (200, failed(40257)),
    },
)

# (method, path) -> handler; those of CHANGING answer a Change.
CHANGING = steering.SET | scheduling.SET | meters.SET
ASKING = (
    listing.ENDPOINTS
    | realtime.ENDPOINTS
    | history.ENDPOINTS
    | steering.GET
    | scheduling.GET
    | meters.GET
)
ENDPOINTS = CHANGING | ASKING
SETTERS = frozenset(path for _, path in CHANGING)


def _devices(exchange: Exchange) -> list[str]:
    """Return the serials that a request costs a call for."""
    params = exchange.params
    account: FoxAccount = exchange.account
    own = [device.sn for device in account.devices]
    if exchange.endpoint == realtime.REAL_V1:
        asked = params.get("sns")
        return [sn for sn in own if isinstance(asked, list) and sn in asked]
    if exchange.endpoint == realtime.REAL_V0 and "sn" not in params:
        return own
    sn = params.get("sn", params.get("deviceSN"))
    return [sn] if sn in own else []


def _pool_cost(exchange: Exchange) -> Iterable[tuple[str, int]]:
    """Charge the account: one call, a batch one per inverter."""
    yield exchange.account.name, max(1, len(_devices(exchange)))


def _device_cost(exchange: Exchange) -> Iterable[tuple[str, int]]:
    """Charge each inverter."""
    return ((sn, 1) for sn in _devices(exchange))


def _spacing(setter: bool) -> Any:
    """Charge an interface of an account, queries and updates apart."""

    def keys(exchange: Exchange) -> Iterable[tuple[str, int]]:
        if (exchange.endpoint in SETTERS) is setter:
            yield f"{exchange.account.name} {exchange.endpoint}", 1

    return keys


POOL = Limit[Exchange](
    name="account_day",
    window=DAY,
    allowed=lambda exchange: CALLS_PER_INVERTER * max(1, len(exchange.account.devices)),
    keys=_pool_cost,
)
LIMITS: tuple[tuple[Limit[Exchange], int], ...] = (
    (Limit(name="query", window=1.0, allowed=lambda _: 1, keys=_spacing(False)), 40400),
    (Limit(name="update", window=2.0, allowed=lambda _: 1, keys=_spacing(True)), 40400),
    (POOL, 40402),
    (
        Limit(
            name="inverter_day",
            window=DAY,
            allowed=lambda _: CALLS_PER_INVERTER,
            keys=_device_cost,
        ),
        40402,
    ),
)


def signature(path: str, token: str, timestamp: str) -> str:
    """Sign a request; the separator is four characters, not two."""
    return md5(rf"{path}\r\n{token}\r\n{timestamp}".encode()).hexdigest()


class Server(VendorServer):
    """The open API of FoxESS."""

    name = "foxess"

    def __init__(self, world: World) -> None:
        """Build the accounts."""
        super().__init__(world)
        now = world.clock.seconds()
        self.accounts = {name: build(world, name, now) for name in ACCOUNTS}
        self.limits = LimitBoard[Exchange](tuple(limit for limit, _ in LIMITS))
        self._codes = {limit.name: errno for limit, errno in LIMITS}
        self.oauth = OAuthServer(OAUTH, world.seed)
        for account in self.accounts.values():
            self.oauth.add_client(account.client)
        # Servers have the page of the first guide, the one of the later, or both.
        self.pages = {NEW_PAGE}

    @override
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the account of a key or an access token, old ones included."""
        if "token" not in headers:
            return self.oauth.account_of(headers, params)
        token = headers["token"]
        for account in self.accounts.values():
            if token and (token == account.token or token in account.revoked):
                return str(account.name)
        return None

    @override
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an error: HTTP 200, errno and words."""
        return Answer(body=failed(code, message), code=code)

    @override
    def token_error(self) -> Answer:
        """Return the answer to a revoked key."""
        return self.error(41809)

    @override
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return a body with a null result, or without one."""
        if not isinstance(body, dict):
            return body
        rest = {key: item for key, item in body.items() if key != "result"}
        return rest | {"result": None} if keep_key else rest

    def remaining(self, account: FoxAccount, at: float) -> int:
        """Return the calls that are left in the account's day."""
        allowed = CALLS_PER_INVERTER * max(1, len(account.devices))
        return max(0, allowed - self.limits.spent(POOL, account.name, at))

    def spend(self, account: str, calls: int) -> None:
        """Spend calls as another client of the account would."""
        at = self.world.clock.seconds()
        self.limits.spend(POOL, account, at, calls)

    @override
    def serve(self, exchange: Exchange) -> Answer:
        """Check a request and carry it out."""
        self._check_agent(exchange)
        if exchange.endpoint in (OLD_PAGE, NEW_PAGE):
            if exchange.method == "GET" and exchange.endpoint not in self.pages:
                return Answer(status=404, body=HTML)
            exchange.endpoint = NEW_PAGE
        if self.oauth.handles(exchange.endpoint):
            return self.oauth.serve(exchange)
        exchange.account = self._authenticate(exchange)
        limit = self.limits.refused_by(exchange, exchange.at)
        if limit is not None:
            raise self._refusal(self._codes[limit.name])
        handler = ENDPOINTS.get((exchange.method, exchange.endpoint))
        if handler is None:
            return Answer(status=404, body={"status": 404, "error": "Not Found"})
        try:
            result = self._carry_out(handler, exchange)
        except FoxError as error:
            if error.errno in (404, 405):
                return Answer(status=error.errno, body=HTML)
            return self.error(error.errno, error.message)
        return Answer(body={"errno": 0, "msg": MESSAGES[0], "result": result})

    def _refusal(self, errno: int, message: str | None = None) -> Refusal:
        """Return a refusal that counts as one."""
        answer = self.error(errno, message)
        answer.refused = True
        return Refusal(answer)

    def _check_agent(self, exchange: Exchange) -> None:
        """Turn scripts away, as the wall before the cloud does."""
        agent = exchange.headers.get("User-Agent", "")
        if not agent or SCRIPTS.search(agent):
            raise Refusal(Answer(status=403, body=HTML, code=403, refused=True))

    def _authenticate(self, exchange: Exchange) -> FoxAccount:
        """Check headers, signature, time stamp and key or token, in this order."""
        timestamp, given, lang = (exchange.headers.get(h) for h in HEADERS)
        key, access = exchange.headers.get("token"), bearer(exchange.headers)
        token = key or access
        if not given:
            raise self._refusal(40256, NO_SIGNATURE)
        if not token or not timestamp or not lang or (key and access):
            raise self._refusal(40256)
        if given != signature(exchange.endpoint, token, timestamp):
            raise self._refusal(40256, BAD_SIGNATURE)
        if not timestamp.isdigit() or abs(int(timestamp) / 1000 - exchange.at) > SKEW:
            raise self._refusal(40256, BAD_TIMESTAMP)
        if access:
            return self._allowed(exchange, access)
        for account in self.accounts.values():
            if token in account.revoked:
                raise self._refusal(41809)
            if token == account.token:
                found: FoxAccount = account
                return found
        raise self._refusal(41808)

    def _allowed(self, exchange: Exchange, access: str) -> FoxAccount:
        """Return the account whose owner allowed what is asked."""
        grant = self.oauth.grant_of(access, exchange.at)
        if grant is None:
            raise self._refusal(41809)
        needed = STEER if exchange.endpoint in SETTERS else READ
        if needed not in grant.scopes:
            raise self._refusal(41811)
        found: FoxAccount = self.accounts[grant.client.account]
        return found

    def _carry_out(self, handler: Any, exchange: Exchange) -> Any:
        """Answer a query, or apply a change as far as faults let it."""
        if "_malformed" in exchange.params:
            raise FoxError(40257)
        result = handler(self, exchange)
        if not isinstance(result, Change):
            return result
        call = exchange.call
        if late := self.take("done_late", call):
            due = exchange.at + float(late.args.get("seconds", 60))
            result.device.home.later(due, lambda: self._apply(result, exchange, due))
        elif not self.take("accepted_not_done", call):
            at = exchange.at
            result.device.home.change(at, lambda: self._apply(result, exchange, at))
        return result.echo if exchange.account.echo else None

    def _apply(self, change: Change, exchange: Exchange, at: float) -> None:
        """Let a device carry out a change, and record it."""
        change.apply()
        change.device.changed()
        self.world.commands.append(
            Command(
                at=at,
                vendor=self.name,
                account=exchange.account.name,
                plant=self.plant_of(change.device).id,
                device=change.device.sn,
                what=change.what,
                value=change.value,
            )
        )

    def plant_of(self, device: FoxDevice) -> Any:
        """Return the plant of an inverter."""
        account = self.accounts[device.account]
        return next(plant for plant in account.plants if plant.device is device)

    def gone(self, device: FoxDevice, at: float) -> bool:
        """Say whether a device has left the account."""
        board = self.world.faults
        fault = board.find("device_gone", at, self.name, device.account, device.sn)
        return fault is not None and fault.device == device.sn

    def present(self, exchange: Exchange) -> list[FoxDevice]:
        """Return the account's devices."""
        devices: list[FoxDevice] = exchange.account.devices
        return [device for device in devices if not self.gone(device, exchange.at)]

    def device(self, exchange: Exchange, key: str = "sn") -> FoxDevice:
        """Return the device that a request names."""
        sn = exchange.params.get(key)
        if not isinstance(sn, str) or not sn:
            raise FoxError(40257)
        for device in self.present(exchange):
            if device.sn == sn:
                device.home.advance(exchange.at)
                return device
        raise FoxError(41930)
