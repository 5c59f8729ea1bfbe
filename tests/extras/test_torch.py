"""The optimizer for PyTorch: as the NumPy tuner, and as PyTorch expects its optimizers."""

import copy
import io

import numpy as np
import pytest

from momentum_dynamics import DomainError, ShapeError
from momentum_dynamics import YellowFin as Tuner

torch = pytest.importorskip("torch")

from momentum_dynamics.adapters.torch import YellowFin  # noqa: E402

pytestmark = pytest.mark.extras


def stepper(settings, start, dtype=torch.float64):
    settings = dict(settings)
    factor = settings.pop("learning_rate_factor", 1.0)
    parameters = [torch.nn.Parameter(torch.tensor(point, dtype=dtype)) for point in start]
    optimizer = YellowFin(parameters, lr=factor, **settings)

    def step(gradients):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
        points = [parameter.detach().numpy().astype(float) for parameter in parameters]
        return points, optimizer.info

    return step


def test_walks_like_the_numpy_tuner(case, walk):
    settings, scenario, (used, end) = case
    ours, here = walk(scenario, stepper(settings, scenario.start()))
    np.testing.assert_allclose(ours, used, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(here, end, rtol=1e-9, atol=1e-9)


def test_single_precision_walks_alike(scenarios, walk):
    scenario = scenarios["noisy"]
    used, end = walk(scenario, stepper({"preset": "reference"}, scenario.start()))
    ours, here = walk(scenario, stepper({"preset": "reference"}, scenario.start(), torch.float32))
    np.testing.assert_allclose(ours[20:], used[20:], rtol=2e-3)
    np.testing.assert_allclose(here, end, atol=1e-3)


def model_and_loss(dtype=torch.float64):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    model.to(dtype)
    inputs = torch.randn(64, 6, dtype=dtype)
    labels = inputs.sum(dim=1, keepdim=True).sin()

    def train(optimizer, steps, model=model):
        generator = torch.Generator().manual_seed(1)
        for _ in range(steps):
            batch = torch.randint(64, (16,), generator=generator)

            def closure(batch=batch):
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(model(inputs[batch]), labels[batch])
                loss.backward()
                return loss

            loss = optimizer.step(closure)
        return loss.item()

    return model, train


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_a_restored_run_goes_on_bit_for_bit(preset, dtype):
    model, train = model_and_loss(dtype)
    optimizer = YellowFin(model.parameters(), preset=preset, window=7, weight_decay=0.01)
    train(optimizer, 30)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    stored = torch.load(file, weights_only=True)
    train(optimizer, 30)
    again, train_again = model_and_loss(dtype)
    again.load_state_dict(stored["model"])
    restored = YellowFin(again.parameters())  # its settings come from the state
    restored.load_state_dict(stored["optimizer"])
    train_again(restored, 30)
    np.testing.assert_array_equal(weights(model), weights(again))
    assert restored.info == optimizer.info
    assert restored.tuner == optimizer.tuner


def flat(optimizer):
    """Numbers of everything in a state, to be compared."""
    stored = copy.deepcopy(optimizer.state_dict()["state"])
    numbers = stored.pop("tuner")
    return numbers, {(k, n): t.numpy() for k, some in stored.items() for n, t in some.items()}


def test_a_copy_goes_on_bit_for_bit_and_apart():
    model, train = model_and_loss()
    optimizer = YellowFin(model.parameters(), preset="reference")
    train(optimizer, 20)
    other_model, other = copy.deepcopy((model, optimizer))
    assert other.info == optimizer.info
    told = flat(optimizer)
    shared = YellowFin(model.parameters())
    shared.load_state_dict(optimizer.state_dict())
    train(other, 20, other_model)
    np.testing.assert_equal(flat(optimizer), told)
    train(optimizer, 20)
    np.testing.assert_array_equal(weights(model), weights(other_model))
    assert shared.state["tuner"]["step"] == 20


def test_a_foreign_state_is_refused():
    model, _ = model_and_loss()
    foreign = torch.optim.Adam(model.parameters()).state_dict()
    with pytest.raises(DomainError, match="no state of a YellowFin"):
        YellowFin(model.parameters()).load_state_dict(foreign)


def test_a_state_with_gaps_or_of_other_shapes_is_refused_and_changes_nothing():
    model, train = model_and_loss()
    optimizer = YellowFin(model.parameters(), smoothing=0.9)
    train(optimizer, 3)
    other = YellowFin(model.parameters())

    def spoiled(change):
        stored = copy.deepcopy(optimizer.state_dict())
        change(stored)
        return stored

    for change, error, message in (
        (lambda s: s["state"]["tuner"].pop("window"), DomainError, "has no window"),
        (lambda s: s["state"]["tuner"].update(averages="abc"), DomainError, "'abc' for averages"),
        (lambda s: s["state"][0].pop("velocity"), DomainError, "parameter 0 has no velocity"),
        (lambda s: s["settings"].update(preset="best"), DomainError, "preset is 'best'"),
        (lambda s: s.pop("state"), DomainError, "no state of a YellowFin"),
        (
            lambda s: s["state"][0].update(velocity=torch.ones(7, 7)), ShapeError,
            r"stored velocity has \(7, 7\); give the state of the same model",
        ),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            other.load_state_dict(spoiled(change))
    assert other.state["tuner"]["step"] == 0
    assert other.tuner.smoothing == 0.999
    assert len(other.state) == 1


def test_it_trains():
    model, train = model_and_loss()
    optimizer = YellowFin(model.parameters(), preset="reference", smoothing=0.99)
    first = train(optimizer, 1)
    assert train(optimizer, 400) < 0.5 * first


def run_groups(first, second, steps=25, **settings):
    """Two parameters with the same gradients, in groups of their own; where each went."""
    rng = np.random.default_rng(0)
    pair = [torch.nn.Parameter(torch.ones(5, dtype=torch.float64)) for _ in range(2)]
    optimizer = YellowFin(
        [{"params": [pair[0]], **first}, {"params": [pair[1]], **second}], **settings
    )
    for _ in range(steps):
        gradient = torch.tensor(rng.standard_normal(5))
        for parameter in pair:
            parameter.grad = gradient.clone()
        optimizer.step()
    return [parameter.detach().numpy() - 1 for parameter in pair]


@pytest.mark.parametrize("update_rule", ["difference", "velocity"])
def test_each_group_has_its_own_factor(update_rule):
    one, half = run_groups({}, {"lr": 0.5}, preset="reference", update_rule=update_rule)
    np.testing.assert_allclose(half, one / 2, rtol=1e-12)


def test_each_group_has_its_own_weight_decay():
    none, some = run_groups({"weight_decay": 0.0}, {"weight_decay": 0.5}, preset="reference")
    alone, _ = run_groups({}, {}, preset="reference")
    np.testing.assert_array_equal(none, alone)
    assert (some < none).all()


def test_each_group_has_its_own_largest_move():
    near, far = run_groups(
        {"lr": 1e-3}, {"lr": 1e9}, steps=2, preset="reference", first_gradient_in_velocity=False
    )
    assert np.abs(near).max() < 1
    assert 10 < np.linalg.norm(far) < 200


def test_a_group_without_gradients_is_left_alone():
    used, unused = (torch.nn.Parameter(torch.ones(3, dtype=torch.float64)) for _ in range(2))
    optimizer = YellowFin([{"params": [unused]}, {"params": [used], "lr": 0.5}])
    for _ in range(3):
        used.grad = torch.ones(3, dtype=torch.float64)
        optimizer.step()
    assert (unused == 1).all()
    assert (used < 1).all()


@pytest.mark.parametrize("update_rule", ["difference", "velocity"])
def test_other_devices_make_the_same_step(update_rule, monkeypatch):
    """There all tensors are moved together; here a processor is taken for one of them."""
    groups = [{"weight_decay": 0.1}, {"lr": 0.5}]
    ends = [run_groups(*groups, preset="reference", update_rule=update_rule)]
    monkeypatch.setattr(torch.Tensor, "is_cpu", False, raising=False)
    ends.append(run_groups(*groups, preset="reference", update_rule=update_rule))
    np.testing.assert_allclose(*ends, rtol=1e-12)


def test_one_set_of_statistics_for_all_groups(scenarios, walk):
    """Three tensors in one group or in three: the same walk."""
    scenario = scenarios["several"]
    starts = scenario.start()
    parameters = [torch.nn.Parameter(torch.tensor(start)) for start in starts]
    optimizer = YellowFin([{"params": [one]} for one in parameters], preset="reference")

    def step(gradients):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
        return [parameter.detach().numpy().copy() for parameter in parameters], optimizer.info

    used, end = walk(scenario, step)
    ours, here = walk(scenario, stepper({"preset": "reference"}, starts))
    np.testing.assert_array_equal(ours, used)
    np.testing.assert_array_equal(here, end)


def test_schedulers_change_the_factor():
    model, train = model_and_loss()
    optimizer = YellowFin(model.parameters(), lr=2.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(optimizer, 1)
    assert optimizer.info["learning_rate"] == 2e-4
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 1.0


def filled(optimizer, *gradients):
    for parameter, gradient in zip(optimizer.param_groups[0]["params"], gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def test_a_parameter_without_a_gradient_is_left_alone():
    used, unused = (torch.nn.Parameter(torch.ones(3, dtype=torch.float64)) for _ in range(2))
    optimizer = YellowFin([used, unused], preset="reference")
    tuner = Tuner(preset="reference")
    point = np.ones(3)
    state = tuner.init(point)
    for k in range(10):
        gradient = np.arange(3.0) + k
        filled(optimizer, torch.tensor(gradient), None)
        state, point, _ = tuner.update(state, gradient, point)
    np.testing.assert_allclose(used.detach().numpy(), point, rtol=1e-12)
    assert (unused == 1).all()
    assert unused not in optimizer.state


def test_without_any_gradient_nothing_happens():
    optimizer = YellowFin([torch.nn.Parameter(torch.ones(3))])
    optimizer.step()
    assert optimizer.state["tuner"]["step"] == 0


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_names_the_step_and_changes_nothing(wrong):
    rng = np.random.default_rng(0)
    pulls = [torch.tensor(rng.standard_normal(4)) for _ in range(20)]
    ends = []
    for hurt in (False, True):
        parameter = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
        optimizer = YellowFin([parameter], preset="reference")
        for k, pull in enumerate(pulls):
            if hurt and k == 10:
                bad = pull.clone()
                bad[1:3] = wrong
                with pytest.raises(DomainError, match="step 10 is not finite in 2 of 4 entries"):
                    filled(optimizer, bad)
            filled(optimizer, pull)
        ends.append(parameter.detach().numpy())
    np.testing.assert_array_equal(*ends)


def test_sparse_gradients_are_refused():
    layer = torch.nn.Embedding(10, 3, sparse=True)
    optimizer = YellowFin(layer.parameters())
    layer(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(DomainError, match=r"gradient is sparse .* build the layer with sparse=F"):
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64])
def test_other_types_are_refused(dtype):
    with pytest.raises(DomainError, match=f"parameter is {dtype}"):
        YellowFin([torch.nn.Parameter(torch.ones(3, dtype=dtype))])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "lr is -1.0"),
        ({"lr": "0.1"}, "lr is '0.1', but must be a number in"),
        ({"weight_decay": float("nan")}, "weight_decay is nan"),
        ({"smoothing": 1.0}, "smoothing is 1.0"),
        ({"learning_rate_factor": 2.0}, "as lr, as PyTorch calls it"),
    ],
)
def test_inadmissible_settings_are_refused(settings, message):
    with pytest.raises(DomainError, match=message):
        YellowFin([torch.nn.Parameter(torch.ones(3))], **settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [("momentum", "it is tuned, leave it out"), ("preset", "give it to YellowFin")],
)
def test_what_all_groups_share_is_refused_in_one(name, message):
    group = {"params": [torch.nn.Parameter(torch.ones(3))], name: 0.9}
    with pytest.raises(DomainError, match=f"A group has a {name} of its own.*{message}"):
        YellowFin([group])


def test_a_closure_that_raises_changes_nothing():
    model, train = model_and_loss()
    optimizer = YellowFin(model.parameters())
    train(optimizer, 3)
    before, at = flat(optimizer), weights(model)

    def closure():
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        optimizer.step(closure)
    np.testing.assert_equal(flat(optimizer), before)
    np.testing.assert_equal(weights(model), at)


def test_a_group_that_is_refused_is_not_added():
    optimizer = YellowFin([torch.nn.Parameter(torch.ones(3))])
    with pytest.raises(DomainError, match=r"parameter is torch\.float16"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3).half())]})
    assert len(optimizer.param_groups) == 1


def test_single_and_double_precision_together():
    rng = np.random.default_rng(0)
    pulls = rng.standard_normal((15, 2, 4))
    single = torch.nn.Parameter(torch.ones(4))
    double = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
    optimizer = YellowFin([single, double], preset="reference")
    tuner = Tuner(preset="reference")
    points = [np.ones(4), np.ones(4)]
    state = tuner.init(points)
    for one, two in pulls:
        filled(optimizer, torch.tensor(one, dtype=torch.float32), torch.tensor(two))
        state, points, info = tuner.update(state, [one, two], points)
    assert optimizer.info["h_max"] == pytest.approx(info["h_max"], rel=1e-6)
    assert single.dtype == optimizer.state[single]["velocity"].dtype == torch.float32
    np.testing.assert_allclose(double.detach().numpy(), points[1], rtol=1e-6)


def test_buffers_are_like_the_parameters_and_plain_layouts_do_not_matter():
    rng = np.random.default_rng(0)
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        start = torch.ones(2, 3, 4, 5).to(memory_format=layout)
        parameter = torch.nn.Parameter(start)
        optimizer = YellowFin([parameter], preset="reference")
        for _ in range(15):
            filled(optimizer, torch.tensor(rng.standard_normal((2, 3, 4, 5)), dtype=torch.float32))
        for name in ("mean_gradient", "velocity"):
            buffer = optimizer.state[parameter][name]
            assert buffer.dtype == torch.float32
            assert buffer.stride() == parameter.stride()
        ends.append(parameter.detach().numpy())
        rng = np.random.default_rng(0)
    np.testing.assert_allclose(*ends, atol=1e-6)


def test_gradients_are_not_changed():
    gradient = torch.full((4,), 100.0)
    optimizer = YellowFin([torch.nn.Parameter(torch.ones(4))], preset="reference", clip_norm=1.0)
    filled(optimizer, gradient)
    filled(optimizer, gradient)
    assert (gradient == 100).all()


def test_the_device_is_waited_for_once_in_a_step(monkeypatch):
    waits = []

    def watched(name, original):
        def call(tensor, *given):
            waits.append(name)
            return original(tensor, *given)

        return call

    for name in ("item", "tolist", "__float__", "__bool__", "__int__", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, watched(name, getattr(torch.Tensor, name)))
    optimizer = YellowFin(
        [torch.nn.Parameter(torch.ones(4)), torch.nn.Parameter(torch.ones(3, 2))],
        preset="reference", sparsity_debias=True,
    )  # fmt: skip
    for _ in range(5):
        filled(optimizer, torch.ones(4), torch.ones(3, 2))
    assert waits == ["tolist"] * 5


def test_long_sums_in_single_precision_keep_their_digits():
    rng = np.random.default_rng(0)
    gradients = 1 + 0.1 * rng.standard_normal((3, 1_000_000))
    parameter = torch.nn.Parameter(torch.ones(1_000_000))
    optimizer = YellowFin([parameter], preset="reference")
    tuner = Tuner(preset="reference")
    point = np.ones(1_000_000)
    state = tuner.init(point)
    for gradient in gradients:
        filled(optimizer, torch.tensor(gradient, dtype=torch.float32))
        state, point, info = tuner.update(state, gradient, point)
    for name in ("h_min", "h_max", "distance"):
        assert optimizer.info[name] == pytest.approx(info[name], rel=1e-6)
    assert optimizer.info["variance"] == pytest.approx(info["variance"], rel=1e-3)
