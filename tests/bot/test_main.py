"""`python -m bot` as an operator starts it: what it says on stderr."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path


def test_log_lines_have_the_shape_that_was_asked_for(tmp_path: Path) -> None:
    """LOG_JSON makes JSON of every line, the library's included, from the login on; LOG_LEVEL's INFO is heard."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: Discord is down
        own = {
            "DISCORD_TOKEN": "a-token-of-no-bot",
            "DISCORD_API_URL": f"http://127.0.0.1:{nobody.getsockname()[1]}/api/v10",
            "LOG_JSON": "true",
        }
        command = [sys.executable, "-m", "bot"]
        ended = subprocess.run(command, env=os.environ | own, cwd=tmp_path, capture_output=True, timeout=120)
    lines = [json.loads(line) for line in ended.stderr.decode().splitlines() if line.startswith("{")]
    assert "discord.client" in {line.get("logger") for line in lines}
