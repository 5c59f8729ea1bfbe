# %% [markdown]
# # The mean is fine, but are you?
#
# Asynchronous workers beget momentum, and tuned momentum is fast. So leave the momentum to the
# workers, and the learning rate to the theorem? A mean is a statement about all runs together. You
# have **one** run. This notebook is about what the mean does not say: how far a single path is from
# it, when the spread explodes although the mean converges, and what asynchrony costs in noise.
#
# You need [Where does the momentum come from?](07_where_does_the_momentum_come_from.ipynb) and
# variances. Forty minutes, with sliders.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import path_explorer, show, use_style
from momentum_dynamics.laws import optima, staleness

use_style()

# %% [markdown]
# ## A bold proposal
#
# For κ = 100, tuned heavy ball has momentum 0.669. By the theorem about three workers have it for
# free: 1 − 1/M = 0.669. So take three workers, the learning rate that belongs to it, and expect the
# speed of momentum.

# %%
kappa = 100.0
tuned = md.tune("heavy-ball", smallest_curvature=1 / kappa, largest_curvature=1.0)
rate = 3 * tuned.learning_rate
bold = md.GradientDescent(learning_rate=rate)
for curvature in (1.0, 1 / kappa):
    found = md.queue_moments(bold, curvature, workers=3)
    print(f"α = {rate:.2f}, h = {curvature:4}: mean × {found.mean_rate:.3f} an update,", end=" ")
    print(f"E x² × {found.mean_square_rate:.3f}")
print(f"tuned heavy ball: × {optima.heavy_ball_rate(kappa):.3f}, plain descent: × ", end="")
print(f"{optima.gradient_descent_rate(kappa):.3f}")

# %% [markdown]
# The mean keeps the promise, nearly. And on the steep direction the second moment grows more than
# 25-fold **an update**. Which of the two will you see? Run it.

# %%
run = md.simulate_queue(
    bold, md.Quadratic([1.0]), workers=3, service=md.Exponential(), updates=20, replicas=5, seed=1
)
for update in range(0, 21, 4):
    print(f"after {update:2} updates:", *(f"{x:10.2g}" for x in run.outputs[update, :, 0]))

# %% [markdown]
# The mean of *all* runs converges. These five, and practically all you will ever make, are gone.
# The mean is what enormous numbers of both signs leave over when they cancel.
#
# ## The second moment, exactly
#
# Can the spread be computed? Let u be the mean of what the M workers hold, and V their mean square
# around it. The gradient that arrives next is that of a worker drawn uniformly: u in the mean, with
# variance V. So staleness acts as **noise that the method makes itself**, in proportion to how far
# apart the reads of the workers are. Together with V that is a closed linear recursion, whatever M.
# The package solves it, for any linear method. Do not believe it; enumerate three workers in
# fractions:

# %%
w = sympy.Symbol("w")
slope = sympy.Poly(w**2 / 2, w).diff().eval
half = md.GradientDescent(learning_rate=sympy.Rational(1, 2))
everything = md.enumerate_queue(half, slope, workers=3, updates=7)
exact = md.queue_moments(half, 1, workers=3).path(7)
print("over all sequences:", [str(value) for value in everything.second_moment])
print("closed recursion:  ", [str(value) for value in exact.second_moment])

# %% [markdown]
# ## Three limits
#
# So at which learning rate does it go wrong? The answer depends on what "it" is.

# %%
alpha, M = md.symbol("learning_rate"), md.symbol("workers")
descent = md.GradientDescent(learning_rate=alpha)
md.mean_square_limit(descent, workers=M)

# %% [markdown]
# That is the largest αh for the **second moment**, about √(2/M): it falls with every worker. The
# **mean** bears up to 4M − 2: it *rises* with every worker. In between there is a third limit, of
# **almost every path**: its logarithm grows by a fixed amount an update, the Lyapunov exponent, and
# where that changes sign, typical runs stop converging.

# %%
counts, typical = (2, 4, 8, 16), []
for workers in counts:
    limit = float(staleness.queue_mean_square_limit(workers))
    tried = limit * np.linspace(1.05, 1.35, 4)
    exponents = [
        md.path_exponent(
            md.GradientDescent(learning_rate=step), 1.0, workers=workers, updates=500, seed=2
        ).value
        for step in tried
    ]
    typical.append(float(np.interp(0.0, exponents, tried)))
    print(f"M = {workers:2}: E x² to {limit:.3f}, almost every path to {typical[-1]:.2f}", end=", ")
    print(f"mean to {staleness.geometric_delay_step_limit(workers)}")

# %%
workers = np.geomspace(1, 100, 200)
plt.loglog(workers, staleness.geometric_delay_step_limit(workers), label="mean")
plt.loglog(workers, staleness.queue_mean_square_limit(workers), label="second moment")
plt.loglog(counts, typical, "o", color="#222222", label="almost every path")
plt.loglog(workers, staleness.fixed_delay_step_limit(workers - 1), label="round robin (all three)")
plt.xlabel("workers M")
plt.ylabel("largest stable αh")
plt.legend()
plt.show()

# %% [markdown]
# Note the order: first the second moment goes, a little later almost every path, the mean far
# above. **Between the last two the mean converges while almost every run explodes.** Equal workers
# in a round robin have no randomness, hence one limit for all three, which falls as π/(2M).
#
# ## Move it yourself
#
# Left six paths and the exact mean (black), in the middle their squares with the exact E x²
# (orange), right where the setting lies among the limits. Try this:
#
# 1. Begin with M = 8, αh = 0.3. Raise αh. Where do the orange and the black line part for good?
# 2. Press **at the limit**. What does the orange line do, and what do the paths do?
# 3. Press **fastest mean**: the far end of the steps at which the mean is as fast as it can be.
#    Read the three factors.
# 4. Press **small steps**, for several M. When do mean, path and second moment agree?

# %%
path_explorer(workers=8, step=0.3)

# %% [markdown]
# **What you should have seen.** (1) At once where the mean swings through 0, and for good from
# about the limit on. (2) It stays level, while most paths shrink: E x² is carried by a few large
# ones. (3) The mean contracts, everything you can run explodes. (4) For αh well below 1/M: there,
# and there only, "asynchrony is momentum" is a statement about your run.
#
# The same with 30,000 runs, below and above the limit. Watch the measured mean (blue) on the lower
# left: once E x² explodes, even 30,000 runs do not show the mean any more.

# %%
show("mean-is-fine", step=(0.3, 0.9), replicas=30_000)

# %% [markdown]
# ## The price: a noise floor
#
# With small steps all is well without noise. With noise of variance σ² in every gradient, the path
# settles at a variance. Ask for it in letters:

# %%
queue = md.queue_moments(descent, 1, workers=M, noise_variance=1)
floor = queue.stationary_variance
floor

# %%
one = md.stationary_variance(descent, 1, 1)
sympy.series(sympy.factor(floor / one), alpha, 0, 2)

# %% [markdown]
# Against one worker with the same learning rate, asynchrony multiplies the floor by
# **1 + (M − 1)αh** to first order. Workers are free as long as Mαh is small, and the exact floor
# has its pole at the mean-square limit:

# %%
show("price-of-asynchrony", replicas=800)

# %% [markdown]
# ## A heavy ball is no stand-in
#
# Many papers simulate asynchrony by a heavy ball with β = 1 − 1/M, since the mean is the same.
# Equal mean is not equal noise:

# %%
for workers, step in ((4, 0.2), (8, 0.1), (16, 0.1)):
    stale = md.queue_moments(
        md.GradientDescent(learning_rate=step), 1.0, workers=workers, noise_variance=1.0
    )
    ball = md.HeavyBall(learning_rate=step / workers, momentum=1 - 1 / workers)
    print(
        f"M = {workers:2}, αh = {step}: floor {stale.stationary_variance:.4f} in the queue,", end=""
    )
    print(f" {md.stationary_variance(ball, 1.0, 1.0):.4f} of heavy ball,", end=" ")
    drawn = md.stale_moments(stale.method, 1.0, md.GeometricDelay(workers=workers), 1.0)
    print(f"{drawn.stationary_variance:.4f} if stalenesses were independent")

# %%
verdict = md.judge(md.claim("heavy-ball-of-equal-mean-has-equal-noise"))
print(verdict.verdict, "-", verdict.claim.remark)

# %% [markdown]
# Nor are independent draws of staleness the queue: same mean, but more noise. Which model was
# simulated belongs into every paper.
#
# ## "Asynchrony accelerates"
#
# Now the bold proposal can be judged fairly: each number of workers with its *own best* learning
# rate, over the whole spectrum, in both senses.

# %%
show("best-rates-of-queues")

# %%
verdict = md.judge(md.claim("asynchrony-accelerates-as-momentum-does"))
print(verdict.verdict, "-", verdict.claim.title)
print(verdict.claim.remark)

# %% [markdown]
# In mean square every worker beyond the first makes the *update* slower. What asynchrony buys is
# **updates per second**: M workers make M times as many. Whether that wins is the trade-off of
# every real system, and it needs the rate per time:

# %%
print(f"one worker, plain descent:   × {optima.gradient_descent_rate(kappa):.4f} a time unit")
for workers in (4, 16):
    best = md.tune_queue(1 / kappa, 1.0, workers=workers)
    print(
        f"{workers:2} workers, best in mean square: × {best.rate**workers:.4f} a time unit", end=""
    )
    print(f" (explicit momentum {best.method.momentum:.2f})")
print(f"one worker, tuned momentum:  × {optima.heavy_ball_rate(kappa):.4f} a time unit")

# %% [markdown]
# **What to remember.** The mean of asynchronous descent is momentum; its second moment is not.
# Three limits: E x² about √(2/M), almost every path a little above, the mean 4M − 2. The floor
# costs 1 + (M − 1)αh. Say `mean_rate` or `mean_square_rate`, never just "rate".
#
# ## Exercises
#
# 1. **How many workers are free?** With α = 0.01 and h = 1, how many workers raise the noise floor
#    by 10 %? By 100 %?
# 2. **A mean of few.** For M = 2 and αh = 1.4 take the measured mean square of 10, 1,000 and
#    50,000 queues after 40 updates, and compare with the exact one.
# 3. **Exactly one.** At αh = 1 and M = 4 E x² explodes, but `md.path_exponent` says −∞ if it may
#    run for long enough. What happens to the paths? Look at some with `md.simulate_queue`.
# 4. **Negative explicit momentum.** Does β = −0.2 raise the mean-square limit for M = 8? Ask
#    `md.mean_square_limit` for several β.

# %% [markdown]
# ## Solutions
#
# **1.** The rule 1 + (M − 1)α says 11 and 101, and is not far off.

# %%
counts = np.arange(1, 200)
floors = md.queue_moments(
    md.GradientDescent(learning_rate=0.01), 1.0, workers=counts.astype(float), noise_variance=1.0
).stationary_variance
for more in (1.1, 2.0):
    print(f"× {more}: from M = {counts[np.argmax(floors >= more * floors[0])]} on")

# %% [markdown]
# **2.** Above the limit rare large paths carry E x². Few runs have none of them and as a rule look
# better than the truth; even many are visibly off.

# %%
method = md.GradientDescent(learning_rate=1.4)
print(f"exact: {md.queue_moments(method, 1.0, workers=2).path(40).second_moment[-1]:.3g}")
for replicas in (10, 1_000, 50_000):
    seen = md.simulate_queue(
        method, md.Quadratic([1.0]), workers=2, service=md.Exponential(), updates=40,
        replicas=replicas, record="moments", stride=1, seed=5,
    ).moments  # fmt: skip
    print(f"{replicas:7,} runs: {seen.second_moment[-1, 0]:.3g}")

# %% [markdown]
# **3.** With αh = 1 a fresh gradient lands exactly on the solution. Once every worker in turn has
# written a fresh one, all of them hold 0 and nothing moves ever again: almost every path *ends*,
# after finitely many updates. The few that have not ended yet grow so fast that E x² explodes.

# %%
newton = md.GradientDescent(learning_rate=1.0)
print(md.path_exponent(newton, 1.0, workers=4, updates=5000, replicas=64, seed=1))
print(f"E x² × {md.queue_moments(newton, 1.0, workers=4).mean_square_rate:.3f} an update")
ended = md.simulate_queue(
    newton, md.Quadratic([1.0]), workers=4, service=md.Exponential(), updates=2000, replicas=500,
    seed=3,
)  # fmt: skip
for update in (20, 100, 500, 1900):
    print(
        f"at rest from update {update:4} on: {(ended.outputs[update:] == 0).all(axis=0).mean():.3f}"
    )

# %% [markdown]
# **4.** Yes, markedly; and positive explicit momentum lowers it.

# %%
momenta = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])
limits = md.mean_square_limit(md.HeavyBall(learning_rate=1.0, momentum=momenta), workers=8)
for momentum, limit in zip(momenta, limits, strict=True):
    print(f"β = {momentum:4.1f}: αh up to {limit:.4f}")
