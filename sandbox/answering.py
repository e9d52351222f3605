"""What an application says to an interaction: first response, placeholder, follow-ups and their edits."""

from __future__ import annotations

from sandbox import posting
from sandbox.draft import Draft
from sandbox.interaction import Interaction, InteractionType
from sandbox.mentions import USERS_ONLY
from sandbox.message import Message, MessageFlag, MessageType, Reference, Trigger
from sandbox.posting import Manner
from sandbox.wire import ApiError
from sandbox.world import World


def say(world: World, interaction: Interaction, draft: Draft, *, ephemeral: bool) -> Message:
    """Post the first response or a follow-up."""
    manner = _manner(world, interaction, ephemeral)
    return posting.post(world, world.bot, interaction.channel, draft, manner)


def placeholder(world: World, interaction: Interaction, *, ephemeral: bool) -> Message:
    """Post the message that says the application is thinking."""
    empty = Draft(frozenset({"content"}), flags=MessageFlag.LOADING)
    return say(world, interaction, empty, ephemeral=ephemeral)


def change(world: World, message: Message, draft: Draft) -> None:
    """Edit what was said. Raises ApiError 10008 if it was deleted."""
    if message.deleted:
        raise ApiError(10008)
    posting.edit(world, message, draft, USERS_ONLY)


def _manner(world: World, interaction: Interaction, ephemeral: bool) -> Manner:
    first = interaction.original if interaction.response is not None else None
    if first is interaction.message:
        first = None
    kind, target = _kind(interaction, first)
    trigger = Trigger(
        interaction_id=interaction.id,
        type=int(interaction.type),
        user=interaction.user,
        command_name=interaction.command_name,
        interacted_message_id=interaction.message.id if _pressed(interaction) and interaction.message else None,
        original_message_id=first.id if first else None,
        target_message_id=int(interaction.data["target_id"]) if "target_id" in interaction.data else None,
    )
    return Manner(
        default_mentions=USERS_ONLY,
        webhook_id=world.application_id,
        trigger=trigger,
        ephemeral_for=interaction.user.id if ephemeral else None,
        type=kind,
        reference=Reference(target.id, target.channel_id, target.guild_id) if target else None,
    )


def _pressed(interaction: Interaction) -> bool:
    return interaction.type is InteractionType.COMPONENT


def _kind(interaction: Interaction, first: Message | None) -> tuple[MessageType, Message | None]:
    """How the answer is shown, and what it refers to: a command, the pressed message, or the first response."""
    if first is not None:
        return MessageType.REPLY, first
    if interaction.type is InteractionType.COMMAND:
        is_menu = "target_id" in interaction.data
        return (MessageType.CONTEXT_MENU_COMMAND if is_menu else MessageType.CHAT_INPUT_COMMAND), None
    return (MessageType.REPLY, interaction.message) if interaction.message else (MessageType.DEFAULT, None)
