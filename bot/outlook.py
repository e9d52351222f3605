"""Why waiting jobs wait, apart from their turn: a pause, a model that is loading, a model that nobody serves.

One look answers for every model; declines to know places and words.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from redis.exceptions import RedisError

from bot.fleet import Fleet
from bot.ledger.ledger import Ledger

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outlook:
    """What one look at pause and workers found."""

    paused: str | None = None
    """The reason given for the pause, perhaps empty; None while nothing is paused."""
    loading: Mapping[str, int] = field(default_factory=dict)
    """Per cent loaded, for models that are being loaded and that no worker serves yet."""
    serving: frozenset[str] | None = None
    """Models that some worker serves now; None where the workers could not be asked."""

    @classmethod
    async def look(cls, ledger: Ledger, fleet: Fleet) -> Self:
        """Look now. Without Redis only the pause is known."""
        paused = await ledger.paused()
        try:
            beats = [beat for beat in await fleet.workers() if beat.role == "gpu" and beat.model is not None]
        except (RedisError, OSError) as error:
            _log.warning("The workers cannot be asked why jobs wait: %s", error)
            return cls(paused)
        serving = frozenset(beat.model.name for beat in beats if beat.model and beat.state in ("idle", "busy"))
        loading: dict[str, int] = {}
        for beat in beats:
            if beat.model and beat.state == "loading" and beat.model.name not in serving:
                loading[beat.model.name] = max(loading.get(beat.model.name, 0), beat.loading_percent or 0)
        return cls(paused, loading, serving)

    def is_abandoned(self, model: str) -> bool:
        """Whether it is certain that nobody serves or loads `model`."""
        return self.serving is not None and model not in self.serving and model not in self.loading
