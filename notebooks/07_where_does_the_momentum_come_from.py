# %% [markdown]
# # Where does the momentum come from?
#
# Take plain gradient descent, no momentum anywhere, and let M workers compute the gradients. Nobody
# waits for anybody: a worker reads the parameters, computes for a while, has its gradient applied
# at once, and reads again. By then the others have moved the parameters, so its gradient is
# **stale**. People who ran this saw their training curves overshoot and swing, as if somebody had
# added momentum. Somebody had: the workers.
#
# The statement (Mitliagkas, Zhang, Hadjis and Ré, 2016) is exact, and short enough to prove here:
#
# $$\mathrm E\,[w_{t+1} - w_t] = \Big(1 - \frac1M\Big)\,\mathrm E\,[w_t - w_{t-1}]
# - \frac{\alpha}{M}\,\mathrm E\,\nabla f(w_t).$$
#
# The mean of the path is a **heavy ball** with momentum β = 1 − 1/M and learning rate α/M. You need
# probability (the geometric law) and the
# [notebook on quadratics](02_what_momentum_does_to_a_quadratic.ipynb). Forty minutes.

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import mean_explorer, show, use_style
from momentum_dynamics.laws import staleness

use_style()

# %% [markdown]
# ## Watch the workers
#
# Four workers, computing times exponential with mean 1: the *memoryless* law. Version t are the
# parameters after t updates. The **staleness** τ of an update is how many updates of others were
# applied between its reading and its writing.

# %%
descent, bowl = md.GradientDescent(learning_rate=0.3), md.Quadratic([1.0])
run = md.simulate_queue(descent, bowl, workers=4, service=md.Exponential(), updates=100_000, seed=1)
print("staleness of the first updates:", run.staleness[:14])
print("their times:                   ", run.times[:6].round(2), "…")
print(f"mean staleness: {run.mean_staleness:.4f}")

# %%
show(run)

# %% [markdown]
# The bars are counted, the dots are the **geometric law** on 0, 1, 2, …. Why geometric? Because an
# exponential time has no memory: however long the others have been computing, each of the M workers
# is the next to write with chance 1/M. So τ = k means: k times somebody else, and then the same
# worker,
#
# $$P(\tau = k) = \Big(1 - \frac1M\Big)^k \frac1M .$$

# %%
law = md.GeometricDelay(workers=4)
measured = run.histogram[:6] / run.histogram.sum()
print("law:     ", law.probabilities(6).round(4))
print("measured:", measured.round(4))

# %% [markdown]
# ## From staleness to momentum, on the blackboard
#
# Let $q_k = P(\tau = k)$. The gradient that arrives is on average
# $\sum_k q_k\,\nabla f(w_{t-k})$: a weighted memory of past gradients. Momentum is a weighted
# memory of past gradients, too. The velocity of heavy ball is
# $-\alpha' \sum_k \beta^k\,\nabla f(w_{t-k})$. Both weights are geometric:
#
# | | weight of the gradient k updates ago | all weights together |
# | --- | --- | --- |
# | workers | $\alpha\,\frac1M\,(1 - \frac1M)^k$ | α |
# | heavy ball | $\alpha'\,\beta^k$ | $\alpha'/(1-\beta)$ |
#
# They are equal term by term for β = 1 − 1/M and α′ = α/M. One line of algebra; the package does it
# with transfer functions. A staleness law multiplies the loop by its generating function q(1/z),
# and with a letter for M this is every M at once:

# %%
alpha, M, h = md.symbol("learning_rate"), md.symbol("workers"), md.symbol("curvature")
z = sympy.Symbol("z")
memory = md.GeometricDelay(workers=M).generating_function(1 / z)
stale = sympy.factor(md.transfer_function(md.GradientDescent(learning_rate=alpha)) * memory)
stale

# %%
ball = md.HeavyBall(
    learning_rate=staleness.implicit_learning_rate(alpha, M),
    momentum=staleness.implicit_momentum(M),
)
sympy.simplify(stale - md.transfer_function(ball))

# %% [markdown]
# Zero: the two loops are one. Or ask which method it is, without saying so first:

# %%
md.equivalent_momentum(md.GradientDescent(learning_rate=alpha), md.GeometricDelay(workers=M))

# %% [markdown]
# So all that is known of heavy ball holds for the mean: where it begins to swing, and at which rate
# it contracts.

# %%
md.characteristic_polynomial(
    md.GradientDescent(learning_rate=alpha), h, md.GeometricDelay(workers=M)
).as_expr()

# %% [markdown]
# ## Is the blackboard right? Try everything that can happen
#
# One step above deserves suspicion. "The gradient that arrives is on average
# $\sum_k q_k\,\nabla f(w_{t-k})$" would be clear if stalenesses were drawn independently of
# everything. In the queue they are not: after a staleness of 3 the next cannot be 4.

# %%
pairs = np.stack([run.staleness[100:-1], run.staleness[101:]])
print(f"staleness 3, then 4: {((pairs[0] == 3) & (pairs[1] == 4)).sum()} times", end=" ")
print(f"(independent draws would give {99_900 * law.probabilities(5)[3:].prod():.0f})")

# %% [markdown]
# For three workers and six updates there are only 3⁶ = 729 sequences in which the workers can
# write, all equally likely. So take the mean over all of them, in fractions, without drawing or
# rounding anything:

# %%
w = sympy.Symbol("w")
slope = sympy.Poly(w**2 / 2, w).diff().eval
bold = md.GradientDescent(learning_rate=Fraction(9, 10))
everything = md.enumerate_queue(bold, slope, workers=3, updates=6)
everything.mean[-1]

# %%
v, g = everything.velocity, everything.gradient
kept, step = Fraction(2, 3), Fraction(9, 10) / 3
print("first velocity", v[0], "and −α∇f(w₀)", -Fraction(9, 10) * g[0])
print("left over by the recursion:", *[v[t] - kept * v[t - 1] + step * g[t] for t in range(1, 6)])

# %% [markdown]
# Nothing is left over: the recursion is **exact** in the real queue, correlations and all. What it
# takes is less than independence: whether τ = k at update t depends only on who wrote *after*
# version t − k, while $w_{t-k}$ depends only on who wrote before. Nothing here used that the
# gradient is linear. Try one that is not, of a double well:

# %%
slope = sympy.Poly(w**4 / 4 - w**2 / 4, w).diff().eval
careful = md.GradientDescent(learning_rate=Fraction(1, 3))
wells = md.enumerate_queue(careful, slope, workers=2, updates=5)
v, g = wells.velocity, wells.gradient
print("left over by the recursion:", *[v[t] - v[t - 1] / 2 + g[t] / 6 for t in range(1, 5)])

# %% [markdown]
# (On a gradient that is not linear, E ∇f(w) is not ∇f(E w). The recursion holds with the former, so
# the mean is not the path of *one* heavy ball there.)
#
# ## Mind the first step
#
# At the start all workers have read w₀, so the first update is a full one: −α∇f(w₀), M times what
# heavy ball with α/M would do from rest. The theorem holds with **that** first velocity. Whoever
# starts heavy ball from rest sees a gap that is not there:

# %%
workers, updates, rate = 8, 80, 0.1
slow = md.GradientDescent(learning_rate=rate)
queue = md.simulate_queue(
    slow, bowl, workers=workers, service=md.Exponential(), updates=updates, replicas=40_000,
    record="moments", stride=1, seed=2,
)  # fmt: skip
twin = md.HeavyBall(
    learning_rate=staleness.implicit_learning_rate(rate, workers),
    momentum=staleness.implicit_momentum(workers),
)
kicked = md.simulate(twin, bowl, steps=updates, start=([1.0], [1.0 + rate])).outputs[:, 0]
rested = md.simulate(twin, bowl, steps=updates).outputs[:, 0]
for name, path in (("first velocity −α∇f(w₀)", kicked), ("from rest", rested)):
    off = np.abs(path - queue.moments.mean[:, 0]).max()
    print(f"{name:24}: at most {off:.4f} from the mean of 40,000 queues", end=" ")
    print(f"(whose standard error is up to {queue.moments.mean_error.max():.4f})")

# %% [markdown]
# (Heavy ball's state is the pair of its last two points; the pair ``([1.0], [1.0 + rate])`` says
# that it arrives at 1 with velocity −0.1.)

# %%
time = np.arange(updates + 1)
plt.plot(time, queue.moments.mean[:, 0], "o", markersize=3, label="mean of 40,000 queues")
plt.plot(time, kicked, color="#222222", label="heavy ball, first velocity −α∇f(w₀)")
plt.plot(time, rested, ":", color="#222222", label="heavy ball from rest")
plt.xlabel("update")
plt.ylabel("displacement")
plt.legend()
plt.show()

# %% [markdown]
# ## Move it yourself
#
# Left the law of staleness, in the middle the poles of the mean, right the mean of 2,000 queues
# over the heavy ball. Try this:
#
# 1. Set M = 1. What is left of the three pictures?
# 2. Raise M from 1 at fixed αh = 0.1. When does the mean begin to swing? Press **critical** for
#    M = 16: how small is the step at which it stops?
# 3. Where do the poles go as M grows, and what does their modulus tell you about the speed?
# 4. Take M = 8 and raise αh to 1. The mean still follows heavy ball, but look at the error bars.
#    (The [next notebook](08_the_mean_is_fine_you_are_not.ipynb) is about them.)

# %%
mean_explorer(workers=8, step=0.1)

# %% [markdown]
# **What you should have seen.** (1) Gradient descent: momentum 0 and one pole that matters. (2) The
# mean swings as soon as αh exceeds about 1/(4M), the law below. (3) Both poles go to the circle of
# radius √(1 − 1/M), towards 1: more workers, slower per update.

# %%
md.expression(staleness.geometric_critical_step)

# %%
for workers in (2, 4, 16, 64):
    critical = staleness.geometric_critical_step(workers)
    print(f"M = {workers:2}: the mean swings from αh = {critical:.5f} on, 1/(4M) = ", end="")
    print(f"{1 / (4 * workers):.5f}")

# %% [markdown]
# ## Controls: break one assumption at a time
#
# A theorem that cannot be broken has not been tested. What if the workers are *not* memoryless? Let
# each take exactly one unit of time. Then they write in turn, every gradient is stale by exactly
# M − 1, and the mean staleness is the same.

# %%
late = np.append(0, md.GeometricDelay(workers=7).probabilities(200))
delays = {
    "geometric on 0, 1, …": md.GeometricDelay(workers=8),
    "fixed at 7": md.FixedDelay(staleness=7),
    "geometric on 1, 2, …": md.EmpiricalDelay(probabilities=late / late.sum()),
}
for (name, delay), style in zip(delays.items(), ("-", "--", ":"), strict=True):
    stale = md.simulate_stale(
        slow, bowl, delay, steps=updates, replicas=40_000, record="moments", seed=3
    )
    plt.plot(stale.mean[:, 0], style, label=f"{name}, mean {delay.mean:.3f}")
    print(f"{name}: at most {np.abs(stale.mean[:, 0] - kicked).max():.4f} from heavy ball", end=" ")
    print(f"(±{stale.mean_error.max():.4f})")
plt.xlabel("update")
plt.ylabel("mean displacement")
plt.legend()
plt.show()

# %% [markdown]
# Same mean staleness, other dynamics. The round robin swings harder, and its recursion needs eight
# numbers of memory: no heavy ball is equal to it. Also a law that is geometric but starts at 1 (a
# gradient is never fresh) gives a heavy ball with a *late* gradient, which is another polynomial.
# And the gain: with α in place of α/M heavy ball would be M times too fast. The claims of the
# package are judged with such controls; a claim whose control passes is not accepted:

# %%
verdict = md.judge(md.claim("queue-of-memoryless-workers-is-momentum-in-the-mean"))
print(verdict.verdict)
for role, evidence in verdict.checks.items():
    print(f"{role:10} {'agrees' if evidence.passed else 'does not agree'}: {evidence.note}")

# %% [markdown]
# ## What the mean hides
#
# Single paths are not heavy balls. Thin are 25 of the 10,000 replicas whose mean the theorem is
# about:

# %%
show("staleness-is-momentum")

# %% [markdown]
# **What to remember.** Memoryless workers make the staleness geometric, geometric weights are
# momentum: β = 1 − 1/M, α/M, first velocity −α∇f(w₀). Exactly, for every M and any gradient, and
# for the mean only.
#
# ## Exercises
#
# 1. **The right number of workers.** Heavy ball is best for κ = 100 at some momentum
#    (`md.tune("heavy-ball", …)`). How many workers have that implicit momentum? With which α?
# 2. **Explicit momentum on top.** Let the server use heavy ball with momentum β itself. Ask for the
#    characteristic polynomial at h = 0. Is there one total momentum?
# 3. **Read it off the data.** From 20,000 queues of 4 workers (`record="all"`), find momentum and
#    learning rate of the mean with `md.fit_mean_dynamics`, without using the theorem.
# 4. **Uneven workers.** Two memoryless workers, one three times as fast. Is staleness geometric?
#    Use `md.MixtureDelay(speeds=…)` and ask `md.equivalent_momentum` for a heavy ball.

# %% [markdown]
# ## Solutions
#
# **1.** 1 − 1/M = β gives M = 1/(1 − β): about three workers seem to do what tuned momentum does,
# for free. Whether they do is the question of the
# [next notebook](08_the_mean_is_fine_you_are_not.ipynb).

# %%
best = md.tune("heavy-ball", smallest_curvature=0.01, largest_curvature=1.0)
workers = 1 / (1 - best.momentum)
print(f"β = {best.momentum:.4f}: M = {workers:.3f}, α = {workers * best.learning_rate:.3f}")

# %% [markdown]
# **2.** No: z = β and z = 1 − 1/M are two lags in a row, not one of size β + 1 − 1/M.

# %%
beta = md.symbol("momentum")
explicit = md.HeavyBall(learning_rate=alpha, momentum=beta)
sympy.factor(md.characteristic_polynomial(explicit, 0, md.GeometricDelay(workers=M)).as_expr(), z)

# %% [markdown]
# **3.** The mean alone knows: 0.75 and 0.3/4.

# %%
many = md.simulate_queue(
    descent, bowl, workers=4, service=md.Exponential(), updates=30, replicas=20_000, seed=3
)
fitted = md.fit_mean_dynamics(many.points, bowl.field)
print(f"momentum {fitted.total_momentum:.3f}, learning rate {fitted.learning_rate:.4f}")

# %% [markdown]
# **4.** Each worker's staleness is geometric, but with its own ratio; the mixture has two, and the
# mean needs three slots. A heavy ball has two.

# %%
uneven = md.MixtureDelay(speeds=[1.0, 3.0])
twin = md.equivalent_momentum(descent, uneven)
print(f"mean staleness {uneven.mean:g}, but {type(twin).__name__} with {twin.A.shape[-1]} slots")
