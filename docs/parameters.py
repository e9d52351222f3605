"""Writes docs/parameters.md: every parameter the model makers and the hosts document, and what it is called here.

`python docs/parameters.py` after a change; tests/architecture/test_parameters.py tells when. Defaults and ranges come
from the code, so that the page cannot promise what is not so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flux2.models import HOSTED, MEGAPIXEL, REGISTRY, Bounds, Model
from flux2.prompting import builder, scene, styles
from flux2.region import PLACES
from flux2.request import MAX_PROMPT, MAX_REFERENCES, MAX_SEED
from flux2.sizing import ASPECTS, MATCH, MEGAPIXELS
from flux2.upsampling.openrouter import DEFAULT_MODEL
from flux2.upscaling import request as upscale

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/parameters.md"
MAKERS, TOGETHER, FAL, LUMENFALL, OXEN = "CLI", "Together", "fal", "Lumenfall", "Workbench"
HOSTS = "waits for hosted back ends"


@dataclass(frozen=True)
class Row:
    """One parameter: its names there by source, its name here, and where it is reached and proven."""

    there: dict[str, str]
    here: str
    default: str = ""
    values: str = ""
    reach: tuple[str, ...] = ()
    """`/command option`, `flag --x`, `session name`, `setting NAME`, `menu Name`, `button Name`, `reply`, `message`."""
    test: str = ""
    waits: str = ""
    """What has to come before this row is true."""
    notes: str = field(default="")


def by_model(value: dict[str, str]) -> str:
    """`28 (dev), 4 (klein-4b, klein-9b)`: models with the same value together; `sample` is left out."""
    grouped: dict[str, list[str]] = {}
    for name, text in value.items():
        if name != "sample":
            grouped.setdefault(text, []).append(name)
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in grouped.items())


def _steps(model: Model) -> str:
    return f"{model.default_steps} fixed" if model.has_fixed_steps else f"{model.min_steps}–{model.max_steps}"


def _guidance(model: Model) -> str:
    return "none" if model.default_guidance is None else f"{model.min_guidance:g}–{model.max_guidance:g}"


def _until(path: str, words: str, what: str) -> str:
    """`what` as long as the file does not hold `words`: for rows whose command another change brings."""
    file = ROOT / path
    return "" if file.is_file() and words in file.read_text() else f"waits for {what}"


MODELS = REGISTRY.values()
DEV = REGISTRY["dev"]
_REQUEST, _SIZING = "tests/flux2/test_request.py", "tests/flux2/test_sizing.py"
_SCENE, _WORDING = "tests/flux2/prompting/test_scene.py", "tests/flux2/prompting/test_wording.py"
_BOUNDS = f"{_REQUEST}::test_what_is_settled_is_always_within_the_models_bounds"

DRAWING = (
    Row({TOGETHER: "model", LUMENFALL: "model"}, "model", "FLUX2_MODEL", ", ".join(REGISTRY),
        ("/imagine model", "/scene model", "flag --model"), "tests/bot/live/test_bad_input.py::test_options_out_of_bounds"),
    Row({MAKERS: "prompt", TOGETHER: "prompt", LUMENFALL: "prompt", OXEN: "prompt"}, "prompt", "required",
        f"1–{MAX_PROMPT} characters; words of any language, or JSON",
        ("/imagine prompt", "reply", "flag --prompt", "flag --json", "session prompt"),
        f"{_REQUEST}::test_the_longest_prompt_is_taken_whole"),
    Row({MAKERS: "input_images", TOGETHER: "reference_images", LUMENFALL: "image", OXEN: "input_image"}, "image1 … image4",
        "none", by_model({m.name: f"up to {m.max_references}" for m in MODELS}) + f"; hosted: see below; {MAX_REFERENCES} in a form",
        ("/imagine image1", "reply", "flag --image", "session input_images"),
        f"{_REQUEST}::test_refusals_name_the_value_and_the_limit"),
    Row({"diffusers": "mask_image"}, "region, mask", "the whole picture",
        f"cells {next(iter(PLACES))}–{[*PLACES][-1]} of a grid, such as A1-B2 or A1,C3; a mask, white where it changes, or a copy of the picture with the place circled or painted over",
        ("/edit region", "/edit mask", "button Edit", "menu Edit", "flag --region", "flag --mask"),
        "tests/e2e/test_references.py::test_a_region_changes_and_every_other_pixel_stays"),
    Row({MAKERS: "match_image_size"}, "aspect match:N", "the first image's shape", "image 1 to the last (from 0 in a session)",
        ("/imagine aspect", "flag --aspect", "session match_image_size"),
        f"{_SIZING}::test_any_reference_may_give_the_shape"),
    Row({MAKERS: "width, height", TOGETHER: "width, height", LUMENFALL: "size"}, "size WxH",
        f"{DEV.default_pixels // MEGAPIXEL} MP, 1:1",
        f"{DEV.min_side}–{DEV.max_side} a side, up to {DEV.max_pixels // MEGAPIXEL} MP, in steps of 16",
        ("/imagine size", "flag --size", "session width", "session height"),
        f"{_SIZING}::test_an_explicit_size_is_snapped_and_said_or_refused"),
    Row({OXEN: "resolution"}, "size", "1", ", ".join(MEGAPIXELS) + " megapixels (“MP” may follow)",
        ("/imagine size", "flag --size", "session size"), f"{_SIZING}::test_megapixels_may_carry_their_unit"),
    Row({OXEN: "aspect_ratio"}, "aspect", "1:1, or the first image's", ", ".join((*ASPECTS, MATCH)),
        ("/imagine aspect", "/scene aspect", "flag --aspect", "session aspect"),
        f"{_REQUEST}::test_the_first_reference_gives_the_shape"),
    Row({MAKERS: "num_steps", TOGETHER: "steps", OXEN: "num_inference_steps"}, "steps",
        by_model({m.name: str(m.default_steps) for m in MODELS}), by_model({m.name: _steps(m) for m in MODELS}),
        ("/imagine steps", "flag --steps", "session num_steps"), _BOUNDS),
    Row({MAKERS: "guidance", TOGETHER: "guidance", OXEN: "guidance"}, "guidance",
        by_model({m.name: "none" if m.default_guidance is None else f"{m.default_guidance:g}" for m in MODELS}),
        by_model({m.name: _guidance(m) for m in MODELS}),
        ("/imagine guidance", "flag --guidance", "session guidance"), _BOUNDS),
    Row({MAKERS: "seed", TOGETHER: "seed", OXEN: "seed"}, "seed", "random", f"0–{MAX_SEED}",
        ("/imagine seed", "/scene seed", "flag --seed", "session seed"), f"{_REQUEST}::test_an_unset_seed_is_drawn_at_random"),
    Row({LUMENFALL: "n"}, "count", str(DEV.default_count), f"1–{DEV.max_count}",
        ("/imagine count", "/scene count", "flag --count", "session count"), f"{_REQUEST}::test_seeds_count_up_and_wrap"),
    Row({TOGETHER: "output_format", OXEN: "output_format"}, "format", "webp", "webp, png, jpeg (also spelled jpg)",
        ("/imagine format", "flag --format", "session format"), f"{_REQUEST}::test_jpg_means_jpeg"),
    Row({OXEN: "output_quality", LUMENFALL: "quality"}, "quality", "80", "0–100; said to be ignored for png",
        ("/imagine quality", "flag --quality", "session quality"), f"{_REQUEST}::test_quality_beside_png_is_said_to_be_ignored"),
    Row({OXEN: "disable_safety_checker", FAL: "enable_safety_checker"}, "screening", "on", "the operator's rules, never a member's",
        ("setting FLUX2_SCREEN_RULES", "setting FLUX2_SCREEN_CLASSIFIER", "setting FLUX2_SCREEN_QUESTION"), "tests/flux2/screening/test_rules.py::test_a_denied_phrase_is_found_in_every_disguise"),
    Row({LUMENFALL: "style"}, "style", "none", "the names in config/styles.toml",
        ("/imagine style", "flag --style", "session style"),
        "tests/flux2/prompting/test_styles.py::test_a_style_goes_around_the_words_and_brings_its_size",
        notes="the host passes its own values on; ours are words around the prompt"),
    Row({LUMENFALL: "response_format"}, "the picture itself", "bytes", "a message with the file; links of hosts are never posted",
        (), "tests/e2e/test_imagine.py::test_a_prompt_becomes_a_picture_of_the_stated_size_in_a_thread"),
    Row({MAKERS: "single_eval"}, "single_eval", "off", "one picture, then the end",
        ("flag --single-eval",), "tests/flux2/test_interactive.py::test_single_eval_draws_once"),
    Row({MAKERS: "run, show, reset, help, quit"}, "the same", "", "Enter draws, words become the prompt",
        ("flag interactive",), "tests/flux2/test_interactive.py::test_show_reset_and_help"),
    Row({MAKERS: "cpu_offloading"}, "cpu_offloading", "off", "on an accelerator only; FLUX2_CPU_OFFLOAD for workers",
        ("flag --cpu-offloading", "setting FLUX2_CPU_OFFLOAD"),
        "tests/flux2/test_engine.py::test_offloading_needs_something_to_spare"),
    Row({"diffusers": "quantization_config"}, "FLUX2_QUANTIZATION", "none", "none, int8: the weights in half the memory",
        ("flag --quantization", "setting FLUX2_QUANTIZATION"),
        "tests/flux2/test_quantization.py::test_int8_draws_nearly_the_same_picture"),
    Row({MAKERS: "debug_mode"}, "–", "", "", waits="loads a part of the network to find faults in it; the model `sample` is there for that"),
)  # fmt: skip

REWRITING = (
    Row({MAKERS: "upsample_prompt_mode", TOGETHER: "prompt_upsampling"}, "upsample", "none", "none, local, openrouter, auto",
        ("/imagine upsample", "/enhance upsample", "flag --upsample", "session upsample_prompt_mode"),
        "tests/e2e/test_words.py::test_imagine_is_drawn_from_the_rewritten_words"),
    Row({MAKERS: "openrouter_model"}, "OPENROUTER_MODEL", DEFAULT_MODEL, "any model of the host",
        ("setting OPENROUTER_MODEL", "flag --openrouter-model", "session openrouter_model"),
        "tests/flux2/upsampling/test_openrouter.py::test_a_question_is_what_the_api_documents"),
    Row({MAKERS: "OPENROUTER_API_KEY"}, "OPENROUTER_API_KEY", "none", "",
        ("setting OPENROUTER_API_KEY", "flag --openrouter-key-file"),
        "tests/config/test_settings.py::test_a_key_travels_encrypted_or_stays_on_the_machine"),
)  # fmt: skip

_ENLARGE = _until("bot/commands/upscale.py", "factor", "the command /upscale")
_UPSCALE = "tests/flux2/upscaling/test_request.py::test_what_is_out_of_range_is_refused_in_one_sentence"
UPSCALING = (
    Row({FAL: "image_url"}, "image", "required", f"each side {upscale.MIN_SOURCE_SIDE} pixels or more", ("/upscale image",), _UPSCALE, _ENLARGE),
    Row({FAL: "upscale_factor"}, "factor", f"{upscale.DEFAULT_FACTOR:g}", f"{upscale.MIN_FACTOR:g}–{upscale.MAX_FACTOR:g}",
        ("/upscale factor",), _UPSCALE, _ENLARGE),
    Row({FAL: "creativity"}, "creativity", f"{upscale.DEFAULT_CREATIVITY:g}", "0–1", ("/upscale creativity",), _UPSCALE, _ENLARGE),
    Row({FAL: "guidance"}, "guidance", f"{upscale.DEFAULT_GUIDANCE:g}", f"{upscale.MIN_GUIDANCE:g}–{upscale.MAX_GUIDANCE:g}",
        ("/upscale guidance",), _UPSCALE, _ENLARGE),
    Row({FAL: "steps"}, "steps", str(upscale.DEFAULT_STEPS), f"{upscale.MIN_STEPS}–{upscale.MAX_STEPS}", ("/upscale steps",), _UPSCALE, _ENLARGE),
    Row({FAL: "seed"}, "seed", "random", f"0–{MAX_SEED}", ("/upscale seed",), _UPSCALE, _ENLARGE),
)  # fmt: skip

_WHOLE = f"{_SCENE}::test_the_whole_schema_passes_as_it_is"
_BUILDER = "tests/flux2/prompting/test_builder.py::test_a_filled_form_becomes_the_whole_schema"
_ANYWHERE = ("/imagine prompt", "/scene", "flag --json")


def _json_row(key: str, values: str, test: str = _WHOLE) -> Row:
    return Row({TOGETHER: key}, key, "", values, _ANYWHERE, test)


SCENE = (
    _json_row("scene", "text"),
    _json_row("subjects[]", "objects"),
    _json_row("subjects[].type", "text"),
    _json_row("subjects[].description", "text"),
    _json_row("subjects[].pose", "text"),
    _json_row("subjects[].position", ", ".join(scene.POSITIONS) + "; another value is kept and said",
              f"{_SCENE}::test_values_beside_the_closed_lists_are_said"),
    _json_row("subjects[].color_palette[]", "texts", f"{_WORDING}::test_colours_in_json_are_spelled_in_place"),
    _json_row("style", "text"),
    _json_row("color_palette[]", "texts", f"{_WORDING}::test_colours_in_json_are_spelled_in_place"),
    _json_row("lighting", "text"),
    _json_row("mood", "text"),
    _json_row("background", "text"),
    _json_row("composition", ", ".join(scene.COMPOSITIONS) + ", …", _BUILDER),
    _json_row("camera.angle", ", ".join(scene.ANGLES) + ", …", _BUILDER),
    _json_row("camera.distance", ", ".join(scene.DISTANCES) + ", …", _BUILDER),
    _json_row("camera.focus", ", ".join(scene.FOCUSES) + "; another value is kept and said",
              f"{_SCENE}::test_values_beside_the_closed_lists_are_said"),
    _json_row("camera.lens", ", ".join(scene.LENSES) + ", …", _BUILDER),
    _json_row("camera.f-number", ", ".join(scene.APERTURES) + ", …", _BUILDER),
    _json_row("camera.ISO", "whole number", f"{_SCENE}::test_a_wrong_prompt_is_one_sentence"),
    _json_row("effects[]", ", ".join(scene.EFFECTS) + ", …", _BUILDER),
    Row({TOGETHER: "unknown keys"}, "passed on and said", "", "", _ANYWHERE, f"{_SCENE}::test_unknown_keys_are_kept_and_said"),
)  # fmt: skip

_COLOURS = "tests/flux2/prompting/test_colours.py::test_codes_are_spelled_alike_behind_a_keyword"
_LIVE = "tests/bot/live/test_prompts.py"
RULES = (
    Row({TOGETHER: "HEX colour codes"}, "any code in the prompt", "", "#RGB or #RRGGBB; “color” is put before it where it is missing",
        ("/imagine prompt", "flag --prompt"), _COLOURS),
    Row({TOGETHER: "gradients"}, "two codes and “gradient” or an arrow", "", "named by their first and last code",
        ("/imagine prompt", "flag --prompt"), _COLOURS),
    Row({TOGETHER: "colour swatch as a reference"}, "the color of image 2", "", "", ("/imagine image2",),
        "tests/flux2/test_asked_way.py::test_a_second_reference_gives_the_colour"),
    Row({TOGETHER: "image indexing"}, "image 1, image 2 …", "", "a number without an image is refused",
        ("/imagine prompt", "flag --prompt"), "tests/flux2/prompting/test_indexing.py::test_an_image_that_is_not_there_is_refused"),
    Row({TOGETHER: "sequential edits"}, "a reply to a picture", "", "", ("reply", "button Edit"),
        "tests/e2e/test_imagine.py::test_a_reply_edits_the_picture"),
    Row({TOGETHER: "negative prompts (not supported)"}, "refused with positive words", "", "",
        ("/imagine prompt", "flag --prompt"),
        "tests/flux2/prompting/test_negatives.py::test_each_spelling_is_refused_with_positive_words"),
    Row({TOGETHER: "many languages"}, "untouched", "", "", ("/imagine prompt", "flag --prompt"),
        f"{_LIVE}::test_every_language_arrives_as_it_was_typed"),
    Row({TOGETHER: "exact text in quotes"}, "never changed", "", "“…”, \"…\", '…', «…», 「…」", ("/imagine prompt", "flag --prompt"),
        "tests/flux2/prompting/test_colours.py::test_what_is_no_colour_stays"),
    *(
        Row({TOGETHER: style.title}, f"style:{style.name}", style.size or "", style.after or style.before,
            ("/imagine style", "flag --style"), "tests/flux2/prompting/test_styles.py::test_the_shipped_styles_are_the_promised_ones")
        for style in styles.read(ROOT / "config/styles.toml").values()
    ),
)  # fmt: skip

ANSWERS = (
    Row({TOGETHER: "data[].url", FAL: "image.url", LUMENFALL: "data[].url"}, "the file in the message", "", "", ("message",),
        "tests/e2e/test_imagine.py::test_a_prompt_becomes_a_picture_of_the_stated_size_in_a_thread"),
    Row({FAL: "seed (answer)"}, "seed", "", "under every picture", ("message", "menu Show recipe"),
        "tests/bot/live/test_recipe.py::test_the_ledger_knows_its_own_pictures"),
    Row({FAL: "timings"}, "seconds", "", "under every picture", ("message",), "tests/bot/live/test_flow.py::test_a_prompt_becomes_a_picture_in_a_thread"),
    Row({FAL: "image.width, image.height, image.file_size, image.content_type"}, "size", "", "under every picture", ("message",),
        "tests/bot/live/test_flow.py::test_a_prompt_becomes_a_picture_in_a_thread"),
    Row({FAL: "caption", LUMENFALL: "revised_prompt"}, "alt text", "", "the final prompt", ("message",),
        "tests/bot/live/test_flow.py::test_a_prompt_becomes_a_picture_in_a_thread"),
)  # fmt: skip
SECTIONS = {
    "Drawing": DRAWING,
    "What a prompt may hold": RULES,
    "JSON prompts": SCENE,
    "Rewriting": REWRITING,
    "Upscaling": UPSCALING,
    "Answers": ANSWERS,
}


def _bounds(bounds: Bounds | None) -> str:
    if bounds is None:
        return "its own choice"
    return f"{bounds.least:g}–{bounds.most:g}" + (f" ({bounds.default:g})" if bounds.default is not None else "")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *(list(row) for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _named(name: str) -> str:
    """Identifiers in code's letters, words as words."""
    return name if " " in name.replace(", ", "") else ", ".join(f"`{one}`" for one in name.split(", "))


def _cells(row: Row) -> list[str]:
    sources: dict[str, list[str]] = {}
    for source, name in row.there.items():
        sources.setdefault(name, []).append(source)
    there = "; ".join(f"{_named(name)} ({', '.join(found)})" for name, found in sources.items())
    reach = ", ".join(f"`{one.removeprefix('flag ')}`" if one.startswith(("/", "flag ")) else one for one in row.reach)
    proof = f"`{row.test}`" if row.test else ""
    return [
        there,
        row.here,
        row.default,
        row.values + (f" – {row.notes}" if row.notes else ""),
        reach,
        row.waits or proof,
    ]


def page() -> str:
    """The whole document."""
    head = ("there", "here", "default", "range", "reached by", "proven by, or what it waits for")
    parts = [
        "# Parameters\n\nEvery parameter that the model makers' command line and four hosts document for FLUX.2, and what it is "
        "here. Written by\n`python docs/parameters.py`; defaults and ranges come from the code. `sample`, the miniature, is left "
        "out of the ranges.\n\nAn option that a model does not take is refused with the reason, never dropped in silence. "
        "“session” is `python -m flux2\ninteractive`, flags are those of `generate` and `edit`.\n"
    ]
    parts += [f"\n## {title}\n\n{_table(head, map(_cells, rows))}" for title, rows in SECTIONS.items()]
    hosted = (
        [f"`{m.name}`", m.best_for, _bounds(m.steps), _bounds(m.guidance), str(m.max_references),
         f"{m.min_side}–{m.max_side}, {m.max_pixels // MEGAPIXEL} MP", ", ".join(m.formats)]
        for m in HOSTED.values()
    )  # fmt: skip
    columns = ("model", "best for", "steps", "guidance", "references", "size", "formats")
    parts.append(
        f"\n## Hosted models\n\nValues of `flux2/models.py`; drawing with them {HOSTS}.\n\n{_table(columns, hosted)}"
    )
    groups = ", ".join(f"{len(options)} × {name}" for name, options in builder.GROUPS.items())
    parts.append(f"\nThe form of `/scene` asks for all of a JSON prompt in five inputs; its list holds {groups}.\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
