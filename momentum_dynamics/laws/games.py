"""Bilinear games min max x·s·y with momentum: when playing in turn converges."""

from __future__ import annotations

from momentum_dynamics.laws.optima import MethodParameters
from momentum_dynamics.laws.regions import heavy_ball_step_limit
from momentum_dynamics.notation import Scalar
from momentum_dynamics.scalars import sqrt

__all__ = [
    "alternating_floor",
    "alternating_growth",
    "best_alternating",
    "best_one_sided",
    "delay_push",
    "extragradient_gap",
    "hamiltonian_gap",
    "is_stable_alternating",
    "is_stable_alternating_pair",
    "minimax_alternating",
    "minimax_alternating_gap",
    "minimax_one_sided",
    "minimax_one_sided_gap",
    "optimistic_gap",
    "orbit_cosine",
    "orbit_invariant",
    "round_hurwitz_determinant",
    "simultaneous_growth",
    "turns_condition",
    "turns_step_limit",
]


def is_stable_alternating(
    learning_rate: Scalar, momentum: Scalar, singular_value: Scalar
) -> Scalar:
    """Whether two heavy balls moving in turn converge: iff −1 < β < 0 and αs < 2(1 + β), for α > 0.

    Notes
    -----
    The claim ``negative-momentum-converges-on-alternating-bilinear-games`` proves it.

    References
    ----------
    [gidel2019]_
    """
    coupling = learning_rate * singular_value
    return (
        (momentum > -1)
        & (momentum < 0)
        & (coupling > 0)
        & (coupling < heavy_ball_step_limit(momentum))
    )


def round_hurwitz_determinant(
    learning_rate: Scalar, momentum: Scalar, singular_value: Scalar
) -> Scalar:
    """The third Hurwitz determinant of an alternating round after z = (1 + w)/(1 − w).

    With c = αs it is −32 β c² (4(1 − β)²(1 + β) + 2βc²): positive only for negative momentum.
    """
    square = (learning_rate * singular_value) ** 2
    gap = 1 - momentum
    return -32 * momentum * square * (4 * gap * gap * (1 + momentum) + 2 * momentum * square)


def is_stable_alternating_pair(
    coupling: Scalar, momentum: Scalar, other_momentum: Scalar
) -> Scalar:
    """Whether two heavy balls with momenta of their own converge in turn, c = (α₁α₂)s² > 0.

    From Routh and Hurwitz on (z − 1)²(z − β₁)(z − β₂) + cz³: three conditions, of which the last
    says that the momenta together must pull. With equal ones it asks β < 0.

    References
    ----------
    [gidel2019]_, [zhang2020]_
    """
    product = momentum * other_momentum
    pull = (1 - product) * (momentum + other_momentum - 2 * product) + product * coupling
    return (
        (coupling > 0)
        & (product < 1)
        & (product > -1)
        & (coupling < 4 * (1 + momentum) * (1 + other_momentum))
        & (coupling < 4 * (1 - product))
        & (pull < 0)
    )


def alternating_growth(coupling: Scalar, momentum: Scalar, other_momentum: Scalar) -> Scalar:
    """The radius of an alternating round for small c = (α₁α₂)s², to first order.

    1 + c (β₁/(1 − β₁) + β₂/(1 − β₂))/(2(1 − β₁)(1 − β₂)): without momentum nothing is left. With
    equal momenta −m it is 1 − cm/(1 + m)³, steepest at m = 1/2.
    """
    first, second = 1 - momentum, 1 - other_momentum
    return 1 + coupling * (momentum / first + other_momentum / second) / (2 * first * second)


def alternating_floor(
    learning_rate: Scalar, momentum: Scalar, singular_value: Scalar, noise_variance: Scalar
) -> Scalar:
    """The mean square distance at which two heavy balls in turn settle, every gradient noisy.

    With c = αs it is σ²(4(1 + β)²(1 − β) + 2βc²)/(−βs²(4(1 + β)² − c²)). For small steps it tends
    to σ²(1 − β)/(−βs²), not to zero: the pull inwards is of the second order in the step, as the
    noise is.

    Notes
    -----
    The claim ``noisy-players-settle-at-a-radius`` proves it from the superposed round.
    """
    square = (learning_rate * singular_value) ** 2
    limit = heavy_ball_step_limit(momentum) ** 2
    pull = -momentum * singular_value * singular_value
    return (
        noise_variance
        * (limit * (1 - momentum) + 2 * momentum * square)
        / (pull * (limit - square))
    )


def simultaneous_growth(coupling: Scalar, momentum: Scalar) -> Scalar:
    """The radius of a simultaneous round for small c = (αs)², to first order: always above one."""
    gap = 1 - momentum
    return 1 + coupling * (1 + momentum) / (2 * gap * gap * gap)


def delay_push(coupling: Scalar, momentum: Scalar) -> Scalar:
    """What moving at once adds to a round's growth, to first order: c/(2(1 − β)²), outwards.

    `simultaneous_growth` is `alternating_growth` plus this: the price of answering to where the
    other stood, one delay more. The pull of momentum −m inwards, cm/(1 + m)³, is less than this
    push for every m < 1, which is why negative momentum needs the players to alternate.
    """
    gap = 1 - momentum
    return coupling / (2 * gap * gap)


def best_alternating(singular_value: Scalar) -> MethodParameters:
    """The fastest equal heavy balls on one singular value: three roots meet at 2√3 − 3.

    β = −(2 − √3)² = −0.0718 and (αs)² = (128√3 − 192)/9 = 3.30.
    """
    root = sqrt(3 * singular_value * singular_value) / singular_value
    coupling = (128 * root - 192) / 9
    return MethodParameters(sqrt(coupling) / singular_value, -((2 - root) ** 2), 0)


def best_one_sided(singular_value: Scalar) -> MethodParameters:
    """The fastest heavy ball against plain descent: β = −1/8, (αs)² = 27/8, three roots at 1/2."""
    coupling = 27 * singular_value * singular_value / (8 * singular_value * singular_value)
    return MethodParameters(sqrt(coupling) / singular_value, -coupling / 27, 0)


def minimax_alternating(singular_value: Scalar) -> MethodParameters:
    """The best equal heavy balls for all singular values from almost 0 up to this: β = −1/5.

    The steepest 4(1 − m)²m/(1 + m)³ at αs = 2(1 − m), where both ends of the range are slow.
    """
    step = 8 / (5 * singular_value)
    return MethodParameters(step, step * singular_value / 2 - 1, 0)


def minimax_alternating_gap(condition_number: Scalar) -> Scalar:
    """One minus the radius that `minimax_alternating` reaches, 8/(27κ²), as κ → ∞."""
    return 8 / (27 * condition_number * condition_number)


def minimax_one_sided(singular_value: Scalar) -> MethodParameters:
    """The best heavy ball against plain descent up to a singular value: β = −1/3, (αs)² = 8/3."""
    square = 8 * singular_value * singular_value / 3
    step = sqrt(square) / (singular_value * singular_value)
    return MethodParameters(step, step * step * singular_value * singular_value / 4 - 1, 0)


def minimax_one_sided_gap(condition_number: Scalar) -> Scalar:
    """One minus the radius that `minimax_one_sided` reaches, 1/(4κ²), as κ → ∞."""
    return 1 / (4 * condition_number * condition_number)


def extragradient_gap(condition_number: Scalar) -> Scalar:
    """One minus the best radius of extragradient, two gradients, on a bilinear game as κ → ∞."""
    return 1 / (2 * condition_number * condition_number)


def optimistic_gap(condition_number: Scalar) -> Scalar:
    """One minus the best radius of the optimistic gradient on a bilinear game as κ → ∞."""
    return 1 / (6 * condition_number * condition_number)


def hamiltonian_gap(condition_number: Scalar) -> Scalar:
    """One minus the best radius of heavy ball on the Hamiltonian of a bilinear game, 2/(κ + 1).

    The Hamiltonian's curvatures are s², so Polyak's rate on κ² is (κ − 1)/(κ + 1).
    """
    return 2 / (condition_number + 1)


def turns_step_limit(momentum: Scalar, rate: Scalar) -> Scalar:
    """αL up to which a round in turn keeps a rate r on strongly monotone games of two numbers.

    (1 + r)(r + β)/(r(1 + √r)): beyond, the stiffest game, with both curvatures and the coupling L,
    has a root left of −r.
    """
    return (1 + rate) * (rate + momentum) / (rate * (1 + sqrt(rate)))


def turns_condition(rate: Scalar) -> Scalar:
    """κ of strongly monotone games of two numbers on which descent in turn reaches a rate r.

    At the step of `turns_step_limit` the softest game alone decides, with r = 1 − αL/κ: so the gap
    is about 1/κ, and the claim ``alternation-needs-no-momentum-on-strongly-monotone-games`` proves
    that no momentum does better.
    """
    return turns_step_limit(0, rate) / (1 - rate)


def orbit_invariant(coupling: Scalar, first_player: Scalar, second_player: Scalar) -> Scalar:
    """What alternating descent keeps on a bilinear game, c = αs: x² + y² − cxy, an ellipse.

    References
    ----------
    [bailey2020]_
    """
    return (
        first_player * first_player
        + second_player * second_player
        - coupling * first_player * second_player
    )


def orbit_cosine(coupling: Scalar) -> Scalar:
    """The cosine of the turn of an alternating round without momentum, 1 − c²/2 with c = αs < 2."""
    return 1 - coupling * coupling / 2
