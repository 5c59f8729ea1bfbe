"""Workloads: gradients against finite differences, batches, data."""

import numpy as np
import pytest

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.training import WORKLOADS, networks, workload
from momentum_dynamics.training.texts import zen

each_workload = pytest.mark.parametrize("name", WORKLOADS)


@each_workload
def test_gradients_are_finite_differences(name):
    item = workload(name)
    start = item.initial_parameters(3)
    batch = item.batches(3, 1)[0]
    _, gradient = item.loss_and_gradient(start, batch)
    rng = np.random.default_rng(0)
    for _ in range(2):
        ahead = rng.standard_normal(item.size) / np.sqrt(item.size)
        step = 1e-5
        (above, _), (below, _) = (
            item.loss_and_gradient(start + sign * step * ahead, batch) for sign in (1, -1)
        )
        assert (above - below) / (2 * step) == pytest.approx(
            gradient @ ahead, rel=1e-4, abs=1e-8 * np.linalg.norm(gradient)
        )


@pytest.mark.parametrize("name", [each for each in WORKLOADS if each != "digits-explosive"])
def test_products_of_gradients_are_finite_differences(name):
    # The net that explodes has kinks: there is no difference to take across them.
    item = workload(name)
    starts = np.stack([item.initial_parameters(seed) for seed in (3, 4)])
    batches = np.stack([item.batches(seed, 1)[0] for seed in (3, 4)])
    _, gradients = item.loss_and_gradient(starts, batches)
    along = 1e-5 * gradients / np.linalg.norm(gradients, axis=-1, keepdims=True)
    (_, above), (_, below) = (
        item.loss_and_gradient(starts + sign * along, batches) for sign in (1, -1)
    )
    slope = np.linalg.norm(gradients, axis=-1, keepdims=True) * (above - below) / 2e-5
    found = item.gradient_product(starts, batches)
    np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-8 * np.abs(found).max())


@each_workload
def test_lanes_are_independent_runs(name):
    item = workload(name)
    starts = np.stack([item.initial_parameters(seed) for seed in range(3)])
    batches = np.stack([item.batches(seed, 1)[0] for seed in range(3)])
    losses, gradients = item.loss_and_gradient(starts, batches)
    assert losses.shape == (3,)
    assert gradients.shape == (3, item.size)
    for lane in range(3):
        loss, gradient = item.loss_and_gradient(starts[lane], batches[lane])
        assert losses[lane] == pytest.approx(loss, rel=1e-12)
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradients[lane], gradient, rtol=1e-9, atol=1e-12 * scale)


@each_workload
def test_the_whole_loss_is_the_mean_over_batches_of_an_epoch(name):
    item = workload(name)
    start = item.initial_parameters(0)
    samples = len(item.inputs) // 8 * 8
    parts = np.arange(samples).reshape(8, -1)
    mean = np.mean([item.loss_and_gradient(start, part)[0] for part in parts])
    rest = np.arange(samples, len(item.inputs))
    whole = mean * samples
    if len(rest):
        whole += item.loss_and_gradient(start, rest)[0] * len(rest)
    assert item.train_loss(start) == pytest.approx(whole / len(item.inputs), rel=1e-9)


@each_workload
def test_seeds_decide_on_start_and_batches(name):
    item = workload(name)
    assert (item.initial_parameters(1) == item.initial_parameters(1)).all()
    assert (item.initial_parameters(1) != item.initial_parameters(2)).any()
    long = item.batches(1, 50)
    assert (long[:20] == item.batches(1, 20)).all()
    assert (long != item.batches(2, 50)).any()
    epoch = len(item.inputs) // item.batch_size
    seen = item.batches(0, epoch).ravel()
    assert len(set(seen.tolist())) == len(seen), "an epoch sees no sample twice"


def test_accuracy_is_measured_where_there_are_classes():
    names = {name for name in WORKLOADS if workload(name).has_accuracy}
    assert names == set(WORKLOADS) - {"digits-factors", "zen-letters"}
    item = workload("digits-mlp")
    chance = item.test_accuracy(item.initial_parameters(0))
    assert 0 <= chance < 0.4
    assert np.isnan(workload("zen-letters").test_accuracy(np.zeros((2, 5)))).all()


def test_no_training_sample_is_in_the_test_data():
    item = workload("digits-mlp")
    train, test = ({row.tobytes() for row in part} for part in (item.inputs, item.test_inputs))
    assert not train & test


def test_letters_that_follow_are_the_targets():
    item = workload("zen-letters")
    assert (item.inputs[1:, 0] == item.targets[:-1, 0]).all()
    assert len(zen()) == 856


def test_a_convolution_is_the_sum_over_its_window():
    image = np.random.default_rng(0).standard_normal((1, 8, 8))
    filters = np.random.default_rng(1).standard_normal(9)
    seen = (networks.patches(image, 3)[0] @ filters).reshape(6, 6)
    assert seen[2, 4] == pytest.approx((image[0, 2:5, 4:7] * filters.reshape(3, 3)).sum())


def test_an_unknown_workload_names_its_neighbors():
    with pytest.raises(UnknownNameError, match="digits-mlp"):
        workload("digits-mpl")
