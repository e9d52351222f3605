"""A member's client: types commands, presses buttons, replies, fills forms, with Discord's own checks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import contexts, limits, posting
from sandbox.body import UploadedFile
from sandbox.client_rules import ClientRefused, Form, Upload
from sandbox.command import RegisteredCommand
from sandbox.components import SELECTS, Kind, counts
from sandbox.draft import Draft, NewFile
from sandbox.entities import Entities
from sandbox.guild import Channel, User
from sandbox.interaction import Interaction, InteractionType
from sandbox.mentions import Allowed
from sandbox.message import Attachment, Message, MessageFlag, MessageType, Reference
from sandbox.modal_form import Modal, ModalAnswers, choose
from sandbox.payloads import attachment_json, message_json, user_json
from sandbox.permissions import Permission
from sandbox.posting import PLAIN, Manner
from sandbox.use import InteractionFailed, Use
from sandbox.wire import Json
from sandbox.world import World

__all__ = ["ClientRefused", "InteractionFailed", "Member", "Upload", "Use"]

_HOME = "pictures"


class Member:
    """Somebody in front of Discord's client. A channel may be given as noun, id or name; #pictures is the default."""

    def __init__(self, world: World, user: User) -> None:
        self._world = world
        self.user = user

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def dm(self) -> Channel:
        """The direct messages with the bot."""
        return self._world.dm(self._world.bot, self.user)

    def install(self) -> None:
        """Add the application to this account, so that its commands come along everywhere."""
        self._world.application.installed_by.add(self.id)

    def close_dms(self) -> None:
        """Take no direct messages any more."""
        self.user.accepts_dms = False

    def open_dms(self) -> None:
        """Take direct messages again."""
        self.user.accepts_dms = True

    def wear(self, picture: bytes) -> None:
        """Take a picture, a PNG, as avatar."""
        self.user.avatar = self._world.cdn.keep_avatar(self.id, picture)

    def sees(self, message: Message) -> bool:
        """True if this member has the message before their eyes."""
        if message.deleted or message.ephemeral_for not in (None, self.id):
            return False
        return self._can(self._world.channels[message.channel_id], Permission.VIEW_CHANNEL)

    def messages(self, channel: Channel | int | str = _HOME) -> list[Message]:
        """What this member sees in a channel, oldest first."""
        return [message for message in self._world.messages(self._channel(channel).id) if self.sees(message)]

    # Commands

    async def slash(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        channel: Channel | int | str = _HOME,
        wait: bool = True,
    ) -> Use:
        """Send a slash command; a subcommand is named with its words (`admin status`), a file is an Upload.

        Returns once it is acknowledged or has failed (at once without `wait`). Raises ClientRefused.
        """
        where = self._channel(channel)
        words = name.removeprefix("/").split()
        command = self._command(where, words[0], kind=1)
        form = Form(self._world, where.guild_id, lambda upload: self._store(where, upload))
        filled = form.fill(command, words[1:], options or {})
        data = _command_data(command) | {"options": filled.options, "resolved": filled.resolved}
        return await self._send(InteractionType.COMMAND, data, where, wait, command_name=" ".join(words))

    async def menu(self, message: Message, name: str, *, wait: bool = True) -> Use:
        """Use a message context menu on a message, anybody's. Raises ClientRefused."""
        where = self._facing(message)
        command = self._command(where, name, kind=3)
        resolved = {"messages": {str(message.id): message_json(self._world, message, full=True)}}
        data = _command_data(command) | {"target_id": str(message.id), "resolved": resolved}
        return await self._send(InteractionType.COMMAND, data, where, wait, command_name=name)

    async def user_menu(self, user: User, name: str, *, channel: Channel | int | str = _HOME, wait: bool = True) -> Use:
        """Use a user context menu. Raises ClientRefused."""
        where = self._channel(channel)
        command = self._command(where, name, kind=2)
        data = _command_data(command) | {
            "target_id": str(user.id),
            "resolved": {"users": {str(user.id): user_json(user)}},
        }
        return await self._send(InteractionType.COMMAND, data, where, wait, command_name=name)

    async def autocomplete(
        self,
        name: str,
        option: str,
        typed: str,
        options: Mapping[str, Any] | None = None,
        *,
        channel: Channel | int | str = _HOME,
    ) -> list[Json]:
        """What the bot suggests while an option is being typed: dicts of name and value.

        Raises ClientRefused, or InteractionFailed without an answer.
        """
        where = self._channel(channel)
        words = name.removeprefix("/").split()
        command = self._command(where, words[0], kind=1)
        declared, wrap = _level(command, words[1:])
        chosen = next((one for one in declared if one["name"] == option and one.get("autocomplete")), None)
        if chosen is None:
            raise ClientRefused("autocomplete", f"{option} suggests nothing.")
        before = [
            {"name": one["name"], "type": one["type"], "value": (options or {})[one["name"]]}
            for one in declared
            if one["name"] in (options or {}) and one["name"] != option
        ]
        focused = {"name": option, "type": chosen["type"], "value": typed, "focused": True}
        data = _command_data(command) | {"options": wrap([*before, focused])}
        use = await self._send(InteractionType.AUTOCOMPLETE, data, where, True, command_name=" ".join(words))
        if use.interaction.choices is None:
            raise InteractionFailed("Loading options failed")
        return use.interaction.choices

    def commands(self, channel: Channel | int | str = _HOME) -> list[RegisteredCommand]:
        """The commands this member is offered in a channel."""
        where = self._channel(channel)
        return [
            command
            for command in self._world.commands.offered(where.guild_id)
            if contexts.owners_of(self._world, self.user, where, command) and self._may_use(command, where)
        ]

    def _command(self, channel: Channel, name: str, kind: int) -> RegisteredCommand:
        if not self._can(channel, Permission.USE_APPLICATION_COMMANDS) and not channel.is_dm:
            raise ClientRefused("permission", "Commands are not allowed in this channel.")
        for command in self.commands(channel):
            if (command.type, command.name) == (kind, name):
                return command
        said = f"There is no {'command /' if kind == 1 else 'menu entry '}{name} here"
        if any(command.name == name and command.type == kind for command in self._world.commands.offered(None)):
            said += f" for {self.user.name}: it is for admins, or for other places"
        raise ClientRefused("unknown_command", f"{said}.")

    def _may_use(self, command: RegisteredCommand, channel: Channel) -> bool:
        needed = command.payload.get("default_member_permissions")
        if needed is None or channel.is_dm:
            return True
        allowed = self._world.permissions(self.user, channel)
        if allowed & Permission.ADMINISTRATOR:
            return True
        return int(needed) != 0 and allowed & int(needed) == int(needed)

    # Components and forms

    async def press(self, message: Message, button: str, *, wait: bool = True) -> Use:
        """Press a button, named by label or custom id. Raises ClientRefused."""
        where = self._facing(message)
        for component in message.walk_components():
            if component["type"] == Kind.BUTTON and button in (component.get("label"), component.get("custom_id")):
                if component.get("disabled"):
                    raise ClientRefused("disabled", f"The button {button} is disabled.")
                if "custom_id" not in component:
                    raise ClientRefused("link", f"{button} is a link.")
                data = {"custom_id": component["custom_id"], "component_type": 2, "id": component.get("id", 0)}
                return await self._send(InteractionType.COMPONENT, data, where, wait, message=message)
        raise ClientRefused("unknown_component", f"The message has no button {button}.")

    async def select(self, message: Message, menu: str, *values: Any, wait: bool = True) -> Use:
        """Choose in a select menu, named by placeholder or custom id. Raises ClientRefused."""
        where = self._facing(message)
        for component in message.walk_components():
            named = menu in (component.get("placeholder"), component.get("custom_id"))
            if component["type"] in SELECTS and named and not component.get("disabled"):
                count = len(values)
                minimum, maximum = counts(component)
                if not minimum <= count <= maximum:
                    raise ClientRefused("count", f"{count} values cannot be chosen in {menu}.")
                entities = Entities(self._world, self._world.guild_of(where))
                data = {
                    "custom_id": component["custom_id"],
                    "component_type": component["type"],
                    "id": component.get("id", 0),
                    "values": [choose(component, one, menu, entities) for one in values],
                }
                if component["type"] != Kind.STRING_SELECT:
                    data["resolved"] = entities.resolved
                return await self._send(InteractionType.COMPONENT, data, where, wait, message=message)
        raise ClientRefused("unknown_component", f"The message has no menu {menu}.")

    async def submit(self, modal: Modal, values: Mapping[str, Any], *, wait: bool = True) -> Use:
        """Fill in a form, fields named by label or custom id, and send it. Raises ClientRefused."""
        opened_by = modal.interaction
        where = opened_by.channel
        entities = Entities(self._world, self._world.guild_of(where))
        answers = ModalAnswers(modal, values, lambda upload: self._store(where, upload), entities)
        data: Json = {"custom_id": modal.custom_id, "components": answers.components()}
        stored = {str(file.id): attachment_json(self._world, file) for file in answers.stored}
        if stored:
            entities.resolved["attachments"] = stored
        if entities.resolved:
            data["resolved"] = entities.resolved
        return await self._send(InteractionType.MODAL_SUBMIT, data, where, wait, message=opened_by.message)

    # Messages

    async def say(
        self, text: str, *, channel: Channel | int | str = _HOME, files: Sequence[Upload] = (), silent: bool = False
    ) -> Message:
        """Write a message. Raises ClientRefused."""
        return self._write(self._channel(channel), text, files, PLAIN, silent=silent)

    async def reply(self, message: Message, text: str = "", ping: bool = True, files: Sequence[Upload] = ()) -> Message:
        """Reply to a message, with the ping on or off. Raises ClientRefused."""
        where = self._facing(message)
        manner = Manner(
            default_mentions=Allowed(replied_user=ping),
            type=MessageType.REPLY,
            reference=Reference(message.id, where.id, where.guild_id),
        )
        return self._write(where, text, files, manner)

    async def delete(self, message: Message) -> None:
        """Delete an own message, dismiss an ephemeral one, or, with the permission, delete anybody's."""
        where = self._world.channels[message.channel_id]
        own = message.author is self.user or message.ephemeral_for == self.id
        if not own and not self._can(where, Permission.MANAGE_MESSAGES):
            raise ClientRefused("permission", "Only the author can delete this.")
        posting.delete(self._world, message)

    async def edit(self, message: Message, text: str) -> None:
        """Change the text of an own message. Raises ClientRefused."""
        if message.author is not self.user:
            raise ClientRefused("permission", "Only the author can edit this.")
        kept: dict[int, Json] = {file.id: {} for file in message.files}
        posting.edit(self._world, message, Draft(frozenset({"content"}), content=text, kept=kept))

    def _write(
        self, channel: Channel, text: str, files: Sequence[Upload], manner: Manner, *, silent: bool = False
    ) -> Message:
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        if not self._can(channel, sending) or (files and not self._can(channel, Permission.ATTACH_FILES)):
            raise ClientRefused("permission", "You do not have permission to send messages here.")
        if len(text) > limits.CONTENT or len(files) > limits.FILES:
            raise ClientRefused("too_long", "The message is too long or has too many files.")
        if not text.strip() and not files:
            raise ClientRefused("empty", "There is nothing to send.")
        for file in files:
            self._check_size(channel, file)
        draft = Draft(
            frozenset({"content"}),
            content=text.strip(),
            flags=MessageFlag.SUPPRESS_NOTIFICATIONS if silent else MessageFlag(0),
            files=tuple(NewFile(UploadedFile(file.filename, file.data), file.description) for file in files),
        )
        return posting.post(self._world, self.user, channel, draft, manner)

    # The rest

    async def _send(
        self,
        kind: InteractionType,
        data: Json,
        channel: Channel,
        wait: bool,
        *,
        message: Message | None = None,
        command_name: str | None = None,
    ) -> Use:
        world = self._world
        owners = self._owners(data, channel, message)
        interaction = Interaction(
            id=world.snowflakes.next(),
            token=secrets.token_urlsafe(60),
            type=kind,
            data=data,
            user=self.user,
            channel=channel,
            created_at=world.clock.now(),
            command_name=command_name,
            message=message,
            owners=owners,
            ack_s=world.ack_s,
            is_muted=contexts.is_muted(world, self.user, channel, owners),
        )
        world.interactions[interaction.id] = interaction
        world.publish("INTERACTION_CREATE", interaction)
        use = Use(world, interaction)
        return await use.acknowledged() if wait else use

    def _owners(self, data: Json, channel: Channel, message: Message | None) -> Json:
        """Whose installation this comes by; what stands on an answer comes by that of the interaction it answered."""
        command = next((one for one in self._world.commands if str(one.id) == data.get("id")), None)
        if command is not None:
            return contexts.owners_of(self._world, self.user, channel, command)
        answered = self._world.interactions.get(message.trigger.interaction_id) if message and message.trigger else None
        return answered.owners if answered else contexts.owners(self._world, self.user, channel)

    def _store(self, channel: Channel, upload: Upload) -> Attachment:
        self._check_size(channel, upload)
        return self._world.cdn.keep(
            channel.id, upload.filename, upload.data, description=upload.description, ephemeral=True
        )

    def _check_size(self, channel: Channel, upload: Upload) -> None:
        maximum = self._world.upload_limit(channel)
        if len(upload.data) > maximum:
            raise ClientRefused("too_large", f"Your files are too powerful. Max file size: {maximum >> 20} MB.")

    def _facing(self, message: Message) -> Channel:
        if not self.sees(message):
            raise ClientRefused("unknown_message", "This message is not there.")
        return self._world.channels[message.channel_id]

    def _channel(self, channel: Channel | int | str) -> Channel:
        found = channel if isinstance(channel, Channel) else self._world.channel(channel)
        if not self._can(found, Permission.VIEW_CHANNEL):
            raise ClientRefused("unknown_channel", "This channel is not there.")
        return found

    def _can(self, channel: Channel, permission: Permission) -> bool:
        return bool(self._world.permissions(self.user, channel) & permission)


def _command_data(command: RegisteredCommand) -> Json:
    data: Json = {"id": str(command.id), "name": command.name, "type": command.type}
    return data | ({"guild_id": str(command.guild_id)} if command.guild_id is not None else {})


def _level(command: RegisteredCommand, path: list[str]) -> tuple[list[Json], Any]:
    """The options declared at a subcommand, and how to wrap sent ones to lie there."""
    declared, layers = command.options, []
    for word in path:
        found = next((one for one in declared if one["name"] == word), None)
        if found is None:
            raise ClientRefused("unknown_command", f"There is no /{command.name} {' '.join(path)}.")
        layers.append((word, found["type"]))
        declared = found.get("options") or []

    def wrap(sent: list[Json]) -> list[Json]:
        for name, kind in reversed(layers):
            sent = [{"name": name, "type": kind, "options": sent}]
        return sent

    return declared, wrap
