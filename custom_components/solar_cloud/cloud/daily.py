"""Daily windows: a run as minutes of a day, by the clock of the device that carries it out."""

from datetime import datetime, tzinfo

DAY = 24 * 60


def span(
    start: datetime, end: datetime, zone: tzinfo, offset: float
) -> tuple[int, int]:
    """Return a run's minutes by the device's clock, counted from its first day.

    Begun minutes count, so that the window is never shorter than the run; where the
    clocks change in between, the longer of both readings is taken.
    """
    first, last = (at.astimezone(zone).replace(tzinfo=None) for at in (start, end))
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = (first - midnight).total_seconds() + offset
    length = max(last - first, end - start).total_seconds()
    return int(begin // 60), int(-((begin + length) // -60))
