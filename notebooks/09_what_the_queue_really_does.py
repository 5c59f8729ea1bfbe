# %% [markdown]
# # What does the queue really do?
#
# The theorem that asynchrony is momentum needs workers without memory. Real machines have one: a
# gradient takes about as long as the last one, some nodes are slower, some stall, some die. This
# notebook is about the queue itself: what staleness does for *any* law of computing times, what is
# conserved whatever happens, and which memory an asynchronous loop has.
#
# The answer in one line: **the mean staleness is M − 1 whatever you do, and its law is the law of
# the computing times, rescaled.** You need
# [Where does the momentum come from?](07_where_does_the_momentum_come_from.ipynb). Thirty minutes.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import staleness

use_style()

# %% [markdown]
# ## Seven kinds of machines
#
# A service law says how long a worker computes one gradient. All of these have mean 1; they differ
# in their coefficient of variation (standard deviation over mean) and in their tails.

# %%
services = {
    "deterministic": md.Deterministic(),
    "gamma, 4 stages": md.Gamma(shape=4),
    "half fixed, half exponential": md.ShiftedExponential(shift=0.5),
    "exponential": md.Exponential(),
    "lognormal": md.LogNormal(variation=1),
    "Pareto 2.5": md.Pareto(tail=2.5),
    "hyperexponential": md.Hyperexponential(variation=2),
}
times = np.linspace(0, 4, 400)
for name, service in services.items():
    plt.semilogy(times, np.maximum(service.survival(times), 1e-9), label=name)
plt.xlabel("time")
plt.ylabel("chance to compute longer")
plt.ylim(1e-3, 1.5)
plt.legend()
plt.show()

# %% [markdown]
# ## What is conserved
#
# Let 16 workers run for 50,000 updates with each of them. Where staleness alone is asked, the
# method may stand still.

# %%
workers, updates = 16, 50_000
still, point = md.GradientDescent(learning_rate=0.0), md.Quadratic([1.0])
runs = {
    name: md.simulate_queue(still, point, workers=workers, service=service, updates=updates, seed=3)
    for name, service in services.items()
}
for name, run in runs.items():
    shape = run.staleness.std() / run.mean_staleness
    fresh = workers * (run.staleness == 0).mean()
    print(f"{name:29} mean {run.mean_staleness:.3f}   variation {shape:.3f}", end="   ")
    print(f"(of service {services[name].variation:.3f})   M·P(τ = 0) = {fresh:.2f}")

# %% [markdown]
# The mean is 15 in every line, up to the start: M − 1. There is a one-line reason. **Every update
# makes the gradients under way of the other M − 1 workers one update older**, and takes one
# gradient, with its age, out of the system. So ages come in at M − 1 per update, and what comes in
# must go out. Count it:

# %%
for name, run in runs.items():
    out, left = int(run.staleness.sum()), int(run.ages.sum())
    print(f"{name:29} {out} out + {left:4} under way = {out + left} = (M − 1) × updates:", end=" ")
    print(out + left == (workers - 1) * updates)

# %% [markdown]
# Whole numbers, no rounding, no limit: it holds for any law, any speeds, and every single run
# (Alahyane and others, 2025, call it a discrete Little's law). A warning follows from it. Papers
# fit "the momentum of asynchrony" 1 − 1/M from the **mean** staleness. They would find the same
# number for every cluster, whatever it does. Fit the whole law.
#
# ## The shape of staleness
#
# Look at the second column again: the variation of staleness is nearly that of the service. Here
# are two laws in full, over the geometric law of the same mean:

# %%
fig, axes = plt.subplots(1, 2, sharey=True)
for ax, name in zip(axes, ("exponential", "gamma, 4 stages"), strict=True):
    md.plot(runs[name], ax)
    ax.set_title(name)
plt.show()

# %% [markdown]
# Measured histograms of real clusters often look like the right one: a peak *away* from 0, and only
# the right half looks geometric. The package has the exact law that a service begets among M
# workers, `ServiceDelay`, so that the measurement can be compared with a prediction:

# %%
for name in ("gamma, 4 stages", "lognormal", "Pareto 2.5"):
    law = md.ServiceDelay(service=services[name], workers=workers).probabilities(400)
    shares = runs[name].histogram / updates
    shares = np.pad(shares, (0, max(0, 400 - len(shares))))[:400]
    geometric = md.GeometricDelay(workers=workers).probabilities(400)
    print(f"{name:16} total variation to its own law {abs(shares - law).sum() / 2:.3f},", end=" ")
    print(f"to the geometric law {abs(shares - geometric).sum() / 2:.3f}")

# %% [markdown]
# With many workers it becomes simple. While one worker computes for a time S, each of the other
# M − 1 writes about S/E S times, and by the law of large numbers all of them together
# (M − 1) S/E S times. So **τ/(M − 1) has the law of S/E S**: the memory of the loop is the service
# law. Momentum, an exponential memory, comes from exponential services and from no others.

# %%
show("kernels-are-service-laws")

# %% [markdown]
# ## Stalenesses are not independent
#
# Most simulations draw a staleness for each update, independently. In the queue each version is
# read exactly once, so a long wait of one worker is paid for by the others. Correlations are
# negative, and known:

# %%
show("what-the-queue-does", replicas=300, updates=200)

# %%
run = md.simulate_queue(still, point, workers=4, service=md.Exponential(), updates=200_000, seed=5)
away = run.staleness - run.mean_staleness
for apart in (1, 2, 4, 8):
    measured = (away[apart:] * away[:-apart]).mean() / away.var()
    law = float(staleness.staleness_correlation(4, apart))
    print(f"{apart} updates apart: measured {measured:.4f}, law {law:.4f}")
print(
    f"all together: {sum(float(staleness.staleness_correlation(4, k)) for k in range(1, 300)):.4f}"
)

# %% [markdown]
# They sum to −1/2. That is conservation once more: the running sum of staleness cannot wander off.
#
# ## Does the shape matter? Very much
#
# Same workers, same mean staleness, same learning rate; how large may a step be *in the mean*?

# %%
one = md.GradientDescent(learning_rate=1.0)
for name in ("deterministic", "gamma, 4 stages", "lognormal", "exponential"):
    delay = md.ServiceDelay(service=services[name], workers=16)
    print(f"{name:16} αh up to {float(md.delay_stability_limit(one, delay)):8.4f}")

# %%
careful, bowl = md.GradientDescent(learning_rate=0.085), md.Quadratic([1.0])
for name in ("deterministic", "gamma, 4 stages", "exponential"):
    seen = md.simulate_queue(
        careful, bowl, workers=16, service=services[name], updates=400, replicas=2_000,
        record="moments", stride=1, seed=6,
    ).moments  # fmt: skip
    plt.plot(seen.mean[:, 0], label=name)
plt.xlabel("update")
plt.ylabel("mean displacement")
plt.legend()
plt.show()

# %% [markdown]
# Equal workers of equal times are a *round robin*, the pure delay M − 1, and swing nearly for ever
# at this step; randomness damps. (For the mean. What it does to single runs was the question of the
# [last notebook](08_the_mean_is_fine_you_are_not.ipynb).)
#
# ## Uneven, failing, joining
#
# Speeds change who is stale, not how stale all are together. The fast workers of this cluster are
# four times as fast:

# %%
speeds = np.array([1.0] * 4 + [4.0] * 4)
uneven = md.simulate_queue(
    still, point, workers=8, service=md.Exponential(), updates=100_000, speeds=speeds, seed=7
)
law = md.MixtureDelay(speeds=speeds.tolist())
print(f"mean staleness {uneven.mean_staleness:.3f}; variation", end=" ")
print(f"{uneven.staleness.std() / uneven.mean_staleness:.3f}, of equal workers ", end="")
print(f"{np.sqrt(8 / 7):.3f}")
print("measured:", (uneven.histogram[:6] / 100_000).round(4))
print("law:     ", law.probabilities(6).round(4))

# %% [markdown]
# A worker that fails takes its gradient along; one that joins reads at once. The run says what was
# lost:

# %%
crash = md.simulate_queue(
    still, point, workers=8, service=md.Exponential(), updates=40_000, seed=8,
    failures=[(1000.0, worker) for worker in range(4)], joins=[(3000.0, 0), (3000.0, 1)],
)  # fmt: skip
print(crash)
for begin, end in ((0, 1000), (1100, 3000), (3100, np.inf)):
    inside = (crash.times > begin) & (crash.times < end)
    print(f"from time {begin:4}: mean staleness {crash.staleness[inside].mean():.2f}")

# %% [markdown]
# Seven, three, five: one less than the workers that are there. And the **order** matters: a worker
# that reads *before* its own write is applied never sees its own gradient. All of its gradients are
# one update older, the law begins at 1, and what was heavy ball is none:

# %%
for order in ("write-then-read", "read-then-write"):
    run = md.simulate_queue(
        still, point, workers=4, service=md.Exponential(), updates=50_000, order=order, seed=9
    )
    print(f"{order}: mean {run.mean_staleness:.3f},", (run.histogram[:5] / 50_000).round(3))

# %% [markdown]
# ## Ten thousand workers
#
# None of this is bought with small numbers. Ten thousand workers with the mean time of one second,
# one million updates; the first run waits for the compiler, so a short one goes ahead:

# %%
settings = {"workers": 10_000, "service": md.Gamma(shape=4), "record": "last", "seed": 10}
md.simulate_queue(careful, bowl, updates=20_000, **settings)
begun = time.perf_counter()
cluster = md.simulate_queue(
    md.GradientDescent(learning_rate=1e-5), bowl, updates=1_000_000, **settings
)
took = time.perf_counter() - begun
print(cluster)
print("in less than ten seconds:", took < 10)
print(f"the cluster itself would have taken {float(cluster.times):.1f} s")

# %%
show(cluster)

# %% [markdown]
# The histogram is the gamma law of the service times, 9,999 times wider; the dots are what a theory
# of momentum would have. **What to remember.** Mean staleness is M − 1, always: it tells you
# nothing. Its law is the service law, rescaled; momentum if and only if that is exponential.
# Stalenesses are negatively correlated. Speeds, failures and joins change who is stale.
#
# ## Exercises
#
# 1. **A barrier.** Nodes compute exponential times, but a *group* of 100 waits for its slowest
#    (`md.SlowestOf`). Eight such groups run asynchronously. Is their staleness near the geometric
#    law, or near a fixed delay?
# 2. **A slow server.** Let the server itself take an exponential time of mean 0.2 for each write
#    (`server=`), with 16 workers of mean 1. What happens to the rate of updates and the mean
#    staleness?
# 3. **The start.** All workers start at once. With `md.Deterministic()` and M = 4, what are the
#    first ten stalenesses, and when is the law of the long run reached?
# 4. **Predict a path.** Measure the staleness of 16 gamma workers
#    (`md.EmpiricalDelay.from_staleness`) and predict the mean path of a run with the same workers
#    by independent draws from it. How far off is it?

# %% [markdown]
# ## Solutions
#
# **1.** Near a fixed delay: the slowest of many varies little. Implicit momentum 1 − 1/8 would be
# the wrong picture.

# %%
group = md.SlowestOf(service=md.Exponential(), count=100)
run = md.simulate_queue(still, point, workers=8, service=group, updates=50_000, seed=11)
print(f"variation of staleness {run.staleness.std() / run.mean_staleness:.3f}:", end=" ")
print(f"of a fixed delay 0, of the geometric law {np.sqrt(8 / 7):.3f}")

# %% [markdown]
# **2.** The server bounds the rate of updates at 1/0.2; workers wait in line, but every one of them
# still holds one gradient, so the mean staleness stays M − 1.

# %%
for server in (None, md.Exponential(mean=0.2)):
    run = md.simulate_queue(
        still, point, workers=16, service=md.Exponential(), updates=5_000, server=server, seed=12
    )
    print(
        f"{5_000 / run.times[-1]:5.2f} updates a time unit, mean staleness {run.mean_staleness:.2f}"
    )

# %% [markdown]
# **3.** In the first round the workers write in turn on reads of the start: 0, 1, 2, 3. From then
# on each gradient is exactly 3 updates old.

# %%
run = md.simulate_queue(still, point, workers=4, service=md.Deterministic(), updates=10)
print(run.staleness)

# %% [markdown]
# **4.** Not far: the ages of running jobs go together with the past a little, which independent
# draws cannot know.

# %%
gamma = {"workers": 16, "service": md.Gamma(shape=4)}
found = md.simulate_queue(still, point, updates=100_000, seed=13, **gamma).staleness
measured = md.EmpiricalDelay.from_staleness(found[1_000:])
common = {"replicas": 5_000, "record": "moments", "seed": 14}
queue = md.simulate_queue(careful, bowl, updates=100, stride=1, **gamma, **common).moments
drawn = md.simulate_stale(careful, bowl, measured, steps=100, **common)
gap = np.abs(queue.mean - drawn.mean).max()
print(f"means at most {gap:.3f} apart, standard errors up to {queue.mean_error.max():.3f}")
