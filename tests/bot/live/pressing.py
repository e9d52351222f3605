"""Every button and menu of the bot, posted by using it, and what a press of each must lead to.

Only the member's side of Discord is touched, so that the same list serves a bot alone and the whole product.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from sandbox.faults import Fail, Fault
from sandbox.member import Member, Upload, Use
from sandbox.message import Message
from sandbox.server import SandboxServer

PROMPT = "a red circle on a white background"
SLOW = {"prompt": PROMPT, "size": "256x256", "steps": 30, "count": 4}
"""Long enough to outlive a restart, so that it can be cancelled after it."""
_PATIENCE_S = 60.0
_SORRY = ("went wrong", "too old for me", "no longer kept", "never posted", "not known")

Sign = Callable[[SandboxServer, Message, Use, set[int]], Awaitable[None]]
"""Waits for what a press must lead to; is told what was pressed, and which messages stood before.

Raises AssertionError or TimeoutError.
"""


@dataclass(frozen=True)
class Press:
    """One button, select or menu entry, used on one message."""

    by: str
    """The member's name."""
    message: Message
    name: str
    """A button's label, a select's placeholder, the menu's entry."""
    sign: Sign
    in_menu: bool = False

    @property
    def known_as(self) -> str:
        """What the bot knows it by: the custom_id, or the menu's entry."""
        for component in self.message.walk_components():
            if not self.in_menu and self.name in (component.get("label"), component.get("placeholder")):
                return str(component["custom_id"])
        return self.name

    async def carry_out(self, server: SandboxServer) -> None:
        """Use it, and wait for the sign."""
        before = {one.id for one in server.world.all_messages()}
        use = await self._use(server.member(self.by))
        assert not use.failed, f"{self.name}: the application did not respond"
        try:
            await self.sign(server, self.message, use, before)
        except TimeoutError as error:
            raise AssertionError(f"{self.name} led to nothing but {[one.content for one in use.messages]}") from error

    async def _use(self, member: Member) -> Use:
        if self.in_menu:
            return await member.menu(self.message, self.name)
        for component in self.message.walk_components():
            if component.get("placeholder") == self.name:
                return await member.select(self.message, self.name, component["options"][0]["label"])
        return await member.press(self.message, self.name)


async def form(_: SandboxServer, __: Message, use: Use, ___: set[int]) -> None:
    """A form opens."""
    assert use.opened_modal, [one.content for one in use.messages]


async def answer(_: SandboxServer, __: Message, use: Use, ___: set[int]) -> None:
    """An answer, or a change of the message, that is no excuse."""
    said = (await use.answer(_PATIENCE_S)).text()
    excuses = [one.text() for one in use.interaction.follow_ups] + [said]
    assert not any(sorry in text for text in excuses for sorry in _SORRY), excuses


async def follow_up(_: SandboxServer, __: Message, use: Use, ___: set[int]) -> None:
    """A message of its own that is no excuse."""
    said = (await use.follow_up(_PATIENCE_S)).text()
    assert not any(sorry in said for sorry in _SORRY), said


async def picture(server: SandboxServer, _: Message, use: Use, before: set[int]) -> None:
    """A picture is drawn and posted for everybody."""

    def probe() -> Message | None:
        assert not use.interaction.follow_ups, [one.content for one in use.interaction.follow_ups]
        posted = (one for one in server.world.all_messages() if one.id not in before and not one.ephemeral)
        return next((one for one in posted if any(name.filename.startswith("flux2-") for name in one.files)), None)

    await server.world.hub.until(probe, _PATIENCE_S)


async def gone(server: SandboxServer, pressed: Message, _: Use, __: set[int]) -> None:
    """The pressed message is deleted or has lost its buttons."""

    def probe() -> bool | None:
        now = server.world.message(pressed.id)
        return True if now is None or not now.labels() else None

    await server.world.hub.until(probe, _PATIENCE_S)


@dataclass(frozen=True)
class Garden:
    """Messages that carry every button there is."""

    slow: Message
    result: Message
    panel: Message
    strangers: Message
    """The panel of one who may not delete the picture."""
    several: Message
    varying: Message
    enlarging: Message
    enlarging_shown: Message
    parting: Message
    question: Message
    unposted: Message
    rewritten: Message
    tray: Message
    reports: tuple[Message, ...]

    def presses(self) -> Iterator[Press]:
        """What is pressed, in an order in which nothing takes the ground from what follows."""
        yield Press("luna", self.slow, "Cancel", gone)
        yield Press("max", self.result, "Again", picture)
        yield Press("luna", self.result, "Edit", form)
        yield Press("max", self.result, "Upscale", picture)
        yield Press("luna", self.panel, "Remix", form)
        yield Press("luna", self.enlarging, "Which picture…", picture)
        yield Press("max", self.enlarging_shown, "Which picture…", picture)
        yield Press("luna", self.varying, "Which picture…", answer)
        yield Press("luna", self.parting, "Which picture…", answer)
        yield Press("luna", self.parting, "Which cells…", form)
        for label in ("Subtle", "Strong", "Final"):
            yield Press("luna", self.varying, label, picture)
        for label in ("Favourite", "DM me", "Spoiler", "Back", "What changed", "Branch", "Recipe file", "Edit a part"):
            yield Press("luna", self.panel, label, follow_up)
        # After them: what shows a button once makes it known to the process.
        yield Press("luna", self.result, "More…", answer)
        yield Press("max", self.several, "Vary", answer)
        yield Press("max", self.question, "Edit", picture)
        yield Press("luna", self.unposted, "Post again", follow_up)
        yield Press("luna", self.rewritten, "Use", picture)
        yield Press("luna", self.rewritten, "Edit", form)
        yield Press("luna", self.rewritten, "Original", picture)
        yield Press("max", self.result, "Edit", form, in_menu=True)
        yield Press("max", self.result, "Upscale", picture, in_menu=True)
        for entry in ("Add to references", "Show recipe", "Report"):
            yield Press("max", self.result, entry, answer, in_menu=True)
        yield Press("luna", self.tray, "Draw…", form)
        for name in ("Make it image 1…", "Take out…", "Clear"):
            yield Press("luna", self.tray, name, answer)
        yield Press("max", self.strangers, "Report", follow_up)
        for report, label in zip(self.reports, ("Dismiss", "Delete", "Ban"), strict=True):
            yield Press("ada", report, label, gone)
        yield Press("luna", self.panel, "Delete", follow_up)


async def plant(server: SandboxServer, upload: Callable[..., Upload]) -> Garden:
    """Use the bot until all its buttons stand somewhere. Needs a language model that answers /enhance."""
    world, luna, max_ = server.world, server.member("luna"), server.member("max")
    lounge = world.channel("lounge")
    await (await server.member("ada").slash("admin safety set", {"reports_channel": lounge})).answer()
    result = await _posted(server, luna.slash("imagine", {"prompt": PROMPT}))
    before = {one.id for one in world.all_messages()}
    await luna.press(result, "Again")
    second = await world.wait_for(lambda one: one.id not in before and "More…" in one.labels(), timeout=_PATIENCE_S)
    panel = await (await luna.press(second, "More…")).answer()
    # Of few steps: the model itself can make it final.
    several = await _posted(server, luna.slash("imagine", {"prompt": PROMPT, "count": 2, "steps": 2}))
    varying = await (await luna.press(several, "Vary")).answer()
    enlarging = await (await luna.press(several, "Upscale")).answer()
    shown = await max_.say("look", files=[upload("c.png", 64), upload("d.png", 64)])
    enlarging_shown = await (await max_.menu(shown, "Upscale")).answer()
    behind = await (await luna.press(several, "More…")).answer()
    parting = await (await luna.press(behind, "Edit a part")).follow_up()
    strangers = await (await max_.press(second, "More…")).answer()
    reply = await max_.reply(result, "make it blue")
    question = await world.wait_for(lambda one: one.reference_id == reply.id)
    reported = [await _posted(server, max_.slash("imagine", {"prompt": PROMPT, "seed": seed})) for seed in range(3)]
    for message in reported:
        await (await luna.menu(message, "Report")).answer()
    rewritten = await _posted(server, luna.slash("enhance", {"prompt": "a fox"}), is_words=True)
    tray = await (await luna.slash("tray", {"image1": upload("a.png", 32), "image2": upload("b.png", 48)})).answer()
    unposted = await _unposted(server, luna)
    slow = await (await luna.slash("imagine", SLOW)).answer()
    await world.wait_for(lambda one: one.id == slow.id and "Cancel" in one.labels())
    reports = tuple(world.messages(lounge.id))
    return Garden(
        slow,
        result,
        panel,
        strangers,
        several,
        varying,
        enlarging,
        enlarging_shown,
        parting,
        question,
        unposted,
        rewritten,
        tray,
        reports,
    )


async def _posted(server: SandboxServer, sending: Awaitable[Use], *, is_words: bool = False) -> Message:
    before = {one.id for one in server.world.all_messages()}
    await (await sending).answer()
    has = "Use" if is_words else "More…"
    return await server.world.wait_for(lambda one: one.id not in before and has in one.labels(), timeout=_PATIENCE_S)


async def _unposted(server: SandboxServer, luna: Member) -> Message:
    """A picture that neither channel nor DM took, as /jobs offers it."""
    luna.close_dms()
    server.world.faults.add(Fault("POST", r"/channels/\d+/messages$", Fail(403, 50013), count=None))
    status = await (await luna.slash("imagine", {"prompt": PROMPT})).answer()
    await server.world.wait_for(lambda one: one.id == status.id and "/jobs" in one.content, timeout=_PATIENCE_S)
    server.world.faults.clear()
    luna.open_dms()
    return await (await luna.slash("jobs")).answer()
