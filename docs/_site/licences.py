"""The licences of what is installed with the package, read from the packages' own metadata.

A licence is an SPDX expression where a package gives one, else the name of its classifier, else
what the text of its licence says. What is none of the known ones is unknown, and the tests fail on
it, as on a licence whose terms would reach this package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, distributions
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution

PACKAGE = "emergence-confounds"
PERMISSIVE = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0"),
        *("CNRI-Python", "ISC", "MIT", "PSF-2.0", "Unlicense", "Zlib"),
    }
)
WEAK = frozenset({"MPL-2.0"})
"""Copyleft by file: a package that imports the files unchanged is free in its own licence."""
TOOLS_ONLY = frozenset({"LGPL-2.1-or-later", "Artistic-1.0"})
"""For what only tests and documentation use, which nobody gets with this package."""
PHRASES = (
    (r"lesser general public|\blgpl", "LGPL-2.1-or-later"),
    (r"artistic", "Artistic-1.0"),
    (r"affero|\bagpl", "AGPL"),
    (r"general public|\bgpl", "GPL"),
    (r"mozilla|\bmpl", "MPL-2.0"),
    (r"apache", "Apache-2.0"),
    (r"python software foundation|\bpsf", "PSF-2.0"),
    (r"2-clause bsd|bsd 2-clause|bsd-2-clause", "BSD-2-Clause"),
    (r"\bbsd|redistribution and use in source and binary forms", "BSD-3-Clause"),
    (r"\bisc\b", "ISC"),
    (r"\bmit\b|permission is hereby granted, free of charge", "MIT"),
)
OPENING = 4000


@dataclass(frozen=True)
class Licensed:
    """One package.

    Attributes:
        name: as its metadata say.
        version: installed here.
        licence: SPDX expression; None where nothing is known.
    """

    name: str
    version: str
    licence: str | None


def licence_of(package: Distribution) -> str | None:
    """The licence of a package as an SPDX expression, None where nothing says it."""
    given = package.metadata.get("License-Expression")
    if given:
        return str(given)
    classifiers = package.metadata.get_all("Classifier") or []
    named = [text.rpartition("::")[2] for text in classifiers if text.startswith("License ::")]
    written = str(package.metadata.get("License") or "")
    for words in (named, [written[:OPENING]], _files(package)):
        found = list(dict.fromkeys(name for text in words for name in _named(text)))
        if found:
            return " OR ".join(found)
    return None


def _named(text: str) -> list[str]:
    """The licence that a few words name; the first phrase that fits, or an expression as it is."""
    parts = _parts(text)
    if parts and all(part in PERMISSIVE | WEAK | TOOLS_ONLY for part in parts):
        return [text]
    return next(([name] for pattern, name in PHRASES if re.search(pattern, text.lower())), [])


def _files(package: Distribution) -> list[str]:
    """The openings of the licence files that a package brings."""
    files = [file for file in package.files or [] if file.name.upper().startswith("LICEN")]
    return [file.read_text()[:OPENING] for file in files[:1]]


def _parts(expression: str) -> list[str]:
    """The licences in an SPDX expression; an exception only allows more, and is left out."""
    plain = re.sub(r" WITH [\w.-]+", "", expression.replace("(", "").replace(")", ""))
    return [part.strip() for part in re.split(r" AND | OR ", plain) if part.strip()]


def allowed(expression: str | None, names: Iterable[str]) -> bool:
    """Whether licences of a set can meet an expression: one of each `OR`, all of each `AND`."""
    if expression is None:
        return False
    known = set(names)
    return all(
        any(part in known for part in _parts(choice)) for choice in expression.split(" AND ")
    )


def of_gpu_build(name: str) -> bool:
    """Whether a package is one of NVIDIA's that torch from PyPI brings along on Linux."""
    return canonicalize_name(name).startswith(("nvidia-", "cuda-"))


def runtime(extras: Iterable[str]) -> dict[str, Licensed]:
    """What installing the package with some extras brings, as far as it is installed here."""
    found: dict[str, Licensed] = {}
    waiting = [f"{PACKAGE}[{','.join(extras)}]"]
    seen: set[str] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        key = f"{canonicalize_name(wanted.name)}{sorted(wanted.extras)}"
        if key in seen:
            continue
        seen.add(key)
        try:
            package = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        found[canonicalize_name(wanted.name)] = _licensed(package)
        waiting += _needs(package, wanted.extras)
    found.pop(PACKAGE, None)
    return found


def _needs(package: Distribution, extras: set[str]) -> list[str]:
    """The requirements of a package that hold here."""
    held = []
    for text in package.requires or []:
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in ("", *extras)):
            held.append(f"{one.name}[{','.join(sorted(one.extras))}]")
    return held


def _licensed(package: Distribution) -> Licensed:
    return Licensed(package.name, package.version, licence_of(package))


def installed() -> dict[str, Licensed]:
    """Every package of this environment but this one."""
    found = {canonicalize_name(one.name): _licensed(one) for one in distributions()}
    found.pop(PACKAGE, None)
    return found


def page() -> str:
    """The page on licences."""
    mine = runtime(("report", "probe"))
    tools = {key: one for key, one in installed().items() if key not in mine}
    return "\n".join(
        [
            "# Licences",
            "",
            "confounds is under the Apache License 2.0. These are the licences that the packages",
            "it needs state for themselves, at the versions that the tests run on. The tests fail",
            "on one that is unknown, or whose terms would reach this package.",
            "",
            f"## Installed with it ({len(mine)})",
            "",
            "The core, `[report]` and `[probe]`, with all that these need. On Linux, torch from",
            "PyPI brings NVIDIA's libraries for CUDA too, under NVIDIA's own licence; torch's",
            "build for the CPU does not.",
            "",
            _table(mine),
            "",
            f"## Used by tests and documentation only ({len(tools)})",
            "",
            _table(tools),
            "",
            "`make sbom` writes the same as a CycloneDX document.",
            "",
        ]
    )


def _table(packages: dict[str, Licensed]) -> str:
    rows = [
        f"| {one.name} | {one.version} | {one.licence} |" for _, one in sorted(packages.items())
    ]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows])
