"""Pictures that are wrong in one way each, made from the sample photos or by code."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def dated(picture: Image.Image, time: str, offset: str | None = None, form: str = "JPEG", **options: object) -> bytes:
    """Encode a picture that says when it was taken, as a camera does."""
    exif = Image.Exif()
    # Pillow's PNG writer leaves out EXIF data without a tag of its own.
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = time
    if offset is not None:
        exif.get_ifd(0x8769)[0x9011] = offset
    return encoded(picture, form, exif=exif, **options)


def portrait(samples: Path, name: str = "barack_obama") -> Image.Image:
    return Image.open(samples / "gallery" / f"{name}.jpg").convert("RGB")


def without_face() -> bytes:
    noise = np.random.default_rng(1).normal(128, 20, (480, 640, 3)).clip(0, 255).astype(np.uint8)
    return encoded(Image.fromarray(noise))


def landscape() -> bytes:
    """Sky over a meadow."""
    height = np.linspace(0, 1, 480)[:, None, None]
    sky, meadow = np.array([120, 170, 230]) + 60 * height, np.array([70, 130, 50]) - 40 * (height - 0.5)
    grain = np.random.default_rng(2).normal(0, 6, (480, 640, 1))
    picture = np.where(height < 0.55, sky, meadow) + grain
    return encoded(Image.fromarray(picture.clip(0, 255).astype(np.uint8)))


def with_tiny_face(samples: Path) -> bytes:
    canvas = Image.new("RGB", (800, 600), (190, 180, 170))
    small = portrait(samples)
    small.thumbnail((110, 110), Image.Resampling.LANCZOS)
    canvas.paste(small, (350, 250))
    return encoded(canvas, quality=95)


def blurred(samples: Path) -> bytes:
    return encoded(portrait(samples).filter(ImageFilter.GaussianBlur(14)))


def dark(samples: Path) -> bytes:
    return encoded(portrait(samples).point(lambda value: value * 0.06))


def truncated(samples: Path) -> bytes:
    whole = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    return whole[: len(whole) // 2]


def animated_gif(samples: Path) -> bytes:
    frames = [portrait(samples).resize((90, 112)).convert("P") for _ in range(3)]
    frames[1].putpixel((0, 0), 7)
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80)


def cmyk(samples: Path) -> bytes:
    return encoded(portrait(samples).convert("CMYK"), quality=92)


def sixteen_bit(samples: Path) -> bytes:
    grey = np.asarray(portrait(samples).convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def png_bomb(side: int = 30_000) -> bytes:
    """A valid header that promises 900 megapixels, in a file of about a hundred kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" * (1 + side // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
