"""`reproduce --full` runs all that is recorded."""

from momentum_dynamics import reproduce
from momentum_dynamics.simulation import edge, rings
from momentum_dynamics.training import full, results


def test_everything_that_is_recorded_is_run(monkeypatch):
    ran = []

    def fake(name):
        def run(*arguments, jobs, watch):
            ran.append((name, arguments, jobs))
            watch(results.recorded().settings[0])

        return run

    monkeypatch.setattr(results, "run_full", fake("race"))
    monkeypatch.setattr(rings, "run_full", fake("rings"))
    monkeypatch.setattr(edge, "run_edge", fake("edge"))
    full.run_everything(3)
    assert ran == [
        ("race", (), 3),
        ("rings", (), 3),
        *(("edge", study, 3) for study in edge.STUDIES.values()),
    ]


def test_a_full_reproduction_runs_it_first(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(full, "run_everything", lambda jobs, **_: told.append(jobs))
    reproduce.write_gallery(["optimal-heavy-ball"], full=True, jobs=1, out=tmp_path)
    assert told == [1]
    reproduce.write_gallery(["optimal-heavy-ball"], jobs=1, out=tmp_path)
    assert told == [1]
