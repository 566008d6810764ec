"""When the next sample will be there, learned from a device that uploads."""

from datetime import datetime, timedelta
import json

from custom_components.solar_cloud.cloud.publication import Publication

from .conftest import NOON, Time

MINUTE = timedelta(minutes=1)


class Logger:
    """A device that uploads every so often; a sample shows after a while."""

    def __init__(self, period: float, lag: float, skew: float = 0.0) -> None:
        """Upload for ever, unless `silent` says from when to when not."""
        self.period = period
        self.lag = lag
        self.skew = skew
        self.silent: tuple[datetime, datetime] | None = None

    def newest(self, now: datetime) -> datetime | None:
        """Return the time stamp of the newest sample that shows."""
        span = (now - NOON).total_seconds() - self.lag
        count = int(span // self.period)
        while count >= 0:
            at = NOON + timedelta(seconds=count * self.period)
            if not (self.silent and self.silent[0] <= at < self.silent[1]):
                return at + timedelta(seconds=self.skew)
            count -= 1
        return None


def follow(
    row: Publication, logger: Logger, time: Time, hours: float
) -> tuple[int, float]:
    """Poll when due; returns the polls, and the mean age of the data in s."""
    end = time.now() + timedelta(hours=hours)
    polls, ages = 0, []
    held = logger.newest(time.now())
    while time.now() < end:
        if row.due(time.now()) <= time.now():
            found = logger.newest(time.now())
            row.observe(found, time.now())
            held = found or held
            polls += 1
        if held:
            true = held - timedelta(seconds=logger.skew)
            ages.append((time.now() - true).total_seconds())
        time.advance(seconds=1)
    return polls, sum(ages) / len(ages)


def test_a_poll_follows_each_upload(time: Time) -> None:
    """One call for each sample, and data as young as the uploads make possible."""
    row, logger = Publication(period=300), Logger(300, 25)
    polls, age = follow(row, logger, time, hours=12)
    assert polls <= 12 * 12 * 1.15
    assert age <= 1.1 * (150 + 25)


def test_samples_closer_together_shorten_the_period(time: Time) -> None:
    """Down to a minute, where somebody asks often enough to see them."""
    row = Publication(period=300)
    for n in range(40):
        row.observe(NOON + n * MINUTE, NOON + n * MINUTE + timedelta(seconds=20))
    assert 60 <= row.period < 61
    row.observe(NOON + 39.2 * MINUTE, NOON + 41 * MINUTE)
    assert row.period == 60


def test_a_period_learned_too_short_grows_again(time: Time) -> None:
    """A backlog that a logger uploads at once does not change the rhythm for good."""
    row = Publication(period=300)
    for n in range(12):
        row.observe(NOON + n * MINUTE, NOON + 12 * MINUTE)
    assert row.period < 100
    time.advance(minutes=13)
    follow(row, Logger(300, 20), time, hours=3)
    polls, _ = follow(row, Logger(300, 20), time, hours=5)
    assert row.period > 200
    assert polls <= 80


def test_a_poll_before_its_time_teaches_nothing(time: Time) -> None:
    """Somebody who asks for a refresh, or another inverter's turn, is no miss."""
    row = Publication(period=300)
    row.observe(NOON, NOON + timedelta(seconds=20))
    lag = row.lag
    for seconds in range(30, 300, 30):
        row.observe(NOON, NOON + timedelta(seconds=seconds))
    assert (row.lag, row.missed) == (lag, 0)


def test_an_upload_that_is_late_is_looked_for_soon_then_less_often(time: Time) -> None:
    """And the lag is believed to be longer."""
    row = Publication(period=300)
    row.observe(NOON, NOON + timedelta(seconds=15))
    now = row.due(NOON)
    waits = []
    for _ in range(3):
        row.observe(NOON, now)
        waits.append((row.due(now) - now).total_seconds())
        now = row.due(now)
    assert waits == [20, 40, 60]
    assert row.lag > 20


def test_a_sample_that_is_an_upload_late_teaches_a_longer_lag(time: Time) -> None:
    """Who may not ask again at once would else always come just before the next."""
    row = Publication(period=300)
    for n in range(4):
        at = NOON + timedelta(seconds=300 * n)
        row.observe(at, at + timedelta(seconds=316))
    assert row.lag > 16


def test_a_poll_that_is_late_by_itself_teaches_no_shorter_lag(time: Time) -> None:
    """Only polls at the time when the sample is due find out whether it is there."""
    row = Publication(period=300)
    row.observe(NOON, NOON + timedelta(seconds=60))
    lag = row.lag
    for n in range(1, 20):
        at = NOON + timedelta(seconds=300 * n)
        row.observe(at, at + timedelta(seconds=60))
    assert row.lag == lag


def test_a_silent_device_is_polled_at_its_period(time: Time) -> None:
    """And found again when it comes back."""
    row, logger = Publication(period=300), Logger(300, 15)
    logger.silent = (NOON + 60 * MINUTE, NOON + 240 * MINUTE)
    follow(row, logger, time, hours=1.5)
    polls, _ = follow(row, logger, time, hours=2.5)
    assert polls <= 31
    follow(row, logger, time, hours=0.25)
    polls, age = follow(row, logger, time, hours=2)
    assert age <= 200


def test_a_device_that_never_uploaded_is_polled_at_its_period(time: Time) -> None:
    """Once at first."""
    row = Publication(period=300)
    assert row.due(NOON) == NOON
    row.observe(None, NOON)
    assert row.due(NOON) == NOON + 5 * MINUTE
    assert row.due(NOON, stretch=2) == NOON + 10 * MINUTE


def test_a_device_whose_clock_is_an_hour_off_is_followed(time: Time) -> None:
    """Ahead or behind, each sample is seen within a period."""
    for skew in (3600.0, -3600.0, 40.0):
        row, logger = Publication(period=300), Logger(300, 15, skew)
        polls, age = follow(row, logger, time, hours=6)
        assert polls <= 6 * 12 * 1.6
        assert age <= 15 + 300 + 150


def test_a_stretched_plan_skips_samples_but_comes_right_after_one(time: Time) -> None:
    """A quota for two thirds of the samples takes every second one."""
    row = Publication(period=300, lag=15)
    row.observe(NOON, NOON + timedelta(seconds=15))
    lag = timedelta(seconds=row.lag)
    assert row.due(NOON, stretch=1.2) == NOON + 5 * MINUTE + lag
    assert row.due(NOON, stretch=1.5) == NOON + 10 * MINUTE + lag


def test_what_was_learned_survives_a_restart(time: Time) -> None:
    """Through JSON, the samples seen included."""
    row = Publication(period=300)
    assert Publication.from_dict(json.loads(json.dumps(row.as_dict()))) == row
    follow(row, Logger(300, 10), time, hours=1)
    assert Publication.from_dict(json.loads(json.dumps(row.as_dict()))) == row
