"""flux2.models: the registry."""

import pytest

from flux2 import sizing
from flux2.errors import InvalidRequest
from flux2.models import DEFAULT_MODEL, HOSTED, REGISTRY, Model, find


@pytest.mark.parametrize("model", REGISTRY.values(), ids=list(REGISTRY))
def test_every_entry_is_consistent(model: Model) -> None:
    """Defaults lie within their own bounds, and a fixed guidance is only set where members have none."""
    assert model.min_steps <= model.default_steps <= model.max_steps
    assert model.default_guidance is None or model.min_guidance <= model.default_guidance <= model.max_guidance
    assert model.pipeline_guidance is None or model.default_guidance is None
    assert model.min_side % sizing.MULTIPLE == 0
    assert model.default_pixels <= model.max_pixels
    assert 1 <= model.default_count <= model.max_count


def test_names_are_the_keys_and_fit_a_queue_name() -> None:
    """A model is found by its own name, which holds nothing a queue or a command choice would trip over."""
    for name, model in REGISTRY.items():
        assert find(name) is model
        assert name == model.name
        assert name.replace("-", "").isalnum()


def test_the_default_is_real_and_free() -> None:
    """Unset means an ungated, commercially usable model, never the sample."""
    model = REGISTRY[DEFAULT_MODEL]
    assert (model.name, model.gated, model.non_commercial) == ("klein-4b", False, False)


def test_distilled_weights_are_called_as_they_were_made() -> None:
    """Klein: four steps, guidance 1.0 fixed; kv: no guidance at all; base and dev: members choose."""
    for name in ("klein-4b", "klein-9b"):
        model = REGISTRY[name]
        assert model.has_fixed_steps
        assert (model.default_steps, model.default_guidance, model.pipeline_guidance) == (4, None, 1.0)
    kv = REGISTRY["klein-9b-kv"]
    assert (kv.default_steps, kv.default_guidance, kv.pipeline_guidance) == (4, None, None)
    for name in ("dev", "klein-base-4b", "klein-base-9b"):
        assert REGISTRY[name].default_guidance == 4.0
        assert not REGISTRY[name].has_fixed_steps


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    """The refusal lists what may be written instead."""
    with pytest.raises(InvalidRequest, match="no model called “klein”; choose one of dev, klein-4b"):
        find("klein")


@pytest.mark.parametrize("model", REGISTRY.values(), ids=list(REGISTRY))
def test_a_model_survives_the_wire(model: Model) -> None:
    """A worker's heartbeat gives the bot the same model back."""
    assert Model.model_validate_json(model.model_dump_json()) == model


def test_hosted_models_are_values_until_a_back_end_comes() -> None:
    """What the hosts' models take is known, defaults within ranges; asking for one is refused with the reason."""
    assert set(HOSTED) == {"max", "pro", "flex", "dev", "klein-4b", "klein-9b"}
    for model in HOSTED.values():
        for bounds in (model.steps, model.guidance):
            assert bounds is None or bounds.least <= (bounds.default or bounds.least) <= bounds.most
    assert HOSTED["pro"].steps is None
    assert HOSTED["flex"].guidance is not None
    with pytest.raises(InvalidRequest, match="pro is drawn by a host's API only"):
        find("pro")
    assert find("dev") is REGISTRY["dev"]
