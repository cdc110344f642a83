"""Seed corrections E-02, E-17 and E-18: quantiles, thin tails, and which ratio is meant.

There is no risk engine yet. These tests fix, with numpy, the numbers it will have to give.
"""

import math

import numpy as np
import pytest

TEN = [-0.05, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.04, 0.05]
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("linear", -0.041),
        ("inverted_cdf", -0.05),
        ("hazen", -0.05),
        ("weibull", -0.05),
        ("median_unbiased", -0.05),
        ("lower", -0.05),
        ("midpoint", -0.04),
        ("higher", -0.03),
    ],
)
def test_e02_the_quantile_depends_on_its_definition(method, value):
    assert np.quantile(TEN, 0.05, method=method) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_e02_no_definition_gives_the_seeds_value(method):
    assert abs(np.quantile(TEN, 0.05, method=method) - -0.045) > 1e-3


def test_e02_the_expected_shortfall_is_the_worst_return():
    returns = np.array(TEN)
    tail = returns[returns <= np.quantile(returns, 0.05)]
    assert tail.mean() == pytest.approx(-0.05)


def test_e17_one_year_leaves_three_returns_in_the_one_percent_tail(reference_case):
    case = reference_case("reference_computed_here", "var-252-99")
    returns = np.array(case["series"]["returns_252"], dtype=float)
    assert len(returns) == 252
    by_definition = case["expected"]["quantile_by_definition"]
    for method, value in by_definition.items():
        assert np.quantile(returns, 0.01, method=method) == pytest.approx(value, abs=1e-9)
    tail = returns[returns <= np.quantile(returns, 0.01)]
    assert len(tail) == 3
    assert max(by_definition.values()) - min(by_definition.values()) > 0.0025


def test_e17_a_sample_of_that_size_cannot_bound_the_quantile():
    """Order statistics: P(no loss beyond the 99 % quantile in n days) = 0.99^n."""
    assert pytest.approx(0.0794, abs=5e-5) == 0.99**252
    assert 0.99**1_000 < 1e-4


def test_e18_sharpe_and_sortino_by_the_convention_three_libraries_share(reference_case):
    case = reference_case("reference_computed_here", "cross-library-120")
    returns = np.array(case["series"]["returns_120"], dtype=float)
    yearly = math.sqrt(252)
    sharpe = returns.mean() / returns.std(ddof=1) * yearly
    downside = math.sqrt(np.mean(np.minimum(returns, 0) ** 2))  # over all observations
    assert sharpe == pytest.approx(case["expected"]["sharpe_sqrt252_ddof1"], abs=1e-9)
    assert returns.mean() / downside * yearly == pytest.approx(
        case["expected"]["sortino_all_obs"], abs=1e-9
    )


def test_e18_without_a_definition_the_same_returns_give_several_ratios(reference_case):
    case = reference_case("reference_computed_here", "cross-library-120")
    returns = np.array(case["series"]["returns_120"], dtype=float)
    losses = returns[returns < 0]
    ratios = {
        round(returns.mean() / spread * math.sqrt(252), 6)
        for spread in (
            returns.std(ddof=1),
            returns.std(ddof=0),
            math.sqrt(np.mean(np.minimum(returns, 0) ** 2)),
            losses.std(ddof=1),
        )
    }
    assert len(ratios) == 4
