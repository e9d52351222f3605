"""What rules add up to for one member in one channel."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.enlarging import Enlargement
from bot.gate import demand_of, require
from bot.ledger.rules import Document, Key, Scope
from bot.policy import Applicant, Demand, GuildRule, RolePolicy, Terms, terms
from bot.refusal import Refusal
from flux2.models import REGISTRY
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.screening.policy import UNRULED, Policy
from flux2.sizing import ASPECTS

GUILD, EVERYONE, VIP, ARTIST, CHANNEL, THREAD = 1, 1, 20, 21, 30, 31


def member(*roles: int, channel: int = CHANNEL, parent: int | None = None) -> Applicant:
    """A member of the server with these roles."""
    return Applicant(
        user_id=7, guild_id=GUILD, channel_id=channel, parent_id=parent, role_ids=frozenset({EVERYONE, *roles})
    )


def under(rules: dict[Key, Document], *roles: int, operator: dict[Key, Document] | None = None, **where: Any) -> Terms:
    """What holds for a member with these roles."""
    return terms(member(*roles, **where), rules, operator or {})


def test_without_rules_nothing_is_bounded() -> None:
    """A server whose admins decided nothing has what the operator's settings say."""
    found = under({})
    assert (found.role, dict(found.bounds), found.is_open, found.threads) == (RolePolicy(), {}, True, "auto")


def test_what_is_left_out_is_no_more_than_may_be_asked_for() -> None:
    """Below a model's own defaults a limit lowers them, or every short command would be refused; fixed steps stay."""
    found = under({(Scope.GUILD, 0): {"steps": 20, "megapixels": 0.5}})
    dev, klein = found.lowered(REGISTRY["dev"]), found.lowered(REGISTRY["klein-4b"])
    assert (dev.default_steps, klein.default_steps) == (20, 4)
    request, _ = settle(dev, "a fox")
    require(found, demand_of(request))
    assert under({}).lowered(REGISTRY["dev"]) == REGISTRY["dev"]
    assert Enlargement().within(found).steps is None
    fewer = under({(Scope.GUILD, 0): {"steps": 10}})
    assert (Enlargement().within(fewer).steps, Enlargement(steps=30).within(fewer).steps) == (10, 30)


def test_a_bound_takes_every_shape_of_its_size() -> None:
    """What a limit lowers the default to is never beyond that limit, however the shape is snapped."""
    for most in (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 2.0):
        found = under({(Scope.GUILD, 0): {"megapixels": most}})
        for aspect in ASPECTS:
            request, _ = settle(found.lowered(REGISTRY["dev"]), "a fox", aspect=aspect)
            require(found, demand_of(request))


def test_threads_are_the_channels_else_the_servers_else_the_operators() -> None:
    """What the operator sets for every server holds where nobody else says."""
    operator: dict[Key, Document] = {(Scope.GUILD, 0): {"threads": "here"}}
    guild: dict[Key, Document] = {(Scope.GUILD, 0): {"threads": "auto"}}
    channel: dict[Key, Document] = {(Scope.CHANNEL, CHANNEL): {"threads": "always"}}
    assert under({}, operator=operator).threads == "here"
    assert under(guild, operator=operator).threads == "auto"
    assert under({**guild, **channel}, operator=operator).threads == "always"


def test_of_several_roles_each_figure_is_the_best() -> None:
    """More pictures from one role, the shorter cooldown from another, models of both; everyone's where none says."""
    rules: dict[Key, Document] = {
        (Scope.ROLE, EVERYONE): {"pictures_per_day": 5, "steps": 10, "models": ["klein-4b"]},
        (Scope.ROLE, VIP): {"pictures_per_day": 50, "cooldown_s": 30, "models": ["dev"]},
        (Scope.ROLE, ARTIST): {"pictures_per_day": 20, "cooldown_s": 10, "models": ["klein-9b"]},
    }
    both = under(rules, VIP, ARTIST).role
    assert (both.pictures_per_day, both.cooldown_s, both.steps) == (50, 10, 10)
    assert both.models == ("dev", "klein-9b")
    assert under(rules).role.pictures_per_day == 5


def test_a_members_own_quota_goes_before_every_role() -> None:
    """What an admin set for one member holds, be it more or less."""
    rules: dict[Key, Document] = {
        (Scope.ROLE, VIP): {"pictures_per_day": 50},
        (Scope.MEMBER, 7): {"pictures_per_day": 3},
    }
    assert under(rules, VIP).allowance.pictures_per_day == 3


def test_the_tightest_bound_holds_and_says_whose_it_is() -> None:
    """Role, channel, server and operator each bound a job; the smallest figure counts."""
    rules: dict[Key, Document] = {
        (Scope.ROLE, EVERYONE): {"steps": 40},
        (Scope.CHANNEL, CHANNEL): {"steps": 20, "megapixels": 2},
        (Scope.GUILD, 0): {"steps": 30, "megapixels": 4},
    }
    found = under(rules, operator={(Scope.GUILD, 0): {"megapixels": 1}})
    assert {name: (bound.most, bound.says) for name, bound in found.bounds.items()} == {
        "steps": (20, "This channel"),
        "megapixels": (1, "This bot"),
    }


def test_a_thread_is_ruled_as_its_channel_unless_it_has_rules_of_its_own() -> None:
    """A rule for the channel reaches its threads; one for the thread goes before it."""
    rules: dict[Key, Document] = {
        (Scope.CHANNEL, CHANNEL): {"access": "deny", "steps": 20},
        (Scope.CHANNEL, THREAD): {"access": "allow"},
    }
    assert not under(rules, channel=99, parent=CHANNEL).is_open
    inside = under(rules, channel=THREAD, parent=CHANNEL)
    assert inside.is_open
    assert inside.bounds["steps"].most == 20


def test_one_allowed_channel_closes_the_others() -> None:
    """Naming where pictures are drawn means that they are drawn nowhere else."""
    rules: dict[Key, Document] = {(Scope.CHANNEL, CHANNEL): {"access": "allow"}}
    assert under(rules).is_open
    assert not under(rules, channel=99).is_open
    assert under({(Scope.CHANNEL, CHANNEL): {"access": "deny"}}, channel=99).is_open


def test_models_are_refused_by_server_operator_and_role() -> None:
    """A model somebody disabled is drawn with by nobody; one a role does not list, not by that role."""
    rules: dict[Key, Document] = {
        (Scope.GUILD, 0): {"disabled_models": ["dev"], "default_model": "klein-9b"},
        (Scope.ROLE, VIP): {"models": ["klein-9b", "dev"]},
    }
    found = under(rules, VIP, operator={(Scope.GUILD, 0): {"disabled_models": ["klein-9b"]}})
    assert [found.allows_model(name) for name in ("dev", "klein-9b", "klein-4b")] == [False, False, False]
    assert under({}).allows_model("dev")
    assert found.usual.default_model == "klein-9b"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"megapixels": 2.0}, "This server allows at most 1 megapixel, and this has 2; ask for a smaller size"),
        ({"steps": 29}, "at most 28 steps, and this has 29"),
        ({"count": 3}, "at most 2 pictures at a time, and this has 3"),
        ({"references": 1}, "at most 0 reference images, and this has 1"),
    ],
)
def test_a_refusal_names_the_limit_its_value_and_what_was_asked(asked: dict[str, Any], words: str) -> None:
    """Exactly the bound is allowed, anything beyond is refused with both figures."""
    found = under({(Scope.GUILD, 0): {"megapixels": 1, "steps": 28, "count": 2, "references": 0}})
    most = {"model": "dev", "megapixels": 1.0, "steps": 28, "count": 2, "references": 0}
    require(found, Demand(**most))  # type: ignore[arg-type]
    with pytest.raises(Refusal, match=words):
        require(found, Demand(**{**most, **asked}))  # type: ignore[arg-type]


def test_a_request_is_measured_in_the_units_of_the_bounds() -> None:
    """One megapixel snapped to whole blocks still counts as one."""
    picture = ReferenceImage(sha256="a" * 64, width=1, height=1)
    request = GenerationRequest(
        model="dev",
        prompt="a fox",
        width=1376,
        height=768,
        num_inference_steps=28,
        seed=1,
        count=2,
        reference_images=(picture,),
    )
    assert demand_of(request) == Demand(model="dev", megapixels=1.0, steps=28, count=2, references=1)


def test_figures_nobody_could_mean_are_refused() -> None:
    """A rule is checked when it is made; one from a newer version with fields unknown here is still read."""
    with pytest.raises(ValidationError):
        RolePolicy(pictures_per_day=-1)
    with pytest.raises(ValidationError):
        GuildRule(steps=0)
    assert GuildRule.model_validate({"steps": 5, "from_the_future": 1}).steps == 5


def test_what_a_server_decides_about_pictures_goes_with_the_job() -> None:
    """Words of operator, server and channel add up, the lowest figures hold, one who wants the question has it."""
    rules: dict[Key, Document] = {
        (Scope.GUILD, 0): {"denied_words": ["spider"], "image_threshold": 0.6, "spoiler_threshold": 0.3},
        (Scope.CHANNEL, CHANNEL): {"denied_words": ["clown"], "image_threshold": 0.7, "question": True},
    }
    operator: dict[Key, Document] = {(Scope.GUILD, 0): {"denied_words": ["wasp"], "spoiler_threshold": 0.4}}
    inside, beside = under(rules, operator=operator), under(rules, channel=99, operator=operator)
    assert inside.screening == Policy(deny=("clown", "spider", "wasp"), refuse_above=0.6, hide_above=0.3, asks=True)
    assert beside.screening == Policy(deny=("spider", "wasp"), refuse_above=0.6, hide_above=0.3)
    assert under({}).screening == UNRULED


def test_only_pictures_in_an_age_restricted_channel_are_said_to_be() -> None:
    """What follows from that is the operator's, at the worker."""
    adult = Applicant(user_id=7, guild_id=GUILD, channel_id=CHANNEL, is_age_restricted=True)
    assert terms(adult, {}, {}).screening == Policy(is_age_restricted=True)
