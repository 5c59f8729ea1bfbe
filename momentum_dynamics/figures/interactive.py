"""For notebooks: pictures with their captions, and sliders that move the roots of heavy ball."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.dynamics.radius import Regime, eigenvalues, regime, spectral_radius
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.figures.base import Figure
from momentum_dynamics.figures.style import (
    COLORS,
    GRAY,
    INK,
    WIDTH,
    label,
    new_figure,
    product_label,
    styled,
)
from momentum_dynamics.laws import regions, spectrum
from momentum_dynamics.methods import HeavyBall
from momentum_dynamics.problems import Quadratic
from momentum_dynamics.simulation import simulate

__all__ = ["RootExplorer", "draw_radius", "root_explorer", "root_film", "show", "use_style"]

Array = NDArray[np.float64]

_PIXELS = 128
"""Per inch, in the file; a notebook shows them at 100 per inch, so that they are sharp."""


# Showing ---------------------------------------------------------------------------------------


def use_style() -> None:
    """The house style for the rest of a notebook: what pyplot draws then looks like the gallery."""
    from importlib import resources

    import matplotlib as mpl
    from IPython.core.getipython import get_ipython
    from matplotlib import style

    sheet = resources.files("momentum_dynamics.figures") / "momentum.mplstyle"
    with resources.as_file(sheet) as path:
        style.use(path)
    mpl.rcParams.update({"figure.figsize": (WIDTH, 3.4), "figure.constrained_layout.use": True})
    if get_ipython() is not None:
        inline: Any = importlib.import_module("matplotlib_inline.backend_inline")
        inline.set_matplotlib_formats("retina")


def show(shown: Any, **parameters: Any) -> None:
    """Show a picture in a notebook, and below it what is seen.

    Parameters
    ----------
    shown : str, Figure, Matplotlib figure, or what `plot` draws
        A figure of the gallery, by its slug too, comes with its caption.
    **parameters
        Of the gallery's figure, such as ``momentum=(0.0, 0.5)``; see its ``parameters``.

    Raises
    ------
    UnknownNameError
        If there is no such figure, or it has no such parameter.
    DomainError
        If parameters come with what has none.
    """
    from momentum_dynamics.figures import figure, plot

    chosen = figure(shown) if isinstance(shown, str) else shown
    caption = ""
    if isinstance(chosen, Figure):
        data = chosen.data(**parameters)
        picture, caption = chosen.render(data), chosen.caption(data)
    elif parameters:
        raise DomainError(
            f"show got {', '.join(parameters)}, but only a figure of the gallery has parameters."
        )
    else:
        picture = chosen if hasattr(chosen, "savefig") else plot(chosen).figure
    notebook: Any = importlib.import_module("IPython.display")
    width = round(100 * picture.get_figwidth())
    seen: list[Any] = [notebook.Image(_png(picture), width=width)]
    if caption:
        seen.append(notebook.Markdown(f"*{chosen.title}.* {caption}"))
    notebook.display(*seen)


def _png(picture: Any) -> bytes:
    """The bytes of a picture: the same for the same picture."""
    stream = BytesIO()
    with styled():
        picture.savefig(stream, format="png", dpi=_PIXELS, metadata={"Software": None})
    return stream.getvalue()


# What the sliders move -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class RootView:
    """Heavy ball at one setting: by mode its roots, its radius and its path.

    Attributes
    ----------
    learning_rate, momentum : float
    curvatures, radius : array ``(modes,)``
    roots : array ``(modes, 2)``
    regimes : tuple of Regime
    trail : array ``(modes, points, 2)``
        The roots at the same learning rate as momentum runs from 0 to 1.
    path : array ``(steps + 1, modes)``
        From rest at 1 in the first mode and 1/2 in the second.
    """

    learning_rate: float
    momentum: float
    curvatures: Array
    radius: Array
    roots: NDArray[np.complex128]
    regimes: tuple[Regime, ...]
    trail: NDArray[np.complex128]
    path: Array

    @property
    def worst(self) -> float:
        """The spectral radius over all modes."""
        return float(self.radius.max())

    @property
    def words(self) -> str:
        """The spectral radius and the regime of each mode, in a line."""
        told = f"spectral radius {self.worst:.6f}"
        if self.worst < _STILL:
            return f"{told}: two steps, and it is there"
        if self.worst < 1:
            told += f": a tenth of the distance every {np.log(0.1) / np.log(self.worst):.3g} steps"
        if len(self.curvatures) == 1:
            return f"{told}; {self.regimes[0]}"
        modes = zip(self.curvatures, self.regimes, strict=True)
        return "; ".join([told, *(f"{name} on h = {h:g}" for h, name in modes)])


_STILL = 1e-6
_TRAIL, _STEPS = 240, 40
_START = np.array([1.0, 0.5])


def _view(learning_rate: float, momentum: float, curvatures: Array) -> RootView:
    method = HeavyBall(learning_rate=learning_rate, momentum=momentum)
    run = simulate(method, Quadratic(curvatures), steps=_STEPS, start=_START[: len(curvatures)])
    trail = []
    for curvature in curvatures:
        # Roots move fastest where they meet, so momenta lie dense there.
        meeting = float(spectrum.critical_momentum(learning_rate, curvature))
        inner = meeting if 0 < meeting < 1 else 0.5
        share = np.linspace(0, 1, _TRAIL // 2) ** 2
        momenta = np.concatenate([inner * (1 - share[::-1]), inner + (1 - inner) * share])
        ball = HeavyBall(learning_rate=learning_rate, momentum=momenta)
        trail.append(_ordered(eigenvalues(ball, curvature)))
    return RootView(
        learning_rate=learning_rate,
        momentum=momentum,
        curvatures=curvatures,
        radius=np.atleast_1d(spectral_radius(method, curvatures)),
        roots=_ordered(eigenvalues(method, curvatures)),
        regimes=tuple(Regime(str(regime(method, curvature))) for curvature in curvatures),
        trail=np.stack(trail),
        path=run.outputs,
    )


def _ordered(roots: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Upper with upper, large with large: by imaginary part, then by real part."""
    height = np.where(np.abs(roots.imag) < _ROUNDING, 0, roots.imag)
    return np.take_along_axis(roots, np.lexsort((-roots.real, -height)), axis=-1)


_ROUNDING = 1e-6
"""A double root is known to the root of rounding only."""

_TOUCHING = 1e-3
"""Roots so near that one sees one."""

_MARKERS = "os"
"""The first mode's roots are round, the second one's square."""

_REAL, _CONJUGATE, _OUTSIDE = COLORS[0], COLORS[1], INK


def _color(view: RootView, mode: int) -> str:
    if view.radius[mode] >= 1:
        return _OUTSIDE
    return _CONJUGATE if np.abs(view.roots[mode].imag).max() > _ROUNDING else _REAL


def _draw_roots(view: RootView, ax: Any) -> None:
    """The two roots of each mode in the unit disk, with the way that momentum moves them."""
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor="#f6f6f6", edgecolor=GRAY, linewidth=1, zorder=0.5))
    ax.axhline(0, color="#bbbbbb", linewidth=0.9, zorder=0.8)
    for mode in range(len(view.curvatures)):
        color, ways = _color(view, mode), view.trail[mode]
        for way in ways.T:
            ax.plot(way.real, way.imag, color="#c9ced6", linewidth=1.4, zorder=1)
        if color == _CONJUGATE:
            for root in view.roots[mode]:
                ax.plot([0, root.real], [0, root.imag], color=color, linewidth=1, alpha=0.6)
        ax.plot(
            view.roots[mode].real, view.roots[mode].imag, _MARKERS[mode % 2], color=color,
            markersize=11 if mode % 2 == 0 else 9, markeredgecolor="white", markeredgewidth=1.4,
            clip_on=False, zorder=5,
        )  # fmt: skip
    if _STILL < view.worst < 1:
        ring = Circle((0, 0), view.worst, fill=False, edgecolor=INK, linestyle=":", linewidth=1)
        ax.add_patch(ring)
    ax.set(xlim=(-1.28, 1.28), ylim=(-1.28, 1.28), aspect="equal")
    ax.set(xlabel="real part of a root", ylabel="imaginary part")
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.set_title(_kind(view))


def _kind(view: RootView) -> str:
    kinds = {_color(view, mode) for mode in range(len(view.curvatures))}
    if _OUTSIDE in kinds:
        return "a root outside the unit circle"
    if _meet(view):
        return f"two roots meet, modulus √β = {view.worst:.3f}"
    if kinds == {_CONJUGATE}:
        return f"conjugate roots, modulus √β = {view.worst:.3f}"
    if kinds == {_REAL}:
        return f"real roots, the larger one {view.worst:.3f}"
    return f"real and conjugate roots, up to {view.worst:.3f}"


def _meet(view: RootView) -> bool:
    """Whether the two roots of every mode are seen as one."""
    return bool(np.abs(np.diff(view.roots, axis=-1)).max() < _TOUCHING)


def _draw_steps(view: RootView, ax: Any) -> None:
    """One mode against time, between the powers of its radius."""
    steps, color = np.arange(len(view.path)), _color(view, 0)
    with np.errstate(over="ignore"):
        decay = view.worst**steps
    for side in (1, -1):
        ax.plot(steps, side * decay, "--", color=GRAY, linewidth=1.1)
    ax.axhline(0, color="#bbbbbb", linewidth=0.9)
    shown = _first_beyond(view.path, 10.0)
    ax.plot(steps[:shown], view.path[:shown, 0], "o-", color=color, linewidth=1.4, markersize=3.6)
    reach = 1.15 if view.worst < 1 else 3.5
    ax.set(xlim=(-0.5, steps[-1]), ylim=(-reach, reach), xlabel=label("step"))
    ax.set_ylabel("displacement")
    ax.set_title("its path; dashed ±ρᵗ")


def _draw_plane(view: RootView, ax: Any) -> None:
    """Two modes as a path on the level lines of the loss."""
    grid = np.linspace(-1.5, 1.5, 121)
    loss = view.curvatures[0] * grid**2 + view.curvatures[1] * grid[:, None] ** 2
    levels = np.geomspace(1e-3, 1, 12) * loss.max()
    ax.contour(grid, grid, loss, levels, colors="#d3d8df", linewidths=0.8)
    near = view.path[: _first_beyond(view.path, 10.0)]
    color = next(
        color
        for color in (_OUTSIDE, _CONJUGATE, _REAL)
        if color in {_color(view, mode) for mode in range(2)}
    )
    ax.plot(*near.T, "o-", color=color, linewidth=1.2, markersize=3.2)
    ax.plot(*near[0], "o", color="white", markeredgecolor=INK, markersize=6, zorder=5)
    ax.plot(0, 0, "+", color=INK, markersize=9, zorder=5)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
    ax.set_xlabel(f"along $h = {view.curvatures[0]:g}$")
    ax.set_ylabel(f"along $h = {view.curvatures[1]:g}$")
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.set_title("its path on the level lines")


def _first_beyond(path: Array, reach: float) -> int:
    """How many points of a path come before it is far away, that one included."""
    beyond = np.flatnonzero(~(np.abs(path).max(axis=-1) <= reach))
    return int(beyond[0]) + 1 if len(beyond) else len(path)


_REACH = 4.4
"""The largest αh of the sliders and the map; no heavy ball is stable from 4 on."""


def _draw_map(view: RootView, ax: Any) -> None:
    """Where the setting lies on the map of the spectral radius."""
    step, momentum = np.linspace(0, _REACH, 221), np.linspace(0, 1, 121)
    radius = spectral_radius(HeavyBall(learning_rate=step, momentum=momentum[:, None]), 1.0)
    draw_radius(ax, step, momentum, radius)
    ridge = np.linspace(0, 2, 121) ** 2
    ax.plot(ridge, spectrum.critical_momentum(1.0, ridge), color="white", linewidth=2)
    ax.plot(regions.heavy_ball_step_limit(momentum), momentum, color=INK, linewidth=1.8)
    place = view.learning_rate * view.curvatures
    height = np.full(len(place), view.momentum)
    ax.plot(place, height, color="white", linewidth=5, solid_capstyle="round")
    ax.plot(place, height, color=INK, linewidth=2.2, solid_capstyle="round")
    for mode, across in enumerate(place):
        ax.plot(
            across, view.momentum, _MARKERS[mode % 2], color=_color(view, mode),
            markeredgecolor="white", markeredgewidth=1.4, markersize=10, clip_on=False, zorder=5,
        )  # fmt: skip
    ax.set(xlim=(0, _REACH), ylim=(0, 1), xlabel=product_label("learning_rate", "curvature"))
    ax.set_ylabel(label("momentum"))
    ax.set_title("radius: dark is fast; white, the ridge")


def draw_radius(ax: Any, across: Array, up: Array, radius: Array) -> None:
    """A map of the spectral radius, gray where it is 1 or more.

    Parameters
    ----------
    ax : matplotlib Axes
    across, up : array
        Ascending, evenly spaced values along the two axes.
    radius : array ``(len(up), len(across))``
    """
    ends = (np.min(across), np.max(across), np.min(up), np.max(up))
    ax.imshow(
        np.ma.masked_greater_equal(radius, 1), extent=ends, origin="lower", aspect="auto",
        cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
    )  # fmt: skip
    ax.set_facecolor("#e9e9ec")
    ax.grid(visible=False)


def root_film(
    *, momenta: Sequence[float], learning_rate: float = 0.25, curvature: float = 1.0
) -> Any:
    """The roots and the path of one mode at several momenta, side by side.

    Returns
    -------
    Matplotlib figure
        Above the roots, below the path of the same setting.

    Examples
    --------
    >>> len(root_film(momenta=(0.2, 0.6)).axes)
    4
    """
    with styled():
        picture, axes = new_figure((2, len(momenta)), (WIDTH, 5.0))
        for column, momentum in enumerate(momenta):
            view = _view(float(learning_rate), float(momentum), np.array([float(curvature)]))
            above, below = axes[:, column]
            _draw_roots(view, above)
            _draw_steps(view, below)
            name = "real" if _color(view, 0) == _REAL else "conjugate"
            name = "one, double" if _meet(view) else name
            above.set_title(f"$\\beta = {momentum:.4g}$: {name}\n$\\rho = {view.worst:.3f}$")
            below.set_title("")
            if column:
                for ax in (above, below):
                    ax.set_ylabel("")
                    ax.set_yticklabels([])
    return picture


# The sliders -----------------------------------------------------------------------------------


class RootExplorer:
    """Two sliders, three presets, one line of text and three pictures that follow them.

    The last expression of a notebook's cell shows it. Where no kernel runs, the notebook shows the
    picture of the first setting.

    Attributes
    ----------
    learning_rate, momentum : ipywidgets.FloatSlider
    presets : dict of str to ipywidgets.Button
    readout : ipywidgets.Label
        Begins with ``spectral radius`` and six digits of it.
    picture : ipywidgets.Image
    widget : ipywidgets.VBox
        All of them.
    """

    def __init__(self, curvatures: Array, *, learning_rate: float, momentum: float) -> None:
        widgets = _ipywidgets()
        self.curvatures = curvatures
        wide = {"description_width": "9em"}
        self.learning_rate = widgets.FloatSlider(
            value=learning_rate, min=0.0, max=_REACH / curvatures.max(), readout_format=".4f",
            step=_REACH / curvatures.max() / 880, continuous_update=False, style=wide,
            description="learning rate α", layout={"width": "30em"},
        )  # fmt: skip
        self.momentum = widgets.FloatSlider(
            value=momentum, min=0.0, max=0.995, readout_format=".4f", step=0.005, style=wide,
            continuous_update=False, description="momentum β", layout={"width": "30em"},
        )  # fmt: skip
        self.presets = {
            name: widgets.Button(description=name, tooltip=hint, layout={"width": "7em"})
            for name, hint in _PRESETS.items()
        }
        for name, button in self.presets.items():
            button.on_click(lambda _, name=name: self.preset(name))
        self.readout = widgets.Label()
        self.picture = widgets.Image(format="png", width=f"{round(100 * _WIDE)}")
        self._canvas: Any = None
        self._redraw()
        for slider in (self.learning_rate, self.momentum):
            slider.observe(self._redraw, names="value")
        self.widget = widgets.VBox(
            [
                widgets.HBox([self.momentum, *self.presets.values()]),
                self.learning_rate,
                self.readout,
                self.picture,
            ]
        )

    def preset(self, name: str) -> None:
        """Move the sliders to what a button says."""
        low, high = float(self.curvatures.min()), float(self.curvatures.max())
        alpha, beta = self.learning_rate.value, self.momentum.value
        if name == "optimal":
            best = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
            alpha, beta = float(best.learning_rate), float(best.momentum)
        elif name == "critical":
            beta = float(spectrum.critical_momentum(alpha, low))
        else:
            alpha = _BEYOND * float(regions.heavy_ball_step_limit(beta)) / high
        sliders = (self.learning_rate, self.momentum)
        for slider in sliders:
            slider.unobserve(self._redraw, names="value")
        for slider, value in zip(sliders, (alpha, beta), strict=True):
            slider.value = min(value, slider.max)
            slider.observe(self._redraw, names="value")
        self._redraw()

    def _redraw(self, _: Any = None) -> None:
        view = _view(self.learning_rate.value, self.momentum.value, self.curvatures)
        self.readout.value = view.words
        with styled():
            if self._canvas is None:
                self._canvas = new_figure((1, 3), (_WIDE, 3.5))
            picture, axes = self._canvas
            draws = (
                _draw_roots,
                _draw_steps if len(self.curvatures) == 1 else _draw_plane,
                _draw_map,
            )
            for ax, draw in zip(axes[0], draws, strict=True):
                ax.clear()
                draw(view, ax)
        self.picture.value = _png(picture)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and for readers without a kernel the picture and the text."""
        live: dict[str, Any] = self.widget._repr_mimebundle_()
        encoded = base64.b64encode(self.picture.value).decode("ascii")
        still = {"image/png": encoded, "text/plain": self.readout.value}
        return {**live, **still}, {"image/png": {"width": round(100 * _WIDE)}}


_WIDE = 10.4
_BEYOND = 1.04
"""Times the largest stable learning rate."""

_PRESETS = {
    "critical": "the momentum at which the slower mode's roots meet",
    "optimal": "Polyak's learning rate and momentum",
    "unstable": "a learning rate just beyond the limit",
}


def root_explorer(
    curvatures: Sequence[float] | float = 1.0,
    *,
    learning_rate: float = 0.25,
    momentum: float = 0.1,
) -> RootExplorer:
    """Sliders that move the roots of heavy ball, its path, and its place on the map of the radius.

    Parameters
    ----------
    curvatures : one or two positive numbers
    learning_rate, momentum : float
        Where the sliders stand first.

    Returns
    -------
    RootExplorer

    Raises
    ------
    ShapeError
        If there are more than two curvatures, or none.
    DomainError
        If a curvature is not positive, or ipywidgets is not installed.
    """
    chosen = np.atleast_1d(np.asarray(curvatures, dtype=float))
    if chosen.ndim > 1 or chosen.size not in {1, 2}:
        raise ShapeError(
            f"curvatures has shape {chosen.shape}, but root_explorer shows one or two of them."
        )
    if not (np.isfinite(chosen) & (chosen > 0)).all():
        raise DomainError(f"curvatures is {chosen}, but every curvature must be positive.")
    return RootExplorer(
        np.sort(chosen), learning_rate=float(learning_rate), momentum=float(momentum)
    )


def _ipywidgets() -> Any:
    try:
        import ipywidgets
    except ImportError as error:
        raise DomainError(
            "root_explorer needs ipywidgets, which is not installed; "
            "pip install 'momentum-dynamics[notebooks]'."
        ) from error
    return ipywidgets
