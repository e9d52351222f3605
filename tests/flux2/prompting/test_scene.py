"""flux2.prompting.scene: the structured JSON prompt."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.prompting import scene
from flux2.prompting.scene import Scene, is_json, parse

MUG = {
    "scene": "Product photography in a studio",
    "subjects": [
        {
            "type": "coffee mug",
            "description": "ceramic, steaming",
            "pose": "standing",
            "position": "foreground",
            "color_palette": ["matte black"],
        }
    ],
    "style": "ultra-realistic",
    "color_palette": ["matte black", "concrete gray"],
    "lighting": "three softboxes",
    "mood": "clean",
    "background": "concrete",
    "composition": "rule of thirds",
    "camera": {
        "angle": "high angle",
        "distance": "medium shot",
        "focus": "sharp on subject",
        "lens": "85mm",
        "f-number": "f/5.6",
        "ISO": 200,
    },
    "effects": ["film grain"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*MUG, "type", "ISO", "f-number", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_whole_schema_passes_as_it_is() -> None:
    """Every key of the schema is known, `f-number` and `ISO` keep their spelling, nothing is remarked."""
    read, notes = parse(json.dumps(MUG))
    assert read.as_object() == MUG
    assert json.loads(read.text()) == json.loads(read.pretty()) == MUG
    assert notes == ()
    assert read.summary() == "Product photography in a studio; coffee mug ceramic, steaming; concrete; ultra-realistic"


def test_unknown_keys_are_kept_and_said() -> None:
    """A slip of the keyboard is named with what was probably meant; the model gets it all the same."""
    read, notes = parse('{"scene": "a pier", "lightning": "dawn", "camera": {"iso": 1, "zoom": 2}}')
    assert json.loads(read.text()) == {"scene": "a pier", "camera": {"ISO": 1, "zoom": 2}, "lightning": "dawn"}
    assert notes == (
        "JSON prompt: “lightning” is not part of the schema and was passed on as it is; did you mean “lighting”?",
        "JSON prompt: “camera.zoom” is not part of the schema and was passed on as it is.",
    )


def test_what_is_said_of_a_key_is_its_words() -> None:
    """The remark stands under the picture, in the bot's name: no link, no mention and no formatting of a member's."""
    position = "left **now** https://a.example"
    odd = {"scene": "a pier", "[gift](https://a.example) <@1>": 1, "subjects": [{"type": "fox", "position": position}]}
    _, notes = parse(json.dumps(odd))
    assert "“gift https a.example 1”" in notes[0]
    assert "“left now https a.example”" in notes[1]


def test_values_beside_the_closed_lists_are_said() -> None:
    """Position and focus are closed lists in the schema; another value is kept with a remark."""
    _, notes = parse('{"subjects": [{"type": "fox", "position": "left"}], "camera": {"focus": "soft"}}')
    assert notes == (
        "JSON prompt: subjects[1].position “left” was kept; the model knows foreground, midground, background.",
        "JSON prompt: camera.focus “soft” was kept; the model knows deep focus, selective focus, sharp on subject.",
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ('{"scene": "a pier"', "a mistake in line 1, column 19"),
        ('{"scene": "a",\n "mood" "b"}', "a mistake in line 2, column 9"),
        ("{}", "is empty"),
        ('{"scene": null, "camera": {}, "effects": [" "]}', "is empty"),
        ('{"scene": "a", "scene": "b"}', "has “scene” twice"),
        ('{"scene": 3}', "“scene” has the wrong type; write it as \"a few words\"."),
        ('{"subjects": {"type": "fox"}}', "“subjects” has the wrong type; write it as [{"),
        ('{"subjects": [{"type": 1}]}', "“subjects[1].type” has the wrong type"),
        ('{"camera": {"ISO": "200"}}', "“camera.ISO” has the wrong type; write it as 200."),
        ('{"camera": {"f-number": 2.8}}', "“camera.f-number” has the wrong type; write it as \"f/2.8\"."),
        ('{"camera": {"ISO": 0}}', "should be greater than or equal to 1"),
        ('{"color_palette": "red"}', "“color_palette” has the wrong type"),
        ('{"scene": NaN}', "NaN, which is no number"),
        ('{"x": 1e999}', "1e999, which is no number"),
        ('{"camera": {"ISO": ' + "9" * 5000 + "}}", "number that is too long"),
        ('{"x": ' + "[" * 900 + "]" * 900 + "}", "nested deeper than 8 levels"),
        ('{"x": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested deeper than 8 levels"),
        ('{"scene": "a", "negative_prompt": "text, people"}', "takes no negative prompts"),
    ],
)  # fmt: skip
def test_a_wrong_prompt_is_one_sentence(typed: str, words: str) -> None:
    """The sentence names the place, and how to write it."""
    assert is_json(typed)
    with pytest.raises(InvalidRequest) as refused:
        parse(typed)
    assert words in str(refused.value)
    assert str(refused.value).endswith(".")


@given(st.dictionaries(st.sampled_from([*MUG, "x"]), JSON, max_size=5).map(json.dumps))
def test_any_object_is_read_or_refused_in_a_sentence(typed: str) -> None:
    """Whatever JSON comes: one sentence, or a scene that reads back as itself."""
    try:
        read, _ = parse(typed)
    except InvalidRequest as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        return
    assert parse(read.text())[0] == parse(read.pretty())[0] == read


@given(st.text(max_size=60))
def test_any_text_is_plain_or_judged(typed: str) -> None:
    """No text breaks the reader."""
    if is_json(typed):
        try:
            parse(typed)
        except InvalidRequest:
            return
    assert scene.read(typed) is None or isinstance(scene.read(typed), Scene)


def test_fences_and_plain_braces() -> None:
    """JSON pasted with its code fence is JSON; words in braces are words."""
    assert parse('```json\n{"scene": "a pier"}\n```')[0].scene == "a pier"
    assert not is_json("{curly} lettering")
    assert not is_json("a fox")


def test_every_script_passes_untouched() -> None:
    """Korean, Arabic and emoji are written as themselves, not escaped."""
    written = parse('{"scene": "서울 도심의 옥상 정원", "mood": "هادئ 🌙"}')[0].text()
    assert written == '{"scene": "서울 도심의 옥상 정원", "mood": "هادئ 🌙"}'
