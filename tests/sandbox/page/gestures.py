"""What a member's hands do on the page, for tests and screenshots. Not a test."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect


def composer(page: Page, channel: Any) -> Locator:
    """The text box of a channel."""
    return page.get_by_role("combobox", name=f"Message #{channel.name}")


async def start(page: Page, channel: Any, command: str) -> None:
    """Pick a command by typing its name."""
    await composer(page, channel).fill(f"/{command}")
    await expect(page.get_by_role("option").first).to_contain_text(f"/{command}")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name=f"Command {command}")).to_be_visible()


async def add(page: Page, option: str) -> None:
    """Add an option by name."""
    await page.get_by_label("Add an option").fill(option)
    await page.keyboard.press("Enter")
    await expect(page.locator(f'.pill[data-option="{option}"] .pill-input')).to_be_focused()


async def give(page: Page, how: str, where: str, data: bytes, name: str) -> None:
    """Drop or paste a file, as the browser would tell of it."""
    await page.locator(where).evaluate(
        """(node, {how, data, name}) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(data)], name, { type: "image/png" }));
            const kind = how === "paste" ? ClipboardEvent : DragEvent;
            const field = how === "paste" ? "clipboardData" : "dataTransfer";
            const steps = how === "paste" ? ["paste"] : ["dragenter", "dragover", "drop"];
            for (const step of steps) {
                node.dispatchEvent(new kind(step, { [field]: transfer, bubbles: true, cancelable: true }));
            }
        }""",
        {"how": how, "data": list(data), "name": name},
    )


def last(page: Page) -> Locator:
    """The newest message on the page."""
    return page.locator("#main article").last
