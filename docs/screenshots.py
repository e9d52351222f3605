"""The pictures of the sandbox page in the documents: `make screenshots` starts everything, acts, and saves them.

With words behind it, as in `python docs/screenshots.py admin`, only those whose names have one of them are saved.

Everything on them is real: the bot, its workers, the sample model, a Chromium. Needs one on PATH; with the font Inter
installed (Debian: fonts-inter) the letters are those of the committed pictures.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.stack import Stack

IMAGES = Path(__file__).parent / "images"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
_WIDE, _TALL, _PHONE = {"width": 1280, "height": 800}, {"width": 1280, "height": 1040}, {"width": 390, "height": 800}
_LOW, _SQUARE = {"width": 1000, "height": 460}, {"width": 1000, "height": 640}
_QUALITY = 88
_PATIENCE_S = 180.0

Scene = Callable[[Page, Stack], Awaitable[None]]


async def main() -> int:
    """Take them all and return the exit status."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("There is no Chromium on PATH; on Debian and Ubuntu: apt-get install chromium\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), settings={"PREVIEW_INTERVAL_S": "1"}) as stack, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
            await _draw_some(stack)
            await _take(browser, stack, "page-thread", _TALL, "dark", thread)
            await _take(browser, stack, "page-picker", _WIDE, "light", picker)
            await _take(browser, stack, "page-form", _WIDE, "dark", form)
            await _take(browser, stack, "page-large", _WIDE, "light", large)
            await _take(browser, stack, "page-phone", _PHONE, "dark", thread)
            await _take(browser, stack, "page-lists", _TALL, "dark", lists)
            await _take(browser, stack, "page-faults", _TALL, "light", faults)
            await _take(browser, stack, "page-studio", _WIDE, "light", studio)
            await _take(browser, stack, "going-on-preview", _SQUARE, "dark", preview)
            await _take(browser, stack, "going-on-line", _TALL, "light", line)
            await _take(browser, stack, "going-on-vary", _SQUARE, "dark", vary)
            await _take(browser, stack, "going-on-part", _TALL, "light", part)
            await _take(browser, stack, "going-on-history", _SQUARE, "light", history)
            await _take(browser, stack, "going-on-preset", _SQUARE, "dark", preset)
            await _take(browser, stack, "page-tray", _WIDE, "dark", tray)
            await _govern(stack)
            await _take(browser, stack, "admin-status", _LOW, "dark", status)
            await _take(browser, stack, "admin-report", _SQUARE, "dark", report)
            await _take(browser, stack, "admin-audit", _SQUARE, "light", audit)
            await _take(browser, stack, "admin-doctor", _TALL, "light", doctor)
            await browser.close()
    return 0


async def _take(browser: Browser, stack: Stack, name: str, size: dict[str, int], scheme: str, scene: Scene) -> None:
    if not any(word in name for word in sys.argv[1:] or [""]):
        return
    is_phone = size is _PHONE
    context = await browser.new_context(
        viewport={**size},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        device_scale_factor=2 if is_phone else 1.5,
        is_mobile=is_phone,
        has_touch=is_phone,
    )
    if name.startswith("admin"):
        await context.add_init_script("sessionStorage.setItem('member', 'ada')")
    page = await context.new_page()
    await page.goto(stack.server.page_url)
    await page.locator("#app").wait_for()
    await scene(page, stack)
    if scene is not picker:  # whose pointer rests on a choice
        await page.mouse.move(0, 0)
    await page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    _save(await page.screenshot(), IMAGES / f"{name}.webp")
    await context.close()
    sys.stderr.write(f"docs/images/{name}.webp\n")


def _save(data: bytes, path: Path) -> None:
    """A tenth of the size, with no difference an eye would find."""
    Image.open(io.BytesIO(data)).convert("RGB").save(path, quality=_QUALITY, method=6)


# What stands in the channels before anybody looks.

_PROMPTS = ("a blue star on a yellow background", "a red circle on a white background")
_CHANGE = "make it blue"
_LISTS = "a {red|blue|green} {circle|star} on a white background"


async def _draw_some(stack: Stack) -> None:
    luna, lunas = stack.server.member("luna"), []
    for prompt in _PROMPTS:
        use = await luna.slash("imagine", {"prompt": prompt, "seed": 11})
        await use.answer(timeout=_PATIENCE_S)
        lunas.append(await _picture(stack, prompt))
        # The status message says Done once the bot knows where the picture is; a member is never quicker than that.
        await stack.server.world.wait_for(lambda message, words=prompt: _is_done(message, words), timeout=_PATIENCE_S)
    await luna.reply(lunas[-1], _CHANGE, ping=True)
    await stack.server.world.wait_for(lambda message: _is_picture(message, _CHANGE), timeout=_PATIENCE_S)


async def _picture(stack: Stack, words: str) -> Message:
    return await stack.server.world.wait_for(lambda message: _is_picture(message, words), timeout=_PATIENCE_S)


def _is_picture(message: Message, words: str) -> bool:
    return bool(message.files) and message.is_by_bot and words in message.content


def _is_done(message: Message, words: str) -> bool:
    return words in message.content and "Done" in message.content


# The scenes.


async def thread(page: Page, stack: Stack) -> None:
    """A channel with its thread: the picture, the reply that edits it, and what came of it."""
    await page.locator("#main .thread-card").last.click()
    await page.locator("#thread .picture").nth(1).wait_for()


async def picker(page: Page, stack: Stack) -> None:
    """/imagine being filled in, at an option with choices."""
    await page.get_by_role("combobox", name="Message #pictures").fill("/imagine")
    await page.get_by_role("option").first.wait_for()
    await page.keyboard.press("Enter")
    await page.get_by_label("prompt").fill("a purple triangle on a white background")
    for option, value in (("seed", "7"), ("aspect", "")):
        await page.get_by_label("Add an option").fill(option)
        await page.keyboard.press("Enter")
        await page.locator(f'.pill[data-option="{option}"] input').fill(value)
    await page.get_by_role("option").nth(2).hover()


async def form(page: Page, stack: Stack) -> None:
    """The form behind Edit."""
    await thread(page, stack)
    await page.locator("#thread").get_by_role("button", name="Edit").first.click()
    await page.get_by_role("dialog").wait_for()


async def studio(page: Page, stack: Stack) -> None:
    """The form of /studio."""
    await page.get_by_role("combobox", name="Message #pictures").fill("/studio")
    await page.get_by_role("option").first.wait_for()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").wait_for()


async def tray(page: Page, stack: Stack) -> None:
    """Two pictures in the reference tray, on their numbered sheet."""
    luna = stack.server.member("luna")
    for words in (*_PROMPTS[:1], _CHANGE):
        await (await luna.menu(await _picture(stack, words), "Add to references")).answer(timeout=_PATIENCE_S)
    await (await luna.slash("tray")).answer(timeout=_PATIENCE_S)
    await page.locator("#main .picture").last.wait_for()


async def lists(page: Page, stack: Stack) -> None:
    """A prompt with lists: its pictures and the sheet of them all."""
    luna = stack.server.member("luna")
    asked = await (await luna.slash("imagine", {"prompt": _LISTS, "seed": 3})).answer(timeout=_PATIENCE_S)
    await luna.press(asked, "Draw 6")
    await stack.server.world.wait_for(lambda message: len(message.files) == 7, timeout=_PATIENCE_S)
    await page.locator("#main .thread-card", has_text="{red").click()
    await page.locator("#thread .picture").nth(6).wait_for()


async def large(page: Page, stack: Stack) -> None:
    """A picture in the lightbox, with its alt text."""
    await thread(page, stack)
    await page.locator("#thread .picture").first.click()
    await page.get_by_role("dialog").wait_for()


async def faults(page: Page, stack: Stack) -> None:
    """The faults panel after Discord failed twice and the picture still came, once."""
    await page.get_by_role("button", name="Faults").click()
    panel = page.get_by_role("complementary", name="Faults")
    for kind in ("answers 502", "does it, but answers 502"):
        await panel.get_by_label("Discord").select_option(kind)
        await panel.get_by_role("button", name="Let it happen").click()
    await stack.server.member("max").slash("imagine", {"prompt": "a black triangle on a yellow background", "seed": 3})
    await _picture(stack, "a black triangle")
    await panel.get_by_label("Discord").select_option("is out (503)")
    await panel.get_by_label("seconds").fill("20")
    await panel.get_by_role("button", name="Let it happen").click()
    await panel.locator(".calls .bad").nth(1).wait_for()


# Going on from a picture.


async def _room(page: Page, stack: Stack, name: str) -> None:
    """A channel without what was drawn before."""
    stack.server.world.add_channel(name)
    await page.locator(f'.channel[data-channel="{name}"]').click()


async def preview(page: Page, stack: Stack) -> None:
    """A status message with the picture in the making."""
    await _room(page, stack, "patience")
    wish = {"prompt": _PROMPTS[0], "steps": 50, "count": 4, "seed": 11}
    await (await stack.server.member("luna").slash("imagine", wish, channel="patience")).answer()
    await page.get_by_role("img", name="What the picture is becoming").wait_for(timeout=_PATIENCE_S * 1000)


async def line(page: Page, stack: Stack) -> None:
    """A picture that came from another, and what More… says of the two."""
    luna, changed = stack.server.member("luna"), await _picture(stack, _CHANGE)
    panel = await (await luna.press(changed, "More…")).answer(timeout=_PATIENCE_S)
    await (await luna.press(panel, "What changed")).follow_up(timeout=_PATIENCE_S)
    await page.locator("#main .thread-card").nth(1).click()
    await page.locator("#thread").get_by_text("Only you can see this").nth(1).wait_for()


async def vary(page: Page, stack: Stack) -> None:
    """Vary under a picture of several."""
    await _room(page, stack, "drafts")
    luna = stack.server.member("luna")
    wish = {"prompt": "a green square on a yellow background", "count": 2, "steps": 2, "seed": 5}
    await (await luna.slash("imagine", wish, channel="drafts")).answer(timeout=_PATIENCE_S)
    drawn = await stack.server.world.wait_for(lambda one: "Vary" in one.labels() and len(one.files) == 2)
    await (await luna.press(drawn, "Vary")).answer(timeout=_PATIENCE_S)
    await page.locator("#main .thread-card").last.click()
    await page.locator("#thread").get_by_text("Only you can see this").wait_for()


async def part(page: Page, stack: Stack) -> None:
    """A picture under its grid, and what came of changing two of its cells."""
    await _room(page, stack, "corners")
    world, luna = stack.server.world, stack.server.member("luna")
    wish = {"prompt": "a blue circle on a white background", "seed": 11, "aspect": "3:2"}
    await (await luna.slash("imagine", wish, channel="corners")).answer(timeout=_PATIENCE_S)
    drawn = await _picture(stack, "a blue circle")
    panel = await (await luna.press(drawn, "More…")).answer(timeout=_PATIENCE_S)
    grid = await (await luna.press(panel, "Edit a part")).follow_up(timeout=_PATIENCE_S)
    form = (await luna.select(grid, "Which cells…", "A1 · top left", "A2 · left", "A3 · bottom left")).modal
    await luna.submit(form, {"What should change there": "make the background yellow"})
    await world.wait_for(lambda one: _is_picture(one, "background yellow"), timeout=_PATIENCE_S)
    await page.locator("#main .thread-card").last.click()
    await page.locator("#thread .picture").nth(2).wait_for()


async def history(page: Page, stack: Stack) -> None:
    """/history."""
    await _room(page, stack, "lookout")
    await (await stack.server.member("luna").slash("history", channel="lookout")).answer(timeout=_PATIENCE_S)
    await page.get_by_text("Only you can see this").wait_for()


async def preset(page: Page, stack: Stack) -> None:
    """A preset saved, and a picture drawn with it."""
    await _room(page, stack, "night")
    luna = stack.server.member("luna")
    kept = {"name": "night", "suffix": "on a black background"}
    await (await luna.slash("preset save", kept, channel="night")).answer(timeout=_PATIENCE_S)
    used = {"name": "night", "prompt": "a yellow star", "seed": 3}
    await (await luna.slash("preset use", used, channel="night")).answer(timeout=_PATIENCE_S)
    await _picture(stack, "a yellow star")
    await page.locator("#main .thread-card").last.click()
    await page.locator("#thread .picture").wait_for()


# What an admin sees, in a channel of the moderators'.

_OFFICE = "moderation"
_REASON = "drew the same picture forty times"


async def _govern(stack: Stack) -> None:
    """Some of a server's days: rules, and a ban that was lifted."""
    world, ada, max_ = stack.server.world, stack.server.member("ada"), stack.server.member("max")
    office = world.add_channel(_OFFICE)
    bot_role = next(role for role in world.guild.roles.values() if role.managed_by == world.bot.id)
    world.overwrite(office, world.guild.roles[world.guild.id], deny=Permission.VIEW_CHANNEL)
    world.overwrite(office, bot_role, allow=Permission.VIEW_CHANNEL)
    for command, options in (
        ("safety set", {"reports_channel": office}),
        ("roles set", {"role": world.guild.roles[world.guild.id], "pictures_per_day": 20}),
        ("limits set", {"megapixels": 2.0}),
        ("ban", {"member": max_.user, "reason": _REASON, "lasts": "12h"}),
        ("unban", {"member": max_.user}),
    ):
        await (await ada.slash(f"admin {command}", options, channel="lounge")).answer(timeout=_PATIENCE_S)


async def _answered(page: Page, stack: Stack, command: str, options: dict[str, object] | None = None) -> None:
    """Have ada send a command in the moderators' channel."""
    await page.locator(f'.channel[data-channel="{_OFFICE}"]').click()
    use = await stack.server.member("ada").slash(command, options or {}, channel=_OFFICE)
    answer = await use.answer(timeout=_PATIENCE_S)
    await page.locator(f"#message-{answer.id}").wait_for()


async def report(page: Page, stack: Stack) -> None:
    """A reported picture, behind its spoiler, and what moderators can do."""
    await page.locator(f'.channel[data-channel="{_OFFICE}"]').click()
    await (await stack.server.member("max").menu(await _picture(stack, _PROMPTS[0]), "Report")).answer()
    await page.locator("#main .picture").wait_for()


async def status(page: Page, stack: Stack) -> None:
    """/admin status while the queue is paused."""
    ada, max_ = stack.server.member("ada"), stack.server.member("max")  # luna has spent her day's pictures
    await (await ada.slash("admin pause", {"reason": "a second GPU goes in"}, channel="lounge")).answer()
    for prompt in _PROMPTS:
        await (await max_.slash("imagine", {"prompt": prompt}, channel="lounge")).answer(timeout=_PATIENCE_S)
    await _answered(page, stack, "admin status")
    await (await ada.slash("admin resume", channel="lounge")).answer()


async def audit(page: Page, stack: Stack) -> None:
    """/admin audit search."""
    await _answered(page, stack, "admin audit search")


async def doctor(page: Page, stack: Stack) -> None:
    """/doctor with its test picture."""
    await _answered(page, stack, "doctor", {"picture": True})


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
