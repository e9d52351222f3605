"""flux2.checkpoint: which weights, and are they there."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from flux2 import checkpoint
from flux2.errors import CheckpointUnavailable
from flux2.models import REGISTRY

KLEIN, DEV = REGISTRY["klein-4b"], REGISTRY["dev"]


def folder_of(path: Path, class_name: str, **extra: object) -> Path:
    """A folder that has everything a model folder needs but real weights."""
    parts = {
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    }
    for part in parts:
        (path / part).mkdir(parents=True)
        (path / part / "config.json").write_text("{}")
    (path / "transformer" / "model.safetensors").write_bytes(b"")
    (path / "model_index.json").write_text(json.dumps({"_class_name": class_name, **extra, **parts}))
    return path


def refusal(value: str) -> str:
    with pytest.raises(CheckpointUnavailable) as refused:
        checkpoint.resolve(value)
    return str(refused.value)


def test_a_registry_name_is_its_entry() -> None:
    """Names resolve without touching the disk."""
    assert checkpoint.resolve("klein-4b") is KLEIN


@pytest.mark.parametrize(
    ("class_name", "extra", "steps", "guidance", "fixed_guidance"),
    [
        ("Flux2Pipeline", {}, 28, 4.0, None),
        ("Flux2KleinPipeline", {"is_distilled": True}, 4, None, 1.0),
        ("Flux2KleinPipeline", {"is_distilled": False}, 50, 4.0, None),
        ("Flux2KleinPipeline", {}, 50, 4.0, None),
        ("Flux2KleinKVPipeline", {}, 4, None, None),
    ],
)
def test_a_folder_tells_its_own_kind(
    tmp_path: Path,
    class_name: str,
    extra: dict[str, object],
    steps: int,
    guidance: float | None,
    fixed_guidance: float | None,
) -> None:
    """The class and is_distilled in model_index.json decide steps and guidance; the folder gives name and source."""
    folder = folder_of(tmp_path / "my model", class_name, **extra)
    model = checkpoint.resolve(str(folder))
    assert (model.name, model.source, model.pipeline) == ("my-model", str(folder), class_name)
    assert (model.default_steps, model.default_guidance, model.pipeline_guidance) == (steps, guidance, fixed_guidance)
    assert not model.gated
    assert checkpoint.locate(model) == folder
    assert not checkpoint.is_downloadable(model)


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source no longer depends on where the process stands."""
    folder_of(tmp_path / "weights", "Flux2Pipeline")
    monkeypatch.chdir(tmp_path)
    assert checkpoint.resolve("./weights").source == str(tmp_path / "weights")


def test_the_sample_lies_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sample` is complete and found from any working directory; its path names the same entry."""
    monkeypatch.chdir(tmp_path)
    folder = checkpoint.locate(REGISTRY["sample"])
    assert folder.parts[-2:] == ("flux2", "sample")
    assert checkpoint.missing_parts(folder) == []
    assert checkpoint.resolve(str(folder)) is REGISTRY["sample"]


def test_another_folder_called_sample_is_not_ours(tmp_path: Path) -> None:
    """An operator's own folder named sample is loaded from where it lies."""
    model = checkpoint.resolve(str(folder_of(tmp_path / "sample", "Flux2Pipeline")))
    assert checkpoint.locate(model) == tmp_path / "sample"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("klein", "There is no model called “klein”; choose one of dev, klein-4b"),
        ("./nothing/here", "There is no folder ./nothing/here; set FLUX2_MODEL to a folder with a model_index.json."),
        ("someone/some-model", "There is no folder someone/some-model"),
    ],
)
def test_what_cannot_be_resolved_is_refused_in_words(value: str, sentence: str) -> None:
    """Neither a name nor a folder: the sentence says what may be written."""
    assert refusal(value).startswith(sentence)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """An empty folder, a broken index and another model family are told apart."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no readable model_index.json" in refusal(str(empty))
    (empty / "model_index.json").write_text("{")
    assert "holds no readable model_index.json" in refusal(str(empty))
    other = folder_of(tmp_path / "other", "StableDiffusionPipeline")
    assert "is a StableDiffusionPipeline; FLUX2_MODEL takes a folder with one of Flux2Pipeline" in refusal(str(other))


def test_half_a_copy_is_noticed(tmp_path: Path) -> None:
    """A missing weight file or a missing shard is named before anything is loaded."""
    folder = folder_of(tmp_path / "half", "Flux2Pipeline")
    model = checkpoint.resolve(str(folder))
    (folder / "transformer" / "model.safetensors").unlink()
    with pytest.raises(CheckpointUnavailable, match=r"lack transformer/\*.safetensors; copy it again."):
        checkpoint.locate(model)
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(shards))
    (folder / "transformer" / "model-1.safetensors").write_bytes(b"")
    assert checkpoint.missing_parts(folder) == ["transformer/model-2.safetensors"]
    shutil.rmtree(folder / "scheduler")
    assert checkpoint.missing_parts(folder) == ["transformer/model-2.safetensors", "scheduler/"]


def test_weights_that_were_never_fetched_say_how(tmp_path: Path) -> None:
    """A free model names the one command; a gated one the licence page and the token too, unless it is there."""
    with pytest.raises(CheckpointUnavailable) as free:
        checkpoint.locate(KLEIN, hf_home=tmp_path)
    assert str(free.value) == "klein-4b is not on this machine yet: run `python -m worker fetch klein-4b`."
    with pytest.raises(CheckpointUnavailable) as gated:
        checkpoint.locate(DEV, hf_home=tmp_path)
    assert str(gated.value) == (
        "dev is not on this machine yet: accept the licence on https://huggingface.co/black-forest-labs/FLUX.2-dev, "
        "set HF_TOKEN to a token of that account, and run `python -m worker fetch dev`."
    )
    with pytest.raises(CheckpointUnavailable) as with_token:
        checkpoint.locate(DEV, hf_home=tmp_path, token="hf_x")
    assert str(with_token.value) == "dev is not on this machine yet: run `python -m worker fetch dev`."


def cached(hf_home: Path, repository: str) -> Path:
    """A download as the hub library keeps it."""
    root = hf_home / "hub" / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("0" * 40)
    return folder_of(root / "snapshots" / ("0" * 40), "Flux2KleinPipeline", is_distilled=True)


def test_a_download_is_found_in_its_cache(tmp_path: Path) -> None:
    """The hub library's own layout is read, offline; an interrupted download is noticed."""
    folder = cached(tmp_path, KLEIN.source)
    assert checkpoint.locate(KLEIN, hf_home=tmp_path) == folder
    (folder / "transformer" / "model.safetensors").unlink()
    with pytest.raises(CheckpointUnavailable, match="run `python -m worker fetch klein-4b` again"):
        checkpoint.locate(KLEIN, hf_home=tmp_path)


def test_failures_of_the_hub_are_worded() -> None:
    """Gated, unknown, unreachable and a full disk each become one sentence that says what to do."""
    import httpx2
    from huggingface_hub import errors

    response = httpx2.Response(403, request=httpx2.Request("GET", "https://huggingface.co"))
    gated = checkpoint.unavailable(DEV, errors.GatedRepoError("403", response=response), token="hf_x")
    assert "accept the licence on" in str(gated)
    assert "check that HF_TOKEN belongs to that account" in str(gated)
    unknown = checkpoint.unavailable(DEV, errors.RepositoryNotFoundError("404", response=response))
    assert str(unknown).startswith("The hub does not know black-forest-labs/FLUX.2-dev")
    full = checkpoint.unavailable(KLEIN, OSError(errno.ENOSPC, "No space left on device"))
    assert str(full) == "klein-4b could not be stored: No space left on device; free some space or fix HF_HOME."
    offline = checkpoint.unavailable(KLEIN, httpx2.ConnectError("refused"))
    assert "could not be reached (ConnectError); check the network" in str(offline)
