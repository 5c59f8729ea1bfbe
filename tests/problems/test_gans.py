"""GANs: small enough to be solved, or at least to be looked at."""

import numpy as np
import pytest
from scipy.integrate import quad

from momentum_dynamics import (
    Consensus,
    CovarianceGame,
    DiracGAN,
    DomainError,
    HeavyBall,
    NotTraceableError,
    RingGAN,
    ShapeError,
    UnknownNameError,
    play,
)
from momentum_dynamics.laws import gans
from momentum_dynamics.methods import OptimisticGradient

VARIANTS = ["gan", "non-saturating", "wgan", "r1", "r1-critical", "instance-noise"]


def differences(game, point, step=1e-6):
    columns = [
        (game.field(point + step * unit) - game.field(point - step * unit)) / (2 * step)
        for unit in np.eye(game.dimension)
    ]
    return np.array(columns).T


@pytest.mark.parametrize("name", [*VARIANTS, "wgan-gp", "wgan-clip"])
def test_jacobians_are_derivatives_everywhere(name):
    game = DiracGAN.named(name)
    points = np.random.default_rng(1).normal(size=(4, 2))
    whole = game.jacobian(points)
    for point, found in zip(points, whole, strict=True):
        np.testing.assert_allclose(found, differences(game, point), atol=1e-7)


def test_expectations_over_instance_noise_are_integrals():
    game, theta, psi, deviation = DiracGAN(noise_deviation=0.7), 0.8, -1.3, 0.7

    def expected(function, mean):
        def weighted(x):
            return function(x) * np.exp(-(((x - mean) / deviation) ** 2) / 2)

        return quad(weighted, mean - 9, mean + 9)[0] / (deviation * np.sqrt(2 * np.pi))

    first = expected(lambda x: psi / (1 + np.exp(psi * x)), theta)
    second = expected(lambda x: x / (1 + np.exp(-psi * x)), 0) - expected(
        lambda x: x / (1 + np.exp(psi * x)), theta
    )
    np.testing.assert_allclose(game.field(np.array([theta, psi])), [first, second], rtol=1e-9)


def test_curvatures_are_those_of_the_laws():
    for game, pull in (
        (DiracGAN(gradient_penalty=0.4), gans.penalized_pull(0.4)),
        (DiracGAN(noise_deviation=0.9), gans.instance_noise_pull(-0.25, 0.81)),
    ):
        turn = gans.penalized_turn(0.5, pull)
        np.testing.assert_allclose(game.spectrum(), [pull + 1j * turn, pull - 1j * turn])
    agreed = Consensus(DiracGAN(), 1.0).spectrum()
    np.testing.assert_allclose(agreed, gans.consensus_pull(0.5, 1.0) + np.array([0.5j, -0.5j]))


def test_clipping_is_a_projection_after_every_step():
    game = DiracGAN.named("wgan-clip")
    method = HeavyBall(learning_rate=0.1, momentum=-0.1)
    path = play(method, game, steps=100, start=[2, 0.5]).outputs
    assert path[:, 1].max() == 1
    by_hand = [np.array([2, 0.5]), np.array([2, 0.5])]
    for _ in range(100):
        (x, y), (before, other) = by_hand[-1], by_hand[-2]
        x_new = x - 0.1 * y - 0.1 * (x - before)
        y_new = np.clip(y + 0.1 * x_new - 0.1 * (y - other), -1, 1)
        by_hand.append(np.array([x_new, y_new]))
    np.testing.assert_allclose(path, by_hand[1:], atol=1e-12)


def test_only_points_are_projected_and_no_gradients():
    method = OptimisticGradient(learning_rate=0.1)
    path = play(method, DiracGAN.named("wgan-clip"), steps=10, start=[20.0, 0.5]).outputs
    free = play(method, DiracGAN.named("wgan"), steps=10, start=[20.0, 0.5]).outputs
    assert path[-1, 1] == 1
    assert free[-1, 1] > 2


def test_a_penalty_pulls_the_slope_to_its_target():
    game = DiracGAN("wasserstein", gradient_penalty=0.7, target=1.5)
    slopes = np.array([-3.5, -1.5, 1.5, 2.5])
    points = np.stack([np.zeros(4), slopes], axis=-1)
    np.testing.assert_allclose(game.player_field(1, points)[:, 0], [-1.4, 0, 0, 0.7], atol=1e-15)


def test_a_penalty_with_a_target_has_a_kink():
    with pytest.raises(DomainError, match="kink"):
        DiracGAN.named("wgan-gp").spectrum()


@pytest.mark.parametrize("wrong", [{"gradient_penalty": -1}, {"target": np.nan}, {"clip": 0}])
def test_dirac_gans_that_are_none_are_refused(wrong):
    with pytest.raises(DomainError, match="but must"):
        DiracGAN(**wrong)


def test_unknown_names_are_told():
    with pytest.raises(UnknownNameError, match="saturating"):
        DiracGAN("saturated")
    with pytest.raises(UnknownNameError, match="instance-noise"):
        DiracGAN.named("instance noise")
    with pytest.raises(UnknownNameError, match="saturating"):
        RingGAN(loss="saturated")
    assert repr(DiracGAN.named("wgan-gp")) == (
        "DiracGAN('wasserstein', gradient_penalty=0.7, target=1)"
    )
    assert repr(DiracGAN.named("wgan-clip")) == "DiracGAN('wasserstein', clip=1)"


# Covariances


def test_the_covariance_game_is_what_it_says():
    game = CovarianceGame([[2.0, 0.5], [0.5, 1.0]])
    point = np.random.default_rng(2).normal(size=8)

    def value(whole):
        factor, critic = whole.reshape(2, 2, 2)
        return np.sum(critic * (game.covariance - factor @ factor.T))

    slopes = np.array(
        [(value(point + 1e-6 * e) - value(point - 1e-6 * e)) / 2e-6 for e in np.eye(8)]
    )
    np.testing.assert_allclose(game.field(point), slopes * np.repeat([1, -1], 4), atol=1e-8)
    np.testing.assert_allclose(game.jacobian(point), differences(game, point), atol=1e-8)
    assert game.error(game.solution) == pytest.approx(0, abs=1e-15)


def test_jacobians_of_many_points_are_those_of_each():
    game = CovarianceGame([[2.0, 0.5], [0.5, 1.0]])
    points = game.starts(6, 1).reshape(2, 3, 8)
    found = game.jacobian(points)
    assert found.shape == (2, 3, 8, 8)
    np.testing.assert_allclose(found[1, 2], game.jacobian(points[1, 2]))
    agreed = Consensus(game, 0.3)
    np.testing.assert_allclose(agreed.field(points)[1, 2], agreed.field(points[1, 2]))
    assert game.field(np.ones((0, 8))).shape == (0, 8)


def test_errors_are_shares_and_starts_spread_as_told():
    game = CovarianceGame(4 * np.eye(2))
    assert game.error(np.zeros(8)) == 1
    assert game.error(game.solution) < 1e-15
    near, far = (game.starts(3, 5, spread=spread) - game.solution for spread in (0.1, 0.4))
    np.testing.assert_allclose(far, 4 * near)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_second_moments_have_the_law_of_batches(batch_size):
    game = CovarianceGame(np.eye(2), batch_size=batch_size, seed=7)
    drawn = game._moment((40000,))
    plain = np.random.default_rng(8).normal(size=(40000, batch_size, 2))
    plain = np.swapaxes(plain, -1, -2) @ plain / batch_size
    for power in (1, 2):
        for i, j in ((0, 0), (1, 0), (1, 1)):
            ours, theirs = drawn[:, i, j] ** power, plain[:, i, j] ** power
            error = np.hypot(ours.std(), theirs.std()) / np.sqrt(len(ours))
            assert abs(ours.mean() - theirs.mean()) < 5 * error


def test_batches_are_right_on_average():
    whole = CovarianceGame([[2.0, 0.5], [0.5, 1.0]])
    game = CovarianceGame(whole.covariance, batch_size=4, seed=3)
    point = np.random.default_rng(4).normal(size=8)
    drawn = game.field(np.broadcast_to(point, (20000, 8)))
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - whole.field(point)) < 5 * error).all()
    assert "batch_size=4" in repr(game)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([[1.0, 2.0]], ShapeError),
        ([[1.0, 2.0], [0.0, 1.0]], DomainError),
        ([[1.0, 2.0], [2.0, 1.0]], DomainError),
    ],
)
def test_what_is_no_covariance_is_refused(wrong, error):
    with pytest.raises(error, match="CovarianceGame"):
        CovarianceGame(wrong)
    with pytest.raises(DomainError, match="batch_size is 0"):
        CovarianceGame(1.0, batch_size=0)


# A ring of Gaussians


@pytest.mark.parametrize("loss", ["saturating", "non-saturating"])
def test_gradients_of_networks_are_differences_of_their_losses(loss):
    game = RingGAN(hidden=3, batch_size=5, loss=loss)
    point = game.starts(2, 1)
    rng = np.random.default_rng(2)
    noise, real = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 5, 2))

    class Fixed:
        def standard_normal(self, shape, dtype):
            return np.broadcast_to(noise, shape).astype(dtype)

    game._rng, game.data = Fixed(), lambda *_: real
    found = game.field(point)

    def tanh_net(parts, x):
        for depth, (weight, bias) in enumerate(parts):
            x = x @ weight + bias
            x = np.tanh(x) if depth < 2 else x
        return x

    def cut(vector, shapes):
        parts, begun = [], 0
        for shape in shapes:
            parts.append(vector[begun : begun + int(np.prod(shape))].reshape(shape))
            begun += int(np.prod(shape))
        return list(zip(parts[::2], parts[1::2], strict=True))

    def losses(whole, lane):
        first, second = whole[: game.sizes[0]], whole[game.sizes[0] :]
        made = tanh_net(cut(first, game.shapes[0]), noise[lane])
        score = tanh_net(cut(second, game.shapes[1]), made)
        truth = tanh_net(cut(second, game.shapes[1]), real[lane])
        chance, known = 1 / (1 + np.exp(-score)), 1 / (1 + np.exp(-truth))
        own = np.log(1 - chance) if loss == "saturating" else -np.log(chance)
        return own.mean(), -np.log(known).mean() - np.log(1 - chance).mean()

    for lane in (0, 1):
        for index in (0, 5, 20, game.sizes[0], game.sizes[0] + 7, game.dimension - 1):
            unit = 1e-6 * np.eye(game.dimension)[index]
            up, down = losses(point[lane] + unit, lane), losses(point[lane] - unit, lane)
            player = int(index >= game.sizes[0])
            slope = (up[player] - down[player]) / 2e-6
            assert found[lane, index] == pytest.approx(slope, abs=1e-6)


def test_coverage_counts_what_it_says():
    game = RingGAN()
    rng = np.random.default_rng(5)
    all_of_it = game.coverage(game.data((3, 4000), rng))
    assert (all_of_it.modes == 8).all()
    assert (all_of_it.quality > 0.99).all()
    assert (all_of_it.total_variation < 0.05).all()
    one = game.coverage(np.broadcast_to(game.centers[2], (50, 2)))
    assert (one.modes, one.quality, one.total_variation) == (1, 1, pytest.approx(7 / 8))
    none = game.coverage(np.zeros((50, 2)))
    assert (none.modes, none.quality, none.total_variation) == (0, 0, pytest.approx(1))


def test_a_ring_has_no_known_equilibrium():
    game = RingGAN(hidden=2, batch_size=3, seed=1)
    with pytest.raises(NotTraceableError, match="DiracGAN"):
        game.spectrum()
    run = play(HeavyBall(learning_rate=0.1, momentum=0.0), game, steps=4, stride=2)
    assert run.outcome == "budget_spent"
    assert run.outputs.shape == (3, game.dimension)
    with pytest.raises(DomainError, match="divides 4"):
        play(HeavyBall(learning_rate=0.1, momentum=0.0), game, steps=4, stride=3)
    with pytest.raises(DomainError, match="hidden is 0"):
        RingGAN(hidden=0)
    with pytest.raises(DomainError, match="deviation is"):
        RingGAN(deviation=-1)


def test_a_penalty_with_a_target_pulls_the_slope_there():
    """The derivative of γ/2 (|ψ| − 1)² at ψ = ±0.4, where the generator sits on the data."""
    game = DiracGAN.named("wgan-gp")
    found = game.player_field(1, np.array([[0.0, 0.4], [0.0, -0.4], [0.0, 1.0]]))
    np.testing.assert_allclose(found[:, 0], [-0.42, 0.42, 0.0], atol=1e-15)
