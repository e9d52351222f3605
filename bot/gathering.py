"""From everything a member points at to the references of one request, numbered from 1 in this order:

attached files, the message behind the `link` option, a member's avatar, messages linked in the prompt, the tray. A link
in the prompt becomes the numbers of its pictures. Declines to know commands, and the names of casts (bot/casting.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import discord

from bot.attachments import AttachmentReader
from bot.language import _, ngettext
from bot.ledger.trays import Trays
from bot.message_links import LinkedPictures, links_in
from bot.presenter import plain
from bot.preset import named_in
from bot.refusal import Refusal
from bot.remote import Attached, Remote
from flux2.request import MAX_REFERENCES, ReferenceImage

_AVATAR_SIDE = 1024
_NAME = 60


@dataclass(frozen=True)
class Pointed:
    """What a member points at beside the prompt."""

    attachments: Sequence[Attached] = ()
    link: str | None = None
    avatar: discord.User | discord.Member | None = None
    tray: bool = False
    mask: Attached | None = None
    """White where the first picture is to change; no reference itself."""

    def is_all(self, prompt: str) -> bool:
        """Whether the attachments are all there will be, as far as the payload shows."""
        more = self.link or self.avatar or self.tray or named_in(prompt)
        return not more and next(links_in(prompt), None) is None


@dataclass(frozen=True)
class Gathered:
    """The prompt without links, its pictures, and what is to be said of them."""

    prompt: str
    pictures: tuple[ReferenceImage, ...]
    notes: tuple[str, ...]
    mask: ReferenceImage | None = None


@dataclass
class _Pile:
    """Pictures found so far, and where those came from that were not attached."""

    before: int = 0
    """Pictures of the request that come first and are not gathered here."""
    found: list[Remote] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, pictures: Sequence[Attached], origin: str = "") -> str:
        """Put `pictures` on top and return what they are called; `origin` completes “Image 2 is”."""
        first = self.before + len(self.found) + 1
        self.found += (Remote.of(picture) for picture in pictures)
        called = numbered(first, self.before + len(self.found))
        if origin and pictures:
            self.notes.append(_origin(called, origin, len(pictures)))
        return called


def _origin(called: str, origin: str, count: int) -> str:
    return ngettext("{called} is {origin}.", "{called} are {origin}.", count).format(
        called=called.capitalize(), origin=origin
    )


class Gathering:
    """Gathers for every command."""

    def __init__(self, reader: AttachmentReader, links: LinkedPictures, trays: Trays) -> None:
        self._reader = reader
        self._links = links
        self._trays = trays

    async def gather(
        self, member: discord.User | discord.Member, prompt: str, pointed: Pointed, *, before: int = 0
    ) -> Gathered:
        """Find and download everything, counted from after the first `before` pictures of the request.

        Raises Refusal, before any download where there is too much.
        """
        pile = _Pile(before)
        pile.add(pointed.attachments)
        if pointed.link:
            pile.add(await self._behind(pointed.link, member), _("from the linked message"))
        if pointed.avatar:
            name = plain(pointed.avatar.display_name, _NAME)
            pile.add([avatar_of(pointed.avatar)], _("the avatar of {name}").format(name=name))
        prompt = await self._unlinked(prompt, member, pile)
        tray = await self._trays.of(member.id) if pointed.tray else ()
        if pointed.tray and not tray:
            raise Refusal(_("Your reference tray is empty; fill it with /tray or a picture's menu, or leave tray out."))
        total = before + len(pile.found) + len(tray)
        if total > MAX_REFERENCES:
            raise Refusal(
                _("{total} pictures are more than any model looks at; take at most {most}.").format(
                    total=total, most=MAX_REFERENCES
                )
            )
        read = await self._reader.read(pile.found)
        mask = await self._reader.read_mask(pointed.mask) if pointed.mask else None
        if tray:
            called = numbered(total - len(tray) + 1, total)
            pile.notes.append(_origin(called, _("from the tray"), len(tray)))
        pictures = (*read.pictures, *(laid.picture for laid in tray))
        return Gathered(prompt, pictures, (*read.notes, *pile.notes), mask)

    async def find(self, member: discord.User | discord.Member, pointed: Pointed) -> list[Remote]:
        """Everything outside the prompt and the tray, not downloaded yet. Raises Refusal."""
        found = [Remote.of(attachment) for attachment in pointed.attachments]
        found += await self._behind(pointed.link, member) if pointed.link else []
        return [*found, *([avatar_of(pointed.avatar)] if pointed.avatar else [])]

    async def _behind(self, text: str, member: discord.User | discord.Member) -> list[Remote]:
        """The pictures behind every link of the option."""
        links = list(links_in(text))
        if not links:
            raise Refusal(_("That is no link to a message; open the message's menu and choose Copy Message Link."))
        return [picture for link in links for picture in await self._links.open(link, member)]

    async def _unlinked(self, prompt: str, member: discord.User | discord.Member, pile: _Pile) -> str:
        """Put the numbers of its pictures in the place of each link."""
        told, end = "", 0
        for link in links_in(prompt):
            called = pile.add(await self._links.open(link, member), _("from the linked message"))
            told, end = told + prompt[end : link.start] + called, link.end
        return told + prompt[end:]


def avatar_of(user: discord.User | discord.Member) -> Remote:
    """The picture a member shows here. Raises Refusal for one who has none of their own."""
    avatar = (user.guild_avatar if isinstance(user, discord.Member) else None) or user.avatar
    if avatar is None:
        raise Refusal(
            _("{name} has no avatar of their own; attach a picture instead.").format(
                name=plain(user.display_name, _NAME)
            )
        )
    still = avatar.replace(format="png", size=_AVATAR_SIDE)
    return Remote(filename=f"{user.name}.png", url=still.url)


def numbered(first: int, last: int) -> str:
    """What pictures `first` to `last` are called in prompts: image 2, images 2 and 3, images 2 to 5."""
    if first >= last:
        return f"image {first}"
    return f"images {first} {'and' if last == first + 1 else 'to'} {last}"
