"""All that takes too long for every run, one after the other, with bars: `reproduce --full`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentum_dynamics.simulation import edge, rings
from momentum_dynamics.training import results

if TYPE_CHECKING:
    from momentum_dynamics.training.store import Setting

__all__ = ["run_everything"]


def run_everything(jobs: int, *, progress: bool = False) -> None:
    """Run the race, the ring of Gaussians and sharpness in training; replace what is committed.

    Parameters
    ----------
    jobs : int
        Processes.
    progress : bool
        Show bars where the output is a terminal.

    Notes
    -----
    What is done already, by the stores below ``build``, is not done again.
    """
    from tqdm import tqdm

    hidden = None if progress else True
    with tqdm(disable=hidden, leave=False, unit=" settings") as bar:

        def tell(setting: Setting) -> None:
            bar.set_description_str(f"{setting.optimizer} on {setting.workload}"[:40])
            bar.update()

        results.run_full(jobs=jobs, watch=tell)
    with tqdm(disable=hidden, leave=False, unit=" blocks", desc="ring of Gaussians") as bar:
        rings.run_full(jobs=jobs, watch=lambda _: bar.update())
    with tqdm(disable=hidden, leave=False, unit=" settings", desc="sharpness") as bar:
        for protocol, path in edge.STUDIES.values():
            edge.run_edge(protocol, path, jobs=jobs, watch=lambda _: bar.update())
