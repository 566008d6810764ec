"""What a plan allows an application key: hits a minute and a calendar month.

Nobody documents in which time zone the month begins: the refusal tells when it ends
(`period_end`), and the books close until then.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ..quota import Allowance, Calendar, Rolling
from .endpoints import Group

MINUTE, MONTH = "minute", "month"
# The calls of the past, on plans that have none to spare.
PAST = "past"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hits a minute and a month, and the groups of calls beyond the basic ones."""

    minute: int
    month: int
    more: frozenset[Group] = frozenset()

    @property
    def is_rationed(self) -> bool:
        """Return whether the month is too short for polls at the gateways' rhythm."""
        return self.month < PLENTY


PLENTY = 20_000
MONITORING = frozenset((Group.DEVICE, Group.STREAMING))
ALL = MONITORING | {Group.CONFIGURATION}

# By name ("Plans", developer portal), from the smallest on.
PLANS: dict[str, Plan] = {
    "watt": Plan(minute=10, month=1_000),
    "kilowatt": Plan(minute=50, month=50_000, more=MONITORING),
    "megawatt": Plan(minute=100, month=300_000, more=ALL),
    "partner": Plan(minute=300, month=1_500_000, more=ALL),
}
# Version 2's free plan; its refusals tell other limits.
OLD_PLAN = Plan(minute=10, month=10_000)
RESERVE_SHARE = 0.05
PAST_SHARE = 0.1
MINUTE_S = 60.0

# First and longest pause in s after a refusal that does not tell its end.
PAUSES = {MINUTE: (60.0, 300.0), MONTH: (3_600.0, 86_400.0)}


def allowances(plan: Plan) -> tuple[Allowance, ...]:
    """Return the allowances of a plan, with a reserve for what the owner does."""
    month = Calendar(ZoneInfo("UTC"), monthly=True)
    return (
        Allowance(
            name=MINUTE,
            limit=plan.minute,
            # The vendor's minute begins with its clock's: any sixty seconds are safe.
            window=Rolling(MINUTE_S),
            reserve=max(1, plan.minute // 5),
            stretches=False,
        ),
        Allowance(
            name=MONTH,
            limit=plan.month,
            window=month,
            reserve=round(plan.month * RESERVE_SHARE),
        ),
        Allowance(
            name=PAST,
            limit=round(plan.month * PAST_SHARE),
            window=month,
            endpoints=frozenset((PAST,)),
            stretches=False,
        ),
    )
