"""Going on from a picture, in a browser: what stands under it, the preview before it, and what one comes back to."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from sandbox.stack import Stack
from tests.sandbox.page.gestures import add, composer, start
from tests.sandbox.page.test_story import PICTURES, imagine, painted, pictures

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page, stack: Stack) -> Page:
    """Luna's page on the running product."""
    return await open_page(stack.server.page_url)


async def test_a_preview_shows_what_the_picture_is_becoming(page) -> None:
    """It stands in the status message while the picture is drawn, and is gone once the picture is there."""
    before = await page.locator("#main .thread-card").count()
    await start(page, PICTURES, "imagine")
    await page.keyboard.type("a yellow star on a blue background")
    for option, value in (("steps", "50"), ("size", "512x512")):
        await page.get_by_label("Add an option").fill(option)
        await page.keyboard.press("Enter")
        await page.locator(f'.pill[data-option="{option}"] input').fill(value)
    await page.get_by_role("button", name="Send").click()
    await page.locator("#main .thread-card").nth(before).click()
    thread = page.locator("#thread")
    preview = thread.get_by_role("img", name="What the picture is becoming")
    await expect(preview).to_have_count(1)
    await preview.evaluate("image => image.decode()")
    await expect(thread.locator("article").first).to_contain_text("Done", timeout=120_000)
    await expect(preview).to_have_count(0)
    await painted(pictures(thread), 1)


async def test_a_change_leads_back_to_what_it_changed(page) -> None:
    """The five buttons; a changed picture names the one it came from, by a link; More… shows its recipe."""
    thread = await imagine(page, "a red square on a white background")
    await painted(pictures(thread), 1)
    result = thread.locator("article").filter(has=page.locator(".picture"))
    buttons = await result.last.get_by_role("button").all_inner_texts()
    assert " ".join(buttons).endswith("Again Vary Edit Upscale More…"), buttons
    await result.last.click(button="right", position={"x": 200, "y": 10})
    await page.get_by_role("menuitem", name="Reply").click()
    await page.keyboard.type("make it blue")
    await page.keyboard.press("Enter")
    await painted(pictures(thread), 2)
    await expect(result.last).to_contain_text("v2 ← v1")
    await expect(result.last.get_by_role("link", name="v1")).to_have_count(1)
    await result.last.get_by_role("button", name="More…").click()
    panel = thread.locator("article").filter(has_text="Only you can see this").last
    await expect(panel).to_contain_text("/imagine prompt:make it blue")


async def test_a_preset_is_saved_and_used(page) -> None:
    """Saved with words of its own, drawn with by name: the request holds both."""
    await start(page, PICTURES, "preset save")
    await page.keyboard.type("night")
    await add(page, "suffix")
    await page.keyboard.type("on a black background")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main article").last).to_contain_text("night")
    before = await page.locator("#main .thread-card").count()
    await start(page, PICTURES, "preset use")
    await page.keyboard.type("night")
    await page.keyboard.press("Tab")
    await page.keyboard.type("a white circle")
    await page.keyboard.press("Enter")
    await page.locator("#main .thread-card").nth(before).click()
    thread = page.locator("#thread")
    await painted(pictures(thread), 1)
    assert "on a black background" in await thread.inner_text()


async def test_a_list_becomes_a_labelled_grid(page) -> None:
    """It is asked about first; singles and the sheet of them all come in one message."""
    await composer(page, PICTURES).fill("")
    await start(page, PICTURES, "imagine")
    await page.keyboard.type("a {red|blue} circle on a white background")
    await page.get_by_role("button", name="Send").click()
    before = await page.locator("#main .thread-card").count()
    await page.get_by_role("button", name="Draw 2").last.click()
    await page.locator("#main .thread-card").nth(before).click()
    await painted(pictures(page.locator("#thread")), 3)


async def test_history_finds_a_picture_again(page) -> None:
    """Searched by a word; its id posts it anew."""
    await imagine(page, "a purple square on a green background")
    await painted(pictures(page.locator("#thread")), 1)
    await start(page, PICTURES, "history")
    await add(page, "words")
    await page.keyboard.type("purple green")
    await page.keyboard.press("Enter")
    # The status message holds the same words; only the answer is for one's own eyes.
    found = page.locator("#main article").filter(has_text="Only you can see this").last
    await expect(found).to_contain_text("purple square")
    await expect(found.locator("code")).to_have_count(1)
    job_id = re.search(r"[0-9a-f]{16}", await found.inner_text())[0]
    await start(page, PICTURES, "history")
    await add(page, "id")
    await page.keyboard.type(job_id)
    await page.keyboard.press("Enter")
    await expect(page.locator("#main article").last).to_contain_text("Drawn earlier")
    await painted(page.locator("#main article").last.locator(".picture img"), 1)
