"""The error bodies of both versions, in the shapes that the service mixes."""

from typing import Any

from ..base import Answer, Refusal


def old(status: int, *message: str, limited: bool = False, **more: Any) -> Refusal:
    """Return an error of version 2."""
    body = {"reason": status, "message": list(message)} | more
    return Refusal(Answer(status=status, code=status, body=body, refused=limited))


def old_words(status: int, *message: str) -> Refusal:
    """Return an error of version 2 in its other shape."""
    body = {"reason": status, "errorMessages": list(message)}
    return Refusal(Answer(status=status, code=status, body=body))


NAMES = {
    401: "Not Authorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def new(
    status: int, details: str, *, limited: bool = False, text: bool = False, **more: Any
) -> Refusal:
    """Return an error of version 4; its code may be text."""
    code: int | str = str(status) if text else status
    body = {"message": NAMES[status], "details": details, "code": code} | more
    return Refusal(Answer(status=status, code=status, body=body, refused=limited))


def unavailable(status: int) -> Answer:
    """Return what both versions say when data is not there for a while."""
    body = {"errorCode": 7, "errorMessages": ["Data temporarily unavailable."]}
    return Answer(status=status, code=status, body=body)
