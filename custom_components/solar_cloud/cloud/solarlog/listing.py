"""Plants and what they hold: the vendor's list, or the ids that were typed while it fails."""

from collections.abc import Mapping
from datetime import datetime
import re
from typing import Any

from ..errors import (
    AuthenticationFailed,
    CloudError,
    CloudUnavailable,
    NoPlants,
    PermissionDenied,
    QuotaExceeded,
    Refused,
)
from ..model import Plant
from ..values import number, text
from .client import SolarlogClient

W_PER_KW = 1000.0
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SEPARATOR = re.compile(r"[\s,;]+")


def typed_ids(typed: str) -> list[str]:
    """Return plant ids out of what was typed: ids, or addresses of the portal's pages."""
    parts = (part.rstrip("/") for part in _SEPARATOR.split(typed))
    return list(dict.fromkeys(part.rpartition("/")[2] for part in parts if part))


class Listing:
    """Lists the plants of an account."""

    def __init__(self, client: SolarlogClient, typed: str) -> None:
        """Take the ids that were typed."""
        self._client = client
        self._typed = typed_ids(typed)

    async def plants(self) -> dict[str, Plant]:
        """Return the plants; raises NoPlants where none is listed and none was typed.

        The vendor has had the list out of order for months, so its failure is no error
        while there is another way: ids that were typed, and the fleets of those plants.
        """
        failure: CloudError | None = None
        found: dict[str, Plant] = {}
        try:
            found = _by_id(await self._client.plants())
        except AuthenticationFailed, QuotaExceeded:
            raise
        except CloudError as err:
            if isinstance(err, CloudUnavailable) and err.code is None:
                raise
            failure = err
        for plant in self._typed:
            if plant not in found:
                found[plant] = await self._detail(plant)
        if failure and found:
            found |= await self._of_fleets(found)
        if not found:
            raise failure if isinstance(failure, PermissionDenied) else NoPlants
        return found

    async def _detail(self, plant: str) -> Plant:
        """Return a plant that was typed; raises NoPlants where there is none."""
        try:
            row = await self._client.plant(plant)
        except Refused:
            raise NoPlants from None
        return plant_of(plant, row)

    async def _of_fleets(self, known: Mapping[str, Plant]) -> dict[str, Plant]:
        """Return the other plants of fleets, as far as the package shows them."""
        found: dict[str, Plant] = {}
        seen: set[str] = set()
        for plant in known:
            try:
                header = await self._client.header(plant)
                for fleet in set(_fleets(header)) - seen:
                    seen.add(fleet)
                    found |= _by_id(await self._client.fleet_plants(fleet))
            except AuthenticationFailed, QuotaExceeded:
                raise
            except CloudError:
                continue
        return {key: row for key, row in found.items() if key not in known}


def _fleets(header: Mapping[str, Any]) -> list[str]:
    listed = header.get("fleets")
    rows = listed if isinstance(listed, list) else []
    ids = [text(row.get("id")) for row in rows if isinstance(row, Mapping)]
    return [own for own in ids if own]


def _by_id(rows: list[dict[str, Any]]) -> dict[str, Plant]:
    return {own: plant_of(own, row) for row in rows if (own := text(row.get("id")))}


def plant_of(own: str, row: Mapping[str, Any], at: datetime | None = None) -> Plant:
    """Return a plant; its zone is the offset of its newest value, else its last upload."""
    size = number(row.get("plantSize", row.get("size")))
    latitude, longitude = (number(row.get(key)) for key in ("latitude", "longitude"))
    # Places that nobody has entered are told as zeros.
    placed = bool(latitude or longitude)
    return Plant(
        id=own,
        name=text(row.get("label")) or own,
        time_zone=zone_of(at or _uploaded(row)),
        latitude=latitude if placed else None,
        longitude=longitude if placed else None,
        created=_date(row.get("installationDate")),
        peak_power_kw=None if size is None else size / W_PER_KW,
    )


def _date(told: Any) -> str | None:
    """Return the day of a stamp, as a text."""
    found = _DAY.match(str(told))
    return found[0] if found else None


def _uploaded(row: Mapping[str, Any]) -> datetime | None:
    last = row.get("lastDataTransfer")
    told = last.get("lastTransfer") if isinstance(last, Mapping) else None
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def zone_of(at: datetime | None) -> str | None:
    """Return the zone of whole hours that a stamp's offset is in; no name is told."""
    offset = at.utcoffset() if at else None
    if offset is None or offset.total_seconds() % 3600:
        return None
    hours = -int(offset.total_seconds() // 3600)
    return f"Etc/GMT{hours:+d}" if hours else "Etc/GMT"
