"""A Home Assistant, its files and a simulated cloud on one injected clock.

Nothing waits for real time: the event loop's clock, Home Assistant's, the ledger's and the
simulator's are one frozen clock, which moves to the next timer once everybody has come to
rest, so that no interval, allowance or lease is ever shortened. A killed Home Assistant
leaves its files as they were at that instant, and not a request or a line more.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from contextvars import Context, ContextVar, copy_context
from copy import deepcopy
from datetime import UTC, datetime, timedelta
import json
import logging
from math import inf
from pathlib import Path
import sqlite3
import time
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession
import freezegun
from pytest_homeassistant_custom_component.common import (
    INSTANCES,
    async_test_home_assistant,
)

from custom_components.solar_cloud.account import Account
from custom_components.solar_cloud.cloud.clock import Clock
from custom_components.solar_cloud.const import DOMAIN
from custom_components.solar_cloud.store import CLOCK
from homeassistant import bootstrap, config_entries, loader
from homeassistant.components import recorder
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigFlowResult
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    recorder as recorder_helper,
)
from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR, DATA_RESOLVER
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component

from tests.consent import consent
from tests.simulator import Simulator

START = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)

# How long, in real seconds, nothing may happen on an open connection before it is taken
# for one that nobody will answer until the clock moves on.
HANGING = 0.01
# Rounds of the event loop without anything to do before everybody is at rest.
ROUNDS = 3
# How long, in real seconds, threads have the machine for themselves, at first and at most.
PAUSE, LONGEST_PAUSE = 0.0002, 0.002
TICK = timedelta(microseconds=1)

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def real_seconds() -> float:
    """Return the machine's own clock, which is not frozen."""
    return float(freezegun.api.real_monotonic())


class Killed(Exception):
    """What was awaited was in a Home Assistant that has been killed."""


class Timeline:
    """The one clock, and the way it moves: to the next timer, once all is at rest."""

    def __init__(self, start: datetime) -> None:
        """Begin at an instant."""
        self._freeze = freezegun.freeze_time(start)
        self._stack = ExitStack()
        self._loop: Any = None
        self._frozen: Any = None
        self._in_threads = 0
        self._sending = 0
        self._answers: set[ClientResponse] = set()
        # What else may be at work, in threads of its own.
        self.at_work: Callable[[], bool] = lambda: False

    def start(self) -> None:
        """Stop the machine's clocks, and watch what is on its way."""
        self._loop = asyncio.get_running_loop()
        debug = self._loop.get_debug()
        self._loop.set_debug(False)
        self._stack.callback(self._loop.set_debug, debug)
        # Thousands of lines that nobody reads would be half of a day's work.
        logging.disable(logging.INFO)
        self._stack.callback(logging.disable, logging.NOTSET)
        self._frozen = self._freeze.start()
        self._stack.callback(self._freeze.stop)
        in_executor = self._loop.run_in_executor
        self._loop.run_in_executor = self._watched(in_executor)
        self._stack.callback(setattr, self._loop, "run_in_executor", in_executor)
        self._stack.enter_context(
            patch.object(ClientSession, "_request", self._request(ClientSession))
        )

    def stop(self) -> None:
        """Let the machine's clocks run again."""
        self._stack.close()

    def _watched(self, in_executor: Any) -> Any:
        """Return `run_in_executor`, counting what has not come back."""

        def run_in_executor(executor: Any, work: Any, *args: Any) -> Any:
            future = in_executor(executor, work, *args)
            self._in_threads += 1
            future.add_done_callback(self._returned)
            return future

        return run_in_executor

    def _returned(self, _: object) -> None:
        self._in_threads -= 1

    def _request(self, session_class: Any) -> Any:
        """Return `ClientSession._request`, which a dead process cannot use."""
        request = session_class._request  # noqa: SLF001

        async def counted(session: ClientSession, *args: Any, **kwargs: Any) -> Any:
            process = PROCESS.get()
            if process:
                await process.effect()
            self._sending += 1
            try:
                answer = await request(session, *args, **kwargs)
            finally:
                self._sending -= 1
            if process and process.dead:
                await for_ever()
            self._answers.add(answer)
            return answer

        return counted

    def now(self) -> datetime:
        """Return the present, in UTC."""
        return datetime.now(UTC)

    def tick(self) -> None:
        """Let as little time pass as there is, so that nothing happens at once."""
        self._frozen.tick(TICK)

    def _busy(self) -> bool:
        """Return whether somebody still has something to do at this instant."""
        waiting = bool(self._loop._ready)  # noqa: SLF001
        return waiting or self._in_threads > 0 or self.at_work()

    def _in_flight(self) -> bool:
        self._answers = {answer for answer in self._answers if not answer.closed}
        return self._sending > 0 or bool(self._answers)

    async def settle(self) -> None:
        """Wait until everybody waits for the clock."""
        quiet, since, pause = 0, real_seconds(), PAUSE
        while quiet < ROUNDS:
            await asyncio.sleep(0)
            if self._loop._ready:  # noqa: SLF001
                quiet, since, pause = 0, real_seconds(), PAUSE
            elif self._busy():
                quiet, since = 0, real_seconds()
                time.sleep(pause)  # noqa: ASYNC251  (gives threads the machine)
                pause = min(2 * pause, LONGEST_PAUSE)
            elif self._in_flight() and real_seconds() - since < HANGING:
                quiet = 0
            else:
                quiet += 1

    def _next(self) -> float:
        """Return the loop's time of the next timer."""
        timers = self._loop._scheduled  # noqa: SLF001
        return float(timers[0].when()) if timers else inf

    async def run(
        self, until: datetime, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Let time pass until an instant, or until something has happened."""
        await self.settle()
        while not stop():
            # The loop's clock is the wall clock's seconds; a timer is due a tick later.
            wait = max(0.0, self._next() - self._loop.time())
            step = timedelta(seconds=min(wait, 1e6)) + TICK
            left = until - self.now()
            if left <= timedelta():
                return
            self._frozen.tick(min(step, left))
            await self.settle()


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()


class Files:
    """The files of a Home Assistant: as a process that dies leaves them."""

    def __init__(self) -> None:
        """Start with an empty folder."""
        self.data: dict[str, Any] = {}
        self.writes: Counter[str] = Counter()

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Keep here what Home Assistant stores."""
        load = Store._async_load  # noqa: SLF001
        files = self

        async def async_load(store: Store[Any]) -> Any:
            if store._data is None:  # noqa: SLF001
                if store.key not in files.data:
                    store._load_task = None  # noqa: SLF001
                    return None
                store._data = deepcopy(files.data[store.key])  # noqa: SLF001
            return await load(store)

        async def async_write(store: Store[Any], row: dict[str, Any]) -> None:
            await files.write(store, row)

        async def async_remove(store: Store[Any]) -> None:
            files.data.pop(store.key, None)

        with (
            patch.object(Store, "_async_load", async_load),
            patch.object(Store, "_async_write_data", async_write),
            patch.object(Store, "async_remove", async_remove),
        ):
            yield

    async def write(self, store: Store[Any], row: dict[str, Any]) -> None:
        """Write a file at once and as a whole, unless the process is dead."""
        process = PROCESS.get()
        if process and store.key.startswith(DOMAIN):
            await process.effect()
        if process and process.dead:
            return
        if "data_func" in row:
            row["data"] = row.pop("data_func")()
        self.data[store.key] = json.loads(json_bytes(row))
        self.writes[store.key] += 1


class Process:
    """One run of Home Assistant, from its start until it stops or is killed."""

    def __init__(
        self,
        timeline: Timeline,
        files: Files,
        home: HomePlace,
        heard: Callable[[Event[EventStateChangedData]], None],
    ) -> None:
        """Prepare to start; all that it does carries its mark."""
        self._heard = heard
        self.hass: HomeAssistant
        self.dead = False
        self.effects = 0
        self.last_effect: int | None = None
        self._timeline = timeline
        self._files = files
        self._home = home
        self._stack = AsyncExitStack()
        self._context = copy_context()
        self._context.run(PROCESS.set, self)

    def context(self) -> Context:
        """Return a context that marks what runs in it as this process's."""
        return self._context.copy()

    async def effect(self) -> None:
        """Count something the world outside sees; the last one is not reached."""
        if not self.dead and self.effects == self.last_effect:
            self.die()
        if self.dead:
            await for_ever()
        self.effects += 1

    def die(self) -> None:
        """Be dead from now on: nothing reaches the files or the cloud any more."""
        self.dead = True
        self._home.database_survives()

    async def start(self) -> None:
        """Start as Home Assistant does, from its files."""
        hass = await self._stack.enter_async_context(
            async_test_home_assistant(load_registries=False)
        )
        self.hass = hass
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._heard)
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        hass.data[CLOCK] = Clock(
            now=self._timeline.now, monotonic=time.monotonic, sleep=asyncio.sleep
        )
        hass.config_entries = config_entries.ConfigEntries(hass, {"_": ""})
        hass.config.latitude, hass.config.longitude = self._home.place
        await hass.config.async_set_time_zone(self._home.zone)
        await bootstrap.async_load_base_functionality(hass)
        if self._home.database:
            await self._start_recorder(hass)
        await async_setup_component(hass, DOMAIN, {})

    async def _start_recorder(self, hass: HomeAssistant) -> None:
        recorder_helper.async_initialize_recorder(hass)
        self._timeline.at_work = self._recording
        config = {"db_url": f"sqlite:///{self._home.database}"} | self._home.recorder
        if self._home.left_out:
            config["exclude"] = {"entities": self._home.left_out}
        assert await async_setup_component(hass, "recorder", {"recorder": config})

    def _recording(self) -> bool:
        """Return whether the recorder's thread has something to do."""
        instance = self.hass.data.get(recorder_helper.DATA_INSTANCE)
        if instance is None or not instance.is_alive():
            return False
        ready = instance.async_db_ready.done()
        return not ready or not instance._queue.empty()  # noqa: SLF001

    async def bury(self) -> None:
        """Clear away what a dead process has left in the event loop."""
        loop: Any = asyncio.get_running_loop()
        for _ in range(20):
            for handle in loop._scheduled:  # noqa: SLF001
                if handle._context.get(PROCESS) is self:  # noqa: SLF001
                    handle.cancel()
            tasks = [
                task
                for task in asyncio.all_tasks()
                if task.get_context().get(PROCESS) is self
            ]
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await self._timeline.settle()
        await self._end_recorder()
        for connector in self.hass.data.get(DATA_CONNECTOR, {}).values():
            await connector.close()
        if resolver := self.hass.data.get(DATA_RESOLVER):
            await resolver.real_close()
        self.hass.import_executor.shutdown()
        INSTANCES.remove(self.hass)
        await self._stack.aclose()
        await self._timeline.settle()

    async def _end_recorder(self) -> None:
        instance = self.hass.data.get(recorder_helper.DATA_INSTANCE)
        if instance and instance.is_alive():
            instance.queue_task(recorder.tasks.StopTask())
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, instance.join)

    async def stop(self) -> None:
        """Stop as Home Assistant does."""
        await self.hass.async_stop(force=True)

    async def leave(self) -> None:
        """Clear away what a process that stopped by itself has left."""
        self.dead = True
        INSTANCES.append(self.hass)
        await self.bury()


class HomePlace:
    """Where the home is, and its database."""

    def __init__(
        self, zone: str, folder: Path | None, recorder: dict[str, Any] | None = None
    ) -> None:
        """Keep the database in a folder; without one there is no recorder."""
        self.zone = zone
        self.recorder = recorder or {}
        self.place = (51.48, -0.02)
        # Entities that the recorder leaves out from its next start on.
        self.left_out: list[str] = []
        self._folder = folder
        self._killed = 0

    @property
    def database(self) -> Path | None:
        """Return the file of the database of the process that runs."""
        return self._folder / f"home_{self._killed}.db" if self._folder else None

    def database_survives(self) -> None:
        """Keep what was committed to the database; what comes later goes astray."""
        old = self.database
        self._killed += 1
        new = self.database
        if old is None or new is None:
            return
        with sqlite3.connect(old) as source, sqlite3.connect(new) as target:
            source.backup(target)
        source.close()
        target.close()


class House:
    """A home with its cloud and its Home Assistant; an async context manager."""

    def __init__(
        self,
        *,
        start: datetime = START,
        zone: str = "Europe/London",
        folder: Path | None = None,
        recorder: dict[str, Any] | None = None,
        **simulator: Any,
    ) -> None:
        """Take the start, Home Assistant's zone, and a folder for the recorder's file.

        `recorder` is what is configured of it beside that.
        """
        self.files = Files()
        self.timeline = Timeline(start)
        self.sim: Simulator
        usual = {"vendors": ("foxess",), "seed": 1, "history_days": 5}
        self._simulator = usual | simulator
        self.place = HomePlace(zone, folder, recorder)
        self.states: Counter[str] = Counter()
        self.heard: list[Callable[[State], None]] = []
        self._process: Process | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the cloud and Home Assistant."""
        self.timeline.start()
        self._stack.callback(self.timeline.stop)
        try:
            self._stack.enter_context(self.files.mounted())
            self.sim = Simulator(now=self.timeline.now, **self._simulator)
            await self._stack.enter_async_context(self.sim)
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        try:
            if self._process:
                await self.kill()
        finally:
            await self._stack.aclose()

    # --- time -----------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """Return the present."""
        return self.timeline.now()

    async def run(
        self,
        *,
        until: datetime | None = None,
        stop: Callable[[], bool] = lambda: False,
        **span: float,
    ) -> None:
        """Let time pass: until an instant or for a span, or until something happened."""
        await self.timeline.run(until or self.now + timedelta(**span), stop)

    async def do[T](
        self, work: Coroutine[Any, Any, T], *, within: timedelta = timedelta(hours=1)
    ) -> T:
        """Return what comes of work in Home Assistant, letting time pass meanwhile."""
        process = self.process
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=process.context())
        until = self.now + within
        await self.timeline.run(until, lambda: task.done() or process.dead)
        if process.dead:
            raise Killed
        if not task.done():
            task.cancel()
            raise TimeoutError
        return task.result()

    # --- Home Assistant -------------------------------------------------------------

    @property
    def process(self) -> Process:
        """Return the run of Home Assistant."""
        assert self._process
        return self._process

    @property
    def running(self) -> bool:
        """Return whether a Home Assistant runs."""
        return self._process is not None

    @property
    def hass(self) -> HomeAssistant:
        """Return the Home Assistant that runs."""
        return self.process.hass

    async def start(self) -> None:
        """Start Home Assistant, with the files that are there."""
        assert self._process is None
        self._process = Process(self.timeline, self.files, self.place, self._heard)
        await self.do(self._process.start())

    @callback
    def _heard(self, event: Event[EventStateChangedData]) -> None:
        self.timeline.tick()
        state = event.data["new_state"]
        if state and not self.process.dead:
            self.states[state.entity_id] += 1
            for told in self.heard:
                told(state)

    async def kill(self) -> None:
        """Kill Home Assistant: its files are what they were at this instant."""
        process, self._process = self.process, None
        if not process.dead:
            process.die()
        await process.bury()

    async def stop(self) -> None:
        """Stop Home Assistant in order."""
        process = self.process
        await self.do(process.stop())
        self._process = None
        await process.leave()

    @contextmanager
    def killing_after(self, effects: int) -> Iterator[Process]:
        """Kill Home Assistant once so many more things were seen from outside."""
        process = self.process
        process.last_effect = process.effects + effects
        yield process
        process.last_effect = None

    # --- the integration ------------------------------------------------------------

    async def setup(self, account: str, *, control: bool = True) -> ConfigEntry:
        """Add an account of the simulator through the config flow."""
        found = self.sim.account(account)
        flow = self.hass.config_entries.flow
        result = await self.do(flow.async_init(DOMAIN, context={"source": "user"}))
        while result["type"] is FlowResultType.MENU:
            menu = result["menu_options"]
            step = found.step if found.step in menu else found.vendor
            answer = {"next_step_id": step}
            result = await self.do(flow.async_configure(result["flow_id"], answer))
        answer = dict(found.fields)
        result = await self.do(flow.async_configure(result["flow_id"], answer))
        if result["type"] is FlowResultType.MENU:
            result = await self._consent(result["flow_id"])
        assert result["data_schema"], result
        asked = {str(field) for field in result["data_schema"].schema}
        wanted = {"control": control, "energy_dashboard": False}
        finish = {key: value for key, value in wanted.items() if key in asked}
        result = await self.do(flow.async_configure(result["flow_id"], finish))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry: ConfigEntry = result["result"]
        await self.run(minutes=2)
        assert entry.state is ConfigEntryState.LOADED
        return entry

    async def _consent(self, flow_id: str) -> ConfigFlowResult:
        """Allow the access on the vendor's page, and paste where the browser ended."""
        flow = self.hass.config_entries.flow
        step = {"next_step_id": "paste_code"}
        result = await self.do(flow.async_configure(flow_id, step))
        words = result["description_placeholders"]
        assert words
        async with ClientSession() as browser:
            code = await self.do(consent(browser, words["authorize_url"]))
        return await self.do(flow.async_configure(flow_id, {"code": code}))

    def account(self, name: str) -> Account:
        """Return what runs of an account."""
        wanted = {plant.id for plant in self.sim.account(name).plants}
        found: Account = next(
            entry.runtime_data
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if wanted & set(entry.data["plant_ids"])
        )
        return found

    def entities(self, subjects: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield key and entity of plants and devices, those that are switched on."""
        starts = [f"{v}_{subject}_" for subject in subjects for v in self.sim.vendors]
        for row in er.async_get(self.hass).entities.values():
            start = next((s for s in starts if row.unique_id.startswith(s)), None)
            if row.platform == DOMAIN and start and not row.disabled:
                yield row.unique_id.removeprefix(start), row.entity_id

    def entity_id(self, subject: str, key: str) -> str | None:
        """Return the entity of a plant's or device's key."""
        found = self.entities([subject])
        return next((entity for name, entity in found if name == key), None)

    def state(self, subject: str, key: str) -> str | None:
        """Return the state of a plant's or device's key."""
        entity_id = self.entity_id(subject, key)
        state = self.hass.states.get(entity_id) if entity_id else None
        return state.state if state else None

    async def service(self, service: str, subject: str, key: str, **data: Any) -> None:
        """Call a service of an entity, in Home Assistant; `service` with its domain."""
        domain, name = service.split(".")
        entity_id = self.entity_id(subject, key)
        assert entity_id, key
        await self.hass.services.async_call(
            domain, name, {"entity_id": entity_id, **data}, blocking=True
        )

    def action(
        self, action: str, subject: str, *, answer: bool = False, **data: Any
    ) -> Awaitable[Any]:
        """Call an action of the integration for a plant or a device."""
        registry = dr.async_get(self.hass)
        device = next(
            row
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            for row in dr.async_entries_for_config_entry(registry, entry.entry_id)
            if (DOMAIN, subject) in row.identifiers
        )
        return self.do(
            self.hass.services.async_call(
                DOMAIN,
                action,
                {"device_id": device.id, **data},
                blocking=True,
                return_response=answer,
            )
        )

    def call(
        self, service: str, subject: str, key: str, **data: Any
    ) -> Awaitable[None]:
        """Call a service of an entity, and let the time pass that it takes."""
        return self.do(self.service(service, subject, key, **data))

    def press(self, subject: str, key: str) -> Awaitable[None]:
        """Press a button."""
        return self.call("button.press", subject, key)

    def set_number(self, subject: str, key: str, value: float) -> Awaitable[None]:
        """Set a number."""
        return self.call("number.set_value", subject, key, value=value)
