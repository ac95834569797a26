from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from confounds.errors import MapError, OutcomesError
from confounds.ingest import read_outcomes
from confounds.ingest._map import read_map
from confounds.outcomes import Outcomes

WIDE = """name,size,shots,arc,mmlu,rank
small,1e8,zero,30.0,-100,9
large,1e10,five,62.5,45.0,1
"""
WIDE_MAP = """
missing = [-100]
[columns]
model = "name"
parameters = "size"
shots = "shots"
[constants]
family = "demo"
n = 200
[values.shots]
zero = 0
five = 5
[[scores]]
column = "arc"
metric = "accuracy"
task = "arc_easy"
multiply = 0.01
[[scores]]
column = "mmlu"
metric = "accuracy"
task = "mmlu"
n = 50
multiply = 0.01
"""
LONG = """Model,Task,Value,Items
small,a,0.25,40
large,a,0.75,40
"""
LONG_MAP = """
[columns]
model = "Model"
task = "Task"
score = "Value"
n = "Items"
[constants]
metric = "accuracy"
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_wide_leaderboard_loads_without_code(tmp_path):
    path = write(tmp_path / "board.csv", WIDE)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", WIDE_MAP))
    rows = outcomes.frame[["task", "model", "shots", "score", "n", "parameters", "source"]]
    assert rows.to_numpy().tolist() == [
        ["arc_easy", "small", 0, 0.3, 200, 1e8, "board.csv:2"],
        ["arc_easy", "large", 5, 0.625, 200, 1e10, "board.csv:3"],
        ["mmlu", "large", 5, 0.45, 50, 1e10, "board.csv:3"],
    ]
    kinds = {note.kind: note.count for note in outcomes.notes}
    assert kinds["missing_code"] == 1
    assert kinds["missing_scores"] == 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_long_table_loads_from_every_kind_of_file(tmp_path, suffix):
    import pandas as pd

    frame = pd.read_csv(write(tmp_path / "long.csv", LONG))
    path = tmp_path / f"table{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", LONG_MAP))
    assert outcomes.cells()[["model", "score", "n"]].to_numpy().tolist() == [
        ["large", 0.75, 40],
        ["small", 0.25, 40],
    ]


def test_declared_metric_is_usable(tmp_path):
    text = LONG.replace("0.25", "12.5").replace("0.75", "99")
    mapping = LONG_MAP.replace('"accuracy"', '"points"') + (
        '[metrics.points]\nkind = "linear"\nrange = [0, 100]\nhigher_is_better = true\n'
    )
    path = write(tmp_path / "long.csv", text)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", mapping))
    assert outcomes.measures["points"].upper == 100
    assert outcomes.measures["points"].likelihood == "gaussian"


def test_models_table_is_believed_over_the_file_and_its_absence_is_filled(tmp_path):
    path = write(tmp_path / "long.csv", LONG)
    models = write(
        tmp_path / "models.csv", "model,family,parameters,tokens\nsmall,f,1e8,2e9\nlarge,f,1e10,\n"
    )
    mapping = write(tmp_path / "map.toml", LONG_MAP)
    frame = read_outcomes(path, map=mapping, models=models).frame
    assert frame["parameters"].tolist() == [1e8, 1e10]
    assert frame["compute"].iloc[0] == 6 * 1e8 * 2e9
    assert np.isnan(frame["compute"].iloc[1])


def test_open_models_are_known_by_name(tmp_path):
    text = LONG.replace("small", "meta-llama/Llama-2-7b-hf").replace("large", "facebook/OPT-66B")
    path = write(tmp_path / "long.csv", text)
    frame = read_outcomes(path, map=write(tmp_path / "map.toml", LONG_MAP)).frame
    assert frame["family"].tolist() == ["llama-2", "opt"]
    assert frame["tokens"].tolist() == [2e12, 1.8e11]
    assert frame["tuning"].tolist() == ["base", "base"]


def test_tasks_table_fills_chance_majority_and_items(tmp_path):
    text = LONG.replace(",Items", "").replace(",40", "")
    mapping = LONG_MAP.replace('n = "Items"\n', "")
    tasks = write(tmp_path / "tasks.csv", "task,chance,majority,n\na,0.5,0.6,80\n")
    path = write(tmp_path / "long.csv", text)
    frame = read_outcomes(path, map=write(tmp_path / "m.toml", mapping), tasks=tasks).frame
    assert set(frame["chance"]) == {0.5}
    assert set(frame["chance_source"]) == {"declared"}
    assert set(frame["majority"]) == {0.6}
    assert set(frame["n"]) == {80}


def test_own_table_keeps_its_measures_and_notes(tmp_path):
    path = write(tmp_path / "long.csv", LONG)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", LONG_MAP))
    outcomes.write(tmp_path / "own.parquet")
    again = read_outcomes(tmp_path / "own.parquet")
    assert again.digest() == outcomes.digest()
    assert again.notes == outcomes.notes


def test_folder_of_own_tables_is_one_table(tmp_path):
    for number in (1, 2):
        write(
            tmp_path / f"{number}.csv",
            f"task,metric,model,score,n,family\na,accuracy,m{number},0.5,10,f\n",
        )
    write(tmp_path / "models.csv", "model,family\nm1,f\n")
    outcomes = read_outcomes(tmp_path)
    assert outcomes.models == ("m1", "m2")
    (unread,) = [note for note in outcomes.notes if note.kind == "unread_files"]
    assert unread.where == ("models.csv",)


def test_several_paths_are_one_table(tmp_path):
    paths = [
        write(
            tmp_path / f"{number}.csv",
            f"task,metric,model,score,n,family\na,accuracy,m{number},0.5,10,f\n",
        )
        for number in (1, 2)
    ]
    assert read_outcomes(paths).models == ("m1", "m2")


def test_large_table_is_averaged_while_it_is_read(tmp_path, monkeypatch):
    lines = [f"a,accuracy,m,{number % 2},1,{number},f" for number in range(50)]
    path = write(
        tmp_path / "items.csv", "task,metric,model,score,n,item,family\n" + "\n".join(lines)
    )
    whole = read_outcomes(path)
    monkeypatch.setattr("confounds.outcomes.streaming._MANY_BYTES", 10)
    streamed = read_outcomes(path)
    assert len(whole) == 50
    assert len(streamed) == 1
    assert streamed.cells().drop(columns="rows").equals(whole.cells().drop(columns="rows"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns]\nmodel = 3", r"\[columns\] model is 3; it must be the name of a column"),
        ("[columns]\nmodle = 'x'", r"\[columns\] unknown key 'modle'; allowed: task, metric"),
        ("[column]\nmodel = 'x'", "unknown key 'column'; allowed: missing, columns"),
        ("missing = -100", "missing is -100; it must be a list"),
        ("[[scores]]\ncolumn = 'a'", r"\[\[scores\]\] 1: 'metric' is None"),
        (
            "[[scores]]\ncolumn = 'a'\nmetric = 'm'\nmultiply = 0",
            r"\[\[scores\]\] 1: multiply is 0; it must be a number above 0",
        ),
        ("[metrics.m]\nrange = [0, 1]", r"\[metrics.m\] kind is None; allowed: linear"),
        (
            "[metrics.m]\nkind = 'linear'\nrange = [1, 0]",
            r"\[metrics.m\] range is \[1, 0\]; it must be \[lowest, highest\]",
        ),
        ("[constants]\nn = true", r"\[constants\] n is True"),
        ("[values.shots]\n0 = 1\n[values.x]\n0 = 1", r"\[values\] unknown key 'x'"),
        ("a = [", "not valid TOML"),
    ],
)
def test_wrong_map_says_what_is_wrong_and_what_is_allowed(tmp_path, text, message):
    with pytest.raises(MapError, match=message):
        read_map(write(tmp_path / "map.toml", text))


def test_map_that_names_an_absent_column_lists_those_there(tmp_path):
    path = write(tmp_path / "long.csv", LONG)
    mapping = write(tmp_path / "map.toml", LONG_MAP.replace('"Task"', '"task"'))
    message = r"\[columns\] task: long.csv has no column 'task'; it has: Model, Task, Value, Items"
    with pytest.raises(MapError, match=message):
        read_outcomes(path, map=mapping)


def test_map_that_names_no_model_lists_the_columns_that_are_there(tmp_path):
    path = write(tmp_path / "long.csv", LONG)
    mapping = write(tmp_path / "map.toml", LONG_MAP.replace('model = "Model"', ""))
    with pytest.raises(MapError) as caught:
        read_outcomes(path, map=mapping)
    assert str(caught.value) == (
        f"{mapping}: nothing gives 'model'; name its column under [columns], or its value under "
        "[constants]; long.csv has: Model, Task, Value, Items"
    )


@pytest.mark.parametrize(
    ("written", "product", "way_out"),
    [
        ("6250", "62.5", "Rescale it, or name the metric's range."),
        (
            "-999",
            "-9.99",
            "List -999 under 'missing' in map.toml if it stands for a missing",
        ),
    ],
)
def test_score_outside_the_range_is_told_as_the_file_has_it(tmp_path, written, product, way_out):
    path = write(tmp_path / "board.csv", WIDE.replace("62.5", written))
    with pytest.raises(OutcomesError) as caught:
        read_outcomes(path, map=write(tmp_path / "map.toml", WIDE_MAP))
    assert str(caught.value).startswith(
        f"{tmp_path / 'board.csv'}:3: column 'arc' is {written}, times 0.01 is {product}, which is "
        f"outside [0, 1] (1 score of accuracy in all). {way_out}"
    )


@pytest.mark.parametrize(("text", "mapping"), [(WIDE, WIDE_MAP), (LONG, LONG_MAP)])
def test_a_header_alone_names_the_file(tmp_path, text, mapping):
    path = write(tmp_path / "empty.csv", text.splitlines()[0] + "\n")
    with pytest.raises(OutcomesError, match=r"empty\.csv: no scores are there"):
        read_outcomes(path, map=write(tmp_path / "map.toml", mapping))


def test_score_that_is_no_number_names_its_line(tmp_path):
    path = write(tmp_path / "board.csv", WIDE.replace("62.5", "n/a"))
    with pytest.raises(MapError, match=r"board.csv:3: arc is 'n/a'; it must be a number"):
        read_outcomes(path, map=write(tmp_path / "map.toml", WIDE_MAP))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,parameters\nm,1\n", "column 'model' is missing"),
        ("model,size\nm,1\n", "unknown column 'size'; allowed: model, aliases, family"),
        ("model,parameters\nm,7B\n", r"models.csv:2: parameters is '7B'; it must be a number"),
        ("model,parameters\nm,nan\n", r"models.csv:2: parameters is 'nan'; it must be a number"),
        ("model,parameters\nm,0\n", r"models.csv:2: parameters is '0'; it must be a number above"),
        ("model,parameters\nm,1\nm,2\n", "model 'm' is in line 2 already"),
        ("model,parameters\n,1\n", "models.csv:2: 'model' is empty"),
    ],
)
def test_wrong_models_table_names_file_line_and_value(tmp_path, text, message):
    path = write(tmp_path / "long.csv", LONG)
    mapping = write(tmp_path / "map.toml", LONG_MAP)
    with pytest.raises(MapError, match=message):
        read_outcomes(path, map=mapping, models=write(tmp_path / "models.csv", text))


def test_percent_under_a_proportion_names_the_way_out(tmp_path):
    text = LONG.replace("0.75", "75")
    with pytest.raises(OutcomesError, match=r"long.csv:3: column '\w+' is 75, .*multiply = 0.01"):
        read_outcomes(
            write(tmp_path / "long.csv", text), map=write(tmp_path / "map.toml", LONG_MAP)
        )


def test_read_outcomes_takes_what_outcomes_writes(tmp_path):
    path = write(tmp_path / "long.csv", LONG)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", LONG_MAP))
    for suffix in (".csv", ".jsonl", ".parquet"):
        own = outcomes.write(tmp_path / f"own{suffix}")
        assert Outcomes.read(own).digest() == outcomes.digest()
        assert read_outcomes(own).digest() == outcomes.digest()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_metric_that_the_map_declares_is_kept_with_the_table(tmp_path, suffix):
    text = LONG_MAP.replace('"accuracy"', '"foo_metric"')
    text += "[metrics.foo_metric]\nkind = 'linear'\nrange = [0, 10]\n"
    path = write(tmp_path / "long.csv", LONG)
    outcomes = read_outcomes(path, map=write(tmp_path / "map.toml", text))
    again = read_outcomes(outcomes.write(tmp_path / f"own{suffix}"))
    assert again.measures["foo_metric"].upper == 10
    assert again.digest() == outcomes.digest()
