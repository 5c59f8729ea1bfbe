"""Stale ensembles against the best NumPy version, a loop of torch's and a scan of jax's."""

from functools import partial

import numpy as np
import pytest

from momentum_dynamics import GeometricDelay, GradientDescent, Quadratic, simulate_stale

pytestmark = pytest.mark.benchmark

DIMENSION, REPLICAS, STEPS, RATE = 16, 4096, 500, 0.02
CURVATURES = np.linspace(0.1, 1.0, DIMENSION)
HISTORY = {4: 64, 16: 256}
"""How many past points the contenders keep for M workers: more than is ever drawn here."""


def ours(workers, threads=1, record="last"):
    return simulate_stale(
        GradientDescent(learning_rate=RATE), Quadratic(CURVATURES), GeometricDelay(workers=workers),
        steps=STEPS, replicas=REPLICAS, noise_variance=1.0, seed=0, record=record,
        engine="compiled", threads=threads,
    )  # fmt: skip


def by_hand(workers, block=512):
    """The best one writes in NumPy: blocks that stay in the cache, a ring of points, rows of it
    taken by number into place, all draws in few calls, and no array made anew."""
    kept, rows = HISTORY[workers], 25
    ends = []
    scale = -RATE * CURVATURES
    for rng in np.random.Generator(np.random.SFC64(0)).spawn(REPLICAS // block):
        point = np.ones((block, DIMENSION))
        ring = np.ones((kept * block, DIMENSION))
        noise, stale = np.empty((rows, block, DIMENSION)), np.empty((block, DIMENSION))
        lane = np.arange(block)
        for begun in range(0, STEPS, rows):
            steps = np.arange(begun, begun + rows)[:, None]
            lags = np.minimum(rng.geometric(1 / workers, (rows, block)) - 1, steps)
            sources = (steps - lags) % kept * block + lane
            rng.standard_normal(out=noise)
            noise *= RATE
            for row in range(rows):
                place = (begun + row) % kept * block
                ring[place : place + block] = point
                np.take(ring, sources[row], axis=0, out=stale, mode="clip")
                stale *= scale
                stale -= noise[row]
                point += stale
        ends.append(point)
    return np.concatenate(ends)


def with_jax(jax, workers):
    """One scan over the steps, compiled as a whole; single precision is what it is made for."""
    jnp, kept = jax.numpy, HISTORY[workers]
    lane = jnp.arange(REPLICAS)
    curvatures = jnp.asarray(CURVATURES, dtype=jnp.float32)
    log_kept = np.log1p(-1 / workers)

    def step(state, counted):
        number, key = counted
        point, ring = state
        first, second = jax.random.split(key)
        uniform = jax.random.uniform(first, (REPLICAS,), minval=1e-7)
        lag = jnp.minimum(jnp.floor(jnp.log(uniform) / log_kept).astype(jnp.int32), number)
        ring = ring.at[number % kept].set(point)
        stale = ring[(number - lag) % kept, lane]
        noise = jax.random.normal(second, point.shape)
        return (point - RATE * (curvatures * stale + noise), ring), None

    @jax.jit
    def run(key):
        start = jnp.ones((REPLICAS, DIMENSION), dtype=jnp.float32)
        ring = jnp.ones((kept, REPLICAS, DIMENSION), dtype=jnp.float32)
        counted = (jnp.arange(STEPS), jax.random.split(key, STEPS))
        return jax.lax.scan(step, (start, ring), counted)[0][0]

    return lambda: np.asarray(run(jax.random.key(0)).block_until_ready())


def with_torch(torch, workers):
    """A loop over the steps on all replicas, in place, with torch's own generator."""
    kept = HISTORY[workers]

    def run():
        generator = torch.Generator().manual_seed(0)
        point = torch.ones(REPLICAS, DIMENSION)
        ring = torch.ones(kept * REPLICAS, DIMENSION)
        noise, stale = torch.empty_like(point), torch.empty_like(point)
        lags = torch.empty(REPLICAS)
        lane = torch.arange(REPLICAS)
        curvatures = torch.as_tensor(CURVATURES, dtype=torch.float32)
        for step in range(STEPS):
            place = step % kept * REPLICAS
            ring[place : place + REPLICAS] = point
            lags.geometric_(1 / workers, generator=generator).sub_(1).clamp_(max=step)
            sources = (step - lags.long()) % kept * REPLICAS + lane
            torch.index_select(ring, 0, sources, out=stale)
            noise.normal_(generator=generator)
            point.sub_(stale.mul_(curvatures).add_(noise), alpha=RATE)
        return point.numpy()

    return run


def assert_same_law(found, expected):
    """The mean and variance of every mode at the end agree within five standard errors."""
    for one, other in zip(found.T, expected.T, strict=True):
        error = np.sqrt((one.var() + other.var()) / REPLICAS)
        assert abs(one.mean() - other.mean()) < 5 * error
        assert abs(one.var() - other.var()) < 5 * 2 * one.var() * np.sqrt(1 / REPLICAS)


@pytest.mark.parametrize("workers", [4, 16])
def test_against_numpy(race, workers):
    assert_same_law(by_hand(workers), ours(workers).outputs)
    times = race(
        rounds=7,
        numpy=partial(by_hand, workers),
        one=partial(ours, workers),
        two=partial(ours, workers, threads=2),
        moments=partial(ours, workers, record="moments"),
    )
    one, two, moments = (
        np.median(times["numpy"] / times[name]) for name in ("one", "two", "moments")
    )
    each = np.median(times["one"]) / (STEPS * REPLICAS * DIMENSION) * 1e9
    race.report(
        f"stale ensemble {DIMENSION} × {REPLICAS} × {STEPS} steps, geometric, {workers} workers: "
        f"{each:.1f} ns a number, {one:.2f} times as fast as NumPy's ring, {two:.2f} times on two "
        f"threads, {moments:.2f} times with moments of every step on one"
    )
    assert one >= 1.9
    assert max(one, two) >= 3


@pytest.mark.parametrize("workers", [4, 16])
def test_against_jax(race, workers):
    jax = pytest.importorskip("jax")
    theirs = with_jax(jax, workers)
    assert_same_law(theirs(), ours(workers).outputs)
    times = race(rounds=5, jax=theirs, ours=partial(ours, workers, threads=None))
    ratio = np.median(times["jax"] / times["ours"])
    race.report(
        f"stale ensemble, {workers} workers: {ratio:.2f} times as fast as jax.lax.scan "
        f"{jax.__version__} in single precision, all threads each"
    )
    assert ratio > 1


@pytest.mark.parametrize("workers", [4, 16])
def test_against_torch(race, workers):
    torch = pytest.importorskip("torch")
    theirs = with_torch(torch, workers)
    assert_same_law(theirs(), ours(workers).outputs)
    times = race(rounds=5, torch=theirs, ours=partial(ours, workers, threads=None))
    ratio = np.median(times["torch"] / times["ours"])
    race.report(
        f"stale ensemble, {workers} workers: {ratio:.2f} times as fast as a loop of torch "
        f"{torch.__version__} in single precision, all threads each"
    )
    assert ratio > 1
