"""Sliders and what follows them: the roots of heavy ball, and queues of memoryless workers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_dynamics.dynamics.optimum import tune
from momentum_dynamics.errors import DomainError
from momentum_dynamics.figures import queue_views, roots
from momentum_dynamics.figures.style import new_figure, styled
from momentum_dynamics.laws import regions, spectrum, staleness

__all__ = ["Explorer", "QueueExplorer", "RootExplorer", "new_slider", "picture_bytes"]

Array = NDArray[np.float64]
Values = dict[str, float]

_PIXELS = 128
"""Per inch, in the file; a notebook shows them at 100 per inch, so that they are sharp."""
_WIDE, _HIGH = 10.4, 3.5
_BEYOND = 1.04
"""Times the largest stable learning rate."""


def picture_bytes(picture: Any, *, compact: bool = False) -> bytes:
    """The PNG of a picture: the same bytes for the same picture.

    Parameters
    ----------
    picture : Matplotlib figure
    compact : bool
        Keep 256 colors, a third of the bytes: for what is stored, not for what follows a slider.
    """
    stream = BytesIO()
    with styled():
        picture.savefig(stream, format="png", dpi=_PIXELS, metadata={"Software": None})
    if not compact:
        return stream.getvalue()
    from PIL import Image

    small = BytesIO()
    Image.open(stream).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG")
    return small.getvalue()


class Explorer:
    """Sliders, presets, one line of text and three pictures that follow them.

    The last expression of a notebook's cell shows it. Where no kernel runs, the notebook shows the
    picture of the first setting.

    Parameters
    ----------
    sliders : dict of str to slider
    hints : dict of str to str
        What each preset does, by its name.
    draws : sequence of callable
        One picture each, ``draw(view, ax)``.
    view : callable
        What is seen at a setting; its `words` are the line of text.
    target : callable, optional
        Where a preset moves the sliders, ``target(name, values)``; needed if there are presets.

    Attributes
    ----------
    sliders : dict of str to slider
    presets : dict of str to ipywidgets.Button
    readout : ipywidgets.Label
    picture : ipywidgets.Image
    widget : ipywidgets.VBox
        All of them; the presets stand beside the first slider.
    """

    def __init__(
        self,
        sliders: Mapping[str, Any],
        hints: Mapping[str, str],
        draws: Sequence[Callable[[Any, Any], None]],
        *,
        view: Callable[[Values], Any],
        target: Callable[[str, Values], Values] = lambda _, values: values,
    ) -> None:
        widgets = _ipywidgets()
        self.sliders, self._draws = dict(sliders), tuple(draws)
        self._view, self._target = view, target
        self.presets = {
            name: widgets.Button(description=name, tooltip=hint, layout={"width": "auto"})
            for name, hint in hints.items()
        }
        for name, button in self.presets.items():
            button.on_click(lambda _, name=name: self.preset(name))
        self.readout = widgets.Label()
        self.picture = widgets.Image(format="png", width=f"{round(100 * _WIDE)}")
        self._canvas: Any = None
        self._redraw()
        for slider in self.sliders.values():
            slider.observe(self._redraw, names="value")
        first, *others = self.sliders.values()
        self.widget = widgets.VBox(
            [
                widgets.HBox([first, *self.presets.values()]),
                *others,
                self.readout,
                self.picture,
            ]
        )

    def preset(self, name: str) -> None:
        """Move the sliders to what a button says, and redraw once."""
        values = self._target(name, self._values)
        for slider in self.sliders.values():
            slider.unobserve(self._redraw, names="value")
        for key, slider in self.sliders.items():
            # A slider on a log scale keeps exponents for its ends.
            largest = slider.base**slider.max if hasattr(slider, "base") else slider.max
            slider.value = min(values[key], largest)
            slider.observe(self._redraw, names="value")
        self._redraw()

    @property
    def _values(self) -> Values:
        return {name: slider.value for name, slider in self.sliders.items()}

    def _redraw(self, _: Any = None) -> None:
        view = self._view(self._values)
        self.readout.value = view.words
        with styled():
            if self._canvas is None:
                self._canvas = new_figure((1, len(self._draws)), (_WIDE, _HIGH))
            picture, axes = self._canvas
            for draw, ax in zip(self._draws, axes[0], strict=True):
                ax.clear()
                draw(view, ax)
        self.picture.value = picture_bytes(picture)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and for readers without a kernel the picture and the text."""
        live: dict[str, Any] = self.widget._repr_mimebundle_()
        encoded = base64.b64encode(self.picture.value).decode("ascii")
        still = {"image/png": encoded, "text/plain": self.readout.value}
        return {**live, **still}, {"image/png": {"width": round(100 * _WIDE)}}


def new_slider(
    kind: str, description: str, value: float, low: float, high: float, **more: Any
) -> Any:
    """A slider of the house's look that acts when it is let go."""
    return getattr(_ipywidgets(), kind)(
        value=value, min=low, max=high, continuous_update=False, description=description,
        style={"description_width": "9em"}, layout={"width": "30em"}, **more,
    )  # fmt: skip


# Heavy ball ------------------------------------------------------------------------------------


class RootExplorer(Explorer):
    """The roots of heavy ball, its path, and its place on the map of the radius.

    Attributes
    ----------
    curvatures : array ``(1,)`` or ``(2,)``
    learning_rate, momentum : ipywidgets.FloatSlider
    readout : ipywidgets.Label
        Begins with ``spectral radius`` and six digits of it.
    """

    def __init__(self, curvatures: Array, *, learning_rate: float, momentum: float) -> None:
        self.curvatures = curvatures
        way = roots.draw_steps if len(curvatures) == 1 else roots.draw_plane
        highest = roots.REACH / curvatures.max()
        self.momentum = new_slider(
            "FloatSlider", "momentum β", momentum, 0.0, 0.995, step=0.005, readout_format=".4f"
        )
        self.learning_rate = new_slider(
            "FloatSlider", "learning rate α", learning_rate, 0.0, highest, step=highest / 880,
            readout_format=".4f",
        )  # fmt: skip
        super().__init__(
            {"momentum": self.momentum, "learning_rate": self.learning_rate},
            {
                "critical": "the momentum at which the slower mode's roots meet",
                "optimal": "Polyak's learning rate and momentum",
                "unstable": "a learning rate just beyond the limit",
            },
            (roots.draw_roots, way, roots.draw_map),
            view=self._seen,
            target=self._aim,
        )

    def _seen(self, values: Values) -> Any:
        return roots.root_view(values["learning_rate"], values["momentum"], self.curvatures)

    def _aim(self, name: str, values: Values) -> Values:
        low, high = float(self.curvatures.min()), float(self.curvatures.max())
        if name == "optimal":
            best = tune("heavy-ball", smallest_curvature=low, largest_curvature=high)
            return {
                "learning_rate": float(best.learning_rate),
                "momentum": float(best.momentum),
            }
        if name == "critical":
            meeting = float(spectrum.critical_momentum(values["learning_rate"], low))
            return {**values, "momentum": meeting}
        limit = float(regions.heavy_ball_step_limit(values["momentum"]))
        return {**values, "learning_rate": _BEYOND * limit / high}


# Queues ----------------------------------------------------------------------------------------


class QueueExplorer(Explorer):
    """Gradient descent on M memoryless workers: its mean, or how far paths are from it.

    Attributes
    ----------
    workers : ipywidgets.IntSlider
    step : ipywidgets.FloatLogSlider
        αh.
    readout : ipywidgets.Label
        Of the mean, begins with ``implicit momentum`` and six digits of it; of paths, with the
        factors per update of the mean and of the root of second moments.
    """

    def __init__(self, *, workers: int, step: float, beyond: bool) -> None:
        self._see = queue_views.path_view if beyond else queue_views.mean_view
        draws: tuple[Callable[[Any, Any], None], ...]
        if beyond:
            draws = (queue_views.draw_paths, queue_views.draw_squares, queue_views.draw_limits)
            hints = {
                "at the limit": "the largest step that second moments bear",
                "fastest mean": "the largest step at which the mean is as fast as it can be",
                "small steps": "a tenth of 1/M",
            }
        else:
            draws = (queue_views.draw_law, queue_views.draw_poles, queue_views.draw_mean)
            hints = {
                "critical": "the step at which the mean begins to swing",
                "one worker": "no asynchrony",
            }
        self.workers = new_slider("IntSlider", "workers M", workers, 1, queue_views.MOST)
        low, high = np.log10(queue_views.STEPS[beyond])
        self.step = new_slider(
            "FloatLogSlider", "αh", step, low, high, base=10, step=0.01, readout_format=".4f"
        )
        super().__init__(
            {"workers": self.workers, "step": self.step}, hints, draws,
            view=self._seen, target=self._aim,
        )  # fmt: skip

    def _seen(self, values: Values) -> Any:
        return self._see(int(values["workers"]), values["step"])

    def _aim(self, name: str, values: Values) -> Values:
        workers = int(values["workers"])
        if name == "one worker":
            return {**values, "workers": 1}
        critical = float(staleness.geometric_critical_step(workers))
        steps = {
            "at the limit": float(staleness.queue_mean_square_limit(workers)),
            # The roots of the mean meet at two steps, whose product is 1.
            "fastest mean": 1 / critical,
            "critical": critical,
            "small steps": 0.1 / workers,
        }
        return {**values, "step": steps[name]}


def _ipywidgets() -> Any:
    try:
        import ipywidgets
    except ImportError as error:
        raise DomainError(
            "Sliders need ipywidgets, which is not installed; "
            "pip install 'momentum-dynamics[notebooks]'."
        ) from error
    return ipywidgets
