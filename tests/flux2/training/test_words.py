"""flux2.training.captions and .text: what is said about a scene, and that the pipeline hears the same."""

import random

import pytest
import torch

from flux2.training.captions import BLENDS, EDITS, blend, called_by_name, caption, edit
from flux2.training.scenes import HELD_OUT, PALETTE, SHAPES, Colour, random_pair, random_scene
from flux2.training.start import CONTEXT, with_codes
from flux2.training.text import FINE, HIDDEN, PAD, TAPS, WORD, Words, code_tokens, new_text_encoder


@pytest.fixture(scope="module")
def words() -> Words:
    """The tokenizer and table, made anew."""
    return Words()


def texts(n: int) -> list[str]:
    """Captions and instructions of every kind."""
    rng = random.Random(2)
    said = []
    for i in range(n):
        one = random_scene(rng)
        mixed = blend(rng, one, random_scene(rng), BLENDS[i % 2])
        said += [caption(rng, one), caption(rng, random_pair(rng)), edit(rng, one, EDITS[i % 5]).text]
        said += [mixed.text] if mixed else []
    return said


def test_a_caption_names_shape_and_colour() -> None:
    """Nothing is asked of the model that its caption does not say."""
    rng = random.Random(3)
    for _ in range(200):
        scene = random_scene(rng)
        text, colour = caption(rng, scene), scene.thing.colour
        assert scene.thing.shape in text
        assert (colour.name or colour.code) in text.replace("grey", "gray")
        assert ("background" in text or " on " in text) or scene.ground.name == "white"


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_changes_one_thing(kind: str) -> None:
    """The target differs from the reference in the attribute asked for, and in no other."""
    rng = random.Random(4)
    for _ in range(100):
        scene = random_scene(rng)
        target = edit(rng, scene, kind).target
        before, after = scene.thing, target.thing
        changed = {
            "colour": before.colour != after.colour,
            "shape": before.shape != after.shape,
            "ground": scene.ground != target.ground,
            "size": before.radius != after.radius,
            "place": before.place != after.place,
        }
        assert [name for name, differs in changed.items() if differs] == [kind]
        assert target.ground.apart(after.colour)


def test_an_object_called_by_name_is_the_same_object() -> None:
    """Only the words change, and not all of them."""
    rng = random.Random(4)
    scenes = [random_scene(rng) for _ in range(40)]
    plain = [edit(rng, scene, "place") for scene in scenes]
    named = [called_by_name(rng, scene, one) for scene, one in zip(scenes, plain, strict=True)]
    assert [one.target for one in named] == [one.target for one in plain]
    before, after = (sum(" it " in one.text for one in each) for each in (plain, named))
    assert 0 < after < before


def test_a_blend_takes_from_both() -> None:
    """The colour of one reference, everything else of the other."""
    rng = random.Random(5)
    for _ in range(50):
        one, two = random_scene(rng), random_scene(rng)
        mixed = blend(rng, one, two, "colour")
        if mixed:
            assert {mixed.target.thing.shape, mixed.target.thing.colour} in (
                {one.thing.shape, two.thing.colour},
                {two.thing.shape, one.thing.colour},
            )


def test_a_word_is_one_token_and_a_code_two(words: Words) -> None:
    """So the prompts of the examination fit into 32 tokens; a digit alone is two."""
    for text in texts(60):
        parts = text.split()
        digits = sum(part.isdigit() for part in parts)
        assert len(words.ids(text)) == len(parts) + digits + text.count("#") + 2 <= 32


def test_the_pipeline_tokenizes_as_training_did(words: Words) -> None:
    """The chat template in the shipped tokenizer gives the ids the transformer was trained on, whatever the case."""
    for text in texts(40):
        chat = [{"role": "user", "content": text.upper() + "."}]
        filled = words.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        assert words.tokenizer(filled)["input_ids"] == words.ids(text)


def test_the_encoder_is_its_table(words: Words) -> None:
    """All tapped layers give the table's vectors, so training need not run them; padding is nothing."""
    encoder = new_text_encoder(words.tokenizer, words.table)
    (row,) = words(["a circle in hex #1b6b6f"])
    ids = words.ids("a circle in hex #1b6b6f")
    with torch.no_grad():
        states = encoder(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    assert torch.equal(torch.cat([states[k][0] for k in (9, 18, 27)], -1), row)
    assert row.shape == (len(ids), TAPS * HIDDEN)
    assert not words.table[words.tokenizer.convert_tokens_to_ids(PAD)].any()


def said(words: Words, code: str) -> torch.Tensor:
    """The colour half of a code's two tokens, the second one's without its loudness."""
    coarse, fine = words.table[words.tokenizer.convert_tokens_to_ids(list(code_tokens(code))), WORD:]
    return coarse + fine / FINE


def test_close_codes_are_close_words(words: Words) -> None:
    """A code's vectors move smoothly with its value, across first digits too, so unseen codes mean something."""
    here, near, far = (said(words, code) for code in ("#406080", "#3f5f7f", "#4060ff"))
    assert (here - near).norm() * 4 < (here - far).norm()


def test_a_code_is_the_colour_of_its_name(words: Words) -> None:
    """The palette's codes have the colour halves of its names, so what a name teaches a code has learned."""
    for name, rgb in PALETTE.items():
        (word,) = words.tokenizer.encode(" " + name)
        named_half = words.table[word, WORD:]
        assert (said(words, Colour(rgb).code) - named_half).norm() < 0.15 * named_half.norm()


def test_a_model_without_codes_gets_an_idea_of_them() -> None:
    """Its colour names keep their meaning to the transformer; the code of a colour is nearest to that colour's name."""
    old = {" " + name: torch.randn(WORD, generator=torch.Generator().manual_seed(i)) for i, name in enumerate(PALETTE)}
    context = torch.randn(192, TAPS, HIDDEN, generator=torch.Generator().manual_seed(99))
    context[:, :, WORD:] = 0
    known, weights = with_codes(old, {CONTEXT: context.reshape(192, -1)})
    words = Words(known)

    def heard(*tokens: str) -> torch.Tensor:
        rows = torch.cat([words.table[words.tokenizer.encode(token)] for token in tokens])
        return rows.repeat(1, TAPS) @ weights[CONTEXT].T

    names = heard(*old)
    assert torch.allclose(
        names, torch.stack(list(old.values())).repeat(1, TAPS) @ context[:, :, :WORD].flatten(1).T, atol=0.01
    )
    codes = heard(*(code_tokens(Colour(rgb).code)[0] for rgb in PALETTE.values()))
    assert torch.cdist(codes, names).argmin(1).tolist() == list(range(len(PALETTE)))


def test_held_out_pairs_cover_every_shape() -> None:
    """One colour of each shape is kept from the training targets."""
    assert sorted(shape for shape, _ in HELD_OUT) == sorted(SHAPES)
