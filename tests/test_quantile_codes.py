"""Numbers as places among those seen: equal to what scikit-learn's trees make of weighted rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from winback.offers.quantile_codes import QuantileCodes

NAN = float("nan")


@parametrize_with_checks([QuantileCodes()])
def test_it_keeps_the_contract_of_a_transformer(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("seen", "weights", "told", "codes"),
    [
        ([1, 2, 3, 4], [1, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 2, 2]),  # thirds end at 2 and 3
        ([1, 2, 3, 4], [9, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 1]),  # both thirds end at the heavy 1
        ([1, 2, 3, 4], [0, 0, 1, 1], [1, 3, 4], [0, 0, 1]),  # what weighs nothing is not seen
        ([5, 5, 5, NAN], [1, 1, 1, 1], [4, 5, 6, NAN], [0, 0, 1, NAN]),
        ([NAN, NAN, NAN, NAN], [1, 1, 1, 1], [4, NAN], [0, NAN]),
    ],
)
def test_a_code_counts_the_quantiles_below(seen, weights, told, codes):
    fitted = QuantileCodes(most=3).fit(np.array([seen]).T, sample_weight=weights)
    assert np.array_equal(fitted.transform(np.array([told]).T)[:, 0], codes, equal_nan=True)


def test_trees_on_codes_tell_what_trees_on_weighted_numbers_tell():
    draw = np.random.default_rng(3)
    X, weights = draw.gamma(2.0, size=(900, 3)), draw.integers(1, 9, 900).astype(float)
    X[draw.random(X.shape) < 0.1] = NAN
    y = draw.poisson(1 + np.nan_to_num(X[:, 0]))
    codes = QuantileCodes().fit(X, sample_weight=weights).transform(X)
    trees = HistGradientBoostingRegressor(loss="poisson", max_iter=30, early_stopping=False)
    plain = trees.fit(X, y, sample_weight=weights).predict(X)
    coded = trees.fit(codes, y, sample_weight=weights).predict(codes)
    assert np.abs(coded / plain - 1).mean() < 0.02
