"""Series of values as the cloud hands them out: slots of a day, days, months, years."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from ..weather import draw
from .channels import Channel
from .parts import Part
from .plant import SLOT, SolarPlant

COMMISSIONING_KEYS = 401
KEPT_VALUES = 200_000
# The faults that change what a slot holds.
SPOILING = ("frozen", "late_midnight", "dip_counters")

type Points = dict[str, float | None]


def document_id(*parts: object) -> str:
    """Return 24 hexadecimal digits, others for each channel and day."""
    seed = hash(parts) & 0xFFFFFFFF
    return "".join(f"{int(draw(seed, n) * 0x1000000):06x}" for n in range(4))


def parse_day(text: str, today: date) -> date | None:
    """Return a day; one that the month does not have runs over into the next."""
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return date(year, month, 1) + timedelta(days=day - 1)
    except ValueError:
        return None


def days(plant: SolarPlant, first: date, last: date) -> Iterator[date]:
    """Yield the days that have an object, the newest first."""
    oldest = max(first, plant.first_day - timedelta(days=1))
    while last >= oldest:
        yield last
        last -= timedelta(days=1)


def points(plant: SolarPlant, part: Part, channel: Channel, day: date) -> Points:
    """Return the slots of a day; what is not known (yet) is null."""
    if day < plant.first_day:
        return _commissioning(plant, day)
    now = plant.world.clock.seconds()
    newest = plant.published(now)
    board = plant.world.faults
    spoilt = any(True for kind in SPOILING for _ in board.standing(kind, "solarlog"))
    read = _value if spoilt else _kept
    return {
        slot.stamp: read(plant, part, channel, slot.at)
        if slot.there and slot.at <= newest
        else None
        for slot in plant.slots(day)
    }


def _kept(plant: SolarPlant, part: Part, channel: Channel, at: float) -> float:
    """Return what a slot holds, worked out once: the past does not change."""
    key = (part.seed, channel.name, at)
    if key not in plant.told:
        if len(plant.told) > KEPT_VALUES:
            plant.told.clear()
        plant.told[key] = _value(plant, part, channel, at)
    return plant.told[key]


def _value(plant: SolarPlant, part: Part, channel: Channel, at: float) -> float:
    """Return what a slot holds, as far as faults let it."""
    board = plant.world.faults
    name, account = "solarlog", plant.account
    seen = at
    if fault := board.find("frozen", at, name, account):
        seen = fault.since // SLOT * SLOT
    value = channel.value(part, plant.sample(seen))
    if channel.counted:
        if fault := board.find("late_midnight", at, name, account):
            begun = plant.home.midnight(at)
            if at - begun < 60 * float(fault.args.get("minutes", 20)):
                value = channel.value(part, plant.sample(begun - SLOT))
        if fault := board.find("dip_counters", at, name, account):
            value *= float(fault.args.get("factor", 0))
    return channel.rounded(value, plant.step)


def _commissioning(plant: SolarPlant, day: date) -> Points:
    """Return the day on which the plant was set up: two offsets, nothing in them."""
    stamps: list[str] = []
    for n, slot in enumerate(plant.slots(day)):
        stamps.append(slot.stamp)
        if n < COMMISSIONING_KEYS - 288:
            stamps.append(f"{slot.stamp[:19]}+00:00")
    return dict.fromkeys(stamps)


def _span(
    plant: SolarPlant, part: Part, channel: Channel, first: date, after: date
) -> float | None:
    """Return what a counter counted from a day to another, as far as it was sent."""
    now = plant.world.clock.seconds()
    newest = plant.published(now)
    live = plant.details["live"]
    today = plant.local(newest).date()
    last = after if live else min(after, today)
    start = max(plant.midnight(first), plant.midnight(plant.first_day))
    end = min(plant.midnight(last), newest)
    if end <= start or channel.counted is None:
        return None
    value = channel.counted(part, plant.energies(start, end))
    for fault in plant.world.faults.standing("vendor_correction", "solarlog"):
        if fault.args.get("variable") == channel.name and fault.active(now):
            value += float(fault.args["delta"])
    return channel.rounded(value, plant.step)


def _stamp(plant: SolarPlant, day: date, form: str) -> str:
    """Return a day, month or year as this cloud writes it."""
    if plant.details["stamps"] == "instant":
        return plant.local(plant.midnight(day)).isoformat()
    return day.strftime(form)


def _next_month(day: date) -> date:
    """Return the first of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month(plant: SolarPlant, part: Part, channel: Channel, first: date) -> Points:
    """Return the days of a month."""
    found: Points = {}
    day = first
    while day < _next_month(first):
        after = day + timedelta(days=1)
        stamp = _stamp(plant, day, "%Y-%m-%d")
        found[stamp] = _span(plant, part, channel, day, after)
        day = after
    return found


def year(plant: SolarPlant, part: Part, channel: Channel, first: date) -> Points:
    """Return the months of a year."""
    found: Points = {}
    day = first
    while day.year == first.year:
        after = _next_month(day)
        stamp = _stamp(plant, day, "%Y-%m")
        found[stamp] = _span(plant, part, channel, day, after)
        day = after
    return found


def lifetime(plant: SolarPlant, part: Part, channel: Channel) -> Points:
    """Return the years since the plant began."""
    found: Points = {}
    now = plant.local(plant.world.clock.seconds()).date()
    for number in range(plant.first_day.year, now.year + 1):
        day = date(number, 1, 1)
        stamp = _stamp(plant, day, "%Y")
        found[stamp] = _span(plant, part, channel, day, date(number + 1, 1, 1))
    return found


def answer(
    *, device: str, kind: str, channel: Channel, day: date, data: Points
) -> dict[str, Any]:
    """Return one object of an answer."""
    return {
        "id": document_id(device, channel.name, day.toordinal()),
        "deviceId": device,
        "deviceType": kind,
        "name": channel.name,
        "dataPoints": data,
        "date": day.isoformat(),
        "unit": channel.unit,
    }
