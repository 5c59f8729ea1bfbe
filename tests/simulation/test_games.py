"""Three engines, one play: the same bits compiled and in NumPy, the same to rounding directly."""

import tracemalloc

import numpy as np
import pytest

from momentum_dynamics import (
    Alternating,
    Averaged,
    BilinearGame,
    ComplexMomentum,
    Consensus,
    DiracGAN,
    DomainError,
    Extragradient,
    GradientDescent,
    HeavyBall,
    LinearGame,
    Nesterov,
    NotTraceableError,
    OptimisticGradient,
    Outcome,
    Proximal,
    QuadraticGame,
    Scheduled,
    Simultaneous,
    TorchSGD,
    play,
    record,
    simulate,
    spectral_radius,
    stationary_radius,
    symbol,
)
from momentum_dynamics.dynamics.rounds import round_system
from momentum_dynamics.problems.quadratic import LinearProblem
from momentum_dynamics.problems.transforms import is_linear_game
from momentum_dynamics.simulation import games as games_module

RNG = np.random.default_rng(7)
ENGINES = ("direct", "numpy", "compiled")


class Elsewhere(LinearGame):
    """A linear game around another point than zero."""

    @property
    def solution(self):
        return np.array([1.0, -2.0])

    def player_field(self, index, point):
        return super().player_field(index, point - self.solution)


class Walled(LinearGame):
    """A linear game between walls."""

    def project(self, index, own):
        return np.clip(own, -index - 1, index + 1)


BALL = HeavyBall(learning_rate=0.2, momentum=-0.4)
DAMPED = TorchSGD(learning_rate=0.2, momentum=0.5, dampening=0.4)
LATE = Scheduled(stages=[DAMPED, TorchSGD(learning_rate=0.3, momentum=0.5), DAMPED])
RATES = HeavyBall(learning_rate=np.array([[0.1], [0.2]]), momentum=-0.2)
MOMENTA = HeavyBall(learning_rate=0.1, momentum=np.array([-0.3, 0.0, 0.2]))
QUADRATIC = QuadraticGame(np.diag([0.3, 0.1]), RNG.normal(size=(2, 3)), 0.2)
SQUARE = BilinearGame(RNG.normal(size=(3, 3)) / 2)
WIDE = BilinearGame(RNG.normal(size=(2, 4)) / 2)
RING = LinearGame([[1, 0.5, 0], [0, 1, 0.5], [0.5, 0, 1]], sizes=(1, 1, 1))
CASES = {
    "one number each": (BALL, BilinearGame(1.3), "alternating"),
    "at once": (BALL, QUADRATIC, Simultaneous()),
    "other methods, the second first": (
        (GradientDescent(learning_rate=0.3), Nesterov(learning_rate=0.1, momentum=0.3)),
        QUADRATIC,
        Alternating(first=1),
    ),
    "first rounds unlike the others": ((DAMPED, LATE), QUADRATIC, Alternating(inner_steps=(2, 1))),
    "settled within a turn": ((LATE, BALL), QUADRATIC, Alternating(inner_steps=(3, 1))),
    "two gradients a turn": (Extragradient(learning_rate=0.3), QUADRATIC, Alternating()),
    "three players": (BALL, RING, Alternating(inner_steps=(1, 2, 1), first=2)),
    "an equilibrium elsewhere": (BALL, Elsewhere([[0.2, 1], [-1, 0.1]], (1, 1)), "alternating"),
    "batches": ((RATES, MOMENTA), QUADRATIC, Alternating()),
    "consensus": (OptimisticGradient(learning_rate=0.2), Consensus(QUADRATIC, 0.3), "alternating"),
    "proximal": (BALL, Proximal(SQUARE, 0.3), Simultaneous()),
    "modes": (BALL, SQUARE, Alternating(inner_steps=(1, 3))),
    "modes at once": (ComplexMomentum(learning_rate=0.2, momentum=0.6, phase=1.0), SQUARE,
                      Simultaneous()),
    "modes and batches": ((RATES, Averaged(method=MOMENTA, smoothing=0.4)), SQUARE, Alternating()),
    "more modes than the first player has": ((BALL, DAMPED), WIDE, Alternating(first=1)),
    "more modes than the second player has": (BALL, BilinearGame(WIDE.matrix.T), Alternating()),
}  # fmt: skip
SETTINGS = [
    {"replicas": (2, 65), "noise_variance": 0.3, "seed": 5, "stride": 2, "tolerance": 1.0},
    {"replicas": 3, "noise_variance": 0.3, "seed": 5, "start": "own"},
    {},
]


@record
class SignDescent:
    """A method without a state space."""

    def initial_state(self, point):
        return (point,)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        return (state[0] - 0.1 * np.sign(gradient),)


every_engine = pytest.mark.parametrize("engine", ENGINES)


def along_modes(game, away):
    return away @ game.paired_modes[1] if game in (SQUARE, WIDE) else away


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("settings", SETTINGS, ids=["blocks", "starts", "quiet"])
def test_engines_agree(case, settings):
    method, game, order = CASES[case]
    settings = {"steps": 6, "play": order, **settings}
    if settings.get("start") == "own":
        settings["start"] = np.random.default_rng(1).normal(size=(3, game.dimension))
    for kept, names in (
        ("trajectory", ("points", "outputs")),
        ("moments", ("mean", "second_moment")),
    ):
        runs = [play(method, game, engine=e, record=kept, **settings) for e in ENGINES]
        direct, in_numpy, compiled = runs
        for name in names:
            one, other = getattr(in_numpy, name), getattr(compiled, name)
            np.testing.assert_array_equal(one, other, strict=True)
            np.testing.assert_allclose(getattr(direct, name), one, rtol=1e-9, atol=1e-12)
        for run in runs[1:]:
            np.testing.assert_array_equal(run.outcome, direct.outcome)
            assert run.seed == direct.seed


@every_engine
@pytest.mark.parametrize("game", [QUADRATIC, WIDE], ids=["coordinates", "modes"])
def test_moments_are_those_of_the_trajectory(engine, game):
    settings = {"steps": 8, "stride": 4, "replicas": (2, 70), "noise_variance": 0.3, "seed": 5,
                "engine": engine}  # fmt: skip
    path = play(MOMENTA, game, **settings)
    moments = play(MOMENTA, game, record="moments", **settings)
    away = along_modes(game, path.outputs)
    assert path.steps == 8
    assert moments.mean.shape == (3, 3, game.dimension)
    assert moments.replicas == 140
    np.testing.assert_allclose(moments.mean, away.mean(axis=(2, 3)), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(moments.second_moment, (away**2).mean(axis=(2, 3)), rtol=1e-10)


@pytest.mark.parametrize("case", ["one number each", "other methods, the second first", "modes"])
def test_ensembles_have_the_exact_moments(case):
    """z-scores of all rounds and coordinates below 5: one false alarm in ten thousand seeds."""
    (method, game, order), count, variance = CASES[case], 4000, 0.4
    run = play(method, game, steps=30, play=order, replicas=count, noise_variance=variance, seed=8,
               record="moments")  # fmt: skip
    system = round_system(method, game, order)
    noise = variance * system.injection @ system.injection.T
    methods = method if isinstance(method, tuple) else (method, method)
    state = np.concatenate(
        [np.ravel(own.initial_state(np.ones(size)))
         for own, size in zip(methods, game.sizes, strict=True)]
    )  # fmt: skip
    covariance = np.zeros_like(noise)
    for found, error, mean in zip(run.variance, run.variance_error, run.mean, strict=True):
        directions = along_modes(game, system.readout.T)
        exact = np.diag(directions.T @ covariance @ directions)
        if covariance.any():
            assert np.abs((found - exact) / error).max() < 5
            assert np.abs((mean - state @ directions) / np.sqrt(exact / count)).max() < 5
        state = system.transition @ state
        covariance = system.transition @ covariance @ system.transition.T + noise


def test_the_settled_radius_is_that_of_the_operator():
    """At once, with a stride that skips the way."""
    game, order = Consensus(QUADRATIC, 0.3), Simultaneous()
    assert (spectral_radius(MOMENTA, game, play=order) ** 500 < 1e-3).all()
    radius = stationary_radius(MOMENTA, game, 0.5, play=order)
    run = play(MOMENTA, game, steps=500, stride=500, play=order, replicas=2000,
               noise_variance=0.5, seed=3, engine="compiled")  # fmt: skip
    square = run.distance[-1] ** 2
    error = square.std(axis=-1) / np.sqrt(square.shape[-1])
    assert np.abs((square.mean(axis=-1) - radius**2) / error).max() < 5


@every_engine
@pytest.mark.parametrize("game", [QUADRATIC, WIDE], ids=["coordinates", "modes"])
def test_blocks_and_settings_share_the_noise_that_they_should(engine, game):
    settings = {"steps": 4, "noise_variance": 1.0, "seed": 9, "engine": engine}
    few = play(BALL, game, replicas=128, **settings)
    many = play(BALL, game, replicas=200, **settings)
    np.testing.assert_allclose(many.points[:, :128], few.points, rtol=1e-12, atol=1e-14)
    assert not np.isclose(many.points[-1, 128:], few.points[-1, :72]).any(), "blocks are apart"
    alone = HeavyBall(learning_rate=MOMENTA.learning_rate, momentum=MOMENTA.momentum[2])
    both, one = (play(own, game, replicas=5, **settings).points for own in (MOMENTA, alone))
    np.testing.assert_allclose(both[:, 2], one, rtol=1e-12, atol=1e-14)


@every_engine
def test_outcomes_are_read_from_the_true_start(engine):
    """Of every block, without a warning on the way to infinity."""
    settings = {"replicas": 129, "noise_variance": 1e-30, "seed": 1, "engine": engine,
                "tolerance": 1e-2}  # fmt: skip
    methods = HeavyBall(learning_rate=np.array([0.7, 30.0]), momentum=-0.3)
    run = play(methods, BilinearGame(1.0), steps=150, **settings)
    assert run.outcome.shape == (2, 129)
    assert (run.outcome[0] == Outcome.CONVERGED).all()
    assert (run.outcome[1] == Outcome.DIVERGED).all()
    assert not np.isfinite(run.outputs[-1, 1]).any()
    short = play(methods, BilinearGame(1.0), steps=2, record="moments", **settings)
    assert (short.outcome[0] == Outcome.BUDGET_SPENT).all()


@pytest.mark.parametrize("engine", ["direct", "compiled"])
def test_memory_of_moments_does_not_grow_with_the_rounds(engine):
    """A trajectory of these rounds holds 2 × 401 × 512 × 4 numbers, 13 MB."""
    settings = {"replicas": 512, "noise_variance": 1.0, "seed": 0, "engine": engine}
    game = BilinearGame(SQUARE.matrix[:2, :2])
    play(BALL, game, steps=1, record="moments", **settings)
    tracemalloc.start()
    play(BALL, game, steps=400, record="moments", **settings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6


def test_auto_picks_an_engine(monkeypatch):
    """Noisy replicas of small linear games and of modes run on rounds, all else directly."""
    asked = []
    for name in ("play_directly", "play_ensemble"):
        original = getattr(games_module, name)
        monkeypatch.setattr(
            games_module, name, lambda *a, _f=original, _n=name: asked.append(_n) or _f(*a)
        )
    noisy = {"steps": 2, "replicas": 3, "noise_variance": 1.0, "seed": 4}
    large = np.eye(40)
    for game in (QUADRATIC, SQUARE, BilinearGame(large), Consensus(QUADRATIC, 0.1)):
        play(BALL, game, **noisy)
    assert asked == ["play_ensemble"] * 4
    asked.clear()
    play(BALL, QUADRATIC, steps=2, replicas=3)
    play(BALL, QUADRATIC, steps=2, noise_variance=1.0)
    play(BALL, DiracGAN(), **noisy)
    play(SignDescent(), QUADRATIC, **noisy)
    play(BALL, QuadraticGame(0.1, large, 0.1), **noisy)
    assert asked == ["play_directly"] * 5


def test_without_numba_numpy_answers_with_the_same_bits(monkeypatch):
    settings = {"steps": 5, "replicas": 130, "noise_variance": 0.3, "seed": 4}
    here = play(BALL, SQUARE, engine="compiled", **settings)
    monkeypatch.setattr(games_module, "compiled_rounds", lambda: None)
    run = play(BALL, SQUARE, **settings)
    np.testing.assert_array_equal(run.outputs, here.outputs)
    with pytest.raises(DomainError, match="engine 'compiled' needs numba, which is not installed"):
        play(BALL, SQUARE, engine="compiled", **settings)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_rounds_are_for_linear_games_and_methods(engine):
    clipped, penalized = DiracGAN.named("wgan-clip"), Consensus(DiracGAN(), 0.1)
    assert is_linear_game(Consensus(Proximal(SQUARE, 0.1), 0.2))
    for method, game in (
        (BALL, DiracGAN()),
        (BALL, clipped),
        (BALL, penalized),
        (BALL, Walled([[0.2, 1], [-1, 0.1]], (1, 1))),
        ((BALL, SignDescent()), QUADRATIC),
    ):
        with pytest.raises(DomainError, match=f"engine '{engine}' plays linear games only, with"):
            play(method, game, steps=2, engine=engine)


def test_a_game_is_no_minimization_mode_by_mode():
    """Players' modes come in pairs, of which `simulate` knows nothing."""
    assert not isinstance(SQUARE, LinearProblem)
    run = simulate(BALL, SQUARE, steps=6, replicas=3, noise_variance=0.1, seed=1)
    again = play(BALL, SQUARE, steps=6, play="simultaneous")
    quiet = simulate(BALL, SQUARE, steps=6)
    np.testing.assert_allclose(quiet.outputs, again.outputs, rtol=1e-12)
    assert run.outputs.shape == (7, 3, 6)


def test_refusals():
    with pytest.raises(DomainError, match="engine is 'jump', but must be one of auto, direct, nu"):
        play(BALL, QUADRATIC, steps=1, engine="jump")
    with pytest.raises(DomainError, match="record is 'all', but must be one of trajectory, mom"):
        play(BALL, QUADRATIC, steps=1, record="all")
    for bad in (-1, np.nan, np.inf):
        with pytest.raises(DomainError, match=f"tolerance is {bad}, but must lie in"):
            play(BALL, QUADRATIC, steps=1, tolerance=bad)
    with pytest.raises(DomainError, match="tolerance is 'low', but must hold numbers"):
        play(BALL, QUADRATIC, steps=1, tolerance="low")
    for bad in (0, 1.5, "few", None, np.inf):
        with pytest.raises(DomainError, match=f"stride is {bad!r}, but must be one whole number"):
            play(BALL, QUADRATIC, steps=6, stride=bad)
    with pytest.raises(DomainError, match="stride is 4, but must be a whole number that divides 6"):
        play(BALL, QUADRATIC, steps=6, stride=4)
    coupling = symbol("singular_value")
    with pytest.raises(NotTraceableError, match="holds SymPy symbols, but only numbers can be run"):
        play(BALL, QuadraticGame(0, coupling, 0), steps=1)
