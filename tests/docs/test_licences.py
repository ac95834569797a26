"""No package that is installed has an unknown licence, or one whose terms would reach this one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from licences import (
    PERMISSIVE,
    TOOLS_ONLY,
    WEAK,
    allowed,
    installed,
    licence_of,
    of_gpu_build,
    page,
    runtime,
)

EXTRAS = ("report", "probe", "ray", "slurm")


def test_what_users_install_is_permissive_or_weak_by_file():
    found = runtime(EXTRAS)
    assert {"numpy", "pandas", "duckdb", "pydantic-core"} <= set(found)
    refused = {
        one.name: one.licence
        for one in found.values()
        if not (allowed(one.licence, PERMISSIVE | WEAK) or of_gpu_build(one.name))
    }
    assert refused == {}


def test_what_tests_and_documentation_use_is_known():
    everything = PERMISSIVE | WEAK | TOOLS_ONLY
    refused = {
        one.name: one.licence
        for one in installed().values()
        if not (allowed(one.licence, everything) or of_gpu_build(one.name))
    }
    assert refused == {}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", True),
        ("Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("AGPL-3.0-or-later", False),
        ("unheard of", False),
        (None, False),
    ],
)
def test_an_expression_is_allowed_if_each_part_can_be_met(expression, expected):
    assert allowed(expression, PERMISSIVE) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nvidia-cublas", True), ("cuda_toolkit", True), ("torch", False), ("triton", False)],
)
def test_what_torch_brings_for_a_gpu_is_told_apart(name, expected):
    assert of_gpu_build(name) is expected


class Metadata(dict):
    def get_all(self, name):
        return self.get(name)


@pytest.mark.parametrize(
    ("metadata", "text", "expected"),
    [
        ({"License-Expression": "MIT AND Zlib"}, "", "MIT AND Zlib"),
        ({"Classifier": ["License :: OSI Approved :: BSD License"]}, "", "BSD-3-Clause"),
        ({"License": "GPLv3"}, "", "GPL"),
        ({"License": "UNKNOWN"}, "GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL"),
        ({}, "Permission is hereby granted, free of charge, to any person", "MIT"),
        ({}, "All rights reserved.", None),
    ],
)
def test_a_licence_is_read_where_it_is_said(metadata, text, expected):
    file = SimpleNamespace(name="LICENSE", read_text=lambda: text)
    package = SimpleNamespace(metadata=Metadata(metadata), files=[file])
    assert licence_of(package) == expected


def test_the_page_lists_what_is_installed():
    assert "| numpy | " in page()
