"""`make demo`: start everything on the sample model, open the chat page, draw a first picture, stay up until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sandbox.once import Errand, Refused, converse
from sandbox.redis_server import RedisUnavailable
from sandbox.stack import Stack, StackDidNotStart

FIRST_PROMPT = "a red circle on a white background"


@dataclass(frozen=True)
class Demo:
    """What the command line asks for."""

    out: Path
    model: str = "sample"
    port: int = 0
    """Loopback port of the local Discord; 0 takes a free one."""
    redis_url: str | None = None
    stays_up: bool = True
    opens_browser: bool = False
    """Whether the chat page is opened in the browser, beside its address being printed."""


def run(demo: Demo) -> int:
    """Run the demo and return the exit status: 0, or 3 if it did not start."""
    console = Console(stderr=True, highlight=False)
    try:
        asyncio.run(_run(demo, console))
    except OSError as error:
        console.print(f"Port {demo.port} cannot be used ({error.strerror}); leave --port out to take a free one.")
        return 3
    except (RedisUnavailable, StackDidNotStart, Refused) as error:
        console.print(str(error))
        return 3
    return 0


async def _run(demo: Demo, console: Console) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for how in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(how, stopped.set)
    with tempfile.TemporaryDirectory(prefix="flux2-sandbox-") as folder:
        began = time.monotonic()
        with console.status("Starting Redis, a local Discord, the bot and its workers …"):
            stack = Stack(Path(folder), model=demo.model, port=demo.port, redis_url=demo.redis_url, say=console.print)
            starting = asyncio.create_task(stack.start())
            await _first(starting, stopped)
        try:
            if not stopped.is_set():
                await _invite(demo, stack, console)
                await _draw(demo, stack, console, began)
            if demo.stays_up and not stopped.is_set():
                _explain(stack, console)
                await stopped.wait()
        finally:
            with console.status("Stopping …"):
                await stack.stop()
    console.print("Stopped.")


async def _first(starting: asyncio.Task[Stack], stopped: asyncio.Event) -> None:
    """Wait for the start, or give it up at Ctrl-C."""
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not starting.done():
        starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting


async def _invite(demo: Demo, stack: Stack, console: Console) -> None:
    """Say where the chat page is, and open it where there is a screen."""
    console.print(f"The chat page: {stack.server.page_url}", soft_wrap=True)
    if demo.opens_browser and demo.stays_up:
        await asyncio.to_thread(webbrowser.open, stack.server.page_url)


async def _draw(demo: Demo, stack: Stack, console: Console, began: float) -> None:
    console.print(f"luna types [bold]/imagine prompt:{FIRST_PROMPT}[/bold]")
    with console.status("Drawing …"):
        answer = await converse(Errand("imagine", demo.out, FIRST_PROMPT), stack)
    console.print(f"The picture is there, {time.monotonic() - began:.0f} s after the start:")
    for path in answer["files"]:
        sys.stdout.write(f"{path}\n")
    sys.stdout.flush()


def _explain(stack: Stack, console: Console) -> None:
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(Path.cwd())
    console.print(
        f"""
Everything stays up until Ctrl-C. Try it in the browser: type / in #pictures, attach, reply, press, switch members.
  {stack.server.page_url}
From another terminal, each with a stack of its own:
  {python} -m sandbox once --prompt "a blue star on a yellow background" --out out
  {python} -m sandbox once --prompt "a red circle" --then "make it blue" --out out
  {python} -m sandbox once --command jobs --out out
A picture without Discord:
  {python} -m flux2 generate --model sample --prompt "a green square" --out out

The local Discord answers at {stack.server.api_url}
Logs lie in {stack.folder / "logs"}""",
        soft_wrap=True,
    )
