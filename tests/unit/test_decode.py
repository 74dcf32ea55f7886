"""Uploads are read upright and in true colours, or refused with a reason, and never cost more than they may."""

import io
import random
import resource
import struct
import zlib
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms
from PIL.Image import Transpose

from muster.domain.errors import DamagedImage, EmptyUpload, ImageTooLarge, MusterError, UnsupportedImage
from muster.vision.decode import decode
from muster.vision.formats import ImageLimits

RED, WHITE, GREEN = (230, 20, 30), (255, 255, 255), (20, 160, 60)

# How a camera stores a picture that EXIF then turns upright: the inverse of the correction.
STORED_AS = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def scene(width: int = 64, height: int = 48) -> Image.Image:
    """A picture that looks different from every side: red above left, green below left, white to the right."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 4))
    image.paste(GREEN, (0, height // 4, width // 4, height))
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_with_long_transparency() -> bytes:
    """A palette picture whose chunk tRNS says more than the palette can hold."""
    palette = png_chunk(b"PLTE", bytes(range(12)))
    pixels = zlib.compress(b"".join(b"\0" + bytes(8) for _ in range(8)))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 3, 0, 0, 0))
    chunks = (header, palette, png_chunk(b"tRNS", bytes(300)), png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png(width: int, height: int, *before_pixels: bytes, bits: int = 8, kind: int = 2) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before_pixels) + png_chunk(b"IDAT", zlib.compress(bytes(64)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_accepted_format_gives_contiguous_rgb_and_the_digest_of_the_file(kind: str) -> None:
    data = encoded(scene(), kind, quality=95)
    photo = decode(data)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (48, 64, 3)
    assert (photo.width, photo.height) == (64, 48)
    assert photo.pixels.flags.c_contiguous
    assert photo.digest == sha256(data).hexdigest()
    np.testing.assert_allclose(photo.pixels[4, 8], RED, atol=12)
    np.testing.assert_allclose(photo.pixels[24, 50], WHITE, atol=12)


@given(orientation=st.sampled_from(sorted(STORED_AS)), width=st.integers(8, 40), height=st.integers(8, 40))
def test_all_eight_orientations_show_the_same_upright_picture(orientation: int, width: int, height: int) -> None:
    upright = scene(width, height)
    method = STORED_AS[orientation]
    stored = upright if method is None else upright.transpose(method)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        pixels = decode(encoded(stored, kind, exif=turned(orientation), **options)).pixels
        np.testing.assert_array_equal(pixels, np.asarray(upright))


@pytest.mark.parametrize("orientation", sorted(STORED_AS))
def test_a_jpeg_from_a_turned_phone_is_upright(orientation: int) -> None:
    method = STORED_AS[orientation]
    stored = scene() if method is None else scene().transpose(method)
    pixels = decode(encoded(stored, "JPEG", quality=95, exif=turned(orientation))).pixels
    assert pixels.shape == (48, 64, 3)
    np.testing.assert_allclose(pixels[4, 8], RED, atol=12)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_heic_is_turned_once_whether_its_container_or_exif_alone_says_so(orientation: int) -> None:
    method = STORED_AS[orientation]
    stored = scene() if method is None else scene().transpose(method)
    by_container = encoded(stored, "HEIF", quality=95, exif=turned(orientation).tobytes())
    by_exif_alone = encoded(stored, "HEIF", quality=95, exif=turned(orientation))
    assert (b"irot" in by_container) == (orientation != 1)
    assert b"irot" not in by_exif_alone
    for data in (by_container, by_exif_alone):
        pixels = decode(data).pixels
        assert pixels.shape == (48, 64, 3)
        np.testing.assert_allclose(pixels[4, 8], RED, atol=16)


def test_an_orientation_that_does_not_exist_is_ignored() -> None:
    assert decode(encoded(scene(), "JPEG", exif=turned(77))).pixels.shape == (48, 64, 3)


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (20, 10), (200, 0, 0, 0))
    image.paste((0, 0, 200, 255), (0, 0, 10, 10))
    for data in (encoded(image, "PNG"), encoded(image, "WEBP", lossless=True)):
        pixels = decode(data).pixels
        assert pixels[5, 5].tolist() == [0, 0, 200]
        assert pixels[5, 15].tolist() == [255, 255, 255]


def test_a_transparent_palette_colour_is_laid_on_white() -> None:
    image = Image.new("P", (20, 10), 0)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.paste(1, (0, 0, 10, 10))
    pixels = decode(encoded(image, "PNG", transparency=0)).pixels
    assert pixels[5, 5].tolist() == [200, 100, 0]
    assert pixels[5, 15].tolist() == [255, 255, 255]


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(4, axis=0)
    pixels = decode(encoded(Image.fromarray(ramp), "PNG")).pixels
    np.testing.assert_allclose(pixels[0, :, 0], np.arange(256), atol=1)


def test_sixteen_bit_colour_is_scaled_not_clipped() -> None:
    row = b"\x00" + b"".join(struct.pack(">HHH", level * 257, 32768, 65535) for level in range(256))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 1, 16, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(row)) + png_chunk(b"IEND", b"")
    read = decode(b"\x89PNG\r\n\x1a\n" + header + pixels).pixels
    np.testing.assert_allclose(read[0], [[level, 128, 255] for level in range(256)], atol=1)


def test_grey_pictures_have_three_equal_channels() -> None:
    pixels = decode(encoded(scene().convert("L"), "JPEG", quality=95)).pixels
    assert (pixels == pixels[:, :, :1]).all()
    assert decode(encoded(scene().convert("1"), "PNG")).pixels.shape == (48, 64, 3)


def test_cmyk_keeps_its_colours_instead_of_inverting_them() -> None:
    data = encoded(scene().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    pixels = decode(data).pixels
    np.testing.assert_allclose(pixels[4, 8], RED, atol=12)
    np.testing.assert_allclose(pixels[24, 50], WHITE, atol=12)


def test_a_colour_profile_is_converted_to_srgb_and_a_broken_one_left_aside() -> None:
    plain = decode(encoded(scene(), "PNG")).pixels
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (srgb, lab, srgb[:200], b"no profile"):
        np.testing.assert_array_equal(decode(encoded(scene(), "PNG", icc_profile=profile)).pixels, plain)
    # The description is taken as the profile's word for what it is: a renamed copy has to be converted.
    renamed = srgb.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    converted = decode(encoded(scene(), "PNG", icc_profile=renamed)).pixels
    np.testing.assert_allclose(converted.astype(int), plain.astype(int), atol=3)


def test_an_empty_file_is_named_so() -> None:
    with pytest.raises(EmptyUpload):
        decode(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_truncated_photo_is_damaged(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8))
    data = encoded(noise, kind)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(DamagedImage):
            decode(data[: int(len(data) * share)])
    with pytest.raises(DamagedImage):
        decode(data[:16])


def test_a_corrupt_photo_is_damaged() -> None:
    data = bytearray(encoded(scene(), "PNG"))
    data[60] ^= 0xFF
    with pytest.raises(DamagedImage):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"Dear teacher, this is no photo.\n" * 20, "not a picture"),
        (bytes(5000), "not a picture"),
        (encoded(scene(), "GIF"), "GIF"),
        (encoded(scene(), "TIFF"), "TIFF"),
        (encoded(scene(), "BMP"), "BMP"),
        (encoded(scene(), "PDF"), "PDF"),
        (encoded(scene(), "PPM"), "not a picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "SVG"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(100), "video"),
    ],
    ids=["text", "zeros", "gif", "tiff", "bmp", "pdf", "ppm", "svg", "svg-xml", "video"],
)
def test_other_files_are_refused_by_name_whatever_they_are_called(data: bytes, word: str) -> None:
    with pytest.raises(UnsupportedImage, match=word) as refusal:
        decode(data)
    assert "JPEG, PNG, WebP or HEIC" in str(refusal.value)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused_with_its_own_sentence(kind: str) -> None:
    frames = [scene(), scene().transpose(Transpose.ROTATE_180)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(UnsupportedImage, match="animation"):
        decode(data)


def test_a_phone_jpeg_of_several_pictures_gives_its_main_picture() -> None:
    data = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))], quality=95)
    assert decode(data).pixels.shape == (48, 64, 3)


def test_a_file_over_the_byte_limit_is_too_large() -> None:
    data = encoded(scene(), "PNG")
    with pytest.raises(ImageTooLarge, match="MB"):
        decode(data, ImageLimits(file_bytes=len(data) - 1))
    assert decode(data, ImageLimits(file_bytes=len(data))).width == 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_picture_over_the_pixel_limit_is_too_large(kind: str) -> None:
    data = encoded(scene(), kind)
    with pytest.raises(ImageTooLarge, match="megapixels"):
        decode(data, ImageLimits(pixels=64 * 48 - 1))
    assert decode(data, ImageLimits(pixels=64 * 48)).height == 48


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8_000, 10_000, 30_000, 2**31 - 1])
def test_a_picture_that_unpacks_to_a_giant_is_refused_from_its_header(side: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((ImageTooLarge, DamagedImage)):
        decode(png(side, side))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP", b"iTXt"])
def test_metadata_that_unpacks_to_a_giant_costs_little(name: bytes) -> None:
    bomb = zlib.compress(bytes(500_000_000), 9)
    content = b"x\x00\x01\x00\x00\x00" + bomb if name == b"iTXt" else b"x\x00\x00" + bomb
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MusterError):
        decode(png(10, 10, png_chunk(name, content)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_progressive_jpeg_is_read_but_not_one_of_endless_passes() -> None:
    data = encoded(scene(640, 480), "JPEG", progressive=True)
    assert decode(data).width == 640
    last = data.rindex(b"\xff\xda")
    endless = data[:last] + data[last:-2] * 6000 + b"\xff\xd9"
    with pytest.raises(ImageTooLarge, match="scans"):
        decode(endless)


@pytest.mark.filterwarnings("ignore")
def test_bytes_changed_at_random_give_pixels_or_a_named_refusal() -> None:
    change = random.Random(7)  # noqa: S311 - no secret
    sound = [encoded(scene(), kind, exif=turned(6)) for kind in ("JPEG", "PNG", "WEBP", "HEIF")]
    refused = 0
    for _ in range(1500):
        data = bytearray(change.choice(sound))
        for _ in range(change.choice([1, 2, 8])):
            data[change.randrange(min(len(data), change.choice([80, 400, 10_000])))] = change.randrange(256)
        try:
            assert decode(bytes(data)).pixels.shape[2] == 3
        except MusterError:
            refused += 1
    assert 0 < refused < 1500


def test_a_palette_with_too_many_transparent_entries_is_damaged() -> None:
    with pytest.raises(DamagedImage):
        decode(png_with_long_transparency())
