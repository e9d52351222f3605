"""The sample model's words: tokenizer, chat template and a frozen text encoder. Declines to know what a caption means.

The encoder is a Qwen3 whose residual branches are zero, so every tapped layer is its table: words are random
vectors, colours (named ones and hex bytes) carry their red, green and blue along fixed directions too. Padding is 0.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from flux2.training.captions import BLENDS, EDITS, blend, caption, edit
from flux2.training.scenes import PALETTE, random_pair, random_scene

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WORD = 64
"""Leading entries of a vector: which word it is. The rest say which colour it stands for."""
HIDDEN = 128
TAPS = 3
"""The pipeline concatenates three layers of the encoder (9, 18, 27)."""
LAYERS = 28
SHADE = 4.0
"""Length of a vector's colour part, so that hex codes are learned at rates that leave the words alone."""
SYNONYMS = {
    "grey": "gray",
    "colour": "color",
    "centre": "center",
    "middle": "center",
    "little": "small",
    "big": "large",
    "an": "a",
    "paint": "draw",
    "larger": "bigger",
    "put": "move",
}
"""Words with one vector: the other's."""
START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
TEMPLATE = (
    "{% for m in messages %}"
    + START
    + "{% for w in (m.content | lower | replace(',', ' ') | replace('.', ' ') | replace('!', ' ')"
    " | replace('?', ' ')).split() %}"
    "{% if w[0] == '#' and w | length == 7 %}{{ '<r' ~ w[1:3] ~ '><g' ~ w[3:5] ~ '><b' ~ w[5:7] ~ '>' }}"
    "{% else %}{{ ' ' ~ w }}{% endif %}{% endfor %}" + END + "{% endfor %}"
)
"""Lower case, one leading space (so a word is one token wherever it stands); a hex code becomes three byte tokens."""


def hex_tokens() -> list[str]:
    """The 768 tokens of hex codes: channel and byte."""
    return [f"<{channel}{value:02x}>" for channel in "rgb" for value in range(256)]


def corpus(lines: int = 12000) -> list[str]:
    """Captions and instructions to learn the vocabulary from, without hex codes."""
    rng = random.Random(0)
    texts = []
    for i in range(lines // 4):
        one, two = random_scene(rng, hex_share=0), random_scene(rng, hex_share=0)
        texts += [caption(rng, one), caption(rng, random_pair(rng, hex_share=0))]
        texts.append(edit(rng, one, EDITS[i % len(EDITS)], hex_share=0).text)
        mixed = blend(rng, one, two, BLENDS[i % len(BLENDS)])
        texts.append(mixed.text if mixed else "hex please the")
    return [" " + text for text in texts]


def new_tokenizer() -> PreTrainedTokenizerBase:
    """A byte-level BPE whose words are the captions' words; the same every time."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    special = [PAD, START, END]
    learned = Tokenizer(models.BPE())
    learned.normalizer, learned.decoder = normalizers.NFC(), decoders.ByteLevel()
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=[AddedToken(token, special=True) for token in special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learned.train_from_iterator(corpus(), trainer)
    model = json.loads(learned.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=merges,  # type: ignore[arg-type]
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=special[1:],
        model_max_length=4096,
    )
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in hex_tokens()])
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def new_table(tokenizer: PreTrainedTokenizerBase, known: Mapping[str, torch.Tensor] | None = None) -> torch.Tensor:
    """One vector per token: (vocabulary, HIDDEN). `known`: the leading WORD entries of words from before."""
    draw = torch.Generator().manual_seed(0)
    words = torch.randn(len(tokenizer), WORD, generator=draw)
    directions = torch.randn(3, 2, HIDDEN - WORD, generator=draw)
    channels = torch.randn(3, HIDDEN - WORD, generator=draw)
    table = torch.cat([words, torch.zeros(len(tokenizer), HIDDEN - WORD)], 1)
    for word, vector in (known or {}).items():
        ids = tokenizer.encode(word, add_special_tokens=False)
        if len(ids) == 1:
            table[ids[0], :WORD] = vector

    def shade(channel: int, value: float) -> torch.Tensor:
        way, bend = directions[channel, 0], directions[channel, 1]
        return ((2 * value - 1) * way + (math.sin(math.pi * value) - 0.5) * bend) * SHADE

    for i, token in enumerate(hex_tokens()):
        channel, value = divmod(i, 256)
        row = table[tokenizer.convert_tokens_to_ids(token)]
        row[:WORD], row[WORD:] = 0, 0.7 * channels[channel] + 1.2 * shade(channel, value / 255)
    for name, rgb in PALETTE.items():
        (word,) = tokenizer.encode(" " + name)
        table[word, WORD:] = sum(shade(c, v / 255) for c, v in enumerate(rgb))
    for other, name in SYNONYMS.items():
        (one,), (same,) = tokenizer.encode(" " + other), tokenizer.encode(" " + name)
        table[one] = table[same]
    table[tokenizer.pad_token_id] = 0
    return table


def new_text_encoder(tokenizer: PreTrainedTokenizerBase, table: torch.Tensor) -> Any:
    """The stock class around a table; its layers add nothing."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    build: Any = Qwen3ForCausalLM
    model = build(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=16,
            num_hidden_layers=LAYERS,
            num_attention_heads=1,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(table)
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.zero_()
    return model.eval()


class Words:
    """Texts as the encoder's output, without running its empty layers."""

    def __init__(self, known: Mapping[str, torch.Tensor] | None = None) -> None:
        self.tokenizer = new_tokenizer()
        self.table = new_table(self.tokenizer, known)
        self._known: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        """The token ids the pipeline makes of `text`, without padding."""
        row: list[Any] = [self.tokenizer.convert_tokens_to_ids(START)]
        for word in text.lower().split():
            if word[0] == "#" and len(word) == 7:
                parts = (f"<r{word[1:3]}>", f"<g{word[3:5]}>", f"<b{word[5:7]}>")
                row += [self.tokenizer.convert_tokens_to_ids(part) for part in parts]
                continue
            if word not in self._known:
                self._known[word] = self.tokenizer.encode(" " + word)
            row += self._known[word]
        return [*row, self.tokenizer.convert_tokens_to_ids(END)]

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """(n, longest text, TAPS * HIDDEN); shorter texts end in padding."""
        rows = [self.ids(text) for text in texts]
        ids = torch.full((len(rows), max(map(len, rows))), self.tokenizer.pad_token_id)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        return self.table[ids].repeat(1, 1, TAPS)
