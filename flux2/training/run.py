"""Trains the transformer by the recipe: resumable, the same from the same seed. Declines to judge what it learned."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from flux2.training.examples import Examples
from flux2.training.recipe import SEED, Phase
from flux2.training.start import begin
from flux2.training.text import Words
from flux2.training.transformer import loss_of, new_transformer, plain_attention

log = logging.getLogger(__name__)
WARM_UP = 60
SAVE_SECONDS = 60.0
STATE, CURVE, WEIGHTS = "state.pt", "loss.jsonl", "weights"


class Run:
    """One training run in a folder; `advance` continues where the folder's state left off."""

    def __init__(
        self,
        folder: Path,
        phases: Sequence[Phase],
        device: torch.device,
        *,
        compiled: bool = False,
        start: Path | None = None,
    ) -> None:
        """`start`: an earlier model's folder whose words and weights the run begins with; None begins with nothing."""
        self.folder, self.phases, self.device = folder, phases, device
        torch.manual_seed(SEED)
        self.model = new_transformer().to(device)
        known, weights = begin(start) if start else (None, None)
        self.words = Words(known)
        if weights:
            self.model.load_state_dict(weights)
        self.average = {name: weight.detach().clone() for name, weight in self.model.named_parameters()}
        self.optimizers = new_optimizers(self.model)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).exists():
            self._load()
        if compiled:
            torch._dynamo.config.recompile_limit = 64
            self.model.compile_repeated_blocks(fullgraph=True, dynamic=False)

    @property
    def total(self) -> int:
        """Steps of the whole recipe."""
        return sum(phase.steps for phase in self.phases)

    def advance(self, snapshot_every: int = 500, until: int | None = None) -> Iterator[int]:
        """Train to the end of the recipe, or to step `until`; yields the step at each snapshot of the average."""
        saved, last = time.monotonic(), min(self.total, until or self.total)
        bar = tqdm(total=last, initial=self.step, unit="step", mininterval=5)
        with plain_attention(self.device), bar, (self.folder / CURVE).open("a") as curve:
            while self.step < last:
                kind, loss = self.once()
                curve.write(
                    json.dumps({"step": self.step, "kind": kind, "loss": round(loss, 5), "time": time.time()}) + "\n"
                )
                bar.update()
                bar.set_postfix(kind=kind, loss=f"{loss:.3f}", refresh=False)
                snapshot = self.step % snapshot_every == 0 or self.step == last
                if snapshot or time.monotonic() - saved > SAVE_SECONDS:
                    curve.flush()
                    self._save(snapshot)
                    saved = time.monotonic()
                if snapshot:
                    yield self.step

    @contextlib.contextmanager
    def averaged(self) -> Iterator[Any]:
        """The model with the averaged weights, uncompiled, inside the block."""
        trained = {name: weight.detach().clone() for name, weight in self.model.named_parameters()}
        self.model.load_state_dict(self.average)
        try:
            with torch.compiler.set_stance("force_eager"):
                yield self.model
        finally:
            self.model.load_state_dict(trained)

    def _phase(self) -> tuple[Phase, float]:
        """The phase of the next step, and how far it has come (0..1)."""
        begun = 0
        for phase in self.phases:
            if self.step < begun + phase.steps:
                return phase, (self.step - begun) / phase.steps
            begun += phase.steps
        raise IndexError(self.step)

    def once(self) -> tuple[str, float]:
        """One step; the kind of its batch and its loss."""
        phase, done = self._phase()
        rate = phase.rate + (phase.last_rate - phase.rate) * done
        for optimizer, factor in zip(self.optimizers, (1.0, phase.others), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = factor * rate * min(1.0, (self.step + 1) / WARM_UP)
            optimizer.zero_grad()
        # Every step has its own seed, so a resumed run sees what an unbroken one would have seen.
        torch.manual_seed(SEED + self.step)
        kind, batch = Examples(phase.plan, self.words, random.Random(SEED + self.step)).next()
        loss = loss_of(self.model, batch.to(self.device))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        keep = min(phase.average, self.step / (self.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.model.parameters()), 1 - keep)
        return kind, loss.item()

    def _save(self, snapshot: bool) -> None:
        state = {
            "step": self.step,
            "model": dict(self.model.named_parameters()),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        _write(state, self.folder / STATE)
        if snapshot:
            halves = {name: weight.half().cpu() for name, weight in self.average.items()}
            _write(halves, self.folder / f"{WEIGHTS}-{self.step:06d}.pt")

    def _load(self) -> None:
        state = torch.load(self.folder / STATE, map_location=self.device, weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        log.info("resumed at step %d", self.step)


def new_optimizers(model: torch.nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for everything else."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "transformer_blocks" in name]
    others = [p for name, p in named if not (p.ndim == 2 and "transformer_blocks" in name)]
    return [
        torch.optim.Muon(matrices, lr=2e-3, weight_decay=0.0, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=2e-3, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _write(state: dict[str, Any], path: Path) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)
