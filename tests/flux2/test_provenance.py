"""flux2.provenance: what a file says of its making, and what hostile files do to the reader."""

import io
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flux2.images import encode, open_reference
from flux2.models import REGISTRY
from flux2.provenance import SOURCE_TYPE, Provenance, read, save_arguments
from flux2.request import MAX_PROMPT, MAX_SEED, OutputFormat, settle

FORMATS: tuple[OutputFormat, ...] = ("png", "webp", "jpeg")
MADE = Provenance(
    model="klein-4b",
    prompt="a fox — 여우 🦊 <&>",
    width=64,
    height=64,
    num_inference_steps=4,
    seed=7,
    reference_images=2,
)
PICTURE = Image.new("RGB", (16, 16), "red")
FILES = {name: encode(PICTURE, name, 80, MADE) for name in FORMATS}


@pytest.mark.parametrize("output_format", FORMATS)
def test_what_is_written_is_read_back(output_format: OutputFormat) -> None:
    """Every format carries the parameters, in any script, and the same bytes every time."""
    assert read(FILES[output_format]) == MADE
    assert encode(PICTURE, output_format, 80, MADE) == FILES[output_format]
    with Image.open(io.BytesIO(FILES[output_format])) as image:
        assert image.size == (16, 16)


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_file_says_that_a_machine_made_it(output_format: OutputFormat) -> None:
    """XMP, which other programs read, is well-formed and holds IPTC's digital source type and the prompt."""
    with Image.open(io.BytesIO(FILES[output_format])) as image:
        xmp = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
        software = image.getexif()[0x0131]
    root = ET.fromstring(xmp.decode() if isinstance(xmp, bytes) else xmp)
    (described,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert described.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType") == SOURCE_TYPE
    assert [one.text for one in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")] == [MADE.prompt]
    assert software == "AI-generated; flux2-discord-bot; klein-4b"


def test_png_text_is_what_other_tools_show() -> None:
    """`parameters` holds the prompt and one line of figures."""
    with Image.open(io.BytesIO(FILES["png"])) as image:
        assert image.info["parameters"] == (
            f"{MADE.prompt}\nSteps: 4, Seed: 7, Size: 64x64, Model: klein-4b, Reference images: 2"
        )


@settings(max_examples=25)
@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip),
    seed=st.integers(0, MAX_SEED),
    output_format=st.sampled_from(FORMATS),
)
def test_any_request_survives_its_file(prompt: str, seed: int, output_format: OutputFormat) -> None:
    """Control characters, quotes and every script: the recipe in the file is the request's."""
    request, _ = settle(REGISTRY["dev"], "a fox", seed=seed)
    request = request.model_copy(update={"prompt": prompt})
    made = Provenance.of(request, seed)
    assert read(encode(PICTURE, output_format, 80, made)) == made


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("letter", ["🦊", "&", "여"])
def test_the_longest_prompt_fits_every_format(output_format: OutputFormat, letter: str) -> None:
    """6000 characters of the widest letters stay within JPEG's 64 kB segments."""
    made = MADE.model_copy(update={"prompt": letter * MAX_PROMPT})
    assert read(encode(PICTURE, output_format, 80, made)) == made


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    header = (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = (header, *chunks, (b"IDAT", zlib.compress(b"\0\0\0\0")), (b"IEND", b""))
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in body]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _said(text: str) -> bytes:
    return _png((b"iTXt", b"flux2\0\0\0\0\0" + text.encode()))


HOSTILE = {
    "nothing": b"",
    "no picture": b"MZ\x90\0" * 100,
    "a cut file": FILES["webp"][:60],
    "a bomb": FILES["png"][:16] + struct.pack(">II", 60_000, 60_000) + FILES["png"][24:],
    "a text bomb": _png((b"zTXt", b"flux2\0\0" + zlib.compress(b" " * 50_000_000, 9))),
    "many text bombs": _png(*[(b"zTXt", b"a%d\0\0" % i + zlib.compress(b" " * 900_000, 9)) for i in range(200)]),
    "no JSON": _said("{"),
    "deep JSON": _said("[" * 100_000),
    "long JSON": _said('{"model": "' + "x" * 200_000 + '"}'),
    "a huge number": _said('{"model": "m", "width": ' + "9" * 5000 + ', "height": 1}'),
    "a wrong size": _said('{"model": "m", "width": -1, "height": 1}'),
    "a wrong seed": _said('{"model": "m", "width": 1, "height": 1, "seed": 99999999999999}'),
    "not a number": _said('{"model": "m", "width": 1, "height": 1, "guidance_scale": NaN}'),
    "a prompt too long": _said('{"model": "m", "width": 1, "height": 1, "prompt": "' + "x" * 6001 + '"}'),
    "a broken EXIF": _png((b"eXIf", b"MM\0*\xff\xff\xff\xff" + b"\xff" * 40)),
    "an EXIF that points at itself": _png(
        (b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08")
    ),
    "a comment of odd bytes": FILES["jpeg"].replace(b"UNICODE\0{\0", b"UNICODE\0\x00\xd8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_says_nothing(name: str) -> None:
    """Bombs, loops, depths and lies end in None, without an exception and without a pixel decoded."""
    assert read(HOSTILE[name]) is None


@settings(max_examples=150)
@given(st.sampled_from(FORMATS), st.data())
def test_flipped_bytes_break_nothing(output_format: OutputFormat, data: st.DataObject) -> None:
    """Any byte of a real file may be anything: a recipe or None comes out."""
    file = bytearray(FILES[output_format])
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(file[: data.draw(st.integers(0, len(file)))]))


def test_reading_a_text_bomb_costs_little() -> None:
    """The bombs above are read within 300 MB of address space beyond what the libraries take."""
    program = (
        "import resource, sys; from flux2.provenance import read; data = sys.stdin.buffer.read(); "
        "used = int(open('/proc/self/statm').read().split()[0]) * 4096; "
        "resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2); print(read(data))"
    )
    bombs = HOSTILE["many text bombs"]
    done = subprocess.run([sys.executable, "-c", program], input=bombs, capture_output=True, timeout=240, check=False)
    assert done.stdout.strip() == b"None", done.stderr


def test_a_reference_loses_what_its_file_said() -> None:
    """What a member attaches is stored without its metadata: no place, no camera, no stranger's prompt."""
    for file in FILES.values():
        stored = encode(open_reference(file, max_pixels=1000).image, "png", 80)
        assert read(stored) is None
        assert b"klein-4b" not in stored


def test_without_provenance_nothing_is_written() -> None:
    """Encoding for our own use adds no metadata."""
    assert save_arguments(MADE, "webp").keys() == {"exif", "xmp"}
    assert read(encode(PICTURE, "webp", 80)) is None
