"""The pages of the site: README and its neighbours, lessons, pictures, the playground, docstrings.

Nothing is written by hand but the list of what the reference shows. Links to files that are no
pages lead to the repository. Loaded by mkdocs as a hook, and by griffe for `Examples`.
"""

import html
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import griffe
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

from tinygrad_edu import Value, functions, losses
from tinygrad_edu.engine import Primitive
from tinygrad_edu.playground import lesson
from tinygrad_edu.view.explain.formulas import formulas
from tinygrad_edu.view.explain.notation import Both, written

ROOT = Path(__file__).resolve().parents[1]
#: Pages that stand elsewhere: where they are in the site, and what they are made of.
PAGES = {
    "index.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "SECURITY.md": "SECURITY.md",
}
#: The page that trains is a page of its own, without the frame of the others.
PLAYGROUND = "playground.html"
#: A page of the reference -> the module whose public names it shows.
REFERENCE = {
    "engine": "tinygrad_edu.engine",
    "functions": "tinygrad_edu.functions",
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
    "diagnose": "tinygrad_edu.diagnose",
    "export": "tinygrad_edu.export",
    "playground": "tinygrad_edu.playground",
    "exercises": "tinygrad_edu.exercises",
    "classics": "tinygrad_edu.classics",
    "sklearn": "tinygrad_edu.sklearn",
}
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")
_VERBATIM = re.compile(r"<(pre|code|script|style|svg)\b.*?</\1>", re.DOTALL)
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$<>]+)\$")
_IN_TABLE = re.compile(r"<code>()\$([^$]+)\$</code>")
_HEADED = re.compile(
    r"^## `([\w.]+)`(?: \(needs (\w+)\))?\n+(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
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
    files.append(File.generated(config, PLAYGROUND, content=lesson()))
    for name, content in _gallery().files():
        files.append(File.generated(config, name, content=content))
    for name, module in REFERENCE.items():
        files.append(File.generated(config, f"reference/{name}.md", content=_reference(module)))
    found = sorted(file.src_uri for file in files)
    config.nav = [
        {"Home": "index.md"},
        {"Gallery": "gallery.md"},
        {"Playground": PLAYGROUND},
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
    """Formulas of lessons and tables as MathML, which a browser shows without a network."""
    if page.file.src_uri.startswith("reference/"):
        return _IN_TABLE.sub(_as_mathml, output)
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


class Example(NamedTuple):
    """What examples.md has of a name: the object, and its program in a fence."""

    shown: Any
    text: str


def _read_examples() -> dict[str, Example]:
    """By name, and by path where it is a class or a function: as griffe calls it."""
    examples = {}
    for name, needed, text in _HEADED.findall((ROOT / "docs/examples.md").read_text("utf-8")):
        module, _, attribute = f"tinygrad_edu.{name}".rpartition(".")
        x = pkgutil.resolve_name(f"{module}:{attribute}")
        x = getattr(x, attribute) if isinstance(x, ModuleType) and attribute in vars(x) else x
        extra = needed.replace("anywidget", "notebook")
        extra = f"With `pip install 'tinygrad-edu[{extra}]'`:\n\n" if needed else ""
        example = Example(x, extra + _printed(text))
        examples[f"tinygrad_edu.{name}"] = example
        if _is_described(x):
            examples[f"{x.__module__}.{x.__qualname__}"] = example
    return examples


def _printed(text: str) -> str:
    """A program as a terminal shows it, without the marks of doctest."""
    return text.replace("\n\n```\n", "\n```\n").replace("<BLANKLINE>\n", "\n")


def _is_described(x: Any) -> bool:
    """Whether it is a class or a function of ours, which have docstrings."""
    return isinstance(x, type | FunctionType) and x.__module__.startswith("tinygrad_edu")


def _gallery() -> Any:
    """The table of pictures that the tests measure."""
    sys.path.insert(0, str(ROOT / "tests"))
    return importlib.import_module("gallery")


def _reference(module: str) -> str:
    """The page of a module: its docstring, its public names, each once, and a table of records."""
    found, examples = importlib.import_module(module), _read_examples()
    seen, shown = set[int](), list[str]()
    declared = vars(found).get("__all__")
    for name in declared or vars(found):
        x = getattr(found, name)
        path = f"{x.__module__}.{x.__qualname__}" if _is_described(x) else f"{module}.{name}"
        told = path in examples or (_is_described(x) and ">>> " in (x.__doc__ or ""))
        listed = declared or (told and path.startswith(module))
        if id(x) in seen or name[0] == "_" or not listed:
            continue
        seen.add(id(x))
        if _is_described(x):
            shown.append(f"::: {path}")
        elif path in examples:
            shown.append(f"## {name}\n\n{examples[path].text}")
    first, _, rest = (inspect.getdoc(found) or "").partition("\n")
    table = _TABLES[module]() if module in _TABLES else ""
    own = examples.get(module)
    if own and isinstance(own.shown, ModuleType):
        table = f"{own.text}\n\n{table}"
    return "\n\n".join([f"# {module}", first, rest.strip("\n"), table, *shown]) + "\n"


def _functions_table() -> str:
    """Each function with its value and its slopes, from its record; of many operands two."""
    rows = [
        "A function of any number of operands is shown for two, with its derivative by the first;",
        "p is the softmax of the operands.\n",
        "| function | y | derivatives |",
        "| --- | --- | --- |",
    ]
    for name in functions.__all__:
        y = _called(name)
        if isinstance(y, Value):
            n, value, slope = len(y.parents), *formulas(y, general=True)
            letters = _letters(name, n)
            many = _operands(name) is None
            slopes = [
                rf"`$\frac{{\partial y}}{{\partial {letters[i].latex}}} = "
                f"{written(slope(i), letters).latex}$`"
                for i in range(1 if many else n)
            ]
            cells = f"`{name}`", f"`${written(value, letters).latex}$`", "<br>".join(slopes)
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _operands(name: str) -> int | None:
    """How many operands a function has, None if any number."""
    f = getattr(functions, name)
    _, *x = inspect.signature(f.value if isinstance(f, Primitive) else f).parameters.values()
    if not isinstance(f, Primitive):
        x = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]
    return None if any(p.kind is p.VAR_POSITIONAL for p in x) else len(x)


def _called(name: str) -> Any:
    """A result of the function, of any numbers that are in its domain."""
    x = [Value(number) for number in (0.5, 0.25, 0.75, 0.125)]
    f = getattr(functions, name)
    if name == "dot":
        return f(x[:2], x[2:])
    if name == "clip":
        return f(x[0], -1.0, 1.0)
    y = f(*x[: _operands(name) or 2])
    return y[0] if isinstance(y, list) else y


def _letters(name: str, n: int) -> list[Both]:
    """The names of operands, of the result and of shares in a softmax."""
    x = ["x"] if n == 1 else [f"x_{{{i + 1}}}" for i in range(n)]
    if name == "dot":
        x = ["w_{1}", "w_{2}", "x_{1}", "x_{2}"]
    return [Both(letter, letter) for letter in [*x, "y", *(f"p_{{{i + 1}}}" for i in range(n))]]


def _losses_table() -> str:
    """Each loss with what it takes, and its derivative by the textbook."""
    rows = ["| loss E | output a | derivative, with the target y |", "| --- | --- | --- |"]
    for name, record in losses.RECORDS.items():
        slope = record.latex.replace("|", "")
        by = "a_{k}" if "_k" in slope else "a"
        cell = rf"`$\frac{{\partial E}}{{\partial {by}}} = {slope}$`"
        rows.append(f"| `{name}` | {record.outputs} | {cell} |")
    return "\n".join(rows)


_TABLES = {"tinygrad_edu.functions": _functions_table, "tinygrad_edu.losses": _losses_table}


def _listed(paragraph: str) -> str:
    """Names in one column and what they are in another, as docstrings have them, as a list."""
    lines = paragraph.splitlines()
    columns = [m.end() for line in lines if (m := re.match(r"\w[\w, ]*?  +(?=\S)", line))]
    if not columns or any(line[columns[0] - 1 : columns[0]] != " " for line in lines):
        return paragraph
    rows = [(line[: columns[0]].strip(), line[columns[0] :]) for line in lines]
    return "\n".join(f"- `{name}`: {text}" if name else f"  {text}" for name, text in rows)


class Examples(griffe.Extension):
    """Examples are programs with what they print: those in docstrings, and those of examples.md."""

    def __init__(self) -> None:
        self.examples = _read_examples()

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence them, and leave out bases that are nobody's business."""
        if obj.docstring:
            text = "\n\n".join(map(_listed, obj.docstring.value.split("\n\n"))) + "\n"
            fenced = _EXAMPLE.sub(lambda m: f"\n```pycon\n{_printed(m[0])}```\n", text)
            example = self.examples.get(obj.path)
            obj.docstring.value = fenced + "\n" + (example.text if example else "")
        if isinstance(obj, griffe.Class):
            obj.bases = [base for base in obj.bases if not str(base).startswith("_")]
