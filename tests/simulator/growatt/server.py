"""The Growatt cloud: regions, tokens, limits, and the way to the endpoints."""

from collections.abc import Iterable
import re
from typing import Any, override

from ..base import HTML, Answer, Command, Exchange, Refusal, VendorServer, World
from ..limits import Limit, LimitBoard
from . import history, listing, realtime, sensors, steering
from .accounts import ACCOUNTS, GrowattAccount, build, build_others
from .device import GrowattDevice, GrowattPlant
from .errors import DENIED, FREQUENT, READING, SETTING, TRUE_HOST, GrowattError
from .models import Family
from .realtime import Told
from .steering import Change

REGIONS = ("eu", "us", "au", "cn")
DAY = 86_400.0
FIVE_MINUTES = 300.0
TEN_SECONDS = 10.0

CHANGING = steering.SET
ASKING = (
    listing.ENDPOINTS
    | realtime.ENDPOINTS
    | history.ENDPOINTS
    | sensors.ENDPOINTS
    | steering.READ
)
ENDPOINTS = CHANGING | ASKING

TEN_A_DAY = frozenset(
    (
        "/v1/plant/list",
        "/v1/plant/user_plant_list",
        "/v1/user/c_user_list",
        "/v1/plant/energy",
    )
)
# Once per ten seconds, as the pages of today's documentation say.
QUICK = frozenset(
    (
        "/v1/device/storage/storage_data_info",
        "/v1/device/storage/storage_last_data",
        "/v1/device/storage/storage_data",
        "/v1/device/storage/alarm_data",
        "/v1/device/mix/mix_last_data",
        "/v1/device/mix/mixs_data",
        "/v1/device/mix/alarm_data",
        "/v1/device/spa/spa_last_data",
        "/v1/device/spa/spas_data",
        "/v1/device/spa/spa_data",
        "/v1/device/spa/alarm_data",
        "/v1/device/tlx/tlx_data",
        "/v1/device/vpp/getSocData",
        "/v1/vppRemoteSetNew",
    )
)
# No page gives these a rate.
UNWRITTEN = frozenset(
    {path for _, path in (steering.SET | steering.READ)} - QUICK
    | {
        "/v1/user/check_user",
        "/v1/device/sn_datalog",
        "/v1/device/datalogger/validate",
        "/v1/device/max/max_data_info",
        "/v1/device/max/alarm_data",
        "/v1/device/mix/mix_data_info",
        "/v1/device/spa/spa_data_info",
        "/v1/device/tlx/tlx_set_info",
    }
)
SPECIAL = re.compile(r"/v1/(read\w+Param|\w+Set|vppRemoteSetNew)$")
WEB_MAY = frozenset(("/v1/plant/list", "/v1/user/check_user"))


def _request(exchange: Exchange) -> str:
    """Return what makes two requests the same."""
    given = sorted((k, str(v)) for k, v in exchange.params.items())
    return f"{exchange.account.token} {exchange.endpoint} {given}"


def _same(quick: bool) -> Any:
    """Charge an identical request, where a rate is written."""

    def keys(exchange: Exchange) -> Iterable[tuple[str, int]]:
        path = exchange.endpoint
        if path not in UNWRITTEN and (path in QUICK) is quick:
            yield _request(exchange), 1

    return keys


def _daily(exchange: Exchange) -> Iterable[tuple[str, int]]:
    """Charge the endpoints that have ten calls a day."""
    if exchange.endpoint in TEN_A_DAY:
        yield f"{exchange.account.token} {exchange.endpoint}", 1


TEN = Limit[Exchange](name="day", window=DAY, allowed=lambda _: 10, keys=_daily)
LIMITS: tuple[Limit[Exchange], ...] = (
    Limit(
        name="same", window=FIVE_MINUTES, allowed=lambda _: 1, keys=_same(quick=False)
    ),
    Limit(
        name="quick", window=TEN_SECONDS, allowed=lambda _: 1, keys=_same(quick=True)
    ),
    TEN,
)


class Server(VendorServer):
    """The open API of Growatt."""

    name = "growatt"
    further = REGIONS[1:]

    def __init__(self, world: World) -> None:
        """Build the accounts."""
        super().__init__(world)
        now = world.clock.seconds()
        self.accounts = {
            name: build(world, name, now, *spec) for name, spec in ACCOUNTS.items()
        }
        self.others = build_others(world, now)
        self.limits = LimitBoard[Exchange](LIMITS)
        self.ports: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        # Knobs of the tests.
        self.blocked = False
        self.undocumented = 0.0
        self._last: dict[str, float] = {}

    @override
    def opened(self, urls: dict[str, str]) -> None:
        """Take the URL of each region, and send each account to its own."""
        self.urls = {"eu": urls[self.name]}
        self.urls |= {region: urls[f"{self.name}_{region}"] for region in self.further}
        self.ports = {
            url.rpartition(":")[2]: region for region, url in self.urls.items()
        }
        for account in self.everybody:
            account.fields["host"] = self.urls[account.region]

    @property
    def everybody(self) -> list[GrowattAccount]:
        """Return all accounts, those that are not listed included."""
        return [*self.accounts.values(), *self.others.values()]

    def region_of(self, headers: Any) -> str:
        """Return the region whose host a request went to."""
        port = str(headers.get("Host", "")).rpartition(":")[2]
        return self.ports.get(port, "eu")

    @override
    def account_of(self, headers: Any, params: dict[str, Any]) -> str | None:
        """Return the account of a token, old ones and those of the web included."""
        token = headers.get("token")
        for account in self.everybody:
            known = {account.token, account.web_token, *account.revoked}
            if token and token in known:
                return account.name
        return None

    @override
    def error(self, code: int, message: str | None = None) -> Answer:
        """Return an error: HTTP 200, error_code and words."""
        text = GrowattError(code).message if message is None else message
        body = {"error_msg": text, "data": "", "error_code": code}
        return Answer(body=body, code=code)

    @override
    def token_error(self) -> Answer:
        """Return the answer to a token that is not valid."""
        return Answer(
            body={"error_msg": f"{DENIED} token", "error_code": 10011},
            code=10011,
            refused=True,
        )

    @override
    def emptied(self, body: Any, *, keep_key: bool) -> Any:
        """Return a body with null data, or without."""
        if not isinstance(body, dict):
            return body
        rest = {key: item for key, item in body.items() if key != "data"}
        return rest | {"data": None} if keep_key else rest

    def spend(self, account: str, endpoint: str, calls: int) -> None:
        """Spend some of a day's ten calls as another client would."""
        at = self.world.clock.seconds()
        token = next(a.token for a in self.everybody if a.name == account)
        self.limits.spend(TEN, f"{token} {endpoint}", at, calls)

    @override
    def serve(self, exchange: Exchange) -> Answer:
        """Check a request and carry it out."""
        path = exchange.endpoint
        if path.startswith(("/v4/", "/new-api/")):
            words = "DEVICE_SN_DOES_NOT_HAVE_PERMISSION"
            return Answer(body={"code": 12, "data": None, "message": words}, code=12)
        exchange.account = self._authenticate(exchange)
        handler = ENDPOINTS.get((exchange.method, path))
        if handler is None:
            known = any(path == one for _, one in ENDPOINTS)
            return Answer(status=405 if known else 404, body=HTML)
        self._limit(exchange)
        try:
            return self._answer(handler, exchange)
        except GrowattError as error:
            if error.status != 200:
                return Answer(status=error.status, body=HTML, code=error.status)
            return self.error(error.code, error.message)

    def _answer(self, handler: Any, exchange: Exchange) -> Answer:
        """Answer a request that is allowed."""
        result = handler(self, exchange)
        if isinstance(result, Change):
            self._change(result, exchange)
            result = result.body
        body = result if isinstance(result, Told) else {"data": result}
        return Answer(body=body | {"error_code": 0, "error_msg": ""})

    def _denied(self, words: str = DENIED) -> Refusal:
        """Return a refusal for want of a right."""
        answer = self.error(10011, words)
        answer.refused = True
        return Refusal(answer)

    def _authenticate(self, exchange: Exchange) -> GrowattAccount:
        """Check token, region and what such a token may do."""
        if self.blocked:
            raise self._denied()
        token = exchange.headers.get("token")
        found = next(
            (a for a in self.everybody if token and token in (a.token, a.web_token)),
            None,
        )
        if found is None or token in found.revoked:
            raise Refusal(self.token_error())
        if found.region != self.region_of(exchange.headers):
            if not SPECIAL.match(exchange.endpoint) or not any(
                plant.set_region == self.region_of(exchange.headers)
                for plant in found.plants
            ):
                raise Refusal(self.token_error())
        if token == found.web_token and exchange.endpoint not in WEB_MAY:
            raise self._denied()
        return found

    def _limit(self, exchange: Exchange) -> None:
        """Refuse what comes too often; what is refused does not count."""
        refused = self.limits.refused_by(exchange, exchange.at) is not None
        if exchange.endpoint in UNWRITTEN and self.undocumented:
            key = f"{exchange.account.token} {exchange.endpoint}"
            before = self._last.get(key)
            refused = before is not None and exchange.at < before + self.undocumented
            if not refused:
                self._last[key] = exchange.at
        if refused:
            answer = self.error(10012, FREQUENT)
            answer.refused = True
            raise Refusal(answer)

    def _change(self, change: Change, exchange: Exchange) -> None:
        """Apply a change as far as faults let it."""
        call, home = exchange.call, change.device.home
        if late := self.take("done_late", call):
            due = exchange.at + float(late.args.get("seconds", 60))
            home.later(due, lambda: self._apply(change, exchange, due))
        elif not self.take("accepted_not_done", call):
            at = exchange.at
            home.change(at, lambda: self._apply(change, exchange, at))

    def _apply(self, change: Change, exchange: Exchange, at: float) -> None:
        """Let a device carry out a change, and record it."""
        change.apply(at)
        self.world.commands.append(
            Command(
                at=at,
                vendor=self.name,
                account=exchange.account.name,
                plant=change.device.plant.id,
                device=change.device.sn,
                what=change.what,
                value=change.value,
            )
        )

    # What a request names

    def plants_of(self, account: GrowattAccount) -> list[GrowattPlant]:
        """Return the plants that an account may ask about."""
        return [*account.plants, *(p for user in account.users for p in user.plants)]

    def plant(
        self, exchange: Exchange, *, empty: int = 10003, missing: int = 10002
    ) -> GrowattPlant:
        """Return the plant that a request names; the codes differ by endpoint."""
        wanted = exchange.params.get("plant_id")
        if not wanted:
            raise GrowattError(empty, "error_plant id is empty")
        for plant in self.plants_of(exchange.account):
            if plant.id == str(wanted):
                plant.home.advance(exchange.at)
                return plant
        raise GrowattError(missing, "error_Plant does not exist")

    def gone(self, device: GrowattDevice, at: float) -> bool:
        """Say whether a device has left the account."""
        board = self.world.faults
        account = device.plant.account
        fault = board.find("device_gone", at, self.name, account, device.sn)
        return fault is not None and fault.device == device.sn

    def find(
        self, exchange: Exchange, serial: Any, family: Family | None = None
    ) -> GrowattDevice | None:
        """Return a device of the account by its serial."""
        for plant in self.plants_of(exchange.account):
            for device in plant.devices:
                fits = family is None or device.family is family
                if device.sn == serial and fits and not self.gone(device, exchange.at):
                    plant.home.advance(exchange.at)
                    return device
        return None

    def device(
        self, exchange: Exchange, key: str, family: Family, missing: int = 10002
    ) -> GrowattDevice:
        """Return the device that a request names."""
        device = self.find(exchange, exchange.params.get(key), family)
        if device is None:
            raise GrowattError(missing, "error_device not exist")
        return device

    def settable(
        self, exchange: Exchange, family: Family | None, key: str = ""
    ) -> GrowattDevice:
        """Return the device of a Set request, if it can be reached from here."""
        serial = exchange.params.get(key or (family.set_serial if family else ""))
        if not serial:
            raise GrowattError(10004, SETTING[10004])
        device = self.find(exchange, serial, family)
        if device is None:
            raise GrowattError(10012, SETTING[10012])
        home_host = device.plant.set_region
        if home_host and home_host != self.region_of(exchange.headers):
            raise GrowattError(10002, TRUE_HOST)
        self._reach(device, exchange.at, SETTING)
        return device

    def readable(self, exchange: Exchange, family: Family) -> GrowattDevice:
        """Return the device of a read request, if it can be reached."""
        device = self.find(exchange, exchange.params.get("device_sn"), family)
        if device is None:
            raise GrowattError(10002, READING[10002])
        self._reach(device, exchange.at, READING)
        return device

    def _reach(self, device: GrowattDevice, at: float, words: dict[int, str]) -> None:
        """Fail where logger or device are off line."""
        if not device.logger_up(at):
            raise GrowattError(10005, words[10005])
        if device.asleep(at):
            raise GrowattError(10003, words[10003])

    # What faults do to whole plants

    def measured_at(self, plant: GrowattPlant, at: float) -> float:
        """Return the instant of a plant's newest values."""
        return plant.published(at)

    def held_until(self, device: GrowattDevice, at: float) -> float | None:
        """Return the midnight whose reset is late at the moment."""
        board = self.world.faults
        account = device.plant.account
        fault = board.find("late_midnight", at, self.name, account, device.sn)
        midnight = device.home.midnight(at)
        late = fault is not None and at < midnight + 60 * fault.args.get("minutes", 20)
        return midnight if late else None

    def today(self, plant: GrowattPlant, key: str, at: float, now: float) -> float:
        """Return a plant's energy of the day, late faults included."""
        before = self.held_until(plant.devices[0], now)
        when = at if before is None else before - 1
        return plant.home.today(when)[key]
