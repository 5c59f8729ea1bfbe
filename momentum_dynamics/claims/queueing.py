"""What the queue really does: momentum in the mean, staleness conserved, kernels of service."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from momentum_dynamics.claims.evidence import Citation, Claim, Evidence, Kind, Verdict
from momentum_dynamics.delays import (
    Deterministic,
    Exponential,
    Gamma,
    GeometricDelay,
    Hyperexponential,
    LogNormal,
    Pareto,
    Service,
    ShiftedExponential,
)
from momentum_dynamics.laws import staleness
from momentum_dynamics.methods import GradientDescent, HeavyBall
from momentum_dynamics.notation import symbol
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import enumerate_queue, simulate, simulate_queue

__all__: list[str] = []

WORKERS = symbol("workers")


def _run(service: Service, workers: int, updates: int, seed: Any, **options: Any) -> Any:
    """Staleness alone is asked for, of every update: the method stands still."""
    return simulate_queue(
        GradientDescent(learning_rate=0.0), Quadratic([1.0]), workers=workers, service=service,
        updates=updates, seed=seed, **options,
    )  # fmt: skip


# The theorem, for the queue and any gradient ---------------------------------------------------


def _residuals(field: Callable[[Fraction], Fraction], workers: int, updates: int) -> list[Fraction]:
    """E vₜ₊₁ − (1 − 1/M) E vₜ + (α/M) E g(wₜ), with v₁ = −α g(w₀)."""
    rate = Fraction(1, 3)
    found = enumerate_queue(
        GradientDescent(learning_rate=rate), field, workers=workers, updates=updates
    )
    kept = staleness.implicit_momentum(Fraction(workers))
    step = staleness.implicit_learning_rate(rate, Fraction(workers))
    velocity = found.velocity
    first = velocity[0] + rate * field(Fraction(1))
    return [
        first,
        *(
            velocity[t] - kept * velocity[t - 1] + step * found.gradient[t]
            for t in range(1, len(velocity))
        ),
    ]


def _linear(point: Fraction) -> Fraction:
    return 9 * point / 10


def _cubic(point: Fraction) -> Fraction:
    """A gradient that is not linear, of x⁴/4 − x²/4: two wells and a hill between them."""
    return point**3 - point / 2


def _mean_proof() -> Evidence:
    """All 3⁶ sequences of three workers and all 2⁷ of two, in fractions; fewer for the cubic.

    In general, with p = 1/M and μ = 1 − p: that update t is of staleness k depends on the draws
    after update t − k alone, of which w_{t−k} knows nothing, and what still reads w₀ has the chance
    μᵗ. So for any g

        E v_{t+1} = −α Σ_{k<t} pμᵏ E g(w_{t−k}) − αμᵗ E g(w₀),

    and less μ times the same for t − 1, term by term, this is E v_{t+1} − μ E v_t = −αp E g(w_t).
    """
    cases = [(_linear, 3, 6), (_linear, 2, 7), (_cubic, 3, 3), (_cubic, 2, 4)]
    left = [value for case in cases for value in _residuals(*case)]
    return Evidence.exact(
        *(value == 0 for value in left),
        note="every step of 2 and 3 workers, linear and cubic gradients, zero in fractions",
    )  # fmt: skip


def _mean_experiment(rng: np.random.Generator, service: Service) -> Evidence:
    workers, rate, updates, replicas = 8, 0.3, 60, 40_000
    problem = Quadratic([1.0], solution=[2.0])
    run = simulate_queue(
        GradientDescent(learning_rate=rate), problem, workers=workers, service=service,
        updates=updates, replicas=replicas, record="moments", stride=1, seed=rng,
    )  # fmt: skip
    seen: Any = run.moments
    twin = HeavyBall(
        learning_rate=staleness.implicit_learning_rate(rate, workers),
        momentum=staleness.implicit_momentum(workers),
    )
    begin = problem.start
    start = (begin, begin + rate * problem.field(begin))
    predicted = simulate(twin, problem, steps=updates, start=start).outputs - problem.solution
    return Evidence.statistical(
        predicted[2:, 0], seen.mean[2:, 0], seen.mean_error[2:, 0],
        note=f"mean path of {replicas:,} queues, M = {workers}, updates 2 to {updates}",
    )  # fmt: skip


def _mean_statement() -> Any:
    velocity = sympy.Function("v")
    step, rate = symbol("step"), symbol("learning_rate")
    gradient = sympy.Function("E")(sympy.Function("g")(sympy.Symbol("w_t")))
    return sympy.Eq(
        velocity(step + 1),
        staleness.implicit_momentum(WORKERS) * velocity(step)
        - staleness.implicit_learning_rate(rate, WORKERS) * gradient,
        evaluate=False,
    )


MEAN = Claim(
    slug="queue-of-memoryless-workers-is-momentum-in-the-mean",
    title=(
        "The queue of M memoryless workers obeys the momentum recursion in the mean exactly, for "
        "any gradient, linear or not, although successive stalenesses depend on each other."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=_mean_statement,
    proof=_mean_proof,
    experiment=lambda rng: _mean_experiment(rng, Exponential()),
    control=lambda rng: _mean_experiment(rng, Deterministic()),
    expected=Verdict.PROVED,
    figures=("mean-is-fine",),
    remark="What is needed is less than independence: that τₜ = k is independent of wₜ₋ₖ, which "
    "holds since it depends on draws after update t − k alone. So E g(w of the read) = "
    "Σ qₖ E g(wₜ₋ₖ) for any g. On a gradient that is not linear E g(w) is not g(E w). The control "
    "has workers of equal times, in a round robin.",
)


# Geometric if and only if memoryless -----------------------------------------------------------


def _geometric_statement() -> Any:
    k = symbol("staleness")
    kept = staleness.implicit_momentum(WORKERS)
    return sympy.Eq(sympy.Function("P")(k), (1 - kept) * kept**k, evaluate=False)


def _geometric_proof() -> Evidence:
    """If: the sum over which draws repeat. Only if: what geometric staleness tends to.

    Memoryless workers are drawn uniformly, so τ = k is k draws of others and then the same. For
    any service, τ/(M − 1) tends to S/E S in law; if τ is geometric for all M, the limit's
    transform is 1/(1 + s), which is that of one exponential law and no other.
    """
    k, s = symbol("staleness"), sympy.Symbol("s", positive=True)
    others = (WORKERS - 1) / WORKERS
    kept = staleness.implicit_momentum(WORKERS)
    delay = GeometricDelay(workers=WORKERS)
    transform = delay.generating_function(sympy.exp(-s / (WORKERS - 1)))
    return Evidence.exact(
        sympy.simplify(others**k / WORKERS - (1 - kept) * kept**k),
        sympy.limit(transform, WORKERS, sympy.oo) - 1 / (1 + s),
        Exponential(mean=1).laplace_transform(s) - 1 / (1 + s),
        note="the law for every M, and the transform of its limit",
    )


def _first_chances(rng: np.random.Generator, service: Service) -> Evidence:
    """Chances of small stalenesses from independent queues, each past its start."""
    workers, replicas, skip, updates = 8, 4_000, 100, 300
    run = _run(service, workers, skip + updates, rng, replicas=replicas)
    late = run.staleness[skip:]
    shares = np.array([(late == k).mean(axis=0) for k in range(6)])
    return Evidence.statistical(
        GeometricDelay(workers=float(workers)).probabilities(6),
        shares.mean(axis=1), shares.std(axis=1) / np.sqrt(replicas),
        note=f"P(τ = 0 … 5) over {replicas:,} queues, M = {workers}",
    )  # fmt: skip


GEOMETRIC = Claim(
    slug="staleness-is-geometric-only-for-memoryless-service",
    title=(
        "Staleness is geometric on 0, 1, … with mean M − 1 if service times are exponential, and "
        "for no other law of service if it is to hold for every M."
    ),
    source=Citation("mitliagkas2016"),
    kind=Kind.IDENTITY,
    statement=_geometric_statement,
    proof=_geometric_proof,
    experiment=lambda rng: _first_chances(rng, Exponential()),
    control=lambda rng: _first_chances(rng, Gamma(shape=4)),
    expected=Verdict.PROVED,
    figures=("what-the-queue-does",),
    remark="The mean is M − 1 whatever the law, so that a momentum fitted to the mean staleness "
    "tests nothing. The control has gamma service of four stages.",
)


# Conservation ----------------------------------------------------------------------------------

LAWS: tuple[Service, ...] = (
    Exponential(), Deterministic(), Gamma(shape=4), ShiftedExponential(shift=0.5),
    LogNormal(variation=1), Pareto(tail=2.5), Hyperexponential(variation=2),
)  # fmt: skip


def _conserved(runs: list[Any], workers: int) -> Evidence:
    left = [
        int(run.staleness.sum()) + int(run.ages.sum()) - run.updates * (workers - 1) for run in runs
    ]
    return Evidence.close(
        0, left, tolerance=0,
        note=f"Σ staleness + Σ ages − T(M − 1) of {len(runs)} queues, whole numbers",
    )  # fmt: skip


def _conservation_experiment(rng: np.random.Generator) -> Evidence:
    workers, updates = 16, 20_000
    runs = [_run(law, workers, updates, rng) for law in LAWS]
    runs.append(_run(Exponential(), workers, updates, rng, speeds=np.arange(1.0, workers + 1)))
    return _conserved(runs, workers)


def _conservation_control(rng: np.random.Generator) -> Evidence:
    return _conserved([_run(Exponential(), 16, 20_000, rng, failures=[(100.0, 3)])], 16)


def _conservation_proof() -> Evidence:
    """One update takes its own age away and makes every other gradient under way one older."""
    workers, size = 4, 5
    ages = sympy.symbols(f"a0:{workers}", integer=True)
    checks = []
    for writer in range(workers):
        after = [0 if i == writer else age + 1 for i, age in enumerate(ages)]
        checks.append(sympy.expand(ages[writer] + sum(after) - sum(ages) - (workers - 1)))
    for sequence in itertools.product(range(3), repeat=size):
        read, total = [0, 0, 0], 0
        for update, worker in enumerate(sequence):
            total += update - read[worker]
            read[worker] = update + 1
        checks.append(sympy.Integer(total + sum(size - r for r in read) - size * 2))
    return Evidence.exact(*checks, note="one update of four workers in symbols; all sequences of 3")


CONSERVATION = Claim(
    slug="mean-staleness-is-one-less-than-the-workers",
    title=(
        "Whatever the service times and the speeds, staleness of all updates and ages at the end "
        "add up to exactly (M − 1) times the updates: mean staleness is M − 1."
    ),
    source=Citation("alahyane2025"),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("S") + sympy.Symbol("A"), symbol("updates") * (WORKERS - 1), evaluate=False
    ),
    proof=_conservation_proof,
    experiment=_conservation_experiment,
    control=_conservation_control,
    expected=Verdict.PROVED,
    figures=("what-the-queue-does",),
    remark="S is the sum of stalenesses, A that of ages at the end. In the control a worker fails.",
)


# Correlation -----------------------------------------------------------------------------------


def _correlation(k: int) -> Any:
    """The correlation of stalenesses k updates apart, from uniform independent draws.

    With X the gap of one worker, E X = M − 1 and Var X = M(M − 1). The worker of update t + k is
    the one of update t and was not drawn in between: τ' = k − 1; or was drawn j draws before, in
    between: τ' = j; or is another and was not: τ' = k + Y. Gaps of two workers go together:
    E XY = (1 − 2/M)(1 + 2 E X + E XY), since a draw of either ends one of them at 0.
    """
    share = 1 / WORKERS
    kept, mean = 1 - share, WORKERS - 1
    both = sympy.Symbol("J")
    (joint,) = sympy.solve(both - (1 - 2 * share) * (1 + 2 * mean + both), both)
    between = sum(j * share * kept**j for j in range(k - 1))
    product = (
        share * kept ** (k - 1) * (k - 1) * mean
        + between * mean
        + kept ** (k - 1) * (1 - share) * (k * mean + joint)
    )
    return (product - mean**2) / (WORKERS * mean)


def _correlation_proof() -> Evidence:
    # A geometric series with the ratio 1 − 1/M.
    ratio = staleness.implicit_momentum(WORKERS)
    total = staleness.staleness_correlation(WORKERS, 1) / (1 - ratio)
    return Evidence.exact(
        *(_correlation(k) - staleness.staleness_correlation(WORKERS, k) for k in range(1, 9)),
        total + sympy.Rational(1, 2),
        note="1 to 8 updates apart, for every M; all together sum to −1/2",
    )  # fmt: skip


def _correlation_experiment(rng: np.random.Generator, *, in_queue: bool) -> Evidence:
    workers, replicas, skip, updates = 4, 4_000, 60, 200
    if in_queue:
        run = _run(Exponential(), workers, skip + updates, rng, replicas=replicas)
        stale = run.staleness[skip:]
    else:
        stale = GeometricDelay(workers=float(workers)).sample(rng, (updates, replicas))
    away = stale - (workers - 1.0)
    apart = (1, 2, 4)
    products = np.array([(away[k:] * away[:-k]).mean(axis=0) for k in apart])
    products /= workers * (workers - 1)
    return Evidence.statistical(
        [float(staleness.staleness_correlation(workers, k)) for k in apart],
        products.mean(axis=1), products.std(axis=1) / np.sqrt(replicas),
        note=f"correlation 1, 2 and 4 updates apart over {replicas:,} queues, M = {workers}",
    )  # fmt: skip


CORRELATION = Claim(
    slug="stalenesses-of-the-queue-are-negatively-correlated",
    title=(
        "Stalenesses k updates apart correlate by −(1 − 1/M)^(k − 1)/(2M): they are not "
        "independent, and all correlations sum to −1/2."
    ),
    source=Citation(None),
    kind=Kind.IDENTITY,
    statement=lambda: sympy.Eq(
        sympy.Symbol("rho_k"),
        staleness.staleness_correlation(WORKERS, sympy.Symbol("k")),
        evaluate=False,
    ),
    proof=_correlation_proof,
    experiment=lambda rng: _correlation_experiment(rng, in_queue=True),
    control=lambda rng: _correlation_experiment(rng, in_queue=False),
    expected=Verdict.PROVED,
    figures=("what-the-queue-does",),
    remark="The control draws staleness independently from the same law.",
)


# The kernel is the service law -----------------------------------------------------------------


def _kernel_proof() -> Evidence:
    """E w^τ for w = 1 − x/(M − 1) tends to E exp(−xS/E S).

    Each of the n = M − 1 others makes N updates during S, a renewal process that has run for long:
    E[N | S] = S/E S exactly, and (1 − w)E N is what 1 − E w^N is short of by (1 − w)² E N(N − 1)/2
    at most. So E[w^N | S] = 1 − xS/(n E S) + O(1/n²). The others are independent given S, and the
    n-th power tends to exp(−xS/E S); it is at most 1, so that the mean over S tends as well.
    """
    n, x, time, mean = sympy.symbols("n x S m", positive=True)
    one = 1 - x * time / (n * mean)
    return Evidence.exact(
        sympy.limit(one**n, n, sympy.oo) - sympy.exp(-x * time / mean),
        note="the generating function of staleness tends to the transform of S/E S",
    )


def _kernel_experiment(rng: np.random.Generator, *, workers: int) -> Evidence:
    service, updates, replicas = LogNormal(variation=1), 4_000, 50
    run = _run(service, workers, updates, rng, replicas=replicas)
    late = run.staleness[updates // 2 :] / (workers - 1)
    at = np.array([0.25, 0.5, 1.0, 2.0])
    shares = np.array([(late <= t).mean() for t in at])
    return Evidence.close(
        service.distribution(at), shares, tolerance=0.01,
        note=f"P(τ/(M − 1) ≤ 1/4, 1/2, 1, 2) against the service law, lognormal, M = {workers}",
    )  # fmt: skip


KERNEL = Claim(
    slug="memory-kernel-is-the-rescaled-service-law",
    title="As workers grow many, staleness over M − 1 has the law of a service time over its mean.",
    source=Citation(None),
    kind=Kind.ASYMPTOTIC,
    statement=lambda: sympy.Eq(
        sympy.Symbol("tau") / (WORKERS - 1), sympy.Symbol("S") / sympy.Symbol("m"), evaluate=False
    ),
    proof=_kernel_proof,
    experiment=lambda rng: _kernel_experiment(rng, workers=512),
    control=lambda rng: _kernel_experiment(rng, workers=4),
    expected=Verdict.PROVED,
    figures=("kernels-are-service-laws",),
    remark="In law, S a service time and m its mean: the memory of the loop is the service law, "
    "and momentum only where that is exponential. The control has four workers.",
)
