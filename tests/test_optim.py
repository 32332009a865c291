"""Optimizers: the paths of PyTorch (optim_table/torch.json), steps by hand, bad options."""

import inspect
import json
import math
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from both_engines import check, net, rows
from refusals import refusals

import tinygrad_edu
from tinygrad_edu import MLP, SGD, Adagrad, Adam, RMSprop, Value, optim
from tinygrad_edu.checks import declared, option, real
from tinygrad_edu.optim import OPTIMIZERS, Optimizer, find_optimizer, linear_decay

V = Value(1.0)
TABLE = json.loads((Path(__file__).parent / "optim_table" / "torch.json").read_text("utf-8"))


def label(row):
    options = ", ".join(f"{name}={value}" for name, value in row["options"].items())
    return f"{row['optimizer']}({options})"


def objective(x, y):
    return (1 - x) ** 2 + 3 * (y - x**2) ** 2 + (2 * y).sin()


@pytest.mark.parametrize("row", TABLE["rows"], ids=label)
def test_the_path_of_an_optimizer_is_that_of_pytorch(row):
    x, y = parameters = [Value(number) for number in TABLE["start"]]
    options = dict(row["options"])
    if isinstance(options.get("lr"), list):
        options["lr"] = linear_decay(*options["lr"], steps=len(row["path"]))
    if "betas" in options:
        options["betas"] = tuple(options["betas"])
    optimizer = getattr(optim, row["optimizer"])(parameters, **options)
    assert len(row["path"]) == 20
    for point in row["path"]:
        optimizer.zero_grad()
        objective(x, y).backward()
        optimizer.step()
        expected = [float(number) for number in point]
        assert [x.data, y.data] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_table_has_every_optimizer_and_the_paths_differ():
    assert {row["optimizer"].lower() for row in TABLE["rows"]} == set(OPTIMIZERS)
    assert len({str(row["path"]) for row in TABLE["rows"]}) == len(TABLE["rows"]) == 22


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_a_public_name_everywhere(name):
    made = OPTIMIZERS[name]
    for module in (tinygrad_edu, optim):
        assert made.__name__ in module.__all__
        assert getattr(module, made.__name__) is made
    assert find_optimizer(name) is made is OPTIMIZERS[made.__name__.lower()]
    assert f"{made.__name__}(parameters" in f"{made.__name__}{inspect.signature(made)}"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_keeps_a_state_and_trains_alike_on_both_engines(name):
    made = OPTIMIZERS[name]
    x = Value(1.0)
    optimizer = made([x, Value(2.0)])
    assert optimizer.states == [made.initial_state] * 2
    x.grad = 3.0
    optimizer.step()
    assert [len(state) for state in optimizer.states] == [len(made.initial_state)] * 2
    task = {"loss": "squared_error", "epochs": 5, "batch_size": 2}
    check(lambda: net(2, 3, 1), made, rows(6, 2), [0.5, -0.5, 1.0] * 2, **task)


@pytest.mark.parametrize(
    ("name", "option"), [(name, o) for name in OPTIMIZERS for o in declared(OPTIMIZERS[name])]
)
def test_every_option_of_every_optimizer_has_a_default_that_passes_and_refuses_a_text(name, option):
    made = OPTIMIZERS[name]
    default = declared(made)[option].default
    assert getattr(made([V], **{option: default}), option) == getattr(made([V]), option) == default
    with pytest.raises(TypeError, match=f"^{option} must be "):
        made([V], **{option: "0.5"})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_with_gradient_zero_from_the_start_changes_nothing(name):
    x = Value(3.0)
    optimizer = OPTIMIZERS[name]([x], weight_decay=0.0)
    optimizer.step()
    optimizer.step()
    assert x.data == 3.0


def test_the_rate_can_be_read_changed_and_scheduled():
    x = Value(0.0)
    optimizer = SGD([x], lr=0.5)
    assert (optimizer.lr, optimizer.steps) == (0.5, 0)
    optimizer.lr = 0.25
    x.grad = 1.0
    optimizer.step()
    assert (x.data, optimizer.steps) == (-0.25, 1)
    seen = []

    def rate(k):
        seen.append(k)
        return 1.0 / (k + 1)

    optimizer.lr = rate
    optimizer.step()
    optimizer.step()
    assert seen == [1, 2]
    assert x.data == pytest.approx(-0.25 - 1 / 2 - 1 / 3)
    optimizer.lr = lambda k: 0.0
    optimizer.step()
    assert x.data == pytest.approx(-0.25 - 1 / 2 - 1 / 3)


def test_zero_grad_clears_the_gradients_of_its_parameters_only():
    a, b = Value(1.0), Value(1.0)
    (a * b).backward()
    SGD([a]).zero_grad()
    assert (a.grad, b.grad, a.reached, b.reached) == (0.0, 1.0, False, True)


def test_parameters_keep_their_identity_and_the_order_given():
    model = MLP(2, [3, 1], rng=random.Random(0))
    optimizer = SGD(model.parameters())
    assert optimizer.parameters == model.parameters()
    assert SGD(iter(model.parameters())).parameters == model.parameters()


def test_an_optimizer_that_fails_in_a_step_changes_nothing():
    class Fails(Optimizer):
        start = (0,)

        def update(self, m, g, x, lr, t, state):
            if x == 2.0:
                raise KeyboardInterrupt
            return x + 1, (state[0] + 1,)

    a, b = Value(1.0), Value(2.0)
    optimizer = Fails([a, b], 0.1, 0.0)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert (a.data, b.data, optimizer.states, optimizer.steps) == (1.0, 2.0, [(0,), (0,)], 0)


class First(Optimizer):
    """As one wrote it for the first release."""

    start = (0,)

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, 0.5, 0.25)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: Any) -> Any:
        return x - lr * self._decayed(g, x), (state[0] + 1,)


class Momentum(Optimizer):
    """With a default of its own for an option of its base."""

    momentum: float = option(0.5, partial(real, least=0, below=1))
    weight_decay = 0.1
    initial_state = (0.0,)

    def update(self, m, g, x, lr, t, state):
        v = self.momentum * state[0] + self._decayed(g, x)
        return x - lr * v, (v,)


@pytest.mark.parametrize(
    ("make", "signature", "expected", "states"),
    [
        (First, "(parameters: Any) -> None", 2 - 0.5 * 3.5, (1,)),
        (
            Momentum, "(parameters, lr=0.01, *, weight_decay=0.1, momentum=0.5)",
            2 - 0.01 * 3.2, (3.2,),
        ),
    ],
)  # fmt: skip
def test_an_optimizer_of_ones_own_declares_what_it_has(make, signature, expected, states):
    x = Value(2.0)
    optimizer = make([x])
    x.grad = 3.0
    optimizer.step()
    assert x.data == pytest.approx(expected, rel=1e-14)
    assert optimizer.states == [pytest.approx(states)]
    assert make.start == make.initial_state
    assert make not in OPTIMIZERS.values()
    plain = inspect.signature(make)
    if make is Momentum:
        names = [p.replace(annotation=inspect.Parameter.empty) for p in plain.parameters.values()]
        plain = inspect.Signature(names)
    assert str(plain) == signature


def test_the_repr_is_one_line():
    x = [Value(0.0), Value(1.0)]
    assert repr(SGD(x)) == "SGD(2 parameters, lr=0.1)"
    assert repr(Adam(x, lr=linear_decay(1, 0.1, 10))) == "Adam(2 parameters, lr=<lambda>)"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_infinite_gradient_is_not_hidden(name):
    x = Value(1.0)
    x.grad = math.inf
    OPTIMIZERS[name]([x]).step()
    assert not math.isfinite(x.data)


NAMES = ", ".join(OPTIMIZERS)
NOT_NEGATIVE = "must be a finite number >= 0, got"
FRACTION = "must be a finite number >= 0 and < 1, got"
BAD = {
    **{
        f"lr {lr!r:.20}": (
            lambda lr=lr: SGD([V], lr=lr), error, f"lr must be a finite number > 0, got {got}"
        )
        for lr, error, got in [
            (0, ValueError, "0.0"),
            (10**400, ValueError, "inf"),
            ("0.1", TypeError, "str '0.1'"),
            (None, TypeError, "None"),
            (True, TypeError, "bool True"),
        ]
    },
    "lr assigned": (lambda: setattr(SGD([V]), "lr", -0.5), ValueError,
     "lr must be a finite number > 0, got -0.5"),
    "schedule gives nan": (lambda: SGD([V], lr=lambda k: math.nan).step(), ValueError,
     f"lr at step 0 {NOT_NEGATIVE} nan"),
    "schedule gives a text": (lambda: SGD([V], lr=lambda k: "0.1").step(), TypeError,
     f"lr at step 0 {NOT_NEGATIVE} str '0.1'"),
    "momentum -1": (lambda: SGD([V], momentum=-1), ValueError, f"momentum {FRACTION} -1.0"),
    "nesterov alone": (lambda: SGD([V], nesterov=True), ValueError,
     "nesterov needs a momentum > 0, got momentum=0.0"),
    "nesterov as a text": (lambda: SGD([V], momentum=0.9, nesterov="False"), TypeError,
     "nesterov must be True or False, got str 'False'"),
    "an option misspelt": (lambda: SGD([V], momentun=0.9), TypeError,
     "SGD has no option 'momentun': it takes weight_decay, momentum, nesterov; "
     "did you mean 'momentum'?"),
    "options by place": (lambda: SGD([V], 0.1, 0.9), TypeError,
     "SGD takes options by name, got 0.9 after lr"),
    "weight decay": (lambda: Adam([V], weight_decay=-0.1), ValueError,
     f"weight_decay {NOT_NEGATIVE} -0.1"),
    "beta 1.0": (lambda: Adam([V], betas=(0.9, 1.0)), ValueError, f"betas[1] {FRACTION} 1.0"),
    "three betas": (lambda: Adam([V], betas=(0.9, 0.99, 0.999)), TypeError,
     "betas must be a list of 2 numbers, got 3"),
    "eps": (lambda: Adagrad([V], eps=math.nan), ValueError, f"eps {NOT_NEGATIVE} nan"),
    "alpha": (lambda: RMSprop([V], alpha=1), ValueError, f"alpha {FRACTION} 1.0"),
    "no parameters": (lambda: SGD([]), ValueError,
     "there are no parameters to optimize: give model.parameters() of a model that has some"),
    **{
        f"a {type(x).__name__}": (
            lambda x=x: SGD(x), TypeError,
            f"an optimizer takes a list of Values, got {type(x).__name__}: "
            "write model.parameters(), or [v] for a single Value",
        )
        for x in (MLP(1, [1]), V)
    },
    "numbers": (lambda: SGD([1.0]), TypeError,
     "an optimizer takes Values, got float"),
    "a result": (lambda: SGD([Value(2.0) * 3]), ValueError,
     "Value(data=6.0, grad=0.0, op=multiply) is the result of an operation: "
     "only leaves can be optimized"),
    "twice": (lambda: SGD([V, Value(2.0), V]), ValueError,
     "a parameter is given twice: it would be updated twice"),
    "an unknown name": (lambda: find_optimizer("adma"), ValueError,
     f"unknown optimizer 'adma': choose {NAMES}; did you mean 'adam'?"),
    "no name": (lambda: find_optimizer(0.1), TypeError,
     f"optimizer is a name or a function, got float: choose {NAMES}"),
}  # fmt: skip


test_a_bad_option_is_refused_with_a_clear_text = refusals(BAD)
