"""Write torch.json beside this file: 20 updates of each optimizer of PyTorch on a small function.

    pip install torch==2.13.0
    python tests/optim_table/make.py

test_optim.py compares with the numbers; PyTorch is not needed to run it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

STEPS = 20
START = [-1.5, 0.5]
FUNCTION = "(1 - x)^2 + 3 (y - x^2)^2 + sin(2 y)"

# name, the class, its options; "lr" may be a schedule: [start, end] is linear over the steps
OPTIMIZERS: list[tuple[str, Any, dict[str, Any]]] = [
    ("SGD", torch.optim.SGD, {"lr": 0.02}),
    ("SGD", torch.optim.SGD, {"lr": [0.05, 0.005]}),
    ("SGD", torch.optim.SGD, {"lr": 0.02, "weight_decay": 0.1}),
    ("SGD", torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    ("SGD", torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    (
        "SGD",
        torch.optim.SGD,
        {"lr": [0.02, 0.001], "momentum": 0.5, "nesterov": True, "weight_decay": 0.2},
    ),
    ("Adagrad", torch.optim.Adagrad, {}),
    ("Adagrad", torch.optim.Adagrad, {"lr": 0.3, "eps": 0.001}),
    ("Adagrad", torch.optim.Adagrad, {"lr": 0.3, "weight_decay": 0.1}),
    ("RMSprop", torch.optim.RMSprop, {}),
    ("RMSprop", torch.optim.RMSprop, {"lr": 0.05, "alpha": 0.9, "eps": 0.001}),
    ("RMSprop", torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.8}),
    ("RMSprop", torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1}),
    ("Adam", torch.optim.Adam, {}),
    ("Adam", torch.optim.Adam, {"lr": 0.1}),
    ("Adam", torch.optim.Adam, {"lr": 0.1, "betas": [0.5, 0.9], "eps": 0.001}),
    ("Adam", torch.optim.Adam, {"lr": 0.1, "betas": [0.0, 0.0], "eps": 0.001}),
    ("Adam", torch.optim.Adam, {"lr": 0.1, "weight_decay": 0.1}),
    ("AdamW", torch.optim.AdamW, {}),
    ("AdamW", torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.3}),
    ("AdamW", torch.optim.AdamW, {"lr": [0.2, 0.02], "betas": [0.8, 0.95]}),
]


def rate(lr: float | list[float], k: int) -> float:
    """Return the learning rate of update k = 0, 1, ..."""
    if isinstance(lr, float):
        return lr
    start, end = lr
    return start + (end - start) * k / STEPS


def path(make: Any, options: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the point after each update."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    first = {"lr": rate(options["lr"], 0)} if "lr" in options else {}
    optimizer = make([p], **{**options, **first}, foreach=False)
    for k in range(STEPS):
        if "lr" in options:
            optimizer.param_groups[0]["lr"] = rate(options["lr"], k)
        optimizer.zero_grad()
        x, y = p
        ((1 - x) ** 2 + 3 * (y - x**2) ** 2 + torch.sin(2 * y)).backward()
        optimizer.step()
        yield [repr(number) for number in p.tolist()]


def main() -> None:
    if torch.__version__.split("+")[0] != "2.13.0":
        raise SystemExit(f"this is torch {torch.__version__}; the table is of torch==2.13.0")
    rows = [
        {"optimizer": name, "options": options, "path": list(path(make, options))}
        for name, make, options in OPTIMIZERS
    ]
    head = {"source": "PyTorch 2.13.0 float64, CPU", "function": FUNCTION, "start": START}
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = f'{json.dumps(head)[:-1]}, "rows": [\n{lines}\n]}}\n'
    Path(__file__).with_name("torch.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
