"""What the bot may import of flux2 stays light."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "transformers", "accelerate", "numpy", "huggingface_hub")


@pytest.mark.parametrize("module", ["errors", "models", "sizing", "request", "images", "checkpoint", "__main__"])
def test_light_modules_import_nothing_heavy(module: str) -> None:
    """In a fresh interpreter, importing the module brings in no torch and none of its kin."""
    code = f"import sys, flux2.{module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.strip() == "[]"
