"""flux2.prompting.builder: a JSON prompt from a form's inputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.prompting.builder import GROUPS, LOOK, Parts, build, options, take_apart
from flux2.prompting.scene import POSITIONS, Scene, parse

WORD = st.text("abcdefg ", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)
SUBJECT = st.fixed_dictionaries(
    {"type": WORD, "description": WORD},
    optional={
        "pose": WORD,
        "position": st.sampled_from(POSITIONS),
        "color_palette": st.lists(WORD, min_size=1, max_size=3),
    },
)
SCENE = st.fixed_dictionaries(
    {"scene": WORD},
    optional={
        **dict.fromkeys(LOOK, WORD),
        "subjects": st.lists(SUBJECT, min_size=1, max_size=3),
        "color_palette": st.lists(WORD, min_size=1, max_size=4),
        "composition": st.sampled_from(GROUPS["composition"]),
        "camera": st.dictionaries(st.just("lens"), st.sampled_from(GROUPS["lens"]), min_size=1),
        "effects": st.lists(st.sampled_from(GROUPS["effects"]), unique=True, min_size=1),
    },
)


def test_a_filled_form_becomes_the_whole_schema() -> None:
    """Lines become subjects, labelled lines their parts, choices the composition, the camera and the effects."""
    scene = build(
        Parts(
            scene="a pier\nat dawn",
            subjects="fox: red fur, bushy tail; running; Foreground; colours: rust, cream\nold boats",
            look="watercolour\nlighting: low sun\nMOOD: calm",
            colours="navy, #E8AA14",
            choices=("composition:rule of thirds", "angle:low angle", "f-number:f/2.8", "effects:film grain",
                     "effects:lens flare"),
        )
    )  # fmt: skip
    assert scene.as_object() == {
        "scene": "a pier at dawn",
        "subjects": [
            {
                "type": "fox",
                "description": "red fur, bushy tail",
                "pose": "running",
                "position": "foreground",
                "color_palette": ["rust", "cream"],
            },
            {"description": "old boats"},
        ],
        "style": "watercolour",
        "color_palette": ["navy", "#E8AA14"],
        "lighting": "low sun",
        "mood": "calm",
        "composition": "rule of thirds",
        "camera": {"angle": "low angle", "f-number": "f/2.8"},
        "effects": ["film grain", "lens flare"],
    }
    assert parse(scene.text()) == (scene, ())


@given(SCENE)
def test_a_scene_comes_back_from_the_form_as_it_was(data: dict[str, object]) -> None:
    """Opening the form on a scene and sending it as it stands changes nothing."""
    scene = Scene.model_validate(data)
    assert build(take_apart(scene)) == scene


@given(st.builds(Parts, st.text(), st.text(), st.text(), st.text(), st.lists(st.text(max_size=9)).map(tuple)))
def test_whatever_is_typed_is_a_scene_or_a_sentence(parts: Parts) -> None:
    """No input breaks the form."""
    try:
        scene = build(parts)
    except InvalidRequest as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        return
    assert parse(scene.text())[0].as_object()


def test_two_choices_of_a_group_are_refused_by_name() -> None:
    """One composition, one lens; effects may be several."""
    with pytest.raises(InvalidRequest, match="Choose one lens, not 35mm and 85mm"):
        build(Parts(choices=("lens:35mm", "lens:85mm")))
    assert build(Parts(choices=("effects:lens flare", "effects:soft bloom"))).effects == ("lens flare", "soft bloom")


def test_the_list_fits_a_select_menu() -> None:
    """25 options are the most Discord shows, each text at most 100 characters."""
    listed = list(options())
    assert len(listed) == 25
    assert len({value for value, _, _ in listed}) == 25
    assert all(len(text) <= 100 for option in listed for text in option)
