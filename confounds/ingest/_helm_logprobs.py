"""What a run of HELM keeps of the log-probabilities of choices (`scenario_state.json`).

Schema: stanford-crfm/helm at 63754d0, `src/helm/benchmark/adaptation/request_state.py`
(`RequestState`), `common/request.py` (`GeneratedOutput`, `Token`; `top_logprobs` up to v0.4) and
`metrics/basic_metrics.py` (`BasicReferenceMetric`, whose rule gives the accuracy that is checked).
A choice that was asked separately is the end of its prompt; HELM compares per token, or against
the same choice without the question. A choice that was asked by letter is known where the most
probable tokens in its place name every letter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from confounds.ingest._json import listing, load, mapping, number, text, whole
from confounds.ingest._rescoring import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_STATE = "scenario_state.json"
_CORRECT = "correct"
_CALIBRATED = "multiple_choice_separate_calibrated"


@dataclass(slots=True)
class _Choices:
    """The choices of one item and draw, as its requests tell them: place -> (sum, tokens)."""

    count: int
    gold: tuple[int, ...]
    asked: dict[int, tuple[float, int]] = field(default_factory=dict)
    unasked: dict[int, tuple[float, int]] = field(default_factory=dict)
    letters: tuple[float, ...] = ()


def read_log_probs(
    folder: Path, method: str, accuracies: Mapping[tuple[str, int], float]
) -> dict[tuple[str, int], Kept]:
    """Item and draw of demonstrations -> what is kept of its choices.

    Args:
        folder: of the run.
        method: how choices were asked (`adapter_spec.method`).
        accuracies: item and draw -> `exact_match`, as logged.

    Raises:
        FormatError: the file cannot be read.
    """
    if not (folder / _STATE).is_file():
        return {}
    choices: dict[tuple[str, int], _Choices] = {}
    for state in map(mapping, listing(mapping(load(folder / _STATE)).get("request_states"))):
        instance = mapping(state.get("instance"))
        if instance.get("perturbation") is None:
            key = (str(instance.get("id")), whole(state.get("train_trial_index")) or 0)
            _add(choices, key, state, [mapping(one) for one in listing(instance.get("references"))])
    found = {}
    for key, one in choices.items():
        kept = _kept(one, method, accuracies.get(key))
        if kept is not None:
            found[key] = kept
    return found


def _add(
    choices: dict[tuple[str, int], _Choices],
    key: tuple[str, int],
    state: Mapping[str, Any],
    references: list[Mapping[str, Any]],
) -> None:
    gold = tuple(i for i, one in enumerate(references) if _CORRECT in listing(one.get("tags")))
    here = choices.setdefault(key, _Choices(len(references), gold))
    completions = listing(mapping(state.get("result")).get("completions"))
    tokens = [mapping(one) for one in listing(mapping(next(iter(completions), None)).get("tokens"))]
    place = whole(state.get("reference_index"))
    if place is None:
        here.letters = _letters(tokens, mapping(state.get("output_mapping")), references)
    elif place < len(references):
        end = _end(tokens, _said(references[place]))
        asked = here.unasked if state.get("request_mode") == "calibration" else here.asked
        if end is not None:
            asked[place] = end


def _said(reference: Mapping[str, Any]) -> str:
    return str(mapping(reference.get("output")).get("text", "")).strip()


def _end(tokens: list[Mapping[str, Any]], said: str) -> tuple[float, int] | None:
    """Summed log-probability and number of the last tokens, which say the choice."""
    total, heard = 0.0, ""
    for count, token in enumerate(reversed(tokens), 1):
        log_prob = number(token.get("logprob"))
        if log_prob is None:
            return None
        total += log_prob
        heard = str(token.get("text")).replace("\u2581", " ") + heard
        if heard.strip() == said:
            return total, count
        if len(heard.strip()) > len(said):
            return None
    return None


def _letters(
    tokens: list[Mapping[str, Any]], letters: Mapping[str, Any], references: list[Mapping[str, Any]]
) -> tuple[float, ...]:
    """Log-probability of each choice's letter; empty where one is not among the top tokens."""
    first = next((one for one in tokens if text(one.get("text"))), None)
    if first is None:
        return ()
    top: dict[str, float] = {}
    for said, value in mapping(first.get("top_logprobs")).items():
        log_prob = number(value)
        if log_prob is not None:
            top[said.strip()] = float(np.logaddexp(top.get(said.strip(), -np.inf), log_prob))
    of = {str(said).strip(): letter.strip() for letter, said in letters.items()}
    found = [top.get(of.get(_said(one), "")) for one in references]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(references) else ()


def _kept(one: _Choices, method: str, logged: float | None) -> Kept | None:
    if logged is None or one.count < 2 or not one.gold:
        return None
    if one.letters:
        log_prob = deciding = np.array(one.letters)
    else:
        if len(one.asked) < one.count or (method == _CALIBRATED and len(one.unasked) < one.count):
            return None
        log_prob = np.array([one.asked[place][0] for place in range(one.count)])
        if method == _CALIBRATED:
            deciding = log_prob - [one.unasked[place][0] for place in range(one.count)]
        else:
            deciding = log_prob / [one.asked[place][1] for place in range(one.count)]
    best = np.flatnonzero(deciding == deciding.max())
    return Kept(log_prob, one.gold, len(set(best) & set(one.gold)) / len(best), logged)
