"""What an item says of its exposure is what the book says; nothing is asked that is shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from confounds.ladder import items
from confounds.ladder.corpus import OUTSIDE, Recipe, count_addition, draw_facts
from confounds.ladder.shipped import Member
from confounds.ladder.studies import Crossing, write_studies
from confounds.study import Study


def member(family: str = "slim", seed: int = 0, **facts: object) -> Member:
    known = {
        "arm": None, "checkpoint": None, "parameters": 100, "steps": 9, "tokens": 900, "facts": {},
    }  # fmt: skip
    return Member(Path("weights"), family, 8, seed, **{**known, **facts})  # type: ignore[arg-type]


def test_facts_are_memorized_where_the_corpus_says_them() -> None:
    facts = draw_facts(Recipe())
    task = items.fact_task(facts, 5)
    doses = {fact.name: fact.dose for fact in facts}
    assert Counter(one.dose for one in task.questions) == dict.fromkeys((0, 1, 4, 16, 64), 5)
    for one in task.questions:
        assert one.dose == doses[one.prompt]
        assert one.exposure == ("memorized" if one.dose else "unseen")


def test_sums_are_seen_unseen_or_outside() -> None:
    shown = count_addition(Recipe())
    task = items.addition_task(shown, 10)
    kinds = Counter((one.exposure, one.distribution) for one in task.questions)
    assert set(kinds.values()) == {10}
    for one in task.questions:
        a, b = map(int, one.prompt.split("+"))
        assert one.dose == shown.get((a, b), 0)
        assert (one.exposure == "memorized") == ((a, b) in shown)
        assert (one.distribution == "out") == (a >= OUTSIDE)
        assert int(one.target) == a + b


def test_one_label_given_always_is_right_as_often_as_chance() -> None:
    task = items.map_task()
    assert len(set(Counter(one.target for one in task.questions).values())) == 1
    assert {one.target for one in task.demonstrations} == set(task.questions[0].choices)
    asked = {one.prompt for one in task.questions}
    assert not asked & {one.prompt for one in task.demonstrations}


def test_a_tag_changes_the_answer_and_nothing_else() -> None:
    plain, tagged = items.lookup_task(12), items.tagged_task(12)
    assert [one.prompt for one in plain.questions] == [one.prompt for one in tagged.questions]
    assert all(
        two.target == f"@{one.target}"
        for one, two in zip(plain.questions, tagged.questions, strict=True)
    )
    assert len({one.id for one in (*plain.questions, *plain.demonstrations)}) == 12 + 8


def test_studies_are_study_files(tmp_path: Path) -> None:
    members = (
        member(),
        member(seed=1),
        member("attention"),
        member("reader", steps=50),
        member("reciter", steps=57),
        member(arm="instruct"),
        member(arm="finetuned"),
        member(checkpoint=5, steps=5),
    )
    found = write_studies(tmp_path, Crossing(seeds=(0,)), members)
    studies = {study.name: study for study in map(Study.read, found)}
    assert {model.label for model in studies["lookup"].models} == {
        "slim-8-s0",
        "slim-8-s0-instruct",
    }
    apart = {
        "lookup-control": "attention-8-s0",
        "lookup-by-tokens": "reader-50-s0",
        "recital": "reciter-57-s0",
    }
    for name, alone in apart.items():
        assert {model.label for model in studies[name].models} == {alone}
    assert studies["lookup-by-tokens"].tasks[0].items.endswith("lookup.jsonl")
    assert studies["finetuned"].models[0].adaptation == "finetuned"
    assert studies["finetuned"].models[0].label == "slim-8-s0"
    assert studies["checkpoints-5"].models[0].checkpoint == 5
    assert all(
        study.resolve(task.items).is_file() for study in studies.values() for task in study.tasks
    )
    few = write_studies(tmp_path, Crossing(tuned=False, checkpoints=False), members[:2])
    assert {path.stem for path in few} == {"seen", "lookup", "tagged", "map", "sums"}


@pytest.mark.parametrize(
    ("name", "kinds"), [("lookup", {"none", "gold"}), ("map", {"none", "gold", "shuffled"})]
)
def test_with_no_examples_the_same_is_asked(tmp_path: Path, name: str, kinds: set[str]) -> None:
    write_studies(tmp_path, members=(member(),))
    conditions = Study.read(tmp_path / f"{name}.toml").conditions_crossed()
    assert 0 in {condition.shots for condition in conditions}
    assert {condition.demonstrations for condition in conditions} == kinds


def test_mirror_images_of_held_out_sums_were_shown_as_often_as_the_card_says():
    shown = count_addition(Recipe())
    seen = Counter()
    for question in items.addition_task(shown, 80).questions:
        a, b = map(int, question.prompt.split("+"))
        seen[question.exposure, question.distribution] += (b, a) in shown
    assert seen["unseen", "in"] == 60
    assert seen["unseen", "out"] == 61
