"""Reading tables and archives: what is read, and one sentence for whatever cannot be."""

import sys

import numpy as np
import pytest

from momentum_dynamics.errors import UnknownNameError
from momentum_dynamics.problems import NamedData, named_data, read_data
from momentum_dynamics.problems.data import SHIPPED, DataError

GOOD = "rooms,age,price\n3,10,200\n4,5,320\n2,1.5e1,-90\n"


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file and return its path."""

    def written(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.fixture
def pack(tmp_path):
    """Write arrays to an archive and return its path."""

    def packed(**arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        return path

    return packed


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ", "),
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n"),
        "\n\n" + GOOD.replace("\n", "\n\n") + ",,\n",
        "\ufeff" + GOOD,
        '"rooms","age","price"\n"3","10","200"\n"4","5","320"\n"2","1.5e1","-90"\n',
        '"rooms", "age", "price"\n3,10,200\n4,5,320\n2,15,-90\n',
    ],
)
def test_tables_of_every_dialect_read_the_same(write, content):
    data = read_data(write(content), "price")
    assert data.features == ("rooms", "age")
    assert (data.target, data.name) == ("price", "table.csv")
    np.testing.assert_array_equal(data.X, [[3, 10], [4, 5], [2, 15]])
    np.testing.assert_array_equal(data.y, [200, 320, -90])


def test_target_may_stand_anywhere_and_columns_be_left_out(write):
    path = write("price,city,age\n1,Paris,2\n3,Rome,4\n")
    data = read_data(path, "price", drop=["city"])
    assert data.features == ("age",)
    np.testing.assert_array_equal(data.X, [[2], [4]])
    np.testing.assert_array_equal(data.y, [1, 3])


def test_separator_is_not_taken_from_quotes(write):
    data = read_data(write('"a, b, c";price\n1;2\n3;4\n'), "price")
    assert data.features == ("a, b, c",)


def test_columns_named_by_years_are_a_header_if_the_target_is_one(write):
    assert read_data(write("2019,2020\n1,2\n3,4\n"), "2020").features == ("2019",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty; it needs a header line"),
        ("\n \n\n", "is empty; it needs a header line"),
        ("a,price\n", "has 0 rows below its header; least squares needs at least two"),
        ("a,price\n1,2\n", "has 1 row below its header; least squares needs at least two"),
        ("1,2,3\n4,5,6\n7,8,9\n", "has no header line; name the columns"),
        ("a,a,price\n1,2,3\n4,5,6\n", "two columns called 'a'; rename one"),
        (",a,price\n0,1,2\n1,3,4\n", "column 1 has no name; name it, or leave it out"),
        ("a,price,\n1,2,\n3,4,\n", "column 3 has no name"),
        ("price\n1\n2\n", "one column only, 'price'; separate columns by"),
        ("a b price\n1 2 3\n4 5 6\n", "one column only, 'a b price'; separate columns by"),
        ("a,b,price\n1,2,3\n4,5\n", "line 3: 2 entries, but the header names 3 columns; complete"),
        ("a,b,price\n1,2,3,4\n", "line 2: 4 entries, but the header names 3 columns"),
        ("a,b,price\n1,2,3\n\n4\n", "line 4: 1 entry, but the header names 3 columns"),
        ("a,price\nParis,2\n", "line 2: column 'a' is 'Paris', which is no number; leave it out"),
        ("a,price\n" + "x" * 99 + ",2\n", "is '" + "x" * 39 + "…', which is no number"),
        ("a,price\n2024-01-31,2\n", "'2024-01-31', which is no number; leave it out"),
        ("a,price\nTrue,2\n", "'True', which is no number"),
        ("a,price\n,2\n", "line 2: column 'a' is empty; fill in or drop rows"),
        ("a,price\n1,\n", "line 2: column 'price' is empty; fill in or drop rows"),
        ("a,price\nNA,2\n", "column 'a' is 'NA'; fill in or drop rows"),
        ("a,price\nnan,2\n", "column 'a' is 'nan'; fill in or drop rows"),
        ("a,price\n?,2\n", "column 'a' is '?'; fill in or drop rows"),
        ("a,price\n-inf,2\n", "column 'a' is -inf, which is not finite; drop or correct"),
        ("a,price\n1e999,2\n", "column 'a' is 1e999, which is not finite; drop or correct"),
        ('a,price\n"1,234",2\n', "is '1,234'; write numbers with a decimal point and no"),
        ("a;price\n1,5;2\n", "is '1,5'; write numbers with a decimal point and no"),
        ("a,price\n1_000,2\n", "is '1_000'; write numbers with a decimal point and no"),
        ("a,price\n1 000,2\n", "is '1 000'; write numbers with a decimal point and no"),
        ("größe,price\n1,2\n".encode("latin-1"), "is not text in UTF-8; save it again"),
        ("a,price\n1,2\n".encode("utf-16"), "is not text in UTF-8; save it again"),
        ('a,price\n1,"2\n3,4\n', r"'2\n3,4', which is no number"),
        ("a,price\n" + "1" * 200_000 + ",2\n", "line 2 cannot be read as a table: field larger"),
    ],
)
def test_bad_table_gets_one_sentence(write, content, sentence):
    path = write(content)
    with pytest.raises(DataError) as caught:
        read_data(path, "price")
    message = str(caught.value)
    assert sentence in message
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("target", "drop", "sentence"),
    [
        (None, (), "No target column was named; choose one of: rooms, age, price."),
        ("prize", (), "No column is called 'prize'; did you mean 'price'?"),
        ("Price", (), "did you mean 'price'?"),
        ("price", ("agee",), "No column is called 'agee'; did you mean 'age'?"),
        ("price", ("price",), "Column 'price' is the target and cannot be dropped as well."),
        ("price", ("rooms", "age"), "has no column beside the target"),
    ],
)
def test_bad_choice_of_columns_gets_one_sentence(write, target, drop, sentence):
    with pytest.raises(DataError) as caught:
        read_data(write(GOOD), target, drop=drop)
    assert sentence in str(caught.value)


def test_many_columns_are_not_all_listed(write):
    names = [f"c{index}" for index in range(30)]
    row = ",".join("1" * 30) + "\n"
    with pytest.raises(DataError, match=r"c0, .*, c7, … \(30 in all\)"):
        read_data(write(",".join(names) + "\n" + row * 2))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.csv does not exist; give the path"):
        read_data(tmp_path / "nothing.csv", "price")
    with pytest.raises(DataError, match="is a folder; give the path"):
        read_data(tmp_path, "price")
    with pytest.raises(DataError, match="cannot be read"):
        read_data(tmp_path / ("long" * 100 + ".csv"), "price")


def test_archive_is_read(pack):
    features, goal = np.arange(6).reshape(3, 2), np.array([True, False, True])
    data = read_data(pack(X=features, y=goal))
    np.testing.assert_array_equal(data.X, features)
    np.testing.assert_array_equal(data.y, [1, 0, 1])
    assert data.X.dtype == data.y.dtype == float
    assert (data.features, data.target, data.name) == (("x0", "x1"), "y", "data.npz")
    np.testing.assert_array_equal(read_data(pack(X=features, y=goal[:, None])).y, [1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({}, "holds nothing, but no X; save it with numpy.savez"),
        ({"X": np.ones((3, 2)), "goal": np.ones(3)}, "holds X, goal, but no y; save it"),
        ({"X": np.ones((3, 2)), "y": np.ones(4)}, "X has shape (3, 2) and y (4,); they must be"),
        ({"X": np.ones(3), "y": np.ones(3)}, "X has shape (3,) and y (3,); they must be"),
        ({"X": np.ones((3, 0)), "y": np.ones(3)}, "X has shape (3, 0)"),
        ({"X": np.ones((3, 2)), "y": np.ones((3, 2))}, "and y (3, 2); they must be"),
        ({"X": np.ones((1, 2)), "y": np.ones(1)}, "has 1 row; least squares needs at least two"),
        ({"X": np.full((3, 2), "1"), "y": np.ones(3)}, "X holds <U1 entries; save real numbers"),
        ({"X": np.ones((3, 2), complex), "y": np.ones(3)}, "X holds complex128 entries"),
        ({"X": np.ones((3, 2), object), "y": np.ones(3)}, "is not an archive of numeric arrays"),
        ({"X": np.diag([1, np.nan]), "y": np.ones(2)}, "X[1, 1] is nan; drop or fill"),
        ({"X": np.ones((2, 2)), "y": np.array([1, np.inf])}, "y[1] is inf; drop or fill"),
    ],
)
def test_bad_archive_gets_one_sentence(pack, arrays, sentence):
    with pytest.raises(DataError) as caught:
        read_data(pack(**arrays))
    assert sentence in str(caught.value)


def test_broken_archive(write, tmp_path):
    with pytest.raises(DataError, match="is not an archive of numeric arrays"):
        read_data(write(b"junk", "broken.npz"))
    np.save(tmp_path / "single.npy", np.ones(3))
    with pytest.raises(DataError, match="is not an archive of numeric arrays"):
        read_data((tmp_path / "single.npy").rename(tmp_path / "single.npz"))


def test_archive_has_no_named_columns(pack):
    path = pack(X=np.ones((3, 2)), y=np.ones(3))
    with pytest.raises(DataError, match=r"no named columns.*leave the target out"):
        read_data(path, "price")
    with pytest.raises(DataError, match=r"no named columns.*leave --drop out"):
        read_data(path, drop=["a"])


def test_standardized_has_mean_zero_and_variance_one():
    rng = np.random.default_rng(5)
    data = NamedData(
        X=rng.normal(3, [1, 1e-6, 1e5], (50, 3)), y=rng.normal(7, 2, 50),
        features=("a", "b", "c"), target="d", name="drawn",
    ).standardized()  # fmt: skip
    np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(data.X.var(axis=0), 1)
    np.testing.assert_allclose([data.y.mean(), data.y.var()], [0, 1], atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 + 0.1, 1e308, -1e-308])
def test_standardizing_makes_a_constant_column_zero(constant):
    data = NamedData(
        X=np.array([[constant, 1e308], [constant, -1e308], [constant, 0]]), y=np.arange(3.0),
        features=("a", "b"), target="c", name="drawn",
    ).standardized()  # fmt: skip
    np.testing.assert_array_equal(data.X[:, 0], 0)
    np.testing.assert_allclose(data.X[:, 1].var(), 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_data_are_standardized(name):
    data = named_data(name)
    assert data.X.shape == (len(data.y), len(data.features))
    np.testing.assert_allclose(data.X.var(axis=0), 1)
    assert data.name == name


def test_unknown_data_set_is_met_with_near_names():
    with pytest.raises(UnknownNameError, match="did you mean 'diabetes'"):
        named_data("diabets")


def test_shipped_data_need_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match=r"pip install 'momentum-dynamics\[reproduce\]'"):
        named_data("wine")
