# %% [markdown]
# # Which momentum is this?
#
# A paper says *momentum 0.9, learning rate 0.1*. You type the two numbers into your framework, and
# training is ten times too slow, or blows up, or does what the paper says except when the learning
# rate changes. Nothing is broken. There are at least five ways to write one method down, and the
# same two numbers mean different things in them.
#
# This notebook sorts them out: what each convention computes, which number goes where, and the
# three traps that no change of numbers gets you out of. You need to know what heavy ball is ([what
# momentum does to a quadratic](02_what_momentum_does_to_a_quadratic.ipynb)). Ten minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.analysis.conventions import conventions
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import conventions as laws

use_style()

# %% [markdown]
# ## The table
#
# Take what you have, exactly as you have it, and ask. In each row $x$ is what is stored, $g$ the
# gradient, $v$ the velocity; on the right of the second rule $v$ is already the new one.

# %%
mine = md.TorchSGD(learning_rate=0.1, momentum=0.9)
print(conventions(mine))

# %% [markdown]
# (In a shell: `momentum-dynamics convert torch-sgd learning_rate=0.1 momentum=0.9`.)
#
# Polyak, PyTorch, Keras and Sutskever agree on the numbers. The **exponential average** does not:
# it takes only the share $1-\beta$ of each gradient in, so its learning rate is larger by
# $1/(1-\beta)$, here ten times. Its learning rate is what one may call the *effective* one, the
# step that a constant gradient causes in the long run. Whoever says that Adam's first moment is
# momentum means this row.
#
# `convert` gives one row as a method, to run, plot and ask everything else of:

# %%
converted = md.convert(mine, to="average")
converted

# %% [markdown]
# On a parabola: the numbers copied, and the numbers converted.

# %%
parabola = md.Quadratic([1.0])
copied = md.ExponentialAverage(learning_rate=0.1, momentum=0.9)
for method, line in ((mine, "-"), (copied, "--"), (converted, ":")):
    run = md.simulate(method, parabola, steps=60, start=[1.0])
    plt.plot(run.outputs, line, label=str(method))
plt.axhline(0, color="gray", linewidth=0.8)
plt.xlabel("step")
plt.ylabel("distance from the solution")
plt.legend()
plt.show()

# %% [markdown]
# It works with letters as well, and they show why the rows are *one* method: their transfer
# functions, from gradient to point, are the same.

# %%
alpha, beta = md.symbol("learning_rate"), md.symbol("momentum")
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
average = md.convert(ball, to="average")
average.learning_rate

# %%
print(md.transfer_function(ball))
print(md.transfer_function(average))

# %% [markdown]
# `convert` does not match formulas by their names. It sends single gradients into both methods,
# compares all that comes out in exact arithmetic, and refuses if anything differs. So it also
# answers for methods that never heard of the name: here gradient descent with gradients of four
# asynchronous workers, in the mean.

# %%
stale = md.equivalent_momentum(md.GradientDescent(learning_rate=0.1), md.GeometricDelay(workers=4))
print(conventions(stale))

# %% [markdown]
# ## Trap one: dampening is not the average
#
# PyTorch has an argument `dampening`. With dampening equal to momentum the velocity is
# $v \leftarrow \beta v + (1-\beta) g$: the average, one would think.

# %%
damped = md.TorchSGD(learning_rate=0.1, momentum=0.9, dampening=0.9)
print(conventions(damped))

# %% [markdown]
# Look at the row *average*: its first step has momentum **0**. PyTorch stores the first gradient
# whole, undamped, so the first step is ten times as long as the average's. After that the two move
# alike, from different velocities. Start where the gradient is large, and you see it for a long
# while:

# %%
for method in (damped, copied):
    run = md.simulate(method, parabola, steps=60, start=[1.0])
    plt.plot(run.outputs, label=str(method))
plt.xlabel("step")
plt.ylabel("distance from the solution")
plt.legend()
plt.show()

# %% [markdown]
# ## Trap two: a learning rate that changes
#
# PyTorch multiplies the velocity by the learning rate when it *uses* it, Keras when it *stores* a
# gradient. As long as the learning rate stands still nobody can tell. When it drops tenfold,
# PyTorch's old velocity counts a tenth at once; Keras's lives on. In Polyak's form, PyTorch's
# momentum is another one at the step of the change:

# %%
rates = [0.1, 0.1, 0.01]
torch_drop = md.Scheduled(stages=[md.TorchSGD(learning_rate=rate, momentum=0.9) for rate in rates])
for stage in md.convert(torch_drop, to="polyak").stages:
    print(stage)

# %%
rates = [0.05] * 8 + [0.005]
for kind in (md.TorchSGD, md.KerasSGD):
    stages = [kind(learning_rate=rate, momentum=0.8) for rate in rates]
    run = md.simulate(md.Scheduled(stages=stages), parabola, steps=40, start=[1.0])
    plt.plot(run.outputs, label=kind.__name__)
plt.axvline(8, color="gray", linestyle=":", label="learning rate ÷ 10")
plt.xlabel("step")
plt.ylabel("distance from the solution")
plt.legend()
plt.show()

# %% [markdown]
# For one step the momentum is 0.09. To make a framework of Keras's kind follow a PyTorch schedule,
# use these momenta; the other way round, the law of the package says what to give PyTorch:

# %%
md.expression(laws.velocity_momentum)

# %% [markdown]
# ## Trap three: Nesterov's two points
#
# Nesterov's method has two sequences, $x$ and the look-ahead $y = x + \beta(x - x_-)$, where the
# gradient is asked. Papers store $x$. PyTorch and Keras store $y$, since then the gradient is asked
# at the parameters, as a framework wants it.

# %%
print(conventions(md.KerasSGD(learning_rate=0.1, momentum=0.9, nesterov=True)))

# %% [markdown]
# The gradients are the same, to the last bit of the theory. The points you report are not: with
# noisy gradients $y$ has a larger variance than $x$, and whoever compares final losses compares
# different points. A converted method remembers which one is the answer:

# %%
framework = md.TorchSGD(learning_rate=0.5, momentum=0.9, nesterov=True)
paper = md.Nesterov(learning_rate=0.5, momentum=0.9)
for method in (framework, paper, md.convert(framework, to="polyak", nesterov=True)):
    print(f"{md.stationary_variance(method, 1.0, 1.0):.4f}  {method}")

# %%
momentum = np.linspace(0, 0.95, 96)
for told, name in ((False, "x, as in papers"), (True, "y, as in frameworks")):
    family = md.Nesterov(learning_rate=0.5, momentum=momentum, answers_lookahead=told)
    plt.plot(momentum, md.stationary_variance(family, 1.0, 1.0), label=name)
plt.xlabel("momentum")
plt.ylabel("noise floor")
plt.legend()
plt.show()

# %% [markdown]
# ## A run under way
#
# You have a checkpoint: parameters and momentum buffer of PyTorch, and want to go on in another
# framework. The buffer has to be mapped along; `convert_state` does it.

# %%
problem = md.Rosenbrock()
torch = md.TorchSGD(learning_rate=0.001, momentum=0.9)
state = torch.initial_state(np.asarray(problem.start, dtype=float))
for _ in range(10):
    state = torch.update(state, problem.field(torch.query(state)))
keras = md.convert(torch, to="keras")
moved = md.convert_state(state, torch, keras)
print("PyTorch's buffer  ", state[1])
print("Keras's velocity  ", moved[1])
onward = md.simulate(keras, problem, steps=10, start=moved)
whole = md.simulate(torch, problem, steps=20)
print("apart after 10 more", np.abs(onward.points[-1] - whole.points[-1]).max().round(12))

# %% [markdown]
# All of it in one picture, from the gallery:

# %%
show("which-momentum")

# %% [markdown]
# ## Exercises
#
# 1. Your colleague's exponential average has learning rate 0.05 and momentum 0.95. What do you type
#    into PyTorch? Guess first.
# 2. Is quasi-hyperbolic momentum with discount 0.9 and momentum 0.9 any of these? And with discount
#    0.7?
# 3. A PyTorch run uses warm-up: the learning rate grows from 0.01 to 0.1 in four equal steps,
#    momentum 0.9. What is the largest momentum that Polyak's form needs on the way? What may
#    happen there on a steep direction?
# 4. Gradient descent with dampening? Explain why `TorchSGD(learning_rate=0.1, momentum=0,
#    dampening=0.5)` is not gradient descent with learning rate 0.05.

# %% [markdown]
# ## Solutions
#
# **1.** The learning rate is multiplied by 1 − β, so a twentieth of it.

# %%
print(md.convert(md.ExponentialAverage(learning_rate=0.05, momentum=0.95), to="pytorch"))

# %% [markdown]
# **2.** With discount = momentum it is Nesterov's method; with 0.7 it is a method of its own.

# %%
hyperbolic = md.QuasiHyperbolic(learning_rate=1.0, momentum=0.9, discount=0.9)
print(md.convert(hyperbolic, to="pytorch", nesterov=True))
try:
    md.convert(md.QuasiHyperbolic(learning_rate=1.0, momentum=0.9, discount=0.7), to="pytorch")
except md.DomainError as reason:
    print(reason)

# %% [markdown]
# **3.** When the learning rate grows, Polyak's momentum is larger than 0.9 by the same factor: 2.9
# in the step where it more than triples. A velocity that has built up is thrown forward. For one
# step that is no instability, but a long one may leave the region where the loss is tame; a reason
# to warm up by small factors.

# %%
warm = [md.TorchSGD(learning_rate=rate, momentum=0.9) for rate in np.linspace(0.01, 0.1, 5)]
for stage in md.convert(md.Scheduled(stages=warm), to="polyak").stages:
    print(f"learning rate {stage.learning_rate:.4f}   momentum {stage.momentum:.3f}")

# %% [markdown]
# **4.** Its first step is not dampened: 0.1, and 0.05 from then on.

# %%
print(conventions(md.TorchSGD(learning_rate=0.1, momentum=0.0, dampening=0.5)))
