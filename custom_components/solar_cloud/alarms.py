"""The alarms of a plant, as its feeds have told them."""

from collections.abc import Iterable, Mapping

from .account import Account
from .cloud.model import Alarm

# From the worst on; what a vendor calls otherwise comes last.
SEVERITIES = ("critical", "major", "minor", "warning")


def alarms_of(account: Account, subject: str) -> Mapping[str, Alarm] | None:
    """Return the alarms of a plant or a device, None while no feed has told of any."""
    snapshots = list(account.snapshots().values())
    if not any(row.alarms_told for row in snapshots):
        return None
    devices = account.house.data.devices
    return {
        alarm.id: alarm
        for row in snapshots
        for alarm in row.alarms
        if alarm.device == subject
        or (alarm.device in devices and devices[alarm.device].plant == subject)
    }


def worst(alarms: Iterable[Alarm]) -> str | None:
    """Return the worst severity that is told."""
    told = [row.severity for row in alarms if row.severity]
    return min(told, key=_rank, default=None)


def described(alarm: Alarm) -> dict[str, str | None]:
    """Return an alarm as events and attributes carry it."""
    return {
        "device": alarm.device,
        "code": alarm.code,
        "text": alarm.text,
        "severity": alarm.severity,
        "advice": alarm.advice,
        "at": alarm.at.isoformat() if alarm.at else None,
    }


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
