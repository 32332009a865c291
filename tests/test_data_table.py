import gzip
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
        (
            "a,b\n\n1,2,3\n",
            ", line 3: the header has 2 columns but this row has 3; "
            "quote cells that hold a separator",
        ),
        ("a,\u00fc\n1,\u00e4\n".encode() + b"\xff,3\n", f", line 3{UTF_8}"),
        (b"a,b\n1,2\n\xff\x01,3\n", f", line 3{UTF_8}"),
        (
            "\u0446\u0432\u0435\u0442,y\n\u0434\u0430\u0442\u0430,1\n\u0445\u043e\u0434,0\n".encode(
                "cp1251"
            ),
            ", line 1: not UTF-8 text (byte 0xf6); save the table as CSV UTF-8",
        ),
        (
            "a,b\n1,2\n".encode("utf-16")[:-1],
            ", line 2: not UTF-16 text (byte 0x0a); save the table as CSV UTF-8",
        ),
        (
            gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9],
            ": a gzip file that is broken (Compressed file ended before the end-of-stream marker "
            "was reached); pack it anew",
        ),
        (
            b"PK\x03\x04\x14",
            ": this is an Excel workbook or another zip file, not a table of text; "
            "save it as CSV UTF-8",
        ),
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            ": the first line, '5.1', '3.5', 'setosa', is a row of numbers like the others: "
            "write a line of names above it, such as x1,x2,x3",
        ),
        ("a,b\n1,\0\n", ", line 2: a NUL character; this is not a text file"),
        (
            "Table 3\n\na,b\n1,2\n",
            ": the first line, 'Table 3', has one cell and the others more: write the names of the "
            "columns there, or delete it",
        ),
        ("a;b\n1;2\n3\n", ", line 3: the header has 2 columns but this row has 1"),
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


#: A file, how it is written, and the columns a and b that all of them hold.
WRITTEN = {
    "a;b\n1;x y\n2,5;z\n": "semicolons between columns, decimal commas",
    "sep=;\na;b\n1;x y\n2,5;z\n": "semicolons between columns, decimal commas",
    "\ufeffsep=|\r\na|b\r\n1|x y\r\n2.5|z": "bars between columns",
    "a\tb\n1\tx y\n2.5\tz\n": "tabs between columns",
    "a  b\n 1  'x_y'\n2.5  z \n".replace("'x_y'", '"x y"'): "blanks between columns",
    "# of 2020, by me\n# more\na,b\n1,x y\n# 2\n2.5,z\n# end": "",
    '# a b\n1 "x y"\n2.5 z\n': "blanks between columns",
    'a;b;"c, of\nall;"\n1;x y;3\n2.5;z;4\n': "semicolons between columns",
    '"sep=;"\na;b\n1;x y\n2,5;z\n': "semicolons between columns, decimal commas",
    "# a,b\n1,x y\n2.5,z\n": "",
    "a,b,\n1,x y,\n2.5,z,\n,,\n": "",
    "a,b\n1,x y,\n2.5,z,\n": "",
    'a;b;"c;,,,"\n1;x y;\n2,5;z;\n': "semicolons between columns, decimal commas",
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize(
    ("encoding", "called"), [("utf-8", ""), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_it_is_found_out_how_a_file_is_written(tmp_path, text, encoding, called):
    content = text.encode(encoding)
    table = read_table(_written(tmp_path, content))
    assert table.numbers("a") == [1.0, 2.5]
    assert table.text("b") == ["x y", "z"]
    assert table.how == ", ".join(filter(None, [called, WRITTEN[text]]))
    packed = read_table(_written(tmp_path, gzip.compress(content)))
    assert packed.columns == table.columns
    assert packed.how.startswith("gzip")


@pytest.mark.parametrize(
    ("data", "word", "called"),
    [
        (b"a,b\n1,M\xfcller\n", "M\u00fcller", "Windows-1252"),
        (b"a,b\n1,5\x80\n", "5\u20ac", "Windows-1252"),
        (b"a,b\n1,M\xfcller\x81\n", "M\u00fcller\x81", "Latin-1"),
        (b"a,b\n1,M\xc3\xbcller\n", "M\u00fcller", ""),
    ],
)
def test_what_is_no_utf_8_is_of_windows(tmp_path, data, word, called):
    table = read_table(_written(tmp_path, data))
    assert (table.text("b"), table.how) == ([word], called)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ("0,295 1,5", [0.295, 1.5]),
        ("1.234,56 7,5 1.234", [1234.56, 7.5, 1234.0]),
        ("1,234.56 7.5 1,234", [1234.56, 7.5, 1234.0]),
        ("1,234,567 89", [1234567.0, 89.0]),
        ("1,234 56 789", [1234.0, 56.0, 789.0]),  # whole numbers below 1000 have no groups
        ("1'000 2'500'000", [1000.0, 2500000.0]),
        ("1\u00a0000 2\u202f000,5", [1000.0, 2000.5]),
        ("1,5E3 2,5E-3", [1500.0, 0.0025]),
        ("\u22125 \u22127", [-5.0, -7.0]),
        ("1.234 5.678", [1.234, 5.678]),
    ],
)
def test_decimal_commas_and_groups_of_thousands_are_read(tmp_path, cells, numbers):
    rows = "".join(f"{cell}\tx\n" for cell in cells.split(" "))
    assert read_table(_written(tmp_path, "a\tb\n" + rows)).numbers("a") == numbers


def test_the_other_columns_tell_what_a_comma_is(tmp_path):
    for other, number in (("1.5", 1234.0), ("1,5", 1.234)):
        path = _written(tmp_path, f"a;b;c\n1,234;{other};x\n")
        assert read_table(path).numbers("a") == [number]
    path = _written(tmp_path, "a;b\n1.234;x\n5.678;1,5\n2.345;y\n")
    assert read_table(path).numbers("a") == [1.234, 5.678, 2.345]  # words tell nothing
    path = _written(tmp_path, "a;c\n1,5;x\n2,5;y\n3.5;y\n")
    told = "text '3.5' where a number is expected; write 1,5 for 1.5"
    with _fails(path, f", line 4, column 'a': {told}"):
        read_table(path).numbers("a")


@pytest.mark.parametrize("header", ["2019,2021,2022", "0,1,2"])
def test_years_and_numbers_in_turn_are_names_of_columns(tmp_path, header):
    table = read_table(_written(tmp_path, f"{header}\n0.5,2.5,3.5\n"))
    assert table.header == tuple(header.split(","))


def test_a_first_column_without_a_name_gets_one(tmp_path):
    assert read_table(_written(tmp_path, '"","a"\n"1",2\n')).header == ("column 1", "a")


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
        *(
            (cell, "; write 1.5 for 1,5 and 1100 for 1,100")
            for cell in ("1_000", "\u0661", "1,500")
        ),
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
