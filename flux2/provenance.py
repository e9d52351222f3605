"""What a picture's file says of its making: the parameters, and that a machine made it. Written and read back here.

PNG text, EXIF and XMP; the mark is IPTC's digital source type "trainedAlgorithmicMedia". Reading looks at metadata
alone, never decodes a pixel and takes nothing for granted: the file may be anybody's. Torch-free.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Sized
from typing import Annotated, Any, Protocol
from xml.sax.saxutils import escape

from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flux2.request import MAX_PROMPT, MAX_SEED, GenerationRequest, OutputFormat

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_SOFTWARE = "flux2-discord-bot"
_TEXT_KEY, _XMP_KEY = "flux2", "XML:com.adobe.xmp"
_SOFTWARE_TAG, _DESCRIPTION_TAG, _EXIF_IFD, _USER_COMMENT = 0x0131, 0x010E, 0x8769, 0x9286
_UNICODE = b"UNICODE\0"
_MAX_METADATA = 128 * 1024
"""Bytes of the one entry that is read."""
_CONTROLS = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError,
    RuntimeError, struct.error, zlib.error, Warning, Image.DecompressionBombError,
)  # fmt: skip
"""All that Pillow's readers were seen to raise over damaged bytes."""

_Side = Annotated[int, Field(ge=1, le=100_000)]


class Asked(Protocol):
    """What every kind of request that ends in a picture says of it."""

    @property
    def kind(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def num_inference_steps(self) -> int: ...
    @property
    def guidance_scale(self) -> float | None: ...
    @property
    def reference_images(self) -> Sized: ...


class Provenance(BaseModel):
    """One picture's making: enough to ask for it again. Unknown fields of later versions are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    software: Annotated[str, Field(max_length=100)] = _SOFTWARE
    kind: Annotated[str, Field(max_length=40)] = "render"
    model: Annotated[str, Field(max_length=200)]
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    width: _Side
    height: _Side
    num_inference_steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    reference_images: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many; whose they were is not told."""
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of a picture that was drawn anew from another."""

    @classmethod
    def of(cls, request: Asked, seed: int) -> Provenance:
        """Of the picture that `request` drew from `seed`."""
        drawn_anew = request if isinstance(request, GenerationRequest) and request.init_image else None
        return cls(
            kind=request.kind,
            model=request.model,
            prompt=request.prompt,
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            seed=seed,
            reference_images=len(request.reference_images),
            strength=drawn_anew.strength if drawn_anew else None,
        )

    def line(self) -> str:
        """The parameters as people share them: `Steps: 4, Seed: 1, …`."""
        parameters = {
            "Steps": self.num_inference_steps,
            "Guidance": None if self.guidance_scale is None else f"{self.guidance_scale:g}",
            "Seed": self.seed,
            "Size": f"{self.width}x{self.height}",
            "Model": self.model,
            "Reference images": self.reference_images or None,
            "Denoising strength": None if self.strength is None else f"{self.strength:g}",
        }
        return ", ".join(f"{name}: {value}" for name, value in parameters.items() if value is not None)


def save_arguments(provenance: Provenance, output_format: OutputFormat) -> dict[str, Any]:
    """What `Image.save` takes to write `provenance` into a file of that format. The same every time."""
    exif = _exif(provenance)
    xmp = _xmp(provenance)
    if output_format != "png":
        return {"exif": exif, "xmp": xmp}
    text = PngImagePlugin.PngInfo()
    text.add_itxt(_TEXT_KEY, provenance.model_dump_json(exclude_none=True))
    text.add_itxt("parameters", f"{provenance.prompt}\n{provenance.line()}".strip())
    text.add_itxt("Software", provenance.software)
    text.add_itxt(_XMP_KEY, xmp.decode())
    return {"pnginfo": text, "exif": exif}


def read(data: bytes) -> Provenance | None:
    """Return what the file says of itself; None where nothing can be understood. Never raises."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "WEBP", "JPEG")) as image:
            written = _entry(image)
        return Provenance.model_validate_json(written) if written else None
    except (ValidationError, *_BROKEN):
        return None


def _entry(image: Image.Image) -> str | None:
    text = image.info.get(_TEXT_KEY)
    if isinstance(text, str):
        return text if len(text) <= _MAX_METADATA else None
    comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if not isinstance(comment, bytes) or not comment.startswith(_UNICODE) or len(comment) > _MAX_METADATA:
        return None
    return comment.removeprefix(_UNICODE).decode("utf-16-le")


def _exif(provenance: Provenance) -> bytes:
    exif = Image.Exif()
    exif[_SOFTWARE_TAG] = f"AI-generated; {provenance.software}; {_ascii(provenance.model)}"
    exif[_DESCRIPTION_TAG] = f"AI-generated picture, {SOURCE_TYPE}"
    written = provenance.model_dump_json(exclude_none=True)
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _UNICODE + written.encode("utf-16-le")
    return exif.tobytes()


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def _xmp(provenance: Provenance) -> bytes:
    words = escape(_CONTROLS.sub("", provenance.prompt))
    tool = escape(f"{provenance.software} ({_CONTROLS.sub('', provenance.model)})", {'"': "&quot;"})
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' xmp:CreatorTool="{tool}" Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt></dc:description>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
