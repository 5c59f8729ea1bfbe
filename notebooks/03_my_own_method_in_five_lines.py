# %% [markdown]
# # My own method in five lines: what do I get for free?
#
# You have an idea for an optimizer. Is it stable? How does it bear noise, late gradients, games? Is
# it new at all? Usually these are weeks of work. Here you write down what the method *does*, and
# the answers follow, since all of them are read off the same loop.
#
# The idea of this notebook: heavy ball swings because it reacts to the slope only when it is
# already there. Let it also react to the *change* of the gradient since the last step, as a
# cautious driver brakes when the road begins to bend:
#
# $$x_{t+1} = x_t + \beta\,(x_t - x_{t-1}) - \alpha\, g_t - \delta\,(g_t - g_{t-1}).$$

# %%
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.dynamics.rounds import round_matrix
from momentum_dynamics.figures.interactive import draw_radius, use_style
from momentum_dynamics.notation import record
from momentum_dynamics.simulation import play

use_style()

# %% [markdown]
# ## The five lines
#
# A method says which numbers it remembers (its *slots*), where it wants the gradient, and what it
# does with it. `@record` makes the class an immutable record of its parameters. No base class,
# nothing to register.


# %%
@record
class CautiousBall:
    """Heavy ball that brakes when the gradient changes."""

    learning_rate: Any
    momentum: Any
    caution: Any

    def initial_state(self, point):
        return (point, point, 0 * point)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        point, before, last = state
        drive = self.learning_rate * gradient + self.caution * (gradient - last)
        return (point + self.momentum * (point - before) - drive, point, gradient)


# %% [markdown]
# That is all. From here on nothing is programmed any more, only asked.
#
# ## Which system is it?
#
# Letters for the parameters; the glossary has α and β, and δ is ours.

# %%
alpha, beta, h = md.symbol("learning_rate"), md.symbol("momentum"), md.symbol("curvature")
delta = sympy.Symbol("delta", nonnegative=True)
mine = CautiousBall(learning_rate=alpha, momentum=beta, caution=delta)
md.state_space(mine)

# %%
md.transfer_function(mine)

# %%
md.characteristic_polynomial(mine, h).as_expr().factor()

# %% [markdown]
# Three slots, but one root is always 0: on a quadratic the remembered gradient is just
# $h\,x_{t-1}$, so it adds nothing new to the memory. The product of the other two roots is β − δh:
# **caution takes momentum away where the curvature is high, and only there.**
#
# ## Is it new?
#
# Two methods with the same transfer function ask for gradients at the same points: on every
# quadratic, with every delay, under every noise. So ask which known method has ours:

# %%
print(md.equivalent_momentum(mine, md.NoDelay()))

# %% [markdown]
# A sobering answer: it belongs to the known (α, β, γ) family, with lookahead γ = δ/α. With δ = 0 it
# is heavy ball, with δ = αβ it has Nesterov's loop, and with β = 0, δ = α it is the optimistic
# gradient method made for games. Three well-known methods are corners of these five lines, and we
# can now walk between them.
#
# ## Where is it stable?
#
# The spectral radius over αh and β, at three levels of caution. Gray diverges.

# %%
step = np.linspace(0.002, 4.2, 240)
momentum = np.linspace(-1, 0.995, 160)[:, None]
fig, axes = plt.subplots(1, 3, sharey=True)
for ax, share, name in zip(axes, (0.0, 0.5, 1.0), ("0", "α/2", "α"), strict=True):
    family = CautiousBall(learning_rate=step, momentum=momentum, caution=share * step)
    radius = md.spectral_radius(family, 1.0)
    draw_radius(ax, step, momentum, radius)
    ax.set(title=f"δ = {name}: {(radius < 1).mean():.0%} stable", xlabel="αh")
axes[0].set_ylabel("momentum β")
plt.show()

# %% [markdown]
# Caution has a price: large steps are lost. So what is it good for?
#
# ## How does it bear noise?
#
# The noise floor in closed form, for three slots as for two:

# %%
md.stationary_variance(mine, h, md.symbol("noise_variance"))

# %%
heavy = md.HeavyBall(learning_rate=0.1, momentum=0.9)
cautious = CautiousBall(learning_rate=0.1, momentum=0.9, caution=0.2)
for name, method in (("heavy ball", heavy), ("cautious ball", cautious)):
    floor = md.stationary_variance(method, 1.0, 1.0)
    run = md.simulate(
        method,
        md.Quadratic([1.0]),
        steps=300,
        replicas=20_000,
        noise_variance=1.0,
        record="moments",
        seed=3,
    )
    found, error = run.variance[-1, 0], run.variance_error[-1, 0]
    print(f"{name:14} predicted {floor:.4f}, measured {found:.4f} ± {error:.4f}")

# %% [markdown]
# The 20,000 noisy runs went through the package's compiled kernel, which has never heard of our
# class: it takes the matrices. And caution *lowers* the floor here, since it damps the swinging.
# Too much of it, though, makes noise of its own: a change of two noisy gradients is noisier than
# either of them.

# %%
caution = np.linspace(0, 1.2, 200)
family = CautiousBall(learning_rate=0.1, momentum=0.9, caution=caution)
floor = md.stationary_variance(family, 1.0, 1.0)
lowest = np.argmin(floor)
fig, ax = plt.subplots(figsize=(6.4, 3.0))
ax.plot(caution, floor)
ax.plot(caution[lowest], floor[lowest], "o", color="#222222")
ax.set(
    xlabel="caution δ",
    ylabel="noise floor",
    ylim=(0, None),
    title="α = 0.1, β = 0.9, h = 1, σ² = 1",
)
print(
    f"lowest floor {floor[lowest]:.3f} at δ = {caution[lowest]:.2f}; without caution {floor[0]:.3f}"
)
plt.show()

# %% [markdown]
# ## How does it bear late gradients?
#
# Put a geometric delay in the loop: $M$ memoryless workers. The largest learning rate up to which
# the *mean* is stable, with β = 0.5:

# %%
workers = np.arange(1, 17)[:, None]
rates = np.geomspace(0.05, 40, 3000)
fig, ax = plt.subplots(figsize=(6.4, 3.2))
for share, name in ((0.0, "0"), (0.5, "α/2"), (1.0, "α")):
    family = CautiousBall(learning_rate=rates, momentum=0.5, caution=share * rates)
    stable = md.is_stable(family, 1.0, md.GeometricDelay(workers=workers))
    limit = rates[np.argmin(stable, axis=-1) - 1]
    ax.semilogy(workers, limit, "o-", label=f"δ = {name}")
    print(f"δ = {name:3}:", ", ".join(f"M = {m}: {limit[m - 1]:.2f}" for m in (1, 2, 4, 16)))
ax.set(xlabel="workers M", ylabel="largest stable αh")
ax.legend()
plt.show()

# %% [markdown]
# Here caution pays. Staleness adds momentum of its own, and heavy ball, which has enough already,
# loses range with every worker. Caution, which costs range at $M = 1$, gives it back: with δ = α/2
# up to a handful of workers, with δ = α for every number shown. (This is about the mean. Single
# runs scatter around it, and whether their variance settles is a question of its own.)
#
# ## How does it play?
#
# Both players of the game $\min_x \max_y xy$ use the same method and move at once. A round is a
# matrix too:

# %%
players = {
    "heavy ball, β = 0.2": md.HeavyBall(learning_rate=0.3, momentum=0.2),
    "heavy ball, β = −0.2": md.HeavyBall(learning_rate=0.3, momentum=-0.2),
    "cautious, β = 0, δ = α": CautiousBall(learning_rate=0.3, momentum=0.0, caution=0.3),
}
fig, ax = plt.subplots(figsize=(6.4, 3.2))
for name, method in players.items():
    rate = np.abs(np.linalg.eigvals(round_matrix(method, 1.0, play="simultaneous"))).max()
    path = play(method, md.BilinearGame(1.0), steps=120, play="simultaneous")
    ax.semilogy(path.distance, label=f"{name}: factor {rate:.4f} a round")
ax.set(xlabel="round", ylabel="distance", ylim=(1e-4, 1e3))
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# Heavy ball diverges with every momentum between −1 and 1 when both move at once; reacting to the
# change of the gradient cures it. This is the optimistic gradient method, found as one corner of
# our family.
#
# ## And on something that is no quadratic?
#
# `simulate` runs any method on any problem. Rosenbrock's curved valley:

# %%
valley = md.Rosenbrock()
x, y = np.meshgrid(np.linspace(-1.8, 1.8, 200), np.linspace(-0.8, 2.6, 200))
loss = valley.loss(np.stack([x, y], axis=-1))
fig, axes = plt.subplots(1, 2, sharey=True)
for ax, share, name in zip(axes, (0.0, 0.5), ("0", "α/2"), strict=True):
    method = CautiousBall(learning_rate=1e-3, momentum=0.9, caution=share * 1e-3)
    run = md.simulate(method, valley, steps=300)
    ax.contour(x, y, loss, np.geomspace(0.1, 2000, 12), colors="#ccd2da", linewidths=0.8)
    ax.plot(*run.points.T, "o-", markersize=2, linewidth=0.9)
    ax.plot(*valley.solution, "*", color="#222222", markersize=10)
    ax.set(title=f"δ = {name}: distance {run.distance[-1]:.2f} in the end", xlabel="$x_1$")
axes[0].set_ylabel("$x_2$")
plt.show()

# %% [markdown]
# The cautious one swings less across the valley and is no faster along it, as the loop says:
# caution acts where the curvature is high.
#
# ## Exercises
#
# 1. **Nesterov's loop.** Show that δ = αβ gives the transfer function of `md.Nesterov`.
# 2. **Averaging.** A classic: step along a running average of gradients, $v \leftarrow \beta v +
#    (1-\beta) g$, $x \leftarrow x - \alpha v$. Write it as a class. Is it new?
# 3. **The best caution.** For curvatures from 1 to 100, find the fastest (α, β, δ) on a grid. Is
#    caution of any use on a noise-free quadratic?
# 4. **Turn by turn.** Repeat the game with `play="alternating"`. Is caution still needed?

# %% [markdown]
# ## Solutions
#
# **1.** The difference of the two transfer functions simplifies to zero.

# %%
accelerated = CautiousBall(learning_rate=alpha, momentum=beta, caution=alpha * beta)
nesterov = md.Nesterov(learning_rate=alpha, momentum=beta)
sympy.simplify(md.transfer_function(accelerated) - md.transfer_function(nesterov))

# %% [markdown]
# **2.** Not new: it is heavy ball with learning rate α(1 − β).


# %%
@record
class AveragedGradient:
    """A step along a running average of the gradients."""

    learning_rate: Any
    momentum: Any

    def initial_state(self, point):
        return (point, 0 * point)

    def query(self, state):
        return state[0]

    def update(self, state, gradient):
        point, average = state
        average = self.momentum * average + (1 - self.momentum) * gradient
        return (point - self.learning_rate * average, average)


print(md.equivalent_momentum(AveragedGradient(learning_rate=alpha, momentum=beta), md.NoDelay()))

# %% [markdown]
# **3.** No: Polyak's heavy ball is the best that two roots can do, and the grid finds it with δ at
# 0.

# %%
rates = np.linspace(0.005, 0.04, 71)
momentum = np.linspace(0.4, 0.9, 101)[:, None]
share = np.linspace(0, 1, 6)[:, None, None]
family = CautiousBall(learning_rate=rates, momentum=momentum, caution=share * rates)
worst = np.maximum(md.spectral_radius(family, 1.0), md.spectral_radius(family, 100.0))
for level, radius in zip(share.ravel(), worst.min(axis=(1, 2)), strict=True):
    print(f"δ = {level:.1f} α: best rate {radius:.4f}")
polyak = md.tune("heavy-ball", smallest_curvature=1.0, largest_curvature=100.0)
print(f"Polyak:      rate {md.worst_rate(polyak, [1.0, 100.0]):.4f}")

# %% [markdown]
# **4.** Taking turns, negative momentum suffices; but caution is still faster.

# %%
for name, method in players.items():
    rate = np.abs(np.linalg.eigvals(round_matrix(method, 1.0, play="alternating"))).max()
    print(f"{name:24} factor {rate:.4f} a round")
