"""Miniatures with random weights whose text encoder is taught a few sentences, which it then really generates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from flux2 import checkpoint, miniature
from flux2.engine import Engine
from flux2.upsampling import local

Lesson = tuple[str, str, Sequence[Image.Image], str]
"""Instruction, prompt, pictures, and the answer."""


def load(kind: str, folder: Any) -> Engine:
    """A miniature, untaught."""
    return Engine.load(checkpoint.resolve(str(miniature.write(folder / kind, kind))), device="cpu", threads=1)


def teach(engine: Engine, *lessons: Lesson) -> Engine:
    """Fit the output layer to say each lesson's last part, token by token, on what the layers below make of it."""
    pipe = engine._pipe
    encoder, tokenizer = pipe.text_encoder, getattr(pipe.tokenizer, "tokenizer", pipe.tokenizer)
    states, wanted = [], []
    for instruction, prompt, images, sentence in lessons:
        answer = [*tokenizer(sentence, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        if local._sees(encoder):
            inputs = local._seen(encoder, pipe.tokenizer, tokenizer, instruction, prompt, images)
        else:
            inputs = local._read(tokenizer, instruction, prompt)
        start = inputs["input_ids"]
        inputs["input_ids"] = torch.cat([start, torch.tensor([answer])], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        with torch.no_grad():
            hidden = encoder(**inputs, output_hidden_states=True).hidden_states[-1][0]
        states.append(hidden[start.shape[1] - 1 : -1])
        wanted.append(torch.tensor(answer))
    x, y = torch.cat(states), torch.cat(wanted)
    head = encoder.get_output_embeddings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        new = torch.nn.Linear(head.in_features, head.out_features)
    fit = torch.optim.Adam(new.parameters(), lr=0.1)
    for _ in range(500):
        fit.zero_grad()
        torch.nn.functional.cross_entropy(new(x), y).backward()
        fit.step()
    encoder.set_output_embeddings(new.eval())
    return engine
