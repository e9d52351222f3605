"""The JSON of an interaction as the gateway sends it, and of the answer to its callback."""

from __future__ import annotations

from sandbox.contexts import app_permissions, context
from sandbox.interaction import Interaction, InteractionType
from sandbox.message import Message, MessageFlag
from sandbox.payloads import channel_json, member_json, message_json, user_json
from sandbox.wire import Json
from sandbox.world import World


def interaction_json(world: World, interaction: Interaction) -> Json:
    """What INTERACTION_CREATE carries."""
    channel = interaction.channel
    guild = world.guild_of(channel)
    mine = world.permissions(interaction.user, channel)
    body: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.type),
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": {**channel_json(world, channel), "permissions": str(int(mine))},
        "token": interaction.token,
        "version": 1,
        "app_permissions": str(int(app_permissions(world, interaction.user, channel))),
        "locale": "en-US",
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": interaction.owners,
        "context": int(context(world, channel)),
        "attachment_size_limit": world.upload_limit(channel),
    }
    if guild is not None:
        member = member_json(guild.members[interaction.user.id])
        body |= {
            "guild_id": str(guild.id),
            "guild_locale": guild.locale,
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "member": {**member, "permissions": str(int(mine))},
        }
    else:
        body["user"] = user_json(interaction.user)
    if interaction.message is not None and interaction.type is not InteractionType.COMMAND:
        body["message"] = message_json(world, interaction.message, full=True)
    return body


def callback_json(world: World, interaction: Interaction) -> Json:
    """What a callback with `with_response=true` returns."""
    told: Json = {"id": str(interaction.id), "type": int(interaction.type)}
    resource: Json = {"type": int(interaction.response or 0)}
    message: Message | None = interaction.original
    if message is not None:
        told |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.is_loading,
            "response_message_ephemeral": bool(message.flags & MessageFlag.EPHEMERAL),
            "channel_id": str(message.channel_id),
        }
        if interaction.response in (4, 7):
            resource["message"] = message_json(world, message, full=True)
    return {"interaction": told, "resource": resource}
