"""A reply with ping to one of the bot's pictures is an edit of it.

The requester's reply acts at once; another member's gets a button to confirm, since it may be mere talk. Errors are a
reply that removes itself. Readable without the message-content intent, because the ping makes it a mention.
"""

from __future__ import annotations

import contextlib
import logging
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import answers, prompt_file, recipes
from bot.admission import Entry
from bot.applicants import applicant_in, author_of
from bot.fronts import ReplyFront, parent_of
from bot.gathering import Pointed
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.go_ahead import Reply, go_ahead
from bot.interactions.reply_hints import ReplyHints
from bot.language import N_, _
from bot.ledger.job import Job
from bot.message_links import links_in, unlinked
from bot.origin import job_told_by
from bot.picks import pick
from bot.pictures import pictures_of
from bot.policy import Applicant
from bot.presenter import MAX_CONTENT, plain
from bot.refusal import Refusal
from flux2.errors import InvalidRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_log = logging.getLogger(__name__)

ERROR_SHOWN_S = 60.0
CONFIRM_SHOWN_S = 300.0
_NEWS_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Longer than for a press: no reply expires."""
_MENTION_OR_EMOJI = re.compile(r"<(?:@[!&]?|#|a?:\w+:)\d+>")
# Scripts that write words without spaces: each character counts as one.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’-][^\W_]+)*")


def instruction_in(content: str) -> str | None:
    """The words of a reply, or None for what is no instruction: fewer than two words, or only emoji."""
    text = _MENTION_OR_EMOJI.sub(" ", content)
    return " ".join(text.split()) if len(_WORD.findall(text)) >= 2 else None


def _wish_in(message: discord.Message) -> str | None:
    """The words of a reply; empty where an attached file is to say it all, None where nothing asks for an edit."""
    words = instruction_in(message.content)
    return "" if words is None and any(map(prompt_file.is_one, message.attachments)) else words


class _Whose(Enum):
    OURS = auto()
    UNREAD = auto()
    """Ours, and the ping is off: the words are not shown to us."""
    FOREIGN = auto()
    """Somebody else's, and the reply calls us."""


class ReplyEdits:
    """Listens to replies."""

    def __init__(self, client: Flux2Bot, *, error_shown_s: float = ERROR_SHOWN_S) -> None:
        self._client = client
        self._error_shown_s = error_shown_s
        self._said: ReplyHints | None = None

    async def on_message(self, message: discord.Message) -> None:
        """Edit, ask to confirm, or stay silent."""
        instruction = _wish_in(message)
        whose = self._whose(message)
        if whose is None or (instruction is None and whose is not _Whose.UNREAD):
            return
        assert message.reference is not None
        assert message.reference.message_id is not None
        try:
            self._client.running.enter()
            if instruction is None or whose is _Whose.UNREAD:
                await self._hints().unpinged(message)
                return
            if whose is _Whose.FOREIGN:
                await self._hints().foreign(message)
                return
            job = await self._job_behind(message.reference)
            if job is None or not job.pictures:
                return
            if job.user_id == message.author.id:
                await self.edit(message, job, instruction)
            else:
                await self._ask(message, job)
        except Exception as error:  # noqa: BLE001 - the boundary of a member's reply: each error is answered and logged
            await self._explain(message, error)

    async def _job_behind(self, reference: discord.MessageReference) -> Job | None:
        """The job whose pictures are replied to; a quick reply overtakes the news of their posting."""
        assert reference.message_id is not None
        shown = reference.resolved
        if isinstance(shown, discord.Message) and shown.attachments:
            return await job_told_by(shown, self._client, _NEWS_PAUSES_S)
        return await self._client.services.ledger.by_result_message(reference.message_id)

    def _whose(self, message: discord.Message) -> _Whose | None:
        """Whose message this replies to, as far as it concerns us; None where it does not."""
        me, reference = self._client.user, message.reference
        if me is None or message.author.bot or reference is None or reference.message_id is None:
            return None
        if reference.type is not discord.MessageReferenceType.reply:
            return None
        shown = reference.resolved
        is_ours = not isinstance(shown, discord.Message) or shown.author.id == me.id
        if me in message.mentions:
            return _Whose.OURS if is_ours else _Whose.FOREIGN
        if message.guild is None and is_ours:
            # Direct messages are read without a ping.
            return _Whose.OURS
        return _Whose.UNREAD if isinstance(shown, discord.Message) and is_ours else None

    def _hints(self) -> ReplyHints:
        if self._said is None:
            self._said = ReplyHints(self._client.services.ledger)
        return self._said

    async def edit(
        self, message: discord.Message, job: Job, instruction: str, applicant: Applicant | None = None
    ) -> bool:
        """Admit the edit a reply asks for. False: it was admitted before, or is not wanted after all.

        `applicant` is the author as an interaction knows him: a message that was fetched does not tell his roles.
        Raises Refusal or InvalidRequest.
        """
        services = self._client.services
        models = await services.offer.look()
        applicant = applicant or author_of(message)
        own = job.request.model if job.request.model in models else None
        model = services.offer.pick(own, services.gate.default_model(applicant))
        shown = message.reference.resolved if message.reference else None
        written, attached = prompt_file.split(message.attachments)
        picked = pick(instruction, len(job.pictures), len(attached) + len(list(links_in(instruction))))
        pictures = await pictures_of(
            job, shown if isinstance(shown, discord.Message) else None, services, picked.numbers
        )
        prompt = picked.instruction
        if written:
            prompt = await prompt_file.read_prompt(written, prompt, services.attachments)
        extra = await services.gathering.gather(message.author, prompt, Pointed(attached), before=len(pictures))
        model = await services.gate.offered(applicant, model)
        scene = await services.casting.cast(applicant, extra.prompt, (*pictures, *extra.pictures))
        request, notes = recipes.edited(job, model, scene.prompt, scene.pictures)
        is_reworded = (prompt, scene.prompt) != (instruction, extra.prompt) and not written
        if not await go_ahead(self._client, applicant, request, Reply(message)):
            return False
        entry = Entry(
            idempotency_key=f"m{message.id}",
            source="reply",
            parent_id=job.id,
            applicant=applicant,
            request=request,
            asked=unlinked(instruction) if is_reworded else "",
            notes=(*picked.notes, *extra.notes, *scene.notes, *notes),
            file_size_limit=_file_size_limit(message.guild),
        )
        front = ReplyFront(message.channel, message.id, parent_of(message.channel))
        return await services.admission.admit(entry, front) is not None

    async def _ask(self, message: discord.Message, job: Job) -> None:
        view = ui.View(timeout=None)
        view.add_item(ConfirmButton(job.id))
        await message.reply(
            _("This is another member's picture; press Edit if I should draw your change as a new one."),
            view=view,
            silent=True,
            delete_after=CONFIRM_SHOWN_S,
            nonce=f"c{message.id}",
        )

    async def _explain(self, message: discord.Message, error: Exception) -> None:
        if isinstance(error, InvalidRequest):
            text = plain(str(error), MAX_CONTENT // 2)  # it may quote what was written, and everybody reads it
        elif isinstance(error, Refusal):
            text = str(error)
        else:
            _log.error("Reply %d could not be taken.", message.id, exc_info=error)
            text = _("Something went wrong on our side; reply again, and if it stays tell whoever runs this bot.")
        try:
            await message.reply(text, delete_after=self._error_shown_s, nonce=f"e{message.id}")
        except discord.DiscordException as refused:
            _log.info("Reply %d could not be answered: %s", message.id, refused)


def _file_size_limit(guild: discord.Guild | None) -> int:
    return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES


class ConfirmButton(JobButton, template=template(Verb.CONFIRM)):
    """Under another member's reply: draws the change that reply asks for, as that member's own picture."""

    verb = Verb.CONFIRM
    text = N_("Edit")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Edit as the reply says, once, for its author."""
        question = interaction.message
        assert question is not None
        if not await answers.acknowledge(interaction):
            return
        message = await self._reply_of(question)
        if message.author.id != interaction.user.id:
            raise Refusal(_("Only the member who replied can confirm this; reply to the picture yourself."))
        job = await job_of(interaction, self.job_id)
        instruction = _wish_in(message)
        if instruction is None:
            raise Refusal(_("I cannot read that reply any more; reply to the picture again, with ping."))
        await interaction.client.replies.edit(message, job, instruction, applicant_in(interaction))
        with contextlib.suppress(discord.NotFound):
            await interaction.delete_original_response()

    async def _reply_of(self, question: discord.Message) -> discord.Message:
        reference = question.reference
        if reference is None or reference.message_id is None:
            raise Refusal(_("That reply is gone; reply to the picture again, with ping."))
        try:
            # Asked anew rather than taken from the payload: that holds the reply, but not the picture it replies to.
            # The ignore: a question of ours always stands in a channel that has messages.
            return await question.channel.get_partial_message(reference.message_id).fetch()  # type: ignore[union-attr]
        except discord.NotFound as gone:
            raise Refusal(_("That reply is gone; reply to the picture again, with ping.")) from gone
