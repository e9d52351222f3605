"""/tray: the pictures a member has laid by as references, as a numbered sheet; and more pictures for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import answers
from bot.commands.imagine import MAX_LINK
from bot.gathering import Pointed
from bot.interactions.tray import answer
from bot.language import N_
from bot.tray_desk import in_order

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Pictures you have laid by as references: see them, add some, put them in order."))
@app_commands.describe(
    image1=N_("A picture to add."),
    image2=N_("A second one."),
    image3=N_("A third one."),
    image4=N_("A fourth one."),
    link=N_("A link to a message whose pictures are added."),
    avatar=N_("A member whose avatar is added."),
    order=N_("Numbers of the pictures in the order you want, such as “3 1 2”."),
)
async def tray(
    interaction: discord.Interaction[Flux2Bot],
    image1: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    link: app_commands.Range[str, 1, MAX_LINK] | None = None,
    avatar: discord.User | discord.Member | None = None,
    order: app_commands.Range[str, 1, 60] | None = None,
) -> None:
    """Add what was given, reorder, show; for the asker alone."""
    services = interaction.client.services
    attachments = [one for one in (image1, image2, image3, image4) if one is not None]
    services.attachments.check(attachments)
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    found = await services.gathering.find(interaction.user, Pointed(attachments, link, avatar))
    notes: tuple[str, ...] = ()
    kept = await services.tray_desk.of(interaction.user.id)
    if found:
        kept, notes = await services.tray_desk.add(interaction.user.id, found)
    if order:
        kept = await services.tray_desk.arrange(interaction.user.id, in_order(order))
    await answer(interaction, kept, notes)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(tray)
