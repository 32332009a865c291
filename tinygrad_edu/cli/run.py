"""One run of a demo: announce it, train until the end or Ctrl-C, tell and write what came of it."""

import errno
import os
import random
import secrets
import shutil
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tinygrad_edu.cli.options import ASKED, Settings, UsageError, reason, tell, usage_errors
from tinygrad_edu.files import write
from tinygrad_edu.losses import Loss
from tinygrad_edu.optim import find_optimizer
from tinygrad_edu.text import clean, table
from tinygrad_edu.train import History, evaluate, fit
from tinygrad_edu.view.base.report import Picture, report

#: Rows, and their targets.
Examples = tuple[Sequence[Sequence[float]], Sequence[Any]]
#: A picture with the name of its file, "" where it stands in the report alone.
Named = tuple[str, Picture]
#: The files of all demos: those of an earlier run are no part of the next.
RESULTS: Final = {
    "confusion.png", "curve.png", "graph.svg", "kernels.png", "lines.png", "loss.png", "model.json",
    "predictions.png", "regions.png", "report.html", "residuals.png", "weights.png", "wrong.png",
}  # fmt: skip


@dataclass
class Run:
    """What is known while a demo runs: first data and model, after training the rest.

    `results` is a table, its header first, the first cell of a row naming it; `notes` tell what was
    left out.
    """

    settings: Settings
    data: Any
    model: Any
    history: History = field(default_factory=History)
    results: Sequence[Sequence[str]] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Demo:
    """A model, what it learns from, and what is there to see: a record of functions of the run.

    `settings` are the defaults. `data` has rows `X`, and a `default_loss` where the settings name
    no loss. `announcement` tells in lines what is learned, and by which net; `train` trains until
    the end or Ctrl-C, and prints how that went; `measure` gives the results; `lead` is the sentence
    below the heading of the report, `facts` what it tells of the settings. `save`, if any, writes
    the model to a path.
    """

    name: str
    says: str
    settings: Settings
    data: Callable[[Settings, random.Random], Any]
    model: Callable[[Settings, Any, random.Random], Any]
    announcement: Callable[[Run], Sequence[str]]
    train: Callable[[Run, random.Random], None]
    measure: Callable[[Run], Sequence[Sequence[str]]]
    lead: Callable[[Run], str]
    facts: Callable[[Run], dict[str, str]]
    pictures: Callable[[Run], Iterator[Named]]
    save: Callable[[Run, str], None] | None = None


def run_demo(demo: Demo, settings: Settings, command: Sequence[str]) -> int:
    """Run it, print what came of it and write the folder `settings.out`.

    `command` are the words before the options. Gives the exit code: 0, 1 if training diverged, 130
    after Ctrl-C; in each case what was learned is saved. Raises UsageError for settings that the
    demo cannot take, and for a folder that cannot be written.
    """
    rng = random.Random(settings.seed)
    with usage_errors():
        data = demo.data(settings, rng)
        if settings.loss is None:
            settings = replace(settings, loss=data.default_loss)
        if settings.batch_size is not None and settings.batch_size >= len(data.X):
            settings = replace(settings, batch_size=None)
        run = Run(settings, data, demo.model(settings, data, rng))
    problem = None
    with results_folder(settings.out) as folder:
        print("\n".join(demo.announcement(run)), flush=True)
        try:
            demo.train(run, rng)
        except (OSError, KeyboardInterrupt):  # while it told how that ended
            if len(run.history):
                _save(demo, run, folder)
            raise
        written = _save(demo, run, folder)
        run.results = demo.measure(run)
        print(f"\n{textwrap.indent(table(run.results), '  ')}\n")
        try:
            if not (ASKED and written):  # then there may be no time for pictures
                written += write_report(demo, run, command, folder)
        except MemoryError:
            problem = "out of memory: pictures and report are left out"
    print("\n".join([*run.notes, f"wrote {', '.join(written)}"]))
    print(f"   to {clean(settings.out, 1000)}")
    if run.history.interrupted:
        tell(f"interrupted; what was learned so far is {'saved' if demo.save else 'shown'}")
        return 130
    if problem := problem or run.history.stopped:
        tell(problem)
        return 1
    return 0


def _save(demo: Demo, run: Run, folder: str) -> list[str]:
    if demo.save is None:
        return []
    demo.save(run, os.path.join(folder, "model.json"))
    return ["model.json"]


def write_report(demo: Demo, run: Run, command: Sequence[str], folder: str) -> list[str]:
    """Write the pictures that have a file name, and the report; give the names."""
    pictures = list(demo.pictures(run))
    page = report(
        f"tinygrad_edu: {demo.name}", demo.lead(run), results=run.results,
        settings=demo.facts(run), pictures=[picture for _, picture in pictures],
        command=run.settings.typed(command),
    )  # fmt: skip
    files = {name: picture.content for name, picture in pictures if name} | {"report.html": page}
    try:
        for name, content in files.items():
            write(os.path.join(folder, name), content)
    except BaseException:  # a report is whole or not there
        for name in files.keys() & set(os.listdir(folder)):
            os.remove(os.path.join(folder, name))
        raise
    return list(files)


def by_descent(
    run: Run, rng: random.Random, examples: Examples, loss: str | Loss, test: Examples | None = None
) -> None:
    """Fit the model by the settings; print how that is done, how it ended, and the time."""
    settings, model = run.settings, run.model
    # of 50 rows or more: enough to see whether the loss rose far
    some = [part[:: len(examples[0]) // 50 + 1] for part in examples]
    first, _ = evaluate(model, *some, loss=loss)
    start = time.monotonic()
    batch = "full batch" if settings.batch_size is None else f"batches of {settings.batch_size}"
    how = f"{settings.optimizer} with learning rate {settings.lr:g}, {batch}"
    # of divergence, which is told below
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        try:  # from the first line on, Ctrl-C ends with a saved model
            print(f"{settings.loss}, {how}", flush=True)
            run.history = fit(
                model, *examples, loss=loss, validation=test, rng=rng, epochs=settings.epochs,
                optimizer=find_optimizer(settings.optimizer)(model.parameters(), lr=settings.lr),
                batch_size=settings.batch_size,
            )  # fmt: skip
        except KeyboardInterrupt:
            run.history = History(interrupted=True)
    history, n, of_all = run.history, len(run.history), f"of {settings.epochs} epochs"
    if history.interrupted:
        ending = f"interrupted after {n} {of_all}"
    elif history.stopped:
        ending = f"diverged after {n} {of_all}"
    else:
        ending = f"trained {n} {'epoch' if n == 1 else 'epochs'}"
        last, _ = evaluate(model, *some, loss=loss)
        if last > 2 * first:
            run.notes.append(f"the loss rose from {first:.4g} to {last:.4g}: try a smaller --lr")
    print(f"{ending} in {time.monotonic() - start:.1f} s", flush=True)


def short_loss(mean: float) -> str:
    """A mean loss as the table of results has it."""
    return f"{mean:.4f}" if mean < 1e6 else f"{mean:.3e}"


def facts_of_descent(run: Run) -> dict[str, str]:
    """What the report tells of a training by descent."""
    settings, history = run.settings, run.history
    n = len(history)
    stopped = f" ({history.stopped or 'interrupted'})" if n < settings.epochs else ""
    return {
        "parameters": f"{len(run.model.parameters()):,}",
        "loss": str(settings.loss),
        "optimizer": f"{settings.optimizer}, learning rate {settings.lr:g}",
        "epochs": f"{n} of {settings.epochs}{stopped}",
        "batch": "full" if settings.batch_size is None else f"{settings.batch_size} rows",
        "seed": str(settings.seed),
    }


def course(history: History) -> Named:
    """Loss and accuracy over the epochs."""
    what = "loss and accuracy" if history.accuracy else "loss"
    dashed = " (dashed: test rows, after it)" if history.validation_loss else ""
    caption = f"Mean {what} in each epoch of training{dashed}."
    return "loss.png", Picture("Course of training", caption, history.plot().png())


@contextmanager
def results_folder(path: str) -> Iterator[str]:
    """A new folder, whose files are at the end the results in `path`: all of them, or none.

    Where there is no `path` yet it becomes that by one renaming. Else the results of an earlier run
    go first, and other files stay; of several runs at a time one comes after the other. What could
    not be put there is kept. Raises UsageError for a path that cannot be written.
    """
    try:
        if "\0" in path:  # versions of Python say it in several ways
            raise ValueError("embedded null byte")
        home = os.path.realpath(path)
        if not path or (os.path.exists(home) and not os.path.isdir(home)):
            raise OSError(0, os.strerror(errno.EEXIST if path else errno.ENOENT))
        part = f"{home}{os.sep if os.path.isdir(home) else ''}.part-{secrets.token_hex(4)}"
        os.makedirs(part)
    except (OSError, ValueError) as error:
        raise UsageError(f"--out: cannot write into {path!r}: {reason(error)}") from None
    try:
        yield part
    finally:
        try:
            if os.listdir(part):
                _put(part, home)
        except OSError as error:
            raise UsageError(
                f"cannot write {error.filename!r}: {reason(error)}; the results are in {part!r}"
            ) from None
        shutil.rmtree(part, ignore_errors=True)


def _put(part: str, home: str) -> None:
    if not os.path.exists(home):
        with suppress(OSError):  # of another run that came first
            os.rename(part, home)
            return
    with _one_at_a_time(home):
        names = os.listdir(part)
        for name in names:
            if os.path.isdir(path := os.path.join(home, name)):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        for name in RESULTS.difference(names).intersection(os.listdir(home)):
            os.remove(os.path.join(home, name))
        for name in names:
            os.replace(os.path.join(part, name), os.path.join(home, name))


@contextmanager
def _one_at_a_time(folder: str) -> Iterator[None]:
    """Wait for the other processes that are in here with this folder, where a system can."""
    if sys.platform == "win32":
        yield
        return
    from fcntl import LOCK_EX, flock

    handle = os.open(folder, os.O_RDONLY)
    try:
        flock(handle, LOCK_EX)
        yield
    finally:
        os.close(handle)
