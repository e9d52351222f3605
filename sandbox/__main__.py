"""`python -m sandbox`: try the whole product on this machine, without a Discord account or a GPU."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandbox import demo, once


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"“{text}” is not k=v, such as aspect=16:9")
    return key, value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; give 0 to 65535")
    return int(text)


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--model", default="sample", help="model the gpu worker loads (default: sample)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the first picture is saved (default: out)")
    parser.add_argument(
        "--port", type=_port, default=0, help="loopback port of the local Discord (default: a free one)"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the chat page's address, do not open it")
    parser.add_argument("--no-wait", action="store_true", help="stop after the first picture")
    commands = parser.add_subparsers(dest="action")
    single = commands.add_parser("once", help="send one command, wait for the answer, print one JSON line")
    single.add_argument(
        "--command", default="imagine", help="slash command, as in “imagine” or, with --member ada, “admin status”"
    )
    single.add_argument("--prompt", help="the option prompt")
    single.add_argument("--image", type=_file, action="append", default=[], help="a reference picture; repeatable")
    single.add_argument(
        "--option",
        type=_pair,
        action="append",
        default=[],
        metavar="K=V",
        help="any other option; @FILE attaches a file",
    )
    single.add_argument(
        "--setting", type=_pair, action="append", default=[], metavar="K=V", help="a setting for the stack; repeatable"
    )
    single.add_argument("--then", action="append", default=[], metavar="TEXT", help="reply to the result; repeatable")
    single.add_argument("--timeout", type=float, default=240.0, help="seconds for all of it (default: 240)")
    single.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files are saved")
    single.add_argument(
        "--member", default="luna", choices=("luna", "max", "ada"), help="who sends it; ada is an admin"
    )
    single.add_argument("--model", default="sample", help="model the gpu worker loads (default: sample)")
    return parser


def _has_screen() -> bool:
    """True where a browser window could open; not over ssh, in a container or in CI."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in screens)  # noqa: TID251 - a root may look


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox and return the exit status."""
    args = _parser().parse_args(arguments)
    redis_url = os.environ.get("SANDBOX_REDIS_URL")  # noqa: TID251 - the one variable a sandbox listens to
    if args.action == "once":
        return once.run(
            once.Errand(
                command=args.command,
                out=args.out,
                prompt=args.prompt,
                images=tuple(args.image),
                options=dict(args.option),
                then=tuple(args.then),
                timeout_s=args.timeout,
                member=args.member,
                model=args.model,
                redis_url=redis_url,
                settings=dict(args.setting),
            )
        )
    return demo.run(
        demo.Demo(
            out=args.out,
            model=args.model,
            port=args.port,
            redis_url=redis_url,
            stays_up=not args.no_wait,
            opens_browser=not args.no_browser and _has_screen(),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
