"""worker.kinds.upscaling: from blobs to blobs, screened, and cancelled within a tile."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from flux2 import images, provenance
from flux2.engine import Engine
from flux2.errors import ScreeningRefused
from flux2.models import REGISTRY
from flux2.request import ReferenceImage
from flux2.screening.port import Screening
from flux2.upscaling.request import UpscaleRequest, settle
from worker.blobs import FileBlobs
from worker.kinds.kit import Kit
from worker.kinds.upscaling import upscale


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    engine = Engine.load(REGISTRY["sample"], device="cpu", threads=1)
    return Kit(engine, FileBlobs(tmp_path_factory.mktemp("blobs")), ThreadPoolExecutor(1))


def request(kit: Kit, **options: str) -> UpscaleRequest:
    picture = Image.linear_gradient("L").resize((48, 40)).convert("RGB")
    sha256 = kit.blobs.put(images.encode(picture, "png", 100))
    return settle(kit.engine.model, ReferenceImage(sha256=sha256, width=48, height=40), steps=4, seed=3, **options)[0]


def test_the_larger_picture_lies_in_the_blobs_with_its_making(kit: Kit) -> None:
    """The product names it, its size, its seed and the caption; progress told of tiles times steps."""
    told: list[tuple[str, int, int]] = []
    product = upscale(request(kit, recipe="a grey ramp"), kit, lambda *step: told.append(step))
    (picture,) = product.pictures
    assert (picture.width, picture.height, picture.seed) == (96, 80, 3)
    assert product.words == "a grey ramp"
    data = kit.blobs.get(picture.sha256)
    made = provenance.read(data)
    assert made is not None
    assert (made.kind, made.width, made.seed, made.prompt) == ("upscale", 96, 3, "a grey ramp")
    assert [step for step in told if step[0] == "denoise"][-1] == ("denoise", 4, 4)
    assert told[0] == ("references", 0, 1)
    assert {"encode", "denoise", "decode", "save"} <= set(product.timings)


class Refusing:
    """Objects to everything."""

    def objection(self, subject: object) -> str | None:
        """Always."""
        return "it is a test"


@pytest.mark.parametrize("screening", [Screening(prompts=(Refusing(),)), Screening(images=(Refusing(),))])
def test_what_a_screen_refuses_is_not_enlarged(kit: Kit, tmp_path: Path, screening: Screening) -> None:
    """Neither for its caption nor for its picture."""
    strict = Kit(kit.engine, kit.blobs, kit.saver, screening)
    with pytest.raises(ScreeningRefused):
        upscale(request(kit, recipe="a grey ramp"), strict, lambda *_: None)
