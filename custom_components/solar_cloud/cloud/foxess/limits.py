"""The documented allowances of FoxESS ("Access frequency limit").

1,440 calls a day for each inverter; a query once a second and an update once in two
seconds, each interface counted by itself. Where the document is silent we take the safe
reading: the day is any 24 hours, and a batch costs one call for each inverter in it.
"""

from ..quota import Allowance, Per, Rolling
from .endpoints import QUERIES, UPDATES

DAY = "day"
INVERTER_DAY = "inverter_day"
QUERY = "query"
UPDATE = "update"

CALLS_PER_INVERTER = 1440
COMMAND_RESERVE = 144
_DAY = Rolling(24 * 3600)


def allowances(inverters: int = 1) -> tuple[Allowance, ...]:
    """Return the allowances of an account with so many inverters."""
    return (
        Allowance(
            name=DAY,
            limit=CALLS_PER_INVERTER * inverters,
            window=_DAY,
            reserve=COMMAND_RESERVE * inverters,
        ),
        Allowance(
            name=INVERTER_DAY,
            limit=CALLS_PER_INVERTER,
            window=_DAY,
            reserve=COMMAND_RESERVE,
            per=Per.SUBJECT,
        ),
        Allowance(name=QUERY, endpoints=QUERIES, each=True, spacing=1.0),
        Allowance(name=UPDATE, endpoints=UPDATES, each=True, spacing=2.0),
    )
