"""Units of work that are kept one by one."""

import time
from functools import partial

import pytest

from momentum_dynamics.simulation.records import run_units


def _work(folder, unit):
    if unit == (0,):
        raise ArithmeticError("the first one fails")
    (folder / str(unit[0])).touch()
    time.sleep(0.05)
    return {"found": unit}


@pytest.mark.slow
def test_one_that_fails_does_not_wait_for_all_others(tmp_path):
    with pytest.raises(ArithmeticError, match="the first one fails"):
        run_units(
            [(unit,) for unit in range(40)], partial(_work, tmp_path),
            store=tmp_path / "units.jsonl", common={}, jobs=2,
        )  # fmt: skip
    assert len([*tmp_path.glob("[0-9]*")]) < 15
