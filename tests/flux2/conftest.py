"""One loaded sample model and one set of miniatures for the whole session."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flux2.engine import Engine

_NEED_TORCH = {
    "test_engine.py",
    "test_inpainting.py",
    "test_pipeline.py",
    "test_redrawing.py",
    "test_miniature.py",
    "test_conditioning.py",
    "test_cli.py",
    "test_interactive.py",
    "test_denoising.py",
    "test_quantization.py",
    "test_upscaler.py",
}


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that load models on one xdist worker, where they are loaded once."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent in (here, here / "upscaling") and item.path.name in _NEED_TORCH:
            item.add_marker(pytest.mark.xdist_group("torch"))


@pytest.fixture(scope="session")
def sample_engine() -> "Engine":
    """The shipped sample model on the CPU, one thread."""
    from flux2.checkpoint import resolve
    from flux2.engine import Engine

    return Engine.load(resolve("sample"), device="cpu", threads=1)


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one miniature of every kind: flux2-dev, flux2-klein, flux2-klein-base, flux2-klein-kv."""
    from flux2.miniature import KINDS, write

    folder = tmp_path_factory.mktemp("miniatures")
    for kind in KINDS:
        write(folder / f"flux2-{kind}", kind)
    return folder
