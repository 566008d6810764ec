"""Section 5.1.3.1: the alarms that are active, in the ten languages of the service."""

from typing import TYPE_CHECKING, Any

from ..base import Exchange
from . import questions
from .errors import HuaweiError
from .questions import MOST, parts, told

if TYPE_CHECKING:
    from .plant import Alarm, HuaweiPlant
    from .server import Server

DAY = 86_400.0
SPAN = 31 * DAY
OLDEST = 365 * DAY

# The name of the alarm that every fault is without another, by language.
ABNORMAL: dict[str, str] = {
    "zh_CN": "设备异常",
    "en_US": "The device is abnormal.",
    "ja_JP": "装置が異常です",
    "it_IT": "Il dispositivo è anomalo.",
    "nl_NL": "Het apparaat is abnormaal.",
    "pt_BR": "O dispositivo está anormal.",
    "de_DE": "Das Gerät ist gestört.",
    "fr_FR": "L'appareil est anormal.",
    "es_ES": "El dispositivo es anómalo.",
    "pl_PL": "Urządzenie działa nieprawidłowo.",
}
CAUSE = "An unrecoverable fault has occurred in the internal circuit of the device."
SUGGESTION = (
    "1. Turn off the AC and DC switches, wait for 5 minutes, and then turn them on.\r\n"
    "2. If the fault persists, contact your dealer or technical support."
)


def alarm_list(server: Server, exchange: Exchange) -> dict[str, Any]:
    """List the active alarms of plants, or of devices, that began in a span."""
    params = exchange.params
    codes, sns = parts(params.get("stationCodes")), parts(params.get("sns"))
    if not codes and not sns:
        raise HuaweiError(20055)
    language = _language(params.get("language"))
    begin, end = _span(exchange)
    rows = [
        _row(plant, alarm, language)
        for plant in _asked(exchange, codes, sns)
        for alarm in plant.problems(exchange.at)
        if begin <= alarm.since <= end
        and (codes or alarm.device.sn in sns)
        and _wanted(params.get("levels"), alarm.level)
        and _wanted(params.get("devTypes"), alarm.device.type_id)
    ]
    names = (
        "stationCodes", "sns", "beginTime", "endTime", "language", "levels", "devTypes",
    )  # fmt: skip
    return server.done(rows, told(exchange, *names))


def _asked(exchange: Exchange, codes: list[str], sns: list[str]) -> list[HuaweiPlant]:
    """Return the plants of a request; serial numbers count where none is named."""
    if codes:
        return questions.named_plants(exchange, codes)
    if len(sns) > MOST:
        raise HuaweiError(20016)
    account = exchange.account
    owners = [account.by_name[sn][0] for sn in sns if sn in account.by_name]
    if not owners:
        raise HuaweiError(20008)
    return list({plant.id: plant for plant in owners}.values())


def _language(given: Any) -> str:
    """Return the language of a request."""
    if not given:
        raise HuaweiError(20024)
    if given not in ABNORMAL:
        raise HuaweiError(20025)
    return str(given)


def _span(exchange: Exchange) -> tuple[float, float]:
    """Return the span of a request, as long and as far back as the service allows."""
    begin = questions.instant(exchange, "beginTime")
    end = questions.instant(exchange, "endTime")
    if begin > end:
        raise HuaweiError(20023)
    if begin < exchange.at - OLDEST - DAY:
        raise HuaweiError(20026)
    if end - begin > SPAN:
        raise HuaweiError(20027)
    return begin, end


def _wanted(given: Any, value: int) -> bool:
    """Say whether a list lets a value through; an empty one lets all."""
    listed = parts(given)
    return not listed or str(value) in listed


def _row(plant: HuaweiPlant, alarm: Alarm, language: str) -> dict[str, Any]:
    """Describe an alarm."""
    device = alarm.device
    return {
        "alarmCause": CAUSE,
        "alarmId": alarm.alarm_id,
        "alarmName": alarm.words or ABNORMAL[language],
        "alarmType": 2,
        "causeId": 1 + alarm.alarm_id % 7,
        "devName": device.name,
        "devTypeId": device.type_id,
        "esnCode": device.sn,
        "lev": alarm.level,
        "raiseTime": int(alarm.since * 1000),
        "repairSuggestion": SUGGESTION,
        "stationCode": plant.id,
        "stationName": plant.name,
        "status": 1,
    }


ENDPOINTS = {"/thirdData/getAlarmList": alarm_list}
