# ruff: noqa: E402
"""Estimators that are fitted in a moment; what imports this is left out without scikit-learn."""

from typing import Any

import pytest

for _module in ("sklearn", "scipy"):
    pytest.importorskip(_module, reason="scikit-learn is missing: pip install -e '.[sklearn]'")

import numpy as np
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from tinygrad_edu.sklearn import ScalarMLPClassifier

X, Y = load_iris(return_X_y=True)
X = scale(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
#: A net of three units and as many epochs.
SMALL: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}


def fitted(X: Any = X, y: Any = Y, kind: Any = ScalarMLPClassifier, **options: Any) -> Any:
    return kind(**SMALL | options).fit(X, y)


def outputs_of(net: Any, rows: Any = X[:5]) -> Any:
    """What the model of an estimator gives by itself for some rows."""
    return np.array([[v.data for v in net.model_(row)] for row in rows.tolist()])
