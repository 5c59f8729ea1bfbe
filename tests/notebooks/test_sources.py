"""What can be said of the notebooks without running them."""

import ast
import re

import pytest

LARGEST = 1_000_000
SHOWS = re.compile(r"^(show|\w+_explorer)\(|^plt\.show\(\)", re.MULTILINE)


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def committed(build, source):
    return build.nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def images(cell):
    data = [output.get("data", {}) for output in cell.outputs]
    return [entry["image/png"] for entry in data if "image/png" in entry]


def test_there_is_a_course(build):
    assert len(build.sources()) >= 3


def test_pair_is_in_sync(build, source):
    assert list(build.differences(source)) == []


def test_a_changed_source_is_noticed(build, source, tmp_path):
    copy = tmp_path / source.name
    copy.with_suffix(".ipynb").write_bytes(source.with_suffix(".ipynb").read_bytes())
    copy.write_text(source.read_text(encoding="utf-8") + "\n# %%\n1 + 1\n", encoding="utf-8")
    assert list(build.differences(copy))


def test_converting_twice_gives_the_same_cells(build, source):
    first, second = build.convert(source), build.convert(source)
    assert first == second
    identifiers = [cell.id for cell in first.cells]
    assert len(set(identifiers)) == len(identifiers)


def test_title_is_one_question(build, source):
    cells = build.convert(source).cells
    titles = [
        line
        for cell in cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("# ")
    ]
    assert len(titles) == 1
    assert cells[0].source.startswith("# ")
    assert titles[0].endswith("?")


def test_prose_comes_first_and_cells_are_short(build, source):
    cells = build.convert(source).cells
    assert [cell.cell_type for cell in cells[:2]] == ["markdown", "code"]
    assert max(len(cell.source.splitlines()) for cell in code(build.convert(source))) <= 22


def test_every_exercise_has_a_solution(build, source):
    text = "\n\n".join(c.source for c in build.convert(source).cells if c.cell_type == "markdown")
    assert text.count("\n## Exercises\n") == 1
    exercises = text.split("\n## Exercises\n")[1]
    exercises, solutions = re.split(r"^## Solutions$", exercises, flags=re.MULTILINE)
    asked = re.findall(r"^(\d+)\. ", exercises, re.MULTILINE)
    assert len(asked) >= 3
    assert re.findall(r"^\*\*(\d+)\.\*\*", solutions, re.MULTILINE) == asked


def loose_functions(text):
    """Functions and lambdas that are no method of a class."""
    tree = ast.parse(text)
    inside = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.ClassDef)
        for inner in ast.walk(outer)
    }
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return [node for node in ast.walk(tree) if isinstance(node, kinds) and id(node) not in inside]


def test_no_function_is_defined(build, source):
    for cell in code(build.convert(source)):
        assert not loose_functions(cell.source), cell.source


def test_a_function_would_be_noticed():
    assert loose_functions("def law(x):\n    return x")
    assert loose_functions("law = lambda x: x")
    assert not loose_functions("class Mine:\n    def query(self, state):\n        return state[0]")


def test_classes_are_written_where_that_is_the_lesson_only(build, source):
    for cell in code(build.convert(source)):
        has_class = any(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(cell.source)))
        assert not has_class or "my_own_method" in source.stem


def test_every_figure_cell_has_its_image(build, source):
    shown = 0
    for cell in code(committed(build, source)):
        if SHOWS.search(cell.source):
            assert images(cell), cell.source
            shown += 1
        else:
            assert not images(cell), cell.source
    assert shown >= 5


def test_what_is_committed_is_clean(build, source):
    target = source.with_suffix(".ipynb")
    assert target.stat().st_size <= LARGEST
    book = committed(build, source)
    assert list(build.faults(book)) == []
    assert [cell.execution_count for cell in code(book)] == list(range(1, len(code(book)) + 1))
    assert not any(cell.metadata for cell in book.cells)
    assert "widget-view" not in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "count"),
    [("<Axes at 0x7f275930a8d0>", 1), ("/home/someone/notes.txt", 1), ("αh from 0.47 to 1.73", 0)],
)
def test_traces_of_the_machine_are_noticed(build, text, count):
    new = build.nbformat.v4
    book = new.new_notebook(
        cells=[new.new_code_cell(outputs=[new.new_output("stream", name="stdout", text=text)])]
    )
    assert len(list(build.faults(book))) == count


def test_check_speaks_of_every_pair(build, capsys):
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().err == ""
    assert build.main(["99"]) == 2


def test_links_between_notebooks_lead_somewhere(source):
    text = source.read_text(encoding="utf-8")
    for name in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (source.parent / name).exists(), name
