"""For notebooks: pictures with their captions, and sliders that move the roots of heavy ball."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.figures.base import Figure
from momentum_dynamics.figures.roots import (
    REACH,
    REAL_COLOR,
    draw_map,
    draw_plane,
    draw_radius,
    draw_roots,
    draw_steps,
    mode_color,
    root_view,
    roots_meet,
)
from momentum_dynamics.figures.style import (
    WIDTH,
    new_figure,
    styled,
)
from momentum_dynamics.laws import regions, spectrum

__all__ = [
    "RootExplorer",
    "draw_radius",
    "needed_ipywidgets",
    "png",
    "root_explorer",
    "root_film",
    "show",
    "use_style",
]

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
    seen: list[Any] = [notebook.Image(png(picture), width=width)]
    if caption:
        seen.append(notebook.Markdown(f"*{chosen.title}.* {caption}"))
    notebook.display(*seen)


def png(picture: Any) -> bytes:
    """The bytes of a picture: the same for the same picture."""
    stream = BytesIO()
    with styled():
        picture.savefig(stream, format="png", dpi=_PIXELS, metadata={"Software": None})
    return stream.getvalue()


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
            view = root_view(float(learning_rate), float(momentum), np.array([float(curvature)]))
            above, below = axes[:, column]
            draw_roots(view, above)
            draw_steps(view, below)
            name = "real" if mode_color(view, 0) == REAL_COLOR else "conjugate"
            name = "one, double" if roots_meet(view) else name
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
        widgets = needed_ipywidgets()
        self.curvatures = curvatures
        wide = {"description_width": "9em"}
        self.learning_rate = widgets.FloatSlider(
            value=learning_rate, min=0.0, max=REACH / curvatures.max(), readout_format=".4f",
            step=REACH / curvatures.max() / 880, continuous_update=False, style=wide,
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
        view = root_view(self.learning_rate.value, self.momentum.value, self.curvatures)
        self.readout.value = view.words
        with styled():
            if self._canvas is None:
                self._canvas = new_figure((1, 3), (_WIDE, 3.5))
            picture, axes = self._canvas
            draws = (
                draw_roots,
                draw_steps if len(self.curvatures) == 1 else draw_plane,
                draw_map,
            )
            for ax, draw in zip(axes[0], draws, strict=True):
                ax.clear()
                draw(view, ax)
        self.picture.value = png(picture)

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


def needed_ipywidgets() -> Any:
    """The widgets, or one sentence that says how to get them."""
    try:
        import ipywidgets
    except ImportError as error:
        raise DomainError(
            "Sliders need ipywidgets, which is not installed; "
            "pip install 'momentum-dynamics[notebooks]'."
        ) from error
    return ipywidgets
