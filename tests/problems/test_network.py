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


@pytest.mark.parametrize("bad", [{"samples": 1}, {"samples": 1798}, {"hidden": 0}])
def test_a_network_refuses(bad):
    with pytest.raises(DomainError, match="whole number"):
        DigitsNetwork(**bad)
