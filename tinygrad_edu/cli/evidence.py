"""What a report shows of the data: rows right and wrong, what made them so, and what to beat."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.run import Named
from tinygrad_edu.cli.split import Split
from tinygrad_edu.text import clean, short
from tinygrad_edu.train.heads import Head
from tinygrad_edu.view import explain, pictures
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import Picture, html_table, verbatim
from tinygrad_edu.view.pictures.field import first_units

#: Rows of the plane among which lines of hidden units and rings can still be told apart.
_FEW: Final = 500
#: Classes in a table, pictures of wrong rows, units whose weights are pictures.
_CLASSES, _WRONG, _UNITS = 30, 24, 64
#: Rows in the table of the worst, and columns of the data there.
_WORST, _COLUMNS = 10, 6
#: Rows times features times classes that a linear model is fitted on within a second.
_MOST: Final = 5_000_000
_STEPS: Final = 300


def of_classes(classifier: Classifier, split: Split) -> Iterator[Named]:
    """Regions or confusion matrix, a table of the classes, and pictures where rows are pictures."""
    yield regions(classifier, split) if split.plane else confusion(classifier, split)
    if len(split.encoder.class_names) > 2:
        yield _by_class(classifier, split)
    if split.image is not None:
        height, width = split.image
        yield from _wrong(classifier, split, height, width)
        if 0 < len(first_units(classifier.model)) <= _UNITS:
            caption = "Units of the first layer: blue where they look for ink, orange for paper."
            ax = pictures.weights(classifier.model, height=height, width=width)
            yield "weights.png", Picture("The weights", caption, png_of(ax))


def of_numbers(classifier: Classifier, split: Split) -> Iterator[Named]:
    """The curve over one feature; predicted numbers against true ones, and how far they are off."""
    number: Any = split.encoder.number
    name = clean(number.name, 40)
    if len(split.encoder.feature_names) == 1:
        [column] = split.encoder.columns
        ax = pictures.curve(
            classifier.model, split.in_units(split.X + split.X_test),
            list(map(number.decode, split.y + split.y_test)), transform=split.encoded,
            inverse=lambda y: [[number.decode(x)] for (x,) in y],
            feature_name=clean(column.name, 40), name=name,
        )  # fmt: skip
        caption = (
            "What the net gives, over the rows. Dashed: its bias, and what it is when the weighted "
            "hidden units are added one after the other, the largest first."
        )
        yield "curve.png", Picture("The curve", caption, png_of(ax), "wide")
    kind, X, y = split.last
    true, found = (list(map(number.decode, part)) for part in (y, classifier.found(X)))
    caption = f"Each point is one of the {kind} rows; on the line the prediction is right."
    ax = pictures.predictions(true, found, name=name)
    yield "predictions.png", Picture("Predicted against true", caption, png_of(ax))
    caption = "Blue is too much, orange too little. A bend or a funnel shows what the net misses."
    ax = pictures.residuals(true, found, name=name)
    yield "residuals.png", Picture("Residuals", caption, png_of(ax))


def regions(classifier: Classifier, split: Split) -> Named:
    """The decision regions of a net for points in the plane."""
    few = len(split.X) + len(split.X_test) <= _FEW
    ax = pictures.regions(
        classifier.model, split.in_units(split.X), split.y, X_test=split.in_units(split.X_test),
        y_test=split.y_test, transform=split.encoded, loss=classifier.loss,
        class_names=split.encoder.class_names, feature_names=split.encoder.feature_names,
        hidden_lines=few, misclassified=few, margins=few,
    )  # fmt: skip
    score = classifier.head.outputs == "score"
    caption = (
        "The colour of a place is the class that the net gives there, paler where its "
        f"{'score is near 0' if score else 'probability is near a tie'}; the line is the decision "
        "boundary."
    )
    return "regions.png", Picture("Decision regions", caption, png_of(ax))


def confusion(classifier: Classifier, split: Split) -> Named:
    """The confusion matrix of the test rows, or where there are none of the training rows."""
    kind, X, y = split.last
    ax = pictures.confusion(y, classifier.found(X), split.encoder.class_names)
    caption = f"How many {kind} rows of each class were given which class: right on the diagonal."
    return "confusion.png", Picture("Confusion matrix", caption, png_of(ax))


def png_of(ax: Any) -> bytes:
    """The picture that the axes stand in."""
    return bytes(ax.figure.png())


def _by_class(classifier: Classifier, split: Split) -> Named:
    """A row of each class, the worst ones first where there are too many."""
    kind, X, y = split.last
    names = split.encoder.class_names
    count = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(count, (y, classifier.found(X)), 1)
    right, rows, given = count.diagonal(), count.sum(axis=1), count.sum(axis=0)
    order = list(range(len(names)))
    if len(order) > _CLASSES:
        order = np.argsort(right / rows.clip(1), kind="stable")[:_CLASSES].tolist()
    table: list[Sequence[str]] = [("class", "rows", "recall", "precision", "most taken for")]
    for c in order:
        wrong = count[c] * (np.arange(len(names)) != c)
        other = f"{clean(names[wrong.argmax()])} ({wrong.max()})" if wrong.any() else ""
        shares = [f"{right[c] / n:.1%}" if n else "" for n in (rows[c], given[c])]
        table.append((names[c], str(rows[c]), *shares, other))
    caption = (
        f"Recall: the share of the {kind} rows of a class that were given it. Precision: the share "
        "of the rows given it that are of it."
    )
    return "", Picture("Class by class", caption, html_table(table), "table")


def _wrong(classifier: Classifier, split: Split, height: int, width: int) -> Iterator[Named]:
    """The rows with a wrong class as pictures, those first of which the net was surest."""
    kind, X, y = split.last
    found, names = classifier.found(X), split.encoder.class_names
    sure = classifier.head.probabilities(np.array(classifier.outputs(X))).max(axis=1)
    wrong = [i for i in np.argsort(-sure, kind="stable").tolist() if found[i] != y[i]]
    if not wrong:
        return
    titles = [f"{names[y[i]]} as {names[found[i]]}, {sure[i]:.0%}" for i in wrong[:_WRONG]]
    shown = [X[i] for i in wrong[:_WRONG]]
    ax = pictures.images(shown, height=height, width=width, titles=titles)
    caption = (
        f"{len(wrong)} of the {len(y)} {kind} rows are wrong, here those of which the net was "
        "surest: what they are, what they were taken for, and with which probability."
    )
    yield "wrong.png", Picture("The wrong ones", caption, png_of(ax), "sheet")


def worst(classifier: Classifier, split: Split) -> Iterator[Named]:
    """The rows with the largest losses, and the column that each comes from most."""
    encoder, (kind, X, y) = split.encoder, split.last
    losses, found = classifier.losses(X, y), classifier.found(X)
    names = [clean(column.name) for column in encoder.columns]
    table = [("row", *names[:_COLUMNS], "true", "predicted", "loss", "largest x dL/dx")]
    why: Any = None
    for i in sorted(losses, key=lambda i: -losses[i])[:_WORST]:
        x, loss = classifier.backward(X[i], y[i])
        shares = np.array([v.data * v.grad for v in x])
        parts = [float(shares[part].sum()) for part in encoder.parts]
        most = int(np.argmax(np.abs(parts)))
        part = encoder.parts[most]
        why = why or explain(loss, wrt=x[part][np.abs(shares[part]).argmax()])
        given = [c.cell(X[i][p]) for c, p in zip(encoder.columns, encoder.parts, strict=True)]
        cells = [*given[:_COLUMNS], *map(classifier.answer, (y[i], found[i])), short(losses[i])]
        table.append((str(split.lines[i]), *map(clean, cells), f"{names[most]} {parts[most]:+.2g}"))
    caption = (
        f"Of the {kind} rows those with the largest losses. At the end the column with the largest "
        "x dL/dx, x as it is scaled for the net: to first order so much less would the loss be if "
        "x were at its mean, or a word not there."
    )
    yield "", Picture("The worst rows", caption, html_table(table), "table")
    caption = f"The chain rule from the loss of row {table[1][0]} to that input, by all its ways."
    try:
        shown, form = why.picture.svg, "drawing"
    except RenderError:  # many ways are read better than seen
        shown, form = verbatim(str(why)), "text"
    yield "", Picture("Why the worst row", caption, shown, form)


def baselines(split: Split) -> dict[str, Any]:
    """By the name of each simpler model what it gives for the rows that judge the net, (m,).

    Class numbers, or numbers standardised as the targets are. A linear model of very many rows is
    fitted on a part of them, and its name says of how many.
    """
    k = len(split.encoder.class_names)
    every = max(1, len(split.X) * len(split.X[0]) * max(k, 1) // _MOST)
    given = split.X[::every], split.last[1]
    X, new = (np.hstack([rows, np.ones((len(rows), 1))]) for rows in given)
    y, part = np.array(split.y[::every]), f" of {len(X):,} rows" if every > 1 else ""
    if not k:
        linear = new @ np.linalg.lstsq(X, y, rcond=None)[0]
        return {f"linear model{part}": linear, "mean": np.full(len(new), np.mean(split.y))}
    logits = new @ logistic_regression(X, y, k)
    commonest = np.full(len(new), np.bincount(split.y).argmax())
    return {f"logistic regression{part}": logits.argmax(axis=1), "commonest class": commonest}


def logistic_regression(X: Any, y: Any, k: int) -> Any:
    """The weights (d, k) that make least the cross entropy of softmax(X W), plus |W|^2 / 2.

    X are n rows that end in 1, whose weights, the biases, are not counted; y class numbers 0..k-1.
    Gradient steps measured by a bound on the Hessian, which need no learning rate (D. Böhning,
    "Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics
    44, 1992), with Nesterov's momentum.
    """
    W = ahead = np.zeros((X.shape[1], k))
    penalty = np.diag([1.0] * (len(W) - 1) + [0.0])
    inverse = np.linalg.inv(X.T @ X / 2 + penalty)
    for t in range(_STEPS):
        errors = np.eye(k)[y] - Head("logits", k).probabilities(X @ ahead)
        step = ahead + inverse @ (X.T @ errors - penalty @ ahead)
        W, ahead = step, step + t / (t + 3) * (step - W)
    return W
