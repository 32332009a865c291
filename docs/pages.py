"""The pages of the site: README and its neighbours, lessons, pictures, a reference of docstrings.

Nothing is written by hand but the list of what the reference shows. Links to files that are no
pages lead to the repository. Loaded by mkdocs as a hook, and by griffe for `Examples`.
"""

import html
import importlib
import re
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import griffe
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
#: Pages that stand elsewhere: where they are in the site, and what they are made of.
PAGES = {
    "index.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "SECURITY.md": "SECURITY.md",
}
#: A page of the reference -> the module whose public names it shows.
REFERENCE = {
    "engine": "tinygrad_edu.engine",
    "calculus": "tinygrad_edu.calculus",
    "nn": "tinygrad_edu.nn",
    "losses": "tinygrad_edu.losses",
    "optim": "tinygrad_edu.optim",
    "train": "tinygrad_edu.train",
    "data": "tinygrad_edu.data",
    "perceptron": "tinygrad_edu.perceptron",
    "vectorize": "tinygrad_edu.vectorize",
    "view": "tinygrad_edu.view",
    "pictures": "tinygrad_edu.view.pictures",
    "export": "tinygrad_edu.export",
    "playground": "tinygrad_edu.playground",
    "exercises": "tinygrad_edu.exercises",
    "classics": "tinygrad_edu.classics",
    "sklearn": "tinygrad_edu.sklearn",
}
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")
_VERBATIM = re.compile(r"<(pre|code|script|style|svg)\b.*?</\1>", re.DOTALL)
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$<>]+)\$")
_EXAMPLE = re.compile(r"(?:^ *>>> .*\n(?:.*\S.*\n)*)+", re.MULTILINE)


@event_priority(100)  # before the plugin that makes pages of notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the pages that stand elsewhere into the site."""
    for name, source in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text("utf-8")))
    for path in sorted((ROOT / "notebooks").rglob("*")):
        if path.is_file() and path.suffix in (".ipynb", ".svg"):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, use_directory_urls=False))
    for name, content in _gallery().files():
        files.append(File.generated(config, name, content=content))
    for name, module in REFERENCE.items():
        files.append(File.generated(config, f"reference/{name}.md", content=_reference(module)))
    found = sorted(file.src_uri for file in files)
    config.nav = [
        {"Home": "index.md"},
        {"Gallery": "gallery.md"},
        {"Course": [name for name in found if name.endswith(".ipynb")]},
        {"Reference": [f"reference/{name}.md" for name in REFERENCE]},
        {"Project": [name for name in PAGES if name != "index.md"]},
    ]
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files that are no pages to the repository; fence the examples."""

    def linked(match: re.Match[str]) -> str:
        path, anchor = match[1], match[2] or ""
        if path == "README.md":
            path = "index.md"
        known = files.get_file_from_path(path) is not None
        return f"]({path if known else f'{config.repo_url}/blob/main/{path}'}{anchor})"

    return _LINK.sub(linked, markdown) if page.file.src_uri in PAGES else markdown


def on_post_page(output: str, page: Any, config: MkDocsConfig) -> str:
    """Formulas of a lesson as MathML, which a browser shows without a network."""
    if not page.file.src_uri.endswith(".ipynb"):
        return output
    shown, at = [], 0
    for verbatim in _VERBATIM.finditer(output):
        shown += [_FORMULA.sub(_as_mathml, output[at : verbatim.start()]), verbatim[0]]
        at = verbatim.end()
    return "".join([*shown, _FORMULA.sub(_as_mathml, output[at:])])


def _as_mathml(match: re.Match[str]) -> str:
    display = "block" if match[1] else "inline"
    return str(convert(html.unescape(match[1] or match[2]), display=display))


def _gallery() -> Any:
    """The table of pictures that the tests measure."""
    sys.path.insert(0, str(ROOT / "tests"))
    return importlib.import_module("gallery")


def _reference(module: str) -> str:
    """The page of a module: its docstring and public names."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or [n for n in vars(found) if not n.startswith("_")]
    shown = []
    for name in names:
        x = getattr(found, name)
        if isinstance(x, type | FunctionType) and x.__module__.startswith("tinygrad_edu"):
            shown.append(f"::: {x.__module__}.{x.__qualname__}")
    first, _, rest = (found.__doc__ or "").partition("\n")
    return f"# {module}\n\n{first}\n\n{rest.strip()}\n\n" + "\n\n".join(shown) + "\n"


class Examples(griffe.Extension):
    """Examples are programs with what they print: those in docstrings, and those of examples.md."""

    def __init__(self) -> None:
        text = (ROOT / "docs/examples.md").read_text("utf-8")
        self.examples = dict(re.findall(r"^## `(\w+)`\n+(.*?)(?=^## |\Z)", text, re.M | re.S))

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence them."""
        if obj.docstring:
            text = obj.docstring.value + "\n"
            fenced = _EXAMPLE.sub(lambda m: f"\n```pycon\n{m[0]}```\n", text)
            obj.docstring.value = fenced + "\n" + self.examples.pop(obj.name, "")
