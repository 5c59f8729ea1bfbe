"""The Dirac-GAN: one number generates, one number discriminates, and all of it can be solved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.errors import DomainError, UnknownNameError
from momentum_dynamics.inputs import one_number

__all__ = ["DiracGAN"]

Array = NDArray[np.float64]

_LOSSES = ("saturating", "non-saturating", "wasserstein")

_NODES = 40
"""Of Gauss and Hermite's rule for instance noise: exact to rounding on points of ordinary size."""

_VARIANTS: dict[str, dict[str, Any]] = {
    "gan": {},
    "non-saturating": {"loss": "non-saturating"},
    "wgan": {"loss": "wasserstein"},
    "wgan-clip": {"loss": "wasserstein", "clip": 1.0},
    "wgan-gp": {"loss": "wasserstein", "gradient_penalty": 0.7, "target": 1.0},
    "r1": {"gradient_penalty": 0.3},
    "r1-critical": {"gradient_penalty": 1.0},
    "instance-noise": {"noise_deviation": 0.7},
}
"""As its authors demonstrate them."""


class DiracGAN:
    """A generator that puts all its mass on one number θ, against the discriminator D(x) = ψx.

    The data sit at 0. The discriminator raises f(ψθ) + f(0) with f(t) = −log(1 + e⁻ᵗ), or f(t) = t
    for a Wasserstein GAN, and the generator lowers it; the non-saturating generator raises f(−ψθ).

    Parameters
    ----------
    loss : {"saturating", "non-saturating", "wasserstein"}
    gradient_penalty : float
        γ ≥ 0 of the discriminator's penalty γ/2 (|ψ| − target)², where |ψ| is the slope of D. With
        target 0 it is R1.
    target : float
        1 makes it the penalty of WGAN-GP, under which no step size converges.
    noise_deviation : float
        σ ≥ 0 of the instance noise, normal, that is added to data and generated numbers alike.
    clip : float
        The discriminator is kept in [−clip, clip] by projection after every step.

    Raises
    ------
    UnknownNameError
        If there is no such loss.
    DomainError
        If a number is negative or not finite, or the clip is not positive.

    Notes
    -----
    The field has the sign of a descent for both players, so what converges has curvatures with
    positive real parts; the source prints them with the opposite sign. Expectations over instance
    noise are computed by Gauss and Hermite's rule.

    References
    ----------
    [mescheder2018]_

    Examples
    --------
    >>> DiracGAN().spectrum()
    array([0.+0.5j, 0.-0.5j])
    >>> DiracGAN.named("r1-critical").spectrum().real
    array([0.5, 0.5])
    """

    def __init__(
        self,
        loss: str = "saturating",
        *,
        gradient_penalty: float = 0.0,
        target: float = 0.0,
        noise_deviation: float = 0.0,
        clip: float = np.inf,
    ) -> None:
        if loss not in _LOSSES:
            raise UnknownNameError.among("loss", loss, _LOSSES)
        numbers = {
            "gradient_penalty": gradient_penalty,
            "target": target,
            "noise_deviation": noise_deviation,
        }
        for name, value in numbers.items():
            if not 0 <= one_number(f"DiracGAN: {name}", value) < np.inf:
                raise DomainError(f"DiracGAN: {name} is {value}, but must lie in [0, ∞).")
        if not one_number("DiracGAN: clip", clip) > 0:
            raise DomainError(f"DiracGAN: clip is {clip}, but must be positive.")
        self.kind, self.clip = loss, float(clip)
        self.gradient_penalty, self.target = float(gradient_penalty), float(target)
        self.noise_deviation = float(noise_deviation)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES if noise_deviation else 1)
        self._noise: Array = self.noise_deviation * nodes
        self._weights: Array = weights / weights.sum()

    @classmethod
    def named(cls, name: str) -> DiracGAN:
        """A variant of the literature, with the parameters its authors demonstrate it with.

        Parameters
        ----------
        name : {"gan", "non-saturating", "wgan", "wgan-clip", "wgan-gp", "r1", "r1-critical", \
"instance-noise"}

        Raises
        ------
        UnknownNameError
            If none is called so.
        """
        if name not in _VARIANTS:
            raise UnknownNameError.among("Dirac-GAN", name, _VARIANTS)
        return cls(**_VARIANTS[name])

    def __repr__(self) -> str:
        """Say the loss and what regularizes it."""
        told = {
            name: getattr(self, name) for name in ("gradient_penalty", "target", "noise_deviation")
        }
        told["clip"] = self.clip if np.isfinite(self.clip) else 0.0
        parts = [f", {name}={value:g}" for name, value in told.items() if value]
        return f"DiracGAN({self.kind!r}{''.join(parts)})"

    @property
    def sizes(self) -> tuple[int, int]:
        """One coordinate each: generator, discriminator."""
        return (1, 1)

    @property
    def dimension(self) -> int:
        """Two."""
        return 2

    @property
    def start(self) -> Array:
        """(1, 1), as in the source."""
        return np.ones(2)

    @property
    def solution(self) -> Array:
        """The equilibrium: the generator sits on the data, the discriminator is flat."""
        return np.zeros(2)

    def player_field(self, index: int, point: Array) -> Array:
        """One player's gradient at points ``(*any, 2)``."""
        theta, psi = point[..., 0, None], point[..., 1, None]
        made = theta + self._noise
        if index == 0:
            sign = -1 if self.kind == "non-saturating" else 1
            gain = psi * _slopes(self.kind, sign * psi * made)[0]
            return self._mean(gain)
        told = made * _slopes(self.kind, psi * made)[0]
        known = self._noise * _slopes(self.kind, -psi * self._noise)[0]
        pull = self.gradient_penalty * (np.abs(psi) - self.target) * np.sign(psi)
        return self._mean(known - told) + pull

    def field(self, point: Array) -> Array:
        """Both players' gradients at points ``(*any, 2)``."""
        return np.concatenate([self.player_field(index, point) for index in (0, 1)], axis=-1)

    def project(self, index: int, own: Array) -> Array:
        """The nearest admissible point of one player's coordinates."""
        return np.clip(own, -self.clip, self.clip) if index else own

    def jacobian(self, point: Array | None = None) -> Array:
        """The derivative of the field, ``(*any, 2, 2)``, by default at the equilibrium.

        Raises
        ------
        DomainError
            At a flat discriminator, if the target of the penalty is not 0: the penalty has a kink.
        """
        at = self.solution if point is None else np.asarray(point, dtype=float)
        theta, psi = at[..., 0, None], at[..., 1, None]
        if self.gradient_penalty * self.target > 0 and np.any(psi == 0):
            raise DomainError(
                f"{self!r} has no Jacobian at a flat discriminator, where its penalty has a kink; "
                "ask elsewhere, or set target to 0."
            )
        made, noise = theta + self._noise, self._noise
        slope, bend = _slopes(self.kind, psi * made)
        mixed = slope + psi * made * bend
        _, known_bend = _slopes(self.kind, -psi * noise)
        own_second = -(made**2) * bend - noise**2 * known_bend
        own_first, cross = psi**2 * bend, mixed
        if self.kind == "non-saturating":
            slope, bend = _slopes(self.kind, -psi * made)
            own_first, cross = -(psi**2) * bend, slope - psi * made * bend
        rows = [[own_first, cross], [-mixed, own_second]]
        found = np.stack(
            [np.concatenate([self._mean(entry) for entry in row], axis=-1) for row in rows], axis=-2
        )
        found[..., 1, 1] += self.gradient_penalty
        return found

    def spectrum(self) -> NDArray[np.complex128]:
        """The eigenvalues of the Jacobian at the equilibrium."""
        return np.linalg.eigvals(self.jacobian()).astype(complex)

    def _mean(self, values: Array) -> Array:
        """The expectation over instance noise, which lies along the last axis."""
        found: Array = np.sum(values * self._weights, axis=-1, keepdims=True)
        return found


def _slopes(loss: str, value: Array) -> tuple[Array, Array]:
    """f′ and f″ of the loss."""
    if loss == "wasserstein":
        return np.ones_like(value), np.zeros_like(value)
    slope = (1 - np.tanh(value / 2)) / 2
    return slope, -slope * (1 - slope)
