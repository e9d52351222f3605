"""The command line of `python -m sandbox`, before anything starts."""

import pytest

from sandbox.__main__ import main


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_wrong_usage(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused with the range there is, and exit status 2."""
    with pytest.raises(SystemExit, match="2"):
        main([f"--port={port}"])
    assert f"{port} is no port; give 0 to 65535" in capsys.readouterr().err
