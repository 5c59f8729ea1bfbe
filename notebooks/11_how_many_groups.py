# %% [markdown]
# # How many groups?
#
# You have many machines and one model. All of them can compute one gradient together and wait for
# the slowest: one *synchronous* group. Or each goes its own way and sends in what it has:
# *asynchronous*, with gradients that are late. In between lie groups: nodes of a group wait for
# each other, groups do not. How many groups should it be?
#
# The answer is a product of two numbers, one of the hardware and one of statistics. We compute
# both, multiply, look where a well-known rule of thumb finds the optimum and where it does not, go
# to ten thousand nodes, and end with one command that makes the plan.
#
# You need staleness and its implicit momentum (the
# [tour](01_a_tour_in_ten_minutes.ipynb) has it in one section) and the noise floor
# ([notebook 05](05_what_does_noise_do.ipynb)). Forty minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

import momentum_dynamics as md
from momentum_dynamics.claims.published import reported
from momentum_dynamics.cli import main
from momentum_dynamics.figures.interactive import show, use_style
from momentum_dynamics.figures.sliders import group_explorer
from momentum_dynamics.laws import staleness, systems
from momentum_dynamics.systems import barrier_staleness, scaling

use_style()

# %% [markdown]
# ## Two clocks
#
# Training ends when the loss is down at a target. How long that takes is
#
# $$\text{seconds} = \underbrace{\text{seconds per update}}_{\text{hardware efficiency}} \times
# \underbrace{\text{updates to the target}}_{\text{statistical efficiency}}.$$
#
# More groups make updates more often, and make them of older gradients. The first factor falls, the
# second rises. This way of cutting the problem in two, and the words, are Omnivore's:

# %%
print(md.cite("hadjis2016"))

# %% [markdown]
# ## The first clock: seconds per update
#
# Thirty-two nodes split a batch that would take one node 32 seconds. With g groups each has 32/g
# nodes and needs g seconds. A server adds up what arrives and takes 0.35 seconds for each, one
# group after the other.

# %%
cluster = md.Cluster(nodes=32, service=md.Deterministic(mean=32), server=0.35, shares_batch=True)
print("groups  nodes each  seconds of a group  seconds per update")
for groups in (1, 2, 4, 8, 16, 32):
    law, pace = cluster.group_law(groups), md.hardware_efficiency(cluster, groups)
    print(f"{groups:6} {cluster.group_size(groups):11} {law.mean:19.2f} {pace.seconds:19.4f}")

# %% [markdown]
# Where does the last column come from? A group comes back to the server every $t_g + t_s$ seconds
# at best, and there are $g$ of them; and the server itself makes no more than one update in $t_s$
# seconds. So the time between updates is at least the larger of two numbers:

# %%
md.expression(systems.hardware_efficiency)

# %% [markdown]
# The two are equal when the server has no time left to rest. From then on, more groups only make a
# longer line in front of it:

# %%
md.expression(systems.saturation_groups)

# %% [markdown]
# ### Exact, or optimistic?
#
# A lower bound is not yet the truth. Take nodes of 8 seconds and a server of 1, so that it
# saturates at 9 groups. If all times are fixed, groups fall into a rhythm and never meet: the
# formula is exact. If times are random they do meet, and wait. For memoryless times queueing theory
# has the answer (groups are machines that break, the server is the repairman); the last column is
# a simulated run of the queue.

# %%
print("groups  formula  fixed   memoryless  simulated")
for groups in (1, 4, 8, 9, 16):
    fixed = md.Cluster(nodes=groups, service=md.Deterministic(mean=8), server=1)
    random = md.Cluster(nodes=groups, service=md.Exponential(mean=8), server=md.Exponential())
    run = md.simulate_queue(
        md.GradientDescent(learning_rate=0.0), md.Quadratic([1.0]), workers=groups,
        service=random.service, server=random.server, updates=6000, replicas=4, seed=1,
        stride=6000,
    )  # fmt: skip
    seconds = (run.times[-1] - run.times[1999]).mean() / 4000
    print(
        f"{groups:6} {systems.hardware_efficiency(8.0, 1.0, groups):8.4f}"
        f" {md.hardware_efficiency(fixed, groups).seconds:7.4f}"
        f" {md.hardware_efficiency(random, groups).seconds:10.4f} {seconds:11.4f}"
    )

# %% [markdown]
# The formula is optimistic, and most of all at saturation, where a planner would like to work: a
# line of waiting groups forms there although on average there is time for all. Far beyond, the
# server always has something to do, and the formula is right again. On the scorecard this is a
# claim, with a proof:

# %%
print(md.claim("hardware-efficiency-is-exact-for-fixed-times").title)

# %% [markdown]
# ## The second clock: updates to a target
#
# Let the gradients be noisy. Then no fixed learning rate brings the loss to zero; it settles at a
# floor, and to come down to a low floor one needs a small learning rate, hence many updates. That
# is where staleness enters. For gradient descent on M memoryless workers the floor is known
# exactly, not only in the mean:

# %%
md.expression(staleness.queue_stationary_variance)

# %% [markdown]
# With $a = \alpha h$ this is the floor of small steps, $\alpha\sigma^2/(2h)$, times a factor of
# about $1 + Ma$. Staleness costs nothing as long as $Ma$ is small! Look:

# %%
rates = np.array([0.001, 0.01, 0.1, 0.3])
print("  αh   floor of M = 1, 8, 32 over that of small steps")
for rate in rates:
    floors = [staleness.queue_stationary_variance(rate, 1.0, 1.0, M) for M in (1, 8, 32)]
    words = [f"{floor / (rate / 2):8.3f}" if floor > 0 else "unstable" for floor in floors]
    print(f"{rate:6.3f}", *words)

# %% [markdown]
# The last row: a law of the package is true where it is true. Where the denominator is negative
# there is no floor, because the mean square grows.
#
# Now turn the question round. *Given* a floor V to come down to, which learning rate may we use?
# The equation is a quadratic one in α. Far modes contract by the learning rate, so updates go like
# 1/α, and the price of staleness is the learning rate of one worker over that of M:

# %%
md.expression(systems.floor_learning_rate)

# %%
print("  floor   learning rate of M = 1, 8, 32     updates over those of one: M = 8, 32")
for floor in (0.3, 0.03, 0.003):
    allowed = [systems.floor_learning_rate(floor, 1.0, 1.0, M) for M in (1, 8, 32)]
    price = [systems.statistical_efficiency(floor, 1.0, 1.0, M) for M in (8, 32)]
    print(f"{floor:7g}  ", *(f"{rate:8.4f}" for rate in allowed), "       ",
          *(f"{factor:8.3f}" for factor in price))  # fmt: skip

# %% [markdown]
# At the loose target 32 workers need several times the updates of one; at the tight one hardly
# more. **The tighter the target, the cheaper is staleness**, because tight targets need small steps
# anyway, and small steps do not notice that they are late.
#
# ## The product
#
# Multiply. Here are both clocks and their product for the cluster of the first table:

# %%
groups = 2 ** np.arange(6)
pace = np.array([md.hardware_efficiency(cluster, int(g)).seconds for g in groups])
for floor in (0.3, 0.1, 0.03, 0.01, 0.003):
    price = systems.statistical_efficiency(floor, 1.0, 1.0, groups.astype(float))
    time = pace * price
    plt.loglog(groups, time / time.min(), "o-", base=2, label=f"floor {floor:g}")
    print(f"floor {floor:5g}: best of these {groups[time.argmin()]:2} groups")
plt.xlabel("groups")
plt.ylabel("time to settle, over the best")
plt.legend()
plt.show()

# %% [markdown]
# The best number of groups grows as the target tightens. That is no accident of these numbers. The
# logarithm of the price has a mixed derivative of one sign in floor and workers, so that *no*
# hardware whatever can turn the order around:

# %%
verdict = md.judge(md.claim("best-groups-grow-as-the-target-tightens"))
print(verdict.verdict, "-", verdict.claim.title)

# %% [markdown]
# So it makes sense to begin with one synchronous group, while the loss is high and large steps pay,
# and to let the groups go their own ways later. Omnivore's code does begin so.
#
# Move it yourself. What happens if the server is free (0 seconds)? If it takes as long as the
# groups? How low must the floor be before all 32 nodes may go alone?

# %%
group_explorer(communication=0.02)

# %% [markdown]
# ## Tuned, with explicit momentum
#
# So far the method was gradient descent, and the target a floor. Now everything is tuned: for each
# number of groups the learning rate *and* the explicit momentum that bring the mean loss to a
# target in the fewest updates, on exact second moments, from the true staleness law of the groups.

# %%
task = md.Task(spectrum=[1.0], noise_variance=1.0, target=0.03)
choices = md.best_groups(cluster, task, among=groups.tolist())
print("groups  updates  learning rate  momentum  seconds")
tuned = {choice.groups: choice for choice in choices}
for choice in map(tuned.get, sorted(tuned)):
    print(
        f"{choice.groups:6} {choice.updates:8} {choice.learning_rate:14.4f}"
        f" {choice.momentum:9.2f} {choice.seconds:8.2f}"
    )
print("fastest:", choices[0])

# %% [markdown]
# Read the momentum from top to bottom. Late gradients act like momentum, so the explicit one has to
# give way; with many groups its best value is *negative*, which a grid from 0 on never shows.
#
# And look at the updates of few groups: for them staleness is free, as the momentum makes up for it
# entirely. Here is the same for two targets, with the queue of random times beside:

# %%
show("how-many-groups", targets=(0.1, 0.03), updates=500)

# %% [markdown]
# ## The halving rule
#
# To find the best number without knowing any of this, Omnivore has a rule of thumb. Begin with as
# many groups as the server can bear. Try learning rates and momenta for a while. *If the best
# explicit momentum is 0, there is too much implicit momentum: halve the number of groups, and
# search again.* Stop as soon as the best momentum is above 0.
#
# The package runs this rule on exact losses, so that no luck is in it. Each line is one task for
# one cluster: what the rule tried, where it stopped, and what is really fastest.

# %%
alone = md.Cluster(nodes=32, service=md.Exponential())
prices, compared = [], {}
for name, machines in (("one batch", cluster), ("own batches", alone)):
    for noise, target in ((1.0, 0.1), (1.0, 0.01), (4.0, 0.1)):
        given = md.Task(spectrum=[1.0], noise_variance=noise, target=target)
        found = md.best_groups(machines, given, among=groups.tolist())
        compared[name, noise, target] = found
        trials = md.halving_rule(machines, given, seconds=found[0].seconds / 2)
        tried = " → ".join(f"{trial.groups} ({trial.momentum:g})" for trial in trials)
        times = {choice.groups: choice.seconds for choice in found}
        prices.append(times[trials[-1].groups] / found[0].seconds)
        print(f"{name:11}  noise {noise:g}, target {target:<4g}: fastest {found[0].groups:2},",
              f"rule costs {prices[-1]:.2f} times that;  {tried}")  # fmt: skip
off = [price for price in prices if price > 1.05]
print(f"off by more than 5 % in {len(off)} of {len(prices)} settings, at most {max(prices):.2f}")

# %% [markdown]
# In brackets is the best momentum of each trial. Where is the rule right, where is it wrong, and
# why?
#
# - *Own batches, no server*: twice the groups are twice the updates a second, and hardware says
#   "as many as possible". The rule mostly stays there and is right. Where it halves, it is wrong.
# - *One batch that is split*: from one group to 32 seconds per update fall by a quarter only. There
#   is little to win, and staleness costs more than it brings. The rule stays with 32 groups all
#   the same, since it looks at losses and **never at seconds**.
# - Its momentum answers two questions at once. Learning rates are tried in powers of ten; between
#   two of them, momentum 0.9 stands in for a learning rate that is not on the grid. Then the best
#   momentum is above zero, however late the gradients are.
# - A momentum below zero is not on its grid, so "0" means "0 or less".
#
# So the rule hears of too much asynchrony in the sense of statistics, and is no optimizer of time.
# The claim of the scorecard about it simulates eight such settings, event by event. With the first
# clock known, the product decides.
#
# ## Barriers
#
# A group waits for its slowest node. If one node's time is memoryless with mean 1, the mean of the
# slowest of k is the harmonic number $H_k = 1 + 1/2 + \dots + 1/k$: the first of k is done after
# 1/k, the next after 1/(k − 1) more, and so on. For other laws the package integrates:

# %%
print("    k      H_k  exponential  0.9 + 0.1 Exp  lognormal, c = 0.1  Pareto, tail 3")
nodes_laws = (md.Exponential(), md.ShiftedExponential(shift=0.9), md.LogNormal(variation=0.1),
              md.Pareto(tail=3))  # fmt: skip
for count in (8, 64, 1024, 9600):
    slowest = [float(md.SlowestOf(service=law, count=count).mean) for law in nodes_laws]
    print(f"{count:5} {float(systems.straggler_factor(count)):8.4f}",
          *(f"{mean:12.3f}" for mean in slowest))  # fmt: skip

# %% [markdown]
# A synchronous step of 9,600 memoryless nodes takes almost ten times a node's own mean; if nodes
# differ by a tenth only, it takes up to twice as long. A heavy tail is another world.
#
# In g groups each barrier is smaller, and what is gained is $H_N/H_{N/g}$:

# %%
for count in (2, 4, 8, 16, 64):
    gain = float(systems.barrier_gain(9600 / count, count))
    print(f"{count:2} groups of 9,600 nodes: {gain:.3f} times the gradients a second")

# %% [markdown]
# Relief from stragglers alone is modest. What else do barriers do? They change the *law of
# staleness*. The time of a large barrier hardly varies: its spread tends to $\pi/\sqrt6$ while its
# mean grows like $\ln k$. Groups that take nearly fixed times go round and round in the same order,
# and gradients become nearly equally old:

# %%
ages = np.arange(30)
for size in (1, 4, 32, 1200):
    delay = barrier_staleness(md.Cluster(nodes=8 * size, service=md.Exponential()), 8)
    chances = np.asarray(delay.probabilities(200))
    spread = np.sqrt(chances @ np.arange(200) ** 2 - 49) / 7
    plt.plot(ages, chances[:30], "o-", markersize=3, label=f"8 groups of {size:,}")
    print(f"{size:5} nodes a group: mean {chances @ np.arange(200):.3f}, variation {spread:.3f}")
plt.xlabel("staleness, updates")
plt.ylabel("probability")
plt.legend()
plt.show()

# %% [markdown]
# The mean is 7 in all of them, for eight workers of any kind: every update makes seven others'
# gradients older by one. The shape goes from geometric to nearly a spike.
#
# That has a consequence. "Eight workers are momentum 1 − 1/8" holds for *geometric* staleness.
# Behind large barriers it is a delay, not a momentum, and what a delay bears is far less. The
# largest learning rate × curvature at which the mean is stable:

# %%
descent = md.GradientDescent(learning_rate=1.0)
for size in (1, 4, 32, 1200):
    delay = barrier_staleness(md.Cluster(nodes=8 * size, service=md.Exponential()), 8)
    print(f"{size:5} nodes a group: {float(md.delay_stability_limit(descent, delay)):.4f}")
print("geometric, closed form: ", staleness.geometric_delay_step_limit(8))
print("fixed delay, closed form:", round(float(staleness.fixed_delay_step_limit(7)), 4))

# %% [markdown]
# More than a hundred times less, for the same eight groups and the same mean. So a momentum that
# was tuned by the rule 1 − 1/g is tuned for the wrong law.
#
# ## Ten thousand nodes
#
# Fifteen petaflops for deep learning: the hybrid of synchronous groups and asynchrony between them
# has been run on a whole machine. Its paper's abstract has these numbers:

# %%
nodes = reported("kurth2017", "nodes")
one = reported("kurth2017", "speed of one node")
sustained = reported("kurth2017", "sustained speed")
print(nodes, "of", one, "each; sustained", sustained)
shares = [speed * 1000 / (nodes.smallest * one.smallest) for speed in
          (sustained.smallest, sustained.largest)]  # fmt: skip
print(f"that is {shares[0]:.0%} to {shares[1]:.0%} of what its nodes do alone")

# %% [markdown]
# Their networks, their data and the times of their nodes are not here, so nothing is reproduced.
# But the question can be asked: what would *assumed* node times leave of 9,600 nodes, if an
# exchange takes 1 % of a node's time?

# %%
print("node times             one barrier   8 groups   waiting   exchanging")
for law in nodes_laws:
    machine = md.Cluster(nodes=9600, service=law, communication=0.01, server=0)
    single, several = scaling(machine, [9600], 1), scaling(machine, [9600], 8)
    print(f"{type(law).__name__:22} {single.weak[0] / 9600:10.1%} {several.weak[0] / 9600:10.1%}"
          f" {several.straggler[0]:9.1%} {several.communication[0]:12.1%}")  # fmt: skip

# %% [markdown]
# Memoryless or heavy-tailed nodes would leave a tenth. Nodes that vary by a tenth come out near the
# share that was reached, so the nodes of that machine must have been nearly alike.
#
# The whole picture, from 8 nodes to 9,600, with simulated queues as dots:

# %%
show("hybrid-staleness", points=8, updates=1000)

# %% [markdown]
# Simulating is no effort either, since a group is one draw of its slowest node and not 1,200 draws:

# %%
machine = md.Cluster(nodes=9600, service=md.ShiftedExponential(shift=0.9))
for count in (8, 9600):
    run = md.simulate_queue(
        md.GradientDescent(learning_rate=1e-3), md.Quadratic([0.1, 1.0]), workers=count,
        service=machine.group_law(count), updates=40_000, stride=40_000, noise_variance=1.0,
        seed=2,
    )  # fmt: skip
    print(f"{count:5} groups: {run.times.max():8.1f} seconds for 40,000 updates,",
          f"gradients {run.mean_staleness:8.1f} updates old")  # fmt: skip

# %% [markdown]
# (The mean age in the last line is not yet 9,599: four rounds are too few to forget the start.)
#
# ## A plan
#
# All of this in one call. You say what the cluster is like and what the loss is like: its smallest
# and largest curvature, the variance of one node's gradient, the loss to come down to.

# %%
found = md.plan(
    nodes=64, service=md.ShiftedExponential(shift=0.9), communication=0.02,
    spectrum=(0.05, 1.0), noise=40.0, target=0.05,
)  # fmt: skip
print(found)

# %% [markdown]
# Between the extremes there is a flat optimum, as always with products of a falling and a rising
# factor. What was compared:

# %%
table = {choice.groups: choice for choice in found.choices}
counts = sorted(table)
plt.loglog(counts, [table[g].seconds for g in counts], "o-", base=2, label="seconds")
plt.loglog(counts, [table[g].updates for g in counts], "s:", base=2, label="updates")
plt.axvline(found.groups, color="gray", linewidth=0.8)
plt.xlabel("groups")
plt.legend()
plt.show()

# %% [markdown]
# A plan that nobody checks is an opinion. `verify` simulates the cluster with the recommended
# settings event by event, many times, and says whether the loss is where it was promised, and
# when:

# %%
print(found.verify(seed=1, replicas=400))

# %% [markdown]
# What does the plan leave out? Between its exact cases, successive stalenesses are taken as
# independent, which the run above does not; the loss is a quadratic; noise does not depend on the
# place. Take the recommendation as the middle of what to try.
#
# On the command line the same is `momentum-dynamics plan`, which exits with 1 if the simulation
# does not confirm it. From Python:

# %%
command = ("plan --nodes 32 --service gamma:4 --communication 0.05 --spectrum 0.1,1 "
           "--noise 4 --target 0.05")  # fmt: skip
print("$ momentum-dynamics", command)
print("exit code", main(command.split()))

# %% [markdown]
# **What to remember.** Time is seconds per update times updates; tune the product, not a factor.
# Staleness is nearly free where steps are small: tight targets, noisy gradients, the end of
# training. More groups want less explicit momentum, below zero too. Barriers turn momentum into
# delay. And whatever the rule says: measure seconds.
#
# ## Exercises
#
# 1. **Saturation.** A group computes for 12 seconds, the server takes 0.5. From which number of
#    groups on is the server the bottleneck? By how much is the formula too optimistic there, if all
#    times are memoryless?
# 2. **The price, to first order.** For a low floor the price of staleness is about
#    1 + (M − 1)c for some c. Find c from `statistical_efficiency` at floor 0.001, h = σ² = 1.
# 3. **The ideal rule.** Suppose the halving rule knew the *best* momentum exactly, negative ones
#    included, and halved while that is not positive. Where would it stop for the 32 nodes that
#    share a batch (noise 1, target 0.1), and what does it cost there?
# 4. **Delay is not momentum.** Which explicit momentum makes gradient descent with *one step of
#    fixed delay* as fast as it can be on one curvature, without noise? Try b = −1 and αh = 1.
# 5. **Stragglers.** Nodes take 0.9 + 0.1 Exp. How many nodes can one barrier hold before half of
#    the time is waiting? Use `SlowestOf` and look at powers of ten: what is the law?

# %% [markdown]
# ## Solutions
#
# **1.** At 25 groups.

# %%
print("saturated from", systems.saturation_groups(12.0, 0.5), "groups on")
waiting = md.Cluster(nodes=25, service=md.Exponential(mean=12), server=md.Exponential(mean=0.5))
exact = md.hardware_efficiency(waiting, 25).seconds
print(f"{exact / systems.hardware_efficiency(12.0, 0.5, 25) - 1:.1%} more than the formula")

# %% [markdown]
# **2.** About 2V h²/σ²: the learning rate for a low floor is α ≈ 2Vh/σ², and the factor 1 + Mαh
# does the rest.

# %%
many = np.array([2.0, 4.0, 8.0])
price = systems.statistical_efficiency(0.001, 1.0, 1.0, many)
print("c =", ((price - 1) / (many - 1)).round(6))

# %% [markdown]
# **3.** It would stop at 2 groups, and there it is right. For the loose target the ideal rule is a
# good one; at 0.01 the best momentum is positive for all numbers of groups, and it would never
# halve.

# %%
for target in (0.1, 0.01):
    tuned = {choice.groups: choice for choice in compared["one batch", 1.0, target]}
    stop = next((g for g in (32, 16, 8, 4, 2) if tuned[g].momentum > 0), 1)
    price = tuned[stop].seconds / min(choice.seconds for choice in tuned.values())
    print(f"target {target}: stops at {stop}, costs {price:.2f} times the best")

# %% [markdown]
# **4.** With b = −1 and αh = 1 the characteristic polynomial z(z − 1)(z − b) + αh z is z³: all
# roots are 0, and the solution is reached in one update and kept. Negative momentum takes the delay
# away entirely. (With noise this is a poor idea.)

# %%
dead = md.HeavyBall(learning_rate=1, momentum=-1)
print(md.characteristic_polynomial(dead, 1, delay=md.FixedDelay(staleness=1)))

# %% [markdown]
# **5.** The mean of the slowest is 0.9 + 0.1 H_k, so that ten times the nodes cost 0.23 more:
# waiting is half of the time when H_k = 11, beyond ten thousand nodes.

# %%
for count in (10, 100, 1000, 10_000, 30_000, 40_000):
    slowest = float(md.SlowestOf(service=md.ShiftedExponential(shift=0.9), count=count).mean)
    print(f"{count:6} nodes: {slowest:.4f} seconds, {1 - 1 / slowest:.1%} of it waiting")
