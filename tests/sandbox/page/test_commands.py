"""Slash commands as a member types them: the picker, options, choices, suggestions, files, checks before sending."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.sandbox.page.gestures import add, composer, give, last, start
from tests.sandbox.page.showcase import png

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_slash_lists_what_the_bot_registered(page, channel) -> None:
    """Every command this member may use stands there with its description, best match first, and no other."""
    await composer(page, channel).fill("/")
    options = page.get_by_role("option")
    await expect(options.filter(has_text="/paint")).to_contain_text("Paint something.")
    await expect(options.filter(has_text="/secret")).to_have_count(0)
    await composer(page, channel).fill("/whis")
    await expect(options).to_have_count(1)
    await composer(page, channel).fill("/nothing-like-it")
    await expect(page.get_by_text("No command has this name.")).to_be_visible()


async def test_options_arrive_as_they_were_picked(page, channel, showcase) -> None:
    """Required ones first; a choice, a suggestion, a number, a boolean and a member become what Discord would send."""
    await start(page, channel, "paint")
    await expect(page.locator(".pill")).to_have_count(1)
    await expect(page.get_by_label("subject")).to_be_focused()
    await page.keyboard.type("a fox")
    await add(page, "steps")
    await page.keyboard.type("12")
    await page.get_by_label("Add an option").focus()
    await add(page, "shape")
    await page.get_by_role("option", name="square").click()
    await add(page, "city")
    await expect(page.get_by_role("option")).to_have_count(4)
    await page.keyboard.type("Li")
    await expect(page.get_by_role("option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await add(page, "loud")
    await page.get_by_role("option", name="True").click()
    await add(page, "friend")
    await page.keyboard.type("max")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("painted a fox")
    given = showcase.given[-1]
    assert given == {
        "subject": "a fox",
        "files": [],
        "steps": 12,
        "shape": "1:1",
        "city": "lima",
        "loud": True,
        "friend": "max",
    }


async def test_what_does_not_fit_is_said_and_not_sent(page, channel, showcase) -> None:
    """Missing, too short, no number, out of range: a sentence at the option, and nothing reaches the bot."""
    before = len(showcase.given)
    await start(page, channel, "paint")
    await page.keyboard.press("Enter")
    alert = page.locator(".suggestions-error")
    await expect(alert).to_have_text("This option is required. Specify a value.")
    await page.keyboard.type("ab")
    await expect(alert).to_have_text("The minimum length is 3.")
    await page.keyboard.type("c")
    await expect(alert).to_have_count(0)
    await add(page, "steps")
    await page.keyboard.type("many")
    await page.keyboard.press("Enter")
    await expect(alert).to_have_text("Enter a whole number.")
    await page.get_by_label("steps").fill("51")
    await page.keyboard.press("Enter")
    await expect(alert).to_have_text("The largest value is 50.")
    await expect(page.get_by_label("steps")).to_have_attribute("aria-invalid", "true")
    assert len(showcase.given) == before


async def test_what_only_the_client_rules_know_comes_back_to_its_option(page, channel, showcase) -> None:
    """A choice that is none is refused by the member's client; the form is there again with all that was typed."""
    before = len(showcase.given)
    await start(page, channel, "paint")
    await page.keyboard.type("a fox")
    await add(page, "shape")
    await page.keyboard.type("round")
    await expect(page.get_by_text("Nothing fits what was typed.")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".suggestions-error")).to_have_text("“round” is not one of the choices.")
    await expect(page.get_by_label("subject")).to_have_value("a fox")
    assert len(showcase.given) == before


async def test_files_come_by_drop_paste_and_choice(page, channel, showcase) -> None:
    """A dropped file fills the first attachment option, a pasted one the next, a chosen one replaces; bytes arrive."""
    await start(page, channel, "paint")
    await page.keyboard.type("a fox")
    red, blue, green = png("red"), png("blue"), png("green")
    await give(page, "drop", "#main", red, "red.png")
    await expect(page.locator('.pill[data-option="image"]')).to_contain_text("red.png")
    await give(page, "paste", "#main .composer", blue, "blue.png")
    await expect(page.locator('.pill[data-option="second"]')).to_contain_text("blue.png")
    async with page.expect_file_chooser() as choosing:
        await page.locator('.pill[data-option="second"] .pill-attach').click()
    await (await choosing.value).set_files({"name": "green.png", "mimeType": "image/png", "buffer": green})
    await expect(page.locator('.pill[data-option="second"]')).to_contain_text("green.png")
    await page.get_by_role("button", name="Send").click()
    await expect(last(page)).to_contain_text("painted a fox")
    assert showcase.given[-1]["files"] == [red, green]


async def test_a_command_can_be_given_up(page, channel, showcase) -> None:
    """Backspace in an empty first option puts the command away; Escape does too."""
    await start(page, channel, "paint")
    await page.keyboard.press("Backspace")
    await expect(composer(page, channel)).to_be_focused()
    await start(page, channel, "paint")
    await add(page, "steps")
    await page.keyboard.press("Backspace")
    await expect(page.get_by_label("subject")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(composer(page, channel)).to_be_focused()


async def test_no_answer_is_said_to_the_member_alone(page, channel) -> None:
    """A bot that never acknowledges leaves a line that can be dismissed."""
    await start(page, channel, "silent")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Sending /silent")).to_be_visible()
    await expect(page.get_by_text("The application did not respond.")).to_be_visible()
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_text("The application did not respond.")).to_have_count(0)


async def test_commands_follow_who_one_is(page, channel) -> None:
    """The administrator is offered what members are not."""
    await page.get_by_role("button", name="Switch member").click()
    await page.get_by_role("menuitem", name="Ada").click()
    await expect(page.get_by_role("button", name="You are Ada")).to_be_visible()
    await start(page, channel, "secret")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("You may.")
