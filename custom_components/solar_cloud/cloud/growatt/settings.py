"""The settings of Growatt's machines on the wire: what one look at a machine shows.

Types 1 and 2 tell each parameter by itself (`readInverterParam`, `readStorageParam`); the
others tell all settings in one answer, and by themselves those that are missing in it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
import re
from typing import Any

from ..clock import Clock
from ..errors import (
    AnswerLost,
    CloudError,
    CloudUnavailable,
    NotSupported,
    OtherServer,
    PermissionDenied,
    QuotaExceeded,
    UnexpectedAnswer,
    WrongRegion,
)
from ..quota import Call, Purpose
from ..values import number, text
from . import endpoints as on
from .client import GrowattClient
from .machines import Machine

CLOCK_IDS = {on.STORAGE.name: "storage_cmd_sys_year"}
CLOCK_ID = "pf_sys_year"
# The nested objects in which some answers hold the settings.
NESTED = ("tlxsetbean", "maxsetbean")
NOT_TOLD = -1
PATIENCE = timedelta(minutes=2)
STAMPS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")

type Find = Callable[[str], Machine]


class Settings:
    """Reads and writes the settings of the machines of an account, one by one."""

    def __init__(
        self,
        client: GrowattClient,
        clock: Clock,
        memory: dict[str, Any],
        machine: Find,
    ) -> None:
        """Keep in `memory` what a machine does not know, and where it is written to."""
        self._client = client
        self._clock = clock
        self.machine = machine
        self._unknown: dict[str, list[str]] = memory.setdefault("unknown", {})
        self._firmware: dict[str, str] = memory.setdefault("firmware", {})
        self._hosts: dict[str, str] = memory.setdefault("write_hosts", {})
        # How often each machine was written to since we were started.
        self.writes: dict[str, int] = {}

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    def firmware(self, sn: str, version: str) -> None:
        """Ask again for what a machine did not know, once its firmware is another."""
        if version and self._firmware.get(sn) != version:
            self._firmware[sn] = version
            self._unknown.pop(sn, None)

    def is_unknown(self, sn: str, thing: str) -> bool:
        """Return whether a machine has refused to tell something, or to do it."""
        return thing in self._unknown.get(sn, ())

    def refused(self, sn: str, thing: str) -> None:
        """Remember that a machine does not know something."""
        self._unknown[sn] = sorted({*self._unknown.get(sn, ()), thing})

    def clock_id(self, sn: str) -> str:
        """Return the name of the machine's clock."""
        return CLOCK_IDS.get(self.machine(sn).family.name, CLOCK_ID)

    # --- read --------------------------------------------------------------------------

    def look(self, sn: str, purpose: Purpose = Purpose.COMMAND) -> Look:
        """Return a fresh look at a machine, which asks for each thing once."""
        return Look(self, sn, purpose)

    async def told(self, sn: str, purpose: Purpose) -> dict[str, Any]:
        """Return all settings that a machine tells at once, by names without case."""
        family = self.machine(sn).family
        if family in (on.INVERTER, on.STORAGE):
            return {}
        asked = {"device_sn": sn}
        if family is on.MIN and not self.is_unknown(sn, on.MIN_SETTINGS.path):
            try:
                return _flat(await self._call(on.MIN_SETTINGS, asked, purpose))
            except NotSupported:
                self.refused(sn, on.MIN_SETTINGS.path)
        return _flat(await self._call(family.info, asked, purpose))

    async def parameter(self, sn: str, name: str, purpose: Purpose) -> str | None:
        """Return one parameter as the machine tells it, None where it does not know it."""
        if self.is_unknown(sn, name):
            return None
        asked = {"device_sn": sn, "paramId": name, "startAddr": "0", "endAddr": "0"}
        try:
            value = await self._call(self.machine(sn).family.read, asked, purpose)
        except NotSupported:
            self.refused(sn, name)
            return None
        return text(value)

    async def clock_offset(self, sn: str, purpose: Purpose) -> float | None:
        """Return by how many seconds a machine's clock is ahead, None if it tells none."""
        shown = _stamp(await self.parameter(sn, self.clock_id(sn), purpose))
        if shown is None:
            return None
        local = self.now().astimezone(self.machine(sn).zone).replace(tzinfo=None)
        return round((shown - local).total_seconds(), 1)

    def calls(self, sn: str, names: Iterable[str]) -> tuple[Call, ...]:
        """Return the calls of a look at everything, for planning."""
        family = self.machine(sn).family
        known = [name for name in names if not self.is_unknown(sn, name)]
        single = tuple(Call(endpoint=family.read.path, subjects=(sn,)) for _ in known)
        if family in (on.INVERTER, on.STORAGE):
            return single
        info = on.MIN_SETTINGS if family is on.MIN else family.info
        return (Call(endpoint=info.path, subjects=(sn,)), *single)

    async def _call(
        self,
        endpoint: on.Endpoint,
        params: Mapping[str, str],
        purpose: Purpose,
        subject: str | None = None,
        host: str | None = None,
    ) -> Any:
        """Make a call; a limit that opens within two minutes is waited for.

        Settings are five seconds apart, so whoever comes second may wait for long.
        """
        latest = self.now() + PATIENCE
        while True:
            try:
                return await self._client.call(
                    endpoint, params, purpose, subject, host=host
                )
            except QuotaExceeded as err:
                if err.retry_at is None or err.retry_at > latest:
                    raise
                wait = (err.retry_at - self.now()).total_seconds()
                await self._clock.sleep(max(1.0, wait))

    # --- write -------------------------------------------------------------------------

    async def send(self, sn: str, name: str, *values: str) -> None:
        """Send one setting; never twice by itself."""
        family = self.machine(sn).family
        await self.deliver(sn, family.set, _form(family, sn, name, values))

    async def deliver(
        self, sn: str, endpoint: on.Endpoint, form: Mapping[str, str]
    ) -> None:
        """Send a write to the server that serves the machine."""
        self.writes[sn] = self.writes.get(sn, 0) + 1

        async def send(host: str | None) -> None:
            await self._call(endpoint, form, Purpose.COMMAND, sn, host)

        known = self._hosts.get(sn)
        try:
            await send(known)
        except WrongRegion as err:
            await self._send_elsewhere(sn, send, err)
        except PermissionDenied as err:
            if known is None:
                raise
            await self._send_elsewhere(sn, send, err)

    async def _send_elsewhere(
        self, sn: str, send: Callable[[str | None], Awaitable[None]], first: CloudError
    ) -> None:
        """Try the other regions (`error_useTrueHostToSet`), and remember which one it is."""
        tried = self._hosts.pop(sn, None)
        hosts = self._client.other_hosts
        for host in hosts if tried is None else (self._client.host, *hosts):
            if host == tried:
                continue
            try:
                await send(host)
            except AnswerLost:
                self._hosts[sn] = host
                raise
            except WrongRegion, PermissionDenied, CloudUnavailable:
                continue
            self._hosts[sn] = host
            return
        raise OtherServer(first.words, code=first.code) from None


class Look:
    """What one look at a machine shows; each thing is asked for once, when it is needed."""

    def __init__(self, settings: Settings, sn: str, purpose: Purpose) -> None:
        """Begin without having asked for anything."""
        self.settings = settings
        self.machine = settings.machine(sn)
        self.sn = sn
        self.purpose = purpose
        self._told: dict[str, Any] | None = None
        self._silent: NotSupported | None = None
        self._parameters: dict[str, str | None] = {}

    async def told(self, *names: str) -> float | None:
        """Return the first number that the machine's one answer tells, by lower-case name."""
        answer = await self.answer()
        found = (number(answer.get(name)) for name in names)
        return next((row for row in found if row is not None and row != NOT_TOLD), None)

    @property
    def is_whole(self) -> bool:
        """Return whether the machine has told its settings at once."""
        return bool(self._told)

    async def answer(self) -> Mapping[str, Any]:
        """Return all settings that the machine tells at once."""
        if self._silent:
            raise self._silent
        if self._told is None:
            try:
                self._told = await self.settings.told(self.sn, self.purpose)
            except NotSupported as err:
                self._silent = err
                raise
        return self._told

    async def parameter(self, *names: str) -> str | None:
        """Return the first of some parameters that the machine knows by itself."""
        for name in names:
            if name not in self._parameters:
                self._parameters[name] = await self.settings.parameter(
                    self.sn, name, self.purpose
                )
            if (value := self._parameters[name]) is not None:
                return value
        return None

    async def known(self, *names: str) -> str:
        """Return the first of some parameters' names that the machine knows."""
        for name in names if len(names) > 1 else ():
            if await self.parameter(name) is not None:
                return name
        return names[0]

    async def numbers(self, *names: str) -> tuple[int, ...]:
        """Return the whole numbers in the first of some parameters that there is."""
        value = await self.parameter(*names)
        return tuple(int(row) for row in re.findall(r"\d+", value or ""))


def _form(
    family: on.Family, sn: str, name: str, values: tuple[str, ...]
) -> dict[str, str]:
    """Return the form of a setting; families with a fixed number of values want them all."""
    if family is on.INVERTER:
        padded = (*values, "", "")
        return {
            family.argument: sn,
            "paramId": name,
            "command_1": padded[0],
            "command_2": padded[1],
        }
    count = max(family.fixed, len(values))
    padded = (*values, *[""] * (count - len(values)))
    params = {f"param{place}": value for place, value in enumerate(padded, 1)}
    return {family.argument: sn, "type": name, **params}


def _flat(answer: Any) -> dict[str, Any]:
    """Return an answer with its nested settings, by lower-case names."""
    if not isinstance(answer, dict):
        raise UnexpectedAnswer("the settings are no object")
    found = {str(key).replace("_", "").lower(): value for key, value in answer.items()}
    for name in NESTED:
        if isinstance(found.get(name), dict):
            found |= _flat(found[name])
    return found


def _stamp(shown: str | None) -> datetime | None:
    """Return the local time that a clock shows."""
    for form in STAMPS:
        try:
            return datetime.strptime(shown or "", form)
        except ValueError:
            continue
    return None
