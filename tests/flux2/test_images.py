"""flux2.images: what a stranger's file may be."""

import contextlib
import io
import struct
import warnings
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from flux2.errors import InvalidRequest
from flux2.images import MAX_ASPECT, encode, open_reference

MAX_PIXELS = 50_000_000
RED, BLUE = (255, 0, 0), (0, 0, 255)


def file_of(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue, 96x64."""
    image = Image.new("RGB", (96, 64), RED)
    image.paste(BLUE, (48, 0, 96, 64))
    return image.convert(mode)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, depth: int, rows: bytes) -> bytes:
    """A PNG Pillow cannot write itself: any stated size, any depth, RGB."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def refusal(data: bytes, *, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(InvalidRequest) as refused:
        open_reference(data, max_pixels=max_pixels)
    return str(refused.value)


def assert_halves(image: Image.Image, tolerance: int = 40) -> None:
    assert (image.mode, image.size) == ("RGB", (96, 64))
    for x, want in ((12, RED), (84, BLUE)):
        got = image.getpixel((x, 32))
        assert isinstance(got, tuple)
        assert all(abs(a - b) <= tolerance for a, b in zip(got, want, strict=True)), (x, got)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_common_types_open_as_they_are(file_format: str) -> None:
    """Each type members attach decodes to the same RGB picture, without a note."""
    reference = open_reference(file_of(halves(), file_format), max_pixels=MAX_PIXELS)
    assert_halves(reference.image)
    assert reference.notes == ()


def test_the_type_is_read_from_the_bytes() -> None:
    """A text file is refused whatever it is called, and the sentence says what to attach."""
    assert refusal(b"Dear bot, this is not a picture.") == (
        "The file is not a picture; attach a PNG, JPEG, WebP or GIF."
    )
    assert "not a picture" in refusal(b"")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "video"),
    ],
)
def test_other_types_are_named_in_the_refusal(data: bytes, name: str) -> None:
    """A known type that cannot be read is refused by its name, with the types to save it as."""
    assert refusal(data) == f"A file of type {name} cannot be read; save it as PNG, JPEG or WebP and attach that."


def test_an_icon_is_refused_though_pillow_could_read_it() -> None:
    """Only the types listed are decoded, so rarely used decoders are never reached."""
    assert "type icon" in refusal(file_of(halves(), "ICO"))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_file_is_damaged(file_format: str) -> None:
    """A picture cut off in the middle is refused, not shown half grey."""
    noise = Image.effect_noise((96, 64), 80).convert("RGB")
    data = file_of(noise, file_format)
    assert refusal(data[: len(data) // 2]) == (
        "The picture is damaged or cut off; save it again and attach the new file."
    )


def test_a_bomb_is_refused_from_its_header() -> None:
    """A file that says 20000x20000 is refused before decoding: there is nothing in it to decode."""
    assert refusal(png(20_000, 20_000, depth=8, rows=b"")) == (
        "The picture is larger than 50 megapixels; scale it down and attach it again."
    )


@pytest.mark.parametrize(("width", "height"), [(8000, 6300), (10_000, 10_000), (60_000, 60_000)])
def test_every_size_over_the_cap_gets_the_same_sentence(width: int, height: int) -> None:
    """Above our cap, above Pillow's warning and above Pillow's error, the member reads the same."""
    assert "larger than 50 megapixels" in refusal(png(width, height, depth=8, rows=b""))


def test_the_cap_is_the_callers() -> None:
    """One pixel over `max_pixels` is refused, exactly `max_pixels` is taken."""
    data = file_of(Image.new("RGB", (100, 101)), "PNG")
    assert open_reference(data, max_pixels=10_100).image.size == (100, 101)
    assert "larger than 0.010099 megapixels" in refusal(data, max_pixels=10_099)


def test_over_long_shapes_are_refused() -> None:
    """8:1 is taken, 8.1:1 is refused with the size and the limit."""
    assert open_reference(file_of(Image.new("RGB", (64 * MAX_ASPECT, 64)), "PNG"), max_pixels=MAX_PIXELS)
    assert refusal(file_of(Image.new("RGB", (64, 520)), "PNG")).startswith(
        "The image is 64x520; crop it to at most 8:1"
    )


def test_the_first_frame_of_an_animation_is_used_and_said() -> None:
    """A GIF of a red and a blue frame gives red and a note; so does an animated WebP and PNG."""
    frames = [Image.new("RGB", (64, 64), RED), Image.new("RGB", (64, 64), BLUE)]
    for file_format in ("GIF", "WEBP", "PNG"):
        data = file_of(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100)
        reference = open_reference(data, max_pixels=MAX_PIXELS)
        assert reference.image.getpixel((32, 32))[0] > 240, file_format
        assert reference.notes == ("The picture is animated; its first frame was used.",)


def test_cmyk_becomes_rgb() -> None:
    """A CMYK JPEG keeps its colours and says what happened."""
    reference = open_reference(file_of(halves("CMYK"), "JPEG"), max_pixels=MAX_PIXELS)
    assert_halves(reference.image)
    assert reference.notes == ("The picture's print colours (CMYK) became RGB.",)


def test_16_bits_become_8() -> None:
    """16-bit grey and 16-bit RGB keep their brightness and say what happened."""
    note = ("The picture's 16 bits a channel became 8.",)
    for file_format in ("PNG", "TIFF"):
        grey = open_reference(file_of(Image.new("I;16", (64, 64), 128 * 257), file_format), max_pixels=MAX_PIXELS)
        assert (grey.image.getpixel((5, 5)), grey.notes) == ((128, 128, 128), note)
    row = b"\0" + struct.pack(">HHH", 65535, 0, 128 * 257) * 64
    colour = open_reference(png(64, 64, depth=16, rows=row * 64), max_pixels=MAX_PIXELS)
    assert (colour.image.getpixel((5, 5)), colour.notes) == ((255, 0, 128), note)


@pytest.mark.parametrize(
    ("mode", "value", "grey"), [("F", 0.5, 127), ("F", 200.0, 200), ("I", 200, 200), ("I", 32896, 128)]
)
def test_float_and_32_bit_samples_keep_their_brightness(mode: str, value: float, grey: int) -> None:
    """The range of wide samples is told from the brightest one: 0..1, 0..255 or 0..65535."""
    reference = open_reference(file_of(Image.new(mode, (64, 64), value), "TIFF"), max_pixels=MAX_PIXELS)
    assert reference.image.getpixel((9, 9)) == (grey, grey, grey)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(mode: str) -> None:
    """Transparent pixels turn white (diffusers would show what lies beneath), and it is said."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 32, 64))
    reference = open_reference(file_of(image.convert(mode), "PNG"), max_pixels=MAX_PIXELS)
    assert reference.image.getpixel((48, 32)) == (255, 255, 255)
    assert reference.image.getpixel((16, 32)) == (0, 0, 0)
    assert reference.notes == ("The picture's transparent parts became white.",)


def test_an_opaque_alpha_channel_is_not_worth_a_word() -> None:
    """RGBA without a transparent pixel is only an RGB picture."""
    assert open_reference(file_of(halves("RGBA"), "PNG"), max_pixels=MAX_PIXELS).notes == ()


def test_exif_rotation_is_applied() -> None:
    """A camera's sideways picture comes out upright, with sides exchanged and a note."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90 degrees clockwise to show
    reference = open_reference(file_of(halves(), "JPEG", exif=exif, quality=95), max_pixels=MAX_PIXELS)
    assert reference.image.size == (64, 96)
    top, bottom = reference.image.getpixel((32, 12)), reference.image.getpixel((32, 84))
    assert top[0] > 200 > top[2]
    assert bottom[2] > 200 > bottom[0]
    assert reference.notes == ("The picture was turned upright as its EXIF data says.",)


_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(file_format=st.sampled_from(_FORMATS), where=st.floats(0, 1), junk=st.binary(max_size=12), cut=st.booleans())
def test_damaged_bytes_never_raise_anything_else(file_format: str, where: float, junk: bytes, cut: bool) -> None:
    """Any file cut off or overwritten at any place either opens as RGB or is refused in words."""
    whole = file_of(halves(), file_format)
    at = int(where * len(whole))
    data = whole[:at] + junk + (b"" if cut else whole[at + len(junk) :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow grumbles about odd EXIF and TIFF tags, and goes on
        with contextlib.suppress(InvalidRequest):
            assert open_reference(data, max_pixels=MAX_PIXELS).image.mode == "RGB"


def test_encoding_gives_the_named_type_and_the_same_picture() -> None:
    """PNG gives the pixels back exactly, WebP and JPEG nearly, each as its own type."""
    for output_format in ("png", "webp", "jpeg"):
        data = encode(halves(), output_format, 90)
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == output_format.upper()
            assert_halves(image.convert("RGB"), tolerance=0 if output_format == "png" else 40)


def test_quality_decides_the_size_of_lossy_files() -> None:
    """A lower quality gives a smaller webp and jpeg, and leaves png alone."""
    noise = Image.effect_noise((128, 128), 60).convert("RGB")
    assert len(encode(noise, "webp", 10)) < len(encode(noise, "webp", 95))
    assert len(encode(noise, "jpeg", 10)) < len(encode(noise, "jpeg", 95))
    assert encode(noise, "png", 10) == encode(noise, "png", 95)
