"""flux2.upscaling.denoising: our own loop over the pipelines' parts, and the noise level it starts from."""

from pathlib import Path

import pytest
import torch

from flux2 import schedule
from flux2.checkpoint import resolve
from flux2.engine import Engine
from flux2.request import settle
from flux2.upscaling import latents
from flux2.upscaling.denoising import Steering, denoise, velocity
from flux2.upscaling.tiles import layout


@pytest.mark.parametrize("kind", ["dev", "klein", "klein-base", "klein-kv"])
def test_untiled_and_from_full_noise_it_is_the_pipelines_own_loop(miniatures: Path, kind: str) -> None:
    """Bit for bit, for every class of pipeline; base at a guidance that takes a second pass."""
    engine = Engine.load(resolve(str(miniatures / f"flux2-{kind}")), device="cpu", threads=1)
    guidance = 3.0 if engine.model.default_guidance is not None else None
    steps = 4 if engine.model.has_fixed_steps else 3
    request, _ = settle(engine.model, "a red fox", size="64x96", steps=steps, guidance=guidance, seed=5)
    embeddings = engine.embed(request)
    drawn: list[torch.Tensor] = []
    with engine.borrow() as pipe:
        pipe(
            **embeddings,
            **engine._guidance(request),
            width=64,
            height=96,
            num_inference_steps=steps,
            generator=torch.Generator("cpu").manual_seed(5),
            callback_on_step_end=lambda _p, _i, _t, kept: drawn.append(kept["latents"]) or {},
        )
        noise = torch.randn((1, 128, 6, 4), generator=torch.Generator("cpu").manual_seed(5))
        steering = Steering(
            embeddings["prompt_embeds"], embeddings.get("negative_prompt_embeds"), request.guidance_scale or 1.0
        )
        ours = denoise(
            pipe.scheduler,
            velocity(pipe, steering),
            torch.zeros_like(noise),
            noise,
            level=1,
            steps=steps,
            tiles=layout(6, 4, 8, 2),
            on_tile=lambda _: None,
        )
        assert torch.equal(pipe._pack_latents(ours), drawn[-1])


@pytest.mark.parametrize("level", [0.001, 0.05, 0.3, 0.7, 1.0])
def test_the_first_level_is_the_one_that_was_asked_for(sample_engine: Engine, level: float) -> None:
    """The scheduler's shift is undone, and the schedule falls to nothing."""
    with sample_engine.borrow() as pipe:
        schedule.start(pipe.scheduler, level, 8, 64, "cpu")
        sigmas = pipe.scheduler.sigmas.tolist()
    assert sigmas[0] == pytest.approx(level, abs=1e-6)
    assert sigmas[-1] == 0
    assert sigmas == sorted(sigmas, reverse=True)


def test_a_tile_that_sees_itself_is_drawn_otherwise(sample_engine: Engine) -> None:
    """Its clean self takes part as a reference image does, and its own tokens alone are moved."""
    embeds = sample_engine.embed_words("a red circle", None)["prompt_embeds"]
    with sample_engine.borrow() as pipe:
        clean, noise = (torch.randn((1, 128, 4, 4), generator=torch.Generator().manual_seed(i)) for i in (1, 2))
        results = [
            denoise(
                pipe.scheduler,
                velocity(pipe, Steering(embeds)),
                clean,
                noise,
                level=0.5,
                steps=2,
                tiles=layout(4, 4, 8, 2),
                sees_itself=sees_itself,
                on_tile=lambda _: None,
            )
            for sees_itself in (False, True)
        ]
    assert results[0].shape == results[1].shape == clean.shape
    assert not torch.allclose(results[0], results[1], atol=1e-3)


def test_tiled_encoding_and_decoding_agree_with_whole_ones(sample_engine: Engine) -> None:
    """Tiles see less of the picture around them, so they may differ, but by little: 35 dB."""
    from PIL import Image

    ramp = Image.linear_gradient("L").resize((192, 160))
    picture = Image.merge("RGB", (ramp, ramp.rotate(180), ramp.rotate(90).resize((192, 160))))
    whole, tiled = layout(10, 12, 16, 2), layout(10, 12, 6, 2)
    with sample_engine.borrow() as pipe:
        shown = [
            latents.decode(pipe, latents.encode(pipe, picture, tiles, print), tiles, print) for tiles in (whole, tiled)
        ]
    assert ((shown[0] - shown[1]) ** 2).mean() < 255**2 / 10**3.5
