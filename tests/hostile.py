"""Pictures made to cost much or to break a decoder."""

import io
import struct
import zlib

from PIL import Image


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Make one chunk of a PNG, with a right checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """Make a baseline JPEG of three components, one in each scan; scans after the third repeat one without data."""
    buffer = io.BytesIO()
    Image.new("YCbCr", (8, 8)).save(buffer, "JPEG", subsampling=0)
    small = buffer.getvalue()
    frame, first = small.index(b"\xff\xc0"), small.index(b"\xff\xda")
    head = bytearray(small[:first])
    head[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    repeated = b"".join(
        b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1 + index % 3, 0x00 if index % 3 == 0 else 0x11, 0, 63, 0)
        for index in range(scans)
    )
    return bytes(head) + repeated + b"\xff\xd9"
