"""The Discord client: the smallest intents that will do, every command of bot/commands, one handler for every error.

Declines to know how jobs are queued and drawn; that is behind `services`.
"""

from __future__ import annotations

import asyncio
import logging
import pkgutil
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from yarl import URL

import bot.commands
import bot.menus
from bot import answers, command_sync, contexts
from bot.applicants import applicant_in
from bot.backstage import Backstage
from bot.interactions import dialogue, pages, tray, upscale_shown
from bot.interactions.again import AgainButton
from bot.interactions.back import BackButton
from bot.interactions.branch import BranchButton, Branches
from bot.interactions.cancel import CancelButton
from bot.interactions.changed import ChangedButton
from bot.interactions.custom_id import parse
from bot.interactions.delete import DeleteButton
from bot.interactions.dialogue import DialogueButton, Dialogues
from bot.interactions.edit import EditButton
from bot.interactions.favourite import FavouriteButton
from bot.interactions.final import FinalButton
from bot.interactions.forms import on_submit
from bot.interactions.more import MoreButton
from bot.interactions.part import CellsSelect, PartButton, PartSelect
from bot.interactions.recipe_file import RecipeFileButton
from bot.interactions.remix import RemixButton
from bot.interactions.reply import ConfirmButton, ReplyEdits
from bot.interactions.report import BanReported, DismissReport, RemoveReported, ReportButton
from bot.interactions.send import SendButton
from bot.interactions.show import ShowButton
from bot.interactions.spoiler import SpoilerButton
from bot.interactions.upscale import UpscaleButton, UpscaleSelect
from bot.interactions.vary import StrongButton, SubtleButton, VaryButton, VarySelect
from bot.interactions.words import OriginalButton, RewordButton, UseButton
from bot.language import _
from bot.running import Running
from bot.rush import Rush
from bot.services import Services
from config.settings import BotSettings

_log = logging.getLogger(__name__)

BUTTONS = (
    AgainButton,
    VaryButton,
    VarySelect,
    SubtleButton,
    StrongButton,
    FinalButton,
    EditButton,
    CancelButton,
    ConfirmButton,
    ShowButton,
    UpscaleButton,
    UpscaleSelect,
    upscale_shown.ShownSelect,
    MoreButton,
    RemixButton,
    FavouriteButton,
    SendButton,
    SpoilerButton,
    DeleteButton,
    BackButton,
    BranchButton,
    ChangedButton,
    RecipeFileButton,
    PartButton,
    PartSelect,
    CellsSelect,
    DialogueButton,
    ReportButton,
    RemoveReported,
    BanReported,
    DismissReport,
    UseButton,
    RewordButton,
    OriginalButton,
    *tray.ITEMS,
    pages.PageButton,
)
_FOLDERS = (bot.commands, bot.menus)
"""Each module in them registers what it holds."""
_DRAWING = frozenset(
    {"imagine", "edit", "upscale", "enhance", "describe", "studio", "scene", "preset use", "Edit", "Upscale"}
)
"""Commands and menus that end in a job. Whether one may be is asked first, before any work; `Admission` asks again."""
_THREADS_AT_ONCE = 8
"""Opened side by side; Discord takes fifty calls a second of us, and counts those it refuses against our address."""
_DRAIN_S = 20.0
"""Seconds that callbacks get to finish when the process is told to stop."""


# The library warns at every start that voice is not installed; nobody here speaks.
discord.VoiceClient.warn_nacl = False
discord.VoiceClient.warn_dave = False


def intents() -> discord.Intents:
    """What the bot is told of; nothing here is privileged."""
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True)


def _is_known(custom_id: str) -> bool:
    return parse(custom_id) is not None or any(
        kind.is_one(custom_id) for kind in (dialogue, tray, pages, upscale_shown)
    )


class Tree(app_commands.CommandTree["Flux2Bot"]):
    """The slash commands; each call counts as running work, each error is answered."""

    async def interaction_check(self, interaction: discord.Interaction[Flux2Bot], /) -> bool:
        """Count the call, and let nobody draw who may not; once a stop has begun, say so instead."""
        try:
            interaction.client.running.enter()
            if interaction.command is not None and interaction.command.qualified_name in _DRAWING:
                await interaction.client.services.gate.enter(applicant_in(interaction))
        except Exception as error:  # noqa: BLE001 - what a check raises would only be logged, never answered
            if interaction.type is not discord.InteractionType.autocomplete:
                await answers.explain(interaction, error)
            return False
        return True

    async def on_error(
        self, interaction: discord.Interaction[Flux2Bot], error: app_commands.AppCommandError, /
    ) -> None:
        """Answer for a failed command."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if interaction.type is discord.InteractionType.autocomplete:
            _log.error("Autocomplete failed.", exc_info=cause)
            return
        await answers.explain(interaction, cause)


class Flux2Bot(commands.AutoShardedBot):
    """The bot. `settings` decide everything; nothing is read from the environment."""

    tree: Tree
    services: Services

    def __init__(self, settings: BotSettings, **options: Any) -> None:
        """`options` go to the library; tests shorten its waits with them."""
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=60,
            **options,
        )
        self.settings = settings
        self.running = Running()
        self.rush = Rush()
        self.opening_threads = asyncio.Semaphore(_THREADS_AT_ONCE)
        self.replies = ReplyEdits(self)
        self.branches = Branches()
        self.dialogues = Dialogues()
        self.is_set_up = False
        self.has_collapsed = False
        self._backstage: Backstage | None = None
        self._closing: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """Open what stands behind, load the commands, sync them if they changed, go on where the last run ended."""
        self._backstage = await Backstage.open(self, self.settings)
        self.services = self._backstage.services
        self.add_dynamic_items(*BUTTONS)
        for folder in _FOLDERS:
            for module in pkgutil.iter_modules(folder.__path__):
                await self.load_extension(f"{folder.__name__}.{module.name}")
        contexts.open_up(
            self.tree, direct_messages=self.settings.direct_messages, user_install=self.settings.user_install
        )
        await command_sync.sync(self.tree, self.services.ledger)
        await self._backstage.start(self._collapse)
        self.is_set_up = True

    async def launch_shard(self, gateway: URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect a shard, to the gateway of the settings where they name one."""
        own = self.settings.discord_gateway_url
        await super().launch_shard(URL(own) if own else gateway, shard_id, initial=initial)

    async def on_interaction(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Take submitted modals, and answer for buttons nobody knows any more."""
        data: Mapping[str, Any] = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.modal_submit:
            await on_submit(interaction)
        elif interaction.type is discord.InteractionType.component and not _is_known(custom_id):
            await answers.refuse(
                interaction, _("This button is too old for me; ask for the picture again with /imagine.")
            )

    async def on_message(self, message: discord.Message, /) -> None:
        """Replies to pictures are edits; there are no prefix commands."""
        await self.replies.on_message(message)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget what is kept of the server; what its members have waiting is cancelled."""
        _log.info("Removed from server %d.", guild.id)
        await self.services.privacy.forget_guild(guild.id)

    async def on_ready(self) -> None:
        """Forget the servers that were left while nobody looked."""
        assert self.application_id is not None
        await self.services.privacy.forget_left((guild.id for guild in self.guilds), self.application_id)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what an event listener raised, without the event: it may hold what members wrote."""
        _log.exception("Listener %s failed.", event_method)

    def _collapse(self) -> None:
        """End the process so that it is started again: half a bot would accept what it cannot serve."""
        self.has_collapsed = True
        self._closing = asyncio.create_task(self.close())

    async def stop(self) -> None:
        """Let nothing new in, finish what runs, close."""
        await self.running.drain(_DRAIN_S)
        await self.close()

    async def close(self) -> None:
        """Stop what speaks to Discord, leave Discord, then close the rest."""
        backstage, self._backstage = self._backstage, None
        if backstage is not None:
            await backstage.stop()
        await super().close()
        if backstage is not None:
            await backstage.close()
