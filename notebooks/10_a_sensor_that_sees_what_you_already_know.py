# %% [markdown]
# # A sensor that sees what you already know?
#
# Asynchronous workers add momentum of their own. So measure the momentum that is there *in total*,
# compare it with the one you want, and lower your own until they agree: a thermostat for momentum.
# That is closed-loop YellowFin (Zhang and Mitliagkas, 2017), and on some problems it works
# beautifully. On others it changes nothing, for a reason that can be computed: on slow directions,
# and in noise, its sensor reads the momentum that **you set**, and is blind to what the workers
# add.
#
# You need [Where does the momentum come from?](07_where_does_the_momentum_come_from.ipynb). Thirty
# minutes.

# %%
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.dynamics.asynchrony.sensing import noise_reading
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import sensors, staleness

use_style()

# %% [markdown]
# ## The sensor
#
# Heavy ball says $x_{t+1} - x_t = \beta\,(x_t - x_{t-1}) - \alpha g(x_t)$. If points and gradients
# are seen and β is not, solve for it, coordinate by coordinate, and take the median:
#
# $$\hat\mu = \operatorname{median}\; \frac{x_{t+1} - x_t + \alpha g(x_t)}{x_t - x_{t-1}} .$$
#
# With stale gradients t is the version at which the gradient was computed. Without staleness the
# sensor is right:

# %%
ball, bowl = md.HeavyBall(learning_rate=0.02, momentum=0.5), md.Quadratic([1.0, 0.5, 0.25])
run = md.simulate(ball, bowl, steps=300)
readings = md.total_momentum(run, bowl.field, 0.02)
print("set: 0.5, read:", readings[[1, 2, 10, 299]].round(6))

# %% [markdown]
# ## Now sixteen workers
#
# Take away the explicit momentum, and let 16 workers write in turn (a round robin: no randomness
# disturbs). The staleness is 15 and the theorem's arithmetic says "momentum 15/16 = 0.94". Or
# measure it:

# %%
workers, no_ball = 16, md.HeavyBall(learning_rate=0.02, momentum=0.0)
for curvature in (1.0, 0.5, 0.1, 0.01):
    mode = md.Quadratic([curvature])
    run = md.simulate_queue(no_ball, mode, workers=workers, service=md.Deterministic(), updates=600)
    read = md.total_momentum(run, mode.field, 0.02)[-1]
    law = md.sensor_reading(no_ball, curvature, md.FixedDelay(staleness=15)).center
    print(f"αh = {0.02 * curvature:.4f}: read {read:.4f}, predicted {law:.4f},", end=" ")
    print(f"mean staleness × αh = {15 * 0.02 * curvature:.4f}")

# %% [markdown]
# Nowhere near 0.94. On a stiff direction the sensor sees something, on slow ones nothing. And the
# prediction is exact. Where does it come from?
#
# ## What it reads, exactly
#
# After a while a direction of curvature h moves like $z^t$, with z the slowest pole of the loop.
# Put that into the ratio:

# %%
z, beta = sympy.Symbol("z"), md.symbol("momentum")
alpha, h = md.symbol("learning_rate"), md.symbol("curvature")
sensors.mode_reading(z, alpha, h)

# %% [markdown]
# z is a pole, which ties αh to z. Behind a fixed delay τ the reading becomes
#
# $$\hat\mu = z - z^\tau (z - \beta) = \beta z^\tau + z\,(1 - z^\tau):$$

# %%
tau = md.symbol("staleness")
md.expression(sensors.fixed_delay_reading)

# %%
sympy.limit(sensors.fixed_delay_reading(z, beta, tau), z, 1)

# %% [markdown]
# A slow direction has z near 1: there the reading *is* β, the explicit momentum. What you already
# know. To first order it is β + (mean staleness) × αh, behind **any** law of staleness:

# %%
show("what-the-sensor-reads", runs=5)

# %% [markdown]
# Why can't it see the momentum of the workers? Because momentum does two things: it remembers, and
# it makes steps longer, by 1/(1 − β) in all. Workers remember too, but the weights of their memory
# add up to 1: **no step gets longer**. On a slow direction, where the memory is long forgotten
# before the gradient changes, only the length of steps can be seen.
#
# ## Close the loop: it works
#
# Take the stiff case. The target is a total momentum of 0.2, the feedback
# $\beta \leftarrow \beta + \gamma\,(0.2 - \hat\mu)$ with γ = 0.01 after every update.

# %%
loop = md.simulate_closed_loop(
    0.2, md.Quadratic([1.0]), learning_rate=0.02, momentum=0.2, workers=workers,
    service=md.Deterministic(), updates=1500,
)  # fmt: skip
print(loop)
print(f"read at the end {loop.reading[-1]:.4f}, lowest explicit {loop.momentum.min():.4f}")

# %%
show(loop)

# %% [markdown]
# The explicit momentum goes **below zero**, as the paper reports, and the reading comes to its
# target. Where it comes to rest is the root of one equation, asked for without any simulation:

# %%
rest = md.momentum_at_target(no_ball, 1.0, 0.2, md.FixedDelay(staleness=15))
print(f"predicted {rest:.6f}, found {loop.momentum[-1]:.6f}")

# %% [markdown]
# Is negative momentum what one *should* use here? The best explicit momentum on memoryless workers
# can be searched for. It falls with every worker and becomes negative, too:

# %%
show("best-momentum-of-queues", workers=(1, 2, 4, 8))

# %% [markdown]
# ## Close the loop: it does nothing
#
# Real problems have many curvatures, and noise. Take each alone, and both: 64 directions of
# curvature 1, or 64 from 0.01 to 1; without noise, or with.

# %%
problems = {
    "all curvatures 1": md.Quadratic(np.ones(64)),
    "from 0.01 to 1": md.Quadratic(np.geomspace(0.01, 1.0, 64)),
}
for name, problem in problems.items():
    for noise in (0.0, 0.05):
        tried = md.simulate_closed_loop(
            0.2, problem, learning_rate=0.02, momentum=0.2, workers=workers,
            service=md.Deterministic(), updates=3000, noise_variance=noise, seed=7,
        )  # fmt: skip
        print(f"{name:16}, noise {noise:4}: explicit", end=" ")
        print(f"{tried.momentum[1500:].mean():.3f}, read {tried.reading[1500:].mean():.3f}")

# %%
show(tried)

# %% [markdown]
# One in four is negative. Nothing is broken: the sensor reads the target in all of them. But it
# reads it at nearly the momentum that was set, so the loop has nothing to do.
#
# * **Slow directions.** Every direction is a mode of its own, and the sensor takes the median of
#   them: one of curvature 0.1, with αh = 0.002, read as the first order says.
# * **Noise.** At the noise floor no mode is left. Steps are random, and the ratio of two successive
# ones is β plus a little, however stale the gradients are, on stiff directions too. That reading is
# known as well:

# %%
balanced = md.HeavyBall(learning_rate=0.02, momentum=0.17)
floor = noise_reading(balanced, 1.0, md.FixedDelay(staleness=15))
print(f"set {balanced.momentum}, read at the noise floor of curvature 1: {floor:.3f}")

# %% [markdown]
# Three situations side by side, one worker first:

# %%
show("closed-loop-momentum")

# %% [markdown]
# ## Where it swings
#
# Ask for more: a target of 0.7 on the stiff direction. There no explicit momentum makes the slowest
# mode read 0.7 without swinging, and on a swinging mode the ratio has no value: it wanders through
# ±∞ twice a period. The package answers NaN, and the loop finds no rest:

# %%
print(md.momentum_at_target(no_ball, 1.0, 0.7, md.FixedDelay(staleness=15)))
restless = md.simulate_closed_loop(
    0.7, md.Quadratic([1.0]), learning_rate=0.02, momentum=0.2, workers=workers,
    service=md.Deterministic(), updates=1500,
)  # fmt: skip
print(f"the last 500 momenta go from {restless.momentum[-500:].min():.2f}", end=" ")
print(f"to {restless.momentum[-500:].max():.2f}")

# %%
show(restless)

# %% [markdown]
# ## Can it be measured at all?
#
# Yes, with another question. Explicit momentum β is known; ask for the *second* lag. The recursion
# of the mean on M memoryless workers has two poles, β and 1 − 1/M, so $(v_{t+1} - \beta v_t +
# \alpha g)/(v_t - \beta v_{t-1} + \alpha g)$ is 1 − 1/M, exactly, in the mean. And a regression
# finds both:

# %%
server = md.HeavyBall(learning_rate=0.3, momentum=0.3)
narrow = md.Quadratic([1.0])
many = md.simulate_queue(
    server, narrow, workers=4, service=md.Exponential(), updates=40, replicas=20_000, seed=8
)
two = md.fit_mean_dynamics(many.points, narrow.field, lags=2)
print("two lags:", np.abs(two.lag_poles).round(3), f"gain {two.learning_rate:.4f}", end=" ")
print(f"(theory: {staleness.implicit_momentum(4)}, 0.3 and {0.3 / 4})")
mean = many.points.mean(axis=1, keepdims=True)
second = md.measured_implicit_momentum(mean, narrow.field, 0.3, 0.3, staleness=0)
print("the second lag, update by update:", second[2:10, 0].round(3))

# %% [markdown]
# The price: it took the mean of 20,000 runs. On slow directions numerator and denominator are
# smaller than the steps by two orders of αh, and noise drowns them. The momentum of the workers is
# identifiable from transients and stiff directions, or not at all.
#
# **What to remember.** The sensor reads β + (mean staleness) × αh on slow directions, and nearly β
# at the noise floor: what you set. On one stiff curvature, without noise, feedback on it works and
# finds negative momentum; elsewhere it sees nothing to correct. Total momentum is not one number:
# two lags stay two lags.
#
# ## Exercises
#
# 1. **How blind?** For 16 memoryless workers and β = 0.5, from which αh on does the reading differ
#    from 0.5 by more than 0.05? Compare with the first order.
# 2. **The most it can read.** Without explicit momentum, what is the largest reading of a direction
#    that does not swing, for M = 4, 16, 64, 1024? Implicit momentum goes to 1; what does the
#    reading go to?
# 3. **Faster feedback.** Try the gains 0.01, 0.05 and 0.2 in the working loop. Which one settles
#    first, and what goes wrong?
# 4. **Half as wide.** Without noise, how much does the loop lower the explicit momentum on 64
#    curvatures from 0.01, 0.1, 0.5 to 1? Which curvature counts?

# %% [markdown]
# ## Solutions
#
# **1.** The first order, 0.05/15, is nearly right.

# %%
steps = np.linspace(1e-4, 0.01, 1000)
ball = md.HeavyBall(learning_rate=steps, momentum=0.5)
read = md.sensor_reading(ball, 1.0, md.GeometricDelay(workers=16))
first = np.argmax(read.center > 0.55)
print(f"αh = {steps[first]:.5f}, first order {0.05 / 15:.5f}", end=", ")
print(f"no swing there: {read.is_steady[first]}")

# %% [markdown]
# **2.** At critical damping, μ/(1 + √μ): it goes to one half.

# %%
for count in (4, 16, 64, 1024):
    print(f"M = {count:4}: {float(sensors.largest_geometric_delay_reading(count)):.4f}")

# %% [markdown]
# **3.** The reading is as old as the gradient, 15 updates; feedback that is faster than that acts
# on the past and runs away.

# %%
for gain in (0.01, 0.05, 0.2):
    tried = md.simulate_closed_loop(
        0.2, md.Quadratic([1.0]), learning_rate=0.02, momentum=0.2, workers=workers,
        service=md.Deterministic(), updates=600, gain=gain,
    )  # fmt: skip
    off = np.abs(tried.momentum - rest)
    outside = np.flatnonzero(~(off < 0.01))
    print(f"γ = {gain}: last time 0.01 off at update {outside[-1]} of 600", end=", ")
    print(f"momenta from {np.nanmin(tried.momentum):.2f} to {np.nanmax(tried.momentum):.2f}")

# %% [markdown]
# **4.** The median one: every coordinate is a mode with a reading of its own, and half of them are
# below. Compare with `md.momentum_at_target` there.

# %%
for smallest in (0.01, 0.1, 0.5):
    spectrum = np.geomspace(smallest, 1.0, 65)
    tried = md.simulate_closed_loop(
        0.2, md.Quadratic(spectrum), learning_rate=0.02, momentum=0.2, workers=workers,
        service=md.Deterministic(), updates=3000,
    )  # fmt: skip
    middle = float(np.median(spectrum))
    law = md.momentum_at_target(no_ball, middle, 0.2, md.FixedDelay(staleness=15))
    print(f"from {smallest:4}: explicit {tried.momentum[-1]:.4f}, h = {middle:.3f} alone {law:.4f}")
