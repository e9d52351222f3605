"""The page for everybody: axe-core finds no serious fault in any state, keys do all, a phone shows all."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from sandbox.member import Upload
from tests.sandbox.page.gestures import composer, last, start
from tests.sandbox.page.showcase import attachment, png

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


async def faults_of(page: Page) -> list[str]:
    """What axe-core calls serious or worse, with the elements."""
    results = await Axe().run(page)
    return [
        f"{found['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for found in results.response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


async def fill(server, showcase, channel) -> None:
    """A channel with one of each: words, pictures, files, replies, a thread, buttons."""
    luna, ada = server.member("luna"), server.member("ada")
    said = await ada.say(f"**Hello** <@{luna.id}> `code` ||spoiler||\n> quote\n- item", channel=channel)
    await luna.reply(said, "and back", ping=True)
    await luna.say("file", channel=channel, files=[Upload("notes.txt", b"x"), Upload("red.png", png("red"), "Red")])
    room = await showcase.bot.fetch_channel(channel.id)
    message = await room.send("Drawing · ▰▰▰▱▱▱▱▱▱▱ 3/10", file=attachment("teal", alt="Teal"))
    await message.create_thread(name="a thread")
    await luna.slash("whisper", channel=channel)
    await luna.slash("everything", channel=channel)
    await luna.slash("layout", channel=channel)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_state_has_a_serious_fault(open_page, server, showcase, channel, scheme) -> None:
    """Messages, picker, option, menu, faults, lightbox and form, light and dark."""
    await fill(server, showcase, channel)
    page = await open_page(server.page_url, channel=channel, color_scheme=scheme)
    await expect(page.locator("#main .container")).to_be_visible()
    found = {"messages": await faults_of(page)}
    await composer(page, channel).fill("/")
    await expect(page.get_by_role("option").first).to_be_visible()
    found["picker"] = await faults_of(page)
    await start(page, channel, "paint")
    await page.keyboard.type("x")
    await page.keyboard.press("Enter")
    await expect(page.locator(".suggestions-error")).to_be_visible()
    found["option"] = await faults_of(page)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Switch member").click()
    found["menu"] = await faults_of(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Faults").click()
    await expect(page.get_by_text("Discord is well.")).to_be_visible()
    found["faults"] = await faults_of(page)
    await page.get_by_role("button", name="Close faults").click()
    await page.get_by_role("button", name="Open picture: Teal").click()
    found["lightbox"] = await faults_of(page)
    await page.keyboard.press("Escape")
    await start(page, channel, "form")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Submit").click()
    await expect(page.locator(".field-error:visible").first).to_be_visible()
    found["form"] = await faults_of(page)
    assert {state: faults for state, faults in found.items() if faults} == {}


async def test_a_phone_shows_one_thing_at_a_time(open_page, server, showcase, channel) -> None:
    """Channels are a drawer, a thread covers its channel, nothing sticks out at the side, axe is content."""
    await fill(server, showcase, channel)
    page = await open_page(server.page_url, channel=channel, **PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Channels").tap()
    await page.get_by_role("button", name="lounge", exact=True).tap()
    await expect(page.get_by_role("heading", name="lounge", level=1)).to_be_visible()
    await page.get_by_role("button", name="Channels").tap()
    await page.get_by_role("button", name=channel.name, exact=True).tap()
    await page.locator("#main .thread-card").tap()
    thread = page.get_by_role("region", name="Thread a thread")
    await expect(thread).to_be_visible()
    assert (await thread.bounding_box())["width"] == 390
    assert await faults_of(page) == []
    await thread.get_by_role("button", name="Back to the channel").tap()
    await expect(thread).to_be_hidden()
    await start(page, channel, "paint")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await faults_of(page) == []


async def test_keys_alone_do_it_all(page, channel, server) -> None:
    """From the top of the page to a command sent, a member switched and a picture opened, without a pointer."""
    await server.member("ada").say("look", channel=channel, files=[Upload("red.png", png("red"), "Red")])
    await composer(page, channel).focus()
    await page.keyboard.type("/whis")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("psst")
    await composer(page, channel).press("Shift+Tab")
    for _ in range(6):
        if await page.evaluate("document.activeElement.matches('.picture')"):
            break
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Switch member").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("m")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="You are Max")).to_be_visible()


async def test_news_is_spoken(page, channel, server) -> None:
    """A new message is put into the live region once; live edits are not, or a progress bar would never be silent."""
    said = await server.member("ada").say("good morning", channel=channel)
    spoken = page.locator("#announcer")
    await expect(spoken).to_have_text("Ada: good morning")
    await server.member("ada").edit(said, "good evening")
    await expect(last(page)).to_contain_text("good evening")
    await expect(spoken).to_have_text("Ada: good morning")
