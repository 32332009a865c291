"""to_page: a training as one file of HTML, which goes on in any browser without a server."""

import gzip
import html
import random
import re
from base64 import b64encode
from collections.abc import Iterable
from graphlib import TopologicalSorter
from hashlib import sha256
from posixpath import normpath
from string import Template
from typing import Any, Final

from tinygrad_edu.checks import instance
from tinygrad_edu.examples import examples
from tinygrad_edu.files import AnyPath, packaged, path_of, write
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.text import clean
from tinygrad_edu.train.blocks import planned
from tinygrad_edu.train.fitting import validation_rows
from tinygrad_edu.train.heads import Right
from tinygrad_edu.train.training import AnyOptimizer, Model, Penalty, prepared, weighted
from tinygrad_edu.view.base.palette import styled

#: Bytes that a page may have.
LARGEST: Final = 1_000_000
_IMPORT: Final = re.compile(r'^import [^;]* from "(.*)\.mjs";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=\w)", re.MULTILINE)


def to_page(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer,
    path: AnyPath | None = None,
    title: str | None = None,
    batch_size: int | None = None,
    penalty: Penalty | None = None,
    validation: tuple[Iterable[Any], ...] | None = None,
    sample_weight: Iterable[float] | None = None,
    rng: int | random.Random | None = None,
) -> str:
    """A page in which the model trains on its data: one text of HTML, also written to `path`.

    The page asks for nothing from any network. It plays, pauses, goes on by a batch or an epoch,
    goes back to the same weights, and shows loss and accuracy, of `validation` rows (X, y) too.
    Options as for `fit`; after n epochs parameters and losses are those of `fit(..., epochs=n)`
    within 1e-12. Nothing is trained here, and `rng` stays as it is.

    Every page has an object `window.tinygrad` for tests and teachers: `epoch`, the lists `losses`
    and `testLosses` (one number for each epoch), `names` and `parameters` (in the order of the
    optimizer's), `step(epochs)`, `play()`, `pause()`, `reset()`, and `set(name, value)`, which
    gives a parameter, or "lr", a number.

        >>> from tinygrad_edu import MLP
        >>> net = MLP(2, [3, 1], "tanh", rng=0)
        >>> page = to_page(net, [[0, 1], [1, 0]], [1, -1], loss="squared_error", optimizer="sgd")
        >>> page[:15]
        '<!DOCTYPE html>'

    Dropout draws what it draws in `fit`. Of a schedule of the learning rate the page holds 10,000
    rates, and ends with the last of them.

    Raises ValueError, with what to do instead, for what does not run in a page: batch
    normalisation, other random numbers, optimizers of your own, what `vectorize` does not take, and
    data that make the page larger than a megabyte.
    """
    from tinygrad_edu.export.page.plan import Words, training_plan
    from tinygrad_edu.vectorize.executors.library import FOLDER

    path = None if path is None else path_of(path)
    title = None if title is None else instance("title", title, str, "a text")
    rows, targets, weights = weighted(*examples(X, y, own=False), sample_weight)
    held_out = None if validation is None else validation_rows(validation, own=False)
    training = prepared(model, rows, targets, loss, optimizer, penalty, weights)
    right = Right(find_loss(loss), targets, weights)
    _, block = planned(training, 0, batch_size, rng)
    words = Words()
    plan = training_plan(training, right, block.size, block.rng, held_out, words)
    text = assembled(
        packaged("export/page/page.html"),
        packaged("export/page/page.css"),
        script_of("export/page/main"),
        title=clean(title or plan["model"], 200),
        training=packed(words.behind(plan)),
        machine=packed(FOLDER.joinpath("machine.wasm").read_bytes()),
    )
    if len(text.encode()) > LARGEST:
        raise ValueError(
            f"the page would have {len(text) / 1e6:.1f} million characters, and may have one: "
            f"give fewer than the {len(rows):,} rows of X, or fewer numbers in a row"
        )
    if path is not None:
        write(path, text)
    return text


def assembled(body: str, sheet: str, script: str, **texts: str) -> str:
    """A page: the frame and sheet of all with these, escaped texts, and a policy of no more."""
    style = styled(packaged("export/page/base.css") + sheet)
    policy = {
        "default-src": "'none'",
        "script-src": f"{_hash(script)} 'wasm-unsafe-eval'",
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return Template(packaged("export/page/frame.html").replace("$body", body)).substitute(
        {name: html.escape(text) for name, text in texts.items()},
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        style=style,
        script=script,
    )


def packed(content: bytes) -> str:
    """Bytes as text that `words.mjs` reads: compressed, in base64."""
    return b64encode(gzip.compress(content, mtime=0)).decode()


def script_of(name: str) -> str:
    """A module, by its place such as "export/page/main", and all that it imports as one script."""
    texts = modules_of(name).values()
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def modules_of(name: str) -> dict[str, str]:
    """The texts of a module and of all that it imports, each after what it imports."""
    texts: dict[str, str] = {}
    imported: dict[str, list[str]] = {}
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in texts:
            texts[one] = packaged(f"{one}.mjs")
            imported[one] = [normpath(f"{one}/../{other}") for other in _IMPORT.findall(texts[one])]
            waiting += imported[one]
    return {one: texts[one] for one in TopologicalSorter(imported).static_order()}


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
