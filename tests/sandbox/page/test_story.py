"""The whole product in a browser, as somebody who tries it out: real bot, real workers, real pictures on `sample`."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from sandbox.stack import Stack
from tests.sandbox.page.gestures import add, give, start
from tests.sandbox.page.showcase import png

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PICTURES = SimpleNamespace(name="pictures")
WATCH = """() => {
    window.seen = new Set();
    new MutationObserver(() => document.querySelectorAll('#main article .prose').forEach(
        (prose) => window.seen.add(prose.innerText + (prose.querySelector('.bar') ? ' BAR' : '')),
    )).observe(document.querySelector('#main'), { childList: true, subtree: true, characterData: true });
}"""
"""Notes everything the status messages ever said: on a fast machine a state may be gone before anybody asks for it."""


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page, stack: Stack) -> Page:
    """Luna's page on the running product."""
    return await open_page(stack.server.page_url)


async def imagine(page: Page, prompt: str, **options: str) -> Locator:
    """Type /imagine through the picker, and open the thread it makes."""
    before = await page.locator("#main .thread-card").count()
    await start(page, PICTURES, "imagine")
    await page.keyboard.type(prompt)
    for name, value in options.items():
        await add(page, name)
        await page.keyboard.type(value)
        await page.keyboard.press("Enter")
    if not options:
        await page.get_by_role("button", name="Send").click()
    else:
        await page.keyboard.press("Enter")
    await page.locator("#main .thread-card").nth(before).click()
    thread = page.locator("#thread")
    await expect(thread.get_by_role("heading", level=1)).to_contain_text(prompt[:20])
    return thread


def pictures(where: Locator) -> Locator:
    """The pictures shown there."""
    return where.locator(".picture img")


async def painted(images: Locator, count: int) -> None:
    """Wait until so many pictures are there, and the last is drawn on the screen."""
    await expect(images).to_have_count(count)
    await images.last.evaluate("image => image.decode()")


async def test_a_prompt_becomes_a_picture_before_ones_eyes(page, stack) -> None:
    """Picker, dropped reference, position, progress, thread, picture with alt text, opened large."""
    await page.evaluate(WATCH)
    before = await page.locator("#main .thread-card").count()
    await start(page, PICTURES, "imagine")
    await page.keyboard.type("a blue square on a white background")
    # Long enough to draw that its progress is shown: a status message is edited every two seconds.
    for option, value in (("steps", "50"), ("size", "512x512")):
        await page.get_by_label("Add an option").fill(option)
        await page.keyboard.press("Enter")
        await page.locator(f'.pill[data-option="{option}"] input').fill(value)
    await give(page, "drop", "#main", png("blue", (128, 128)), "square.png")
    await expect(page.locator('.pill[data-option="image1"]')).to_contain_text("square.png")
    await page.get_by_role("button", name="Send").click()
    await page.locator("#main .thread-card").nth(before).click()
    thread = page.locator("#thread")
    await painted(pictures(thread), 1)
    await expect(thread.locator("article").last.locator(".mention.mine")).to_have_text("@Luna")
    await expect(thread.locator("article").first).to_contain_text("Done")
    said = "\n".join(await page.evaluate("[...window.seen]"))
    assert re.search(r"Next in the queue|Queued", said), said
    assert re.search(r"(?:Drawing|Reading the prompt) · \s+\d/\d.*BAR", said), said
    await pictures(thread).last.click()
    large = page.get_by_role("dialog", name="Picture")
    alt = await large.get_by_role("img").get_attribute("alt")
    assert "a blue square" in alt
    await page.keyboard.press("Escape")


async def test_again_and_a_reply_go_on_from_a_picture(page, stack) -> None:
    """Again draws another one; a reply with the ping on edits it; both arrive in the thread."""
    thread = await imagine(page, "a red circle on a white background")
    await painted(pictures(thread), 1)
    await thread.get_by_role("button", name="Again").last.click()
    await painted(pictures(thread), 2)
    newest = thread.locator("article").filter(has=page.locator(".picture")).last
    await newest.click(button="right", position={"x": 200, "y": 10})
    await page.get_by_role("menuitem", name="Reply").click()
    await expect(thread.get_by_text("Replying to FLUX")).to_be_visible()
    await page.keyboard.type("make it blue")
    await page.keyboard.press("Enter")
    await painted(pictures(thread), 3)


async def test_a_form_of_the_bot_is_filled(page, stack) -> None:
    """Edit opens the bot's form with the prompt in it; other words draw another picture."""
    thread = await imagine(page, "a green square on a yellow background")
    await painted(pictures(thread), 1)
    await thread.get_by_role("button", name="Edit").last.click()
    form = page.get_by_role("dialog")
    words = form.get_by_role("textbox").first
    await expect(words).to_have_value("a green square on a yellow background")
    await words.fill("a yellow star on a blue background")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0)
    await painted(pictures(page.locator("#thread")), 2)


async def answered(stack: Stack, before: int) -> None:
    """Wait until the bot has answered what was sent after so many interactions."""
    world = stack.server.world
    await world.hub.until(lambda: any(one.response for one in [*world.interactions.values()][before:]) or None, 60)


async def test_every_menu_of_the_bot_answers(page, stack) -> None:
    """Whatever the bot registered for messages is offered on a picture and answers when it is used."""
    names = [command.name for command in stack.server.world.commands if command.type == 3]
    if not names:
        pytest.skip("the bot has registered no menu for messages")
    thread = await imagine(page, "a red triangle on a white background")
    await painted(pictures(thread), 1)
    message = thread.locator("article").filter(has=page.locator(".picture")).last
    for name in names:
        sent = len(stack.server.world.interactions)
        await message.click(button="right", position={"x": 200, "y": 10})
        await page.get_by_role("menuitem", name=name, exact=True).click()
        await answered(stack, sent)
        await expect(page.get_by_text(f"Sending {name}")).to_have_count(0)
        await expect(page.get_by_role("alert")).to_have_count(0)
        await page.keyboard.press("Escape")


async def test_a_refusal_is_for_ones_own_eyes(page, open_page, stack) -> None:
    """Where the bot may not post it says so to the member alone; somebody else sees nothing."""
    other = await open_page(stack.server.page_url)
    await other.get_by_role("button", name="Switch member").click()
    await other.get_by_role("menuitem", name="Max").click()
    await expect(other.get_by_role("button", name="You are Max")).to_be_visible()
    for one in (page, other):
        await one.get_by_role("button", name="quiet", exact=True).click()
        await expect(one.get_by_role("heading", name="quiet", level=1)).to_be_visible()
    await start(page, SimpleNamespace(name="quiet"), "imagine")
    await page.keyboard.type("a red circle")
    await page.keyboard.press("Enter")
    refusal = page.locator("#main article").last
    await expect(refusal).to_contain_text("Only you can see this")
    await expect(refusal.locator(".prose")).not_to_be_empty()
    await stack.server.member("ada").say("anything?", channel="quiet")
    await expect(other.locator("#main article").last).to_contain_text("anything?")
    assert "Only you can see this" not in json.dumps(await other.locator("#main article").all_inner_texts())


async def test_members_take_turns_and_admins_see_more(page, stack) -> None:
    """As another member one asks for an own picture; the administrator has the admin commands."""
    await page.get_by_role("button", name="Switch member").click()
    await page.get_by_role("menuitem", name="Max").click()
    await expect(page.get_by_role("button", name="You are Max")).to_be_visible()
    thread = await imagine(page, "a black circle on a white background")
    await painted(pictures(thread), 1)
    await page.get_by_role("button", name="Switch member").click()
    await page.get_by_role("menuitem", name="Ada").click()
    await expect(page.get_by_role("button", name="You are Ada")).to_be_visible()
    await start(page, PICTURES, "admin status")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main article").last).to_contain_text("Only you can see this")


async def test_a_failing_discord_loses_nothing(page, stack) -> None:
    """Posting answers 502 twice, once after it was done: the picture arrives, once."""
    await page.get_by_role("button", name="Faults").click()
    panel = page.get_by_role("complementary", name="Faults")
    for kind in ("answers 502", "does it, but answers 502"):
        await panel.get_by_label("Discord").select_option(kind)
        await panel.get_by_role("button", name="Let it happen").click()
    await expect(panel.locator(".rules li")).to_have_count(2)
    await panel.get_by_role("button", name="Close faults").click()
    thread = await imagine(page, "a purple circle on a white background")
    await painted(pictures(thread), 1)
    await page.get_by_role("button", name="Faults").click()
    await expect(panel.locator(".calls .bad")).to_have_count(2)
    await expect(panel.get_by_text("Discord is well.")).to_be_visible()
    await expect(pictures(thread)).to_have_count(1)
