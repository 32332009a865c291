"""scikit-learn's own tests of its perceptrons, run with the estimators of this package."""

from importlib.util import find_spec, module_from_spec
from typing import Any

import pytest
from estimators import ScalarMLPClassifier
from sklearn import neural_network

from tinygrad_edu.sklearn import ScalarMLPRegressor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

#: What does not hold here, and why.
EXCEPTIONS = {
    "test_fit": "it sets coefs_ and private attributes by hand; here the numbers are in model_",
    "test_gradient": "it calls the private _loss_grad_lbfgs; here program_ gives the gradient",
    "test_mlp_param_dtypes": "coefs_ of float32 for rows of float32; a Value is a float of 64 bits",
}


def _theirs() -> dict[str, Any]:
    spec = find_spec("sklearn.neural_network.tests.test_mlp")
    if spec is None or spec.loader is None:  # left out by some packagers
        return {}
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neural_network, "MLPClassifier", ScalarMLPClassifier)
        patch.setattr(neural_network, "MLPRegressor", ScalarMLPRegressor)
        spec.loader.exec_module(module)
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


THEIRS = _theirs()
globals().update({name: test for name, test in THEIRS.items() if name not in EXCEPTIONS})


@pytest.fixture
def global_random_seed() -> int:
    return 0


@pytest.mark.skipif(not THEIRS, reason="scikit-learn was installed without its tests")
def test_the_exceptions_are_three_and_the_rest_is_run() -> None:
    assert len(EXCEPTIONS) <= 3
    assert EXCEPTIONS.keys() <= THEIRS.keys()
    assert len(THEIRS) >= 30
    assert all(
        getattr(test, "__globals__", {}).get("MLPClassifier", ScalarMLPClassifier)
        is ScalarMLPClassifier
        for test in THEIRS.values()
    )
