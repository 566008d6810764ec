"""OAuth 2.0 by authorization code: what a vendor declares, and tokens that stay valid."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from .clock import Clock
from .errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    QuotaExceeded,
    UnexpectedAnswer,
)
from .transport import Answer, request
from .values import number, text

SPARE = 60.0
LOOK = ClientTimeout(total=10)
SECRET = frozenset(("access_token", "refresh_token", "expires_in", "token_type"))
BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
REFUSING = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

type Token = Mapping[str, Any]


class AccessToken(Protocol):
    """What a vendor's client gets its access token from."""

    @property
    def granted(self) -> Mapping[str, Any]:
        """Return what came with the token: `scope`, the vendor's own ids."""
        ...

    async def __call__(self, refused: str | None = None) -> str:
        """Return a valid access token; `refused` is one that the vendor turned down.

        Calls at the same time share one refresh. Raises AuthenticationFailed once the
        owner has to consent again, CloudUnavailable when it can be tried again later.
        """
        ...


def as_sent(body: Any) -> Any:
    """Return a token answer that is the tokens themselves."""
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How a vendor does OAuth; paths are below `auth_host`, else below `host`.

    `authorize` has the newest path first, where documents name several. `in_query` puts
    the fields of a token request into its URL, `basic` the client into a header.
    `lifetime` of an access token in s is for answers that tell none. No word of
    `forbidden` may be in a redirect URI. `shows_code` is the vendor's own page that shows
    the code. `headers` go with each request of ours. `unwrap` returns the tokens in an
    answer, or raises a CloudError.
    """

    authorize: tuple[str, ...]
    token: str
    refresh: str = ""
    scopes: tuple[str, ...] = ()
    basic: bool = False
    in_query: bool = False
    lifetime: float = 3600.0
    forbidden: tuple[str, ...] = ()
    shows_code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    unwrap: Callable[[Any], Any] = as_sent

    def allows(self, redirect_uri: str) -> bool:
        """Return whether the vendor takes a redirect URI."""
        return not any(word in redirect_uri for word in self.forbidden)

    @staticmethod
    def host(credentials: Mapping[str, str]) -> str:
        """Return the host at which the owner signs in."""
        return (credentials.get("auth_host") or credentials["host"]).rstrip("/")


async def authorize_url(
    session: ClientSession,
    oauth: OAuth,
    credentials: Mapping[str, str],
    redirect_uri: str,
    state: str,
) -> str:
    """Return the address at which the owner consents: the first that the server has."""
    asked = {
        "response_type": "code",
        "client_id": credentials["client_id"],
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if oauth.scopes:
        asked["scope"] = " ".join(oauth.scopes)
    # A blank has to be %20; a plus is something else by then.
    query = URL.build(query=asked).raw_query_string.replace("+", "%20")
    *newer, oldest = (
        f"{oauth.host(credentials)}{path}?{query}" for path in oauth.authorize
    )
    for url in newer:
        try:
            async with session.get(
                URL(url, encoded=True), headers=oauth.headers, timeout=LOOK
            ) as response:
                if response.status != HTTPStatus.NOT_FOUND:
                    return url
        except ClientError, TimeoutError:
            return url
    return oldest


class TokenService:
    """The vendor's interface that gives tokens to one client."""

    def __init__(
        self,
        session: ClientSession,
        clock: Clock,
        oauth: OAuth,
        credentials: Mapping[str, str],
    ) -> None:
        """Take `client_id` and `client_secret` from the credentials."""
        self._session = session
        self._clock = clock
        self._oauth = oauth
        self._credentials = credentials

    async def exchange(self, code: str, redirect_uri: str) -> Token:
        """Return the tokens for a code; AuthenticationFailed when it is not accepted."""
        return await self._ask(
            self._oauth.token,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
            },
        )

    async def refresh(self, token: Token) -> Token:
        """Return new tokens; the refresh token stays where none came with them."""
        if not token.get("refresh_token"):
            raise AuthenticationFailed
        fresh = await self._ask(
            self._oauth.refresh or self._oauth.token,
            {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]},
        )
        return {
            **fresh,
            "refresh_token": fresh["refresh_token"] or token["refresh_token"],
            "granted": {**token["granted"], **fresh["granted"]},
        }

    async def _ask(self, path: str, fields: dict[str, str]) -> Token:
        client = self._credentials["client_id"], self._credentials["client_secret"]
        headers = dict(self._oauth.headers)
        if self._oauth.basic:
            pair = b64encode(":".join(client).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        else:
            fields |= zip(("client_id", "client_secret"), client, strict=True)
        sent = {"params" if self._oauth.in_query else "form": fields}
        try:
            answer = await request(
                self._session,
                "POST",
                f"{self._oauth.host(self._credentials)}{path}",
                headers=headers,
                **sent,
            )
        except UnexpectedAnswer as err:
            raise _not_json(err) from None
        return self._read(answer)

    def _read(self, answer: Answer) -> Token:
        """Return the tokens of an answer, or raise what it says instead."""
        if error := _error(answer):
            raise error
        body = self._oauth.unwrap(answer.body)
        if not isinstance(body, dict) or not (access := text(body.get("access_token"))):
            raise UnexpectedAnswer("no access_token", code=answer.status)
        life = number(body.get("expires_in")) or self._oauth.lifetime
        return {
            "access_token": access,
            "refresh_token": text(body.get("refresh_token")),
            "expires_at": self._clock.now().timestamp() + life - min(SPARE, life / 10),
            "granted": {key: row for key, row in body.items() if key not in SECRET},
        }


def _not_json(err: CloudError) -> CloudError:
    """Return what an answer without JSON means: 400 and 401 refuse, others are lost."""
    status = int(err.code or HTTPStatus.OK)
    if status in REFUSING:
        return AuthenticationFailed(err.words, code=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return QuotaExceeded(err.words, code=status)
    # The wall before a cloud turns clients away, not accounts.
    if status in BUSY or status == HTTPStatus.FORBIDDEN:
        return CloudUnavailable(err.words, code=status)
    return err


def _error(answer: Answer) -> CloudError | None:
    """Return the error that an answer tells (RFC 6749, 5.2)."""
    body = answer.body if isinstance(answer.body, dict) else {}
    code = text(body.get("error"))
    words = text(body.get("error_description")) or code or ""
    if answer.status in BUSY:
        return CloudUnavailable(words, code=answer.status)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return QuotaExceeded(words, code=answer.status)
    if answer.status >= HTTPStatus.BAD_REQUEST or code:
        return AuthenticationFailed(words, code=code or answer.status)
    return None


class Tokens:
    """The tokens of one account: refreshed when needed, once, and stored before use."""

    def __init__(
        self,
        service: TokenService,
        clock: Clock,
        token: Token,
        save: Callable[[Token], Awaitable[None]] | None = None,
    ) -> None:
        """Begin with the tokens of the owner's consent, or of the last refresh."""
        self.token = token
        self._service = service
        self._clock = clock
        self._save = save
        self._refresh: asyncio.Task[None] | None = None
        self._ended: AuthenticationFailed | None = None

    @property
    def granted(self) -> Mapping[str, Any]:
        """Return what came with the token: `scope`, the vendor's own ids."""
        granted: Mapping[str, Any] = self.token["granted"]
        return granted

    async def __call__(self, refused: str | None = None) -> str:
        """Return a valid access token; `refused` is one that the vendor turned down."""
        if not self._is_good(refused):
            if self._ended:
                raise AuthenticationFailed(self._ended.words, code=self._ended.code)
            if self._refresh is None:
                self._refresh = asyncio.create_task(self._renew())
                self._refresh.add_done_callback(self._renewed)
            # Whoever gives up waiting must not take the new refresh token with him.
            await asyncio.shield(self._refresh)
        return str(self.token["access_token"])

    def _is_good(self, refused: str | None) -> bool:
        expires_at: float = self.token["expires_at"]
        fresh = self._clock.now().timestamp() < expires_at
        return fresh and self.token["access_token"] != refused

    async def _renew(self) -> None:
        try:
            fresh = await self._service.refresh(self.token)
        except AuthenticationFailed as err:
            self._ended = err
            raise
        try:
            if self._save:
                await self._save(fresh)
        finally:
            self.token = fresh

    def _renewed(self, task: asyncio.Task[None]) -> None:
        self._refresh = None
        if not task.cancelled():
            task.exception()
