"""Which models members are offered right now, as the workers advertise them.

Keeps the last look, so that a command can check a payload against a model's limits without I/O.
"""

from __future__ import annotations

from pathlib import Path

from bot.fleet import Fleet
from bot.presenter import plain
from bot.refusal import Refusal
from flux2.models import Model


class Offer:
    """The models of the fleet, and which of them a member gets who names none."""

    def __init__(self, fleet: Fleet, default_model: str) -> None:
        """`default_model` is the FLUX2_MODEL setting: a registry entry or a path."""
        self._fleet = fleet
        self._default = Path(default_model).name
        self._seen: dict[str, Model] = {}

    @property
    def seen(self) -> dict[str, Model]:
        """The models of the last look; empty before the first one."""
        return self._seen

    async def look(self) -> dict[str, Model]:
        """Ask the fleet again."""
        self._seen = await self._fleet.models()
        return self._seen

    async def choose(self, name: str | None, preferred: str | None = None) -> Model:
        """Return the model called `name`, else the one `preferred` here, else the default one.

        Raises Refusal where no worker serves the one that was named.
        """
        await self.look()
        return self.pick(name, preferred)

    def pick(self, name: str | None, preferred: str | None = None) -> Model:
        """As `choose`, from the last look. Raises Refusal."""
        if not self._seen:
            raise Refusal("No GPU is running right now; try again in a few minutes or tell whoever runs this bot.")
        if name is None:
            here = None if preferred is None else self._seen.get(preferred)
            return here or self._seen.get(self._default) or self._seen[min(self._seen)]
        if name not in self._seen:
            offered = ", ".join(plain(other, 60) for other in sorted(self._seen))
            raise Refusal(f"The model “{plain(name, 60)}” is not running here; /imagine can draw with {offered}.")
        return self._seen[name]
