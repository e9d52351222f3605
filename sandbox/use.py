"""One use of a command, button, menu or form, as the member who did it sees what comes of it."""

from __future__ import annotations

from sandbox.interaction import CallbackType, Interaction
from sandbox.message import Message
from sandbox.modal_form import Modal
from sandbox.world import World


class InteractionFailed(TimeoutError):
    """The application did not respond within three seconds."""


class Use:
    """What a member set off."""

    def __init__(self, world: World, interaction: Interaction) -> None:
        self._world = world
        self.interaction = interaction

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self.interaction.id

    @property
    def failed(self) -> bool:
        """True once the member reads “The application did not respond”."""
        return self.interaction.expired_unanswered(self._world.clock.now())

    @property
    def is_acknowledged(self) -> bool:
        """True once the application responded in any way."""
        return self.interaction.response is not None

    @property
    def modal(self) -> Modal:
        """The form that was opened. Raises LookupError if none was."""
        if self.interaction.modal is None:
            raise LookupError("the application opened no modal")
        return Modal(self.interaction, self.interaction.modal)

    @property
    def opened_modal(self) -> bool:
        """True if the application answered with a form."""
        return self.interaction.modal is not None

    @property
    def messages(self) -> list[Message]:
        """What the application said, in order, without what it deleted and without an open placeholder."""
        return [message for message in self.interaction.messages if not (message.deleted or message.is_loading)]

    @property
    def is_thinking(self) -> bool:
        """True while a placeholder waits to be filled."""
        original = self.interaction.original
        return original is not None and original.is_loading and not original.deleted

    def ephemeral_follow_up(self) -> Message | None:
        """The newest answer this member alone sees, other than the first response."""
        found = [message for message in self.interaction.follow_ups if message.ephemeral and not message.deleted]
        return found[-1] if found else None

    async def answer(self, timeout: float = 60.0) -> Message:  # noqa: ASYNC109 - callers wait, none composes
        """The first message said; a deferred one once it is filled, an updated one once it is changed.

        Raises InteractionFailed if nothing was acknowledged in time, TimeoutError after `timeout` real seconds.
        """
        return await self._world.hub.until(self._answered, timeout)

    async def follow_up(self, timeout: float = 60.0) -> Message:  # noqa: ASYNC109 - callers wait, none composes
        """The first message said after the first response. Raises TimeoutError."""

        def probe() -> Message | None:
            return next((message for message in self.interaction.follow_ups if not message.deleted), None)

        return await self._world.hub.until(probe, timeout)

    async def acknowledged(self) -> Use:
        """Wait for the first response, as long as the world gives for it; look at `failed` afterwards."""

        def probe() -> Use | None:
            return self if self.is_acknowledged or self.failed else None

        return await self._world.hub.until(probe, timeout=60)

    def _answered(self) -> Message | None:
        if self.failed:
            raise InteractionFailed("The application did not respond")
        if self.messages:
            return self.messages[0]
        interaction = self.interaction
        changed = interaction.response is CallbackType.UPDATE or interaction.edited_original
        return interaction.message if changed and interaction.original is interaction.message else None
