"""The whole report: of a deployment from its settings, and of a running bot in one channel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from redis.exceptions import RedisError

from bot.doctor import discord_side, redis_side, store_side, worker_side
from bot.ledger.job import State
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.policy import reports_channel
from config.finding import Finding, warn
from config.settings import BotSettings

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_DAY = timedelta(days=1)


async def of_deployment(settings: BotSettings, commands: Iterable[str]) -> list[Finding]:
    """Look at everything the settings name, without changing anything but one blob that is deleted again."""
    token, redis_url = settings.discord_token.get_secret_value(), settings.redis_url.get_secret_value()
    loopback = settings.allows_loopback_attachments
    parts = await asyncio.gather(
        discord_side.examine(
            token,
            settings.discord_api_url,
            settings.discord_gateway_url,
            commands,
            user_install=settings.user_install,
        ),
        redis_side.examine(redis_url),
        store_side.examine_ledger(settings.database_url.get_secret_value()),
        store_side.examine_rules(settings.rules_file),
        store_side.examine_blobs(settings.blob_url),
        worker_side.examine(redis_url, settings.flux2_model),
    )
    address = discord_side.judge_address(settings.discord_api_url, allows_loopback=loopback)
    return [address, *(finding for part in parts for finding in part)]


async def of_channel(client: Flux2Bot, guild_id: int | None, has: discord.Permissions) -> list[Finding]:
    """What an admin of one of several servers may know: whether the bot works here, and reports with it."""
    gateway = discord_side.judge_gateway([latency for _, latency in client.latencies])
    guild = client.get_guild(guild_id or 0)
    reports = [] if guild is None else [await _of_reports(client, guild)]
    return [discord_side.judge_permissions(has), gateway, *reports]


async def _of_reports(client: Flux2Bot, guild: discord.Guild) -> Finding:
    channel_id = reports_channel(await client.services.ledger.governance.rules(guild.id))
    channel = None if channel_id is None else guild.get_channel(channel_id)
    return discord_side.judge_reports(
        channel_id is not None,
        None if channel is None else channel.permissions_for(guild.me),
        is_public=channel is not None and channel.permissions_for(guild.default_role).view_channel,
    )


async def of_running(client: Flux2Bot, guild_id: int | None, has: discord.Permissions) -> list[Finding]:
    """Look at a bot that runs, from a channel in which it has the permissions `has`."""
    names = [str(command.name) for command in client.tree.get_commands(type=discord.AppCommandType.chat_input)]
    found = await of_deployment(client.settings, names)
    return [*await of_channel(client, guild_id, has), *found, *await _of_queue(client.services.ledger, client)]


async def _of_queue(ledger: Ledger, client: Flux2Bot) -> list[Finding]:
    waiting = [job for job in await ledger.open_jobs() if job.state is State.WAITING]
    oldest = waiting[0] if waiting else None
    try:
        gpus = await client.services.fleet.gpus_by_model()
    except (RedisError, OSError):
        return [warn("Queue", "it stands still without Redis", "Mend Redis first; what waits is kept.")]
    return worker_side.judge_queue(
        paused=await ledger.pause(),
        draining=await ledger.governance.drain(),
        oldest_s=None if oldest is None else (now() - oldest.created_at).total_seconds(),
        is_served=oldest is not None and gpus.get(oldest.request.model, 0) > 0,
        endings=await ledger.governance.endings(_DAY),
    )
