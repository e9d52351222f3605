"""From a member's options to the request: preferences fill what was left out, names bring their pictures.

The one place where what a member keeps meets what he asks for now. Declines to know which command asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.language import N_, _
from bot.ledger.presets import Shelf
from bot.offer import Offer
from bot.options import Options
from bot.policy import Applicant, Terms, Usual
from bot.preset import Defaults, Scene, named_in, stage
from bot.refusal import Refusal
from flux2.errors import InvalidRequest
from flux2.prompting.styles import Styles
from flux2.request import GenerationRequest, ReferenceImage

_LEFT_OUT = N_("What you set with /settings does not fit here and was left out.")
_USUAL_LEFT_OUT = N_("What this server usually takes does not fit here and was left out.")


@dataclass(frozen=True)
class Settled:
    """A request, the notes to be said on its result, and the member's own words where its prompt has others."""

    request: GenerationRequest
    notes: tuple[str, ...]
    asked: str = ""


class Casting:
    """Settles options for a member."""

    def __init__(
        self, shelf: Shelf, offer: Offer, styles: Styles, terms: Callable[[Applicant], Awaitable[Terms]]
    ) -> None:
        """`terms`: what holds for an applicant where he asks."""
        self._styles = styles
        self._shelf = shelf
        self._offer = offer
        self._terms = terms

    async def cast(self, applicant: Applicant, prompt: str, pictures: tuple[ReferenceImage, ...]) -> Scene:
        """Give everybody whom `prompt` names their pictures, after `pictures`."""
        kept = await self._shelf.find(applicant.user_id, applicant.guild_id, named_in(prompt))
        return stage(prompt, {name: one.preset for name, one in kept.items()}, pictures)

    async def settle(self, applicant: Applicant, options: Options, pictures: tuple[ReferenceImage, ...]) -> Settled:
        """Return the request. Raises Refusal and InvalidRequest.

        What the member prefers goes before what channel and server usually take. Of both, what the model, or this very
        wish, has no room for is left out and said; an option never is.
        """
        scene = await self.cast(applicant, options.prompt, pictures)
        words = "" if scene.prompt == options.prompt else options.prompt
        asked = options.reworded(scene.prompt)
        preferred = await self._shelf.preferences(applicant.user_id)
        terms = await self._terms(applicant)
        usual = terms.usual
        layers = [one for one in ((preferred, _LEFT_OUT), (taken_of(usual), _USUAL_LEFT_OUT)) if one[0].given()]
        # A member's preferences outlive what the server usually takes.
        for tried in (layers, layers[:1], layers[1:]) if layers else ():
            try:
                request, notes = await self._settle(asked, tried, terms, scene.pictures)
            except (Refusal, InvalidRequest):
                continue
            missing = tuple(_(said) for layer, said in layers if (layer, said) not in tried)
            return Settled(request, (*scene.notes, *notes, *missing), words)
        request, notes = await self._settle(asked, (), terms, scene.pictures)
        return Settled(request, (*scene.notes, *notes, *(_(said) for _layer, said in layers)), words)

    async def _settle(
        self,
        asked: Options,
        layers: Sequence[tuple[Defaults, str]],
        terms: Terms,
        pictures: tuple[ReferenceImage, ...],
    ) -> tuple[GenerationRequest, tuple[str, ...]]:
        for layer, _said in layers:
            asked = layer.under(asked, self._styles)
        model = await self._offer.choose(asked.model, terms.usual.default_model)
        return asked.settle(terms.lowered(model), pictures)


def taken_of(usual: Usual) -> Defaults:
    """What a command takes, beside the model: that one is exchanged silently where no worker serves it."""
    return Defaults(
        style=usual.default_style,
        aspect=usual.default_aspect,
        size=usual.default_size,
        output_format=usual.default_format,
        upsample=usual.default_upsample,
    )
