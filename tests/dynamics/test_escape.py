"""Leaving a saddle: the law of the exit time against simulation, exact moments and itself."""

import itertools

import numpy as np
import pytest
import sympy

from momentum_dynamics import (
    Chebyshev,
    ComplexMomentum,
    DomainError,
    Extragradient,
    FixedDelay,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NotTraceableError,
    Quadratic,
    ShapeError,
    TorchSGD,
    UniformDelay,
    eigenvalues,
    exit_time,
    simulate,
    symbol,
)
from momentum_dynamics.laws import saddles

BALLS = HeavyBall(learning_rate=0.05, momentum=[-0.5, 0.0, 0.5, 0.9])
NOISY = {"noise_variance": 1e-6, "distance": 1.0}
METHODS = {
    "descent": GradientDescent(learning_rate=0.05),
    "heavy ball": HeavyBall(learning_rate=0.05, momentum=0.9),
    "nesterov": Nesterov(learning_rate=0.05, momentum=0.9),
    "extragradient": Extragradient(learning_rate=0.05),
    "dampened": TorchSGD(learning_rate=0.05, momentum=0.9, dampening=0.5),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))


def test_agrees_with_the_closed_laws_of_heavy_ball():
    away = exit_time(BALLS, -1.0, **NOISY)
    assert away.growth == pytest.approx(saddles.escape_rate(0.05, BALLS.momentum, 1.0), rel=1e-12)
    law = saddles.amplified_noise(0.05, BALLS.momentum, 1.0, 1e-6)
    assert away.amplitude == pytest.approx(law, rel=1e-9)
    # The page's numbers, and its deviations.
    assert away.mean == pytest.approx([289.6, 193.2, 104.5, 50.7], abs=0.05)
    assert away.standard_deviation == pytest.approx([33.51, 22.8, 12.59, 6.09], abs=0.05)
    assert away.is_asymptotic.all()
    assert "50.67 to 289.6" in repr(away)


@pytest.mark.slow
def test_from_rest_without_noise_it_is_the_step_seen():
    ball = HeavyBall(learning_rate=1.0, momentum=[0.0, 0.5, 0.9, 0.99])
    away = exit_time(ball, -0.01, noise_variance=0.0, distance=1.0, start=1e-3)
    assert away.mean.tolist() == [695, 357, 115, 79]
    assert away.standard_deviation == pytest.approx(0)
    run = simulate(ball, Quadratic([-0.01]), steps=700, start=[1e-3])
    seen = (np.abs(run.outputs[..., 0]) >= 1).argmax(axis=0)
    assert seen.tolist() == [695, 357, 115, 79]
    law = saddles.deterministic_exit_time(1.0, ball.momentum, 0.01, 1e-3, 1.0)
    assert np.ceil(law).tolist() == seen.tolist()


@pytest.mark.slow
@every_method
def test_moments_are_those_of_simulated_replicas(method):
    away = exit_time(method, -1.0, start=0.002, **NOISY)
    mean, variance = away.moments(30)
    run = simulate(
        method, Quadratic([-1.0]), steps=30 * len(away.loop.period), start=[0.002],
        noise_variance=1e-6, replicas=4000, seed=3, record="moments",
    )  # fmt: skip
    assert run.mean[:31, 0] == pytest.approx(mean, abs=5 * run.mean_error[30, 0] + 1e-15)
    assert run.variance[30, 0] == pytest.approx(variance[30], rel=5 * (2 / 4000) ** 0.5)


@every_method
def test_the_law_is_the_chance_to_be_outside_once_the_start_is_forgotten(method):
    away = exit_time(method, -1.0, **NOISY)
    last = int(away.mean + 3 * away.standard_deviation)
    assert away.passed(last) == pytest.approx(away.cdf(np.arange(last + 1)), abs=2e-3)


@every_method
def test_amplitude_and_offset_are_the_limits_of_the_exact_moments(method):
    away = exit_time(method, -1.0, start=0.002, **NOISY)
    period, late = len(away.loop.period), len(away.loop.transient)
    assert (period, late) == {Extragradient: (2, 0), TorchSGD: (1, 1)}.get(type(method), (1, 0))
    mean, variance = away.moments(late + 400 * period)
    grown = away.growth ** (400 * period)
    assert mean[-1] / grown == pytest.approx(away.offset, rel=1e-9)
    assert variance[-1] / grown**2 == pytest.approx(away.amplitude**2, rel=1e-9)


def test_mean_and_deviation_are_those_of_the_distribution():
    cases = [BALLS, METHODS["extragradient"], METHODS["dampened"]]
    for method, start in itertools.product(cases, (0.0, 0.002)):
        away = exit_time(method, -1.0, start=start, **NOISY)
        still = away.survival(np.arange(20_000))
        first = still.sum(axis=-1)
        second = ((2 * np.arange(20_000) + 1) * still).sum(axis=-1)
        assert away.mean == pytest.approx(first, rel=1e-5)
        assert away.standard_deviation == pytest.approx(np.sqrt(second - first**2), rel=1e-4)


def test_the_distribution_is_one_of_whole_steps():
    away = exit_time(GradientDescent(learning_rate=0.05), -1.0, **NOISY)
    assert away.cdf(-1.0) == 0
    assert away.cdf(150.7) == away.cdf(150)
    assert away.cdf(1e6) == 1
    assert (np.diff(away.cdf(np.arange(600))) >= 0).all()
    with pytest.raises(DomainError, match="NaN"):
        away.cdf(np.nan)


def test_a_stale_gradient_is_the_loop_behind_its_delay():
    descent = GradientDescent(learning_rate=0.05)
    stale = exit_time(descent, -1.0, delay=GeometricDelay(workers=4.0), **NOISY)
    ball = exit_time(HeavyBall(learning_rate=0.0125, momentum=0.75), -1.0, **NOISY)
    assert stale.growth == pytest.approx(ball.growth, rel=1e-12)
    assert stale.amplitude > ball.amplitude  # its noise is not averaged by the workers
    fixed = exit_time(descent, -1.0, delay=FixedDelay(staleness=3), **NOISY)
    assert fixed.growth**3 * (fixed.growth - 1) == pytest.approx(0.05, rel=1e-9)
    uniform = exit_time(descent, -1.0, delay=UniformDelay(largest=6), **NOISY)
    # Of laws with one mean the fixed age is the slowest.
    assert fixed.growth < uniform.growth < stale.growth < 1.05


def test_what_has_no_exit_time_is_told():
    with pytest.raises(DomainError, match="never leaves"):
        exit_time(BALLS, 1.0, **NOISY)
    with pytest.raises(DomainError, match="Nothing moves"):
        exit_time(BALLS, -1.0, noise_variance=0, distance=1.0)
    with pytest.raises(DomainError, match="before any growth"):
        exit_time(BALLS, -1.0, noise_variance=1.0, distance=0.1)
    with pytest.raises(DomainError, match=r"start reach 2\.02148 before any"):
        exit_time(BALLS, -1.0, start=-2.0, **NOISY)
    with pytest.raises(DomainError, match="two ways equally fast"):
        exit_time(HeavyBall(learning_rate=0.25, momentum=-1.25), -1.0, **NOISY)
    with pytest.raises(DomainError, match="too many to be summed"):
        _ = exit_time(GradientDescent(learning_rate=1e-7), -1.0, start=1e-3, **NOISY).mean
    with pytest.raises(DomainError, match="rotates away"):
        exit_time(GradientDescent(learning_rate=0.5), 1.0, delay=FixedDelay(staleness=8), **NOISY)
    with pytest.raises(DomainError, match="curvature is complex"):
        exit_time(BALLS, -1j, **NOISY)
    with pytest.raises(DomainError, match="noise_variance"):
        exit_time(BALLS, -1.0, noise_variance=-1.0, distance=1.0)
    with pytest.raises(DomainError, match="distance"):
        exit_time(BALLS, -1.0, noise_variance=1.0, distance=0.0)
    with pytest.raises(DomainError, match="every step"):
        exit_time(Chebyshev(smallest_curvature=1.0, largest_curvature=9.0), -1.0, **NOISY)
    with pytest.raises(DomainError, match="start is nan"):
        exit_time(BALLS, -1.0, start=np.nan, **NOISY)
    with pytest.raises(ShapeError, match="momentum"):
        exit_time(BALLS, -1.0, noise_variance=[1e-6, 1e-7], distance=1.0)
    with pytest.raises(NotTraceableError, match="laws"):
        exit_time(BALLS, symbol("curvature"), **NOISY)
    two = ComplexMomentum(learning_rate=0.05, momentum=0.5, phase=0.0)
    assert exit_time(two, -1.0, **NOISY).mean == pytest.approx(104.49, abs=0.01)


def first_passage(step, deviation, steps, nodes=200):
    """P(T ≤ t) of gradient descent from the saddle, exact: its density inside, step by step."""
    place, weight = np.polynomial.legendre.leggauss(nodes)

    def density(away):
        return np.exp(-((away / deviation) ** 2) / 2) / (np.sqrt(2 * np.pi) * deviation)

    kernel = density(place[:, None] - (1 + step) * place) * weight
    inside, found = density(place), [0.0]
    for _ in range(steps):
        found.append(1 - weight @ inside)
        inside = kernel @ inside
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "gap"), [(0.05, 1.3e-3), (0.1, 5e-3), (0.2, 0.02)])
def test_the_law_beside_the_exact_first_passage(share, gap):
    noise = share * np.sqrt(1.1**2 - 1)
    away = exit_time(
        GradientDescent(learning_rate=0.1), -1.0, noise_variance=(noise / 0.1) ** 2, distance=1.0
    )
    assert away.noise_share == pytest.approx(share)
    truth = first_passage(0.1, noise, 100)
    assert np.abs(away.cdf(np.arange(101)) - truth).max() < gap
    # Being outside now is a lower bound of having passed, and closer than the law.
    outside = away.passed(100)
    assert (outside <= truth + 1e-9).all()
    assert np.abs(outside - truth).max() < gap / 4


def test_random_ages_make_paths_wander():
    descent = GradientDescent(learning_rate=0.5)
    fixed = exit_time(descent, -1.0, delay=FixedDelay(staleness=7), **NOISY)
    assert fixed.wander == 0
    assert (fixed.typical_growth == fixed.growth).all()
    late = exit_time(descent, -1.0, delay=GeometricDelay(workers=8.0), **NOISY)
    # Of the loop z − 1 = αg q(1/z) the coefficient of an impulse is 1/(1 − αg dq/dz).
    r = late.growth
    slope = -(7 / 64) / (r - 7 / 8) ** 2
    chance = 0.125 * r / (r - 0.875)
    square = 0.125 * r**2 / (r**2 - 0.875)
    expected = (0.5 / (1 - 0.5 * slope) / r) ** 2 * (square - chance**2)
    assert late.wander == pytest.approx(expected, rel=1e-9)
    # Learning rate and curvature come in by their product alone.
    slower = GradientDescent(learning_rate=0.25)
    steep = exit_time(slower, -2.0, delay=GeometricDelay(workers=8.0), **NOISY)
    assert steep.wander == pytest.approx(expected, rel=1e-9)
    # The mean over paths, log-normal after one update, is the mean loop's.
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    paths = late.typical_growth * np.exp(np.sqrt(late.wander) * nodes)
    assert weights @ paths / weights.sum() == pytest.approx(late.growth, rel=1e-12)
    still = late.survival(np.arange(400))
    # Who is inside now may have been outside: D/(2 (log r)²), a tenth of a step.
    back = late.wander / (2 * np.log(late.typical_growth) ** 2)
    assert still.sum() == pytest.approx(late.mean + back, abs=0.01)
    second = ((2 * np.arange(400) + 1) * still).sum() - still.sum() ** 2
    assert np.sqrt(second) == pytest.approx(late.standard_deviation, rel=0.01)
    np.testing.assert_array_equal(late.cdf([0, 1e5, 1e9, np.inf]), [0, 1, 1, 1])
    wild = {"curvature": -1.0, "delay": GeometricDelay(workers=50.0), **NOISY}
    with pytest.raises(DomainError, match=r"typical path would grow by 0\.29"):
        exit_time(GradientDescent(learning_rate=50.0), **wild)
    with pytest.raises(DomainError, match="several gradients"):
        exit_time(
            Extragradient(learning_rate=0.1), -1.0, delay=GeometricDelay(workers=2.0), **NOISY
        )


def test_batch_axes_of_everything_broadcast():
    far = exit_time(BALLS, -1.0, noise_variance=1e-6, distance=np.array([[1.0], [2.0]]))
    assert far.mean.shape == (2, 4)
    assert far.passed(3).shape == (4, 2, 4)
    assert far.cdf(np.arange(5)).shape == (2, 4, 5)
    alone = exit_time(
        HeavyBall(learning_rate=0.05, momentum=0.9), -1.0, noise_variance=1e-6, distance=2.0
    )
    assert far.mean[1, 3] == pytest.approx(float(alone.mean), rel=1e-12)
    workers = np.array([2.0, 8.0])
    late = exit_time(
        GradientDescent(learning_rate=0.1), -1.0, delay=GeometricDelay(workers=workers), **NOISY
    )
    assert late.mean[0] < late.mean[1]


def test_the_result_is_told_by_name():
    told = exit_time(BALLS, -1.0, **NOISY).to_dict()
    assert told["mean"].shape == told["growth"].shape == (4,)


def test_the_runner_up_is_told_for_each_update():
    method, delay = Extragradient(learning_rate=0.2), FixedDelay(staleness=3)
    away = exit_time(method, -1.0, delay=delay, **NOISY)
    first, second = np.sort(np.abs(eigenvalues(method, -1.0, delay)))[:-3:-1]
    assert (away.growth, away.runner_up) == pytest.approx((first**0.5, second**0.5), rel=1e-9)


def test_nobody_leaves_before_the_first_settled_step():
    """However loud the noise is, a dampened first step comes before the law."""
    loud = exit_time(METHODS["dampened"], -1.0, noise_variance=0.3, distance=0.5)
    assert loud.noise_share > 0.2
    assert loud.cdf([-1, 0, 0.9]).tolist() == [0, 0, 0]
    assert loud.cdf(1) > 0


def test_a_start_beside_the_saddle_is_as_good_as_one_on_it():
    """The sum over steps reaches to where no path is left inside, and agrees with the law."""
    near = exit_time(METHODS["descent"], -1.0, start=1e-9, **NOISY)
    on = exit_time(METHODS["descent"], -1.0, **NOISY)
    assert near.mean == pytest.approx(float(on.mean), abs=1e-3)
    assert near.standard_deviation == pytest.approx(float(on.standard_deviation), abs=1e-3)


def test_stages_of_a_period_come_in_their_order(late_swinging):
    method = late_swinging
    run = simulate(method, Quadratic([-1.0]), steps=9, start=[0.5])
    pushed = exit_time(method, -1.0, noise_variance=0.0, distance=1e3, start=0.5)
    np.testing.assert_allclose(pushed.moments(9)[0], run.outputs[:, 0], rtol=1e-12)
    # After the first step W grows by one factor every two.
    noisy = exit_time(method, -1.0, **NOISY)
    variance = noisy.moments(81)[1][81]
    assert noisy.amplitude**2 * noisy.growth**160 == pytest.approx(variance, rel=1e-9)
    assert pushed.offset * pushed.growth**80 == pytest.approx(pushed.moments(81)[0][81], rel=1e-9)


def test_flags_say_where_the_law_is_not_good():
    loud = exit_time(GradientDescent(learning_rate=0.05), -1.0, noise_variance=1.0, distance=1.0)
    assert not loud.is_asymptotic
    assert loud.noise_share > 0.1
    swaying = HeavyBall(learning_rate=0.05, momentum=-0.99)
    near = exit_time(swaying, -1.0, noise_variance=0.0, distance=1.0, start=0.5)
    assert near.noise_share == 0
    assert near.memory_share > 0.05
    assert not near.is_asymptotic


@pytest.mark.slow
def test_laws_reach_their_limits():
    alpha, g, c = symbol("learning_rate"), symbol("ascent"), symbol("scaled_gap")
    small, gamma = sympy.symbols("q gamma", positive=True)
    exact = sympy.log(saddles.escape_rate(alpha, 1 - c * small, small**2 / alpha))
    assert (
        sympy.simplify(sympy.limit(exact / small, small, 0) - (sympy.sqrt(c**2 + 4) - c) / 2) == 0
    )
    whole = saddles.escape_rate(alpha, 1, g) - sympy.exp(saddles.undamped_exponent(alpha, g))
    assert sympy.simplify(whole.subs({alpha: 1, g: gamma})) == 0
    effective, beta = symbol("effective_learning_rate"), symbol("momentum")
    growth = sympy.log(saddles.escape_rate((1 - beta) * effective, beta, g))
    terms = sympy.series(growth.subs({effective: small, g: 1, beta: sympy.Rational(9, 10)}),
                         small, 0, 3).removeO()  # fmt: skip
    law = saddles.matched_exponent(small, sympy.Rational(9, 10), 1)
    assert sympy.simplify(terms - law) == 0


def test_starts_on_and_off_the_saddle_in_one_batch():
    """Each entry is answered as it would be alone."""
    descent = GradientDescent(learning_rate=0.1)
    starts = [0.0, 0.01, 0.0]
    together = exit_time(descent, -1.0, start=starts, **NOISY)
    alone = [exit_time(descent, -1.0, start=start, **NOISY) for start in starts]
    for name in ("mean", "standard_deviation"):
        np.testing.assert_array_equal(getattr(together, name), [getattr(a, name) for a in alone])
    # A direction that hardly grows is no matter for a sum over steps if it starts at the saddle.
    slow = exit_time(descent, [-1.0, -1e-7], start=[0.01, 0.0], noise_variance=1e-14, distance=1.0)
    assert slow.mean[1] > 1e8


def test_ages_that_disturb_the_growth_take_the_law_beyond_its_range():
    descent = GradientDescent(learning_rate=0.02)
    calm = exit_time(descent, -1.0, delay=GeometricDelay(workers=4.0), **NOISY)
    assert 0 < calm.wander_share < 0.05
    assert calm.is_asymptotic
    wild = exit_time(
        GradientDescent(learning_rate=1.0), -1.0, delay=GeometricDelay(workers=40.0),
        noise_variance=1e-12, distance=1e6,
    )  # fmt: skip
    assert max(wild.noise_share, wild.memory_share) < 0.05 < wild.wander_share
    assert not wild.is_asymptotic
    log_typical = np.log(wild.typical_growth)
    assert log_typical == pytest.approx(np.log(wild.growth) * (1 - wild.wander_share), rel=1e-12)
