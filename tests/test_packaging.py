"""What is built, installed and imported is what was meant."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

import momentum_dynamics

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
TARGETS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def build(source, out, *options):
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *options, source),
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a sdist and a wheel from the tree, and one with a wheel from that sdist."""
    source, tree, chain = (tmp_path_factory.mktemp(name) for name in ("source", "tree", "chain"))
    for name in (".gitignore", *TARGETS["sdist"]["only-include"]):
        original = ROOT / name
        if original.is_dir():
            shutil.copytree(original, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif original.exists():
            shutil.copy(original, source / name)
    build(source, tree, "--sdist", "--wheel")
    with tarfile.open(next(tree.glob("*.tar.gz"))) as archive:
        archive.extractall(chain, filter="data")
    build(next(chain.iterdir()), chain, "--wheel")
    return tree, chain


def wheel_names(folder):
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def source_names():
    package = ROOT / "momentum_dynamics"
    kept = {".py", ".json", ".mplstyle", ".npz", ".typed"}
    files = (file for file in package.rglob("*") if file.suffix in kept or file.name == "py.typed")
    return {file.relative_to(ROOT).as_posix() for file in files}


def test_wheel_holds_the_package_its_data_and_nothing_else(built):
    names = wheel_names(built[0])
    inside = {name for name in names if name.startswith("momentum_dynamics/")}
    assert inside == source_names() | {"momentum_dynamics/references.bib"}
    assert "momentum_dynamics/py.typed" in inside
    version = momentum_dynamics.__version__
    information = f"momentum_dynamics-{version}.dist-info/"
    assert {name for name in names - inside if not name.startswith(information)} == set()
    assert information + "licenses/LICENSE" in names


def test_sdist_holds_everything_that_a_user_of_the_sources_needs(built):
    with tarfile.open(next(built[0].glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert source_names() <= names
    assert {"references.bib", "pyproject.toml", "LICENSE", "tests/test_packaging.py"} <= names
    notebooks = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("notebooks/*.py")}
    assert notebooks <= names
    assert not [name for name in names if "__pycache__" in name]


def test_wheel_from_the_sdist_is_the_wheel_from_the_tree(built):
    tree, chain = map(wheel_names, built)
    assert tree == chain


def test_wheel_imports_where_only_numpy_is_installed(built, tmp_path):
    target, bare = tmp_path / "target", tmp_path / "bare"
    wheel = next(built[0].glob("*.whl"))
    run(
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"),
        *("--no-index", "--no-compile", "--target", target, wheel),
    )
    bare.mkdir()
    packages = Path(np.__file__).parent.parent
    for folder in packages.glob("numpy*"):
        (bare / folder.name).symlink_to(folder, target_is_directory=folder.is_dir())
    program = f"""
import sys
sys.path[:0] = [{str(target)!r}, {str(bare)!r}]
import momentum_dynamics
print(momentum_dynamics.__version__)
print(momentum_dynamics.__file__)
print(momentum_dynamics.cite("polyak1964").splitlines()[0])
print(momentum_dynamics.HeavyBall(learning_rate=0.1, momentum=0.9).momentum)
"""
    # -S: no site-packages at all; -I: neither the working directory nor the environment.
    output = run(sys.executable, "-W", "error", "-I", "-S", "-B", "-c", program, cwd=tmp_path)
    version, file, entry, momentum = output.stdout.splitlines()
    assert version == momentum_dynamics.__version__
    assert Path(file).is_relative_to(target)
    assert entry == "@article{polyak1964,"
    assert momentum == "0.9"


def imported_by(statement):
    """Top-level modules that exist and that a fresh interpreter loads for a statement.

    The report also lists what was looked for in vain, as `org` by the standard library's `copy`.
    """
    report = run(sys.executable, "-W", "error", "-X", "importtime", "-c", statement).stderr
    lines = (line for line in report.splitlines() if line.startswith("import time:"))
    names = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}
    # Another fresh interpreter says what exists, for its path is the one that was searched.
    program = f"""
import sys
from importlib.util import find_spec
print(*(name for name in {sorted(names)!r} if name in sys.modules or find_spec(name)))
"""
    return set(run(sys.executable, "-c", program).stdout.split())


@pytest.mark.parametrize(
    "statement", ["import momentum_dynamics", "from momentum_dynamics import *"]
)
def test_import_costs_at_most_numpy(statement):
    loaded = imported_by(statement) - imported_by("pass")
    assert loaded - sys.stdlib_module_names <= {"momentum_dynamics", "numpy"}
    assert "momentum_dynamics" in loaded


def test_an_import_that_costs_more_is_noticed():
    assert "sympy" in imported_by("import momentum_dynamics, sympy")
    assert "momentum_dynamics_planted" not in imported_by(
        "try: import momentum_dynamics_planted.heavy\nexcept ImportError: pass"
    )


def fastest(*command, tries=5):
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        run(*command)
        times.append(time.perf_counter() - start)
    return min(times)


def test_command_line_answers_at_once():
    script = shutil.which("momentum-dynamics", path=sysconfig.get_path("scripts"))
    assert script is not None, "the package is not installed; run `make test`"
    assert "usage: momentum-dynamics" in run(script, "--help").stdout
    assert fastest(script, "--help") - fastest(sys.executable, "-c", "pass") <= 0.3
