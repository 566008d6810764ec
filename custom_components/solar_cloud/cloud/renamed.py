"""A vendor whose plants keep the ids under which they were first seen.

Some clouds call a plant differently for each way in. The wire knows only the ids of the
way in use; all that is above knows only those of the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from inspect import iscoroutinefunction
from typing import Any, cast

from .vendor import Vendor

# What speaks to the wire alone, or of no plant.
AS_IT_IS = frozenset(("calls", "feeds", "ledger", "memory", "raw", "remember"))


def renamed(vendor: Vendor, names: Mapping[str, str]) -> Vendor:
    """Return a vendor that calls plants by other ids; `names` has ours by the wire's."""
    return cast(Vendor, _Renamed(vendor, names)) if names else vendor


class _Renamed:
    """Exchanges ids in all that goes into a vendor and comes out of it."""

    def __init__(self, vendor: Vendor, names: Mapping[str, str]) -> None:
        """Take a vendor."""
        self._vendor = vendor
        self._out = names
        self._in = {ours: wires for wires, ours in names.items()}

    def __getattr__(self, name: str) -> Any:
        """Return what the vendor has under a name, made to use our ids."""
        found = getattr(self._vendor, name)
        if name in AS_IT_IS:
            return found
        if not callable(found):
            return exchanged(found, self._out)
        return (
            self._waited(found) if iscoroutinefunction(found) else self._called(found)
        )

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            args, given = exchanged((args, given), self._in)
            return exchanged(method(*args, **given), self._out)

        return call

    def _waited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **given: Any) -> Any:
            args, given = exchanged((args, given), self._in)
            return exchanged(await method(*args, **given), self._out)

        return call


def exchanged(found: Any, names: Mapping[str, str]) -> Any:
    """Return the same with other ids, wherever they are."""
    if type(found) is str:
        return names.get(found, found)
    if isinstance(found, Mapping):
        return {
            exchanged(key, names): exchanged(row, names) for key, row in found.items()
        }
    if isinstance(found, list | tuple | set | frozenset):
        return type(found)(exchanged(row, names) for row in found)
    if is_dataclass(found) and not isinstance(found, type):
        parts = {row.name: getattr(found, row.name) for row in fields(found)}
        return replace(found, **exchanged(parts, names))
    return found
