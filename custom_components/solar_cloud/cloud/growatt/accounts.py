"""Who signs in: the token, the region it belongs to, and the plants bound to it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import (
    AuthenticationFailed,
    CloudError,
    NoPlants,
    PermissionDenied,
    Refused,
    WrongRegion,
)
from ..quota import Purpose
from ..values import number, text
from . import endpoints as on
from .client import GrowattClient
from .tolerant import PARTIAL

LISTED_FOR = timedelta(hours=24)
KEPT = (
    "plant_id",
    "name",
    "country",
    "latitude",
    "longitude",
    "peak_power",
    "create_date",
)
PLANTS, AT = "plants", "at"
END_USERS = "end_users"


class Accounts:
    """Finds out whether a token is good here, and which plants it shows.

    Plants are asked once a day, as that may be asked ten times a day only.
    """

    def __init__(
        self, client: GrowattClient, clock: Clock, memory: dict[str, Any]
    ) -> None:
        """Keep the plants in `memory`."""
        self._client = client
        self._clock = clock
        self._listed: dict[str, Any] = memory.setdefault("listed", {})
        self._end_users: dict[str, list[dict[str, Any]]] = memory.setdefault(
            END_USERS, {}
        )

    async def check(self) -> None:
        """Ask whether the token is known in this region; spends no rare call.

        Raises WrongRegion when another region knows it, AuthenticationFailed when none.
        """
        if await self._is_known(None):
            return
        for host in self._client.other_hosts:
            with suppress(CloudError):
                if await self._is_known(host):
                    region = host
                    break
        else:
            raise AuthenticationFailed("error_permission_denied", code=10011)
        raise WrongRegion(region, code=10011)

    async def _is_known(self, host: str | None) -> bool:
        """Return whether a region takes the token (4.1.2)."""
        try:
            await self._client.call(
                on.USER_CHECK,
                {"user_name": ""},
                Purpose.COMMAND,
                "check",
                host=host,
            )
        except PermissionDenied:
            return False
        except Refused:
            # It did not like the empty name, and so took the token.
            pass
        return True

    async def sign_in(self) -> list[Mapping[str, Any]]:
        """Return the plants of the account; raises what keeps it from being used."""
        await self.check()
        rows = await self.plants()
        if not rows:
            raise NoPlants
        await self._try_device(rows[0])
        return rows

    async def _try_device(self, row: Mapping[str, Any]) -> None:
        """Raise PermissionDenied for a token that shows plants and not their devices."""
        plant = text(row.get("plant_id")) or ""
        try:
            await self._client.pages(on.DEVICES, {"plant_id": plant}, "devices")
        except PermissionDenied:
            raise
        except PARTIAL:
            # That says nothing about the token.
            return

    async def plants(self) -> list[Mapping[str, Any]]:
        """Return the account's own plants, else those of its end users (4.2.1)."""
        now = self._clock.now()
        known = self._listed.get(PLANTS)
        if known and now - datetime.fromisoformat(self._listed[AT]) < LISTED_FOR:
            return list(known)
        try:
            rows = await self._client.pages(on.PLANTS, {}, "plants")
            if not rows:
                rows = await self._of_end_users()
        except PARTIAL:
            if not known:
                raise
            return list(known)
        self._listed[PLANTS] = [_kept(row) for row in rows]
        self._listed[AT] = now.isoformat()
        return list(self._listed[PLANTS])

    async def _of_end_users(self) -> list[dict[str, Any]]:
        """Return the plants of an installer's end users (4.1.4, 4.2.9).

        Ten users a day can be asked; the others are asked on the days to come.
        """
        try:
            users = await self._client.pages(on.USERS, {}, "c_user")
        except PARTIAL:
            users = []
        names = [name for row in users if (name := text(row.get("c_user_name")))]
        asked = {
            name: self._end_users[name] for name in names if name in self._end_users
        }
        for name in sorted(names, key=lambda name: name in asked):
            try:
                asked[name] = [
                    _kept(row)
                    for row in await self._client.pages(
                        on.PLANTS_OF_USER, {"user_name": name}, "plants"
                    )
                ]
            except PARTIAL:
                break
        self._end_users.clear()
        self._end_users.update(asked)
        return [row for rows in asked.values() for row in rows]


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in KEPT if key in row}


def coordinate(value: Any) -> float | None:
    """Return a latitude or longitude; 0 stands for none."""
    return number(value) or None
