"""Messages as the page shows them: words, files, edits, replies, components, forms, menus."""

from __future__ import annotations

import re

import discord
import pytest
from playwright.async_api import expect

from sandbox.member import Upload
from tests.sandbox.page.gestures import composer, give, last, start
from tests.sandbox.page.showcase import attachment, png

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGED = "<img src=x onerror=\"document.title='owned'\"> <b>bold</b>"


async def by_bot(showcase, channel) -> discord.TextChannel:
    """The channel as the library sees it."""
    found = await showcase.bot.fetch_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


async def test_words_are_formatted_and_never_html(page, channel, server) -> None:
    """Markdown becomes elements; markup somebody wrote stays text, in content, code and names alike."""
    ada = server.member("ada")
    text = (
        f"# Head\n**bold** *leaning* __under__ ~~gone~~ `code` ||hidden|| <@{server.member('luna').id}>\n"
        f"> quoted\n- one\n- two\n```\n{FORGED}\n```{FORGED}"
    )
    await ada.say(text, channel=channel)
    message = last(page)
    for tag, words in (("strong", "bold"), ("em", "leaning"), ("u", "under"), ("s", "gone"), ("blockquote", "quoted")):
        await expect(message.locator(f".prose {tag}")).to_have_text(words)
    await expect(message.locator("li")).to_have_text(["one", "two"])
    await expect(message.locator(".mention.mine")).to_have_text("@Luna")
    await expect(message.locator("pre")).to_have_text(FORGED)
    await expect(message.locator("img")).to_have_count(0)
    await expect(message.locator("b")).to_have_count(0)
    await expect(page).not_to_have_title("owned")
    spoiler = message.get_by_role("button", name="Spoiler")
    await spoiler.click()
    await expect(message.locator(".spoiler.shown")).to_have_text("hidden")


async def test_a_picture_opens_large_with_its_alt_text(page, channel, showcase) -> None:
    """The lightbox shows picture, alt text and size; arrows walk, Escape closes and gives the focus back."""
    files = [attachment("teal", "one.png", "A teal field"), attachment("orange", "two.png", "An orange field")]
    await (await by_bot(showcase, channel)).send("two", files=files)
    opener = page.get_by_role("button", name="Open picture: A teal field")
    await opener.click()
    large = page.get_by_role("dialog")
    await expect(large.get_by_role("img")).to_have_attribute("alt", "A teal field")
    await expect(large).to_contain_text("320 × 200")
    assert await large.get_by_role("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    await page.keyboard.press("ArrowRight")
    await expect(large.get_by_role("img")).to_have_attribute("alt", "An orange field")
    await page.keyboard.press("Escape")
    await expect(large).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_a_spoiler_picture_is_covered_first(page, channel, showcase) -> None:
    """One press shows it, the next opens it."""
    await (await by_bot(showcase, channel)).send(file=attachment("red", alt="Gore", spoiler=True))
    await page.get_by_role("button", name="Spoiler picture").click()
    await page.get_by_role("button", name="Open picture: Gore").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_only_you_is_said_and_true(page, open_page, channel, server) -> None:
    """An ephemeral answer is marked, unseen by others, and can be dismissed."""
    other = await open_page(server.page_url, channel=channel)
    await other.get_by_role("button", name="Switch member").click()
    await other.get_by_role("menuitem", name="Max").click()
    await expect(other.get_by_role("button", name="You are Max")).to_be_visible()
    await start(page, channel, "whisper")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("psst, nobody else reads this")
    await expect(last(page)).to_contain_text("Only you can see this")
    await server.member("luna").say("said aloud", channel=channel)
    await expect(last(other)).to_contain_text("said aloud")
    await expect(other.locator("#main article").filter(has_text="psst")).to_have_count(0)
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#main article").filter(has_text="psst")).to_have_count(0)


async def test_thinking_becomes_the_answer_and_edits_are_live(page, channel, showcase) -> None:
    """A deferred answer thinks, is filled in place, and an edit leaves a focused button focused."""
    await start(page, channel, "slow")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("FLUX is thinking")
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Stop", custom_id="stop"))
    await showcase.waiting.edit_original_response(content="Drawing · ▰▰▱▱▱▱▱▱▱▱ 2/10", view=view)
    bar = last(page).get_by_role("img", name="2 of 10 parts")
    await expect(bar).to_be_visible()
    await last(page).get_by_role("button", name="Stop").focus()
    await showcase.waiting.edit_original_response(content="Drawing · ▰▰▰▰▰▰▰▰▱▱ 8/10", view=view)
    await expect(last(page).get_by_role("img", name="8 of 10 parts")).to_be_visible()
    await expect(last(page).get_by_role("button", name="Stop")).to_be_focused()
    await expect(page.locator("#main article")).to_have_count(1)


async def test_typing_is_shown(page, channel, showcase) -> None:
    """While the bot types, its name stands below the composer, until it has said something."""
    await (await by_bot(showcase, channel)).typing()
    await expect(page.get_by_text("FLUX is typing")).to_be_visible()
    await (await by_bot(showcase, channel)).send("done")
    await expect(page.get_by_text("FLUX is typing")).to_have_count(0)


async def test_replies_quote_and_ping_or_not(page, channel, showcase, server) -> None:
    """With the ping on the reply mentions whom it answers; switched off it does not. The quote leads back."""
    asked = await (await by_bot(showcase, channel)).send("What shall change?")
    for ping in (True, False):
        await page.locator(f"#message-{asked.id}").hover()
        await page.locator(f"#message-{asked.id}").get_by_role("button", name="Reply").click()
        await expect(page.get_by_text("Replying to FLUX")).to_be_visible()
        if not ping:
            await page.get_by_role("switch", name="Ping FLUX").click()
        await page.keyboard.type(f"make it blue {ping}")
        await page.locator("#main .composer-text").press("Enter")
        await expect(last(page)).to_contain_text(f"make it blue {ping}")
        await expect(last(page).locator(".quote")).to_contain_text("What shall change?")
        said = server.world.messages(channel.id)[-1]
        assert (said.reference_id, server.world.bot in said.mentions) == (asked.id, ping)
    await page.keyboard.press("Escape")
    await last(page).get_by_role("button", name="Show the message of FLUX").click()
    await expect(page.locator(f"#message-{asked.id}")).to_be_focused()


async def test_buttons_answer_fail_and_are_off(page, channel) -> None:
    """A press changes the message; a bot that does not answer is said at the message; a disabled button is one."""
    await start(page, channel, "everything")
    await page.keyboard.press("Enter")
    await expect(last(page).locator(".embed")).to_contain_text("A card")
    await last(page).get_by_role("button", name="Count").click()
    await expect(last(page)).to_contain_text("Pressed 1")
    await last(page).get_by_role("button", name="Count").click()
    await expect(last(page)).to_contain_text("Pressed 2")
    await last(page).get_by_role("button", name="Nothing").click()
    await expect(page.get_by_role("alert")).to_have_text("This interaction failed: the bot did not answer.")
    await expect(last(page).get_by_role("button", name="Off")).to_be_disabled()


async def test_selects_take_one_or_several(page, channel) -> None:
    """Several values by keyboard, sent when the list closes; members to choose from where the bot asks for one."""
    await start(page, channel, "everything")
    await page.keyboard.press("Enter")
    fruit = page.get_by_role("combobox", name="Pick fruit")
    await fruit.focus()
    for key in ("ArrowDown", "Enter", "ArrowDown", "Enter", "Escape"):
        await page.keyboard.press(key)
    await expect(last(page)).to_contain_text("You chose Apple and Fig")
    await page.get_by_role("combobox", name="Pick a member").click()
    await page.get_by_role("option", name="Max").click()
    await expect(last(page)).to_contain_text("You chose max")


async def test_components_alone_make_a_message(page, channel) -> None:
    """Sections, galleries, separators and links of the newer kind are shown; gallery pictures open large."""
    await start(page, channel, "layout")
    await page.keyboard.press("Enter")
    box = last(page).locator(".container")
    await expect(box.locator(".heading-2")).to_have_text("A section")
    await expect(box.get_by_role("link", name="Documentation")).to_have_attribute("rel", re.compile("noopener"))
    await box.get_by_role("button", name="Open picture: The second picture").click()
    await expect(page.get_by_role("dialog").get_by_role("img")).to_have_attribute("alt", "The second picture")


async def test_a_form_is_checked_filled_and_sent(page, channel, showcase) -> None:
    """Required fields are asked for; text, select, radio and dropped files arrive as they were given."""
    await start(page, channel, "form")
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Tell me all")
    await expect(form.get_by_label("Words")).to_be_focused()
    await form.get_by_role("button", name="Submit").click()
    await expect(form.locator(".field-error:visible").first).to_have_text("This field is required.")
    await form.get_by_label("Words").fill("three little words")
    await form.get_by_role("combobox", name="Colour").click()
    await form.get_by_role("option", name="green").click()
    await form.get_by_label("large").check()
    picture = png("purple")
    await give(page, "drop", "dialog .field-upload", picture, "purple.png")
    await expect(form).to_contain_text("purple.png")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0)
    await expect(last(page)).to_contain_text("thank you")
    assert showcase.given[-1] == {
        "words": "three little words",
        "colour": ["green"],
        "size": "l",
        "files": [picture],
    }


async def test_menus_of_messages_and_members(page, channel, server) -> None:
    """A right click, or the keyboard, offers what the bot registered for messages; a name what it did for members."""
    await server.member("max").say("hello there", channel=channel)
    await last(page).click(button="right")
    await page.get_by_role("menuitem", name="Shout").click()
    await expect(last(page)).to_contain_text("HELLO THERE!")
    await page.get_by_role("log").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu", name="Message")).to_be_visible()
    await page.keyboard.press("s")
    await expect(page.get_by_role("menuitem", name="Shout")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main article").filter(has_text="HELLO THERE!")).to_have_count(2)
    await page.get_by_role("button", name="Max", exact=True).click()
    await page.get_by_role("menuitem", name="Wave").click()
    await expect(last(page)).to_contain_text("waves at max")


async def test_own_messages_carry_files_and_can_be_edited_and_deleted(page, channel, server) -> None:
    """Text, a mention and a file with alt text are sent as a client does; Arrow up edits, the menu deletes."""
    await give(page, "paste", "#main .composer", png("navy"), "sea.png")
    await page.get_by_label("Alt text of sea.png").fill("The sea")
    await composer(page, channel).fill("look @Max")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
    await expect(last(page).get_by_role("img")).to_have_attribute("alt", "The sea")
    said = server.world.messages(channel.id)[-1]
    assert said.mentions == [server.member("max").user]
    assert [(file.filename, file.description) for file in said.files] == [("sea.png", "The sea")]
    await composer(page, channel).press("ArrowUp")
    await composer(page, channel).fill("look again")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("look again (edited)")
    await last(page).click(button="right", position={"x": 300, "y": 8})
    await page.get_by_role("menuitem", name="Delete message").click()
    await expect(page.locator("#main article")).to_have_count(0)


async def test_too_large_is_refused_in_a_sentence(page, channel, server) -> None:
    """A file beyond the channel's limit is named before anything is sent."""
    server.world.upload_limit_bytes = 100
    try:
        await server.member("ada").say("a new limit", channel=channel)
        await page.reload()
        await page.locator(f'[data-channel="{channel.name}"]').wait_for(state="attached")
        await page.evaluate('name => document.querySelector(`[data-channel="${name}"]`).click()', channel.name)
        await give(page, "paste", "#main .composer", png("navy"), "sea.png")
        await expect(page.get_by_role("alert")).to_have_text(
            "sea.png is larger than 100 B, which is what may be sent here."
        )
    finally:
        server.world.upload_limit_bytes = None


async def test_a_thread_stands_beside_its_channel(page, channel, showcase, server) -> None:
    """A thread's card opens it; it begins with the message it was made from, and counts what was said."""
    message = await (await by_bot(showcase, channel)).send("status: waiting")
    thread = await message.create_thread(name="a long story")
    await thread.send("once upon a time")
    card = page.locator("#main .thread-card")
    await expect(card).to_contain_text("a long story")
    await card.click()
    aside = page.get_by_role("region", name="Thread a long story")
    await expect(aside.locator("article").last).to_contain_text("once upon a time")
    await message.edit(content="status: done")
    await expect(aside.locator("article").first).to_contain_text("status: done")
    await page.get_by_role("button", name="Close thread").click()
    await expect(aside).to_be_hidden()


async def test_what_happened_while_the_page_was_cut_off_is_there_again(page, channel, server) -> None:
    """A page whose connection was cut says so, comes back by itself, and shows what it did not hear of."""
    await server.page.hang_up()
    await server.member("ada").say("you missed this", channel=channel)
    await expect(last(page)).to_contain_text("you missed this")
    await expect(page.get_by_text("The sandbox does not answer.")).to_be_hidden()


async def test_an_upload_of_a_member_is_shown(page, channel, server) -> None:
    """What is no picture is a card to save."""
    await server.member("max").say("notes", channel=channel, files=[Upload("notes.txt", b"hello")])
    card = last(page).get_by_role("link", name="notes.txt")
    await expect(card).to_contain_text("5 B")
    await expect(card).to_have_attribute("download", "notes.txt")
