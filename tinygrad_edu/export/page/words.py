"""Words: arrays of numbers for a page, eight bytes each, so that not a bit of them is lost."""

import gzip
import json
import struct
from base64 import b64encode
from typing import Any, TypeAlias

#: An array, by its kind, its place and its length.
Place: TypeAlias = dict[str, list[int]]


class Words:
    """Arrays that follow each other. A record holds their places, and the page reads the arrays."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.length = 0

    def floats(self, numbers: Any) -> Place:
        """An array of NumPy with floats, of any shape, row by row."""
        return self._enter("floats", numbers.astype("<f8").tobytes())

    def integers(self, numbers: Any) -> Place:
        """Whole numbers, below 2**53."""
        whole = [*map(int, numbers)]
        return self._enter("integers", struct.pack(f"<{len(whole)}q", *whole))

    def _enter(self, kind: str, content: bytes) -> Place:
        self.parts.append(content)
        start, self.length = self.length, self.length + len(content) // 8
        return {kind: [start, self.length - start]}

    def packed(self, record: dict[str, Any]) -> str:
        """A record and the words, as text that `words.mjs` reads: compressed, in base64."""
        header = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        return packed(b"".join([len(header).to_bytes(8, "little"), header, *self.parts]))


def packed(content: bytes) -> str:
    """Bytes as text that `words.mjs` reads."""
    return b64encode(gzip.compress(content, mtime=0)).decode()
