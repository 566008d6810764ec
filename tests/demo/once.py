"""One run without a browser: readings, commands, calls, and the verdict."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from .agreement import NOT_KNOWN
from .client import Client
from .energy import complaints, not_in_dashboard, sources, statistics
from .entities import Entity, entities_of
from .home import Home
from .outcomes import Outcomes
from .past import Added, pasts
from .processes import DemoError, say
from .readings import SHOWN, STAMP, read
from .reasons import unexplained
from .report import Result, problems_of_all, show_readings, told, write_json
from .sign_in import add_account
from .steer import Steering, plant_to_steer
from .world import World

COMPLETE_WITHIN = 120.0
# Some clouds tell one setting in five seconds.
SETTLED_AFTER = 30.0
STATISTICS_WITHIN = 400.0
# Only where the first statistics are quite new.
PAST_WITHIN = 120.0
WHOLE_RUN_WITHIN = 24.5 * 60


class Once:
    """A run against a Home Assistant that is up."""

    def __init__(self, home: Home, world: World, client: Client) -> None:
        """Take what is running."""
        self._home = home
        self._world = world
        self._client = client

    async def run(self, version: str, json_path: Path | None) -> bool:
        """Show all accounts side by side; returns whether all is as it has to be."""
        results = [Result(row) for row in await self._world.accounts()]
        outcomes = await Outcomes.follow(self._client)
        try:
            await asyncio.gather(*(self._show(row, outcomes) for row in results))
        finally:
            outcomes.stop()
        found = await self._complaints()
        await self._look_at_past(results)
        await self._count_calls(results)
        problems = [*problems_of_all(results), *found]
        problems += [f"log: {record}" for record in self._home.faults_in_log()]
        if json_path:
            write_json(json_path, version, results)
        return self._judge(results, problems)

    async def _complaints(self) -> list[str]:
        """Return what is wrong with the dashboard once new entities have statistics."""
        until = monotonic() + STATISTICS_WITHIN
        while (found := await complaints(self._client)) and monotonic() < until:
            self._home.check()
            await asyncio.sleep(5)
        return found

    async def _look_at_past(self, results: Sequence[Result]) -> None:
        """Compare what was imported meanwhile; wait a moment where nothing is there yet."""
        until = monotonic() + PAST_WITHIN
        shown = statistics(await sources(self._client))
        for result in results:
            if result.entry is None or result.added_at is None:
                continue
            entities, _ = await entities_of(self._client, result.account, result.entry)
            added = Added(account=result.account, entities=entities, at=result.added_at)
            while True:
                result.past = await pasts(self._client, self._world, added, shown)
                if all(row.settled for row in result.past) or monotonic() > until:
                    break
                await asyncio.sleep(5)

    async def _show(self, result: Result, outcomes: Outcomes) -> None:
        """Show one account; what goes wrong is its problem alone."""
        try:
            async with asyncio.timeout(WHOLE_RUN_WITHIN):
                await self._show_all(result, outcomes)
        except TimeoutError:
            result.problems.append("the time was up before all was shown")
        except DemoError as err:
            result.problems.append(str(err))

    async def _show_all(self, result: Result, outcomes: Outcomes) -> None:
        account, began = result.account, monotonic()
        result.added_at = datetime.now(UTC)
        entry = result.entry = await add_account(self._client, account)
        say(f"{account.name}: signed in after {monotonic() - began:.0f} s")
        await self._wait_for_first(result, entry, began)
        await self._read(result, entry)
        show_readings(account, result.readings)
        entities = await self._wait_for_controls(result, entry)
        if not account.control:
            result.problems += await unexplained(self._client, account, entry)
        plant = plant_to_steer(entities, await self._client.states())
        if plant:
            steering = Steering(self._client, outcomes, result, plant)
            await steering.steer(entities)
        await self._look_again(result, entry)

    async def _wait_for_first(self, result: Result, entry: str, began: float) -> None:
        """Wait for the first reading."""
        while monotonic() - began < COMPLETE_WITHIN:
            entities, strange = await entities_of(self._client, result.account, entry)
            states = await self._client.states()
            if any(_is_known(entity, states) for entity in entities):
                result.seconds_to_first_state = monotonic() - began
                result.problems += [f"not a unique id: {name}" for name in strange]
                return
            self._home.check()
            await asyncio.sleep(0.5)
        raise DemoError("no reading came")

    async def _wait_for_controls(self, result: Result, entry: str) -> list[Entity]:
        """Wait until no more entities come up, and return them."""
        found, _ = await entities_of(self._client, result.account, entry)
        while True:
            await asyncio.sleep(SETTLED_AFTER)
            before = len(found)
            found, _ = await entities_of(self._client, result.account, entry)
            if len(found) == before:
                return found

    async def _read(self, result: Result, entry: str) -> None:
        """Read once nothing is missing any more, or it is too late."""
        until = monotonic() + COMPLETE_WITHIN
        while True:
            entities, _ = await entities_of(self._client, result.account, entry)
            states = await self._client.states()
            found = await read(self._world, result.account, entities, states)
            if found.complete or monotonic() > until:
                result.readings = found
                return
            self._home.check()
            await asyncio.sleep(2)

    async def _look_again(self, result: Result, entry: str) -> None:
        """Compare once more after the commands, and look at the Energy dashboard.

        What comes of several calls may be of two uploads for a moment.
        """
        account = result.account
        until = monotonic() + COMPLETE_WITHIN
        while True:
            entities, _ = await entities_of(self._client, account, entry)
            states = await self._client.states()
            later = await read(self._world, account, entities, states)
            if not (later.wrong or later.missing) or monotonic() > until:
                break
            await asyncio.sleep(5)
        result.problems += [f"later wrong: {told(account, row)}" for row in later.wrong]
        result.problems += [f"later missing: {row}" for row in later.missing]
        truth = await self._world.truth(datetime.now(UTC))
        found = await sources(self._client)
        result.problems += not_in_dashboard(found, account, entities, truth)

    async def _count_calls(self, results: Sequence[Result]) -> None:
        calls = await self._world.calls()
        for result in results:
            counted = calls.pop(result.account.name)
            result.calls = {key: counted[key] for key in ("made", "refused")}
            result.problems += [
                f"{endpoint}: {row['refused']} of {row['made']} calls refused"
                for endpoint, row in counted["endpoints"].items()
                if row["refused"]
            ]
        for name, counted in calls.items():
            if counted["refused"]:
                results[0].problems.append(f"calls refused under {name!r}: {counted}")

    def _judge(self, results: Sequence[Result], problems: Sequence[str]) -> bool:
        """Print the verdict."""
        say()
        for result in results:
            confirmed = sum(row.outcome == "confirmed" for row in result.commands)
            say(
                f"{result.account.name}: first state after"
                f" {result.seconds_to_first_state or 0:.0f} s,"
                f" {len(result.readings.rows)} readings"
                f" ({len(result.readings.wrong)} wrong),"
                f" {confirmed} of {len(result.commands)} commands confirmed,"
                f" calls {result.calls['made']} ({result.calls['refused']} refused)"
            )
        for past in (past for result in results for past in result.past):
            say(str(past))
        say(f"Home Assistant's log: {self._home.log}")
        say("\nAll is as it has to be." if not problems else "\nNot as it has to be:")
        for problem in problems:
            say(f"- {problem}")
        return not problems


def _is_known(entity: Entity, states: dict[str, dict[str, str]]) -> bool:
    """Return whether an entity shows a measured value."""
    state = states.get(entity.entity_id)
    return (
        entity.platform in SHOWN
        and entity.key not in (STAMP, "connection_status", "api_calls_remaining")
        and state is not None
        and state["state"] not in NOT_KNOWN
    )
