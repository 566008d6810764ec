"""What can go wrong between us and a cloud, in words that every vendor shares."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar, override


class CloudError(Exception):
    """A cloud did not do what was asked; `code` and `words` are the vendor's own."""

    key: ClassVar[str] = "unexpected_answer"

    def __init__(self, words: str = "", *, code: str | int | None = None) -> None:
        """Keep the vendor's words and error code."""
        super().__init__(words)
        self.words = words
        self.code = None if code is None else str(code)

    @override
    def __str__(self) -> str:
        """Return the vendor's words and code, for logs."""
        named = f"{type(self).__name__} {self.code or ''}".strip()
        return f"{named}: {self.words}" if self.words else named


class AuthenticationFailed(CloudError):
    """The secret is wrong, expired or revoked."""

    key = "invalid_auth"


class WrongRegion(CloudError):
    """The account lives on another host of the vendor."""

    key = "wrong_region"


class PermissionDenied(CloudError):
    """The account may sign in but not make this call."""

    key = "no_permission"


class AccountLocked(CloudError):
    """The vendor has locked the account for a while."""

    key = "locked"


class NoPlants(CloudError):
    """The account holds no plant that we could show."""

    key = "no_plants"


class Deferred(CloudError):
    """Nothing was done; it is worth another try from `retry_at` on."""

    key = "cannot_connect"

    def __init__(
        self,
        words: str = "",
        *,
        code: str | int | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        """Keep the instant from which another call may be made."""
        super().__init__(words, code=code)
        self.retry_at = retry_at


class QuotaExceeded(Deferred):
    """No call may be made before `retry_at`, by the ledger's or the vendor's word."""

    key = "quota"


class Occupied(Deferred):
    """The vendor is still carrying out an earlier task of the same kind."""


class CloudUnavailable(CloudError):
    """The cloud cannot be reached, is in maintenance or answers 5xx; nothing was done."""

    key = "cannot_connect"


class AnswerLost(CloudUnavailable):
    """The request left us and no answer came: it may have been carried out."""


class UnexpectedAnswer(CloudError):
    """The answer is not what the vendor documents; `retry_after` in s where it tells."""

    retry_after: float | None = None


class Busy(CloudError):
    """The vendor asks to try again later; nothing was done."""

    key = "cannot_connect"


class DeviceOffline(Busy):
    """The device's logger cannot be reached by the cloud."""

    key = "device_offline"


class DeviceGone(CloudError):
    """The account no longer holds this device."""

    key = "device_gone"


class Refused(CloudError):
    """The vendor or the device refuses this request as it stands."""

    key = "refused"


class PartlyDone(CloudError):
    """Only some of those that were to carry it out have taken it on."""

    key = "refused"


class NotSupported(Refused):
    """The device does not know this function."""

    key = "not_supported"


class OtherServer(Refused):
    """The device is written to through a server of the vendor that we do not find."""

    key = "other_server"


class Blocked(Refused):
    """The device refuses in its present mode, or does not know the function."""


# What a parser may stumble over in an answer that no document describes.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@contextmanager
def understood() -> Iterator[None]:
    """Raise UnexpectedAnswer for an answer that no document describes."""
    try:
        yield
    except MALFORMED as err:
        raise UnexpectedAnswer(type(err).__name__) from None
