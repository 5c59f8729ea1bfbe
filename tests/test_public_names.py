"""The names of the package: lazy, complete, and the same for Python and for type checkers."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import momentum_dynamics

SOURCE = Path(momentum_dynamics.__file__)
HEAVY = {
    "IPython", "argparse", "autograd", "concurrent", "csv", "jax", "matplotlib", "mpmath",
    "multiprocessing", "numba", "pandas", "scipy", "sklearn", "sympy", "torch", "tqdm",
}  # fmt: skip


def imported_for_type_checkers():
    """Every name in the TYPE_CHECKING block, with the module it comes from."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = [
        node for node in tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]  # fmt: skip
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "without `as`, mypy --strict hides the name"
            found[alias.name] = node.module
    return found


def loaded_by(statement):
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_type_checkers_see_what_python_finds():
    lazy = {name: f"momentum_dynamics.{home}" for name, home in momentum_dynamics._HOME_OF.items()}
    assert imported_for_type_checkers() == lazy


def test_all_lists_every_name_once():
    names = momentum_dynamics.__all__
    assert len(names) == len(set(names))
    assert set(names) == {"__version__", *momentum_dynamics._HOME_OF}
    assert sorted(names) == dir(momentum_dynamics)


@pytest.mark.parametrize("name", sorted(momentum_dynamics._HOME_OF))
def test_name_is_public_in_its_home(name):
    home = importlib.import_module(f"momentum_dynamics.{momentum_dynamics._HOME_OF[name]}")
    assert getattr(momentum_dynamics, name) is getattr(home, name)
    assert name in home.__all__


def test_no_name_is_also_a_module():
    modules = {path.stem for path in SOURCE.parent.iterdir()}
    assert not modules & set(momentum_dynamics.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'HeavyBal'"):
        _ = momentum_dynamics.HeavyBal


def test_import_is_light():
    assert not loaded_by("import momentum_dynamics") & HEAVY


def test_a_method_costs_numpy_only():
    loaded = loaded_by("from momentum_dynamics import HeavyBall, simulate, spectral_radius, tune")
    assert "numpy" in loaded
    assert not loaded & {"argparse", "matplotlib", "numba", "scipy", "sklearn", "sympy"}
