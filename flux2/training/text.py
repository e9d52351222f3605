"""The sample model's words: tokenizer, chat template and a frozen text encoder. Declines to know what a caption means.

The encoder is a Qwen3 whose residual branches are zero, so every tapped layer is its table: words are random
vectors, colours (named ones and hex codes) say besides which red, green and blue they are. Padding is 0.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from flux2.training.captions import BLENDS, EDITS, blend, caption, edit
from flux2.training.scenes import COLOURS, PALETTE, random_pair, random_scene

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WORD = 64
"""Leading entries of a vector: which word it is. The rest say which colour it stands for."""
HIDDEN = 128
TAPS = 3
"""The pipeline concatenates three layers of the encoder (9, 18, 27)."""
LAYERS = 28
SHADE = 2.0
"""Length of a vector's colour part: longer than the words', so that the first thing heard of a colour is its value."""
FINE = 8.0
"""Factor of the colour part of what a code has beyond its first digits, which alone would be too quiet."""
DIGITS = "0123456789abcdef"
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
    "{% if w[0] == '#' and w | length == 7 %}{{ '<#' ~ w[1] ~ w[3] ~ w[5] ~ '><.' ~ '" + DIGITS + "'.find(w[2]) // 4"
    " ~ '" + DIGITS + "'.find(w[4]) // 4 ~ '" + DIGITS + "'.find(w[6]) // 4 ~ '>' }}"
    "{% else %}{{ ' ' ~ w }}{% endif %}{% endfor %}" + END + "{% endfor %}"
)
"""Lower case, one leading space (so a word is one token wherever it stands); a hex code becomes two tokens."""


def code_tokens(code: str) -> tuple[str, str]:
    """`#1b6b6f`, lower case, as two tokens: first digits `<#166>`, and quarters of the second ones, `<.223>`."""
    return f"<#{code[1]}{code[3]}{code[5]}>", "<." + "".join(str(DIGITS.find(code[k]) // 4) for k in (2, 4, 6)) + ">"


def coarse_tokens() -> dict[str, tuple[float, float, float]]:
    """The 4096 first tokens of hex codes, with the middle of the colours each stands for, 0..1."""
    values = [(16 * digit + 7.5) / 255 for digit in range(16)]
    return {
        f"<#{DIGITS[r]}{DIGITS[g]}{DIGITS[b]}>": (values[r], values[g], values[b])
        for r, g, b in itertools.product(range(16), repeat=3)
    }


def fine_tokens() -> dict[str, tuple[float, float, float]]:
    """The 64 second tokens of hex codes, with how far each moves the colour."""
    steps = [(4 * quarter - 6) / 255 for quarter in range(4)]
    return {f"<.{r}{g}{b}>": (steps[r], steps[g], steps[b]) for r, g, b in itertools.product(range(4), repeat=3)}


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
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in [*coarse_tokens(), *fine_tokens()]])
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def shades(colours: torch.Tensor) -> torch.Tensor:
    """Colours (n, 3) in 0..1 as second parts of vectors (n, HIDDEN - WORD): smooth, so that unseen ones mean something.

    Every channel goes along a bow rather than a line, since the transformer forgets a vector's length.
    """
    draw = torch.Generator().manual_seed(1)
    ways, bows, pairs = torch.randn(3, 3, HIDDEN - WORD, generator=draw)
    centred = 2 * colours - 1
    bowed = torch.sin(math.pi * colours) - 0.5
    mixed = 0.5 * centred * centred.roll(1, 1)
    return torch.stack([centred @ ways, bowed @ bows, mixed @ pairs]).sum(0) * SHADE


def steps(offsets: torch.Tensor) -> torch.Tensor:
    """Moves of a colour (n, 3) as the second part of vectors."""
    middle = torch.full_like(offsets, 0.5)
    return FINE * (shades(middle + offsets) - shades(middle))


def palette() -> torch.Tensor:
    """The named colours in 0..1: (n, 3)."""
    return torch.tensor(list(PALETTE.values())) / 255


def new_table(tokenizer: PreTrainedTokenizerBase, known: Mapping[str, torch.Tensor] | None = None) -> torch.Tensor:
    """One vector per token: (vocabulary, HIDDEN). `known`: the leading WORD entries of tokens from before."""
    words = torch.randn(len(tokenizer), WORD, generator=torch.Generator().manual_seed(0))
    table = torch.cat([words, torch.zeros(len(tokenizer), HIDDEN - WORD)], 1)
    names = [tokenizer.encode(" " + name)[0] for name in COLOURS]
    coarse, fine = (torch.tensor(tokenizer.convert_tokens_to_ids(list(t()))) for t in (coarse_tokens, fine_tokens))
    table[coarse, :WORD] = table[names, :WORD].mean(0)
    table[fine, :WORD] = words[fine[0]]
    for word, vector in (known or {}).items():
        ids = tokenizer.encode(word, add_special_tokens=False)
        if len(ids) == 1:
            table[ids[0], :WORD] = vector
    table[names, WORD:] = shades(palette())
    table[coarse, WORD:] = shades(torch.tensor(list(coarse_tokens().values())))
    table[fine, WORD:] = steps(torch.tensor(list(fine_tokens().values())))
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
                row += [self.tokenizer.convert_tokens_to_ids(part) for part in code_tokens(word)]
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
