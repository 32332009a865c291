"""Words: arrays of numbers for a page, eight bytes each, so that not a bit of them is lost."""

import gzip
import json
import struct
from base64 import b64encode
from collections.abc import Iterable
from typing import Any


class Words:
    """Arrays that follow each other. A record holds their places, and the page reads the arrays."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.length = 0

    def add(self, numbers: Iterable[float]) -> dict[str, list[int]]:
        """The place of an array; whole numbers are below 2**53."""
        floats = [*numbers]
        self.parts.append(struct.pack(f"<{len(floats)}d", *floats))
        start, self.length = self.length, self.length + len(floats)
        return {"words": [start, len(floats)]}

    def packed(self, record: dict[str, Any]) -> str:
        """A record and the words, as text that `words.mjs` reads: compressed, in base64."""
        header = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        return packed(b"".join([len(header).to_bytes(8, "little"), header, *self.parts]))


def packed(content: bytes) -> str:
    """Bytes as text that `words.mjs` reads."""
    return b64encode(gzip.compress(content, mtime=0)).decode()
