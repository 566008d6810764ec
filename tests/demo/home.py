"""A real Home Assistant with a fresh configuration, as a process."""

import asyncio
from collections import Counter
import json
from pathlib import Path
import re
import shutil
from typing import Self

from aiohttp import ClientError, ClientSession

from .processes import LOOPBACK, ROOT, DemoError, Running, start

DOMAIN = "solar_cloud"
STAMPED = re.compile(r"\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \(\S+\)")
START_WITHIN = 180.0
# Only for voice assistants, and they would have to be compiled.
SKIPPED = "pymicro-vad,pyspeex-noise"

CONFIGURATION = """\
homeassistant:
  name: Solar Cloud demo
  latitude: 52.1
  longitude: 5.2
  elevation: 5
  unit_system: metric
  time_zone: Europe/Amsterdam
  currency: EUR
  country: NL
  language: en
http:
  server_host: {host}
  server_port: {port}
frontend:
history:
logbook:
energy:
sun:
system_health:
logger:
  default: warning
  logs:
    custom_components.{domain}: debug
"""
ONBOARDING = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    "data": {"done": ["core_config", "analytics", "integration"]},
}


class Home:
    """A running Home Assistant."""

    def __init__(self, running: Running, folder: Path, url: str) -> None:
        """Take the process, its folder and its address."""
        self._running = running
        self._folder = folder
        self.url = url

    @classmethod
    async def start(cls, session: ClientSession, folder: Path, port: int) -> Self:
        """Write a configuration, start, and wait until it answers."""
        _configure(folder, port)
        running = await start(
            "Home Assistant",
            folder.parent / "hass.out",
            "homeassistant",
            "--config",
            str(folder),
            "--skip-pip-packages",
            SKIPPED,
            folder=folder,
        )
        home = cls(running, folder, f"http://{LOOPBACK}:{port}")
        try:
            async with asyncio.timeout(START_WITHIN):
                await home.wait_for_page(session)
        except TimeoutError:
            await running.stop()
            raise DemoError(f"Home Assistant is not up:\n{running.tail()}") from None
        except BaseException:
            await running.stop()
            raise
        return home

    async def wait_for_page(self, session: ClientSession) -> None:
        """Wait until the page answers."""
        while True:
            self.check()
            try:
                async with session.get(f"{self.url}/api/onboarding") as response:
                    if response.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.2)

    def check(self) -> None:
        """Raise when Home Assistant has ended."""
        self._running.check()

    async def ended(self) -> None:
        """Wait until Home Assistant ends."""
        await self._running.process.wait()

    async def stop(self) -> None:
        """Stop Home Assistant."""
        await self._running.stop(60)

    @property
    def log(self) -> Path:
        """Return the log file."""
        written = self._folder / "home-assistant.log"
        return written if written.exists() else self._running.output

    def faults_in_log(self) -> list[str]:
        """Return the errors and tracebacks of the integration, each kind once."""
        faults = Counter(
            _in_short(record)
            for record in _records(self.log.read_text(errors="replace"))
            if DOMAIN in record and _is_fault(record)
        )
        return [f"{record} ({times} times)" for record, times in faults.items()]


def _configure(folder: Path, port: int) -> None:
    """Write the configuration, with a copy of the integration as it is now."""
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").write_text(
        CONFIGURATION.format(host=LOOPBACK, port=port, domain=DOMAIN)
    )
    (folder / ".storage" / "onboarding").write_text(json.dumps(ONBOARDING))
    shutil.copytree(
        ROOT / "custom_components" / DOMAIN,
        folder / "custom_components" / DOMAIN,
        ignore=shutil.ignore_patterns("__pycache__"),
    )


def _records(log: str) -> list[str]:
    """Return the records of a log, each with the lines that belong to it."""
    records: list[str] = []
    for line in log.splitlines():
        if STAMPED.match(line) or not records:
            records.append(line)
        else:
            records[-1] += f"\n{line}"
    return records


def _is_fault(record: str) -> bool:
    head = STAMPED.match(record)
    grave = head is not None and head["level"] in ("ERROR", "CRITICAL")
    return grave or "Traceback (most recent" in record


def _in_short(record: str) -> str:
    """Return the first line without its time, and the last."""
    first, *others = STAMPED.sub(r"\g<level>", record).splitlines()
    return " … ".join([first[:300], *others[-1:]])
