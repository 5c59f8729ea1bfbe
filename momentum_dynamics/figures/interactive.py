"""For notebooks: pictures with their captions, and sliders."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum_dynamics.errors import DomainError, ShapeError
from momentum_dynamics.figures import queue_views
from momentum_dynamics.figures.base import Figure
from momentum_dynamics.figures.explorers import QueueExplorer, RootExplorer, picture_bytes
from momentum_dynamics.figures.roots import (
    REAL_COLOR,
    draw_radius,
    draw_roots,
    draw_steps,
    mode_color,
    root_view,
    roots_meet,
)
from momentum_dynamics.figures.style import WIDTH, new_figure, styled
from momentum_dynamics.notation import GLOSSARY

__all__ = [
    "QueueExplorer",
    "RootExplorer",
    "draw_radius",
    "mean_explorer",
    "path_explorer",
    "root_explorer",
    "root_film",
    "show",
    "use_style",
]


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
    seen: list[Any] = [notebook.Image(picture_bytes(picture, compact=True), width=width)]
    if caption:
        seen.append(notebook.Markdown(f"*{chosen.title}.* {caption}"))
    notebook.display(*seen)


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


def mean_explorer(*, workers: int = 8, step: float = 0.1) -> QueueExplorer:
    """Sliders for the mean of gradient descent on M memoryless workers: it is a heavy ball.

    From left to right: the law of staleness; the poles of the mean, which are heavy ball's; the
    mean of queues, with the heavy ball of the theorem and the one that starts from rest.

    Parameters
    ----------
    workers : int
        M, where the slider stands first.
    step : float
        αh, likewise.

    Returns
    -------
    QueueExplorer

    Raises
    ------
    DomainError
        If a number is not admissible, or ipywidgets is not installed.
    """
    return _queue_explorer(workers, step, beyond=False)


def path_explorer(*, workers: int = 8, step: float = 0.3) -> QueueExplorer:
    """Sliders for what the mean of M memoryless workers does not say: paths and second moments.

    From left to right: paths and their exact mean; their squares and the exact second moment; where
    the setting lies among the limits.

    Parameters
    ----------
    workers : int
        M, where the slider stands first.
    step : float
        αh, likewise.

    Returns
    -------
    QueueExplorer

    Raises
    ------
    DomainError
        If a number is not admissible, or ipywidgets is not installed.
    """
    return _queue_explorer(workers, step, beyond=True)


def _queue_explorer(workers: int, step: float, *, beyond: bool) -> QueueExplorer:
    GLOSSARY["workers"].check(workers)
    low, high = queue_views.STEPS[beyond]
    if workers % 1 or workers > queue_views.MOST:
        raise DomainError(
            f"workers is {workers}, but the slider holds whole numbers up to {queue_views.MOST}."
        )
    if not low <= step <= high:
        raise DomainError(f"step is {step}, but the slider of αh goes from {low:g} to {high:g}.")
    return QueueExplorer(workers=int(workers), step=float(step), beyond=beyond)
