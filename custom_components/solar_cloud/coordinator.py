"""The coordinators of an account: one per feed, and the house that they add up to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import (
    BaseDataUpdateCoordinatorProtocol,
    DataUpdateCoordinator,
    UpdateFailed,
)

from .cloud.errors import (
    AuthenticationFailed,
    CloudError,
    PermissionDenied,
    QuotaExceeded,
    understood,
)
from .cloud.house import House
from .cloud.model import Snapshot
from .cloud.vendor import Feed
from .const import DOMAIN, LOGGER

if TYPE_CHECKING:
    from .account import Account, SolarCloudConfigEntry

RETRY_AFTER = (30.0, 60.0, 120.0, 300.0)
SHORTEST_INTERVAL = 1.0
DENIED_FOR_GOOD = 3
LISTENERS_AT_ONCE = 100


class FeedCoordinator(DataUpdateCoordinator[Snapshot]):
    """Polls one feed, when its next sample should be there and the quota allows it."""

    config_entry: SolarCloudConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: SolarCloudConfigEntry,
        account: Account,
        feed: Feed,
    ) -> None:
        """Poll at once, unless a stored snapshot is fresh."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{account.info.name} {feed.key}",
            update_interval=timedelta(seconds=feed.interval),
            always_update=True,
            request_refresh_debouncer=Debouncer(
                hass, LOGGER, cooldown=1.0, immediate=True
            ),
        )
        self.feed = feed
        self.error: CloudError | None = None
        self._account = account
        self._failures = 0
        self._denied = 0
        self._forced = False

    @override
    async def _async_setup(self) -> None:
        """Take over the stored snapshot."""
        await self.async_load()

    async def async_load(self) -> None:
        """Take over the stored snapshot."""
        if stored := self._account.store.kept.feeds.get(self.feed.key):
            self.data = stored
            await self._account.vendor.restore(self.feed.key, self.data)

    async def async_poll_now(self) -> None:
        """Poll although nothing new is expected; the quota still decides."""
        self._forced = True
        await self.async_refresh()

    @override
    async def _async_update_data(self) -> Snapshot:
        """Poll the feed, or return what is stored while nothing is due."""
        account = self._account
        forced, self._forced = self._forced, False
        if self.data is not None and not forced and self._due() > account.clock.now():
            self._plan()
            return self.data
        try:
            snapshot = await self._poll()
        except CloudError as err:
            return self._failed(err)
        self.error, self._failures, self._denied = None, 0, 0
        # What was read and what follows from it each take the loop for a while.
        await asyncio.sleep(0)
        told, snapshot = snapshot.energy, replace(snapshot, energy=())
        await account.async_keep(self.feed.key, snapshot)
        account.history.async_take(told, snapshot.readings)
        self._plan()
        return snapshot

    async def _poll(self) -> Snapshot:
        account = self._account
        with understood():
            return await account.vendor.poll(self.feed.key, dark=account.dark())

    def _failed(self, err: CloudError) -> Snapshot:
        """Raise what a failure means; at start-up stored values stand in for it."""
        self.error = err
        self._failures += 1
        if isinstance(err, PermissionDenied):
            self._denied += 1
        denied = self._denied >= DENIED_FOR_GOOD and self.feed.essential
        if isinstance(err, AuthenticationFailed) or denied:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN,
                translation_key="invalid_auth",
                translation_placeholders=placeholders(err),
            ) from err
        retry_after = RETRY_AFTER[min(self._failures, len(RETRY_AFTER)) - 1]
        retry_after *= self._account.stretch()
        if isinstance(err, QuotaExceeded) and err.retry_at:
            wait = (err.retry_at - self._account.clock.now()).total_seconds()
            retry_after = max(SHORTEST_INTERVAL, wait)
        if self.data is not None and self._account.starting:
            self.update_interval = timedelta(seconds=retry_after)
            return self.data
        raise UpdateFailed(
            retry_after=retry_after,
            translation_domain=DOMAIN,
            translation_key=err.key,
            translation_placeholders=placeholders(err),
        ) from err

    @callback
    def async_look_sooner(self) -> None:
        """Plan anew, as a run waits for what the next sample tells."""
        self._plan()
        self._schedule_refresh()

    def _due(self) -> datetime:
        account = self._account
        if self.feed.measuring and account.leases.is_watching:
            return account.vendor.due(self.feed.key, 1.0)
        return account.vendor.due(self.feed.key, account.stretch(), account.dark())

    def _plan(self) -> None:
        """Set the interval to the next poll."""
        wait = (self._due() - self._account.clock.now()).total_seconds()
        self.update_interval = timedelta(seconds=max(wait, SHORTEST_INTERVAL))


class HouseCoordinator(BaseDataUpdateCoordinatorProtocol):
    """Holds the house as it is now, and tells the entities when it may have changed."""

    def __init__(self, hass: HomeAssistant, entry: SolarCloudConfigEntry) -> None:
        """Start with an empty house."""
        self.data = House()
        self._hass = hass
        self._entry = entry
        self._listeners: dict[object, CALLBACK_TYPE] = {}
        self._telling = False
        self._tell_again = False

    @override
    @callback
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: object = None
    ) -> Callable[[], None]:
        """Listen for changes."""
        token = object()
        self._listeners[token] = update_callback

        @callback
        def remove_listener() -> None:
            self._listeners.pop(token, None)

        return remove_listener

    @callback
    def async_show(self, house: House) -> None:
        """Show the house as it is now; a listener is told soon, never in between."""
        self.data = house
        self._tell_again = True
        if not self._telling:
            self._telling = True
            self._entry.async_create_task(
                self._hass, self._tell(), "solar_cloud house", eager_start=True
            )

    async def _tell(self) -> None:
        """Tell the listeners in small groups, so that the loop is never blocked."""
        try:
            while self._tell_again:
                self._tell_again = False
                for group in batched(
                    list(self._listeners), LISTENERS_AT_ONCE, strict=False
                ):
                    for token in group:
                        if update := self._listeners.get(token):
                            update()
                    await asyncio.sleep(0)
        finally:
            self._telling = False


def placeholders(err: CloudError) -> dict[str, str]:
    """Return the vendor's code and words for a translated message."""
    return {"code": err.code or "-", "message": err.words or "-"}
