"""Which models members are offered right now, as the workers advertise them.

Keeps the last look, so that a command can check a payload against a model's limits without I/O.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from redis.exceptions import RedisError

from bot.fleet import Fleet
from bot.language import _
from bot.presenter import plain
from bot.refusal import Refusal
from bot.shared_look import SharedLook
from flux2.models import HOSTED, REGISTRY, Model
from worker.contract import MODEL_SEEN_S

_log = logging.getLogger(__name__)


class Offer:
    """The models of the fleet, and which of them a member gets who names none."""

    def __init__(self, fleet: Fleet, default_model: str) -> None:
        """`default_model` is the FLUX2_MODEL setting: a registry entry or a path."""
        self._default = Path(default_model).name
        self._seen: dict[str, Model] = {}
        self._seen_at = 0.0
        self._ask = SharedLook(fleet.models)

    @property
    def seen(self) -> dict[str, Model]:
        """The models of the last look; empty before the first one."""
        return self._seen

    async def close(self) -> None:
        """End the look under way."""
        await self._ask.close()

    async def look(self) -> dict[str, Model]:
        """Ask the fleet again. Without Redis the last look stands for as long as a model is offered unseen.

        Raises Refusal after that.
        """
        try:
            self._seen = await self._ask()
            self._seen_at = time.monotonic()
        except (RedisError, OSError) as error:
            if not self._seen or time.monotonic() > self._seen_at + MODEL_SEEN_S:
                raise Refusal(_("The queue cannot be reached right now; try again in a few minutes.")) from error
            _log.warning("The workers cannot be asked; what they offered last stands: %s", error)
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
            raise Refusal(_("No GPU is running right now; try again in a few minutes or tell whoever runs this bot."))
        if name is None:
            here = None if preferred is None else self._seen.get(preferred)
            return here or self._seen.get(self._default) or self._seen[min(self._seen)]
        if name not in self._seen:
            offered = ", ".join(plain(other, 60) for other in sorted(self._seen))
            why = _("The model “{name}” is not running here; /imagine can draw with {offered}.")
            if name in HOSTED and name not in REGISTRY:
                why = _("The model “{name}” is drawn by a host's API only; /imagine can draw with {offered}.")
            raise Refusal(why.format(name=plain(name, 60), offered=offered))
        return self._seen[name]
