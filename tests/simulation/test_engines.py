"""Three engines, one run: the same bits compiled and in NumPy, the same to rounding directly."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from momentum_dynamics import (
    Chebyshev,
    ComplexMomentum,
    DomainError,
    Extragradient,
    GeometricDelay,
    GradientDescent,
    HeavyBall,
    LinearMethod,
    MarchenkoPastur,
    Nesterov,
    Outcome,
    Quadratic,
    QuasiHyperbolic,
    Ridge,
    Rosenbrock,
    TripleMomentum,
    second_moments,
    simulate,
    spectral_radius,
)
from momentum_dynamics.simulation import run as run_module
from momentum_dynamics.simulation.compiling import compile_text

METHODS = [
    GradientDescent(learning_rate=0.3),
    HeavyBall(learning_rate=0.3, momentum=0.7),
    Nesterov(learning_rate=0.3, momentum=0.7),
    QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.6),
    TripleMomentum(smallest_curvature=0.2, largest_curvature=2.5),
    ComplexMomentum(learning_rate=0.3, momentum=0.6, phase=0.9),
    Extragradient(learning_rate=0.2),
    Chebyshev(smallest_curvature=0.2, largest_curvature=2.5),
    MarchenkoPastur(variance=1.0, aspect_ratio=0.3),
    LinearMethod(A=[[1.4, -0.4, 0], [1, 0, 0], [0.5, 0.5, 0.2]], B=[[-0.1], [0], [0.05]],
                 C=[[1.2, -0.2, 0.0]], E=[[1, 0, 0]]),
    HeavyBall(learning_rate=np.array([[0.1], [0.3]]), momentum=np.array([0.5, 0.8, -0.2])),
    HeavyBall(learning_rate=2.0, momentum=0.9),
]  # fmt: skip

STEP_BY_STEP = [engine for engine in run_module.ENGINES if engine != "jump"]


def rotated():
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return Quadratic(basis @ np.diag([0.2, 1.0, 2.4]) @ basis.T, solution=[1.0, -2.0, 0.5])


PROBLEMS = {
    "spectrum": Quadratic([0.2, 1.0, 2.4], solution=[1.0, -2.0, 0.5]),
    "matrix": rotated(),
    "ridge": Ridge(*np.split(np.random.default_rng(2).normal(size=(20, 4)), [3], axis=1)[:1],
                   np.random.default_rng(3).normal(size=20), ridge=0.1),
}  # fmt: skip
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))


def assert_same_bits(one, other, names):
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    np.testing.assert_array_equal(np.asarray(one.outcome), np.asarray(other.outcome))
    assert one.seed == other.seed


@pytest.mark.slow
@every_method
@every_problem
@pytest.mark.parametrize("replicas", [1, 7, 130])
def test_engines_agree(method, problem, replicas):
    settings = {"steps": 13, "replicas": replicas, "noise_variance": 0.3, "seed": 5}
    runs = {e: simulate(method, problem, engine=e, **settings) for e in STEP_BY_STEP}
    assert_same_bits(runs["numpy"], runs["compiled"], ("points", "outputs"))
    for name in ("points", "outputs"):
        direct = getattr(runs["direct"], name)
        np.testing.assert_allclose(direct, getattr(runs["numpy"], name), rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(runs["direct"].outcome, runs["numpy"].outcome)
    moments = {
        e: simulate(method, problem, engine=e, record="moments", **settings) for e in STEP_BY_STEP
    }
    assert_same_bits(moments["numpy"], moments["compiled"], ("mean", "second_moment"))
    for name in ("mean", "second_moment"):
        direct = getattr(moments["direct"], name)
        np.testing.assert_allclose(direct, getattr(moments["numpy"], name), rtol=1e-9, atol=1e-11)


@every_problem
def test_moments_are_those_of_the_trajectory(problem):
    settings = {"steps": 10, "replicas": (2, 150), "noise_variance": 0.3, "seed": 5}
    method = Nesterov(learning_rate=np.array([0.1, 0.3]), momentum=0.7)
    for engine in ("direct", "numpy", "compiled"):
        path = simulate(method, problem, engine=engine, **settings)
        moments = simulate(method, problem, engine=engine, record="moments", **settings)
        away = path.outputs - problem.solution
        basis = problem.modes[1]
        away = away if basis is None else away @ basis
        assert moments.mean.shape == (11, 2, 3)
        assert moments.replicas == 300
        np.testing.assert_allclose(moments.mean, away.mean(axis=(2, 3)), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            moments.second_moment, (away**2).mean(axis=(2, 3)), rtol=1e-10, atol=1e-12
        )
        np.testing.assert_allclose(
            moments.variance, away.var(axis=(2, 3), ddof=1), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("engine", ["direct", "numpy", "compiled"])
def test_the_first_block_does_not_know_how_many_follow(engine):
    settings = {"steps": 8, "noise_variance": 1.0, "seed": 9, "engine": engine}
    method, problem = HeavyBall(learning_rate=0.3, momentum=0.5), Quadratic([0.5, 1.0])
    few = simulate(method, problem, replicas=128, **settings)
    many = simulate(method, problem, replicas=300, **settings)
    np.testing.assert_array_equal(many.points[:, :128], few.points)
    assert not np.isclose(many.points[-1, 128:256], few.points[-1]).any(), "blocks are independent"


@pytest.mark.parametrize("engine", ["direct", "numpy", "compiled"])
def test_all_settings_meet_the_same_noise(engine):
    settings = {"steps": 8, "noise_variance": 1.0, "seed": 9, "replicas": 150, "engine": engine}
    problem = Quadratic([0.5, 1.0])
    both = simulate(
        HeavyBall(learning_rate=np.array([0.1, 0.3]), momentum=0.5), problem, **settings
    )
    for place, rate in enumerate([0.1, 0.3]):
        alone = simulate(HeavyBall(learning_rate=rate, momentum=0.5), problem, **settings)
        np.testing.assert_allclose(both.points[:, place], alone.points, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("engine", ["direct", "numpy", "compiled"])
@pytest.mark.parametrize("replicas", [5, 128, 129])
def test_outcomes_are_read_from_the_true_start(engine, replicas):
    """Whatever the number of blocks: the state must not be overwritten before it is compared."""
    settings = {"replicas": replicas, "noise_variance": 1e-30, "seed": 1, "engine": engine}
    problem = Quadratic([1.0, 1.1])
    good = simulate(GradientDescent(learning_rate=0.9), problem, steps=30, **settings)
    assert (good.outcome == Outcome.CONVERGED).all()
    bad = simulate(GradientDescent(learning_rate=3.0), problem, steps=30, **settings)
    assert (bad.outcome == Outcome.DIVERGED).all()
    short = simulate(GradientDescent(learning_rate=0.9), problem, steps=2, **settings)
    assert (short.outcome == Outcome.BUDGET_SPENT).all()
    assert good.outcome.shape == (replicas,)


@pytest.mark.parametrize("engine", ["direct", "numpy", "compiled"])
@pytest.mark.parametrize("record", ["trajectory", "moments"])
def test_divergence_to_infinity_is_an_outcome_without_a_warning(engine, record):
    """Warnings are errors here."""
    run = simulate(
        HeavyBall(learning_rate=np.array([0.5, 9.0]), momentum=0.9), Quadratic([1.0, 2.0]),
        steps=900, replicas=3, noise_variance=1.0, seed=0, engine=engine, record=record,
    )  # fmt: skip
    assert (run.outcome[1] == Outcome.DIVERGED).all()
    assert (run.outcome[0] == Outcome.BUDGET_SPENT).all()
    if record == "trajectory":
        assert not np.isfinite(run.outputs[-1, 1]).any()
        assert run.distance.shape == (901, 2, 3)
    else:
        assert not np.isfinite(run.variance[-1, 1]).any()


def test_starts_slot_by_slot_on_every_engine():
    problem = PROBLEMS["matrix"]
    start = (np.array([1.0, 0.0, 2.0]), np.array([0.0, 1.0, -1.0]))
    settings = {"steps": 9, "start": start, "replicas": 3, "noise_variance": 0.2, "seed": 2}
    method = HeavyBall(learning_rate=0.3, momentum=0.7)
    runs = [simulate(method, problem, engine=e, **settings) for e in ("direct", "compiled")]
    np.testing.assert_allclose(runs[0].points, runs[1].points, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(runs[0].points[0], np.broadcast_to(start[0], (3, 3)), atol=1e-14)
    before, point = start[1], start[0]
    settings["noise_variance"] = 0.0
    quiet = simulate(method, problem, engine="compiled", **settings)
    moved = point + 0.7 * (point - before) - 0.3 * problem.field(point)
    np.testing.assert_allclose(quiet.points[1], np.broadcast_to(moved, (3, 3)), rtol=1e-12)


def test_noise_of_each_mode():
    """Along the modes of the problem, each with a variance of its own."""
    problem = PROBLEMS["matrix"]
    settings = {"steps": 1, "replicas": 4000, "seed": 3, "start": problem.solution}
    for engine in ("direct", "compiled"):
        run = simulate(
            GradientDescent(learning_rate=1.0), problem, noise_variance=[0.0, 1.0, 9.0],
            engine=engine, **settings,
        )  # fmt: skip
        along = (run.points[1] - problem.solution) @ problem.modes[1]
        np.testing.assert_allclose(along[:, 0], 0, atol=1e-12)
        z = (along[:, 1:].var(axis=0) / [1, 9] - 1) / np.sqrt(2 / 4000)
        assert np.abs(z).max() < 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_memory_of_moments_does_not_grow_with_the_steps(engine):
    """A trajectory of this run holds 2 × 3001 × 512 × 20 numbers, half a gigabyte."""
    simulate(GradientDescent(learning_rate=0.1), Quadratic([1.0]), steps=1, engine=engine)
    tracemalloc.start()
    run = simulate(
        HeavyBall(learning_rate=0.1, momentum=0.5), Quadratic(np.linspace(0.1, 1, 20)),
        steps=3000 if engine == "compiled" else 300, replicas=512, noise_variance=1.0,
        record="moments", seed=0, engine=engine,
    )  # fmt: skip
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert run.mean.shape[1:] == (20,)
    assert peak < 8e6


def test_auto_picks_an_engine(monkeypatch):
    """Replicas of noisy linear problems run on the state space, all else directly."""
    asked = []
    for name in ("run_directly", "run_ensemble"):
        original = getattr(run_module, name)
        monkeypatch.setattr(
            run_module, name, lambda *a, _f=original, _n=name, **k: asked.append(_n) or _f(*a, **k)
        )
    method, linear = GradientDescent(learning_rate=0.001), Quadratic([1.0, 2.0])
    simulate(method, linear, steps=2, replicas=3, noise_variance=1.0)
    assert asked.pop() == "run_ensemble"
    simulate(method, linear, steps=2, replicas=3)
    simulate(method, linear, steps=2, noise_variance=1.0)
    simulate(method, Rosenbrock(), steps=2, replicas=3, noise_variance=1.0)
    delay = GeometricDelay(workers=2)
    simulate(method, linear, steps=2, replicas=3, noise_variance=1.0, delay=delay)
    assert asked == ["run_directly"] * 4


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_linear_engines_run_linear_problems_without_delay(engine):
    method = GradientDescent(learning_rate=0.001)
    for settings in (
        {"problem": Rosenbrock()},
        {"problem": Quadratic([1.0]), "delay": GeometricDelay(workers=2)},
    ):
        with pytest.raises(DomainError, match=f"engine '{engine}' runs linear problems without"):
            simulate(method, steps=2, engine=engine, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        HeavyBall(learning_rate=0.3, momentum=0.7),
        QuasiHyperbolic(learning_rate=0.3, momentum=0.7, discount=0.6),
        Extragradient(learning_rate=0.2),
        Chebyshev(smallest_curvature=0.2, largest_curvature=2.5),
    ],
    ids=lambda method: type(method).__name__,
)
def test_ensembles_have_the_exact_moments(method):
    """z-scores of 30 steps × 3 modes below 5: one false alarm in about ten thousand seeds."""
    count, problem = 3000, PROBLEMS["spectrum"]
    run = simulate(
        method, problem, steps=30, replicas=count, noise_variance=0.4, record="moments", seed=8
    )
    exact = second_moments(method, problem.curvature, 0.4, steps=30)
    moving = exact.variance > 1e-12
    z_mean = (run.mean - exact.mean)[moving] / np.sqrt(exact.variance[moving] / count)
    z_variance = (run.variance[moving] / exact.variance[moving] - 1) / np.sqrt(2 / (count - 1))
    assert np.abs(z_mean).max() < 5
    assert np.abs(z_variance).max() < 5
    by_theory = np.sqrt(exact.variance[moving] / count)
    np.testing.assert_allclose(run.mean_error[moving], by_theory, rtol=0.1)
    by_theory = exact.variance[moving] * np.sqrt(2 / (count - 1))
    np.testing.assert_allclose(run.variance_error[moving], by_theory, rtol=0.2)


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import numpy as np
from momentum_dynamics import HeavyBall, MomentumDynamicsError, Quadratic, simulate, spectral_radius
run = simulate(HeavyBall(learning_rate=0.3, momentum=0.7), Quadratic([0.5, 1.0]), steps=7,
               replicas=150, noise_variance=0.3, seed=4)
print(run.points.sum().hex(), run.points.shape)
radii = spectral_radius(
    HeavyBall(learning_rate=np.linspace(0, 3, 500)[:, None], momentum=0.5), np.linspace(0, 1, 500)
)
print(radii.sum().hex(), radii.shape)
try:
    simulate(HeavyBall(learning_rate=0.3, momentum=0.7), Quadratic([1.0]), steps=1,
             engine="compiled")
except MomentumDynamicsError as error:
    print(error)
"""


@pytest.mark.slow
def test_without_numba_numpy_answers_with_the_same_bits():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_NUMBA], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    run_line, radius_line, message = done.stdout.splitlines()
    here = simulate(
        HeavyBall(learning_rate=0.3, momentum=0.7), Quadratic([0.5, 1.0]), steps=7,
        replicas=150, noise_variance=0.3, seed=4, engine="compiled",
    )  # fmt: skip
    assert run_line == f"{here.points.sum().hex()} (8, 150, 2)"
    radii = spectral_radius(
        HeavyBall(learning_rate=np.linspace(0, 3, 500)[:, None], momentum=0.5),
        np.linspace(0, 1, 500),
    )
    assert radius_line == f"{radii.sum().hex()} (500, 500)"
    assert message == "engine 'compiled' needs numba, which is not installed; use 'numpy'."


def _one():
    return 1


def _two():
    return 2


def _asked():
    return 0


def _asks():
    return 10 * _asked()


def test_a_kept_text_knows_which_texts_were_compiled_into_it():
    found = [
        compile_text(_asks, _asked=compile_text(inner))() for inner in (_one, _two, _one, _two)
    ]
    assert found == [10, 20, 10, 20]
