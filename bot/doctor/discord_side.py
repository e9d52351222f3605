"""Discord: the token, the address, the commands it knows, the gateway's lag, and what the bot may do in a channel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import aiohttp
import discord

from bot import complaints
from bot.endpoints import use
from config.finding import Finding, fail, ok, warn

_SLOW_S = 1.0
NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
)
"""What the bot is invited with."""
_REPORTING = ("view_channel", "send_messages", "attach_files")
_OPTIONAL = frozenset({"create_public_threads", "send_messages_in_threads", "embed_links"})


def invite_url(application_id: int) -> str:
    """The link that adds the bot to a server, with its scopes and permissions."""
    return discord.utils.oauth_url(application_id, permissions=NEEDED, scopes=("bot", "applications.commands"))


def account_url(application_id: int) -> str:
    """The link that adds the bot to a member's own account."""
    return discord.utils.oauth_url(application_id, scopes=("applications.commands",)) + "&integration_type=1"


async def examine(
    token: str, api_url: str, gateway_url: str | None, commands: Iterable[str], *, user_install: bool = False
) -> list[Finding]:
    """Log in without a gateway, and compare the commands Discord knows with `commands`.

    `user_install`: members are to be able to add the bot to their account.
    """
    use(api_url, gateway_url)
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(token)
        assert client.application_id is not None
        known = await client.http.get_global_commands(client.application_id)
        found = [ok("Token", f"logged in as {client.user}"), judge_commands([one["name"] for one in known], commands)]
        found.append(ok("Invite", invite_url(client.application_id)))
        if user_install and client.application is not None:
            found.append(judge_accounts(client.application))
        return found
    except discord.LoginFailure:
        return [fail("Token", complaints.REFUSED)]
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        return [fail("Discord", complaints.discord_away(error))]
    finally:
        await client.close()


def judge_commands(known: Iterable[str], wanted: Iterable[str]) -> Finding:
    """Whether Discord knows every command of this version."""
    missing = sorted(set(wanted) - set(known))
    if missing:
        names = ", ".join("/" + name for name in missing[:8])
        return fail("Commands", f"Discord does not know {names}", "Restart the bot: it makes its commands known.")
    return ok("Commands", "Discord knows all of them")


def judge_accounts(application: discord.AppInfo) -> Finding:
    """Whether Discord lets members add the bot to their account."""
    if application.user_integration_config is None:
        fix = "Allow User Install under Installation in the developer portal, or set USER_INSTALL=false."
        return fail("User install", "Discord lets no member add the bot to their account", fix)
    return ok("User install", account_url(application.id))


def judge_gateway(latencies: Sequence[float]) -> Finding:
    """Seconds between a heartbeat and its answer, of every shard."""
    worst = max(latencies, default=math.inf)
    if not math.isfinite(worst):
        return fail("Gateway", "not connected", "Check the network and DISCORD_GATEWAY_URL; the bot goes on trying.")
    if worst > _SLOW_S:
        fix = "Move the bot nearer to Discord, or give its host more CPU."
        return warn("Gateway", f"{worst:.1f} s behind", fix)
    return ok("Gateway", f"{1000 * worst:.0f} ms")


def spelled(permissions: Iterable[str]) -> str:
    """Permissions as Discord's own pages name them."""
    others = {"read_messages": "View Channels", "send_messages_in_threads": "Send Messages in Threads"}
    return ", ".join(others.get(name, name.replace("_", " ").title()) for name in permissions)


def judge_permissions(has: discord.Permissions) -> Finding:
    """What the bot lacks in a channel."""
    missing = [name for name, needed in NEEDED if needed and not getattr(has, name)]
    if not missing:
        return ok("Permissions", "all of them in this channel")
    names = spelled(missing)
    fix = "Give them to the bot in this channel, or invite it again with the link of python -m bot invite."
    if set(missing) <= _OPTIONAL:
        return warn("Permissions", f"missing here: {names}; results stay in the channel itself", fix)
    return fail("Permissions", f"missing here: {names}", fix)


def judge_reports(is_chosen: bool, has: discord.Permissions | None, *, is_public: bool) -> Finding:
    """Whether reports of pictures reach moderators; `has`: what the bot may in their channel, None where it is gone."""
    fix = "Choose a channel of the moderators: /admin safety set reports_channel."
    if not is_chosen:
        return warn("Reports", "no channel is chosen, so members cannot report pictures", fix)
    if has is None:
        return fail("Reports", "their channel is gone, or the bot may not see it", fix)
    missing = [name for name in _REPORTING if not getattr(has, name)]
    if missing:
        return fail("Reports", f"missing in their channel: {spelled(missing)}", "Give them to the bot there.")
    if is_public:
        return warn("Reports", "everybody sees their channel, with the pictures and who reported them", fix)
    return ok("Reports", "their channel is there")


def judge_address(api_url: str, *, allows_loopback: bool) -> Finding:
    """Whether the bot speaks with Discord itself."""
    if allows_loopback:
        fix = "Remove DISCORD_API_URL, unless this is a trial or a local rate-limit proxy."
        return warn("Address", f"{api_url} is on this machine", fix)
    return ok("Address", api_url)
