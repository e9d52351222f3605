"""/help: what the bot does and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.interactions.dialogue import paged
from bot.language import N_, _

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_TEXT = N_("""\
**/imagine** draws a picture from words. Attach up to four images as image1 to image4 to change or combine them.
**Reply to one of my pictures**, with the ping on, and say what should change: I draw the change. \
Images attached to the reply are used too.
**Again** draws the same with another seed, **Vary** the same with other details, \
**Edit** lets you change the words or the picture, \
**Upscale** makes it twice as large, and **/upscale** up to four times any picture you attach. \
**More…** holds the recipe, **Edit a part**, Remix, favourites, spoiler and delete; \
**Back** goes to the version before, to go on from there, **What changed** compares the two, \
and **Branch** begins a new thread with this one.
**/edit** changes a picture of your own, **/studio** takes up to ten of them in one form, and **/history** finds \
again what I drew for you.
**style:** puts a look around your words, codes such as #E8AA14 give exact colours, and **/scene** asks for a picture \
part by part. **a {red|blue} fox** is one of each, once you agree.
**The menu of any message with pictures** (Apps) has Edit, Upscale, Add to references (your **/tray**), Show recipe \
and Report. **/enhance** writes a prompt better, **/describe** puts a picture into words.
**/preset** keeps options, words and pictures under a name; after saving luna with her picture, @luna in a prompt \
brings it along. **/settings** keeps what you prefer.
**private:True** shows a picture to you alone, and /history again once it is dismissed; **/settings** makes that the \
rule. In direct messages with me everything works, and is yours alone.
**/jobs** shows where your pictures stand and what is left for today, and cancels them.
Leave out what you do not care about: size, steps and the rest have good defaults for each model.""")


@app_commands.command(description=N_("What I can do and how."))
async def help(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Show the text to whoever asks."""
    # In other languages it may be longer than a message.
    first, *rest = paged(_(_TEXT).splitlines())
    await interaction.response.send_message(first, ephemeral=True)
    for page in rest:
        await interaction.followup.send(page, ephemeral=True)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(help)
