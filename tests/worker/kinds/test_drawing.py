"""worker.kinds.drawing: a picture drawn anew comes from the blobs and goes back into them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from flux2 import images, provenance
from flux2.engine import Engine
from flux2.models import REGISTRY
from flux2.request import ReferenceImage, settle
from worker.blobs import BlobMissing, FileBlobs
from worker.kinds.drawing import draw
from worker.kinds.kit import Kit


def test_a_picture_drawn_anew_states_how_much(tmp_path: Path) -> None:
    """Its file tells the strength; without the picture it begins with, nothing is drawn."""
    engine = Engine.load(REGISTRY["sample"], device="cpu", threads=1)
    kit = Kit(engine, FileBlobs(tmp_path), ThreadPoolExecutor(1))
    sha256 = kit.blobs.put(images.encode(Image.new("RGB", (96, 64), "red"), "png", 100))
    picture = ReferenceImage(sha256=sha256, width=96, height=64)
    request, _ = settle(engine.model, "a red square", init_image=picture, strength=0.5, seed=3)
    (drawn,) = draw(request, kit, lambda *_: None, lambda _: None).pictures
    assert (drawn.width, drawn.height) == (96, 64)
    made = provenance.read(kit.blobs.get(drawn.sha256))
    assert made is not None
    assert made.strength == 0.5
    assert "Denoising strength: 0.5" in made.line()
    kit.blobs.delete(sha256)
    with pytest.raises(BlobMissing):
        draw(request, kit, lambda *_: None, lambda _: None)
