# %% [markdown]
# # What does noise do to momentum?
#
# Far from the minimum momentum is about speed. Near it, with noisy gradients, nothing converges any
# more: the method hovers, and the questions are others. How far off does it stay? Does it wander or
# swing? And is momentum to blame, or only the larger step that comes with it?
#
# Everything here is exact for quadratics, and most of it one line to ask. You need variances and
# the [notebook on quadratics](02_what_momentum_does_to_a_quadratic.ipynb). Twenty minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import minibatch, noise

use_style()

# %% [markdown]
# ## The floor
#
# Let every gradient carry independent noise of variance σ². The state becomes a random walk with a
# restoring force, and settles to a law with a variance that solves a linear equation. The package
# solves it for any method, with letters too:

# %%
alpha, beta = md.symbol("learning_rate"), md.symbol("momentum")
h, sigma = md.symbol("curvature"), md.symbol("noise_variance")
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
md.stationary_variance(ball, h, sigma)

# %% [markdown]
# At equal learning rate, momentum raises this floor. But at equal learning rate momentum also
# takes larger steps: a constant gradient moves it by α/(1 − β) a step. Make *that* equal, and
# momentum lowers the floor. Both are drawn here:

# %%
show("noise-floor")

# %% [markdown]
# The two statements are often told as one. On the scorecard the wrong one is refuted:

# %%
verdict = md.judge(md.claim("momentum-raises-the-noise-floor"))
print(verdict.verdict, "-", verdict.claim.remark)

# %% [markdown]
# ## In time
#
# A variance says how far, not how. Two settled runs with the same variance can look quite
# different:

# %%
pair = [md.HeavyBall(learning_rate=0.3, momentum=0.9), None]
target = float(md.stationary_variance(pair[0], 1.0, 1.0))
pair[1] = md.GradientDescent(learning_rate=2 * target / (1 + target))
for method in pair:
    run = md.simulate(method, md.Quadratic([1.0]), steps=200, noise_variance=1.0, seed=4)
    variance = md.stationary_variance(method, 1.0, 1.0)
    plt.plot(run.outputs[40:], label=f"{type(method).__name__}, variance {variance:.2f}")
plt.xlabel("step")
plt.ylabel("distance from the solution")
plt.legend()
plt.show()

# %% [markdown]
# One jitters, one swings. The power spectrum tells them apart: momentum has a resonance.

# %%
omega = np.linspace(0.01, np.pi, 400)
for method in pair:
    plt.semilogy(omega, md.power_spectrum(method, 1.0, 1.0, omega), label=type(method).__name__)
plt.axvline(np.arccos(float(noise.resonance_cosine(0.3, 0.9, 1.0))), color="gray", linestyle=":")
plt.xlabel("frequency, radians per step")
plt.ylabel("power")
plt.legend()
plt.show()

# %% [markdown]
# Measured on runs, with the histogram and the autocorrelation:

# %%
show("fluctuations")

# %% [markdown]
# ## A thousand steps in one draw
#
# Sums of Gaussians are Gaussian. So nothing forces one to make all the steps between two times one
# looks at: the state a thousand steps later is *one* draw with a known mean and covariance.

# %%
settings = {"replicas": 20_000, "noise_variance": 1.0, "record": "moments", "seed": 1}
jumped = md.simulate(
    pair[0], md.Quadratic([0.5, 1.0]), steps=1000, stride=1000, engine="jump", **settings
)
print("jumped   ", jumped.variance[-1].round(3), "±", jumped.variance_error[-1].round(3))
print("predicted", md.stationary_variance(pair[0], [0.5, 1.0], 1.0).round(3))

# %% [markdown]
# ## Mini-batches are another noise
#
# The noise of a mini-batch is not simply added. A batch is a smaller data set with its own minimum
# *and its own curvature*; far away, the wrong curvature matters most. Let the curvature of each
# gradient have variance τ². Now noise can make a method unstable although its mean is stable:

# %%
method = md.HeavyBall(learning_rate=1.0, momentum=0.5)
for variance in (0.0, 0.3, 0.6, 0.9):
    factor = float(md.mean_square_radius(method, 1.0, variance))
    print(f"τ² = {variance:.1f}: E x² is multiplied by {factor:.3f} a step in the long run")

# %% [markdown]
# Where is the limit? There is a short answer for every method. Noise of the curvature acts like
# additive noise of variance τ² E y², where y is the point where the gradient is asked; and that
# point has, under unit noise, some variance g. So the noise feeds on itself with factor τ²g, and
# the floor is
#
# $$\frac{\text{floor without it}}{1 - \tau^2 g},$$
#
# which ends at τ²g = 1. For heavy ball that is a formula:

# %%
md.expression(minibatch.mean_square_step_limit)

# %%
show("mini-batch-limits")

# %% [markdown]
# ## When does momentum pay?
#
# With batches of size B, τ² = ch²/B. For small batches the largest effective step is the same for
# all momenta: momentum *only rescales the step*. For large ones it is worth up to √κ. In between:

# %%
show("speed-up-against-batch-size")

# %% [markdown]
# **What to remember.** Compare at equal effective step, or say that you do not. A swing is no
# noise. In small batches, tune the learning rate and forget about momentum; in large ones it is
# worth its factor.
#
# ## Exercises
#
# 1. At which learning rate is the noise floor of heavy ball (β = 0.9, h = 1, σ² = 1) equal to 0.5?
#    Use `stationary_variance` on an array of learning rates.
# 2. Nesterov's method answers x or y. Which one has the larger floor, and by how much at β = 0.9,
#    α = 0.5, h = 1?
# 3. Gradient descent with α = 1 on h = 1 bears how much variance of the curvature? Answer without a
#    formula, then check with `mini_batch_limit`.
# 4. After how many steps is a settled heavy ball with α = 0.1, β = 0.9, h = 1 uncorrelated with
#    itself for the first time?

# %% [markdown]
# ## Solutions
#
# **1.** The floor grows with the learning rate, so one crossing is looked up.

# %%
rates = np.linspace(0.001, 0.5, 2000)
floors = md.stationary_variance(md.HeavyBall(learning_rate=rates, momentum=0.9), 1.0, 1.0)
print(f"α = {np.interp(0.5, floors, rates):.4f}")

# %% [markdown]
# **2.** y, the point ahead, more than twice.

# %%
for ahead in (False, True):
    accelerated = md.Nesterov(learning_rate=0.5, momentum=0.9, answers_lookahead=ahead)
    print("y" if ahead else "x", float(md.stationary_variance(accelerated, 1.0, 1.0)))

# %% [markdown]
# **3.** With α = h = 1 the mean is reached in one step, and what is left is ζx, so E x² is
# multiplied by τ²: it bears τ² = 1.

# %%
print(md.mini_batch_limit("gradient-descent", curvature=1.0, curvature_variance=1.0))

# %% [markdown]
# **4.** The first zero of the autocorrelation.

# %%
lags = np.arange(40)
correlation = md.autocorrelation(md.HeavyBall(learning_rate=0.1, momentum=0.9), 1.0, 1.0, lags)
print("between", np.flatnonzero(correlation < 0)[0] - 1, "and", np.flatnonzero(correlation < 0)[0])
