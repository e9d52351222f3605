"""The picture classifier, with a tiny network that was made to know red from green."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from flux2.errors import CheckpointUnavailable, ScreeningRefused
from flux2.screening.classifier import Classifier
from flux2.screening.opening import open_screens
from flux2.screening.outfit import Screens
from flux2.screening.policy import Levels, Policy
from flux2.screening.port import Screening

RED, GREEN = Image.new("RGB", (48, 32), (230, 20, 20)), Image.new("RGB", (48, 32), (20, 230, 20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet of a few kilobytes, fitted for a moment to call red pictures nsfw, saved as any repository is."""
    import transformers

    make: Any = transformers.ResNetForImageClassification
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make(
            transformers.ResNetConfig(
                embedding_size=4,
                hidden_sizes=[4],
                depths=[1],
                id2label={0: "normal", 1: "nsfw"},
                label2id={"normal": 0, "nsfw": 1},
            )
        )
        processor: Any = transformers.ViTImageProcessorPil(size={"height": 16, "width": 16})
        pixels = processor([GREEN, RED], return_tensors="pt")["pixel_values"]
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(60):
            optimizer.zero_grad()
            model(pixel_values=pixels, labels=torch.tensor([0, 1])).loss.backward()
            optimizer.step()
        # Running statistics instead of a batch's: that is how it will be asked.
        model.train()
        for _ in range(60):
            model(pixel_values=pixels)
    made = tmp_path_factory.mktemp("classifier")
    model.eval().save_pretrained(made)
    processor.save_pretrained(made)
    return made


def test_a_loaded_classifier_refuses_what_it_was_taught(folder: Path) -> None:
    """Red is refused, green passes, through transformers' own loader and pipeline."""
    screening = Screening(scorer=Classifier.load(folder, labels=["NSFW"]), levels=Levels(refuse=0.7))
    screening.check_image(GREEN, "result")
    with pytest.raises(ScreeningRefused, match="the result was refused because it may show"):
        screening.check_image(RED, "result")
    with pytest.raises(ScreeningRefused, match="the reference image"):
        screening.check_image(RED, "reference image")


def test_between_two_scores_a_picture_is_shown_behind_a_click(folder: Path) -> None:
    """Above the first it is hidden, above the second refused; a server moves both down, never up."""
    red = Classifier.load(folder, labels=["nsfw"]).score(RED)
    levels = Levels(refuse=(1 + red) / 2, hide=red - 0.01)
    screening = Screening(scorer=Classifier.load(folder, labels=["nsfw"]), levels=levels)
    assert (screening.hides(RED), screening.hides(GREEN)) == (True, False)
    screening.check_image(RED, "result")
    with pytest.raises(ScreeningRefused):
        screening.under(Policy(refuse_above=red - 0.005)).check_image(RED, "result")
    screening.under(Policy(refuse_above=0.999_999)).check_image(RED, "result")
    assert screening.under(Policy(hide_above=0.9999)).hides(RED)


def test_labels_nobody_tells_are_an_error(folder: Path) -> None:
    """A classifier asked for a label it does not have would let everything pass."""
    with pytest.raises(CheckpointUnavailable, match="normal, nsfw"):
        Classifier.load(folder, labels=["gore"])


def test_a_classifier_that_is_not_there_stops_the_worker(tmp_path: Path) -> None:
    """Configured but absent is an error for the operator, never a worker without a screen."""
    for source, advice in (
        (str(tmp_path), "lacks config.json; fix FLUX2_SCREEN_CLASSIFIER"),
        ("some/classifier", "run `python -m worker fetch`, or set FLUX2_SCREEN_CLASSIFIER=off"),
        ("no repository", "neither a folder nor the name of a repository"),
    ):
        with pytest.raises(CheckpointUnavailable, match=advice):
            open_screens(Screens(classifier=source), hf_home=tmp_path)
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(CheckpointUnavailable, match="cannot be loaded"):
        open_screens(Screens(classifier=str(tmp_path)))
