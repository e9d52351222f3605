"""The text side of a miniature: a byte-level tokenizer, chat templates, and encoders deep enough to be tapped."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HIDDEN = 16
"""Width of the text encoders; the transformer sees the three tapped layers, 3 * HIDDEN."""
_LAYERS = 30
"""Deep enough for the default tap layers: 10, 20, 30 (dev) and 9, 18, 27 (klein)."""
_VOCABULARY = 768
_WORDS = "a an the of in on with and photo painting cat dog fox robot forest city river mountain red green blue light"
_SIZES: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": 32,
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 4096,
    "initializer_range": 0.2,
}
_QWEN_MARKS = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
_MISTRAL_MARKS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

_QWEN_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)
# A content is a plain string or a list of parts of type text or image; an image becomes one [IMG] marker.
_MISTRAL_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% set opener, closer = {'system': ('[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]'), 'user': ('[INST]', '[/INST]')}"
    ".get(m.role, ('', eos_token)) %}{{ opener }}"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% elif part.type == 'image' %}{{ '[IMG]' }}{% endif %}"
    "{% endfor %}{% endif %}{{ closer }}{% endfor %}"
)


def qwen_tokenizer() -> Any:
    """Return a tokenizer of klein's class, with its chat marks and a template that knows `enable_thinking`."""
    import transformers

    tokenizer_class: Any = transformers.Qwen2Tokenizer
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
    model = json.loads(_train_bpe(special).to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer = tokenizer_class(
        vocab=model["vocab"],
        merges=merges,
        **_QWEN_MARKS,
        extra_special_tokens=special[1:],
        model_max_length=4096,
    )
    tokenizer.chat_template = _QWEN_TEMPLATE
    return tokenizer


def mistral_tokenizer() -> Any:
    """Return the bare tokenizer that stands in for dev's PixtralProcessor, which would need torchvision."""
    import transformers

    tokenizer_class: Any = transformers.PreTrainedTokenizerFast
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]"]
    tokenizer = tokenizer_class(
        tokenizer_object=_train_bpe([*special, "[IMG_BREAK]", "[IMG_END]", "<pad>"]),
        **_MISTRAL_MARKS,
        padding_side="left",
        model_max_length=4096,
    )
    tokenizer.chat_template = _MISTRAL_TEMPLATE
    return tokenizer


def qwen_encoder(tokenizer: Any) -> Any:
    """Return klein's text encoder, a causal language model, with random weights."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), **_SIZES))


def mistral_encoder(tokenizer: Any) -> Any:
    """Return dev's text encoder, a vision-language model, with random weights."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    text = {"model_type": "mistral", "vocab_size": len(tokenizer), "sliding_window": None, **_SIZES, **ids}
    vision = {
        "model_type": "pixtral",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 8,
        "image_size": 112,
        "patch_size": 14,
        "num_channels": 3,
    }
    config: Any = Mistral3Config
    return Mistral3ForConditionalGeneration(
        config(
            text_config=text,
            vision_config=vision,
            image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
            spatial_merge_size=2,
            vision_feature_layer=-1,
            **ids,
        )
    )


def _train_bpe(special: list[str]) -> Tokenizer:
    """Train byte-level BPE on FLUX.2's own system messages: no unknown strings, and the same result every time."""
    from diffusers.pipelines.flux2 import system_messages

    named = sorted(vars(system_messages).items())
    texts = [text for name, text in named if name.startswith("SYSTEM_MESSAGE")]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[AddedToken(token, special=True) for token in special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, _WORDS], trainer)
    return tokenizer
