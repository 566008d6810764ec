"""Access tokens for a client's id and secret, kept until shortly before they end."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import ClientSession

from ..clock import Clock
from ..errors import AuthenticationFailed, UnexpectedAnswer
from ..quota import Call, Ledger
from ..transport import request
from ..values import number, text
from .endpoints import TOKEN

MARGIN = 30.0
REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Tokens:
    """The token of an account (OAuth 2, client credentials)."""

    def __init__(
        self,
        session: ClientSession,
        clock: Clock,
        ledger: Ledger,
        credentials: Mapping[str, str],
    ) -> None:
        """Take `auth_host`, `client_id` and `client_secret`."""
        self._session = session
        self._clock = clock
        self._ledger = ledger
        self._credentials = credentials
        self._token: str | None = None
        self._ends: float | None = None

    async def get(self) -> str:
        """Return a token that is valid as far as we know."""
        if self._token is None or (
            self._ends is not None and self._clock.monotonic() >= self._ends
        ):
            await self._fetch()
        assert self._token
        return self._token

    def forget(self, token: str) -> None:
        """Fetch another one next time, unless that has been done meanwhile."""
        if token == self._token:
            self._token = None

    async def _fetch(self) -> None:
        known = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": known["client_id"],
            "client_secret": known["client_secret"],
        }
        asked = self._clock.monotonic()
        async with self._ledger.admit(Call(endpoint=TOKEN)):
            try:
                answer = await request(
                    self._session,
                    "POST",
                    f"{known['auth_host'].rstrip('/')}{TOKEN}",
                    headers={},
                    form=form,
                )
            except UnexpectedAnswer as err:
                raise _refusal(int(err.code or 0), err.words) from None
        body = answer.body if isinstance(answer.body, dict) else {}
        token = text(body.get("access_token"))
        if answer.status != HTTPStatus.OK or token is None:
            words = text(body.get("error_description")) or text(body.get("error"))
            raise _refusal(answer.status, words or "no access token")
        life = number(body.get("expires_in"))
        self._token = token
        self._ends = None if life is None else asked + max(0.0, life - MARGIN)


def _refusal(status: int, words: str) -> AuthenticationFailed | UnexpectedAnswer:
    """Return what the token server's answer means."""
    if status in REFUSED:
        return AuthenticationFailed(words, code=status)
    return UnexpectedAnswer(words, code=status)
