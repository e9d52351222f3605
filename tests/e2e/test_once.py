"""`python -m sandbox once`, as somebody in a shell uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]


def once(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the repository's folder."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "once", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_one_prompt_prints_one_json_line_and_leaves_a_picture(tmp_path: Path) -> None:
    """Exit 0, one line of JSON on stdout, and the file it names is a picture, which nobody else saw."""
    done = once("--prompt", "a red fox", "--option", "aspect=16:9", "--option", "private=true", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert line["ok"]
    with Image.open(line["files"][0]) as picture:
        assert picture.size == (line["request"]["width"], line["request"]["height"])
    assert line["seconds"] > 0


def test_wrong_usage_is_exit_2(tmp_path: Path) -> None:
    """A missing file is wrong usage, said before anything starts."""
    done = once("--prompt", "x", "--image", str(tmp_path / "absent.png"), "--out", str(tmp_path))
    assert done.returncode == 2
    assert "absent.png" in done.stderr


def test_a_redis_that_is_not_there_is_exit_3_in_one_sentence(tmp_path: Path) -> None:
    """What did not start is named on one line, and the log above says why."""
    done = once("--prompt", "x", "--out", str(tmp_path), SANDBOX_REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["error"] == "bot ended with status 69; its reason stands in the log above."
    assert "Redis cannot be reached" in done.stderr


def test_a_refusal_is_exit_1_with_the_sentence(tmp_path: Path) -> None:
    """What the bot refuses comes back as the sentence the member reads."""
    done = once("--prompt", "a red fox", "--option", "steps=900", "--out", str(tmp_path))
    assert done.returncode == 1, done.stderr
    line = json.loads(done.stdout)
    assert not line["ok"]
    assert line["error"]
