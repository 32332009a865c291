"""Estimators of scikit-learn whose fitted net opens into its graph (extra `sklearn`)."""

try:
    from tinygrad_edu.sklearn.estimators import ScalarMLPClassifier, ScalarMLPRegressor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("scipy", "sklearn"):
        raise
    raise ImportError("scikit-learn is missing: pip install 'tinygrad-edu[sklearn]'") from None

__all__ = ["ScalarMLPClassifier", "ScalarMLPRegressor"]
