# %% [markdown]
# # Does momentum generalize?
#
# "Momentum finds flatter minima", "momentum escapes bad wells", "momentum regularizes": said often,
# and each of them true **at equal learning rate, or under noise, or on paper only**. Here every one
# is put to a law that can be checked, at equal learning rate and at equal *effective* learning rate
# $\alpha/(1-\beta)$, and gets a verdict: what helps, and what is only a longer step.
#
# You need [What does noise do?](05_what_does_noise_do.ipynb). Thirty minutes.

# %%
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import generalization, minibatch
from momentum_dynamics.simulation.wells import gibbs_occupation, limit_exit_time

use_style()
alpha, beta, h = map(md.symbol, ("learning_rate", "momentum", "curvature"))

# %% [markdown]
# ## Stopping early, exactly
#
# Least squares, data $y = X\theta + \varepsilon$, start at 0. A method leaves $P_t(h)$ of what is
# missing along a direction of curvature h, so the expected risk is a sum over directions:
#
# $$E|w_t - \theta|^2 = \sum_i P_t(h_i)^2\,\theta_i^2 + \frac{\sigma^2}{n}\sum_i
# \frac{(1 - P_t(h_i))^2}{h_i}.$$
#
# No run, no draw of the noise. On 120 samples of 80 features:

# %%
rng = np.random.default_rng(0)
X, truth = rng.normal(size=(120, 80)), rng.normal(size=80) / np.sqrt(80)
momenta = np.array([0.0, 0.5, 0.9, 0.97])
balls = md.HeavyBall(learning_rate=0.1 * (1 - momenta), momentum=momenta)
path = md.risk_path(balls, X, truth, 1.0, steps=200)
ridge = md.ridge_path(X, truth, 1.0, np.geomspace(0.01, 100, 1000))
for place, momentum in enumerate(momenta):
    print(f"β = {momentum:4g}: stop after {path.best_steps[place]:3d} steps,", end=" ")
    print(f"risk {path.best_risk[place]:.4f}; in the end {path.risk[-1, place]:.3f}")
print(f"the best ridge has {ridge.best_risk:.4f}")

# %% [markdown]
# Here, at equal effective step, the best risk gets no better with momentum. On large data the whole
# path is known beforehand, from the law of Marchenko and Pastur:

# %%
show("risk-against-effective-time", samples=200, features=160, steps=300)

# %% [markdown]
# ## Is it ridge?
#
# What is fitted of a direction, $1 - P_t(h)$, looks like ridge's $h/(h + c)$ with the inverse of
# the effective time as c:

# %%
generalization.matched_ridge(alpha, beta, sympy.Symbol("t"))  # t steps; n are the samples

# %%
show("filters-of-early-stopping")

# %% [markdown]
# Where a direction is overdamped, or has relaxed, all of them are gradient descent. Where it
# oscillates momentum fits *more than all* of it. Averaged over the truth for which that ridge is
# the best there is, stopping costs at most 21 % more than ridge; unless it oscillates:

# %%
show("early-stopping-against-ridge")

# %% [markdown]
# So is momentum never better to stop? Its filter is steeper. Let the truth lie along stiff
# directions only, or along both kinds:

# %%
narrow = np.diag(np.sqrt([2.0, 0.4]))  # curvatures 1 and 0.2
slow = md.HeavyBall(learning_rate=0.02 * (1 - momenta), momentum=momenta)
for place in ([1.0, 0.0], [1.0, 1.0]):
    tried = md.risk_path(slow, narrow, place, 0.5, steps=600)
    print("truth", place, "best risks", tried.best_risk.round(4))

# %% [markdown]
# **Verdict.** Which is better to stop depends on where the truth lies, by some per cent either way:
# momentum for a truth along stiff directions, plain descent for one that is spread.
#
# ## Which interpolator?
#
# With more features than samples many weights fit exactly. Which one is found?

# %%
few, target = rng.normal(size=(20, 50)), rng.normal(size=20)
problem = md.LeastSquares(few, target)
step = 1 / problem.spectrum()[-1]
least = np.linalg.pinv(few) @ target
for method in (
    md.GradientDescent(learning_rate=step),
    md.HeavyBall(learning_rate=step, momentum=0.8),
    md.Nesterov(learning_rate=step, momentum=0.8),
):
    end = md.simulate(method, problem, steps=4000).outputs[-1]
    print(f"{type(method).__name__:16s} is {np.linalg.norm(end - least):.1e} from least norm")

# %% [markdown]
# All of them the same, since $P_t(0) = 1$: no linear method moves where the data say nothing.
# **Verdict.** For linear regression momentum chooses no interpolator. (On networks that is open.)
#
# ## Noise is heat
#
# Noise of the gradient keeps small steps at a temperature, and in it momentum and learning rate
# come as one:

# %%
generalization.temperature(alpha, beta, md.symbol("noise_variance"))

# %%
show("temperature-collapse", replicas=4000)

# %% [markdown]
# Now two wells: a deep sharp one and a flat shallow one. Does momentum prefer the flat one? Does it
# get out sooner?

# %%
well = md.DoubleWell(top=-0.1)
print("curvatures:", well.curvature(np.array([-1.0, 1.0])), " share of the flat one, predicted:")
for name, momentum, rate in (
    ("no momentum", 0.0, 0.01),
    ("equal effective learning rate", 0.8, 0.002),
    ("equal learning rate", 0.8, 0.01),
):
    ball = md.HeavyBall(learning_rate=rate, momentum=momentum)
    run = md.simulate_well(ball, well, noise_variance=80.0, steps=6000, replicas=1000, seed=1)
    heat = generalization.temperature(rate, momentum, 80.0)
    print(f"{name:30s} {gibbs_occupation(well, heat):.3f}, found {run.occupation:.3f}", end=" ")
    print(f"± {run.occupation_error:.3f}")

# %%
show("exits-from-a-well", replicas=300, effective_learning_rate=0.01)

# %% [markdown]
# **Verdict.** Momentum leaves wells because its step is longer. At equal effective step it leaves
# them no sooner, even a little later: a heavy ball has inertia.
#
# ## Flatter minima?
#
# A method cannot stay in a minimum that is too sharp for it. How sharp is that?

# %%
md.sharpness_limit("heavy-ball", learning_rate=alpha, momentum=beta)

# %% [markdown]
# On whole batches momentum bears **sharper** minima, by 1 + β. With small batches every gradient
# sees another curvature, and what counts is the batch sharpness $E h^2/E h$:

# %%
sympy.expand(minibatch.batch_sharpness_limit(alpha, beta, h))

# %%
show("sharpness-limit-against-batch-size")

# %% [markdown]
# Where noise dominates the limit is $2(1-\beta)/\alpha$: flatter by 1 − β, which again is what a
# step of $\alpha/(1-\beta)$ without momentum asks.
#
# Training gets to that limit by itself. A small network on digits, its largest curvature from
# products with the Hessian alone:

# %%
network = md.DigitsNetwork()
for name, momentum in (("heavy-ball", 0.5), ("nesterov", 0.5)):
    rate = 3.0 if name == "heavy-ball" else 1.5  # divided by 3: both limits are 3
    kind = md.HeavyBall if name == "heavy-ball" else md.Nesterov
    run = md.simulate(
        kind(learning_rate=rate / 3, momentum=momentum), network, steps=800, engine="direct"
    )
    seen = [round(network.sharpness(run.points[step]), 2) for step in range(0, 801, 100)]
    limit = md.sharpness_limit(name, learning_rate=rate / 3, momentum=momentum)
    print(f"{name:10s} limit {limit:.2f}, sharpness {seen}")

# %%
show("edge-of-stability")

# %% [markdown]
# And by small batches? On a network the batch sharpness is $E\,g^\top H g / E|g|^2$, with gradient
# and Hessian of the same batch. At the start, before any training:

# %%
rng = np.random.default_rng(0)
for size in (4, 16, 64, 200):
    own, along = network.batch_sharpness(network.start, size, rng)
    print(f"batches of {size:3d}: {own:.2f}, and the whole along the same gradients {along:.2f}")

# %% [markdown]
# Eight networks for each of thirty settings, 16,000 steps, recorded. Where half the step would
# make it sharper (filled), the batch sharpness stops at the limit above, with the curvature of the
# whole along the gradients for h. Without momentum that is $2/\alpha$. With momentum it is far
# beyond $2(1-\beta)/\alpha$: in a network this small noise does not dominate, even by batches of 4.

# %%
show("edge-of-stochastic-stability")

# %% [markdown]
# Some trainings are not at any edge: there the loss got small before the sharpness rose so far. And
# nothing here stands still; late values rise by some per cent over a quarter of the run.
#
# **Verdict.** "Momentum finds flatter minima" is wrong as it stands: sharper by 1 + β on whole
# batches, flatter by 1 − β where noise dominates, both at equal learning rate, and on a small
# network in between.
#
# ## The loss that is really descended
#
# Finite steps descend another loss. The slow pole tells which:

# %%
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
first, second = md.modified_loss(ball)
sympy.Eq(sympy.Symbol("-log z"), first * h + second * h**2)

# %% [markdown]
# $h x^2/2$ is the loss and $h^2x^2/2$ half of $|\nabla E|^2$: a penalty on steep places. By how
# much does momentum make it larger?

# %%
plain = generalization.gradient_penalty(alpha, sympy.Integer(0))
for name, penalty in (
    ("equal learning rate", generalization.gradient_penalty(alpha, beta)),
    ("against the loss", generalization.relative_penalty(alpha, beta)),
    ("equal effective step", generalization.relative_penalty(alpha * (1 - beta), beta)),
):
    ratio = sympy.factor(sympy.simplify(penalty / plain))
    print(f"{name:22s} {ratio!s:36s} at β = 0.9: {ratio.subs(beta, sympy.Rational(9, 10))}")

# %%
show("implicit-regularization-factors", points=40, tried=(0.0, 0.5, 0.8), step=2e-3)

# %% [markdown]
# **Verdict.** Here momentum does more than rescale: at equal effective step the penalty is
# $(1+\beta)/(1-\beta)$ times larger. It is still of the order of the step.
#
# ## On real data
#
# Logistic regression on breast cancer by small batches: the same samples, the same batches, the
# same seeds for all; test loss minus that of plain descent.

# %%
show("momentum-against-a-rescaled-step", seeds=8, steps=1200)

# %% [markdown]
# **What to remember.** Ask what is held equal. At equal *effective* learning rate, and with small
# steps, momentum tests, heats, leaves wells and shares them as plain descent does. What remains is:
# stability on whole batches (a larger effective step may be taken at all), a penalty on gradients
# that grows by (1 + β)/(1 − β), and a steeper filter for whoever stops early, which helps truths
# along stiff directions and harms those that are spread.
#
# ## Exercises
#
# 1. How much later does momentum 0.9 leave the even well by inertia, at an effective step of 0.01,
#    and at 0.001? (`inertia_factor` is in `momentum_dynamics.laws.generalization`.)
# 2. Which batch sharpness does Nesterov's method bear on whole batches with β = 0.9, and what does
#    it become for β → 1? Compare heavy ball.
# 3. Up to which variance of the curvature is *some* mean curvature stable at α = 0.1 and β = 0.9?
#    Ask `sharpness_limit` on both sides of it.
#
# ## Solutions
#
# **1.** The mass is $m = \alpha\beta/(1-\beta)^2$, so it vanishes with the step.

# %%
even = md.DoubleWell()
top = -float(even.curvature(np.array(even.top)))
for step in (0.01, 0.001):
    later = generalization.inertia_factor(step * 0.1, 0.9, top)
    print(f"step {step}: {later:.3f} times as long", end=", ")
    print(f"{later * limit_exit_time(even, 0.4):.2f} in effective time")

# %% [markdown]
# **2.** It falls to 4/3 over the learning rate, while heavy ball's grows to 4.

# %%
for kind in ("nesterov", "heavy-ball"):
    limits = md.sharpness_limit(kind, learning_rate=1.0, momentum=np.array([0.9, 0.999]))
    print(kind, np.round(limits, 4))

# %% [markdown]
# **3.** Up to $(1-\beta^2)/\alpha^2 = 19$, at the mean $(1+\beta)/\alpha = 19$.

# %%
settings = {"learning_rate": 0.1, "momentum": 0.9}
print(md.sharpness_limit("heavy-ball", curvature_variance=18.999, **settings))
try:
    md.sharpness_limit("heavy-ball", curvature_variance=19.001, **settings)
except md.DomainError as error:
    print(error)
