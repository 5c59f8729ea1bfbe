"""What questions of a loop accept and refuse: one sentence each, the same for all of them."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    DomainError,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    ShapeError,
    average_case,
    certified_rate,
    characteristic_polynomial,
    cycle,
    eigenvalues,
    is_stable,
    joint_spectral_radius,
    regime,
    round_matrix,
    second_moments,
    spectral_radius,
    stationary_covariance,
    stationary_variance,
    symbol,
    transition_matrix,
)

ALPHA, BETA, H = (symbol(name) for name in ("learning_rate", "momentum", "curvature"))
METHOD = HeavyBall(learning_rate=0.1, momentum=0.5)
THREE = HeavyBall(learning_rate=0.1, momentum=np.array([0.1, 0.2, 0.3]))


def moments(method, curvature):
    return second_moments(method, curvature, 0.1, steps=3)


def variance(method, curvature):
    return stationary_variance(method, curvature, 0.1)


def covariance(method, curvature):
    return stationary_covariance(method, curvature, 0.1)


def delayed(question):
    def asked(method, curvature):
        return question(method, curvature, GeometricDelay(workers=2))

    asked.__name__ = f"delayed_{question.__name__}"
    return asked


PLAIN = [
    transition_matrix, characteristic_polynomial, spectral_radius, eigenvalues, is_stable, regime,
    variance, covariance, moments,
]  # fmt: skip
DELAYED = [*map(delayed, (characteristic_polynomial, spectral_radius, eigenvalues, is_stable))]
every_question = pytest.mark.parametrize("question", PLAIN + DELAYED, ids=lambda q: q.__name__)


@every_question
@pytest.mark.parametrize(
    "bad",
    [np.nan, None, np.inf, "1", [1.0, np.nan], ["a"], [[1], [1, 2]], {}, complex(0, np.inf),
     sympy.nan, sympy.oo, np.array([1, None])],
    ids=str,
)  # fmt: skip
def test_what_is_no_curvature_is_refused(question, bad):
    with pytest.raises(DomainError, match=r"^curvature is .* must be a finite number") as caught:
        question(METHOD, bad)
    assert str(caught.value).count(". ") == 0


def test_what_is_no_singular_value_is_refused():
    with pytest.raises(DomainError, match="singular_value is nan"):
        round_matrix(METHOD, np.nan)


@every_question
def test_fractions_are_numbers(question):
    exact = HeavyBall(learning_rate=Fraction(1, 10), momentum=Fraction(1, 2))

    def flat(answer):
        return getattr(answer, "second_moment", answer)

    for curvature in (2, Fraction(2), [1.0, 2.0], [Fraction(1), Fraction(2)]):
        wanted = flat(question(METHOD, np.asarray(curvature, dtype=float)))
        found = flat(question(exact, curvature))
        if np.asarray(wanted).dtype.kind in "fc":
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
            assert np.asarray(found).dtype != object
        else:
            assert np.array_equal(found, wanted)


@pytest.mark.parametrize("question", [spectral_radius, eigenvalues, is_stable, transition_matrix])
def test_fractions_beside_complex_curvatures(question):
    exact = HeavyBall(learning_rate=Fraction(1, 10), momentum=Fraction(1, 2))
    for curvature in (1 + 2j, [1 + 2j, 3.0]):
        np.testing.assert_allclose(question(exact, curvature), question(METHOD, curvature))
    batch = HeavyBall(learning_rate=[0.1, 0.2], momentum=Fraction(1, 2))
    assert question(batch, 1.0).dtype != object


@every_question
def test_batches_that_do_not_fit_are_refused(question):
    with pytest.raises(ShapeError, match="do not broadcast"):
        question(THREE, [1.0, 2.0])


@pytest.mark.parametrize("method", [THREE, Nesterov(learning_rate=[0.1, 0.2, 0.3], momentum=0.5)])
@pytest.mark.parametrize(
    "question", [characteristic_polynomial, spectral_radius, eigenvalues, is_stable]
)
def test_delays_that_do_not_fit_are_refused(question, method):
    with pytest.raises(ShapeError, match="do not broadcast"):
        question(method, 1.0, GeometricDelay(workers=np.array([2, 3])))


def test_noise_and_starts_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError):
        stationary_variance(THREE, 1.0, [0.1, 0.2])
    with pytest.raises(ShapeError):
        stationary_covariance(THREE, 1.0, [0.1, 0.2])
    with pytest.raises(ShapeError):
        second_moments(THREE, 1.0, [0.1, 0.2], steps=2)
    with pytest.raises(ShapeError):
        second_moments(THREE, 1.0, 0.1, steps=2, start=np.ones(2))


@every_question
@pytest.mark.parametrize(
    ("method", "curvature"),
    [
        (THREE, H),
        (HeavyBall(learning_rate=ALPHA, momentum=BETA), [1.0, 2.0]),
        (HeavyBall(learning_rate=ALPHA, momentum=[0.1, 0.2]), 1.0),
        (METHOD, [H, 2 * H]),
    ],
    ids=["curvature", "fields", "one field", "array of symbols"],
)
def test_symbols_and_batches_do_not_mix(question, method, curvature):
    with pytest.raises(NotTraceableError):
        question(method, curvature)


@pytest.mark.parametrize("question", [eigenvalues, regime])
@pytest.mark.parametrize(
    ("method", "curvature"), [(METHOD, H), (GradientDescent(learning_rate=ALPHA), 1.0)]
)
def test_what_has_no_symbolic_answer_says_so(question, method, curvature):
    with pytest.raises(NotTraceableError, match="answered for numbers only"):
        question(method, curvature)


@pytest.mark.parametrize("bad", [1 + 1j, "flat", [1.0, 2.0]])
@pytest.mark.parametrize(
    "question",
    [
        lambda low: joint_spectral_radius(METHOD, low, 5.0),
        lambda low: certified_rate(METHOD, low, 5.0),
        lambda low: cycle(METHOD, low, 5.0, 3),
        lambda low: average_case(
            np.ones_like, smallest_curvature=low, largest_curvature=5.0, steps=3
        ),
    ],
    ids=["joint_spectral_radius", "certified_rate", "cycle", "average_case"],
)
def test_the_end_of_a_spectrum_is_one_real_number(question, bad):
    with pytest.raises(DomainError, match=r"^smallest_curvature is .* one real number"):
        question(bad)
