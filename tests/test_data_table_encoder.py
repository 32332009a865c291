import json
import math
from functools import partial, reduce
from operator import getitem

import pytest
from refusals import refusals

from tinygrad_edu.data import Table, TableEncoder, TableError, read_table, train_test_split
from tinygrad_edu.data.columns import CategoryColumn, NumericColumn

ANIMALS = """weight,cover,legs,kind
2,fur,4,mammal
4,feathers,2,bird
4,fur,4,mammal
6,scales,0,fish
"""
NAN, INF = float("nan"), float("inf")


def _table(text):
    header, *rows = [line.split(",") for line in text.splitlines()]
    columns = {name: [row[j] for row in rows] for j, name in enumerate(header)}
    return Table("t.csv", columns, list(range(2, len(rows) + 2)))


def learned(text):
    return TableEncoder.fit(_table(text), "b")


def encoded(text):
    return TableEncoder.fit(_table(ANIMALS), "kind").features(_table(text))


def refusals_of(call, texts):
    return refusals({
        text: (partial(call, text), TableError, f"t.csv{end}") for text, end in texts.items()
    })  # fmt: skip


def test_numbers_are_standardised_and_words_are_1_of_k():
    # weight: mean 4, deviation sqrt((4+0+0+4)/4); legs: mean 2.5, deviation sqrt(11/4)
    table = _table(ANIMALS)
    encoder = TableEncoder.fit(table, "kind")
    assert encoder.columns == (
        NumericColumn("weight", 4.0, math.sqrt(2)),
        CategoryColumn("cover", ("feathers", "fur", "scales")),
        NumericColumn("legs", 2.5, pytest.approx(math.sqrt(11 / 4))),
    )
    words = "cover=feathers", "cover=fur", "cover=scales"
    assert encoder.feature_names == ("weight", *words, "legs")
    assert encoder.features(table)[1] == pytest.approx([0, 1, 0, 0, -0.5 / math.sqrt(11 / 4)])
    assert [len(row) for row in encoder.features(table)] == [5] * 4


ROWS = [f"{i},{i}" for i in range(21)]
NO_CLASSES = (
    "column 'b': a target holds classes, that is words or at most 20 different whole numbers, "
    "and this one holds"
)


def test_20_different_whole_numbers_are_classes():
    assert len(learned("\n".join(["a,b", *ROWS[:20]])).class_names) == 20


def test_means_and_deviations_come_from_the_training_rows_alone():
    encoder = TableEncoder.fit(_table(ANIMALS), "kind", rows=[0, 1])
    assert encoder.columns[0] == NumericColumn("weight", 3.0, 1.0)
    assert encoder.columns[2] == NumericColumn("legs", 3.0, 1.0)
    assert [row[0] for row in encoder.features(_table(ANIMALS))] == [-1, 1, 1, 3]
    # categories and classes come from the whole table
    assert encoder.columns[1] == CategoryColumn("cover", ("feathers", "fur", "scales"))
    assert encoder.class_names == ("bird", "fish", "mammal")


def test_the_row_numbers_of_a_split_are_the_training_rows():
    table = _table("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(8)))
    labels = TableEncoder.fit(table, "b").labels(table)
    train, _, _, _ = train_test_split(range(len(table)), labels)
    mean = TableEncoder.fit(table, "b", rows=train).columns[0].mean
    assert len(train) == 6
    assert mean == pytest.approx(sum(train) / 6)


def test_a_file_goes_through_reading_and_encoding(tmp_path):
    path = tmp_path / "animals.csv"
    path.write_text(ANIMALS, encoding="utf-8-sig")
    table = read_table(path)
    encoder = TableEncoder.fit(table, "kind")
    assert encoder == TableEncoder.fit(_table(ANIMALS), "kind")
    assert encoder.features(table) == encoder.features(_table(ANIMALS))


def test_further_columns_are_ignored_and_the_order_of_columns_is_free():
    encoder = TableEncoder.fit(_table(ANIMALS), "kind")
    other = _table("remark,legs,cover,weight\n,4,fur,2\n")
    assert encoder.features(other) == encoder.features(_table(ANIMALS))[:1]


test_a_table_that_cannot_be_learned_from_is_refused = refusals_of(learned, {
    "a,b\n1,x\n2,x\n":
        ", column 'b': every row is of class 'x'; at least two classes are needed",
    "b\nx\ny\n": ": 'b' is the only column; a feature is needed too",
    "a,c\n1,x\n2,y\n": ": no column 'b'; the columns are 'a', 'c'",
    "a,b\n1,0.5\n2,1\n": f", {NO_CLASSES} '0.5'",
    "\n".join(["a,b", *ROWS]): f", {NO_CLASSES} 21 different numbers",
    "a,b\n1,x\n2,7\n": ", line 2, column 'b': text 'x' where a number is expected",
    "a,b\n1,x\nhi,y\n": ", line 3, column 'a': text 'hi' where a number is expected",
    "a,b\n1,x\n,y\n": ", line 3, column 'a': the cell is empty; fill it in or delete the row",
    "a,b\n1,x\n2,\n": ", line 3, column 'b': the cell is empty; fill it in or delete the row",
    "a,b\nu,x\nnan,y\n": ", line 3, column 'a': 'nan' is not a finite number",
    "a,b\n1,x\n1.0,y\n": ", column 'a': every row holds 1.0; delete the constant column",
    "a,b\nu,x\nu,y\n": ", column 'a': every row holds 'u'; delete the constant column",
    "a,b\n1.5e308,x\n1.6e308,y\n":
        ", column 'a': the numbers from 1.5e+308 to 1.6e+308 are "
        "too narrow or too wide to standardise in floating point; change their unit",
})  # fmt: skip
test_a_new_table_that_does_not_fit_is_refused = refusals_of(encoded, {
    "weight,legs\n1,2\n": ": no column 'cover'; the columns are 'weight', 'legs'",
    "weight,covers,legs\n1,fur,2\n": ": no column 'cover'; did you mean 'covers'?",
    "weight,cover,legs\n1,fur,2\nheavy,fur,2\n":
        ", line 3, column 'weight': text 'heavy' where a number is expected",
    "weight,cover,legs\n1,fur,2\n1,wool,2\n":
        ", line 3, column 'cover': unknown category 'wool'; "
        "known are 'feathers', 'fur', 'scales'",
    "weight,cover,legs\n1,fur,\n":
        ", line 2, column 'legs': the cell is empty; fill it in or delete the row",
})  # fmt: skip
test_training_rows_that_cannot_be_learned_from_are_refused = refusals([
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", rows=[]), ValueError,
     "rows is empty; at least two training rows are needed"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", rows=[0, 4]), ValueError,
     "rows must be row numbers 0..3, got 4"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", rows=[1, 2]), TableError,
     "t.csv, column 'weight': every training row holds 4.0; choose other rows or delete it"),
])  # fmt: skip


NARROW = TableEncoder.fit(_table("a,b\n1e-5,x\n3e-5,y\n"), "b")
test_a_far_number_and_an_unknown_class_are_refused = refusals([
    (lambda: NARROW.features(_table("a\n1e308\n")), TableError,
     "t.csv, line 2, column 'a': 1e+308 is too far from the mean 2e-05 of the training data"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind").labels(_table("kind\nplant\n")), TableError,
     "t.csv, line 2, column 'kind': unknown class 'plant'; known are 'bird', 'fish', 'mammal'"),
])  # fmt: skip


def test_an_encoder_survives_json_exactly():
    encoder = TableEncoder.fit(_table(ANIMALS), "kind")
    back = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert back == encoder
    assert back.features(_table(ANIMALS)) == encoder.features(_table(ANIMALS))


GAPS = "weight,cover,kind\n2,fur,a\n,fur,b\n4,,a\n6,wool,b\n"
KINDS = {"weight": "number", "cover": "category", "kind": "label"}


def test_missing_cells_become_the_mean_and_the_commonest_word():
    encoder = TableEncoder.fit(_table(GAPS), "kind", kinds=KINDS, missing="mean")
    assert encoder.columns[0].mean == 4.0
    assert encoder.feature_names == ("weight", "cover=fur", "cover=wool")
    assert [row[0] for row in encoder.features(_table(GAPS))][1:3] == [0.0, 0.0]
    assert encoder.features(_table(GAPS))[2][1:] == [1.0, 0.0]
    assert encoder.features(_table("weight,cover\nNA,\n")) == [[0.0, 1.0, 0.0]]


def test_missing_cells_become_a_category():
    encoder = TableEncoder.fit(_table(GAPS), "kind", kinds=KINDS, missing="category")
    names = "weight", "weight is missing", "cover=fur", "cover=missing", "cover=wool"
    assert encoder.feature_names == names
    assert encoder.features(_table("weight,cover\n?,\n4,fur\n")) == [
        [0.0, 1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0],
    ]  # fmt: skip


def test_a_target_may_be_a_number():
    kinds = {"legs": "category", "weight": "number"}
    encoder = TableEncoder.fit(_table(ANIMALS), "weight", kinds=kinds)
    assert encoder.feature_names == ("legs=0", "legs=2", "legs=4")
    assert encoder.class_names == ()
    y = encoder.labels(_table(ANIMALS))
    assert y == pytest.approx([-math.sqrt(2), 0, 0, math.sqrt(2)])
    assert [encoder.number.decode(x) for x in y] == pytest.approx([2, 4, 4, 6])


@pytest.mark.parametrize("missing", ["refuse", "mean", "category"])
@pytest.mark.parametrize("target", ["kind", "weight"])
def test_encoders_of_all_kinds_survive_json(target, missing):
    table = _table("weight,size,cover,kind\n2,,fur,a\n3,1,fur,b\n4,2,,a\n6,4,wool,b\n8,5,silk,a\n")
    table = table.take([1, 3, 4]) if missing == "refuse" else table
    kinds = {"size": "number", "cover": "category", "kind": "category", "weight": "number"}
    kinds[target] = "label" if target == "kind" else "number"
    encoder = TableEncoder.fit(table, target, kinds=kinds, missing=missing)
    back = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert back == encoder
    assert back.features(table) == encoder.features(table)


def test_the_decimal_comma_of_a_table_is_stored():
    table = Table("t.csv", {"a": ["1,5", "2"], "b": ["0,25", "1.234"]}, [2, 3])
    encoder = TableEncoder.fit(table, "b", kinds={"a": "number", "b": "number"})
    assert encoder.number.decimal == encoder.columns[0].decimal == ","
    back = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert back == encoder
    new = Table("t.csv", {"a": ["1.750"], "b": ["1.234"]}, [2])
    assert back.number.decode(back.labels(new)[0]) == pytest.approx(1234)
    assert back.columns[0].decode(back.features(new)[0][0]) == pytest.approx(1750)


test_kinds_that_cannot_be_are_refused = refusals([
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", kinds={"legs": "number"}), ValueError,
     "kinds must say whether the target 'kind' is number or label"),
    (lambda: TableEncoder.fit(_table(ANIMALS), [3]), TypeError, "target must be a text, got list"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", kinds={"leg": "number"}), TableError,
     "t.csv: no column 'leg'; did you mean 'legs'?"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", kinds={"legs": "label"}), ValueError,
     "unknown kind 'label': choose number, category"),
    (lambda: TableEncoder.fit(_table(ANIMALS), "kind", missing="drop"), ValueError,
     "unknown missing 'drop': choose refuse, mean, category"),
])  # fmt: skip


def test_the_dict_of_an_encoder_is_its_own():
    encoder = TableEncoder.fit(_table(ANIMALS), "kind")
    encoder.to_dict()["columns"][1]["categories"].append("wool")
    encoder.to_dict()["class_names"].clear()
    assert encoder == TableEncoder.fit(_table(ANIMALS), "kind")


DROPPED = object()
#: A path into a stored encoder with what is put there, and the sentence.
WRONG = [
    (("target", DROPPED), "encoder lacks the field 'target'"),
    (("extra", 1), "encoder has an unknown field 'extra'"),
    (("target", 5), "target must be text that is not empty, got int"),
    (("target", "legs"), "columns and target must be distinct, but 'legs' is there twice"),
    (("class_names", "ab"), "class_names must be a list of at least 2 entries, got 'ab'"),
    (("class_names", ["a"]), "class_names must be a list of at least 2 entries, got 1"),
    (("class_names", 1, "bird"), "class_names must be distinct, but 'bird' is there twice"),
    (("columns", {}), "columns must be a list of at least 1 entries, got dict"),
    (("columns", []), "columns must be a list of at least 1 entries, got 0"),
    (("columns", 0, 1), "columns[0] must be an object, got int"),
    (("columns", 0, "kind", DROPPED),
     "columns[0].kind must be 'numeric' or 'category', got NoneType"),
    (("columns", 0, "kind", "x" * 10_000_000),
     f"columns[0].kind must be 'numeric' or 'category', got '{'x' * 39}…'"),
    (("columns", 0, "mean", DROPPED), "columns[0] lacks the field 'mean'"),
    (("columns", 0, "missing", "drop"), "unknown columns[0].missing 'drop': choose mean, category"),
    (("columns", 0, "decimal", "."), "unknown columns[0].decimal '.': choose ,"),
    (("number", 5), "encoder has an unknown field 'class_names'"),
    (("columns", 0, "std", 1.0), "columns[0] has an unknown field 'std'"),
    (("columns", 0, "name", ""), "columns[0].name must be text that is not empty, got ''"),
    (("columns", 0, "mean", "1"), "columns[0].mean must be a finite number, got str '1'"),
    (("columns", 0, "deviation", 0), "columns[0].deviation must be a finite number > 0, got 0.0"),
    (("columns", 1, "categories", DROPPED), "columns[1] lacks the field 'categories'"),
    (("columns", 1, "mean", 0), "columns[1] has an unknown field 'mean'"),
    (("columns", 1, "categories", ["fur"]),
     "columns[1].categories must be a list of at least 2 entries, got 1"),
    (("columns", 1, "categories", 0, []),
     "columns[1].categories[0] must be text that is not empty, got list"),
    (("columns", 2, "name", "weight"),
     "columns and target must be distinct, but 'weight' is there twice"),
]  # fmt: skip


def _read_changed(*front, last, value):
    stored = TableEncoder.fit(_table(ANIMALS), "kind").to_dict()
    fields = reduce(getitem, front, stored)
    if value is DROPPED:
        del fields[last]
    else:
        fields[last] = value
    TableEncoder.from_dict(stored)


test_a_wrong_field_of_a_stored_encoder_is_named = refusals([
    (partial(_read_changed, *front, last=last, value=value), ValueError, text)
    for (*front, last, value), text in WRONG
])  # fmt: skip
test_a_stored_encoder_must_be_an_object = refusals([
    (lambda: TableEncoder.from_dict(None), ValueError, "encoder must be an object, got NoneType"),
    (lambda: TableEncoder.from_dict("{}"), ValueError, "encoder must be an object, got '{}'"),
])  # fmt: skip
