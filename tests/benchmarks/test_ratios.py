"""How much faster than what one would write instead, and how far from the bound."""

import numba
import numpy as np
import pytest
import scipy.linalg

from momentum_dynamics import (
    HeavyBall,
    Quadratic,
    simulate,
    spectral_radius,
    stationary_variance,
    transition_matrix,
)
from momentum_dynamics.dynamics.polynomials import schur_cohn

pytestmark = pytest.mark.benchmark

REPEATS = 30
"""Of what takes milliseconds, so that one hiccup of the machine does not decide."""


def test_radius_map_against_batched_eigenvalues(race):
    """3 learning rates × 1000 momenta × 1000 curvatures; the stacking is not counted against it."""
    method = HeavyBall(
        learning_rate=np.array([0.5, 1.0, 2.0])[:, None, None],
        momentum=np.linspace(-0.5, 0.999, 1000)[:, None],
    )
    curvatures = np.linspace(0.001, 2.0, 1000)
    matrices = transition_matrix(method, curvatures)
    assert matrices.shape == (3, 1000, 1000, 2, 2)
    ours, theirs = (
        spectral_radius(method, curvatures),
        np.abs(np.linalg.eigvals(matrices)).max(axis=-1),
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-7)

    def radii():
        for _ in range(REPEATS):
            spectral_radius(method, curvatures)

    times = race(
        rounds=3,
        eigenvalues=lambda: np.abs(np.linalg.eigvals(matrices)).max(axis=-1),
        radius=radii,
    )
    times["radius"] = times["radius"] / REPEATS
    ratio = np.median(times["eigenvalues"] / times["radius"])
    race.report(
        f"radius map 3 × 1000 × 1000: {np.median(times['radius']) * 1e3:.1f} ms, "
        f"{ratio:.0f} times as fast as batched numpy.linalg.eigvals"
    )
    assert ratio >= 300


DIMENSION, REPLICAS, STEPS = 100, 10_000, 60
RATE, MOMENTUM = 0.3, 0.7
CURVATURES = np.linspace(0.1, 2.0, DIMENSION)
SIZES = [128] * (REPLICAS // 128) + [REPLICAS % 128]


def streams():
    seeds = np.random.SeedSequence(0).spawn(len(SIZES))
    return [np.random.Generator(np.random.SFC64(seed)) for seed in seeds]


def by_hand():
    """The best one writes in NumPy: in place, in blocks that stay in the cache, no moments."""
    kept = (1 + MOMENTUM - RATE * CURVATURES)[:, None]
    scale = np.full((DIMENSION, 1), -RATE)
    last = []
    for size, rng in zip(SIZES, streams(), strict=True):
        point, before = np.ones((2, DIMENSION, size))
        noise, grown = np.empty((2, DIMENSION, size))
        for _ in range(STEPS):
            rng.standard_normal(out=noise)
            noise *= scale
            before *= -MOMENTUM
            before += noise
            np.multiply(point, kept, out=grown)
            before += grown
            point, before = before, point
        last.append(point)
    return np.concatenate(last, axis=1)


@numba.njit
def draw(rng, count, noise):
    for _ in range(count):
        for lane in range(noise.size):
            noise[lane] = rng.standard_normal()


def noise_alone():
    """Compiled, which draws the same numbers in less than half of NumPy's time."""
    for size, rng in zip(SIZES, streams(), strict=True):
        draw(rng, STEPS * DIMENSION, np.empty(size))


def ensemble(noise_variance=1.0):
    return simulate(
        HeavyBall(learning_rate=RATE, momentum=MOMENTUM), Quadratic(CURVATURES), steps=STEPS,
        replicas=REPLICAS, noise_variance=noise_variance, seed=0, record="moments",
        engine="compiled",
    )  # fmt: skip


def test_ensemble_against_numpy_and_against_the_bound(race):
    """One thread each. The bound: drawing the noise alone, and the updates without noise alone."""
    spread = by_hand().var(axis=1, ddof=1)
    np.testing.assert_allclose(spread, ensemble().variance[-1], rtol=1e-6)
    times = race(
        rounds=9,
        by_hand=by_hand,
        ensemble=ensemble,
        noise=noise_alone,
        update=lambda: ensemble(noise_variance=0.0),
    )
    against = np.median(times["by_hand"] / times["ensemble"])
    bound = np.median(times["ensemble"] / (times["noise"] + times["update"]))
    race.report(
        f"ensemble {DIMENSION} × {REPLICAS} × {STEPS} steps: "
        f"{np.median(times['ensemble']):.3f} s, {against:.2f} times as fast as NumPy in place, "
        f"{bound:.2f} times noise alone ({np.median(times['noise']):.3f} s) and update alone "
        f"({np.median(times['update']):.3f} s)"
    )
    assert against >= 2.2
    assert bound <= 1.3


DEGREE, POLYNOMIALS = 20, 20_000


def test_stability_against_batched_eigenvalues(race):
    """Random real polynomials with roots on both sides of the circle, their companions stacked."""
    rng = np.random.default_rng(0)
    modulus = rng.uniform(0.5, 1.05, (DEGREE // 2, POLYNOMIALS))
    angle = rng.uniform(0, np.pi, (DEGREE // 2, POLYNOMIALS))
    product = np.zeros((DEGREE + 1, POLYNOMIALS))
    product[0] = 1
    for r, phi in zip(modulus, angle, strict=True):
        longer = product.copy()
        longer[1:] -= 2 * r * np.cos(phi) * product[:-1]
        longer[2:] += r**2 * product[:-2]
        product = longer
    companion = np.zeros((POLYNOMIALS, DEGREE, DEGREE))
    companion[:, 0] = -product[1:].T
    companion[:, np.arange(1, DEGREE), np.arange(DEGREE - 1)] = 1

    def eigenvalues():
        return np.abs(np.linalg.eigvals(companion)).max(axis=-1) < 1

    np.testing.assert_array_equal(schur_cohn(product), eigenvalues())
    np.testing.assert_array_equal(schur_cohn(product), (modulus < 1).all(axis=0))
    times = race(rounds=5, eigenvalues=eigenvalues, test=lambda: schur_cohn(product))
    ratio = np.median(times["eigenvalues"] / times["test"])
    race.report(
        f"stability of {POLYNOMIALS} polynomials of degree {DEGREE}: "
        f"{np.median(times['test']) * 1e3:.1f} ms, {ratio:.0f} times as fast as batched eigvals"
    )
    assert ratio >= 100


def test_second_moments_against_linear_solves(race):
    """A grid of 10⁵ settings: one solve of all moment equations, and SciPy's solver in a loop."""
    rate = np.geomspace(0.01, 1, 10)[:, None, None]
    method = HeavyBall(learning_rate=rate, momentum=np.linspace(0, 0.95, 100)[:, None])
    curvature = np.linspace(0.05, 1, 100)
    matrices = transition_matrix(method, curvature).reshape(-1, 2, 2)
    noise = np.broadcast_to(rate**2, (10, 100, 100)).ravel()
    some = slice(0, None, 200)

    def solved():
        moved = np.einsum("nij,nkl->nikjl", matrices, matrices).reshape(-1, 4, 4)
        right = np.zeros((len(moved), 4, 1))
        right[:, 0, 0] = noise
        return np.linalg.solve(np.eye(4) - moved, right)[:, 0, 0]

    def looped():
        first = np.diag([1.0, 0.0])
        return [
            scipy.linalg.solve_discrete_lyapunov(matrix, scale * first)[0, 0]
            for matrix, scale in zip(matrices[some], noise[some], strict=True)
        ]

    ours = stationary_variance(method, curvature, 1.0).ravel()
    np.testing.assert_allclose(ours, solved(), rtol=1e-9)
    np.testing.assert_allclose(ours[some], looped(), rtol=1e-8)
    times = race(
        rounds=9, solved=solved, looped=looped,
        ours=lambda: stationary_variance(method, curvature, 1.0),
    )  # fmt: skip
    against = np.median(times["solved"] / times["ours"])
    loop = np.median(times["looped"] / times["ours"]) * len(noise) / len(noise[some])
    race.report(
        f"settled variances of {len(noise)} settings: {np.median(times['ours']) * 1e3:.2f} ms, "
        f"{against:.0f} times as fast as batched linear solves and {loop:.0f} times a loop over "
        "scipy.linalg.solve_discrete_lyapunov"
    )
    assert against >= 20
    assert loop >= 1000


def test_jump_against_the_walk(race):
    """1000 steps of 20 modes and 10,000 replicas, both streaming moments."""
    problem = Quadratic(np.linspace(0.1, 1, 20))
    ball = HeavyBall(learning_rate=0.1, momentum=0.8)

    def run(**how):
        return simulate(
            ball, problem, steps=1000, replicas=10_000, noise_variance=1.0, record="moments",
            seed=0, **how,
        )  # fmt: skip

    def jump():
        return run(engine="jump", stride=1000)

    def walk():
        return run(engine="compiled")

    gap = jump().variance[-1] - walk().variance[-1]
    error = np.hypot(jump().variance_error[-1], walk().variance_error[-1])
    assert (np.abs(gap) < 5 * error).all()
    times = race(rounds=5, jump=jump, walk=walk)
    ratio = np.median(times["walk"] / times["jump"])
    race.report(
        f"one jump over 1000 steps: {np.median(times['jump']) * 1e3:.1f} ms, {ratio:.0f} times "
        "as fast as the walk"
    )
    assert ratio >= 50
