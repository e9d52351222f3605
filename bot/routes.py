"""Who answers when words are wanted: a hosted language model, the text encoder of a model that draws, or nobody.

Keeps the last look at the workers, which are the ones that know. Declines to know what is asked for.
"""

from __future__ import annotations

import contextlib
from typing import Literal

from bot.fleet import Fleet
from bot.language import _
from bot.offer import Offer
from bot.presenter import plain
from bot.refusal import Refusal
from flux2.models import Model
from flux2.prompting import window
from flux2.request import GenerationRequest
from flux2.upsampling import benefit
from flux2.upscaling.request import UpscaleRequest

Mode = Literal["none", "local", "openrouter", "auto"]
"""What a member may ask for."""
MODES: tuple[Mode, ...] = ("none", "local", "openrouter", "auto")
Route = Literal["local", "openrouter"]
_GUESSABLE = 256


class Routes:
    """The routes of one fleet. Methods that look raise redis.RedisError where it cannot be reached."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def hosted(self) -> str | None:
        """The hosted language model that an io worker has a key for."""
        named = (worker.rewrites_with for worker in await self._fleet.workers())
        return next((name for name in named if name), None)

    async def for_words(self, mode: Mode, model: Model) -> Route:
        """Who rewrites a prompt for `model`. Raises Refusal where nobody can, or not in that way."""
        neither = _(
            "No hosted language model is set up here and {model} cannot write; draw your own words, "
            "or tell whoever runs this bot."
        )
        not_here = _("{model} cannot rewrite prompts; choose openrouter.")
        return await self._route(mode, model, model.can_rewrite, neither, not_here)

    async def for_pictures(self, mode: Mode, model: Model) -> Route:
        """Who describes a picture. Raises Refusal where nobody can, or not in that way."""
        neither = _(
            "No hosted language model is set up here and {model} cannot see pictures; tell whoever runs this bot."
        )
        not_here = _("{model} cannot see pictures; choose openrouter.")
        return await self._route(mode, model, model.can_describe, neither, not_here)

    async def settle(
        self, mode: Mode | None, request: GenerationRequest, offer: Offer, *, preferred: Mode | None = None
    ) -> tuple[GenerationRequest, tuple[str, ...]]:
        """Return the request with who rewrites its prompt before it is drawn, and sentences for the result.

        `auto` leaves alone what gains little; whoever asked for nothing is told where it would gain. `preferred` holds
        where nothing was asked for, and where there is a way. Raises Refusal for one that was asked for and is not.
        """
        if mode is None and preferred is not None:
            with contextlib.suppress(Refusal):
                return await self.settle(preferred, request, offer)
        if request.variants:
            # Each list's words are there to be compared; rewritten one by one they could not be.
            return request, () if mode in (None, "none") else (_("A prompt with lists is drawn as it is written."),)
        model = offer.pick(request.model)
        if mode in ("local", "openrouter"):
            return request.model_copy(update={"upsample": await self.for_words(mode, model)}), ()
        reason = benefit.reason(request.prompt, has_images=bool(request.reference_images))
        if mode == "none" or reason is None:
            return request, ()
        try:
            route = await self.for_words("auto", model)
        except Refusal:
            return request, ()
        if mode == "auto":
            return request.model_copy(update={"upsample": route}), ()
        return request, (
            _("This prompt has {reason}: /enhance or upsample:auto may draw it better.").format(reason=reason),
        )

    def warning(self, request: GenerationRequest, offer: Offer) -> str:
        """What to tell the member of a prompt whose end may not be read, by an estimate; "" where all of it is."""
        limit = offer.pick(request.model).max_sequence_length
        longest = max(window.estimate(prompt) for prompt in request.prompts)
        # The shipped miniature's words are not those of a language model: nothing can be guessed about its tokens.
        if request.upsample != "none" or longest <= limit or limit < _GUESSABLE:
            return ""
        return _(
            "This prompt has about {longest} tokens and {model} reads {limit}: its end may not "
            "count, so put what matters most first. The result says what was cut."
        ).format(longest=longest, model=plain(request.model, 60), limit=limit)

    async def seen(self, request: UpscaleRequest, model: Model) -> UpscaleRequest:
        """Return the request with who captions its picture: the model itself, else a hosted one, else nobody."""
        needs_words = request.method == "flux" and not request.prompt and not model.can_describe
        return request.model_copy(update={"upsample": "openrouter"}) if needs_words and await self.hosted() else request

    async def _route(self, mode: Mode, model: Model, can: bool, neither: str, not_here: str) -> Route:
        is_hosted = await self.hosted() is not None
        if not can and not is_hosted:
            raise Refusal(neither.format(model=model.name))
        if mode == "local" and not can:
            raise Refusal(not_here.format(model=model.name))
        if mode == "openrouter" and not is_hosted:
            raise Refusal(_("No hosted language model is set up here; choose local, or tell whoever runs this bot."))
        return "openrouter" if is_hosted and mode != "local" else "local"
