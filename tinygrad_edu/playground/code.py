"""Code: the program that gives the state of a run again."""

from typing import Any

from tinygrad_edu.playground.run import Fit, Put, Run
from tinygrad_edu.playground.settings import DATA, OWN, Settings
from tinygrad_edu.text import public_order
from tinygrad_edu.train.heads import Head


def code(run: Run, own: str = "points(X, y)") -> str:
    """Imports, a line each for data, model and training, and one for each thing done in between.

    `own` is how the user's points were made.
    """
    first, *rest = run.done
    done = [first, *(act for act in rest if act != Fit(run.settings, 0))]
    lines = [_data(run.settings, own), _model(run), *(_done(run, act) for act in done)]
    return "\n".join([*_imports("\n".join(lines)), *lines])


def _data(settings: Settings, own: str) -> str:
    source = own
    if settings.data != OWN:
        source = DATA[settings.data].code(settings.n, settings.noise, settings.seed)
    if not settings.test_share:
        return f"X_train, y_train = {source}"
    return (
        f"X_train, y_train, X_test, y_test = train_test_split(*{source}, "
        f"test_size={settings.test_share}, rng={settings.seed})"
    )


def _model(run: Run) -> str:
    settings, head = run.settings, run.head
    sizes = [*settings.hidden, head.units]
    output = "" if head.activation == "linear" else f', output="{head.activation}"'
    return (
        f'model = MLP({len(settings.features)}, {sizes}, "{settings.activation}"{output}, '
        f"rng={settings.seed})"
    )


def _done(run: Run, act: Fit | Put) -> str:
    if isinstance(act, Put):
        return f'model.named_parameters()["{act.name}"].data = {act.number}'
    settings = act.settings
    options: dict[str, Any] = {
        "loss": f'"{run.loss}"',
        "optimizer": f"SGD(model.parameters(), lr={settings.lr})",
        "epochs": act.epochs,
    }
    n = len(run.training.rows)
    if settings.batch_size is not None and settings.batch_size < n:
        options["batch_size"] = settings.batch_size
    if settings.penalty != "none":
        rule = f"{settings.penalty}(model.parameters(), {settings.strength})"
        options["penalty"] = f"lambda model: {rule}"
    options["rng"] = settings.seed
    X = "X_train"
    if tuple(settings.features) != ("x1", "x2"):
        X = f"features(X_train, {list(settings.features)})"
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    return f"fit(model, {X}, {_targets(run.head)}{arguments})"


def _targets(head: Head) -> str:
    """The targets of the training points as the loss takes them."""
    if head.low < 0:
        return "[2 * c - 1 for c in y_train]"
    one_of_k = head.units > 1 and head.outputs != "logits"
    return f"one_hot(y_train, range({head.units}))" if one_of_k else "y_train"


_HOMES = {
    "tinygrad_edu": (*sorted(["MLP", "SGD", "fit", "train_test_split", *DATA], key=public_order),),
    "tinygrad_edu.data": ("one_hot",),
    "tinygrad_edu.losses": ("l1", "l2"),
    "tinygrad_edu.playground": ("features", "points"),
}


def _imports(lines: str) -> list[str]:
    used = {home: [n for n in names if f"{n}(" in lines] for home, names in _HOMES.items()}
    return [f"from {home} import {', '.join(names)}" for home, names in used.items() if names]
