"""What an upscale costs and what it is worth, on the sample model: seconds per megapixel, memory, edges, the curve.

    python benchmarks/upscaling.py cost [--sides 512 1024 2048 4096] [--steps 20]
    python benchmarks/upscaling.py memory [--steps 4]      1024² to 4096², each pass as a member would ask for it
    python benchmarks/upscaling.py worth [--pairs 12]      drawn scenes against their truth, 2× and 4×
    python benchmarks/upscaling.py curve [--out docs/images/upscaling.svg]

Runs in this process on one thread; `memory` prints the peak of the whole process, interpreter and libraries included.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image

from flux2 import checkpoint
from flux2.engine import Engine
from flux2.models import MEGAPIXEL
from flux2.request import ReferenceImage
from flux2.training.resolution import Pair, edge_error, psnr, ssim
from flux2.upscaling.request import settle
from flux2.upscaling.upscaler import upscale

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def enlarge(engine: Engine, source: Image.Image, **options: Any) -> Image.Image:
    """One upscale of `source` from seed 1."""
    image = ReferenceImage(sha256="0" * 64, width=source.width, height=source.height)
    request, _ = settle(engine.model, image, seed=1, **options)
    return upscale(engine, request, source).image


def cost(engine: Engine, sides: Sequence[int], steps: int) -> None:
    """Seconds per megapixel of result, at growing sizes."""
    print(f"{'result':>12} {'seconds':>9} {'s/MP':>7} {'CPU s/MP':>9}   ({steps} steps, 2×)")
    for side in sides:
        source = Pair.numbered(1, side // 2, 1).truth
        began, worked = time.perf_counter(), time.process_time()
        enlarge(engine, source, factor=2, steps=steps)
        seconds, own = time.perf_counter() - began, time.process_time() - worked
        megapixels = side * side / MEGAPIXEL
        print(f"{side:>6}²      {seconds:9.2f} {seconds / megapixels:7.2f} {own / megapixels:9.2f}", flush=True)


def memory(engine: Engine, steps: int) -> None:
    """Peak memory of 1024² to 4096²."""
    before = _peak_gb()
    began = time.perf_counter()
    enlarge(engine, Pair.numbered(1, 1024, 1).truth, factor=4, steps=steps)
    seconds = time.perf_counter() - began
    print(
        f"1024² to 4096² in {steps} steps: {seconds:.0f} s, peak {_peak_gb():.2f} GB; the loaded model {before:.2f} GB"
    )


def worth(engine: Engine, pairs: int) -> None:
    """Edge error, PSNR and SSIM against the truth at the default creativity, beside plain interpolation."""
    print(f"{'':<18} {'edge error':>11} {'PSNR':>7} {'SSIM':>7}   ({pairs} scenes each)")
    for side, factor in ((64, 2), (128, 2), (64, 4)):
        rows: dict[str, list[tuple[float, float, float]]] = {"upscale": [], "Lanczos": [], "bicubic": []}
        for number in range(pairs):
            pair = Pair.numbered(number, side, factor)
            size = pair.truth.size
            for name, shown in (
                ("upscale", enlarge(engine, pair.source, factor=factor, recipe=pair.prompt)),
                ("Lanczos", pair.source.resize(size, Image.Resampling.LANCZOS)),
                ("bicubic", pair.source.resize(size, Image.Resampling.BICUBIC)),
            ):
                rows[name].append((edge_error(shown, pair.truth), psnr(shown, pair.truth), ssim(shown, pair.truth)))
        for name, figures in rows.items():
            edges, noise, likeness = np.mean(figures, axis=0)
            print(f"{side}² {factor}× {name:<10} {edges:11.4f} {noise:7.2f} {likeness:7.4f}", flush=True)


def curve(engine: Engine, out: Path, pairs: int = 4) -> None:
    """How far the result is from that of creativity 0, drawn as SVG."""
    sources = [Pair.numbered(number, 64, 2).source for number in range(pairs)]
    least = [np.asarray(enlarge(engine, source, creativity=0), np.float64) for source in sources]
    deviations = []
    for level in LEVELS:
        shown = [np.asarray(enlarge(engine, source, creativity=level)) for source in sources]
        apart = [np.sqrt(((one - kept) ** 2).mean()) for one, kept in zip(shown, least, strict=True)]
        deviations.append(float(np.mean(apart)))
        print(f"creativity {level:.1f}: deviation {deviations[-1]:6.2f} of 255", flush=True)
    out.write_text(_drawn(deviations))


def _drawn(deviations: Sequence[float]) -> str:
    width, height, margin = 480, 260, 44
    top = max(deviations)

    def place(level: float, deviation: float) -> tuple[float, float]:
        return margin + level * (width - 2 * margin), height - margin - deviation / top * (height - 2 * margin)

    points = [place(level, deviation) for level, deviation in zip(LEVELS, deviations, strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2a6"/>' for x, y in points)
    ticks = "".join(
        f'<text x="{place(level, 0)[0]:.0f}" y="{height - margin + 16}" text-anchor="middle">{level:.1f}</text>'
        for level in LEVELS[::2]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M{margin} {margin}V{height - margin}H{width - margin}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#2a6" stroke-width="2"/>{dots}{ticks}'
        f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">creativity</text>'
        f'<text x="{margin}" y="{margin - 12}">deviation from creativity 0, of 255 (most: {top:.0f})</text>'
        "</svg>\n"
    )


def _peak_gb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**3 if sys.platform == "darwin" else 1024**2)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "memory", "worth", "curve"))
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("docs/images/upscaling.svg"))
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} CPUs, one thread")
    engine = Engine.load(checkpoint.resolve("sample"), device="cpu", threads=1)
    match options.what:
        case "cost":
            cost(engine, options.sides, options.steps)
        case "memory":
            memory(engine, options.steps)
        case "worth":
            worth(engine, options.pairs)
        case "curve":
            curve(engine, options.out)


if __name__ == "__main__":
    main()
