"""From a member's options to the request: preferences fill what was left out, names bring their pictures.

The one place where what a member keeps meets what he asks for now. Declines to know which command asked.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.language import N_, _
from bot.ledger.presets import Shelf
from bot.offer import Offer
from bot.options import Options
from bot.preset import named_in, stage
from bot.refusal import Refusal
from flux2.errors import InvalidRequest
from flux2.prompting.styles import Styles
from flux2.request import GenerationRequest, ReferenceImage

_LEFT_OUT = N_("What you set with /settings does not fit here and was left out.")


class Casting:
    """Settles options for a member."""

    def __init__(
        self, shelf: Shelf, offer: Offer, styles: Styles, default_model: Callable[[int | None], str | None]
    ) -> None:
        """`default_model`: the model of those who name none, by server."""
        self._styles = styles
        self._shelf = shelf
        self._offer = offer
        self._default_model = default_model

    async def settle(
        self, user_id: int, guild_id: int | None, options: Options, pictures: tuple[ReferenceImage, ...]
    ) -> tuple[GenerationRequest, tuple[str, ...]]:
        """Return the request and the notes to be said on its result. Raises Refusal and InvalidRequest.

        A preference that the model, or this very wish, has no room for is left out and said; an option never is.
        """
        kept = await self._shelf.find(user_id, guild_id, named_in(options.prompt))
        scene = stage(options.prompt, {name: one.preset for name, one in kept.items()}, pictures)
        asked = options.reworded(scene.prompt)
        preferred = await self._shelf.preferences(user_id)
        default = self._default_model(guild_id)
        try:
            request, notes = await self._settle(preferred.under(asked, self._styles), default, scene.pictures)
        except (Refusal, InvalidRequest):
            if not preferred.given():
                raise
            request, notes = await self._settle(asked, default, scene.pictures)
            notes = (*notes, _(_LEFT_OUT))
        return request, (*scene.notes, *notes)

    async def _settle(
        self, options: Options, default: str | None, pictures: tuple[ReferenceImage, ...]
    ) -> tuple[GenerationRequest, tuple[str, ...]]:
        return options.settle(await self._offer.choose(options.model, default), pictures)
