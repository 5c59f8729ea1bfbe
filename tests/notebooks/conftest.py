"""The notebooks' builder, and one parameter for each source."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(scope="session")
def build():
    """The module `notebooks/build.py`."""
    for package in ("jupytext", "nbclient", "nbformat"):
        pytest.importorskip(package, reason="needs the extra [notebooks]")
    spec = importlib.util.spec_from_file_location("notebooks_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_generate_tests(metafunc):
    """Every notebook enters by itself."""
    if "source" in metafunc.fixturenames:
        found = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
        metafunc.parametrize("source", found, ids=[path.stem for path in found])
