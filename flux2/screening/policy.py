"""What a server decides about one job, and the scores that follow from it and the operator. Pure values, torch-free.

A policy travels with the job to whoever screens it. It can only tighten what the operator set; what the operator allows
in age-restricted channels is his to say, and the policy says no more than that the channel is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field


class Policy(BaseModel):
    """What holds for one job beside the operator's screens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deny: tuple[str, ...] = ()
    """Phrases that may not be asked for."""
    refuse_above: float | None = Field(default=None, gt=0, lt=1)
    """Pictures with a higher score are refused."""
    hide_above: float | None = Field(default=None, gt=0, lt=1)
    """Results with a higher score are posted behind a click."""
    asks: bool = False
    """Whether the text encoder is asked about prompts and pictures."""
    is_age_restricted: bool = False
    """Whether the channel is."""

    def without_question(self) -> Policy:
        """The part that can be judged where no model is loaded."""
        return self.model_copy(update={"asks": False})

    def covers(self, other: Policy) -> bool:
        """Whether what passed under this one was judged by all that `other` wants, as strictly."""
        return (
            set(other.deny) <= set(self.deny)
            and _is_as_tight(self.refuse_above, other.refuse_above)
            and _is_as_tight(self.hide_above, other.hide_above)
            and (self.asks or not other.asks)
            and (other.is_age_restricted or not self.is_age_restricted)
        )


UNRULED = Policy()
"""Of a server that has decided nothing about its pictures."""


class Levels(BaseModel):
    """Scores of the classifier above which something happens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refuse: float = Field(default=0.85, ge=0, lt=1)
    refuse_age_restricted: float | None = Field(default=None, ge=0, le=1)
    """The operator's figure for age-restricted channels; None: the same as everywhere."""
    hide: float | None = Field(default=None, ge=0, le=1)
    """None: nothing is hidden."""

    def under(self, policy: Policy) -> Levels:
        """The levels for a job: the tighter of the operator's and the policy's."""
        most = self.refuse_age_restricted if policy.is_age_restricted else None
        refuse = _least((self.refuse if most is None else most, policy.refuse_above))
        return Levels(refuse=refuse or 0.0, hide=_least((self.hide, policy.hide_above)))


def _is_as_tight(figure: float | None, other: float | None) -> bool:
    return other is None or (figure is not None and figure <= other)


def _least(figures: Iterable[float | None]) -> float | None:
    return min((figure for figure in figures if figure is not None), default=None)
