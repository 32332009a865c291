import re

import pytest

from tinygrad_edu.data import Table, TableError, read_table


def _written(folder, content):
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _fails(path, message):
    return pytest.raises(TableError, match=f"^{re.escape(f'{path}{message}')}$")


def test_a_table_holds_its_columns_as_text_with_line_numbers(tmp_path):
    path = _written(tmp_path, "size,colour\n1.5,red\n2,blue\n")
    table = read_table(path)
    assert table == Table(str(path), {"size": ["1.5", "2"], "colour": ["red", "blue"]}, [2, 3])
    assert table.header == ("size", "colour")
    assert len(table) == 2
    assert repr(table) == f"Table(path={str(path)!r}, rows=2, columns=2)"
    assert read_table(str(path)) == table


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffa,b\n1,x y\n2,z\n",
        "a,b\r\n1,x y\r\n2,z",
        "a,b\r1,x y\r2,z\r",
        ' a , b \n 1 , x y \n"2","z"\n',
    ],
)
def test_a_byte_order_mark_line_ends_blanks_and_quotes_make_no_difference(tmp_path, content):
    table = read_table(_written(tmp_path, content))
    assert table.columns == {"a": ["1", "2"], "b": ["x y", "z"]}
    assert table.lines == [2, 3]


def test_lines_are_counted_as_in_an_editor(tmp_path):
    path = _written(tmp_path, 'a,b\n\n1,"two\nlines"\n   \n2,x\n\n')
    table = read_table(path)
    assert table.lines == [3, 6]
    assert table.columns["b"] == ["two\nlines", "x"]


UTF_8 = ": not UTF-8 text (byte 0xff); save the table as CSV UTF-8"
NO_COMMA = "no comma; save the table with commas between the columns"
TOO_LONG = ", line 2: not a CSV table (field larger than field limit (131072))"
LONG = "x" * 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": the file is empty; a header line and rows are needed"),
        ("\ufeff\n\n", ": the file is empty; a header line and rows are needed"),
        ("a,b\n", ": the file has a header but no rows"),
        ("a,b,a\n1,2,3\n", ": two columns are named 'a'; rename one"),
        ("a,,b\n1,2,3\n", ": column 2 has no name in the header"),
        ("a,b\n1,2\n1\n", ", line 3: the header has 2 columns but this row has 1"),
        ("a,b\n\n1,2,3\n", ", line 3: the header has 2 columns but this row has 3"),
        (b"a,b\n1,2\n\xff,3\n", f", line 3{UTF_8}"),
        ("a,b\n1,2\n".encode("utf-16"), f", line 1{UTF_8}"),
        ("a,b\n1,\0\n", ", line 2: a NUL character; this is not a text file"),
        ("a;b\n1;2\n", f": the header holds semicolons and {NO_COMMA}"),
        ("a\tb\n1\t2\n", f": the header holds tabs and {NO_COMMA}"),
        ("a,b\n1," + "x" * 10_000_000 + "\n", TOO_LONG),
        ('a,b\n1,"x\n' + "2,y\n" * 2_500_000, TOO_LONG),
        ('a,b\n1,"x\n2,y\n', ", line 2: not a CSV table (unexpected end of data)"),
        (",".join(["1"] * 1_000_000) + "\n", ": 1000000 columns, at most 10000 are supported"),
        (f"{LONG},{LONG}\n1,2\n", f": two columns are named '{LONG[:39]}…'; rename one"),
    ],
    ids=lambda value: repr(value[:60]),
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(tmp_path, content, message):
    path = _written(tmp_path, content)
    with _fails(path, message):
        read_table(path)


def test_a_missing_file_and_a_folder_are_the_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.csv")
    with pytest.raises(OSError, match=r"directory|denied"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("header", "name", "message"),
    [
        ("length,species", "specie", "no column 'specie'; did you mean 'species'?"),
        ("length,species", "zzz", "no column 'zzz'; the columns are 'length', 'species'"),
        (
            ",".join(f"c{i}" for i in range(12)),
            "zzz",
            "no column 'zzz'; the columns are 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', "
            "'c8', 'c9', ...",
        ),
    ],
)
def test_a_missing_column_is_named_with_the_nearest_one(tmp_path, header, name, message):
    path = _written(tmp_path, header + "\n" + header + "\n")
    with _fails(path, f": {message}"):
        read_table(path).text(name)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1", 1.0), ("-.5", -0.5), ("+2.", 2.0), ("1e3", 1000.0), ("1.5E-3", 0.0015), (" 7 ", 7.0)],
)
def test_plain_decimal_and_exponent_forms_are_numbers(tmp_path, cell, number):
    table = read_table(_written(tmp_path, f"a,b\n{cell},x\n"))
    assert table.is_numeric("a")
    assert table.numbers("a") == [number]


@pytest.mark.parametrize(
    ("cell", "how"),
    [
        *((cell, "") for cell in ("1e", ".", "-", "1 2", "abc", "NA")),
        *((cell, "; write 1.5 for 1,5 and 1100 for 1,100") for cell in ("1_000", "\u0661", "1,5")),
        ("0x10", "; write 31 for 0x1f"),
    ],
)
def test_other_forms_are_text(tmp_path, cell, how):
    path = _written(tmp_path, f'a,b\n"{cell}",x\n')
    assert not read_table(path).is_numeric("a")
    with _fails(path, f", line 2, column 'a': text '{cell}' where a number is expected{how}"):
        read_table(path).numbers("a")


@pytest.mark.parametrize("cell", ["nan", "NaN", "-inf", "Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, cell):
    path = _written(tmp_path, f"a,b\n1,x\n{cell},y\n")
    with _fails(path, f", line 3, column 'a': '{cell}' is not a finite number"):
        read_table(path).text("a")


def test_an_empty_cell_is_refused_where_its_column_is_used(tmp_path):
    path = _written(tmp_path, "a,b\n1,x\n2, \n")
    table = read_table(path)
    assert table.numbers("a") == [1.0, 2.0]
    with _fails(path, ", line 3, column 'b': the cell is empty; fill it in or delete the row"):
        table.text("b")
