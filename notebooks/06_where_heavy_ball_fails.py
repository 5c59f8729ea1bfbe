# %% [markdown]
# # Where does heavy ball fail?
#
# On quadratics heavy ball is the fastest method with fixed parameters. It is tempting to think
# that a smooth, strongly convex function with the same curvatures is nearly a quadratic, and that
# what is tuned for one works on the other. It does not, and the failures are of a beautiful kind:
# no explosion, but runs that go round and round for ever.
#
# You need to know heavy ball on quadratics
# ([notebook 02](02_what_momentum_does_to_a_quadratic.ipynb)). Twenty-five minutes.

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import show, use_style

use_style()

# %% [markdown]
# ## One variable, three points
#
# Take a convex function whose slope rises steeply (25), then gently (1) between 1 and 2, then
# steeply again, and the best parameters for curvatures between 1 and 25: α = 1/9, β = 4/9. Start
# at 3.3.

# %%
show("three-cycle")

# %% [markdown]
# Is that rounding? No: in exact fractions the three points come back, digit for digit.

# %%
problem = md.PiecewiseQuadratic.lessard()
ball = md.HeavyBall(learning_rate=Fraction(1, 9), momentum=Fraction(4, 9))
state = (Fraction(792, 1225), Fraction(2592, 1225))
for step in range(4):
    print(step, state[0])
    state = ball.update(state, problem.slope(state[0]))

# %% [markdown]
# And the cycle attracts: near it every point is on a piece of curvature 25, where errors shrink by
# 2/3 a step.
#
# ## Why: changing curvature
#
# Along a run the slope is $f'(x_t) = h_t x_t$ with some curvature $h_t$ between the ends. Every
# single step is a contraction (its spectral radius is √β), and yet products of different
# contractions can grow. The largest growth over all sequences is the *joint spectral radius*:

# %%
for kappa in (3.0, 5.8, 6.0, 25.0):
    tuned = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
    found = md.joint_spectral_radius(tuned, 1.0, kappa)
    step = np.sqrt(tuned.momentum)
    print(f"κ = {kappa:4.1f}: each step {step:.3f}, worst sequence {found.lower:.3f}", found.word)

# %% [markdown]
# From κ = 3 + 2√2 = 5.83 on, an adversary who chooses the curvature anew at every step wins. Less
# momentum would bear more. At the step that is best for a momentum:

# %%
kappa = 4.0
momenta = np.linspace(0, 0.6, 31)
growth = []
for momentum in momenta:
    method = md.HeavyBall(learning_rate=2 * (1 + momentum) / (1 + kappa), momentum=float(momentum))
    growth.append(md.joint_spectral_radius(method, 1.0, kappa).upper)
plt.plot(momenta, growth)
plt.axhline(1, color="gray", linewidth=0.8)
plt.axvline(1 / kappa, color="gray", linestyle=":")
plt.xlabel("momentum")
plt.ylabel("worst growth per step, κ = 4")
plt.show()

# %% [markdown]
# It crosses 1 exactly at β = 1/κ, and is least at β = 0: against arbitrary switching momentum does
# not help at all.
#
# ## What one function can do
#
# The gradient of *one* function cannot switch at will. Conditions in the frequency domain, with a
# multiplier for this, certify more. They are checked on a grid here, so they are evidence and no
# proof:

# %%
show("certified-rates")

# %% [markdown]
# The certificate of tuned heavy ball ends at κ = 17.94, and this is no weakness of the
# certificate: at (2 + √5)² there *is* a function that traps it.
#
# ## In the plane: corners of a polygon
#
# Ask for a run on the corners of a regular polygon, for ever. The transfer function says which
# gradients that needs; a convex function with them exists if each corner lies in a certain cone.
# One inequality decides, for any method:

# %%
for kappa in (10.0, 18.0, 50.0, 100.0):
    tuned = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
    lengths = [k for k in range(3, 30) if md.cycle(tuned, 1.0, kappa, k).exists]
    print(f"κ = {kappa:5.1f}: cycles of length {lengths}")

# %%
show("cycle-regions")

# %% [markdown]
# Watch one happen: from several starts inside, on the function made for the cycle of length 4.

# %%
tuned = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
found = md.cycle(tuned, 1.0, 100.0, 4)
starts = np.array([[0.2, 0.1], [0.9, 0.0], [1.3, 0.4], [-0.5, 1.5]])
runs = md.simulate(tuned, found.problem, steps=400, replicas=4, start=starts)
for index, path in enumerate(np.moveaxis(runs.points, 1, 0)):
    plt.plot(np.linalg.norm(path, axis=-1), label=f"from {starts[index]}")
plt.xlabel("step")
plt.ylabel("distance from the minimum")
plt.yscale("log")
plt.ylim(1e-12, 5)
plt.legend()
plt.show()

# %% [markdown]
# ## Does Nesterov's method do better?
#
# Its look-ahead sees the slope where it is going. For standard parameters no cycle is found, and
# the certificate holds for every κ:

# %%
accelerated = md.tune(
    "nesterov", smallest_curvature=1.0, largest_curvature=100.0, objective="smooth-convex"
)
print([k for k in range(3, 60) if md.cycle(accelerated, 1.0, 100.0, k).exists])
print(md.certified_rate(accelerated, 1.0, 100.0))

# %% [markdown]
# ## A promise that is none
#
# A tuning rule may keep momentum in the *robust region*, where the radius is √β for every curvature
# between the ends. This promises nothing for functions that are not quadratic. Here the generalized
# curvature runs from 1 to 1000, in the region everywhere:

# %%
show("toys")

# %% [markdown]
# ## And in practice?
#
# Real losses are smooth near their minimum, and there the quadratic theory is right. Logistic
# regression on real data, from zero weights:

# %%
data = md.named_data("breast-cancer")
loss = md.LogisticRegression(data.X, data.y, ridge=0.05)
low, high = loss.spectrum()[[0, -1]]
print(f"curvatures at the minimum from {low:.4f} to {high:.4f}")
for kind in ("gradient-descent", "heavy-ball", "nesterov"):
    method = md.tune(kind, smallest_curvature=float(low), largest_curvature=float(high))
    run = md.simulate(method, loss, steps=120)
    rate = md.worst_rate(method, loss.spectrum())
    plt.semilogy(run.distance, label=f"{kind}, predicted rate {rate:.3f}")
plt.xlabel("step")
plt.ylabel("distance from the minimum")
plt.ylim(1e-13, 1e3)
plt.legend()
plt.show()

# %% [markdown]
# All of them arrive, at their rates in the end. So: heavy ball fails in the worst case, on
# functions made for it; near a minimum it keeps its promise; and whoever needs a guarantee takes
# Nesterov's method or triple momentum and pays with a constant.
#
# ## Exercises
#
# 1. Which starts at rest between 2.5 and 3.5 end in the three-cycle? Find the ends of the interval
#    around 3.3 to two digits.
# 2. Does heavy ball with α = 0.02, β = 0.9 have a cycle for κ = 100? Which lengths?
# 3. How large may κ be so that gradient descent tuned for quadratics is certified? Try a few.
# 4. What is the joint spectral radius of triple momentum for κ = 9, and what does it say about a
#    function whose curvature changes in time?

# %% [markdown]
# ## Solutions
#
# **1.** By running them all.

# %%
floats = md.HeavyBall(learning_rate=1 / 9, momentum=4 / 9)
line = np.linspace(2.5, 3.5, 1001)
ended = md.simulate(floats, problem, steps=600, replicas=1001, start=line[:, None]).outputs[
    -1, :, 0
]
trapped = line[np.abs(ended) > 0.1]
inner = trapped[trapped > 3.0]
print(f"[{inner.min():.2f}, {inner.max():.2f}]")

# %% [markdown]
# **2.** Ask for each length.

# %%
slow = md.HeavyBall(learning_rate=0.02, momentum=0.9)
print([k for k in range(3, 60) if md.cycle(slow, 1.0, 100.0, k).exists])

# %% [markdown]
# **3.** As large as one likes, at its rate on quadratics.

# %%
for kappa in (10.0, 1000.0):
    descent = md.tune("gradient-descent", smallest_curvature=1.0, largest_curvature=kappa)
    print(kappa, md.certified_rate(descent, 1.0, kappa).rate, (kappa - 1) / (kappa + 1))

# %% [markdown]
# **4.** Above 1: its guarantee is for one function, not for one that changes.

# %%
triple = md.tune("triple-momentum", smallest_curvature=1.0, largest_curvature=9.0)
print(md.joint_spectral_radius(triple, 1.0, 9.0))
