"""What is done in a page; run as a program: where the packages that a page lacks are missing."""

import json
import os
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from tinygrad_edu import (
    MLP,
    Value,
    classes,
    deltas,
    draw,
    evaluate,
    explain,
    fit,
    functions,
    network,
    parameter,
    predict,
    steps,
    train,
)

XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 2
Y = [0, 1, 1, 0] * 2
#: What is missing where a program is to be as in a page.
MISSING = {"graphviz", "matplotlib", "numpy", "tqdm"}


class Missing:
    """A finder that finds none of them."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in MISSING:
            raise ImportError(f"No module named {name!r}")


def neuron() -> Value:
    """A loss over one unit."""
    w, x, b = parameter(0.5, "w"), Value(2.0, "x"), parameter(-1.0, "b")
    z = functions.dot([w], [x], b)
    a = z.sigmoid()
    loss = a**2
    z.name, a.name, loss.name = "z", "a", "L"
    return loss


def trained() -> dict[str, Any]:
    """A net for each kind of output, trained as `fit` does by itself."""
    found: dict[str, Any] = {}
    for loss, units in {"binary_cross_entropy_with_logits": 1, "cross_entropy": 2}.items():
        model = MLP(2, [3, units], "tanh", rng=0)
        history = fit(
            model, XOR, Y, loss=loss, optimizer="adam", epochs=5, batch_size=3,
            validation=(XOR, Y), sample_weight=range(1, 9), rng=random.Random(3),
        )  # fmt: skip
        found[loss] = {
            **history.columns(),
            "evaluated": [*evaluate(model, XOR, Y, loss=loss, sample_weight=range(8))],
            "predicted": predict(model, XOR),
            "classes": classes(model, XOR, loss=loss),
            "steps": [s.loss for s in train(model, XOR, Y, loss=loss, optimizer="sgd", epochs=2)],
        }  # fmt: skip
    model = MLP(1, [3, 1], "tanh", rng=0)
    squares = fit(model, [[x / 4] for x in range(9)], [x * x / 16 for x in range(9)],
                  loss="squared_error", optimizer="sgd", epochs=3)  # fmt: skip
    found["no classes"] = squares.columns()
    return found


def net() -> MLP:
    return MLP(2, [3, 1], "tanh", output="sigmoid", rng=0)


def shown() -> dict[str, str]:
    """Views that need no Graphviz, as text."""
    example = [1.0, 0.0], 1, "binary_cross_entropy"
    return {
        "explained": str(explain(neuron())),
        "deltas": str(deltas(net(), *example)),
        "deltas in a notebook": deltas(net(), *example)._repr_html_(),
        "network": network(net(), *example).svg,
        "units": draw(net()(example[0]), level="neuron").svg,
    }


def drawn() -> dict[str, str]:
    """What a notebook is given for views that Graphviz draws, and those films as pages."""
    film = Path(tempfile.mkdtemp()) / "film.html"
    films = {"film": steps(neuron()), "film of units": steps(net()([1.0, 0.0]))}
    pages = {name: found.save(film).read_text("utf-8") for name, found in films.items()}
    return {**draw(neuron())._repr_mimebundle_(), **pages}


def told() -> dict[str, Any]:
    """All of it, and the sentences of all warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found: dict[str, Any] = {"trained": trained(), "shown": shown(), "drawn": drawn()}
    loaded = sorted(MISSING & set(sys.modules))
    return found | {"warnings": [str(w.message) for w in caught], "loaded": loaded}


if __name__ == "__main__":
    os.environ.pop("TINYGRAD_EDU_GRAPHVIZ", None)
    finder: Any = Missing()
    sys.meta_path.insert(0, finder)
    print(json.dumps(told()))
