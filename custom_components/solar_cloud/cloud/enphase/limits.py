"""What a plan allows an application key: hits a minute and a calendar month.

Nobody documents in which time zone the month begins: the refusal tells when it ends
(`period_end`), and the books close until then.
"""

from zoneinfo import ZoneInfo

from ..quota import Allowance, Calendar, Rolling

MINUTE, MONTH = "minute", "month"

# By plan: hits a minute and a month ("Plans", developer portal).
PLANS: dict[str, tuple[int, int]] = {
    "watt": (10, 1_000),
    "kilowatt": (50, 50_000),
    "megawatt": (100, 300_000),
    "partner": (300, 1_500_000),
}
# Version 2's free plan; its refusals tell other limits.
OLD_PLAN = (10, 10_000)
RESERVE_SHARE = 0.05
MINUTE_S = 60.0

# First and longest pause in s after a refusal that does not tell its end.
PAUSES = {MINUTE: (60.0, 300.0), MONTH: (3_600.0, 86_400.0)}


def allowances(per_minute: int, per_month: int) -> tuple[Allowance, ...]:
    """Return the allowances of a plan, with a reserve for what the owner does."""
    return (
        Allowance(
            name=MINUTE,
            limit=per_minute,
            # The vendor's minute begins with its clock's: any sixty seconds are safe.
            window=Rolling(MINUTE_S),
            reserve=max(1, per_minute // 5),
            stretches=False,
        ),
        Allowance(
            name=MONTH,
            limit=per_month,
            window=Calendar(ZoneInfo("UTC"), monthly=True),
            reserve=round(per_month * RESERVE_SHARE),
        ),
    )
