"""Serial numbers, keys and names, drawn anew in each run from a seed."""

from random import Random
from uuid import UUID

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_STREETS = ("Ahornweg", "Birkenallee", "Cedar Lane", "Dorfstrasse", "Elm Court")
_OWNERS = ("Alder", "Brook", "Castle", "Dale", "Ember", "Forest", "Garden", "Hill")


class Names:
    """A source of names."""

    def __init__(self, seed: int, realm: str) -> None:
        """Draw for one vendor's account."""
        self._random = Random(f"{seed}/{realm}")

    def uuid(self) -> str:
        """Return a UUID."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def serial(self, pattern: str) -> str:
        """Return a serial: # is a digit, @ a letter, ? either."""
        return "".join(self._sign(sign) for sign in pattern)

    def _sign(self, sign: str) -> str:
        """Return one sign of a serial."""
        if sign == "#" or (sign == "?" and self._random.random() < 0.6):
            return str(self._random.randrange(10))
        return self._random.choice(_LETTERS) if sign in "@?" else sign

    def number(self, low: int, high: int) -> int:
        """Return a whole number."""
        return self._random.randint(low, high)

    def plant(self) -> str:
        """Return the name of a plant."""
        return f"{self._random.choice(_OWNERS)} {self._random.randint(1, 99)}"

    def address(self) -> str:
        """Return a street and a number."""
        return f"{self._random.choice(_STREETS)} {self._random.randint(1, 140)}"
