# %% [markdown]
# # What does YellowFin do all day?
#
# **When not to use YellowFin:** where you can afford a search, tuned Adam and tuned momentum mostly
# end lower ([a fair race](14_is_it_the_momentum.ipynb)); where the loss is a sum, or in unusual
# units, its learning rate is off by the square of the factor; and with stale gradients it may
# explode.
#
# [Where does YellowFin's cubic come from?](12_where_does_the_cubic_come_from.ipynb) ends with a
# rule: four numbers in, momentum and learning rate out. A tuner has to *measure* the four numbers,
# on nothing but the gradients that pass by. Here we watch it at work: what it reads, what it makes
# of that, what it makes of pure noise, and what happens when sixteen workers bring momentum of
# their own and a feedback loop is closed around it.
#
# You need [that notebook](12_where_does_the_cubic_come_from.ipynb) and, for the second half,
# [the sensor](10_a_sensor_that_sees_what_you_already_know.ipynb). Thirty minutes.

# %%
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.tuning import reading_of_noise

use_style()

# %% [markdown]
# ## A pair of pure functions
#
# A tuner here is two functions: `init(parameters)` gives a state, `update(state, gradient,
# parameters)` gives the next state, the next parameters, and what the step used. Nothing that you
# pass is changed. Let it fit ten coordinates with curvatures from 0.1 to 1, seen through noise:

# %%
curvatures = np.linspace(0.1, 1, 10)
rng = np.random.default_rng(0)
tuner = md.YellowFin(smoothing=0.99)
point = np.ones(10)
state, told = tuner.init(point), []
for _ in range(1500):
    gradient = curvatures * point + 0.1 * rng.standard_normal(10)
    state, point, info = tuner.update(state, gradient, point)
    told.append(info)
for step in (0, 1, 50, 200, 1499):
    print(step, {name: float(f"{value:.3g}") for name, value in told[step].items()})

# %% [markdown]
# The first step uses what it was told (learning rate 10⁻⁴, no momentum): one gradient has no
# variance. Then `h_min` and `h_max` are averages of the least and the largest ‖g‖² of the last
# twenty steps, `variance` is E‖g‖² − ‖E g‖², `distance` an average of E‖g‖/E‖g‖². The rule does
# the rest:

# %%
last = told[-1]
md.single_step(
    h_max=last["h_max"], h_min=last["h_min"], variance=last["variance"], distance=last["distance"]
)

# %% [markdown]
# A state can be stored, and a run that goes on from it goes on bit for bit. What each tuner keeps,
# in arrays of the size of the parameters: `YellowFin` two, as Adam does, `EquivariantYellowFin`
# four, `ClosedLoopYellowFin` five more than the staleness.

# %%
stored = state.to_dict()  # numbers, lists and arrays: to be stored by pickle or as JSON
again = type(state).from_dict(stored)
one, two = (tuner.update(start, gradient, point)[1] for start in (state, again))
print(list(stored), np.array_equal(one, two))

# %% [markdown]
# In a training script the same arithmetic is an optimizer of PyTorch or of optax:
#
# ```python
# from momentum_dynamics.adapters.torch import YellowFin  # in a clone: pip install -e ".[torch]"
#
# optimizer = YellowFin(model.parameters(), preset="reference")  # lr=… is a factor, not a rate
# for inputs, labels in batches:
#     optimizer.zero_grad()
#     torch.nn.functional.cross_entropy(model(inputs), labels).backward()  # a mean, not a sum
#     optimizer.step()  # then optimizer.info tells what was used
# ```
#
# ```python
# from momentum_dynamics.adapters.optax import yellowfin  # in a clone: pip install -e ".[optax]"
#
# optimizer = yellowfin(preset="reference")
# state = optimizer.init(params)
# updates, state = optimizer.update(grads, state, params)  # state.learning_rate, state.momentum, …
# params = optax.apply_updates(params, updates)
# ```
#
# On a network, as in the paper and with everything that the released code adds:

# %%
show("yellowfin-traces", steps=1000)

# %% [markdown]
# ## A curvature that is none
#
# ‖g‖² is not the curvature: the curvatures here are 0.1 to 1, whatever the gradient. As the point
# comes to rest, gradients shrink until only noise is left, and `h_min` shrinks with them. So the
# learning rate *grows*, until noise stops it. Multiply the loss by ten, and ‖g‖² is a hundred times
# as large:

# %%
for scale in (1.0, 10.0):
    rng, point = np.random.default_rng(0), np.ones(10)
    state = tuner.init(point)
    for _ in range(1500):
        gradient = scale * (curvatures * point + 0.1 * rng.standard_normal(10))
        state, point, info = tuner.update(state, gradient, point)
    loss = 0.5 * curvatures @ point**2
    print(f"loss × {scale:4}: learning rate {info['learning_rate']:.2e}, loss {loss:.4f}")

# %% [markdown]
# An optimizer that knows units would divide the learning rate by ten. This one divides it by
# about fifty (by a hundred, were the gradients at the same points). That it ends lower here only
# says that 1.45 was too much in this noise: no factor is right for every problem. Normalize your
# loss, and if you tune one number, tune `learning_rate_factor`. Or take a tuner that estimates a
# curvature, from how gradients change with the point:

# %%
show("scale-test")

# %% [markdown]
# ## What it makes of nothing
#
# Give it noise alone: no bowl, no direction, no signal. The derivation says that without signal
# momentum goes to 1 and the learning rate to 0. What comes out is something else: a momentum that
# tells **how many parameters you have**.

# %%
show("yellowfin-in-pure-noise", updates=1500, measured_dimensions=(1, 10, 100, 1000))

# %% [markdown]
# The "curvature" ‖g‖² contains the noise, so that with many parameters, whose norms hardly differ,
# $h = E‖g‖^2 = C$ and $D = 1/\sqrt{h}$, and $p = D^2h^2/(2C)$ is one half. The root of the cubic at
# one half is a constant of nature, as far as YellowFin is concerned:

# %%
many = md.single_step(h_max=1.0, h_min=1.0, variance=1.0, distance=1.0)
print(f"p = 1/2: momentum {many.momentum:.4f}, √β = {1 - many.one_minus_root:.4f}")

# %% [markdown]
# A signal makes p larger and momentum smaller. So where norms hardly differ the cubic asks for
# hardly more than 0.17; momenta like 0.9 come from norms that differ within a window of twenty
# gradients. This counts twice: `h_min`, the least of twenty, is far below the mean, which lowers p,
# and the ratio of `h_max` to `h_min` bounds momentum from below. With few parameters they differ
# much, by noise alone:

# %%
for dimension in (1, 10, 100, 10_000):
    seen = reading_of_noise(dimension)
    ratio = seen.h_max / seen.h_min
    print(f"{dimension:6} parameters: h_max/h_min = {ratio:8.2f}")

# %% [markdown]
# and on a network it happens with many, for some batches are fitted and others are not. Which half
# of the rule decides there? Without variance only the bound of the range is left:

# %%
digits = md.workload("digits-mlp")
read = ("h_min", "h_max", "variance", "distance")
run = md.train(digits, md.YellowFin(preset="reference"), steps=600, record=(*read, "momentum"))
print(digits.size, "parameters")
for step in (10, 100, 300, 599):
    seen = {name: run.traces[name][step, 0] for name in read}
    bound = md.single_step(**(seen | {"variance": 0.0})).momentum
    used = run.traces["momentum"][step, 0]
    ratio = seen["h_max"] / seen["h_min"]
    print(f"step {step:3}: h_max/h_min {ratio:6.1f}, momentum {used:.3f}, bound alone {bound:.3f}")

# %% [markdown]
# The cubic, every time. Momentum 0.9 is no large condition number here, but an h_min that is small
# beside the other norms of its window.

# %% [markdown]
# ## Sixteen workers
#
# Now let gradients be fifteen updates old, as sixteen workers in turn make them. The momentum that
# YellowFin asks for should be the **total**. Its sensor (median over the coordinates) measures how
# much there is, and feedback takes the difference off the explicit one:
# $\beta \leftarrow \beta + \gamma(\mu^* - \hat\mu)$.

# %%
show("yellowfin-total-momentum")

# %% [markdown]
# Left: without staleness the reading is the explicit momentum, at every single step, in any noise.
# (It is an identity: solve one step of heavy ball for β.) Middle: with old gradients there is more
# momentum than was asked for. Right: the loop takes it off.
#
# The class behind it is an optimizer like any other; it has to be told the staleness:

# %%
wide = np.geomspace(0.1, 1, 200)
for gain in (None, 0.01):
    looped = md.ClosedLoopYellowFin(staleness=15, gain=gain, tuner=tuner)
    rng, points = np.random.default_rng(1), [np.ones(200)]
    state, told = looped.init(points[0]), []
    for step in range(1500):
        stale = points[max(step - 15, 0)]
        gradient = wide * stale + 0.1 * rng.standard_normal(200)
        state, point, info = looped.update(state, gradient, points[-1])
        points.append(point)
        told.append([info["target"], info["total_momentum"], info["momentum"]])
    target, total, explicit = np.nanmean(told[750:], axis=0)
    print(f"gain {gain}: asked for {target:.3f}, read {total:.3f}, explicit {explicit:.3f}")

# %% [markdown]
# ## On target is not safe
#
# The loop moves momentum and nothing else. Give it a learning rate that staleness cannot bear:

# %%
ball, delay = md.HeavyBall(learning_rate=0.13, momentum=0.3), md.FixedDelay(staleness=15)
print("largest stable αh at momentum 0.3:", round(md.delay_stability_limit(ball, delay), 4))
run = md.simulate_closed_loop(
    0.3, md.Quadratic(wide), learning_rate=0.13, momentum=0.3, workers=16,
    service=md.Deterministic(), updates=3000, noise_variance=0.01, seed=3, clip=1.0,
)  # fmt: skip
explicit = float(run.momentum[-500:].mean())
found = md.HeavyBall(learning_rate=0.13, momentum=explicit)
print(f"read {np.nanmean(run.reading[-500:]):.3f}, explicit {explicit:.3f}", end=", ")
print("its limit", round(md.delay_stability_limit(found, delay), 4))
print(f"distance from the solution: {np.linalg.norm(run.points[-1]):.1e}")

# %%
show(run)

# %% [markdown]
# The reading is on target, and the run explodes: the median direction behaves while the stiffest
# ones do not. Less momentum has moved the limit of the learning rate, but not far enough.
#
# ## What momentum does do
#
# One prediction of the paper holds, and it is the reason for the rule. In the robust region every
# mode shrinks by $\sqrt\beta$, whatever its curvature. So with enough momentum *all* parameters of
# a net should converge at one rate, near the end:

# %%
show("per-variable-rates", steps=1400)

# %% [markdown]
# With momentum 0.9 the same learning rate leaves the slow modes outside the region, and parameters
# go their own ways. (A ridge keeps the least curvature away from 0; without it no momentum is
# enough.)
#
# **What to remember.** YellowFin reads the squared norm of gradients and calls it curvature: units
# of the loss enter squared, and noise is taken for curvature. Where norms hardly differ its cubic
# asks for hardly more momentum than 0.17; more comes from how norms vary within a window. Feedback
# on total momentum meets its target where the sensor sees; it restores neither a learning rate that
# is too large nor anything that the median does not see.
#
# ## Exercises
#
# 1. **A longer window.** In pure noise with 100 parameters, what momentum comes of a window of 200
#    instead of 20? Predict the direction first.
# 2. **Half the rule.** With 10 parameters in pure noise, which half of the rule decides: the cubic
#    or the robust bound? And with 1?
# 3. **No slow start.** Run the first example with `slow_start=False`. What happens in the first
#    twenty steps, and why is it harmless here?
# 4. **As old as that.** How low does the explicit momentum of the closed loop go for a staleness of
#    3, 7, 15 and 31?

# %% [markdown]
# ## Solutions
#
# **1.** The least of 200 is further below the mean than the least of 20: a smaller p, and more
# momentum.

# %%
for window in (20, 200):
    seen = reading_of_noise(100, window=window)
    print(window, round(md.single_step(**seen._asdict()).momentum, 3))

# %% [markdown]
# **2.** The cubic, in both cases; without variance only the bound is left.

# %%
for dimension in (1, 10):
    seen = reading_of_noise(dimension)
    both = md.single_step(**seen._asdict()).momentum
    bound = md.single_step(**(seen._asdict() | {"variance": 0.0})).momentum
    print(f"{dimension} parameters: both {both:.3f}, bound alone {bound:.3f}")

# %% [markdown]
# **3.** The learning rate is there at once. Here ‖g‖² is larger than the curvatures at the start,
# so that the rule's 1/h_min is small anyway; with small gradients it would be a leap.

# %%
for slow in (True, False):
    other = md.YellowFin(smoothing=0.99, slow_start=slow)
    rng, point = np.random.default_rng(0), np.ones(10)
    state, rates = other.init(point), []
    for _ in range(20):
        gradient = curvatures * point + 0.1 * rng.standard_normal(10)
        state, point, info = other.update(state, gradient, point)
        rates.append(info["learning_rate"])
    norm = np.linalg.norm(point)
    print(f"slow start {slow!s:5}: learning rate of step 20 {rates[-1]:.4f}, distance {norm:.2f}")

# %% [markdown]
# **4.** Older gradients, more momentum of their own, less explicit momentum left: as a rule, for
# the readings are noisy.

# %%
for staleness in (3, 7, 15, 31):
    looped = md.ClosedLoopYellowFin(staleness=staleness, tuner=tuner)
    rng, points = np.random.default_rng(1), [np.ones(200)]
    state, kept = looped.init(points[0]), []
    for step in range(1500):
        stale = points[max(step - staleness, 0)]
        gradient = wide * stale + 0.1 * rng.standard_normal(200)
        state, point, info = looped.update(state, gradient, points[-1])
        points.append(point)
        kept.append(info["momentum"])
    print(f"staleness {staleness:2}: explicit momentum {np.mean(kept[750:]):.3f}")
