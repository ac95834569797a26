"""Which model does a name mean, and whose? Hub ids, names alone, paths on somebody's disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from confounds.ingest._reading import first_places
from confounds.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confounds.ingest._facts import ModelFacts

_DISK = ("/", "./", "../", "~")
_REVISION = re.compile(r"(?:@|,\s*revision=)(?P<revision>[^,@/]+)$")


def is_path(name: str) -> bool:
    """Is it on somebody's disk? `runs/gpt2` may be a hub id, and is taken for one."""
    return name.startswith(_DISK) or "\\" in name


def model_key(name: str) -> str:
    """A name without organisation and case: of `EleutherAI/Pythia-70M` it is `pythia-70m`.

    Blanks are written as hub ids write them: `Llama 2 70B` is `llama-2-70b`.
    """
    return "-".join(name.rstrip("/ ").rsplit("/", 1)[-1].lower().split())


def organisation(name: str) -> str | None:
    """Whose the model is, as a hub id says; a name alone and a path say nothing of it.

    >>> organisation("EleutherAI/pythia-70m"), organisation("gpt2"), organisation("/data/gpt2")
    ('eleutherai', None, None)
    """
    parts = name.strip().rstrip("/").lower().split("/")
    return None if is_path(name.strip()) or len(parts) == 1 else parts[-2]


def split_revision(name: str) -> tuple[str, str | None]:
    """A name and the revision that it ends with, as in `org/model@step1000`.

    >>> split_revision("EleutherAI/pythia-70m@step1000"), split_revision("gpt2,revision=main")
    (('EleutherAI/pythia-70m', 'step1000'), ('gpt2', 'main'))
    """
    found = _REVISION.search(name)
    return (name, None) if found is None else (name[: found.start()], found["revision"].strip())


def by_name_alone(name: str, facts: ModelFacts) -> bool:
    """Is the organisation in a name none that is known to have the model?

    Then it is a copy, perhaps, or a model of somebody's own that is called the same.
    """
    given = organisation(name)
    return given is not None and given not in map(organisation, (facts.model, *facts.aliases))


def by_name_finding(filled: Mapping[str, ModelFacts]) -> tuple[Finding, ...]:
    """Say which models have the figures of another organisation's.

    Args:
        filled: name in the results -> the published model whose figures it was given.
    """
    pairs = filled.items()
    places = [f"{name} (as {one.model})" for name, one in pairs if by_name_alone(name, one)]
    if not places:
        return ()
    message = (
        "Models have the figures of a published one with the same name from another organisation: "
        "a guess, right for a copy; a models table is believed over it"
    )
    return (Finding("matched_by_name", message, len(places), first_places(places)),)
