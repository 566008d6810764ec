"""The alarms of inverters: those that are reported, and those that came and went."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import re
from typing import Any

from ..clock import Clock
from ..model import Alarm, Readings, Snapshot
from ..values import text
from .client import GrowattClient
from .endpoints import ALARM_ROWS
from .inventory import Inventory
from .samples import Samples
from .stamps import naive
from .tolerant import Gathering

SELDOM = timedelta(minutes=30)
CODES = re.compile(r"[^\s,;]+")


class Alarms:
    """Fetches the alarms of an account's inverters (4.3.6, 4.3.11)."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        inventory: Inventory,
        samples: Samples,
    ) -> None:
        """Start without knowing of any alarm."""
        self._client = client
        self._clock = clock
        self._inventory = inventory
        self._samples = samples
        self._listed: dict[str, list[dict[str, Any]]] = {}
        self._asked: dict[str, datetime] = {}
        self._told: dict[str, frozenset[str]] = {}
        self._since: dict[str, datetime] = {}
        self._seen: set[tuple[str, datetime | None]] = set()

    async def poll(self) -> Snapshot:
        """Fetch the alarms of the day: of those that report one, of all now and then.

        An alarm is told while it is reported, and once when it was shorter than that.
        """
        now = self._clock.now()
        gathering = Gathering()
        alarms: list[Alarm] = []
        for sn in self._inventory.inverters():
            if self._is_worth_asking(sn, now):
                rows = await gathering.add(self._rows(sn))
                if rows is not None:
                    self._listed[sn], self._asked[sn] = rows, now
            alarms += self._alarms(sn, self._listed.get(sn, []))
        gathering.require()
        return Snapshot(at=self._clock.now(), alarms=tuple(alarms), alarms_told=True)

    def _is_worth_asking(self, sn: str, now: datetime) -> bool:
        """Return whether an inverter reports something, or was not asked for long."""
        readings = self._samples.readings
        reports = codes_of(readings, sn) or has_problem(readings, sn)
        news = codes_of(readings, sn) != self._told.get(sn, frozenset())
        asked = self._asked.get(sn)
        return bool(reports) or news or asked is None or now - asked >= SELDOM

    def params(self, sn: str) -> dict[str, str]:
        """Return how the alarms of the inverter's day are asked for."""
        family = self._inventory.family(sn)
        now = self._clock.now()
        today = (now + self._samples.stamps_of(sn)).date()
        return {
            family.argument: sn,
            **self._inventory.also(sn),
            "date": today.isoformat(),
        }

    async def _rows(self, sn: str) -> list[dict[str, Any]]:
        family = self._inventory.family(sn)
        return await self._client.pages(family.alarms, self.params(sn), ALARM_ROWS)

    def _alarms(self, sn: str, rows: list[dict[str, Any]]) -> list[Alarm]:
        """Return the alarms that are there, and new ones that are over."""
        now = self._clock.now()
        # What was over before we looked for the first time is no news.
        since = self._since.setdefault(sn, now)
        readings = self._samples.readings
        self._told[sn] = codes = codes_of(readings, sn)
        newest = {
            alarm.code: alarm
            for alarm in sorted((self._alarm(sn, row) for row in rows), key=_when)
        }
        if not codes and has_problem(readings, sn) and newest:
            # A fault that is reported without its code is the last of the day.
            codes = frozenset({max(newest.values(), key=_when).code})
        active = [
            newest.get(code) or self._alarm(sn, {"alarm_code": code})
            for code in sorted(codes)
        ]
        passing = [
            alarm
            for code, alarm in newest.items()
            if code not in codes
            and _when(alarm) >= since
            and (alarm.id, alarm.at) not in self._seen
        ]
        self._seen |= {(alarm.id, alarm.at) for alarm in (*active, *passing)}
        return active + passing

    def _alarm(self, sn: str, row: Mapping[str, Any]) -> Alarm:
        code = text(row.get("alarm_code")) or ""
        written = naive(row.get("start_time"))
        ahead = self._samples.stamps_of(sn)
        return Alarm(
            id=f"{sn}_{code}",
            device=sn,
            code=code,
            text=text(row.get("alarm_message")) or code,
            at=None if written is None else _instant(written, ahead),
        )


def codes_of(readings: Readings, sn: str) -> frozenset[str]:
    """Return the codes that an inverter reports now."""
    reading = readings.get(sn, {}).get("fault_code")
    return frozenset(CODES.findall(str(reading.value or "")) if reading else ())


def has_problem(readings: Readings, sn: str) -> bool:
    """Return whether an inverter reports that something is wrong."""
    reading = readings.get(sn, {}).get("problem")
    return reading is not None and reading.value is True


def _instant(written: datetime, ahead: timedelta) -> datetime:
    return (written - ahead).replace(tzinfo=UTC)


def _when(alarm: Alarm) -> datetime:
    return alarm.at or datetime.min.replace(tzinfo=UTC)
