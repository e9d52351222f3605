"""What admins may decide, and what follows for one member in one channel. Pure: documents in, terms or a refusal out.

Roles are generous: of several policies a member has the best of each figure. Bounds are strict: the tightest of
channel, server and operator holds. Declines to know where documents are kept (bot/ledger/rules.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.language import _
from bot.ledger.allowance import Allowance
from bot.ledger.rules import Document, Key, Scope
from flux2.models import MEGAPIXEL, Model
from flux2.screening.policy import Policy

Threads = Literal["here", "auto", "always"]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Bounds(_Rule):
    """The most one job may ask for; None: as much as the model takes."""

    megapixels: float | None = Field(default=None, gt=0, le=16)
    steps: int | None = Field(default=None, ge=1, le=100)
    count: int | None = Field(default=None, ge=1, le=10)
    references: int | None = Field(default=None, ge=0, le=10)


class RolePolicy(Bounds):
    """What a role, everyone, or one member may do; None: not said here."""

    models: tuple[str, ...] | None = None
    priority: int | None = Field(default=None, ge=-1, le=1)
    running: int | None = Field(default=None, ge=1, le=100)
    waiting: int | None = Field(default=None, ge=1, le=1000)
    pictures_per_day: int | None = Field(default=None, ge=0, le=100_000)
    gpu_seconds_per_day: int | None = Field(default=None, ge=0, le=10_000_000)
    cooldown_s: int | None = Field(default=None, ge=0, le=86_400)
    days_on_server: int | None = Field(default=None, ge=0, le=3650)


class Safety(_Rule):
    """What may be drawn and how it is shown, beside the operator's screens: it only ever adds to them."""

    denied_words: tuple[Annotated[str, Field(min_length=2, max_length=60)], ...] = Field(default=(), max_length=100)
    image_threshold: float | None = Field(default=None, ge=0.05, lt=1)
    """Pictures that score higher are refused."""
    spoiler_threshold: float | None = Field(default=None, ge=0.05, lt=1)
    """Results that score higher are posted behind a click."""
    question: bool = False
    """The text encoder is asked about prompts and pictures."""
    spoiler: bool = False
    """Every picture is posted behind a click."""


class Usual(_Rule):
    """What a command takes where it and the member leave an option out; None: as the model has it."""

    default_model: str | None = None
    default_style: str | None = None
    default_aspect: str | None = None
    default_size: str | None = None
    default_format: str | None = None
    default_upsample: Literal["none", "auto"] | None = None


class ChannelRule(Bounds, Safety, Usual):
    """What holds in one channel and its threads."""

    access: Literal["allow", "deny"] | None = None
    threads: Threads | None = None


class GuildRule(Bounds, Safety, Usual):
    """What holds on a whole server."""

    threads: Threads | None = None
    disabled_models: tuple[str, ...] = ()
    reports_channel: int | None = None
    age_restricted_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """A member who wants something drawn, and where."""

    user_id: int
    guild_id: int | None
    channel_id: int
    parent_id: int | None = None
    """The channel a thread hangs under."""
    role_ids: frozenset[int] = frozenset()
    joined_at: datetime | None = None
    is_age_restricted: bool = False
    """Whether the channel is."""
    is_outside: bool = False
    """Whether the bot is no member there: the applicant brought it along."""


@dataclass(frozen=True)
class Elsewhere:
    """What the operator allows where no server's rules hold."""

    direct_messages: bool = True
    user_install: bool = False
    pictures_per_day: int = 0
    """0: as many as there are."""

    @property
    def policy(self) -> RolePolicy:
        """What a member may do there."""
        return RolePolicy(pictures_per_day=self.pictures_per_day or None)


@dataclass(frozen=True)
class Demand:
    """What one job asks for."""

    model: str
    megapixels: float
    steps: int
    count: int
    references: int


@dataclass(frozen=True)
class Bound:
    """One figure of `Bounds`, and who set it."""

    most: float
    says: str


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for one applicant."""

    role: RolePolicy = field(default_factory=RolePolicy)
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    usual: Usual = field(default_factory=Usual)
    disabled_models: frozenset[str] = frozenset()
    threads: Threads = "auto"
    is_open: bool = True
    """Whether pictures are drawn in this channel at all."""
    has_spoiler: bool = False
    needs_age_restriction: bool = False
    screening: Policy = field(default_factory=Policy)
    """What goes to the screens with the job."""

    @property
    def allowance(self) -> Allowance:
        """What the member may use a day."""
        role = self.role
        return Allowance(role.pictures_per_day, role.gpu_seconds_per_day, role.cooldown_s)

    def allows_model(self, name: str) -> bool:
        """Whether the member may draw with that model."""
        return name not in self.disabled_models and (self.role.models is None or name in self.role.models)

    def lowered(self, model: Model) -> Model:
        """The model as it draws here where an option is left out: with no more than may be asked for."""
        most = {name: bound.most for name, bound in self.bounds.items()}
        steps = max(min(model.default_steps, most.get("steps", math.inf)), model.min_steps)
        pixels = min(model.default_pixels, most.get("megapixels", math.inf) * MEGAPIXEL)
        return model.model_copy(update={"default_steps": int(steps), "default_pixels": int(pixels)})


Rules = Mapping[Key, Document]
_BOUNDED = ("megapixels", "steps", "count", "references")
_LEAST_IS_BEST = frozenset({"cooldown_s", "days_on_server"})


def terms(applicant: Applicant, of_guild: Rules, of_operator: Rules, elsewhere: Elsewhere | None = None) -> Terms:
    """What holds for `applicant` under the rules of his server, or `elsewhere`, and of the operator."""
    guild = GuildRule.model_validate(of_guild.get((Scope.GUILD, 0), {}))
    operator = GuildRule.model_validate(of_operator.get((Scope.GUILD, 0), {}))
    channel = _channel(applicant, of_guild)
    role = _role(applicant, of_guild) if applicant.guild_id or elsewhere is None else elsewhere.policy
    layers: tuple[tuple[Bounds, str], ...] = (
        (role, _("Your role")),
        (channel, _("This channel")),
        (guild, _("This server")),
        (operator, _("This bot")),
    )
    return Terms(
        role=role,
        bounds={name: bound for name in _BOUNDED if (bound := _tightest(name, layers))},
        usual=_usual((channel, guild, operator)),
        disabled_models=frozenset((*guild.disabled_models, *operator.disabled_models)),
        threads=channel.threads or guild.threads or operator.threads or "auto",
        is_open=_is_open(channel, of_guild),
        has_spoiler=channel.spoiler or guild.spoiler or operator.spoiler,
        needs_age_restriction=guild.age_restricted_only or operator.age_restricted_only,
        screening=_screening(applicant, (operator, guild, channel)),
    )


def reports_channel(of_guild: Rules) -> int | None:
    """Where a server's moderators see reports."""
    return GuildRule.model_validate(of_guild.get((Scope.GUILD, 0), {})).reports_channel


def _screening(applicant: Applicant, layers: Iterable[Safety]) -> Policy:
    """Words add up; the lowest of each threshold holds; one who wants the question has it asked."""
    rules = list(layers)
    return Policy(
        deny=tuple(sorted({word for rule in rules for word in rule.denied_words})),
        refuse_above=_lowest(rule.image_threshold for rule in rules),
        hide_above=_lowest(rule.spoiler_threshold for rule in rules),
        asks=any(rule.question for rule in rules),
        is_age_restricted=applicant.is_age_restricted,
    )


def _usual(layers: Sequence[Usual]) -> Usual:
    """The first that says something, option by option: the channel, the server, the operator."""
    said = {name: [value for layer in layers if (value := getattr(layer, name))] for name in Usual.model_fields}
    return Usual.model_validate({name: values[0] for name, values in said.items() if values})


def _lowest(figures: Iterable[float | None]) -> float | None:
    return min((figure for figure in figures if figure is not None), default=None)


def _channel(applicant: Applicant, of_guild: Rules) -> ChannelRule:
    documents = (of_guild.get((Scope.CHANNEL, one), {}) for one in (applicant.parent_id, applicant.channel_id) if one)
    merged: Document = {}
    for document in documents:
        # A thread's own rule goes before its channel's.
        merged |= document
    return ChannelRule.model_validate(merged)


def _is_open(channel: ChannelRule, of_guild: Rules) -> bool:
    if channel.access is not None:
        return channel.access == "allow"
    # One channel that is named as allowed closes all that are not.
    return not any(
        scope is Scope.CHANNEL and document.get("access") == "allow" for (scope, _), document in of_guild.items()
    )


def _role(applicant: Applicant, of_guild: Rules) -> RolePolicy:
    everyone = of_guild.get((Scope.ROLE, applicant.guild_id or 0), {})
    roles = [
        document
        for one in sorted(applicant.role_ids - {applicant.guild_id})
        if (document := of_guild.get((Scope.ROLE, one)))
    ]
    best = {name: _best(name, found) for name in RolePolicy.model_fields if (found := _said(name, roles))}
    own = of_guild.get((Scope.MEMBER, applicant.user_id), {})
    return RolePolicy.model_validate({**everyone, **best, **own})


def _said(name: str, documents: Iterable[Document]) -> list[Any]:
    return [value for document in documents if (value := document.get(name)) is not None]


def _best(name: str, found: list[Any]) -> Any:
    if name == "models":
        return sorted({model for models in found for model in models})
    return min(found) if name in _LEAST_IS_BEST else max(found)


def _tightest(name: str, layers: Iterable[tuple[Bounds, str]]) -> Bound | None:
    found = [Bound(most, says) for layer, says in layers if (most := getattr(layer, name)) is not None]
    return min(found, key=lambda bound: bound.most, default=None)
