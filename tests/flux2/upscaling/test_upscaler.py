"""flux2.upscaling.upscaler: more detail, same picture, on the shipped sample model."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from flux2.engine import Engine
from flux2.errors import GenerationCancelled, OutOfMemory
from flux2.request import ReferenceImage
from flux2.training.resolution import Pair, edge_error, psnr
from flux2.upscaling import latents
from flux2.upscaling.likeness import match
from flux2.upscaling.request import UpscaleRequest, settle
from flux2.upscaling.tiles import layout
from flux2.upscaling.upscaler import Upscaled, upscale

TILE = 128
"""Pixels: small, so that small pictures have seams."""


def asked(engine: Engine, source: Image.Image, **options: Any) -> UpscaleRequest:
    image = ReferenceImage(sha256="0" * 64, width=source.width, height=source.height)
    return settle(engine.model, image, **{"steps": 4, "seed": 1, **options})[0]


def enlarged(engine: Engine, source: Image.Image, *, tile_side: int | None = TILE, **options: Any) -> Upscaled:
    return upscale(engine, asked(engine, source, **options), source, tile_side=tile_side)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64)


def flat(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), (90, 140, 200))


def textured(width: int, height: int) -> Image.Image:
    """Weave: two gratings and a grain."""
    y, x = np.mgrid[:height, :width]
    weave = 128 + 50 * np.sin(x * 0.9) * np.cos(y * 0.7)
    grain = np.random.default_rng(3).normal(0, 8, (height, width))
    shades = np.stack([weave + grain, weave * 0.8 + grain + 20, weave * 0.6 + 60], 2)
    return Image.fromarray(np.clip(shades, 0, 255).astype(np.uint8))


def photographic(width: int, height: int) -> Image.Image:
    """What photographs are made of: a sky that changes slowly, clouds of every size, a horizon, a few hard edges."""
    rng = np.random.default_rng(5)
    clouds = np.zeros((height, width))
    for octave in range(1, 6):
        small = rng.normal(0, 1, (2**octave + 1, 2**octave + 1)).astype(np.float32)
        clouds += np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
    y = np.linspace(0, 1, height)[:, None]
    sky = np.stack([90 + 90 * y + 25 * clouds, 130 + 60 * y + 22 * clouds, 205 - 20 * y + 12 * clouds], 2)
    sky[int(height * 0.62) :] *= (0.45, 0.6, 0.3)
    sky[int(height * 0.3) : int(height * 0.9), int(width * 0.55) : int(width * 0.72)] *= 0.35
    return Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))


INPUTS = {"flat": flat, "textured": textured, "photographic": photographic}


def seam(shown: Image.Image, side: int, overlap: int) -> tuple[float, float]:
    """(mean gradient across the tiles' borders, the same beside them), of 255 a pixel."""
    array, across = pixels(shown), []
    for axis, length in ((0, shown.height), (1, shown.width)):
        spans = layout(-(-length // 16), 1, side, overlap).rows
        borders = {span.start * 16 for span in spans[1:]} | {span.end * 16 for span in spans[:-1]}
        steps = np.abs(np.diff(array, axis=axis)).mean(axis=(1 - axis, 2))
        for border in borders:
            beside = [step for step in range(border - 13, border + 12) if step != border - 1 and 0 <= step < len(steps)]
            across.append((steps[border - 1], np.mean(steps[beside])))
    at, near = np.mean(across, axis=0)
    return float(at), float(near)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(
    ("size", "factor"),
    [
        pytest.param((96, 80), 2, id="2x"),
        pytest.param((75, 61), 3, id="3x odd"),
        pytest.param((320, 40), 2, id="2x 8:1", marks=pytest.mark.slow),
        pytest.param((61, 47), 4, id="4x odd", marks=pytest.mark.slow),
    ],
)
def test_there_are_no_seams(sample_engine: Engine, kind: str, size: tuple[int, int], factor: float) -> None:
    """Across the tiles' borders the picture changes no more than beside them: by 5 %, or by 1/255, at the most."""
    shown = enlarged(sample_engine, INPUTS[kind](*size), factor=factor).image
    assert shown.size == (size[0] * factor, size[1] * factor)
    at, near = seam(shown, TILE // 16, 2)
    plain_at, plain_near = seam(INPUTS[kind](*size).resize(shown.size, Image.Resampling.LANCZOS), TILE // 16, 2)
    # What the picture itself has at those very places is no seam.
    own = near * plain_at / plain_near if plain_near else near
    assert at - own <= max(0.05 * near, 1)


def test_at_creativity_0_it_is_the_round_trip_of_the_enlarged_picture(sample_engine: Engine) -> None:
    """To 30 dB: what lies between are the source's own pixels, put back, which the round trip had lost."""
    source = photographic(96, 96)
    lanczos = source.resize((192, 192), Image.Resampling.LANCZOS)
    whole = layout(12, 12, 16, 2)
    with sample_engine.borrow() as pipe:
        trip = latents.decode(pipe, latents.encode(pipe, lanczos, whole, print), whole, print)
    shown = enlarged(sample_engine, source, creativity=0, tile_side=256).image
    assert psnr(shown, match(trip.copy(), source, 0)) >= 30
    assert psnr(shown, lanczos) >= 30


def test_deviation_grows_with_creativity(sample_engine: Engine) -> None:
    """Strictly, from what creativity 0 gives to a picture that owes nothing to the source."""
    source = Pair.numbered(1, 64, 2).source
    levels = (0, 0.15, 0.3, 0.5, 0.7, 1)
    shown = [pixels(enlarged(sample_engine, source, creativity=level).image) for level in levels]
    deviations = [float(np.sqrt(((one - shown[0]) ** 2).mean())) for one in shown]
    assert deviations == sorted(set(deviations))
    assert deviations[-1] > 5 * deviations[2]


@pytest.mark.parametrize(("factor", "pairs"), [(2, 4), (4, 2)])
def test_edges_are_nearer_to_the_truth_than_interpolation_brings_them(
    sample_engine: Engine, factor: int, pairs: int
) -> None:
    """At the default creativity and steps, on scenes drawn small and large; PSNR is no lower either."""
    ours, lanczos, bicubic, gains = [], [], [], []
    for number in range(pairs):
        pair = Pair.numbered(number, 64, factor)
        whole = {"steps": None, "recipe": pair.prompt, "tile_side": None}
        shown = enlarged(sample_engine, pair.source, factor=factor, **whole).image
        plain = pair.source.resize(shown.size, Image.Resampling.LANCZOS)
        ours.append(edge_error(shown, pair.truth))
        lanczos.append(edge_error(plain, pair.truth))
        bicubic.append(edge_error(pair.source.resize(shown.size, Image.Resampling.BICUBIC), pair.truth))
        gains.append(psnr(shown, pair.truth) - psnr(plain, pair.truth))
    assert np.mean(ours) < 0.98 * np.mean(lanczos)
    assert np.mean(ours) < 0.98 * np.mean(bicubic)
    assert np.mean(gains) >= 0


def test_the_same_seed_gives_the_same_pixels(sample_engine: Engine) -> None:
    """And another seed others."""
    source = photographic(96, 80)
    first, again, other = (enlarged(sample_engine, source, seed=seed).image.tobytes() for seed in (1, 1, 2))
    assert first == again != other


def test_progress_counts_tiles_and_steps_and_a_cancel_comes_within_a_step(sample_engine: Engine) -> None:
    """Every pass over one tile is told, so a wish to stop never waits for a whole step."""
    source, told = photographic(96, 80), []

    def on_step(phase: str, step: int, steps: int) -> None:
        told.append((phase, step, steps))
        if (phase, step) == ("denoise", 6):
            raise GenerationCancelled

    request = asked(sample_engine, source)
    with pytest.raises(GenerationCancelled):
        upscale(sample_engine, request, source, tile_side=TILE, on_step=on_step)
    # 192x160 in tiles of 128 is two by two, each encoded once and denoised four times.
    assert [entry for entry in told if entry[0] == "denoise"] == [("denoise", step, 16) for step in range(7)]
    assert ("encode", 4, 4) in told
    assert enlarged(sample_engine, source).image.size == (192, 160)


def test_out_of_memory_halves_the_tiles_once(sample_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture is made in the smaller ones; where these are too much as well, one sentence says what to do."""
    source, seen = photographic(160, 160), []
    encode = latents.encode

    def limited(limit: int) -> None:
        def fail_above(pipe: Any, image: Image.Image, tiles: Any, on_tile: Any) -> Any:
            seen.append(tiles.rows[0].size * 16)
            if seen[-1] > limit:
                raise RuntimeError("CUDA out of memory")
            return encode(pipe, image, tiles, on_tile)

        monkeypatch.setattr(latents, "encode", fail_above)

    limited(128)
    assert enlarged(sample_engine, source, tile_side=256).tile_side == 128
    assert seen == [256, 128]
    limited(64)
    with pytest.raises(OutOfMemory, match="Even in small tiles"):
        enlarged(sample_engine, source, tile_side=256)
    assert seen == [256, 128, 256, 128]


def test_classic_is_lanczos_alone(sample_engine: Engine) -> None:
    """No caption, no model, no notes."""
    source = photographic(40, 60)
    done = enlarged(sample_engine, source, method="classic", factor=2.5)
    assert (done.caption, done.tile_side, done.notes) == (None, None, ())
    assert done.image.tobytes() == source.resize((100, 150), Image.Resampling.LANCZOS).tobytes()


def test_the_caption_steers_and_is_told(sample_engine: Engine) -> None:
    """The result names its words and whose they are."""
    source = photographic(64, 64)
    told, neutral = (enlarged(sample_engine, source, creativity=0.6, recipe=words) for words in ("a red ring", ""))
    assert told.caption == "a red ring"
    assert told.notes == ("The caption is the prompt the picture was drawn from.",)
    assert told.image.tobytes() != neutral.image.tobytes()
    assert {"encode", "denoise", "decode"} <= set(told.timings)
