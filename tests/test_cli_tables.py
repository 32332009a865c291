"""Tables as people have them: each is learned from, or refused in one sentence with the remedy."""

import csv
import gzip
import io
import json
import re
from pathlib import Path

import pytest

from tinygrad_edu.cli.split import table_of

pytestmark = pytest.mark.usefixtures("folder", "model_only")


def rows(header, *cells, n=24, sep=",", end="\n"):
    """A table of n rows; a cell is a list to take in turn, or a function of the row number."""
    lines = [header] + [
        sep.join(str(c(i)) if callable(c) else str(c[i % len(c)]) for c in cells) for i in range(n)
    ]
    return end.join(lines) + end


def wave(i):
    return (i * 7) % 24


def size(i):
    return f"{0.5 * wave(i):.1f}"


def comma(i):
    return f"{wave(i) / 2:.2f}".replace(".", ",")


AB = ["a", "b"]
#: A table with its target last and its options; the features, and classes or a number (None).
LEARNED = {
    "plain": (rows("size,kind", size, AB), "", ["size"], AB),
    "semicolons, decimal commas": (rows("size;kind", comma, AB, sep=";"), "", ["size"], AB),
    "a line sep=": ("sep=;\r\n" + rows("size;kind", comma, AB, sep=";", end="\r\n"), "",
                    ["size"], AB),
    "tabs": (rows("size\tkind", size, AB, sep="\t"), "", ["size"], AB),
    "bars": (rows("size|kind", size, AB, sep="|"), "", ["size"], AB),
    "blanks": (rows("size  kind", size, AB, sep="   "), "", ["size"], AB),
    "Latin-1": (rows("Größe,Art", size, ["groß", "klein"]).encode("latin-1"), "",
                ["Größe"], ["groß", "klein"]),
    "UTF-16 of a spreadsheet": (rows("größe\tart", comma, ["groß", "klein"], sep="\t")
                                .encode("utf-16"), "", ["größe"], ["groß", "klein"]),
    "a byte order mark": (rows("size,kind", size, AB).encode("utf-8-sig"), "", ["size"], AB),
    "gzip": (gzip.compress(rows("size,kind", size, AB).encode()), "", ["size"], AB),
    "comments": ("# measured in May, by us\n" + rows("size,kind", size, AB) + "# end\n", "",
                 ["size"], AB),
    "a header after #": (rows("# size,kind", size, AB), "", ["size"], AB),
    "rows of commas at the end": (rows("size,kind", size, AB) + ",\n,\n", "", ["size"], AB),
    "a comma after each row": (rows("size,kind,", size, AB, [""]), "", ["size"], AB),
    "thousands": (rows("price,rooms,kind", lambda i: f'"{100 * (wave(i) + 1):,}"', [1.5, 2.5], AB),
                  "", ["price", "rooms"], AB),
    "thousands of Germany": (rows("preis;größe;art", lambda i: f"{wave(i) + 1}.000", comma, AB,
                                  sep=";"), "", ["preis", "größe"], AB),
    "blanks in numbers": (rows("price;kind", lambda i: f"{wave(i) + 1} 000,50", AB, sep=";"), "",
                          ["price"], AB),
    "postcodes as classes": (rows("size,code", size, ["00501", "10001", "07030"]), "",
                             ["size"], ["00501", "07030", "10001"]),
    "postcodes as a feature": (rows("plz,size,kind", ["01067", "80331"], size, AB), "",
                               ["plz=01067", "plz=80331", "size"], AB),
    "an id": (rows("PassengerId,size,kind", lambda i: 900 - i, size, AB), "", ["size"], AB),
    "the index of a frame": (rows(",size,kind", lambda i: i, size, AB), "", ["size"], AB),
    "a counter": (rows("row number,size,kind", lambda i: i + 1, size, AB), "", ["size"], AB),
    "codes": (rows("order,size,kind", lambda i: f"A-{i:04}", size, AB), "", ["size"], AB),
    "dates": (rows("day,size,kind", lambda i: f"2024-03-{i + 1:02}", size, AB), "", ["size"], AB),
    "dates of Germany": (rows("Tag,size,kind", lambda i: f"{i + 1}.3.2024", size, AB), "",
                         ["size"], AB),
    "dates in words": (rows("day,size,kind", lambda i: f"{i + 1} Mar 2024", size, AB), "",
                       ["size"], AB),
    "times": (rows("at,size,kind", lambda i: f"{i}:30", size, AB), "", ["size"], AB),
    "names of people": (rows("name,size,kind", lambda i: f"{'xyz'[i % 3]} {chr(97 + i)}", size, AB),
                        "", ["size"], AB),
    "tickets, half of them numbers": (rows("ticket,size,kind",
                                           lambda i: f"{'A/5 ' * (i % 2)}{900 + 7 * i}", size, AB),
                                      "", ["size"], AB),
    "a constant": (rows("country,size,kind", ["NL"], size, AB), "", ["size"], AB),
    "an empty column": (rows("note,size,kind", [""], size, AB), "", ["size"], AB),
    "percentages": (rows("share,size,kind", lambda i: f"{wave(i)} %", size, AB), "",
                    ["share", "size"], AB),
    "percentages of Germany": (rows("Anteil;Art", lambda i: f"{wave(i)},5%", AB, sep=";"), "",
                               ["Anteil"], AB),
    "dollars": (rows("price,kind", lambda i: f'"${wave(i) + 1},000.50"', AB), "", ["price"], AB),
    "euros before": (rows("price,kind", lambda i: f'"EUR {wave(i) + 1},000.50"', AB), "", ["price"],
                     AB),
    "euros behind": (rows("Preis;Art", lambda i: f"{wave(i) + 1}.000,50 \u20ac", AB, sep=";"), "",
                     ["Preis"], AB),
    "kilograms": (rows("weight,kind", lambda i: f"{wave(i)}.5 kg", AB), "", ["weight"], AB),
    "degrees": (rows("temperature,kind", lambda i: f"{wave(i)}\xb0C", AB), "", ["temperature"], AB),
    "two currencies": (rows("price,size,kind", lambda i: "$\u20ac"[i % 2] + str(i), size, AB), "",
                       ["size"], AB),
    "shares and percentages": (rows("share,size,kind", ["3%", "4\u2030"], size, AB), "--drop share",
                               ["size"], AB),
    "prices in dollars": (rows("size,price", size, lambda i: f"${100 * wave(i) + 3}"), "",
                          ["size"], None),
    "losses of accounts": (rows("gain,kind", ["(3.50)", "4.25", '"(1,200.00)"'], AB), "", ["gain"],
                           AB),
    "minus behind": (rows("gain;kind", ["3,50-", "4,25", "1.200,00-"], AB, sep=";"), "", ["gain"],
                     AB),
    "errors of a spreadsheet": (rows("size,kind", [1, "#DIV/0!", 3, 4, "#N/A"], AB),
                                "--missing mean", ["size"], AB),
    "numbers as texts": (rows("size,code", size, ['="00501"', '="10001"']), "", ["size"],
                         ["00501", "10001"]),
    "no western encoding": (rows("size,\u0446\u0432\u0435\u0442", size, ["\u0430", "\u0431"])
                            .encode("cp1251"), "--encoding cp1251", ["size"],
                            ["\u0430", "\u0431"]),
    "another delimiter": (rows("size~kind", size, AB, sep="~"), "--delimiter ~", ["size"], AB),
    "tabs that are told": (rows("size\tkind", size, ["a,b", "c"], sep="\t"), "--delimiter tab",
                           ["size"], ["a,b", "c"]),
    "years": (rows("year,size,kind", [1999, 2004, 2020], size, AB), "", ["year", "size"], AB),
    "an id that is wanted": (rows("id,size,kind", lambda i: i, size, AB), "--as id=number",
                             ["id", "size"], AB),
    "numbers as categories": (rows("floor,size,kind", [1, 2], size, AB), "--as floor=category",
                              ["floor=1", "floor=2", "size"], AB),
    "columns chosen": (rows("a,b,c,kind", size, size, AB, AB), "--columns a,c",
                       ["a", "c=a", "c=b"], AB),
    "columns dropped": (rows("a,b,c,kind", size, size, AB, AB), "--drop a,c", ["b"], AB),
    "rows with gaps are dropped": (rows("size,kind", [1, "", 3, 4, "NA"], AB), "--missing drop",
                                   ["size"], AB),
    "gaps become means": (rows("size,colour,kind", [1, "", 3, 4, "?"], ["red", "red", "", "blue"],
                               AB), "--missing mean",
                          ["size", "colour=blue", "colour=red"], AB),
    "gaps become a category": (rows("size,colour,kind", [1, "", 3, 4, "-"],
                                    ["red", "red", "", "blue"], AB), "--missing category",
                               ["size", "size is missing", "colour=blue", "colour=missing",
                                "colour=red"], AB),
    "yes and no as 1 and 0": (rows("size,bought", size, [0, 1]), "", ["size"], ["0", "1"]),
    "grades": (rows("size,grade", size, [1, 2, 3, 4]), "", ["size"], ["1", "2", "3", "4"]),
    "grades as a number": (rows("size,grade", size, [1, 2, 3, 4]), "--as grade=number",
                           ["size"], None),
    "prices": (rows("size,price", size, lambda i: 100 * wave(i) + 3), "", ["size"], None),
    "prices with decimal commas": (rows("size;price", comma, comma, sep=";"), "", ["size"], None),
    "numbers as classes": (rows("size,level", size, ["0,5", "1,5", "2,5"], sep=";")
                           .replace("size,level", "size;level"), "--as level=label",
                           ["size"], ["0,5", "1,5", "2,5"]),
    "labels with quotes": (rows("size,kind", size, ['"a, ""b"""', '"c;d"']), "",
                           ["size"], ['a, "b"', "c;d"]),
    "labels like formulas": (rows("size,kind", size, ["=1+1", "@x"]), "", ["size"], ["=1+1", "@x"]),
}  # fmt: skip


def written(table):
    Path("t.csv").write_bytes(table.encode() if isinstance(table, str) else table)


def writing(options):
    """Those of the options that say how a table is written."""
    words = options.split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return {flag: text for flag, text in pairs if flag in ("--encoding", "--delimiter")}


def header_of(options):
    """The name of the last column that has one, to predict."""
    told = {flag[2:]: text.replace("tab", "\t") for flag, text in writing(options).items()}
    return table_of("t.csv", **told).header[-1]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", LEARNED)
def test_a_table_is_learned_from_and_predictions_are_labels_as_they_were_written(case, run):
    table, options, features, classes = LEARNED[case]
    written(table)
    target = header_of(options)
    words = ["train", "t.csv", "--target", target, "--epochs", "1", "--out", "out"]
    assert f"target {target}: " in run(*words, *options.split())[0]
    metadata = json.loads(Path("out/model.json").read_text())["metadata"]
    names = [
        name
        for column in metadata["encoder"]["columns"]
        for name in [f"{column['name']}={c}" for c in column.get("categories", ())]
        or [column["name"], *[f"{column['name']} is missing"] * ("category" in column.values())]
    ]
    assert names == features
    assert metadata["encoder"].get("class_names") == classes
    if "are dropped" in case:  # and cannot be predicted
        return
    told = [word for pair in writing(options).items() for word in pair]
    printed, errors = run("predict", "out/model.json", "t.csv", *told)
    assert errors == ""
    header, *lines = csv.reader(io.StringIO(printed))
    assert len(lines) == 24
    if classes is None:
        assert header in (["prediction"], ["prediction ($)"])
        assert [float(x) for (x,) in lines]
    else:
        assert header == ["prediction", *(f"p({name})" for name in classes)]
        assert {line[0] for line in lines} <= set(classes)


GAPS = rows("size,kind", [1, "", 3, 4, "NA", 5], AB)
#: A table, its options, and the sentence.
REFUSED = {
    "no header": (rows("1.5,2,a", size, size, AB), "",
                  "t.csv: the first line, '1.5', '2', 'a', is a row of numbers like the others: "
                  "write a line of names above it, such as x1,x2,x3"),
    "a workbook": (b"PK\x03\x04\0\0", "", "t.csv: this is an Excel workbook or another zip file, "
                   "not a table of text; save it as CSV UTF-8"),
    "a page": ("<!DOCTYPE html><p>", "", "t.csv: this is a web page, not a table of text; save it "
               "as CSV UTF-8"),
    "gaps": (GAPS, "", "t.csv, column 'size': 8 of 24 cells are missing, in line 3, 6, 9, 12, 15, "
             "...: fill them in, or write --missing drop, mean or category"),
    "gaps in labels": (rows("size,kind", size, ["a", "b", ""]), "--missing mean",
                       "t.csv, column 'kind': 8 of 24 cells are missing, in line 4, 7, 10, 13, 16, "
                       "...: fill them in, or write --missing drop"),
    "only gaps": (rows("a,b,kind", [1, "", 2, ""], ["", 1, "", 2], AB), "--missing drop",
                  "t.csv: every row has a missing cell; --drop the emptiest column"),
    "a word among numbers": (rows("size,kind", [1, 2, 3, "four"], AB), "",
                             "t.csv, line 5, column 'size': text 'four' where a number is "
                             "expected; correct it or delete the row, or write --as size=category"),
    "no column is left": (rows("id,kind", lambda i: i, AB), "",
                          "t.csv: no column is left to learn from: left out id (id): each row has "
                          "a number of its own, such as '0'; --as id=number takes it"),
    "one column": (rows("kind", AB), "", "t.csv: no column is left to learn from, a feature is "
                   "needed too"),
    "one row in a hundred": (rows("size,kind", lambda i: int(i == 0), AB, n=8),
                             "--seed 3", "t.csv, column 'size': every training row holds 0.0; "
                             "choose other rows or delete it (write --drop, or another --seed)"),
    "a class with one row": ("size,kind\n1,a\n2,b\n3,b\n", "", "t.csv, column 'kind': class 'a' "
                             "has one row, which cannot be both a training and a test row; add "
                             "rows or write --test-ratio 0"),
    "one class": (rows("size,kind", size, ["a"]), "", "t.csv, column 'kind': every row is of class "
                  "'a'; at least two classes are needed"),
    "names as classes": (rows("size,kind", size, lambda i: f"n{i}"), "",
                         "t.csv, column 'kind': each row is a class of its own, such as 'n0'; "
                         "write another --target"),
    "dates as a target": (rows("size,kind", size, lambda i: f"2024-03-{i + 1:02}"), "",
                          "t.csv, column 'kind': dates are no target; write days since the first"),
    "a loss of classes": (rows("size,kind", size, size), "--loss hinge",
                          "the loss hinge is for classes and the target 'kind' is a number: choose "
                          "half_squared_error, mean_squared_error, squared_error"),
    "the target is dropped": (rows("size,kind", size, AB), "--drop kind",
                              "--drop kind: this is the target"),
    "an unknown column": (rows("size,kind", size, AB), "--columns sizes",
                          "t.csv: no column 'sizes'; did you mean 'size'?"),
    "an unknown kind": (rows("size,kind", size, AB), "--as size=numeric",
                        "unknown kind 'numeric': choose number, category, label; did you mean "
                        "'number'?"),
    "a last row that is a sum": (rows("kind,size", AB, size) + "Total,276\n", "", "t.csv, line 26, "
                                 "column 'kind': 'Total' is what the others make together, and no "
                                 "row like them: delete it"),
    "an unknown encoding": (rows("size,kind", size, AB), "--encoding cp12",
                            "unknown encoding 'cp12': write utf-8, cp1251, big5"),
    "an encoding that is not this": (rows("size,kind", ["\xe4"], AB), "--encoding ascii",
                                     "t.csv, line 2: not ascii text (byte 0xc3); save the table as "
                                     "CSV UTF-8"),
    "a delimiter of two signs": (rows("size,kind", size, AB), "--delimiter ;;",
                                 "delimiter must be one sign, such as \";\", got ';;'"),
    "a delimiter that is not there": (rows("size,kind", size, AB, sep=";"), "--delimiter |",
                                      "t.csv: no column 'kind'; did you mean 'size,kind'?"),
    "a kind without a name": (rows("size,kind", size, AB), "--as number",
                              "--as takes a name and a kind, such as size=number, got 'number'"),
    "a label that is none": (rows("size,kind", size, AB), "--as size=label",
                             "--as size=label: the label is the target, 'kind'"),
    "an unknown way": (rows("size,kind", size, AB), "--missing median",
                       "unknown --missing 'median': choose refuse, drop, mean, category; did you "
                       "mean 'mean'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_is_refused_in_one_sentence(case, run):
    table, options, sentence = REFUSED[case]
    written(table)
    words = ["train", "t.csv", "--target", "kind", *options.split()]
    assert run(*words, code=2) == ("", f"tinygrad-edu: {sentence}\n")
    assert not Path("tinygrad_edu_out").exists()


def test_what_is_made_of_the_columns_is_said_before_training(run):
    written(rows("id;day;size;colour;price", lambda i: i, lambda i: f"{i + 1}.3.2024", comma,
                 ["red", "blue"], lambda i: 10 * wave(i) + 1, sep=";"))  # fmt: skip
    assert run("train", "t.csv", "--target", "price", "--epochs", "1")[0].startswith(
        "semicolons between columns, decimal commas\n"
        "numbers: size\n"
        "categories: colour\n"
        "left out id (id): each row has a number of its own, such as '0'; --as id=number takes it\n"
        "left out day (date): it holds dates or times such as '1.3.2024'; "
        "--as day=category takes it\n"
        "target price: regression, with 24 different numbers; --as price=label takes them for "
        "classes\n"
        "t.csv: 18 training rows, 6 test rows; 3 features, the number price\n"
    )


def test_a_number_is_learned_better_than_by_its_mean(run):
    written(rows("x,y", wave, lambda i: 1000 + 3 * wave(i)))
    told, _ = run("train", "t.csv", "--target", "y", "--epochs", "100", "--out", "out")
    [net] = re.findall(r"test +6 +[0-9.]+ +([0-9.]+)\n", told)
    [mean] = re.findall(r"mean +6 +([0-9.]+)\n", told)
    assert float(net) < 0.2 * float(mean)
    _, *found = run("predict", "out/model.json", "t.csv")[0].split()
    assert float(found[1]) == pytest.approx(1000 + 3 * wave(1), abs=8)


def test_gaps_of_a_new_table_are_filled_as_in_training(run):
    written(rows("size,colour,kind", [1, "", 3, 4], ["red", "", "blue"], AB))
    for way in ("mean", "category"):
        options = ["--missing", way, "--epochs", "1", "--out", way]
        run("train", "t.csv", "--target", "kind", *options)
        Path("new.csv").write_text("size,colour\n,red\n2,\n")
        assert len(run("predict", f"{way}/model.json", "new.csv")[0].splitlines()) == 3


def test_a_new_table_is_read_with_the_decimal_comma_of_the_training(run):
    written(rows("preis;art", ["1.000", "2.500,5", "4,5"], AB, sep=";"))
    run("train", "t.csv", "--target", "art", "--epochs", "1", "--out", "out")
    outputs = []
    for cell in ("2.000", "2000", "2.000,0"):
        Path("new.csv").write_text(f"preis\n{cell}\n")
        outputs.append(run("predict", "out/model.json", "new.csv")[0])
    assert outputs[0] == outputs[1] == outputs[2]


def test_rows_that_are_dropped_still_tell_the_decimal_sign(run):
    written(rows("preis;y;art", ["1.000", "2.000", "1,5"], [1, 2, ""], ["a", "b", "a"], sep=";"))
    words = ["train", "t.csv", "--target", "art", "--epochs", "1", "--out", "out"]
    run(*words, "--missing", "drop")
    column, _ = json.loads(Path("out/model.json").read_text())["metadata"]["encoder"]["columns"]
    assert 1000 < column["mean"] < 2000


def test_the_report_has_the_options_of_the_columns(run, monkeypatch):
    commands = []
    monkeypatch.setattr(
        "tinygrad_edu.cli.run.write_report", lambda _, __, c, ___: commands.append(c) or []
    )
    written(rows("a,b,kind", [1, 2, ""], AB, AB))
    words = ["train", "t.csv", "--target", "kind"]
    options = ["--columns", "a,b", "--drop", "b", "--as", "a=number", "--missing", "mean"]
    run(*words, *options, "--epochs", "1")
    assert commands == [[*words, *options]]


def test_units_are_said_and_must_be_those_of_the_training(run):
    written(rows("share,price,kind", lambda i: f"{wave(i)}%", lambda i: f"${wave(i)}", AB))
    words = ["train", "t.csv", "--target", "kind", "--epochs", "1", "--out", "out"]
    assert run(*words)[0].startswith("numbers: share (%), price ($)\n")
    Path("new.csv").write_text("share,price\n12%,$3\n")
    assert run("predict", "out/model.json", "new.csv")[1] == ""
    for cells, column, unit, known in (
        ("12 %,USD 3", "price", "USD", "$"),
        ("12%,3", "price", "without a unit", "$"),
        ("0.12,$3", "share", "without a unit", "%"),
    ):
        Path("new.csv").write_text(f"share,price\n{cells}\n")
        assert run("predict", "out/model.json", "new.csv", code=2)[1] == (
            f"tinygrad-edu: new.csv, column {column!r}: the numbers are {unit} and those of the "
            f"training data {known}; write them in the same unit\n"
        )


def test_words_that_differ_in_capitals_alone_are_told(run):
    written(rows("size,colour,kind", size, ["Red", "red", "blue", "RED"], AB))
    printed, _ = run("train", "t.csv", "--target", "kind", "--epochs", "1")
    assert "\ncolour: 'RED' and 'Red' are two different words\n" in printed


def test_numbers_below_0_of_accounts_are_read_as_such():
    written(rows("gain;kind", ["(3,50)", "1.200,00-", "x", "7-"], AB, sep=";"))
    assert table_of("t.csv").read("gain").numbers[:2].tolist() == [-3.5, -1200.0]
    assert table_of("t.csv").read("gain").strange[:2] == [2, 3]  # which may be a grade
