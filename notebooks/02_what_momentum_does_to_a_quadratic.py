# %% [markdown]
# # What does momentum do to a quadratic?
#
# Gradient descent walks downhill. Momentum lets it *roll*: a step keeps a share β of the last one,
#
# $$x_{t+1} = x_t - \alpha\, f'(x_t) + \beta\,(x_t - x_{t-1}).$$
#
# A little of it makes the walk much faster, too much makes it swing back and forth, and still more
# learning rate makes it explode. Where are the borders, and what is the best setting? On a
# quadratic all of it can be answered exactly, and the answer is a picture of **two points in a
# disk**.
#
# You need calculus and the idea of an eigenvalue. Twenty minutes, with two sliders on the way.

# %%
import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.figures.interactive import root_explorer, root_film, show, use_style
from momentum_dynamics.laws import optima, regions, spectrum

use_style()

# %% [markdown]
# ## One direction, two roots
#
# In the right coordinates a quadratic bowl is a sum of parabolas, one for each direction, and the
# method treats every direction by itself. So take one parabola, $f(x) = \tfrac12 h x^2$, with
# curvature $h$ and gradient $hx$. The method remembers two numbers, $x_t$ and $x_{t-1}$; a step
# multiplies this pair by a 2×2 matrix. The package reads the matrix off the method, letters
# included:

# %%
alpha, beta, h = md.symbol("learning_rate"), md.symbol("momentum"), md.symbol("curvature")
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
md.transition_matrix(ball, h)

# %%
md.characteristic_polynomial(ball, h).as_expr()

# %% [markdown]
# After $t$ steps the matrix has acted $t$ times, so the path is a mixture of $z_1^t$ and $z_2^t$,
# where $z_1$ and $z_2$ are the roots of this polynomial. Everything is in these two numbers:
#
# * the larger modulus, the **spectral radius** ρ, says how fast: in the long run every step divides
#   the distance by 1/ρ;
# * ρ < 1, both roots inside the unit circle: it converges; otherwise it does not;
# * real and positive: it creeps; real and negative: it flips sides at every step; a conjugate pair:
#   it swings.
#
# Note that the product of the roots is β. Whenever they are conjugate, both have modulus √β,
# *whatever α and h are*.

# %% [markdown]
# ## The moment the roots leave the real axis
#
# Keep αh = 1/4 and turn the momentum up. Above: the two roots in the unit disk, gray the way they
# go as β runs from 0 to 1, dotted the circle of radius ρ. Below: the path from $x_0 = 1$.

# %%
show(root_film(momenta=(0.1, 0.25, 0.5, 0.9), learning_rate=0.25))

# %%
momenta = np.array([0.0, 0.1, 0.25, 0.5, 0.9])
radii = md.spectral_radius(md.HeavyBall(learning_rate=0.25, momentum=momenta), 1.0)
for momentum, radius in zip(momenta, radii, strict=True):
    print(f"β = {momentum:4.2f}   ρ = {radius:.4f}   √β = {np.sqrt(momentum):.4f}")

# %% [markdown]
# With no momentum the roots are 1 − αh and 0. Momentum pushes them towards each other: the slow
# root gets *smaller*, which is the speed-up. At β = 1/4 they collide, and there is no room left on
# the axis. They go off at right angles, and from that moment ρ = √β *grows* with β: the speed-up is
# over, and the swinging begins.
#
# ## Move it yourself
#
# The three pictures below are one setting: its roots, its path, and its place on the map of ρ over
# αh and β. They follow the sliders (let go of the knob, or type a number and press Enter). Try
# this:
#
# 1. Raise the momentum from 0.1 slowly. Where do the roots turn from blue to orange, and what
#    happens on the map?
# 2. Press **critical**, then change the learning rate, then press **critical** again. The point
#    walks along the white ridge.
# 3. Press **unstable**. Which root has left the disk, and through which point of the circle?
# 4. Press **optimal**. Why is no momentum needed for a single parabola?

# %%
root_explorer(1.0, learning_rate=0.25, momentum=0.1)

# %% [markdown]
# **What you should have seen.** (1) At β = (1 − √αh)² the roots turn orange as the point crosses
# the white ridge. (3) The left one, through −1: the path flips sides and grows. (4) With αh = 1 a
# single gradient step lands on the bottom; the dark spot of the map. The ridge is a law of the
# package, and the limit of stable steps another one:

# %%
md.expression(spectrum.critical_momentum)

# %%
md.expression(regions.heavy_ball_step_limit)

# %% [markdown]
# ## The regimes
#
# The whole map, negative momentum included, with a portrait of each way to move (after Goh's *Why
# Momentum Really Works*).

# %%
show("regimes")

# %% [markdown]
# ## The ridge is sharp on one side
#
# Cut the map at fixed αh and follow ρ against β. The best momentum sits in a corner.

# %%
step_sizes = np.array([0.01, 0.1, 0.25])
momentum = np.linspace(0, 0.995, 800)
family = md.HeavyBall(learning_rate=step_sizes[:, None], momentum=momentum)
radius = md.spectral_radius(family, 1.0)
corner = spectrum.critical_momentum(step_sizes, 1.0)

fig, ax = plt.subplots()
ax.plot(momentum, radius.T, label=[f"αh = {step:g}" for step in step_sizes])
ax.plot(momentum, np.sqrt(momentum), ":", color="#222222", linewidth=1.2, label="√β")
ax.plot(corner, np.sqrt(corner), "o", color="#222222")
ax.set(xlabel="momentum β", ylabel="spectral radius ρ", xlim=(0, 1), ylim=(0.3, 1.02))
ax.legend(loc="lower right")
plt.show()

# %%
best = corner[0]
for momentum, words in ((best, "the best"), (best - 0.02, "0.02 less"), (best + 0.02, "0.02 more")):
    found = md.spectral_radius(md.HeavyBall(learning_rate=0.01, momentum=momentum), 1.0)
    print(f"β = {momentum:.2f} ({words:9}): ρ = {found:.4f}", end="   ")
    print(f"a factor e in {-1 / np.log(found):4.1f} steps")

# %% [markdown]
# To the right of the corner all curves lie on √β: the rate no longer depends on the step at all. To
# the left they fall steeply, with vertical slope in the corner itself. **If you must err, err
# towards too much momentum**: it costs the same small amount for every curvature.
#
# ## Many directions: the ridge of best tuning
#
# A real problem has many curvatures and only one α and one β. On the map, a spectrum from
# $h_{\min}$ to $h_{\max}$ is a horizontal bar from $\alpha h_{\min}$ to $\alpha h_{\max}$: moving α
# stretches it, moving β lifts it. The rate is the worst one on the bar, at one of its ends. Below,
# $h = 1$ (round) and $h = 25$ (square), so κ = 25.
#
# Stretch and lift the bar until both of its ends touch the white ridge. Then press **optimal**.

# %%
root_explorer((1.0, 25.0), learning_rate=0.08, momentum=0.2)

# %% [markdown]
# At the optimum both ends sit on the ridge, all four roots have modulus √β, and the bar has no
# slack left. Two equations, $(1-\sqrt\beta)^2 = \alpha h_{\min}$ and $(1+\sqrt\beta)^2 = \alpha
# h_{\max}$, and two unknowns: that is Polyak's tuning.

# %%
low, high = md.symbol("smallest_curvature"), md.symbol("largest_curvature")
tuned = md.tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
tuned.learning_rate

# %%
tuned.momentum

# %%
bowl = {"smallest_curvature": 1.0, "largest_curvature": 25.0}
polyak, plain = md.tune("heavy-ball", **bowl), md.tune("gradient-descent", **bowl)
for name, method in (("heavy ball", polyak), ("gradient descent", plain)):
    rate = md.worst_rate(method, [1.0, 25.0])
    print(f"{name:17} α = {method.learning_rate:.4f}   ρ = {rate:.4f}", end="   ")
    print(f"a factor e in {-1 / np.log(rate):4.1f} steps")

# %% [markdown]
# Is it really the best? Ask all pairs (α, β) on a grid, without any theory:

# %%
learning_rates = np.linspace(0.005, 0.16, 400)
momentum = np.linspace(0, 0.99, 401)[:, None]
everything = md.HeavyBall(learning_rate=learning_rates, momentum=momentum)
worst = np.maximum(md.spectral_radius(everything, 1.0), md.spectral_radius(everything, 25.0))
row, column = np.unravel_index(np.argmin(worst), worst.shape)
print(
    f"grid:   α = {learning_rates[column]:.4f}, β = {momentum[row, 0]:.4f}, ρ = {worst.min():.4f}"
)
print(f"Polyak: α = {polyak.learning_rate:.4f}, β = {polyak.momentum:.4f}, ρ = {2 / 3:.4f}")

# %% [markdown]
# The gain grows with κ: gradient descent needs about κ/2 steps for a factor of e, heavy ball about
# √κ/2.

# %%
show("rate-against-condition-number")

# %% [markdown]
# ## Exercises
#
# 1. **The critical momentum.** A direction has αh = 0.01. Which momentum is best for it, and how
#    many times fewer steps does it need than without momentum?
# 2. **How far can you go?** For β = 0.9, find the largest stable αh with `md.is_stable`, and
#    compare with the law.
# 3. **Lopsided.** For κ = 100, tune heavy ball, then move β by ±0.05 and keep α. Which side hurts
#    more?
# 4. **Nesterov.** `md.Nesterov` asks for the gradient at the point where momentum leads. Do its
#    conjugate roots also have modulus √β? Ask `md.characteristic_polynomial`.
# 5. **Fast in the long run.** Run Polyak's tuning for κ = 1000 and plot the distance. What happens
#    before it converges?

# %% [markdown]
# ## Solutions
#
# **1.** The ridge gives it: (1 − √0.01)² = 0.81, and ρ = 1 − √0.01.

# %%
momentum = spectrum.critical_momentum(0.01, 1.0)
with_it = md.spectral_radius(md.HeavyBall(learning_rate=0.01, momentum=momentum), 1.0)
without = md.spectral_radius(md.GradientDescent(learning_rate=0.01), 1.0)
print(f"β = {momentum:.2f}: ρ = {with_it:.2f} against {without:.2f},", end=" ")
print(f"{np.log(with_it) / np.log(without):.1f} times fewer steps")

# %% [markdown]
# **2.** Momentum widens the range of stable steps, from 2 towards 4.

# %%
steps = np.linspace(0, 5, 100_001)
stable = md.is_stable(md.HeavyBall(learning_rate=steps, momentum=0.9), 1.0)
print(f"grid: {steps[stable].max():.4f}, law: {regions.heavy_ball_step_limit(0.9):.4f}")

# %% [markdown]
# **3.** Too little momentum hurts far more. Both ends of the bar fall off the ridge on its steep
# side, and the high end even leaves the stable region, whose limit 2(1 + β) has come down with β.

# %%
polyak = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
for change in (-0.05, 0.0, 0.05):
    moved = md.HeavyBall(learning_rate=polyak.learning_rate, momentum=polyak.momentum + change)
    rate = md.worst_rate(moved, [1.0, 100.0])
    print(f"β = {moved.momentum:.3f}: ρ = {rate:.4f}")

# %% [markdown]
# **4.** No. The product of the roots, the last coefficient, is β(1 − αh): steep directions are
# damped more.

# %%
md.characteristic_polynomial(md.Nesterov(learning_rate=alpha, momentum=beta), h).as_expr()

# %% [markdown]
# **5.** It moves *away* first. Double roots give a path like $t\,\rho^t$, and ρ is a statement
# about the long run only.

# %%
kappa = 1000.0
polyak = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=kappa)
run = md.simulate(polyak, md.Quadratic([1.0, kappa]), steps=200)
peak = run.distance.max() / run.distance[0]
print(f"ρ = {optima.heavy_ball_rate(kappa):.4f}, but the distance first grows {peak:.1f}-fold")
show(run)
