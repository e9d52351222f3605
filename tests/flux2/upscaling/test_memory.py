"""An upscale to 16 megapixels in bounded memory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_four_thousand_squared_takes_less_than_three_gigabytes() -> None:
    """1024² to 4096² on the sample model, the whole process counted, interpreter and libraries included."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "benchmarks/upscaling.py", "memory", "--steps", "4"]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    found = re.search(r"peak ([\d.]+) GB", told)
    assert found is not None, told
    assert float(found[1]) < 3
