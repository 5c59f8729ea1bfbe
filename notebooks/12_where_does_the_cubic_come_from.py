# %% [markdown]
# # Where does YellowFin's cubic come from?
#
# YellowFin (Zhang and Mitliagkas, 2017) sets momentum and learning rate by itself: it measures four
# numbers on the gradients and solves **one cubic equation**. Here that equation is derived, from a
# noisy parabola on, every line a cell. On the way we note what was left out, and at the end we see
# what it costs.
#
# You need heavy ball on a quadratic
# ([What momentum does to a quadratic](02_what_momentum_does_to_a_quadratic.ipynb)) and variances.
# Forty minutes, with sliders.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.figures.rule_sliders import rule_explorer
from momentum_dynamics.laws import noise, noisy_quadratic, spectrum, tuning

use_style()
alpha, beta, h = md.symbol("learning_rate"), md.symbol("momentum"), md.symbol("curvature")
variance, d = md.symbol("noise_variance"), md.symbol("displacement")

# %% [markdown]
# ## One: a noisy parabola
#
# The loss is $h x^2/2$ and every gradient comes with noise of variance σ². Heavy ball starts at
# rest, at distance d. Runs differ by their noise; all we can promise is an average.

# %%
ball = md.HeavyBall(learning_rate=0.09, momentum=0.49)
runs = md.simulate(
    ball, md.Quadratic([1.0]), steps=60, start=[3.0], replicas=4, noise_variance=1.0, seed=1
)
moments = md.second_moments(ball, 1.0, 1.0, steps=60, start=3.0)
plt.plot(runs.points[:, :, 0], color="#8a8f98", linewidth=0.8)
plt.plot(moments.mean, label="mean, exactly")
band = 2 * np.sqrt(moments.variance)
plt.fill_between(range(61), moments.mean - band, moments.mean + band, alpha=0.2, label="±2σ")
plt.xlabel("step")
plt.ylabel("x")
plt.legend()
plt.show()

# %% [markdown]
# ## Two: bias and variance
#
# What we want small is $E\,x_n^2$: the square of the mean, which is what the start leaves (the
# *bias*), plus the variance, which is what the noise adds. Exactly, after one and two steps:

# %%
symbolic = md.HeavyBall(learning_rate=alpha, momentum=beta)
exact = md.second_moments(symbolic, h, variance, steps=2, start=d)
sympy.Tuple(exact.mean[1] ** 2, exact.variance[1])

# %%
sympy.Tuple(sympy.factor(exact.mean[2] ** 2), sympy.factor(exact.variance[2]))

# %% [markdown]
# It goes on like this, longer each time, and nobody would minimize it by hand. Keep one thing in
# mind: after *one* step the variance is $\alpha^2\sigma^2$, exactly.
#
# ## Three: a plateau
#
# The mean obeys a linear recursion. Its rate is the spectral radius, and on a whole interval of
# learning rates, the **robust region**, that is $\sqrt\beta$, whatever the curvature:

# %%
show("radius-against-learning-rate")

# %% [markdown]
# The variance obeys one as well, and contracts at the square of that rate, β. So the paper replaces
# both recursions by scalar ones at these rates. That is the **first simplification**, a stand-in
# for $E\,x_n^2$ whose rates are right on the robust region:

# %%
md.expression(noisy_quadratic.surrogate_second_moment)

# %% [markdown]
# ## Four: look one step ahead
#
# Parameters are tuned anew at every step, so take n = 1. That is the **second simplification**:

# %%
one = noisy_quadratic.surrogate_second_moment(alpha, beta, d, variance, 1)
sympy.simplify(one)

# %% [markdown]
# Much better: momentum shall be small for the sake of the first term, and the learning rate for the
# sake of the second.
#
# Nothing in it knows the curvature. So with many coordinates, each with a curvature, a distance and
# a noise of its own, the terms just add up:

# %%
many = zip(sympy.symbols("d_1:4"), sympy.symbols("v_1:4"), strict=True)
total = sum(noisy_quadratic.surrogate_second_moment(alpha, beta, *each, 1) for each in many)
sympy.collect(sympy.expand(sympy.simplify(total)), (alpha, beta))

# %% [markdown]
# It is the same problem with $\|d\|^2$ for $d^2$, and the summed variance for σ². A tuner can do
# with two numbers for a million coordinates, as long as one setting suits all their curvatures.
#
# What keeps momentum and learning rate from being zero? The robust region does: it needs momentum.
#
# ## Five: the smallest learning rate allowed
#
# For every curvature from h_min to h_max the step αh must lie between $(1-\sqrt\beta)^2$ and
# $(1+\sqrt\beta)^2$. The smallest α that does it puts h_min on the low edge:

# %%
u, low, high = (
    md.symbol("root_momentum"),
    *map(md.symbol, ("smallest_curvature", "largest_curvature")),
)
edge = tuning.robust_learning_rate(1 - u, low)
edge

# %% [markdown]
# with $u = \sqrt\beta$. At the other end h_max must still fit in, which asks for a least momentum,
# the one of Polyak's optimum:

# %%
room = sympy.sqrt((1 + u) ** 2 / high) - sympy.sqrt((1 - u) ** 2 / low)
least = tuning.robust_root_momentum(low, high)
sympy.simplify(room.subs(u, least)), least

# %% [markdown]
# ## Six: one variable is left
#
# Put the edge into the objective:

# %%
objective = one.subs({beta: u**2, alpha: edge})
objective = sympy.simplify(objective)
objective

# %% [markdown]
# and look for where its slope vanishes:

# %%
slope = sympy.diff(objective, u)
sympy.factor(slope)

# %% [markdown]
# Two terms. Divide by $4\sigma^2/h_{min}^2$; all that is left of the four numbers is one, which we
# call the *signal* p:

# %%
p = md.symbol("signal_to_noise")
signal = tuning.signal_to_noise(d, low, variance)
signal

# %%
cubic = sympy.expand(slope * low**2 / (4 * variance))
sympy.simplify(cubic - tuning.cubic(u, signal)), tuning.cubic(u, p)

# %% [markdown]
# **There it is**: $p\,u = (1-u)^3$.
#
# ## Seven: one root, and where
#
# At u = 0 the cubic is −1, at u = 1 it is p, and in between it rises:

# %%
tuning.cubic(0, p), tuning.cubic(1, p), sympy.diff(tuning.cubic(u, p), u)

# %% [markdown]
# So there is exactly one root in (0, 1). The second derivative of the objective is positive, so the
# root is its minimum, and if the range of curvatures asks for more momentum, the best that is
# allowed is the least that is allowed:

# %%
sympy.diff(objective, u, 2)

# %%
show("yellowfin-cubic")

# %% [markdown]
# ## Eight: solve it, and keep the digits
#
# Cubics have closed roots. In $g = 1 - u$ it reads $g^3 + pg - p = 0$, and Cardano's formula is a
# difference of two cube roots. For large p these are nearly equal. This project's form is the same
# number without a difference, and u comes from the cubic itself, as $g^3/p$:

# %%
md.expression(tuning.cubic_root)

# %%
show("cubic-root-precision")

# %% [markdown]
# The code that was released with the paper loses its digits from p = 1000 on, which you will not
# notice often, since little momentum is asked for there. At p = 10⁻¹⁸ you do: that is where
# gradients that are all zero lead.
#
# ## Nine: the rule
#
# The larger of the root and the least robust momentum, and the learning rate on the edge:

# %%
for distance in (0.01, 0.1, 1.0, 10.0):
    step = md.single_step(h_max=20.0, h_min=1.0, variance=1.0, distance=distance)
    print(f"distance {distance:5}: momentum {step.momentum:.4f},", end=" ")
    print(f"learning rate {step.learning_rate:.6f}")

# %% [markdown]
# Move it yourself. Left the objective, gray where the range forbids; in the middle the radius
# against the curvature, gray where the curvatures are; right what comes of the choice, exactly and
# by the stand-in.
#
# 1. Begin with the range ν = 20 and lower the signal p. From where on does the noise decide?
# 2. Press **where they meet**. What does the black dot do on the left if you now raise p?
# 3. Press **no range** and lower p. Where do the two lines on the right end, and how far apart?

# %%
rule_explorer(signal_to_noise=0.1, condition_number=20.0)

# %%
show("yellowfin-surfaces")

# %% [markdown]
# ## What was left out, first: the true floor
#
# You saw it on the right. Where the tuner works, on the edge, the noise that builds up in the long
# run is larger than the stand-in says, by

# %%
g = md.symbol("root_gap")
floor = noisy_quadratic.edge_floor(g, low, variance)
stand_in = noise.surrogate_variance(tuning.robust_learning_rate(g, low), (1 - g) ** 2, variance)
for momentum in (0.1, 0.5, 0.9, 0.99):
    ratio = noisy_quadratic.edge_surrogate_ratio(1 - np.sqrt(momentum))
    print(f"β = {momentum}: {ratio:9.2f} times")
sympy.factor(sympy.simplify(floor / stand_in).subs(g, 1 - u))

# %% [markdown]
# The true floor is no harder to minimize. The exercises do it; here is what it changes. The rule
# with the true floor pays less wherever noise is large. But told the distance step by step, neither
# gets rid of the noise; what helps is *patience*, counting the bias after n steps rather than one.

# %%
show("exact-rule", points=80, replicas=4000, steps=1500)

# %% [markdown]
# ## What was left out, second: curvature that changes
#
# "Whatever the curvature" is a statement on one step at a time. If curvature changes on the way,
# steps that all have radius √β can still add up to growth:

# %%
show("generalized-curvature-paths")

# %% [markdown]
# ## What was left out, third: the four numbers
#
# Nobody tells a tuner h_max, h_min, σ² and d. YellowFin takes the squared gradient norm for a
# curvature. Then p is half the signal-to-noise ratio of the gradient, a fine quantity; but the
# noise is in the squared norm too (with many parameters p is hardly ever below one half), and a
# squared gradient does not have the units of a curvature:

# %%
show("scale-test", steps=1000)

# %% [markdown]
# **What to remember.** Momentum and learning rate come from one number, the signal-to-noise ratio,
# unless the range of curvatures asks for more momentum. Behind it are a parabola, a plateau, and
# two simplifications: radii in place of recursions, and one step ahead. Each can be undone, at the
# price of another equation in one unknown.
#
# ## Exercises
#
# 1. **The true floor.** Minimize $u^2 d^2$ plus `noisy_quadratic.edge_floor` instead. Which
#    equation replaces the cubic, is the problem still convex, and what happens at p = 1/16?
# 2. **Growth.** If curvature alternates between h_min and h_max at the tuned setting, distances
#    change by $(1+\sqrt2)\sqrt\beta$ a step. Up to which ν is that below 1?
# 3. **Noise for signal.** What momentum does the cubic ask for at p = 1/2, the least that the
#    tuner's own estimates can show with many parameters?
# 4. **Asynchrony.** `md.queue_single_step` does the same from the exact moments of M workers, over
#    a horizon. What do 1, 4, 16, 64 workers get, and what momentum if it is free?

# %% [markdown]
# ## Solutions
#
# **1.** The slope is a rational function of u; its numerator is $p u (1+u)^4 - (1 - u + u^2)$. The
# floor's second derivative has a quadratic in its numerator without real roots, so the problem is
# convex. At u = 1 the numerator is 16p − 1: for p up to 1/16 the objective falls all the way, and
# the best is not to move.

# %%
true = noisy_quadratic.exact_objective(u, d, low, variance, 1)
balance = sympy.simplify(sympy.diff(true, u) * low**2 * (1 + u) ** 4 / (4 * variance))
print(sympy.simplify(balance - noisy_quadratic.exact_balance(u, signal, 1)))
bend = sympy.factor(sympy.diff(noisy_quadratic.edge_floor(1 - u, 1, 1), u, 2))
print(bend, sympy.discriminant(2 * u**2 - 5 * u + 5, u))
for p_value in (0.05, 0.0625, 0.07, 1.0):
    step = md.exact_single_step(h_max=1.0, h_min=1.0, variance=0.5, distance=np.sqrt(p_value))
    print(f"p = {p_value}: √β = {1 - step.one_minus_root:.4f}, α = {step.learning_rate:.5f}")

# %% [markdown]
# **2.** Up to $3 + 2\sqrt2 = 5.83$: not much of a range.

# %%
growth = sympy.simplify(spectrum.switching_growth(2 * u, u**2))
(root,) = sympy.solve(sympy.Eq(growth, 1), u)
(end,) = sympy.solve(sympy.Eq(tuning.robust_root_momentum(sympy.Integer(1), high), root), high)
growth, sympy.simplify(end), float(end)

# %% [markdown]
# **3.** At most 0.168. What larger momenta the tuner shows come from its window: the least of it is
# `h_min`, which lowers p, and its range asks for momentum as well.

# %%
gap = tuning.cubic_root(0.5)
print(f"β = {(1 - gap) ** 2:.4f}")

# %% [markdown]
# **4.** The learning rate falls, and never crosses the limit of second moments; a free momentum
# falls below zero.

# %%
setting = {"h_max": 1.0, "h_min": 0.1, "variance": 1.0, "distance": 30.0, "horizon": 1000}
for workers in (1, 4, 16, 64):
    plain = md.queue_single_step(**setting, workers=workers)
    free = md.queue_single_step(**setting, workers=workers, momentum=None)
    print(f"M = {workers:2}: α = {plain.learning_rate:.3f}; or", end=" ")
    print(f"α = {free.learning_rate:.3f} with β = {free.momentum:+.2f}")
