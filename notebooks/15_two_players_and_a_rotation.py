# %% [markdown]
# # Two players and a rotation: why must they take turns?
#
# One player minimizes $xy$ over $x$, the other maximizes it over $y$. Nobody goes downhill for
# long: the two gradients together turn around the equilibrium. Here the momentum that speeds up
# minimization does harm, *negative* momentum helps, and it helps only if the players **take
# turns** (Gidel et al., 2019). By the end you will see why in one picture.
#
# You need the unit circle and complex numbers. Thirty minutes.

# %%
import numpy as np
import sympy

import momentum_dynamics as md
from momentum_dynamics.figures.game_sliders import game_explorer
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.laws import games, shapes

use_style()

# %% [markdown]
# ## A field that turns
#
# `BilinearGame(s)` is $\min_x\max_y\, x s y$. Its field is $(sy, -sx)$, the Jacobian's
# eigenvalues are $\pm is$: no real part, nothing that pulls to the middle. Let both players
# descend their own gradients, first at once, then in turn:

# %%
game = md.BilinearGame(1.0)
for order in (md.Simultaneous(), md.Alternating()):
    run = md.play(md.GradientDescent(learning_rate=0.4), game, steps=40, play=order)
    print(f"{order!r:16} distance after 40 rounds: {run.distance[-1] / run.distance[0]:8.3f}")

# %% [markdown]
# At once the distance grows without end; in turn it neither grows nor shrinks. Now six plays, with
# negative, no and positive momentum:

# %%
show("bilinear-game-orbits")

# %% [markdown]
# Only the lower left play converges: *negative* momentum **and** *in turn*. Both are needed.
#
# ## A round is a matrix
#
# Whoever plays linearly on a linear game moves by a matrix. It need not be derived: feed unit
# vectors into the methods' own code, one round, and read off what comes out.

# %%
alpha, beta, s = map(md.symbol, ("learning_rate", "momentum", "singular_value"))
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
bilinear = md.QuadraticGame(0, s, 0)
md.game_operator(ball, bilinear, md.Alternating())

# %% [markdown]
# The characteristic polynomials of the two orders differ in one place only:

# %%
z = sympy.Symbol("z")
for order in (md.Simultaneous(), md.Alternating()):
    polynomial = md.characteristic_polynomial(ball, bilinear, play=order).as_expr()
    rest = sympy.factor(sympy.expand(polynomial - ((z - 1) * (z - beta)) ** 2))
    print(f"{order!r:16} ((z − 1)(z − β))² + {rest}")

# %% [markdown]
# At once the players are coupled by $\alpha^2s^2z^2$, in turn by $\alpha^2s^2z^3$: taking turns
# is **one delay less** in the loop. The second player sees where the first one *is*, not where it
# was. That is the whole difference. Where do the roots go?

# %%
show("how-a-round-moves-its-roots")

# %% [markdown]
# At once, two roots leave the unit circle at once, whatever the momentum. In turn and without
# momentum they run *along* the circle, so a nudge decides: positive momentum outwards, negative
# inwards.
#
# ## The push and the pull
#
# For small steps one can say how much. Expand the largest root in $c = (\alpha s)^2$:

# %%
c = md.symbol("coupling")
at_once = games.simultaneous_growth(c, beta)
in_turn = games.alternating_growth(c, beta, beta)
push = games.delay_push(c, beta)
print("at once:", sympy.factor(at_once - 1))
print("in turn:", sympy.factor(in_turn - 1))
print("their difference is the push:", sympy.factor(push), sympy.simplify(at_once - in_turn - push))

# %% [markdown]
# So growth at once is growth in turn **plus a push outwards**, $c/(2(1-\beta)^2)$, the price of
# answering to where the other stood. With momentum $-m$ the pull inwards is $cm/(1+m)^3$. Can it
# ever beat the push $c/(2(1+m)^2)$? Only if $2m > 1 + m$, that is $m > 1$, where momentum itself
# diverges.
#
# In words. A player that answers $\ell$ rounds late on a rotation is driven outwards by $\ell$
# times its squared step; one that answers early, inwards. The step in the long run is
# $\alpha s/(1-\beta)$, and momentum looks $\beta/(1-\beta)$ rounds back, negative momentum
# ahead. A straight step at once is half a round late, since the other one moves meanwhile; in
# turn the second player's newer answer makes up for just that:

# %%
step_squared = c / (1 - beta) ** 2
for name, growth in (("at once", at_once), ("in turn", in_turn)):
    late = sympy.apart(sympy.simplify((growth - 1) / step_squared), beta)
    print(f"{name}: rounds late = {late} = {late.subs(beta, sympy.Rational(-1, 2))} at β = −1/2")

# %% [markdown]
# Momentum $-m$ is $m/(1+m)$ rounds early: less than the missing half round, for every $m < 1$.

# %%
show("why-taking-turns-matters")

# %% [markdown]
# This is why negative momentum needs turns. At once it makes the divergence slower, never a
# convergence. In turn there is no push to beat: any negative momentum pulls, and any positive one
# pushes by itself.
#
# ## Try it
#
# Orange is at once, blue in turn. Find a momentum at which blue converges; then try to make
# orange converge. (It needs the third slider, a *pull* of each player's own, $\tfrac a2 x^2 + xy
# - \tfrac a2 y^2$.)

# %%
game_explorer(step=0.6, momentum=-0.3)

# %% [markdown]
# ## How much, exactly?
#
# For any step: in turn, equal heavy balls converge exactly for $-1 < \beta < 0$ and
# $\alpha s < 2(1 + \beta)$. The claim is proved on the superposed round:

# %%
print(md.judge(md.claim("negative-momentum-converges-on-alternating-bilinear-games")))
show("bilinear-grid")

# %% [markdown]
# And which momentum is best? It depends on what you ask, a lot:

# %%
stiff = md.BilinearGame(np.diag([1.0, 0.02]))
small = np.linspace(-0.95, -0.05, 181)
slow = md.spectral_radius(md.HeavyBall(learning_rate=0.01, momentum=small), game)
print("one singular value:     ", md.tune(md.HeavyBall, game=game))
print("singular values 0.02, 1:", md.tune(md.HeavyBall, game=stiff))
print(f"a small step:            momentum={small[np.argmin(slow)]:.3f}")
print("exactly:                ", [float(law(1.0).momentum) for law in (
    games.best_alternating, games.minimax_alternating)], -1 / 2)  # fmt: skip

# %% [markdown]
# "Slightly negative" is no rule: −0.07, −0.2 and −0.5 are all best for something.
#
# ## Between minimization and rotation
#
# Real games are neither. Let the curvatures be complex, $h = a \pm ib$. Played *at once*, heavy
# ball is stable where $\alpha h$ lies in an ellipse around $1 + \beta$ with half axes $1 + \beta$
# along the real and $1 - \beta$ along the imaginary axis. Negative momentum makes it **tall**:

# %%
show("stability-ellipses")

# %% [markdown]
# Every ellipse touches the imaginary axis at 0 only: the pure rotation once more. But with a
# little pull, the more a game turns the more negative the best momentum is. For one pair of
# argument ψ it is $-\tan^2(\psi/2)$, with rate $\tan(\psi/2)$:

# %%
for angle in (0.3, 1.0, 1.5):
    best = md.tune(md.HeavyBall, spectrum=[np.exp(1j * angle)])
    law = shapes.pair_momentum(angle), shapes.pair_rate(angle)
    rate = md.spectral_radius(best, np.exp(1j * angle))
    print(f"ψ = {angle}: momentum {best.momentum:.4f} (law {law[0]:.4f}), rate {rate:.4f}", end=" ")
    print(f"(law {law[1]:.4f}), descent {np.sin(angle):.4f}")

# %% [markdown]
# ## Is it worth it?
#
# Set all methods side by side on one bilinear game, and count gradients:

# %%
show("methods-per-gradient")

# %% [markdown]
# Among methods that ask for gradients only, negative momentum in turn wins, by a constant. Where
# there is some pull everywhere (strongly monotone games), turns alone already do what negative
# momentum does for play at once, and more:

# %%
for pull in (0.3, 0.1, 0.03):
    monotone = md.QuadraticGame(pull, 1.0, pull)
    for order in ("simultaneous", "alternating"):
        best = md.tune(md.HeavyBall, game=monotone, play=order)
        rate = float(md.spectral_radius(best, monotone, play=order))
        print(f"pull {pull}: {order:12} momentum {best.momentum:7.4f}, rate {rate:.4f}")

# %% [markdown]
# **What to remember.** A game turns; answering late turns outwards. Negative momentum pulls
# inwards, but less than one delay pushes. Take turns, and the push is gone.
#
# ## Exercises
#
# 1. **One player only.** Give momentum −1/2 to the first player and none to the second. Does play
#    in turn converge? And with −0.6 and +0.2?
# 2. **More turns.** Let the second player make three steps in each turn
#    (`Alternating(inner_steps=(1, 3))`). Where is the best common momentum now?
# 3. **An argument.** `ComplexMomentum` has a phase. Find one with which play *at once* converges
#    on the rotation.
# 4. **Noise.** With noise in the gradients, how does the distance at which the players settle
#    depend on momentum? Do smaller steps bring them closer?
#
# ## Solutions
#
# **1.** Both converge: what counts is that the momenta together pull.

# %%
for momenta in ((-0.5, 0.0), (-0.6, 0.2), (-0.2, 0.6)):
    pair = tuple(md.HeavyBall(learning_rate=0.5, momentum=momentum) for momentum in momenta)
    print(momenta, bool(md.is_stable(pair, game)), float(md.spectral_radius(pair, game).round(4)))

# %% [markdown]
# **2.** Three steps on the same answer are one large step: the second player's turn counts for
# more, and the best common learning rate falls.

# %%
for steps in ((1, 1), (1, 2), (1, 3)):
    order = md.Alternating(inner_steps=steps)
    best = md.tune(md.HeavyBall, game=game, play=order)
    print(steps, best, "rate", float(md.spectral_radius(best, game, play=order).round(4)))

# %% [markdown]
# **3.** Nearly any: a velocity that turns by itself can turn against the field.

# %%
for phase in (0.0, 0.5, 1.178, 2.0, np.pi):
    method = md.ComplexMomentum(learning_rate=0.1, momentum=0.8, phase=phase)
    print(f"{phase:.3f}", float(md.spectral_radius(method, game, play="simultaneous").round(4)))

# %% [markdown]
# **4.** `stationary_radius` reads it off the same operator. Stronger momentum settles closer:

# %%
for step in (0.01, 0.1, 0.3):
    for momentum in (-0.7, -0.4, -0.1):
        ball = md.HeavyBall(learning_rate=step, momentum=momentum)
        settled = float(md.stationary_radius(ball, game, 1.0))
        print(f"step {step}, momentum {momentum}: settled distance {settled:.3f}")

# %% [markdown]
# The step hardly matters. In symbols one sees why: as it goes to zero, something is left.

# %%
ball = md.HeavyBall(learning_rate=alpha, momentum=beta)
square = md.stationary_radius(ball, bilinear, 1) ** 2
print("settled mean square:", square)
print("for small steps:    ", sympy.factor(square.subs(alpha, 0)))
show("noise-in-games")

# %% [markdown]
# The pull of negative momentum is of the second order in the step, and so is the noise. Where a
# game has a pull of its own, of the first order, small steps do help.
