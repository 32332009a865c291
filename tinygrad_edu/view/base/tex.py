"""LaTeX: a page as large as what is on it, and texts that are harmless whatever they hold."""

import re
from abc import ABC, abstractmethod
from functools import cache, partial
from pathlib import Path
from typing import Final

from tinygrad_edu.files import AnyPath, packaged
from tinygrad_edu.view.base.display import Forms, save

_PAGE: Final = "view/base/page.tex"
_SPECIAL: Final = {c: f"\\{c}" for c in "{}$&#%_"} | {
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}


def latex_page(title: str, content: str, preamble: str = "") -> str:
    """A file that pdflatex makes one page of; a letter that it lacks is its number in a frame."""
    parts = {"title": latex_words(title), "content": content, "preamble": preamble}
    page = re.sub(r"\{\{(\w+)\}\}", lambda hole: parts[hole[1]], packaged(_PAGE))
    return re.sub(r"[^\x00-\x7f]", _framed, page)


def latex_words(text: str) -> str:
    r"""A cleaned text outside of mathematics.

    >>> print(latex_words("a_1 < b"))
    a\_1 \textless{} b
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


class Equations(ABC):
    """What is LaTeX and text: it is saved as either."""

    _kind = "text"

    @property
    @abstractmethod
    def latex(self) -> str:
        """The equations as LaTeX, without dollar signs."""

    def save(self, path: AnyPath) -> Path:
        """Write it as .tex, of which pdflatex makes a page, or as .txt; returns the path.

        What has a picture, too, is saved as that in its formats. Raises ValueError for another
        suffix.
        """
        page = partial(latex_page, self._kind.capitalize(), rf"$\displaystyle {self.latex}$")
        return save(path, self._kind, {".tex": page, ".txt": lambda: f"{self}\n", **self._others()})

    def _others(self) -> Forms:
        return {}

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def _framed(letter: re.Match[str]) -> str:
    return letter[0] if letter[0] in _letters() else rf"\fbox{{\tiny {ord(letter[0]):X}}}"


@cache
def _letters() -> frozenset[str]:
    """Beyond ASCII: those of European languages, and what the page defines."""
    defined = re.findall(r"\\DeclareUnicodeCharacter\{(\w+)\}", packaged(_PAGE))
    latin = filter(str.isalpha, map(chr, range(0xC0, 0x180)))
    return frozenset([*latin, *(chr(int(code, 16)) for code in defined)])
