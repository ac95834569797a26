from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confounds.errors import NothingSelectedError, OutcomesError, UsageError
from confounds.measures import Measure
from confounds.outcomes import COLUMNS, Outcomes, stream

BASE = {"task": "a", "metric": "accuracy", "model": "m", "score": 0.5, "n": 10, "family": "f"}


def frame(**columns) -> pd.DataFrame:
    rows = max((len(one) for one in columns.values() if isinstance(one, list)), default=1)
    return pd.DataFrame({**BASE, **columns}, index=range(rows))


@st.composite
def tables(draw) -> pd.DataFrame:
    """Tables of averages and items with nulls in the condition columns."""
    row = st.fixed_dictionaries(
        {
            "task": st.sampled_from(["a", "b"]),
            "metric": st.sampled_from(["accuracy", "target_log_prob"]),
            "model": st.sampled_from(["small", "large", 'modèle, "3"']),
            "shots": st.sampled_from([None, 0, 5]),
            "prompt": st.sampled_from([None, "closed", "open"]),
            "seed": st.sampled_from([None, 1, 2]),
            "item": st.sampled_from([None, "i1", "i2", "i3"]),
            "parameters": st.sampled_from([None, 1e8, 3.5e10]),
            "share": st.floats(0, 1, allow_subnormal=False),
            "n": st.integers(1, 2**40),
            "chance": st.sampled_from([None, 0.25]),
        }
    )
    rows = draw(st.lists(row, min_size=1, max_size=30))
    table = pd.DataFrame(rows)
    by_item = table["metric"] == "accuracy"
    table["item"] = table["item"].where(by_item, None)
    table["item"] = table["item"].where(table["seed"].notna(), None)
    lonely = table["seed"].notna() & by_item & table["item"].isna()
    table.loc[lonely, "item"] = "i0"
    table.loc[table["item"].notna(), "n"] = 1
    linear = table["metric"] == "target_log_prob"
    table["score"] = table["share"].where(~linear, -9 * table["share"])
    table.loc[linear, "chance"] = None
    keys = ["task", "metric", "model", "shots", "prompt", "seed", "item", "parameters"]
    return table.drop(columns="share").drop_duplicates(keys).reset_index(drop=True)


class TestValidation:
    def test_every_column_is_there_in_order_with_numpy_types(self):
        table = Outcomes(frame()).frame
        assert tuple(table.columns) == tuple(column.name for column in COLUMNS)
        for column in COLUMNS:
            expected = {"text": object, "number": np.float64, "whole": np.float64}[column.kind]
            assert table[column.name].dtype == (np.int64 if column.name == "n" else expected)

    def test_unknown_is_null(self):
        table = Outcomes(frame(shots=[None], tuning=[""], parameters=[np.nan])).frame
        assert table["tuning"].iloc[0] is None
        assert table[["shots", "parameters"]].isna().all(axis=None)

    def test_arrow_strings_become_objects(self):
        given_frame = frame().astype({"task": "string[pyarrow]", "model": "string[pyarrow]"})
        assert Outcomes(given_frame).frame["task"].dtype == object

    def test_the_given_frame_is_left_alone_and_not_shared(self):
        given_frame = frame(score=[0.1, 0.2], seed=[1, 2])
        before = given_frame.copy()
        outcomes = Outcomes(given_frame)
        pd.testing.assert_frame_equal(given_frame, before)
        given_frame.loc[0, "score"] = 0.9
        assert outcomes.frame["score"].tolist() == [0.1, 0.2]

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            (
                {"n": [None]},
                (
                    "column 'n' in row 0 is empty or NaN; every row needs a number there (n can be "
                    "set in [[scores]] or [constants] of map.toml, or in tasks.csv)"
                ),
            ),
            (
                {"score": [None]},
                "column 'score' in row 0 is empty or NaN; every row needs a number there",
            ),
            ({"n": [0]}, "column 'n' in row 0 is 0; it must be a whole number of at least 1"),
            ({"n": [1.5]}, "column 'n' in row 0 is 1.5; it must be a whole number of at least 1"),
            ({"score": ["x"]}, "column 'score' in row 0 is 'x'; it must be a number"),
            ({"score": [np.inf]}, "column 'score' in row 0 is inf; it must be a finite number"),
            ({"task": [""]}, "column 'task' in row 0 is empty; every row needs a text there"),
            ({"model": [2.5]}, "column 'model' in row 0 is 2.5; it must be a text"),
            (
                {"parameters": [-1]},
                "column 'parameters' in row 0 is -1; it must be a finite number above 0",
            ),
            (
                {"tokens": ["7B"]},
                "column 'tokens' in row 0 is '7B'; it must be a number, or empty where unknown",
            ),
            (
                {"shots": [-1]},
                "column 'shots' in row 0 is -1; it must be a whole number of at least 0",
            ),
            (
                {"demonstrations": ["silver"]},
                (
                    "column 'demonstrations' in row 0 is 'silver'; allowed: none, gold, "
                    "shuffled, other_task, or empty where unknown"
                ),
            ),
            (
                {"item": ["i"], "n": [3]},
                "column 'n' in row 0 is 3; a row with an item has n = 1",
            ),
            (
                {"chance": [1.5]},
                (
                    "1 chance level is outside [0, 1]; the first is 1.5 in column 'chance' (row 0, "
                    "task 'a'). Rescale it (percent: multiply = 0.01 in [[scores]] of map.toml), "
                    "or name the metric's range."
                ),
            ),
        ],
    )
    def test_message_names_row_column_value_and_what_is_allowed(self, columns, message):
        with pytest.raises(OutcomesError) as caught:
            Outcomes(frame(**columns))
        assert str(caught.value) == message

    def test_message_names_file_and_line_where_known(self):
        with pytest.raises(OutcomesError, match=r"in a\.csv:3 is -1"):
            Outcomes(frame(shots=[0, -1], source=["a.csv:2", "a.csv:3"], seed=[1, 2]))

    def test_scores_outside_the_range(self):
        with pytest.raises(OutcomesError) as caught:
            Outcomes(frame(score=[0.5, 87.5, 90], seed=[1, 2, 3]))
        assert str(caught.value) == (
            "2 scores are outside [0, 1]; the first is 87.5 in column 'score' (row 1, task 'a'). "
            "Rescale it (percent: multiply = 0.01 in [[scores]] of map.toml), or name the "
            "metric's range."
        )

    def test_no_rows(self):
        with pytest.raises(OutcomesError, match="the table has no rows"):
            Outcomes(frame().iloc[:0])

    def test_undeclared_metric_can_be_declared(self):
        with pytest.raises(OutcomesError, match=r"unknown metric 'points' .*Declare it"):
            Outcomes(frame(metric=["points"]))
        measure = Measure("points", "linear", 0, 100)
        outcomes = Outcomes(frame(metric=["points"], score=[87.5]), measures={"points": measure})
        assert outcomes.measures == {"points": measure}

    def test_exact_repeats_are_kept_once_and_noted(self):
        outcomes = Outcomes(frame(score=[0.5, 0.5], source=["x:1", "x:2"]))
        assert len(outcomes) == 1
        (note,) = outcomes.notes
        assert (note.kind, note.count, note.where) == ("duplicate_rows", 1, ("x:2",))

    @pytest.mark.parametrize("column", ["score", "n", "chance"])
    def test_repeats_that_differ_are_an_error(self, column):
        values = {"score": [0.5, 0.6], "n": [10, 20], "chance": [0.1, 0.2]}[column]
        with pytest.raises(OutcomesError, match=f"row 1 has {column} .*row 0 has"):
            Outcomes(frame(**{column: values}))

    def test_an_average_beside_its_items_is_an_error(self):
        with pytest.raises(OutcomesError, match="row 1 is an average of a run whose items"):
            Outcomes(frame(item=["i", None], n=[1, 10]))

    def test_family_and_compute_are_filled_and_noted(self):
        outcomes = Outcomes(frame(family=[None], parameters=[1e9], tokens=[2e9]))
        assert outcomes.frame["family"].tolist() == ["m"]
        assert outcomes.frame["compute"].tolist() == [6 * 1e9 * 2e9]
        assert [note.kind for note in outcomes.notes] == ["unknown_family", "compute_estimated"]

    def test_known_compute_is_kept(self):
        outcomes = Outcomes(frame(parameters=[1e9], tokens=[2e9], compute=[1e20]))
        assert outcomes.frame["compute"].tolist() == [1e20]

    def test_columns_that_have_no_place_are_noted(self):
        (note,) = Outcomes(frame(temperature=[0.7])).notes
        assert (note.kind, note.where) == ("unused_columns", ("temperature",))


class TestSelect:
    @pytest.fixture
    def outcomes(self):
        return Outcomes(
            frame(
                task=["a", "a", "b"],
                model=["m1", "m2", "m2"],
                shots=[0, 5, None],
                prompt=["x", None, None],
            )
        )

    def test_by_value_list_and_unknown(self, outcomes):
        assert outcomes.select("a").models == ("m1", "m2")
        assert outcomes.select(model=["m2"], shots=5).tasks == ("a",)
        assert outcomes.select(prompt=None).tasks == ("a", "b")
        assert len(outcomes.select(shots=[0, None])) == 2

    def test_nothing_left_says_what_there_is(self, outcomes):
        with pytest.raises(NothingSelectedError, match="no rows with task = 'c'; there are: a, b"):
            outcomes.select("c")
        with pytest.raises(NothingSelectedError, match="no rows with shots = 5; there are: 0"):
            outcomes.select(model="m1", shots=5)

    def test_of_many_levels_the_nearest_is_named(self):
        table = Outcomes(frame(model=[f"size-{letter}" for letter in "abcdefgh"]))
        with pytest.raises(NothingSelectedError, match="and 3 more; the nearest is size-h"):
            table.select(model="siz-h")

    def test_no_such_column(self, outcomes):
        with pytest.raises(
            UsageError, match=r"no column 'shot'; there are: task.*nearest is shots"
        ):
            outcomes.select(shot=0)

    def test_measures_follow(self):
        both = Outcomes(frame(metric=["accuracy", "f1"]))
        assert list(both.select(metric="f1").measures) == ["f1"]


@settings(max_examples=25)
@given(tables(), st.randoms(use_true_random=False))
def test_row_order_does_not_matter_for_cells(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    cells = Outcomes(table).cells()
    shuffled = Outcomes(table.iloc[order]).cells()
    pd.testing.assert_frame_equal(cells, shuffled, rtol=1e-12)


@settings(max_examples=25)
@given(tables())
def test_aggregation_changes_no_cell(table):
    outcomes = Outcomes(table)
    aggregated = outcomes.aggregate()
    assert aggregated.frame["item"].isna().all()
    pd.testing.assert_frame_equal(
        aggregated.cells().drop(columns="rows"), outcomes.cells().drop(columns="rows"), rtol=1e-12
    )


@settings(max_examples=25)
@given(tables())
def test_selection_partitions_the_table(table):
    outcomes = Outcomes(table)
    assert sum(len(outcomes.select(task)) for task in outcomes.tasks) == len(outcomes)


@settings(max_examples=25)
@given(tables())
def test_digest_tells_content_apart(table):
    outcomes = Outcomes(table)
    assert outcomes.digest() == Outcomes(table.copy()).digest()
    changed = table.assign(score=table["score"] * 0.5)
    if (table["score"] != 0).any():
        assert Outcomes(changed).digest() != outcomes.digest()


@settings(max_examples=25)
@given(tables(), st.sampled_from([".parquet", ".csv", ".jsonl"]))
def test_writing_and_reading_changes_nothing(table, suffix):
    outcomes = Outcomes(table)
    with TemporaryDirectory() as folder:
        path = outcomes.write(Path(folder) / f"table{suffix}")
        again = Outcomes.read(path)
        left = {one.name for one in Path(folder).iterdir()}
        assert left - {f"{path.name}.meta.json"} == {path.name}
    pd.testing.assert_frame_equal(again.frame, outcomes.frame, rtol=0)
    assert again.digest() == outcomes.digest()
    assert again.notes == outcomes.notes


@settings(max_examples=25)
@given(tables(), st.sampled_from([".parquet", ".csv", ".jsonl"]))
def test_streaming_gives_the_same_cells(table, suffix):
    outcomes = Outcomes(table)
    with TemporaryDirectory() as folder:
        streamed = stream(outcomes.write(Path(folder) / f"table{suffix}"))
    pd.testing.assert_frame_equal(
        streamed.cells().drop(columns="rows"),
        outcomes.cells().drop(columns="rows"),
        rtol=1e-9,
        atol=1e-12,
    )
