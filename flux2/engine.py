"""The resident model: one diffusers pipeline, loaded once, drawing one picture at a time.

Owns everything that touches torch between a request and its pixels. Declines to know of jobs, members and files; the
order of the stages is `pipeline.generate`'s.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from flux2 import checkpoint, quantization, redrawing
from flux2.conditioning import EmbeddingCache
from flux2.errors import CheckpointUnavailable, OutOfMemory
from flux2.inpainting import Course, inpaint
from flux2.masking import Patch
from flux2.models import MEGAPIXEL, Model, Quantization
from flux2.previews import Glimpses, Look
from flux2.request import GenerationRequest

log = logging.getLogger(__name__)

TILING_PIXELS = MEGAPIXEL * 3 // 2
"""Above this the VAE decodes in tiles: whole, 2048x2048 in bf16 takes many GB beside the weights."""

_A_WORD = 4
"""Tokens: yes or no, a full stop, and the end of the turn."""

_CHATTER = ("torchao", "diffusers.quantizers", "torch.utils._pytree")
"""Loggers that warn at the import of torchao of kernels for other cards: nothing here needs those."""
_TOO_BIG = "The picture needs more memory than this worker has; ask for a smaller one or fewer references."

OnStep = Callable[[int], None]
"""Called with the number of denoising steps done, once each is really done; raising from it ends the picture."""
OnGlimpse = Callable[[Look], None]
"""Called after each step but the last with a way to look at what it is becoming; looking costs a small decode."""


class Engine:
    """A loaded model. Thread-safe in that calls wait for one another: a pipeline can draw one picture at a time."""

    def __init__(self, pipe: Any, model: Model, device: str) -> None:
        self._pipe = pipe
        self.model = model
        self.device = device
        self._lock = threading.RLock()
        self._embeddings = EmbeddingCache(self._encode_prompt)

    @classmethod
    def load(
        cls,
        model: Model,
        *,
        device: str = "auto",
        cpu_offload: bool = False,
        quantized: Quantization = "none",
        threads: int | None = None,
        hf_home: Path | None = None,
        token: str | None = None,
    ) -> Engine:
        """Load `model` onto `device` (auto, cpu, cuda[:N] or mps): float32 on the CPU, bfloat16 elsewhere.

        `cpu_offload` keeps each part of the model in main memory until it is needed: less on the device, and slower.
        `quantized` keeps transformer and text encoder in fewer bytes: half the memory, and nearly the same pictures.
        `threads` limits the CPU threads torch uses in this whole process; None leaves torch's choice. Raises
        CheckpointUnavailable, OutOfMemory.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        chosen = choose_device(device)
        if cpu_offload and chosen == "cpu":
            raise CheckpointUnavailable(
                "Offloading spares the memory of an accelerator, and this is the CPU already; leave it out "
                "(FLUX2_CPU_OFFLOAD or --cpu-offloading)."
            )
        folder = checkpoint.locate(model, hf_home=hf_home, token=token)
        with _memory_guard(f"{model.name} does not fit on {chosen}; choose a smaller model or a larger device."):
            dtype = torch.float32 if chosen == "cpu" else torch.bfloat16
            pipe = _load_pipeline(folder, dtype, quantization.loader_arguments(quantized))
            if cpu_offload:
                pipe.enable_model_cpu_offload(device=chosen)
            else:
                pipe.to(chosen)
        if type(pipe).__name__ != model.pipeline:
            raise CheckpointUnavailable(f"{folder} is a {type(pipe).__name__}, and {model.name} is a {model.pipeline}.")
        return cls(pipe, model, chosen)

    def warm_up(self) -> None:
        """Draw one small picture and throw it away, so that the first member does not wait for kernels to be chosen."""
        side = max(64, self.model.min_side)
        steps = self.model.min_steps
        guidance = self.model.default_guidance
        request = GenerationRequest(
            model=self.model.name, prompt="warm up", width=side, height=side,
            num_inference_steps=steps, guidance_scale=guidance, seed=0,
        )  # fmt: skip
        self.draw(request, self.embed(request), seed=0)

    def count_tokens(self, prompt: str) -> int:
        """Return how many tokens `prompt` has, chat template and system message included."""
        tokenizer = self._pipe.tokenizer
        if self.model.pipeline == "Flux2Pipeline":
            from diffusers.pipelines.flux2.pipeline_flux2 import format_input

            messages = format_input([prompt], system_message=self._pipe.system_message)
            ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
            return len(ids[0])
        message = [{"role": "user", "content": prompt}]
        text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True, enable_thinking=False)
        return len(tokenizer(text)["input_ids"])

    def embed(self, request: GenerationRequest) -> dict[str, torch.Tensor]:
        """Return the pipeline's embedding arguments for `request`, encoded or remembered. Raises OutOfMemory."""
        return self.embed_words(request.prompt, request.guidance_scale)

    def embed_words(self, prompt: str, guidance_scale: float | None) -> dict[str, torch.Tensor]:
        """The same for words of any request: the negative embedding is there where guidance is a second pass."""
        length = self.model.max_sequence_length
        with self._exclusive():
            embeddings = {"prompt_embeds": self._embeddings.get(prompt, length)}
            if self._uses_cfg(guidance_scale):
                embeddings["negative_prompt_embeds"] = self._embeddings.get("", length)
        return embeddings

    def draw(
        self,
        request: GenerationRequest,
        embeddings: dict[str, torch.Tensor],
        *,
        seed: int,
        references: Sequence[Image.Image] = (),
        init_image: Image.Image | None = None,
        patch: Patch | None = None,
        on_step: OnStep | None = None,
        on_glimpse: OnGlimpse | None = None,
    ) -> Image.Image:
        """Denoise and decode one picture of `request` from `seed`; with a `patch`, only what is in its hole is new.

        A batch of one with a CPU generator of its own, so that a seed gives the same pixels alone and in a count of
        four. `references` come from `prepare_references`; `init_image` is the RGB picture of `request.init_image`.
        Raises OutOfMemory, and whatever `on_step` raises.
        """
        course = Course(self._pipe, {"image": list(references) or None})
        glimpses = Glimpses(self._pipe, request.width, request.height) if on_glimpse else None

        def after_step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            self.synchronize()  # kernels are queued ahead: without this, steps are reported before they are done
            if on_step:
                on_step(index + 1)
            latents = course.keep(index + 1, tensors["latents"]) if course.keep else tensors["latents"]
            if glimpses and on_glimpse and index + 1 < request.denoising_steps:
                glimpses.watch(index + 1, latents)
                on_glimpse(glimpses.look)
            return {"latents": latents}

        with self._exclusive():
            dtype = embeddings["prompt_embeds"].dtype
            start = redrawing.start(self._pipe, request, init_image, seed, dtype) if init_image else {}
            self._tile(request.width * request.height)
            if patch:
                course = inpaint(self._pipe, patch, references, seed, dtype)
            result = course.pipe(
                **{name: embedding.to(self.device) for name, embedding in embeddings.items()},
                **self._guidance(request),
                **course.pictures,
                width=request.width,
                height=request.height,
                num_inference_steps=request.denoising_steps,
                generator=torch.Generator("cpu").manual_seed(seed),
                **start,
                callback_on_step_end=after_step,
            )
        image = result.images[0]
        if not isinstance(image, Image.Image):
            raise TypeError(f"The pipeline returned {type(image).__name__} instead of a picture.")
        return image

    def write(
        self,
        instruction: str,
        prompt: str,
        images: Sequence[Image.Image] = (),
        *,
        seed: int,
        on_token: OnStep | None = None,
    ) -> str:
        """Let the text encoder answer `prompt` under `instruction`, as the language model it is.

        The same seed gives the same words. Only dev's encoder looks at `images`. Raises OutOfMemory, UpsamplingFailed
        for weights that cannot write, and whatever `on_token` raises.
        """
        from flux2.upsampling import local

        with self._exclusive():
            return local.write(self._pipe, instruction, prompt, images, self.device, seed, on_token)

    def judge(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        """Let the text encoder say what is likeliest, in a word: the same question gets the same answer.

        Raises OutOfMemory, and UpsamplingFailed where it says more than a word.
        """
        from flux2.upsampling import local

        with self._exclusive():
            return local.write(self._pipe, instruction, prompt, images, self.device, 0, None, most=_A_WORD)

    @contextmanager
    def borrow(self) -> Iterator[Any]:
        """Lend the pipeline for work it has no call for; its decoder takes whole tiles. Raises OutOfMemory.

        What is done inside is one run: other calls wait, no gradients are kept.
        """
        with self._exclusive(), torch.no_grad():
            self._pipe.vae.disable_tiling()
            yield self._pipe

    def memory_bytes(self) -> tuple[int, int] | None:
        """Return (used, total) bytes of the accelerator's memory, None on the CPU."""
        if not self.device.startswith("cuda"):
            return None
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free, total

    def card(self) -> tuple[str, str | None]:
        """Return the device's name as people know it, and a CUDA card's UUID."""
        if not self.device.startswith("cuda"):
            return self.device, None
        properties = torch.cuda.get_device_properties(self.device)
        return f"{properties.name} ({self.device})", str(getattr(properties, "uuid", "")) or None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock, _memory_guard(_TOO_BIG):
            try:
                yield
            finally:
                self._pipe.maybe_free_model_hooks()  # an exception skips the pipeline's own clean-up of offloaded parts

    def _encode_prompt(self, prompt: str, max_sequence_length: int) -> torch.Tensor:
        with torch.no_grad():
            embedding, _ = self._pipe.encode_prompt(prompt=prompt, max_sequence_length=max_sequence_length)
        if not isinstance(embedding, torch.Tensor):
            raise TypeError(f"The text encoder returned {type(embedding).__name__} instead of a tensor.")
        return embedding

    def _uses_cfg(self, guidance_scale: float | None) -> bool:
        """Whether the pipeline runs a second, unconditional pass: klein-base above a guidance of one."""
        is_base = self.model.pipeline == "Flux2KleinPipeline" and self.model.default_guidance is not None
        return is_base and (guidance_scale or 0) > 1

    def _guidance(self, request: GenerationRequest) -> dict[str, float]:
        """Return the guidance argument; none for a pipeline that knows no such argument (klein-kv)."""
        scale = self.model.pipeline_guidance if request.guidance_scale is None else request.guidance_scale
        return {} if scale is None else {"guidance_scale": scale}

    def _tile(self, pixels: int) -> None:
        if pixels > TILING_PIXELS:
            self._pipe.vae.enable_tiling()
        else:
            self._pipe.vae.disable_tiling()

    def synchronize(self) -> None:
        """Wait until the device has done what was queued; steps are reported when they are really done."""
        if self.device != "cpu":
            torch.accelerator.synchronize(self.device)


def choose_device(device: str) -> str:
    """Return the device torch is to use; `auto` takes cuda, then mps, then cpu. Raises CheckpointUnavailable."""
    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    kind, _, index = device.partition(":")
    found = {"cpu": 1, "mps": int(has_mps), "cuda": torch.cuda.device_count()}.get(kind, 0)
    if int(index or 0) >= found:
        raise CheckpointUnavailable(
            f"There is no device {device} on this machine; choose auto or cpu (FLUX2_DEVICE or --device)."
        )
    return device


def _load_pipeline(folder: Path, dtype: torch.dtype, more: dict[str, Any]) -> Any:
    for name in _CHATTER:
        logging.getLogger(name).setLevel(logging.ERROR)
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
    tokenizer = _tokenizer_without_torchvision(folder)
    try:
        load: Any = diffusers.DiffusionPipeline.from_pretrained
        pipe = load(folder, dtype=dtype, local_files_only=True, **tokenizer, **more)
        if tokenizer:
            bare = transformers.AutoTokenizer.from_pretrained(folder / "tokenizer")
            pipe.register_modules(tokenizer=bare)
    except (OSError, ValueError, KeyError, RuntimeError) as broken:
        if isinstance(broken, RuntimeError) and _is_out_of_memory(broken):
            raise
        raise CheckpointUnavailable(
            f"The weights in {folder} cannot be loaded ({broken}); fetch them again."
        ) from broken
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _tokenizer_without_torchvision(folder: Path) -> dict[str, None]:
    """dev names PixtralProcessor, which needs torchvision; its bare tokenizer gives bit-identical embeddings."""
    _, class_name = json.loads((folder / checkpoint.INDEX).read_text())["tokenizer"]
    is_processor = class_name == "PixtralProcessor"
    return {"tokenizer": None} if is_processor and importlib.util.find_spec("torchvision") is None else {}


@contextmanager
def _memory_guard(sentence: str) -> Iterator[None]:
    """Turn an allocator's failure into OutOfMemory, after giving the accelerator's cache back."""
    detail = None
    try:
        yield
    except RuntimeError as failure:
        if not _is_out_of_memory(failure):
            raise
        detail = str(failure)
    if detail is not None:
        # Only here: while the exception lives, its traceback holds the tensors whose memory is to be given back.
        log.warning("Out of memory: %s", detail)
        torch.cuda.empty_cache()
        raise OutOfMemory(sentence)


def _is_out_of_memory(failure: RuntimeError) -> bool:
    """CUDA has a class for it; mps and the CPU allocator say it in words."""
    words = str(failure).lower()
    return isinstance(failure, torch.OutOfMemoryError) or any(
        phrase in words for phrase in ("out of memory", "not enough memory", "can't allocate memory")
    )
