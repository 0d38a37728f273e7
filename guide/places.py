"""Who helps for free, by country: read once from ``places.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KINDS = ("advice", "rights", "record", "scam")


@dataclass(frozen=True)
class Place:
    """Somebody to turn to, under the name that people there know."""

    kind: str
    """One of KINDS."""
    name: str
    phone: str = ""
    url: str = ""

    @property
    def dial(self) -> str:
        """The phone as a link dials it."""
        return self.phone.replace(" ", "")


@cache
def places() -> dict[str, tuple[Place, ...]]:
    """All of them by country."""
    data = tomllib.loads((Path(__file__).parent / "places.toml").read_text("utf-8"))
    return {
        country: tuple(Place(**entry) for entry in entries) for country, entries in data.items()
    }
