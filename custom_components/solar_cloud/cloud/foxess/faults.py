"""The faults of inverters: those that are reported, and those that came and went."""

from collections.abc import Mapping
from datetime import UTC, datetime
import re
from typing import Any

from ..clock import Clock
from ..errors import NotSupported
from ..model import Alarm, Readings, Snapshot
from ..values import number, text
from .client import FoxessClient
from .inventory import Inventory
from .tolerant import PARTIAL

CODES = re.compile(r"[^\s,;]+")
# The document's languages: English, Polish and Chinese.
LANGUAGES = {"zh": "zh_CN"}
ENGLISH = "en"
MILLISECONDS = 1000


class Faults:
    """Fetches the faults of an account's inverters, with their texts."""

    def __init__(
        self,
        client: FoxessClient,
        clock: Clock,
        memory: dict[str, Any],
        inventory: Inventory,
        language: str,
    ) -> None:
        """Keep the texts of error codes in `memory`."""
        self._client = client
        self._clock = clock
        self._memory = memory
        self._inventory = inventory
        self._language = LANGUAGES.get(language, language)
        self._told: dict[str, frozenset[str]] = {}
        self._since: dict[str, datetime] = {}
        self._seen: set[tuple[str, datetime | None]] = set()
        self._has_history = True

    def are_news(self, readings: Readings) -> bool:
        """Return whether inverters report other codes than at the last poll."""
        return any(
            _codes(readings, sn) != self._told.get(sn, frozenset())
            for sn in self._inventory.inverters()
        )

    async def poll(self, readings: Readings) -> Snapshot:
        """Fetch the day's faults ("Get Device Fault History").

        A fault is told while it is reported, and once when it was shorter than that.
        """
        alarms: list[Alarm] = []
        for sn in self._inventory.inverters():
            codes = _codes(readings, sn)
            self._told[sn] = codes
            # What was over before we looked for the first time is no news.
            first = sn not in self._since
            self._since.setdefault(sn, self._clock.now())
            problem = _has_problem(readings, sn)
            rows = await self._rows(sn) if problem or not first else []
            if problem and not codes and rows:
                # A fault that is reported without its code is the last of the day.
                last = max((_alarm(sn, row, {}) for row in rows), key=_when)
                codes = frozenset({last.code})
            if codes or rows:
                texts = await self._texts()
                alarms += self._alarms(sn, codes, rows, texts)
        return Snapshot(at=self._clock.now(), alarms=tuple(alarms), alarms_told=True)

    async def _rows(self, sn: str) -> list[dict[str, Any]]:
        if not self._has_history:
            return []
        today = self._clock.now().astimezone(self._inventory.zone(sn)).date()
        try:
            return await self._client.faults(sn, today.isoformat())
        except NotSupported:
            self._has_history = False
        except PARTIAL:
            pass
        return []

    def _alarms(
        self,
        sn: str,
        codes: frozenset[str],
        rows: list[dict[str, Any]],
        texts: Mapping[str, str],
    ) -> list[Alarm]:
        told = [_alarm(sn, row, texts) for row in rows]
        newest = {alarm.code: alarm for alarm in sorted(told, key=_when)}
        active = [
            newest.get(code) or _alarm(sn, {"faultCode": code}, texts)
            for code in sorted(codes)
        ]
        passing = [
            alarm
            for code, alarm in newest.items()
            if code not in codes
            and _when(alarm) >= self._since[sn]
            and (alarm.id, alarm.at) not in self._seen
        ]
        self._seen |= {(alarm.id, alarm.at) for alarm in (*active, *passing)}
        return active + passing

    async def _texts(self) -> dict[str, str]:
        """Return the texts of error codes ("Get error code information")."""
        known = self._memory.get("fault_texts", {})
        if known.get("language") == self._language:
            return dict(known["texts"])
        try:
            found = await self._client.fault_texts()
        except PARTIAL:
            return {}
        texts = {
            code: str(row.get(self._language) or row.get(ENGLISH) or "")
            for code, row in found.items()
        }
        self._memory["fault_texts"] = {"language": self._language, "texts": texts}
        return texts


def _codes(readings: Readings, sn: str) -> frozenset[str]:
    reading = readings.get(sn, {}).get("fault_code")
    return frozenset(CODES.findall(str(reading.value or "")) if reading else ())


def _has_problem(readings: Readings, sn: str) -> bool:
    reading = readings.get(sn, {}).get("problem")
    return reading is not None and reading.value is True


def _alarm(sn: str, row: Mapping[str, Any], texts: Mapping[str, str]) -> Alarm:
    code = text(row.get("faultCode")) or ""
    at = _instant(row.get("timestamp"))
    return Alarm(
        id=f"{sn}_{code}",
        device=sn,
        code=code,
        text=text(row.get("faultMessage")) or texts.get(code) or code,
        at=at,
    )


def _instant(stamp: Any) -> datetime | None:
    """Return an instant from milliseconds since 1970."""
    found = number(stamp)
    try:
        return None if not found else datetime.fromtimestamp(found / MILLISECONDS, UTC)
    except ValueError, OverflowError, OSError:
        return None


def _when(alarm: Alarm) -> datetime:
    return alarm.at or datetime.min.replace(tzinfo=UTC)
