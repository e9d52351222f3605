"""How every /admin subcommand answers: the right is checked at run time, the answer is the admin's alone, lists page.

Discord's own permissions hide the command and can be changed by a server; these checks are the ones that hold.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import discord
from redis.exceptions import RedisError

from bot import access, answers
from bot.administration.desk import Desk, Listing, Suggestion
from bot.interactions import dialogue
from bot.language import _
from bot.ledger.audit import EVERYWHERE, Actor
from bot.presenter import MAX_CONTENT, shorten
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

Here: TypeAlias = "discord.Interaction[Flux2Bot]"
_T = TypeVar("_T")
Work = Callable[[Desk], Awaitable[str | Listing | Suggestion]]


def desk_of(interaction: Here, *, is_everywhere: bool = False) -> Desk:
    """The desk of whoever asks, for this server or, for the operator, every one."""
    services = interaction.client.services
    guild_id = EVERYWHERE if is_everywhere else interaction.guild_id or EVERYWHERE
    return Desk(
        actor=Actor(interaction.user.id, guild_id),
        ledger=services.ledger,
        fleet=services.fleet,
        dispatcher=services.dispatcher,
        refresh=services.narration.refresh,
        queue_moved=services.narration.queue_moved,
    )


async def carry_out(interaction: Here, work: Work, *, by_operator: bool = False, is_everywhere: bool = False) -> None:
    """Check the right, do the work, show what came of it."""
    _require(interaction, by_operator)
    if await answers.acknowledge(interaction, ephemeral=True):
        desk = desk_of(interaction, is_everywhere=is_everywhere)
        answer = await _done(work, desk)
        if isinstance(answer, Suggestion):
            next_deed, said = answer.work, shorten(answer.said, MAX_CONTENT)
            await dialogue.ask(interaction, said, answer.label, lambda: _done(next_deed, desk), otherwise=said)
        else:
            await show(interaction, answer)


async def carry_out_after_asking(
    interaction: Here, question: str, label: str, work: Work, *, by_operator: bool = False
) -> None:
    """The same, once the admin has said that this is meant."""
    _require(interaction, by_operator)
    if not await answers.acknowledge(interaction, ephemeral=True):
        return

    async def act() -> str:
        return shorten(str(await _done(work, desk_of(interaction))), MAX_CONTENT)

    await dialogue.ask(interaction, question, label, act)


async def _done(work: Callable[[Desk], Awaitable[_T]], desk: Desk) -> _T:
    """Do it. Raises Refusal, where Redis is away for that too."""
    try:
        return await work(desk)
    except RedisError as away:
        raise Refusal(_("Redis cannot be reached, so this was not done; /doctor says what is wrong.")) from away


def _require(interaction: Here, by_operator: bool) -> None:
    if by_operator:
        access.require_operator(interaction)
    else:
        access.require_admin(interaction)


async def show(interaction: Here, answer: str | Listing) -> None:
    """Show a sentence, or a list page by page."""
    if isinstance(answer, Listing):
        await dialogue.show_pages(interaction, answer.title, answer.lines, answer.empty)
    else:
        await interaction.edit_original_response(content=shorten(answer, MAX_CONTENT))
