"""What Growatt allows: the same request once in five minutes or ten seconds, some ten a day.

Each endpoint and its arguments are counted by themselves. Settings and reads of parameters
have no documented rate: five seconds lie between any two, until the service refuses one.
"""

from ..quota import Allowance, Per, Rolling
from .endpoints import DAILY, Pace, paths

FIVE_MINUTES = "five_minutes"
TEN_SECONDS = "ten_seconds"
UNDOCUMENTED = "undocumented"
TEN_A_DAY = "ten_a_day"
COURTESY = "courtesy"

NAMES = {
    Pace.FIVE_MINUTES: FIVE_MINUTES,
    Pace.TEN_SECONDS: TEN_SECONDS,
    Pace.UNDOCUMENTED: UNDOCUMENTED,
}
SPACINGS = {Pace.FIVE_MINUTES: 300.0, Pace.TEN_SECONDS: 10.0}
CALLS_A_DAY = 10
SETTING_SPACING = 5.0
LONGEST_SETTING_SPACING = 300.0
# Between any two calls of an account.
PAUSE = 0.5

# First and longest pause in s after a refusal.
PAUSES = {
    FIVE_MINUTES: (300.0, 7200.0),
    TEN_SECONDS: (10.0, 600.0),
    UNDOCUMENTED: (30.0, 600.0),
    TEN_A_DAY: (3600.0, 6 * 3600.0),
}


def allowances(setting_spacing: float = SETTING_SPACING) -> tuple[Allowance, ...]:
    """Return the allowances of an account; `setting_spacing` (s) is learned."""
    return (
        *(
            Allowance(
                name=NAMES[pace],
                endpoints=paths(pace),
                each=True,
                per=Per.SUBJECT,
                spacing=spacing,
            )
            for pace, spacing in SPACINGS.items()
        ),
        Allowance(
            name=UNDOCUMENTED,
            endpoints=paths(Pace.UNDOCUMENTED),
            spacing=setting_spacing,
        ),
        Allowance(
            name=TEN_A_DAY,
            endpoints=DAILY,
            each=True,
            limit=CALLS_A_DAY,
            window=Rolling(24 * 3600),
        ),
        Allowance(name=COURTESY, spacing=PAUSE),
    )
