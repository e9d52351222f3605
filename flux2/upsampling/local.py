"""The text encoder that is loaded anyway, as the language model it also is: dev's Mistral sees, klein's Qwen reads.

Owns chat templates, picture tokens and sampling. Declines to know what is asked for and whether the answer is any good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from flux2.errors import UpsamplingFailed
from flux2.upsampling.port import MAX_ANSWER_TOKENS, MAX_IMAGE_PIXELS

if TYPE_CHECKING:
    from flux2.engine import Engine

TEMPERATURE = 0.15
"""Close to the likeliest words: a rewrite is to be faithful, not surprising."""

OnToken = Callable[[int], None]
"""Called with the number of tokens written so far; raising from it ends the answer."""


class Local:
    """The text encoder of a loaded model as an upsampler."""

    def __init__(self, engine: Engine, *, seed: int = 0, on_token: OnToken | None = None) -> None:
        self._engine = engine
        self._seed = seed
        self._on_token = on_token
        self.name = f"{engine.model.name}’s own text encoder"
        self.takes_images = engine.model.can_describe

    def answer(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        """Return the encoder's words. Raises UpsamplingFailed for a model that cannot write at all."""
        if not self._engine.model.can_rewrite:
            raise UpsamplingFailed(f"{self._engine.model.name} has no text encoder that could rewrite.")
        return self._engine.write(instruction, prompt, images, seed=self._seed, on_token=self._on_token)


def write(
    pipe: Any,
    instruction: str,
    prompt: str,
    images: Sequence[Image.Image],
    device: str,
    seed: int,
    on_token: OnToken | None,
    most: int | None = None,
) -> str:
    """Generate an answer with the text encoder of `pipe`; `most` asks for so many of the likeliest tokens instead.

    Raises UpsamplingFailed where it was cut off.
    """
    limit = most or MAX_ANSWER_TOKENS
    sampling: dict[str, Any] = {"do_sample": False} if most else {"do_sample": True, "temperature": TEMPERATURE}
    encoder = pipe.text_encoder
    if not hasattr(encoder, "generate"):
        raise UpsamplingFailed("These weights hold no language model that could write.")
    # A processor holds a tokenizer; a bare one is used where torchvision is absent.
    tokenizer = getattr(pipe.tokenizer, "tokenizer", pipe.tokenizer)
    inputs = _seen(encoder, pipe.tokenizer, tokenizer, instruction, prompt, images) if _sees(encoder) else {
        **_read(tokenizer, instruction, prompt)
    }  # fmt: skip
    placed = {name: _placed(value, device, encoder.dtype) for name, value in inputs.items()}
    length = placed["input_ids"].shape[1]
    counter = _Counter(length, on_token)
    with torch.no_grad(), _own_randomness(device):
        torch.manual_seed(seed)
        written = encoder.generate(
            **placed,
            max_new_tokens=limit,
            **sampling,
            use_cache=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            stopping_criteria=[counter],
        )
    tokens = written[0, length:]
    if len(tokens) >= limit and int(tokens[-1]) != tokenizer.eos_token_id:
        raise UpsamplingFailed("The text encoder’s answer was cut off for its length.")
    return str(tokenizer.decode(tokens, skip_special_tokens=True))


class _Counter:
    """Tells of every token; a stopping criterion that never stops by itself."""

    def __init__(self, prompt_tokens: int, on_token: OnToken | None) -> None:
        self._prompt_tokens = prompt_tokens
        self._on_token = on_token

    def __call__(self, input_ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        if self._on_token:
            self._on_token(input_ids.shape[1] - self._prompt_tokens)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _sees(encoder: Any) -> bool:
    return hasattr(encoder.config, "vision_config")


def _read(tokenizer: Any, instruction: str, prompt: str) -> dict[str, torch.Tensor]:
    """Qwen's chat, its thinking switched off."""
    messages = [{"role": "system", "content": instruction}, {"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    return dict(tokenizer(text, return_tensors="pt"))


def _seen(
    encoder: Any, processor: Any, tokenizer: Any, instruction: str, prompt: str, images: Sequence[Image.Image]
) -> dict[str, Any]:
    """Mistral's chat with pictures, each as rows of its tokens.

    Shapes: pixel_values (images, 3, height, width), padded to the largest. The marks of pictures are laid out here
    instead of by PixtralProcessor, which needs torchvision.
    """
    # What a member wrote must not be read as a picture.
    words = [{"type": "text", "text": prompt.replace("[IMG", "[ IMG")}]
    pictures = [{"type": "image"} for _ in images]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": instruction}]},
        {"role": "user", "content": [*pictures, *words]},
    ]
    template = processor if getattr(processor, "chat_template", None) else tokenizer
    text = template.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    extra: dict[str, Any] = {}
    if images:
        extra, marks = _pixels(encoder.config, images)
        text = _laid_out(text, marks)
    bos = tokenizer.bos_token or ""
    inputs = tokenizer(text.removeprefix(bos), return_tensors="pt") if _adds_bos(tokenizer) else tokenizer(
        text, return_tensors="pt", add_special_tokens=False
    )  # fmt: skip
    kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return {**kept, **extra}


def _adds_bos(tokenizer: Any) -> bool:
    ids = tokenizer("a")["input_ids"]
    return bool(ids) and ids[0] == tokenizer.bos_token_id


def _pixels(config: Any, images: Sequence[Image.Image]) -> tuple[dict[str, Any], list[str]]:
    from transformers import PixtralImageProcessorPil

    patch = config.vision_config.patch_size * config.spatial_merge_size
    limit = min(MAX_IMAGE_PIXELS, config.vision_config.image_size**2)
    if len(images) > 2:
        limit //= 2
    reduced = [_reduced(image, limit, config.vision_config.image_size, patch) for image in images]
    make: Any = PixtralImageProcessorPil
    processor = make(patch_size={"height": patch, "width": patch}, do_resize=False)
    batch = processor(reduced, return_tensors="pt")
    marks = []
    for image in reduced:
        columns, rows = image.width // patch, image.height // patch
        marks.append("[IMG_BREAK]".join(["[IMG]" * columns] * rows) + "[IMG_END]")
    sizes = [[image.height, image.width] for image in reduced]
    return {"pixel_values": batch["pixel_values"], "image_sizes": torch.tensor(sizes)}, marks


def _reduced(image: Image.Image, pixels: int, longest: int, patch: int) -> Image.Image:
    """At most `pixels` and `longest` a side, both sides whole patches, none below one."""
    scale = min(1.0, math.sqrt(pixels / (image.width * image.height)), longest / max(image.size))
    width, height = (max(patch, int(side * scale) // patch * patch) for side in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def _laid_out(text: str, marks: list[str]) -> str:
    pieces = text.split("[IMG]")
    if len(pieces) != len(marks) + 1:
        raise UpsamplingFailed("The text encoder’s chat template does not take these images.")
    return pieces[0] + "".join(mark + piece for mark, piece in zip(marks, pieces[1:], strict=True))


def _placed(value: Any, device: str, dtype: torch.dtype) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(device, dtype) if value.is_floating_point() else value.to(device)


def _own_randomness(device: str) -> AbstractContextManager[None]:
    """Sampling draws from torch's global generators; whatever else uses them must not notice."""
    return torch.random.fork_rng(devices=[torch.device(device)] if device.startswith("cuda") else [])
