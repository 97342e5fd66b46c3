"""Pictures by Pillow, and what Pillow and LittleCMS make of thumbnails.

`make FOLDER` writes pictures of four quarters in as many kinds as Pillow can. `look FILE...` prints, for each, its size,
its mode, what it holds beside pixels, and the sRGB colours in the middle of its quarters, by its profile if it has one.
"""

import io
import json
import struct
import sys
from pathlib import Path

from PIL import Image, ImageCms

QUARTERS = [(200, 60, 50), (60, 170, 70), (50, 70, 190), (210, 200, 80)]


def quarters(width=1200, height=900, mode="RGB"):
    picture = Image.new("RGB", (width, height))
    for nth, colour in enumerate(QUARTERS):
        left, top = nth % 2 * width // 2, nth // 2 * height // 2
        picture.paste(colour, (left, top, left + width // 2, top + height // 2))
    return picture.convert(mode, dither=Image.Dither.NONE)


def adobe_rgb():
    """Adobe RGB (1998) as an ICC profile, version 2: its primaries adapted to D50, and its gamma."""

    def fixed(*numbers):
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    def xyz(*numbers):
        return b"XYZ \0\0\0\0" + fixed(*numbers)

    gamma = b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"Adobe\0" + b"\0" * 79
    tags = {
        b"desc": name + b"\0" * (-len(name) % 4),
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": gamma,
        b"gTRC": gamma,
        b"bTRC": gamma,
    }
    at = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", at + len(content), len(data))
        content += data
    size = 128 + len(table) + len(content)
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + content


def luma_inks():
    """A JPEG of four inks as Adobe's programs store them: three as luma and chroma, which Pillow reads and cannot write."""
    cyan, magenta, yellow, black = quarters(mode="CMYK").split()
    luma = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    # Pillow stores every sample of four inks inverted.
    stored = [plane.point(lambda sample: 255 - sample) for plane in luma]
    file = io.BytesIO()
    Image.merge("CMYK", (*stored, black)).save(file, "JPEG", quality=97)
    jpeg = bytearray(file.getvalue())
    # The last byte of Adobe's segment says so.
    jpeg[jpeg.index(b"\xff\xee\0\x0eAdobe") + 15] = 2
    return bytes(jpeg)


def make(folder):
    plain = quarters()
    clear = quarters(mode="RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 600, 450))
    frames = [quarters(), quarters().rotate(180)]
    kinds = {
        "adobe-rgb.jpg": (plain, {"quality": 97, "icc_profile": adobe_rgb()}),
        "inks.jpg": (quarters(mode="CMYK"), {"quality": 97}),
        "grey.jpg": (quarters(mode="L"), {"quality": 97}),
        "progressive.jpg": (plain, {"quality": 97, "progressive": True}),
        "full-chroma.jpg": (plain, {"quality": 97, "subsampling": "4:4:4"}),
        "palette.png": (plain.quantize(16), {}),
        "bits.png": (quarters(mode="1"), {}),
        "grey-alpha.png": (quarters(mode="LA"), {}),
        "clear.png": (clear, {}),
        "sixteen.png": (Image.new("I;16", (900, 900), 32768), {}),
        "lossy.webp": (plain, {"quality": 95}),
        "lossless.webp": (plain, {"lossless": True}),
        "moving.webp": (frames[0], {"save_all": True, "append_images": frames[1:], "lossless": True}),
        "moving-lossy.webp": (frames[0], {"save_all": True, "append_images": frames[1:], "quality": 95}),
        "moving.gif": (frames[0], {"save_all": True, "append_images": frames[1:]}),
        "moving.png": (frames[0], {"save_all": True, "append_images": frames[1:]}),
        "deflated.tif": (plain, {"compression": "tiff_adobe_deflate"}),
        "plain.bmp": (plain, {}),
    }
    for name, (picture, options) in kinds.items():
        picture.save(Path(folder) / name, **options)
    (Path(folder) / "luma-inks.jpg").write_bytes(luma_inks())
    print(json.dumps([*kinds, "luma-inks.jpg"]))


def look(path):
    picture = Image.open(path)
    picture.load()
    beside = sorted(set(picture.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"})
    size, mode = picture.size, picture.mode
    if "icc_profile" in picture.info:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        picture = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), intent, "RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    if picture.mode == "I;16":
        picture = picture.point(lambda sample: sample / 257, "L")
    picture = picture.convert("RGB")
    places = [(size[0] * x // 4, size[1] * y // 4) for y in (1, 3) for x in (1, 3)]
    return {"size": size, "mode": mode, "beside": beside, "colours": [picture.getpixel(place) for place in places]}


command, *arguments = sys.argv[1:]
if command == "make":
    make(*arguments)
else:
    print(json.dumps([look(path) for path in arguments]))
