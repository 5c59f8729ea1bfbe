# %% [markdown]
# # A tour in ten minutes: what can be read off one small matrix?
#
# Optimization papers study momentum from many sides: how fast it is, how it amplifies noise, what
# happens when gradients arrive late, why it fails in games. This package rests on one idea that
# holds them together:
#
# > **A momentum method is a linear system closed in a loop by the gradient. Everything is read off
# > that loop.**
#
# The *method* turns gradients into points. The *objective* turns points back into gradients; along
# one direction of a quadratic it just multiplies by a number, the curvature $h$. Late gradients are
# a filter in the loop, noise is an input.
#
# Each section below asks one question. The answer comes as a formula, and then as a picture or a
# run that knows nothing of the formula.

# %%
import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.claims import judge
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import regions

use_style()

# %% [markdown]
# ## 1. What is a method?
#
# Two small functions: where it wants the gradient, and what it does with it. Both are linear, so
# trying them on unit vectors gives matrices: $s' = A s + B u$ for the state, $y = C s$ for the
# point where the gradient $u$ is asked. Put symbols in, and symbols come out. Here is Polyak's
# heavy ball, "a gradient step plus a share β of the last displacement":

# %%
alpha, beta, h = md.symbol("learning_rate"), md.symbol("momentum"), md.symbol("curvature")
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
md.state_space(ball)

# %% [markdown]
# From gradient to point it is a rational function of $z$, the transfer function $G(z)$:

# %%
md.transfer_function(ball)

# %% [markdown]
# ## 2. How fast is it?
#
# Close the loop on a curvature: $1 = h\,G(z)$. The solutions $z$ are the factors by which the error
# is multiplied in each step, and the largest modulus, the **spectral radius** ρ, is the rate. It
# has a closed form:

# %%
md.spectral_radius(ball, h)

# %% [markdown]
# The same function takes numbers, and whole arrays of them. Look at ρ against the learning rate:

# %%
show("radius-against-learning-rate")

# %% [markdown]
# ## 3. Why is momentum forgiving?
#
# The flat valley floors are the **robust region**: for (1 − √β)² ≤ αh ≤ (1 + √β)² the rate is √β
# and depends neither on the learning rate nor on the curvature. More momentum makes the floor wider
# (good: all curvatures of a problem fit in) and higher (bad: slower).

# %%
for momentum in (0.1, 0.5, 0.9):
    low, high = regions.robust_low_end(momentum), regions.robust_high_end(momentum)
    inside = md.HeavyBall(learning_rate=np.linspace(low, high, 5)[1:-1], momentum=momentum)
    print(f"β = {momentum}: αh from {low:.4f} to {high:.4f}", end=", ")
    print("ρ inside:", md.spectral_radius(inside, 1.0).round(6))

# %% [markdown]
# ## 4. What is the best tuning?
#
# Make the valley floor just wide enough for the spectrum, from the smallest curvature to the
# largest. Their quotient is the condition number κ; the rate becomes (√κ − 1)/(√κ + 1), where
# gradient descent has (κ − 1)/(κ + 1).

# %%
low, high = md.symbol("smallest_curvature"), md.symbol("largest_curvature")
md.tune("heavy-ball", smallest_curvature=low, largest_curvature=high).momentum

# %%
curvatures = np.geomspace(1, 100, 20)
problem = md.Quadratic(curvatures)

late = np.arange(90, 151)
fig, ax = plt.subplots()
for kind in ("gradient-descent", "nesterov", "heavy-ball"):
    method = md.tune(kind, smallest_curvature=1.0, largest_curvature=100.0)
    rate = md.worst_rate(method, curvatures)
    run = md.simulate(method, problem, steps=150)
    ax.semilogy(run.distance, label=f"{kind}, predicted rate {rate:.4f}")
    ax.semilogy(late, run.distance[-1] * rate ** (late - 150.0), ":", color="#222222")
ax.set(
    xlabel="step t",
    ylabel="distance",
    ylim=(1e-12, 30),
    title="solid: run; dotted: predicted slope",
)
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# ## 5. What does noise do?
#
# Real gradients are noisy. The error then settles at a **noise floor**, a variance that solves a
# small linear equation in $A$, $B$ and $C$. In closed form:

# %%
md.stationary_variance(ball, h, md.symbol("noise_variance"))

# %% [markdown]
# Does momentum make the noise worse? That depends on what is held fixed. At the same learning rate
# α, positive momentum raises the floor of gradient descent exactly where αh < 1 + β, so for every
# αh ≤ 1; only at larger steps can it lower it. At the same *effective* rate α/(1 − β), it is the
# other way round:

# %%
show("noise-floor", replicas=4000)

# %% [markdown]
# ## 6. What do late gradients do?
#
# Let $M$ workers compute gradients at once, none waiting for the others. A gradient that arrives
# has been computed at an old point; with memoryless workers its age is random, with a geometric
# law. In the mean, this multiplies the loop by the law's generating function, and plain gradient
# descent becomes ... a method we know:

# %%
workers = md.symbol("workers")
stale = md.equivalent_momentum(
    md.GradientDescent(learning_rate=alpha), md.GeometricDelay(workers=workers)
)
print(stale)

# %% [markdown]
# **Asynchrony begets momentum**: $M$ workers act like momentum 1 − 1/M that nobody asked for.
# Below, thousands of runs with late gradients, their mean, and the heavy ball that predicts it. On
# the right the control: a *fixed* delay of the same mean is no heavy ball, so the law of the delay
# matters.

# %%
show("staleness-is-momentum", replicas=4000)

# %% [markdown]
# ## 7. And in games?
#
# Two players, one descends and one ascends on $xy$. The curvature of such a game is imaginary: the
# field turns instead of pointing at the solution, and positive momentum makes it worse. But if the
# players *take turns* and the momentum is *negative*, they meet:

# %%
show("bilinear-game-orbits")

# %% [markdown]
# ## 8. And on my own data?
#
# Least squares is a quadratic, and its curvatures are eigenvalues of the data. So the package can
# say beforehand how fast each tuned method will be, then run it, and print both. Here on the
# diabetes data that scikit-learn ships:

# %%
report = md.analyze(md.named_data("diabetes"))
report

# %%
show(report)

# %% [markdown]
# For a file of your own, write `md.analyze(md.read_data("my.csv", target="price"))`, or in a
# terminal `momentum-dynamics analyze my.csv --target price`.
#
# ## How do I know that it is true?
#
# The central statements of this tour are *claims* of the package. A claim brings an exact proof
# where there is one, an experiment that does not know the prediction, and a control with one
# assumption broken, which must fail. Judge one yourself:

# %%
verdict = judge(md.claim("asynchrony-begets-momentum"))
print(f"{verdict.claim.title}\n\n{verdict.verdict}:")
for role, evidence in verdict.checks.items():
    print(f"  {role:10} {'agrees' if evidence.passed else 'does not agree'}: {evidence.note}")

# %% [markdown]
# `md.list_claims()` and `md.list_figures()` list all of them, and `momentum-dynamics reproduce`
# runs and draws everything.
#
# ## Exercises
#
# 1. **Nesterov.** Repeat sections 1 and 2 for `md.Nesterov`. What is different in its transfer
#    function?
# 2. **Too many workers.** Eight asynchronous workers already cause momentum 7/8. You want 0.5 in
#    total. How many workers may you use?
# 3. **A cheap trick.** On the diabetes data, how much ridge (`md.analyze(..., ridge=R)`) brings
#    heavy ball's predicted rate below 0.8?
# 4. **The control.** Which momentum would a fixed delay of one step cause? Ask
#    `md.equivalent_momentum` with `md.FixedDelay(staleness=1)`, and try 2.
#
# Next: [what momentum does to a quadratic](02_what_momentum_does_to_a_quadratic.ipynb), with
# sliders, and [my own method in five lines](03_my_own_method_in_five_lines.ipynb).

# %% [markdown]
# ## Solutions
#
# **1.** Nesterov's method has the same poles, 1 and β, but a zero elsewhere: it asks for the
# gradient further along.

# %%
md.transfer_function(md.Nesterov(learning_rate=alpha, momentum=beta))

# %% [markdown]
# **2.** 1 − 1/M = 1/2 gives two workers. Each further one adds momentum that you did not choose.

# %%
for count in (2, 4, 8):
    twin = md.equivalent_momentum(
        md.GradientDescent(learning_rate=0.1), md.GeometricDelay(workers=count)
    )
    print(f"{count} workers: momentum {twin.momentum}, learning rate {twin.learning_rate:g}")

# %% [markdown]
# **3.** A ridge lifts all curvatures by the same amount, so the smallest one gains most.

# %%
for ridge in (0.0, 0.01, 0.03, 0.05, 0.1):
    found = md.analyze(md.named_data("diabetes"), ridge=ridge, steps=50)
    rate = next(row.predicted for row in found.rows if row.kind == "heavy-ball")
    print(f"ridge {ridge:4.2f}: κ = {found.condition_number:6.1f}, predicted rate {rate:.4f}")

# %% [markdown]
# **4.** None. A delay of one step is gradient descent that asks one step back (momentum 0,
# lookahead −1); a delay of two needs three slots and is no member of the family at all.

# %%
descent = md.GradientDescent(learning_rate=0.1)
print(md.equivalent_momentum(descent, md.FixedDelay(staleness=1)))
print(type(md.equivalent_momentum(descent, md.FixedDelay(staleness=2))).__name__)
