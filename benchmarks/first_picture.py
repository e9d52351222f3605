"""How long from starting the demo to a picture of one's own words, seen in the browser.

    .venv/bin/python benchmarks/first_picture.py

Starts `python -m sandbox` as `make demo` does, opens its chat page in a Chromium, waits until the demo's picture is
painted there, types /imagine through the picker, and waits until that picture is painted too. Needs a Chromium.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
import tempfile
import time

from playwright.async_api import Page, async_playwright

PROMPT = "a blue star on a yellow background"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
_PAINTED = """() => {
    const images = [...document.querySelectorAll('#thread .picture img')];
    return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
}"""


async def main() -> int:
    """Measure once and print the seconds."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        print("There is no Chromium on PATH; on Debian and Ubuntu: apt-get install chromium", file=sys.stderr)
        return 2
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=_FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        with tempfile.TemporaryDirectory() as out:
            began = time.monotonic()
            demo = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox", "--no-browser", "--out", out), stderr=asyncio.subprocess.PIPE
            )
            await page.goto(await _address(demo))
            marks = {"page open": time.monotonic() - began}
            await _see(page, "a red circle")
            marks["the demo's picture in the browser"] = time.monotonic() - began
            await _imagine(page)
            await _see(page, PROMPT)
            marks["the first own picture in the browser"] = time.monotonic() - began
            demo.send_signal(signal.SIGINT)
            await demo.communicate()
        await browser.close()
    for words, seconds in marks.items():
        print(f"{seconds:5.1f} s  {words}")
    return 0


async def _address(demo: asyncio.subprocess.Process) -> str:
    assert demo.stderr is not None
    while line := await demo.stderr.readline():
        if found := re.search(rb"http://\S+/page/\S+", line):
            return found[0].decode()
    raise SystemExit("The demo did not start.")


async def _imagine(page: Page) -> None:
    await page.get_by_role("combobox", name="Message #pictures").fill("/imagine")
    await page.get_by_role("option").first.wait_for()
    await page.keyboard.press("Enter")
    await page.get_by_label("prompt").wait_for()
    await page.keyboard.type(PROMPT)
    await page.keyboard.press("Enter")


async def _see(page: Page, prompt: str) -> None:
    """Open the thread of a prompt and wait until its picture is painted."""
    await page.locator("#main .thread-card").filter(has_text=prompt).last.click()
    await page.locator("#thread h1").filter(has_text=prompt).wait_for()
    await page.wait_for_function(_PAINTED)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
