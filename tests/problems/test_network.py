"""The network on digits: its gradient, its Hessian, and its largest curvature."""

import numpy as np
import pytest

from momentum_dynamics import DigitsNetwork, DomainError, GradientDescent, simulate


@pytest.mark.slow
def test_gradient_and_largest_curvature_are_those_of_differences():
    network = DigitsNetwork(samples=40, hidden=2, seed=3)
    point = network.start
    rng = np.random.default_rng(0)
    along = rng.normal(size=network.dimension)
    slope = (network.loss(point + 1e-6 * along) - network.loss(point - 1e-6 * along)) / 2e-6
    assert network.field(point) @ along == pytest.approx(slope, rel=1e-6)
    columns = [network.hessian_product(point, unit) for unit in np.eye(network.dimension)]
    whole = np.array(columns)
    assert whole == pytest.approx(whole.T, abs=1e-12)
    assert network.sharpness(point) == pytest.approx(np.linalg.eigvalsh(whole)[-1], rel=1e-4)


@pytest.mark.slow
def test_training_lowers_the_loss():
    network = DigitsNetwork(samples=40, hidden=4)
    run = simulate(GradientDescent(learning_rate=0.3), network, steps=60, engine="direct")
    assert network.loss(run.points[-1]) < 0.6 * network.loss(network.start)
    assert "samples=40" in repr(network)
    assert (network.solution == network.start).all()


@pytest.mark.parametrize(
    "bad", [{"samples": 1}, {"samples": 1798}, {"samples": "all"}, {"hidden": 0}]
)
def test_a_network_refuses(bad):
    with pytest.raises(DomainError, match="whole number"):
        DigitsNetwork(**bad)


def test_batches_and_lanes_are_what_they_are_one_by_one():
    network = DigitsNetwork(samples=30, hidden=3)
    rng = np.random.default_rng(0)
    points, along = network.start + rng.normal(size=(2, 2, network.dimension))
    batch = network.draw(5, (2,), rng)
    assert all(len(set(row)) == 5 for row in batch.tolist())
    for lane, rows in enumerate(batch):
        only = DigitsNetwork(samples=30, hidden=3)
        only.inputs, only.targets = network.inputs[rows], network.targets[rows]
        point = points[lane]
        assert network.loss(points, batch)[lane] == pytest.approx(only.loss(point))
        assert network.field(points, batch)[lane] == pytest.approx(only.field(point))
        bent = only.hessian_product(point, along[lane])
        assert network.hessian_product(points, along, batch)[lane] == pytest.approx(bent)


def test_batch_sharpness_is_the_ratio_of_its_means():
    network = DigitsNetwork(samples=12, hidden=2)
    point = network.start
    # Batches of one sample: their mean over all twelve is exact.
    gradients = [network.field(point, np.array([sample])) for sample in range(12)]
    products = [
        network.hessian_product(point, gradient, np.array([sample]))
        for sample, gradient in enumerate(gradients)
    ]
    whole = [network.hessian_product(point, gradient) for gradient in gradients]
    squares = np.sum(np.square(gradients))
    own, along = network.batch_sharpness(point, 1, np.random.default_rng(0), batches=4000)
    assert own == pytest.approx(np.sum(np.multiply(gradients, products)) / squares, rel=0.02)
    assert along == pytest.approx(np.sum(np.multiply(gradients, whole)) / squares, rel=0.03)
    own, along = network.batch_sharpness(point, 12, np.random.default_rng(0))
    gradient = network.field(point)
    assert own == pytest.approx(along)
    assert own * (gradient @ gradient) == pytest.approx(
        gradient @ network.hessian_product(point, gradient)
    )
    with pytest.raises(DomainError, match="batch_size is 13"):
        network.batch_sharpness(point, 13, np.random.default_rng(0))
    with pytest.raises(DomainError, match="batches is 0"):
        network.batch_sharpness(point, 1, np.random.default_rng(0), batches=0)
