"""The command line as a user meets it: what is printed, where it goes, and the exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import momentum_dynamics
from momentum_dynamics.claims import Evidence, list_claims
from momentum_dynamics.claims.numbers import list_numbers
from momentum_dynamics.cli import main
from momentum_dynamics.figures import list_figures

HEADS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
COMMANDS = (
    "analyze", "simulate", "plan", "reproduce", "claims", "claim", "numbers", "figures", "figure",
    "cite",
)  # fmt: skip
PROVED = "complex-stability-ellipse"


@pytest.fixture
def houses(tmp_path, monkeypatch):
    """A table of the user's in the working folder."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    rows = np.column_stack([X, X @ [1, 2, 3] + rng.standard_normal(30)]).round(4)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "houses.csv").write_text(f"rooms,age,size,price\n{text}\n")
    np.savez(tmp_path / "houses.npz", X=rows[:, :3], y=rows[:, 3])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, **options):
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "momentum_dynamics", *arguments],
        capture_output=True, timeout=60, **options,
    )  # fmt: skip


def refused(capsys, *arguments):
    """Exit code 2, nothing on standard output, one sentence on standard error."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("momentum-dynamics: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith((".\n", "?\n"))
    return captured.err.removeprefix("momentum-dynamics: ").strip()


# --- convert --------------------------------------------------------------------------------------


def test_convert_prints_one_method_in_every_convention(capsys):
    """The rules are read off the methods' own functions, so they are checked as text here."""
    assert main(["convert", "torch-sgd", "learning_rate=0.1", "momentum=0.9"]) == 0
    assert (
        capsys.readouterr().out
        == """\
TorchSGD(learning_rate=0.1, momentum=0.9)
is heavy ball with effective learning rate 1

convention     rate α  momentum β   update
polyak            0.1         0.9   x ← x + β(x − x₋) − αg
pytorch           0.1         0.9   v ← βv + g; x ← x − αv
keras             0.1         0.9   v ← βv − αg; x ← x + v
average             1         0.9   v ← βv + (1 − β)g; x ← x − αv
sutskever         0.1         0.9   v ← βv − αg; x ← x + v
"""
    )
    assert main(["convert", "nesterov", "learning_rate=0.1", "momentum=0.9"]) == 0
    printed = capsys.readouterr().out
    assert "is Nesterov's method" in printed
    assert "x ← x + β(x − x₋) − αg; g at x + β(x − x₋)" in printed
    assert "v ← βv + g; x ← x − α(βv + g)" in printed
    assert "v ← βv − αg; x ← x + v; g at x + βv" in printed


def test_convert_shows_steps_and_reasons_and_speaks_json(capsys):
    damped = ["convert", "torch-sgd", "learning_rate=0.1", "momentum=0.9", "dampening=0.9"]
    assert main(damped) == 0
    assert "polyak            0.1         0.9   x ← x + β(x − x₋) − αg\n step 1 on       0.01" in (
        capsys.readouterr().out
    )
    assert main(["convert", "heavy-ball", "learning_rate=0.1", "momentum=1.0"]) == 0
    printed = capsys.readouterr().out
    assert "effective learning rate inf" in printed
    assert "average     HeavyBall is heavy ball, but" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert main([*damped, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["convention"] for row in found["rows"]][:2] == ["polyak", "pytorch"]
    assert found["rows"][0]["learning_rates"] == [0.1, 0.01]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["torch-sg", "momentum=1"], "did you mean 'torch-sgd'"),
        (["torch-sgd", "momentum=0.9"], "torch-sgd needs learning_rate"),
        (["torch-sgd", "learning_rate=0.1", "momentum=0.9", "nesterov=1"], "must be True or False"),
        (["torch-sgd", "learning_rate=0.1", "momentum=True"], "momentum is True, but"),
        (["quasi-hyperbolic", "learning_rate=0.1", "momentum=0.9", "discount=0.7"], "2.7 displ"),
    ],
)
def test_convert_refuses_with_a_sentence(capsys, words, message):
    assert message in refused(capsys, "convert", *words)


# --- plan -----------------------------------------------------------------------------------------

PLAN = ("plan", "--nodes", "16", "--service", "exponential", "--communication", "0.05",
        "--spectrum", "0.1,1", "--noise", "4", "--target", "0.1")  # fmt: skip


def test_plan_prints_a_table_to_act_on_and_its_verification(capsys):
    assert main([*PLAN, "--replicas", "50"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert re.fullmatch(r"form \d+ groups? of \d+ nodes?", lines[0])
    assert lines[4].split() == ["groups", "rate", "momentum", "updates", "seconds", "times"]
    assert [line.split()[0] for line in lines[5:8]] == [
        "recommended", "synchronous", "asynchronous",
    ]  # fmt: skip
    assert "verified: 50 simulated clusters" in printed
    assert "at the target 0.1" in printed.replace("\n", " ")
    assert main([*PLAN, "--replicas", "50"]) == 0
    assert capsys.readouterr().out == printed


def test_plan_speaks_json(capsys):
    assert main([*PLAN, "--replicas", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recommended"]["seconds"] == min(row["seconds"] for row in found["choices"])
    assert found["verification"]["replicas"] == 20
    assert main([*PLAN, "--replicas", "0", "--json", "--server", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["verification"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--service", "gama:4"], "did you mean 'gamma'"),
        (["--service", "gamma"], "write gamma:SHAPE:MEAN with numbers"),
        (["--nodes", "0"], "nodes is 0, but must be a whole number"),
        (["--target", "0.9"], "the loss is 0.55 at the start"),
        (["--target", "-1"], "target is -1.0, but must lie in"),
        (["--noise", "nan"], "noise_variance is nan"),
        (["--spectrum", "0,1"], "spectrum holds 0.0, but every curvature"),
        (["--communication", "-1"], "communication is -1.0"),
        (["--server", "-1"], "server is -1.0"),
        (["--noise", "1e9", "--target", "0.01"], "takes more than 131,072 updates"),
        (["--replicas", "1"], "an error bar needs at least 2"),
    ],
)
def test_plan_refuses_with_a_sentence(capsys, words, message):
    assert message in refused(capsys, *PLAN, *words)


# --- analyze --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("houses")
def test_analyze_prints_predicted_beside_measured(houses, capsys):
    assert main(["analyze", "houses.csv", "--target", "price"]) == 0
    printed = capsys.readouterr().out
    assert "houses.csv: 30 samples, 3 features, rank 3" in printed
    assert "condition number" in printed
    for name in ("gradient descent", "heavy ball", "Nesterov", "triple momentum", "Chebyshev"):
        assert f"\n{name}" in printed
    assert {path.name for path in houses.iterdir()} == {"houses.csv", "houses.npz"}


@pytest.mark.usefixtures("houses")
def test_analyze_as_json(capsys):
    assert main(["analyze", "houses.csv", "--target", "price", "--ridge", "0.5", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert main(["analyze", "houses.npz", "--ridge", "0.5", "--json"]) == 0
    archive = json.loads(capsys.readouterr().out)
    assert (table.pop("name"), archive.pop("name")) == ("houses.csv", "houses.npz")
    assert table == archive
    assert table["ridge"] == 0.5
    assert {"predicted", "measured", "uncertainty"} <= set(table["rows"][0])


@pytest.mark.usefixtures("houses")
def test_analyze_drops_columns_standardizes_and_counts_steps(capsys):
    assert main(
        ["analyze", "houses.csv", "--target", "price", "--drop", "age", "--standardize",
         "--steps", "9", "--json"]
    ) == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert found["features"] == 2
    assert {row["steps"] for row in found["rows"]} == {9}
    assert found["smallest_curvature"] + found["largest_curvature"] == pytest.approx(2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "PNG"])
def test_analyze_draws_where_it_is_told_and_says_so(houses, capsys, kind):
    name = f"rates.{kind}"
    assert main(["analyze", "houses.npz", "--steps", "9", "--json", "--plot", name]) == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert captured.err == f"Drawn to {name}\n"
    assert (houses / name).read_bytes().startswith(HEADS[kind.lower()])


@pytest.mark.slow
def test_analyze_a_shipped_data_set(capsys):
    assert main(["analyze", "--dataset", "wine", "--steps", "20"]) == 0
    assert "wine: 178 samples, 13 features" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.csv", "--target", "price"], "missing.csv does not exist"),
        (["houses.csv", "--target", "pric"], "No column is called 'pric'; did you mean 'price'?"),
        (["houses.csv"], "No target column was named; choose one of: rooms, age, size, price."),
        ([], "Name a data file with its --target, or a shipped --dataset."),
        (["houses.csv", "--dataset", "wine"], "--dataset brings its own columns"),
        (["--dataset", "wine", "--target", "y"], "--dataset brings its own columns"),
        (["--dataset", "wein"], "No data set is called 'wein'; did you mean 'wine'?"),
        (["houses.csv", "--target", "price", "--drop", "agee"], "did you mean 'age'?"),
        (["houses.csv", "--target", "price", "--ridge", "-1"], "ridge is -1.0, but must lie in"),
        (["houses.csv", "--target", "price", "--ridge", "nan"], "ridge is nan, but must lie in"),
        (["houses.csv", "--target", "price", "--steps", "0"], "steps is 0, but must be"),
        (["houses.npz", "--target", "price"], "houses.npz has no named columns"),
        (["houses.npz", "--plot", "rates.gif"], "end its name in .svg, .png or .pdf"),
        (["houses.npz", "--plot", "no/rates.svg"], "the folder no does not exist; make it first"),
        (["houses.npz", "--plot", "rates"], "rates is no picture that can be drawn"),
    ],
)
@pytest.mark.usefixtures("houses")
def test_analyze_refuses_in_one_sentence(capsys, arguments, sentence):
    assert sentence in refused(capsys, "analyze", *arguments)


def test_analyze_refuses_numbers_too_large(houses, capsys):
    (houses / "huge.csv").write_text("a,b,price\n1e308,2,3\n-1e308,5,6\n")
    for command in (
        ["analyze", "huge.csv"],
        ["simulate", "--method", "chebyshev", "--data", "huge.csv"],
    ):
        sentence = refused(capsys, *command, "--target", "price")
        assert "column 'a' is 1e+308" in sentence
        assert "rescale it" in sentence


def test_analyze_refuses_data_without_any_curvature(houses, capsys):
    (houses / "zero.csv").write_text("a,b,price\n0,0,3\n0,0,6\n")
    assert "all curvatures are zero" in refused(capsys, "analyze", "zero.csv", "--target", "price")


def test_an_unreadable_file_is_refused(houses, capsys):
    if os.geteuid() == 0:
        (houses / "loop.csv").symlink_to(houses / "loop.csv")
        assert "loop.csv" in refused(capsys, "analyze", "loop.csv", "--target", "price")
    else:
        (houses / "houses.csv").chmod(0)
        assert "cannot be read" in refused(capsys, "analyze", "houses.csv", "--target", "price")


# --- simulate -------------------------------------------------------------------------------------


def test_simulate_sets_measured_beside_predicted(capsys):
    assert main(
        ["simulate", "--method", "heavy-ball", "--set", "learning-rate=0.1",
         "--set", "momentum=0.64", "--spectrum", "1,10", "--steps", "150"]
    ) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "HeavyBall(learning_rate=0.1, momentum=0.64)" in printed
    assert "outcome   converged after 150 steps" in printed
    assert re.search(r"rate      predicted 0\.8, measured (0\.79|0\.80)\d* ± \S+ \(steps", printed)


@pytest.mark.parametrize(
    "problem",
    [
        ["--problem", "rosenbrock", "--set", "learning_rate=0.001", "--set", "momentum=0.5"],
        ["--data", "houses.csv", "--target", "price", "--ridge", "0.1"],
        ["--data", "houses.npz", "--standardize"],
        ["--spectrum=-1,1", "--set", "learning_rate=0.1", "--set", "momentum=0.5"],
        ["--spectrum", "1,10", "--workers", "2.5", "--replicas", "3"],
        ["--spectrum", "1,10", "--staleness", "1", "--noise-variance", "0.1"],
    ],
)
@pytest.mark.usefixtures("houses")
def test_simulate_on_every_kind_of_problem(capsys, problem):
    assert main(
        ["simulate", "--method", "heavy-ball", "--steps", "30", "--seed", "5", "--json", *problem]
    ) == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert (found["steps"], found["seed"]) == (30, 5)
    assert found["predicted"] > 0


def test_simulate_draws_the_path(houses, capsys):
    assert main(
        ["simulate", "--method", "nesterov", "--spectrum", "1,9", "--steps", "9", "--plot", "p.png"]
    ) == 0  # fmt: skip
    assert capsys.readouterr().err == "Drawn to p.png\n"
    assert (houses / "p.png").read_bytes().startswith(HEADS["png"])


def test_simulate_repeats_with_its_seed(capsys):
    command = ["simulate", "--method", "heavy-ball", "--spectrum", "1,10", "--noise-variance", "1"]
    printed = []
    for seed in ("7", "7", "8"):
        assert main([*command, "--steps", "30", "--seed", seed]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--method", "heavy-bal"], "No method is called 'heavy-bal'; did you mean 'heavy-ball'?"),
        (["--method", "heavy-ball", "--set", "momentum"], "momentum is not of the form"),
        (["--method", "heavy-ball", "--set", "=1"], "=1 is not of the form"),
        (["--method", "heavy-ball", "--set", "momentum=x"], "'x' cannot be read; write a number"),
        (["--method", "heavy-ball", "--set", "momentum=1"], "heavy-ball needs learning_rate"),
        (["--method", "heavy-ball", "--set", "momentum=(1,2)"], "must be one number"),
        (["--method", "heavy-ball", "--set", "momentm=1"], "did you mean 'momentum'?"),
        (["--method", "heavy-ball", "--steps", "-1"], "steps is -1, but must be"),
        (["--method", "heavy-ball", "--workers", "0.5"], "workers is 0.5, but must lie in"),
        (["--method", "heavy-ball", "--noise-variance", "-1"], "noise_variance is -1.0, but"),
        (["--method", "heavy-ball", "--seed", "-1"], "seed is -1, but must be"),
    ],
)
def test_simulate_refuses_in_one_sentence(capsys, arguments, sentence):
    assert sentence in refused(capsys, "simulate", "--spectrum", "1,10", *arguments)


# --- claims, figures, sources ---------------------------------------------------------------------


def test_claims_are_listed(capsys):
    assert main(["claims"]) == 0
    printed = capsys.readouterr().out
    assert main(["claims", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["slug"] for entry in entries] == [claim.slug for claim in list_claims()]
    for entry in entries:
        assert f"{entry['slug']}\n" in printed
        assert set(entry) >= {"title", "source", "kind", "expected", "live", "seed", "figures"}


def test_numbers_are_listed(capsys, monkeypatch):
    few = [number for number in list_numbers() if not number.note or "misprint" in number.note][:8]
    few += [number for number in list_numbers() if "a misprint" in number.note][:1]
    monkeypatch.setattr(momentum_dynamics.claims.numbers, "list_numbers", lambda: few)
    assert main(["numbers"]) == 0
    printed = capsys.readouterr().out
    assert main(["numbers", "--json"]) == 0
    for entry in json.loads(capsys.readouterr().out):
        assert entry["quantity"] in printed
        assert entry["difference"] == pytest.approx(entry["computed"] - entry["published"])
    assert "a misprint" in " ".join(printed.split())


@pytest.mark.slow
def test_claim_is_judged(capsys):
    assert main(["claim", PROVED]) == 0
    printed = capsys.readouterr().out
    assert "verdict     proved\n" in printed
    assert "proof       agrees" in printed
    assert "control     disagrees, as it must" in printed
    assert main(["claim", PROVED, "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert (entry["slug"], entry["verdict"]) == (PROVED, "proved")
    assert [check["role"] for check in entry["checks"]] == ["proof", "experiment", "control"]
    assert entry["statement"]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_surprising_verdict_is_exit_code_one(capsys, monkeypatch, as_json):
    found = Evidence(predicted=1.0, measured=2.0, tolerance=0.1, passed=False, note="planted")
    judgement = SimpleNamespace(
        verdict="inconclusive", as_expected=False, to_dict=dict,
        checks={"experiment": found, "control": found},
    )  # fmt: skip
    monkeypatch.setattr(momentum_dynamics.claims, "judge", lambda _: judgement)
    assert main(["claim", PROVED, *as_json]) == 1
    printed = capsys.readouterr().out
    if not as_json:
        assert "inconclusive, but proved was expected" in printed
        assert "disagrees: predicted 1, found 2, tolerance 0.1 (planted)" in printed


def test_figures_are_listed(capsys):
    assert main(["figures"]) == 0
    printed = capsys.readouterr().out
    assert main(["figures", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["slug"] for entry in entries] == [figure.slug for figure in list_figures()]
    for entry in entries:
        assert f"{entry['slug']}\n" in printed
        assert set(entry) >= {"title", "source", "claims", "parameters"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "name", "kind"),
    [
        ([], "root-locus.svg", "svg"),
        (["--format", "png"], "root-locus.png", "png"),
        (["--out", "mine.pdf"], "mine.pdf", "pdf"),
        (["--set", "momentum=[0.1,0.5,0.8]", "--out", "mine.svg"], "mine.svg", "svg"),
    ],
)
def test_figure_is_drawn(houses, capsys, arguments, name, kind):
    assert main(["figure", "root-locus", *arguments]) == 0
    assert capsys.readouterr().out.endswith(f"\nDrawn to {name}\n")
    assert (houses / name).read_bytes().startswith(HEADS[kind])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["claim", "optimal-heavy-bal"], "did you mean 'optimal-heavy-ball'"),
        (["figure", "root-locs"], "No figure is called 'root-locs'; did you mean 'root-locus'?"),
        (["figure", "root-locus", "--set", "momentm=1"], "did you mean 'momentum'?"),
        (["figure", "root-locus", "--set", "momentum=big"], "'big' cannot be read; write a number"),
        (["figure", "root-locus", "--out", "a.jpg"], "end its name in .svg, .png or .pdf"),
        (["figure", "root-locus", "--out", "a.svg", "--format", "png"], "a.svg is no png file"),
        (["figure", "root-locus", "--out", "no/a.svg"], "the folder no does not exist"),
        (["cite", "polyak1965"], "did you mean 'polyak1964'"),
    ],
)
@pytest.mark.usefixtures("houses")
def test_catalogues_refuse_in_one_sentence(capsys, arguments, sentence):
    assert sentence in refused(capsys, *arguments)


def test_cite_prints_bibtex(capsys):
    assert main(["cite", "polyak1964", "goh2017"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("@article{polyak1964,\n")
    assert "{goh2017,\n" in printed


# --- reproduce ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1])
def test_reproduce_passes_its_options_on_and_its_verdict_back(capsys, monkeypatch, code):
    calls = []

    def fake(slugs, **options):
        calls.append((slugs, options))
        return SimpleNamespace(summary=lambda: "all told", exit_code=code)

    monkeypatch.setattr("momentum_dynamics.reproduce.write_gallery", fake)
    assert main(["reproduce"]) == code
    assert main(
        ["reproduce", "a", "b", "--quick", "--jobs", "3", "--out", "there", "--format", "png, pdf"]
    ) == code  # fmt: skip
    assert main(["reproduce", "--full"]) == code
    assert capsys.readouterr().out == "all told\n" * 3
    plain = {
        "quick": False,
        "full": False,
        "jobs": None,
        "out": None,
        "formats": None,
        "progress": False,
    }
    chosen = {
        "quick": True,
        "full": False,
        "jobs": 3,
        "out": "there",
        "formats": ("png", "pdf"),
        "progress": False,
    }
    assert calls == [([], plain), (["a", "b"], chosen), ([], {**plain, "full": True})]


@pytest.mark.slow
def test_reproduce_refuses_what_it_does_not_know(capsys):
    assert "optimal-heavy-ball" in refused(capsys, "reproduce", "optimal-heavy-bal")
    assert "svg" in refused(capsys, "reproduce", "--format", "gif")


# --- the program ----------------------------------------------------------------------------------


def test_help_and_version(capsys):
    for arguments in (["--help"], *([command, "--help"] for command in COMMANDS)):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        assert "usage: momentum-dynamics" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"momentum-dynamics {momentum_dynamics.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["analyse"],
        ["analyze", "--targe", "price"],
        ["analyze", "houses.csv", "--steps", "many"],
        ["simulate", "--method", "heavy-ball"],
        ["simulate", "--spectrum", "1"],
        ["simulate", "--method", "heavy-ball", "--spectrum", "1,x"],
        ["simulate", "--method", "heavy-ball", "--spectrum", "1", "--problem", "rosenbrock"],
        ["simulate", "--method", "heavy-ball", "--spectrum", "1", "--replicas", "0"],
        ["simulate", "--method", "heavy-ball", "--spectrum", "1", "--staleness", "1.5"],
        ["simulate", "--method", "x", "--spectrum", "1", "--workers", "2", "--staleness", "1"],
        ["reproduce", "--jobs", "0"],
        ["figure", "root-locus", "--format", "gif"],
        ["claim"],
        ["cite"],
    ],
)  # fmt: skip
def test_wrong_grammar_is_exit_code_two(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error: " in captured.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (MemoryError(), 2, "This does not fit into memory"),
        (OSError(28, "No space left on device", "a.svg"), 2, "a.svg: No space left on device."),
    ],
)
def test_what_goes_wrong_outside_is_no_traceback(capsys, monkeypatch, error, code, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("momentum_dynamics.claims.bibliography.cite", fail)
    assert main(["cite", "polyak1964"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert bool(captured.err) == bool(said)


def test_help_answers_at_once():
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    python = time.perf_counter() - begun
    begun = time.perf_counter()
    done = run("--help", check=True)
    assert time.perf_counter() - begun < python + 0.3
    assert b"analyze" in done.stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom momentum_dynamics.cli import main\n"
        "try: main(['analyze', '--help'])\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "sympy", "matplotlib", "scipy", "numba"} & set(done.stderr.split())


@pytest.mark.slow
def test_exit_code_of_the_process():
    assert run("cite", "polyak1964").returncode == 0
    done = run("cite", "nobody")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"momentum-dynamics: No source is called 'nobody'")


def test_a_reader_that_leaves_is_no_error():
    code = (
        "import sys, time\nfrom momentum_dynamics.cli import main\n"
        "sys.stdin.read()\nsys.exit(main(['cite'] + ['polyak1964'] * 3000))"
    )
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_an_interrupt_is_quiet():
    command = ["simulate", "--method", "heavy-ball", "--spectrum", "1,10", "--steps", "3000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "momentum_dynamics", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # Whoever started the tests may have asked not to be interrupted.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"", b"", 130)


@pytest.mark.slow
@pytest.mark.usefixtures("houses")
def test_letters_that_a_terminal_lacks_are_spelled_out():
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run("analyze", "houses.npz", "--steps", "9", env=plain, check=True)
    assert b" +- " in done.stdout
    done.stdout.decode("ascii")
    done = run("analyze", "houses.npz", "--ridge", "-1", env=plain)
    assert b"must lie in [0, inf)" in done.stderr
    done = run("claims", env=plain, check=True)
    assert b"sqrt kappa" in done.stdout
    assert b"alpha sigma^2(1 + beta)" in done.stdout
    done = run("claims", env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=True)
    assert "√κ" in done.stdout.decode("utf-8")


@pytest.mark.slow
def test_a_formula_on_a_plain_terminal():
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run("claim", PROVED, env=plain, check=True)
    assert b"-------- - 1 + -" in done.stdout
    done.stdout.decode("ascii")


def test_simulate_says_that_tuning_knows_nothing_of_staleness(capsys):
    stale = ["simulate", "--method", "heavy-ball", "--spectrum", "1,10", "--workers", "8"]
    assert main([*stale, "--steps", "30", "--seed", "1", "--replicas", "5"]) == 0
    printed = capsys.readouterr().out
    assert "tuned for fresh gradients" in printed
    assert "outcome   all 5 " in printed
    assert main([*stale, "--steps", "30", "--seed", "1", "--set", "learning_rate=0.01",
                 "--set", "momentum=0"]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "tuned for fresh gradients" not in printed
    assert "outcome   still under way after 30 steps" in printed


def test_figures_name_what_can_be_set(capsys):
    assert main(["figures"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "this project; --set learning_rate, momentum, curvature, steps, drop" in printed
