"""A model folder, looked at before anything is loaded."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path

from confounds.errors import StudyError
from confounds.study import ModelSpec

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
_TOKENIZER = (*_TOKENIZER_FILES, "tokenizer_config.json", "chat_template.jinja")
_SMALL = ("config.json", "generation_config.json", *_TOKENIZER)
_SAMPLE = 1 << 20
_LARGEST_HEADER = 100_000_000
"""Bytes; safetensors itself reads no more."""


def locate(model: ModelSpec, base: Path | None) -> Path | None:
    """The model's folder, or None where `path` can only be a hub id.

    Raises:
        StudyError: `path` is neither a folder nor in the form of a hub id.
    """
    return locate_named(model.path, f"model '{model.label}': path", base)


def locate_named(name: str, what: str, base: Path | None) -> Path | None:
    """The folder `name`, or None where it can only be a hub id.

    Args:
        name: as in the study.
        what: what it is the name of, for the message.
        base: where relative paths of the study start.

    Raises:
        StudyError: it is neither a folder nor in the form of a hub id.
    """
    folder = (base or Path()) / name
    if folder.is_dir():
        return folder.resolve()
    parts = Path(name).parts
    hub_id = len(parts) in (1, 2) and not name.startswith((".", "/", "~"))
    if not hub_id or (base or Path(), parts[0]) in _existing(base, parts[0]):
        msg = f"{what} '{name}' is not a folder ({folder.resolve()})"
        raise StudyError(msg)
    return None


def check(model: ModelSpec, base: Path | None) -> None:
    """See that configuration, weights and tokenizer are there.

    Raises:
        StudyError: one is missing; the message says which, and what is looked for.
    """
    folder = locate(model, base)
    if folder is None:
        _check_hub(model)
        return
    if not (folder / "config.json").is_file():
        msg = f"model '{model.label}': '{folder}' has no config.json"
        raise StudyError(msg)
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        msg = (
            f"model '{model.label}': '{folder}' has no tokenizer; one of "
            f"{', '.join(_TOKENIZER_FILES)} is needed"
        )
        raise StudyError(msg)
    if not list(folder.glob("*.safetensors")):
        msg = (
            f"model '{model.label}': '{folder}' has no *.safetensors; other weights are not "
            f"read, since unpickling them runs code"
        )
        raise StudyError(msg)


def fingerprint(model: ModelSpec, base: Path | None) -> str:
    """SHA-256 over small files in full, and size, first and last MiB of the weights."""
    folder = locate(model, base)
    if folder is None:
        return f"hub:{model.path}@{model.revision or 'main'}"
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name in _SMALL:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        elif path.suffix == ".safetensors":
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + _ends(path))
    return digest.hexdigest()


def fingerprint_tokenizer(name: str, base: Path | None) -> str:
    """SHA-256 over the files of a tokenizer, or its hub id."""
    folder = locate_named(name, "tokenizer", base)
    if folder is None:
        return f"hub:{name}"
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name in _TOKENIZER:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def count_parameters(model: ModelSpec, base: Path | None) -> float:
    """Numbers in the weights, from the headers of their files; 0 where there is no folder.

    Raises:
        StudyError: a file has no header of safetensors.
    """
    folder = locate(model, base)
    paths = [] if folder is None else sorted(folder.glob("*.safetensors"))
    return float(sum(map(_count_numbers, paths)))


def _count_numbers(path: Path) -> int:
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, _LARGEST_HEADER)))
        shapes = [one["shape"] for name, one in header.items() if name != "__metadata__"]
        return sum(math.prod(shape) for shape in shapes)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        msg = (
            f"'{path}' is no file of weights in safetensors ({type(error).__name__} in its header)"
        )
        raise StudyError(msg) from error


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        first = file.read(_SAMPLE)
        file.seek(max(0, path.stat().st_size - _SAMPLE), os.SEEK_SET)
        return first + file.read(_SAMPLE)


def _existing(base: Path | None, name: str) -> set[tuple[Path, str]]:
    """A first part that exists beside the study means a folder, not an owner on the hub."""
    root = base or Path()
    return {(root, name)} if (root / name).is_dir() else set()


def _check_hub(model: ModelSpec) -> None:
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - only where a hub id is named

    try:
        hf_hub_download(model.path, "config.json", revision=model.revision)
    except Exception as error:
        msg = (
            f"model '{model.label}': path '{model.path}' is neither a folder beside the study "
            f"nor a model that the hub gives ({type(error).__name__})"
        )
        raise StudyError(msg) from error
