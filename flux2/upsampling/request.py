"""What is asked of a language model: a prompt to rewrite, or a picture to describe. Frozen, torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flux2.request import MAX_PROMPT, MAX_REFERENCES, MAX_SEED, ReferenceImage

_COST = 30_000.0
"""Token-steps of a render that take about as long as an answer of some hundred words."""


class WordsRequest(BaseModel):
    """What both have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """The model whose text encoder answers; for a hosted one, the model that would draw the answer."""
    route: Literal["local", "openrouter"]
    reference_images: tuple[ReferenceImage, ...] = Field(default=(), max_length=MAX_REFERENCES)
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    """Of a local answer; hosted ones take none."""

    @property
    def count(self) -> int:
        """Pictures it makes: none."""
        return 0

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture it makes."""
        return ()

    @property
    def cost(self) -> float:
        """Work in token-steps, as a render counts it."""
        return _COST


class RewriteRequest(WordsRequest):
    """A prompt to be written better; `reference_images` are what it speaks of."""

    kind: Literal["rewrite"] = "rewrite"
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT)
    structured: bool = False
    """Ask for a JSON prompt."""


class DescribeRequest(WordsRequest):
    """A picture, the only one of `reference_images`, to be put into words that would draw it."""

    kind: Literal["describe"] = "describe"

    @property
    def prompt(self) -> str:
        """Nobody wrote any."""
        return ""
