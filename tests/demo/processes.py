"""The processes that the demo starts, and stops again by their ids."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
import signal
import socket
import sys

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / ".demo"
LOOPBACK = "127.0.0.1"


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as found:
        found.bind((LOOPBACK, 0))
        port: int = found.getsockname()[1]
        return port


def require_free(port: int, what: str) -> None:
    """Raise when somebody already listens on a port."""
    with closing(socket.socket()) as tried:
        if tried.connect_ex((LOOPBACK, port)) == 0:
            raise DemoError(f"port {port}, for {what}, is in use: stop what uses it")


@dataclass(slots=True)
class Running:
    """A process of ours, with the file that its output goes to."""

    name: str
    process: asyncio.subprocess.Process
    output: Path

    def check(self) -> None:
        """Raise when the process has ended."""
        if self.process.returncode is not None:
            raise DemoError(
                f"{self.name} ended with {self.process.returncode}:\n{self.tail()}"
            )

    def tail(self, lines: int = 25) -> str:
        """Return the end of what the process has written."""
        return "\n".join(self.output.read_text().splitlines()[-lines:])

    async def stop(self, patience: float = 30) -> None:
        """Ask the process to end, and insist when it does not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            self.process.send_signal(number)
            try:
                await asyncio.wait_for(self.process.wait(), patience)
            except TimeoutError:
                continue


async def start(
    name: str, output: Path, *arguments: str, folder: Path = ROOT
) -> Running:
    """Start a Python module of this environment, with its output in a file.

    In a session of its own, so that Ctrl-C reaches only us and we stop it in order.
    """
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(name, process, output)
