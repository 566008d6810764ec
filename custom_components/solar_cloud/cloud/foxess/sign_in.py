"""The OAuth of FoxESS: "Oauth" of the document, and the guides since."""

from typing import Any

from ..errors import AuthenticationFailed, Busy, CloudUnavailable, QuotaExceeded
from ..oauth import OAuth
from .client import USER_AGENT
from .errnos import outcome

DAY = 24 * 3600.0
LATER = (Busy, CloudUnavailable, QuotaExceeded)


def tokens(body: Any) -> Any:
    """Return the tokens of an answer, which may come as any other FoxESS answer does."""
    if not isinstance(body, dict) or "errno" not in body:
        return body
    if (error := outcome(body)) and not isinstance(error, LATER):
        raise AuthenticationFailed(error.words, code=error.code)
    if error:
        raise error
    return body.get("result")


OAUTH = OAuth(
    authorize=("/h5/auth/foxessIndex", "/public/auth/index.html"),
    token="/oauth2/token",
    refresh="/oauth2/refresh",
    scopes=("data_access", "device_control"),
    headers={"User-Agent": USER_AGENT},
    in_query=True,
    lifetime=DAY,
    unwrap=tokens,
)
