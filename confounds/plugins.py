"""Find an extension by name: the file name is the registry.

In the folders `metrics ingest curves rivals report probe engines` a file without a leading
underscore is an extension, named by its file, and exports one constant (`METRIC`, `FORMAT`,
`CURVE`, `RIVAL`, `SECTION`, `BACKEND`, `ENGINE`). Packages outside name theirs
`"package.module:OBJECT"`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import Any

from confounds.errors import UsageError

CONSTANTS = {
    "metrics": "METRIC",
    "curves": "CURVE",
    "rivals": "RIVAL",
    "ingest": "FORMAT",
    "probe": "BACKEND",
    "report": "SECTION",
    "engines": "ENGINE",
}


def names(folder: str) -> tuple[str, ...]:
    """Names of the extensions in one folder, in alphabetical order.

    Raises:
        UsageError: there is no such folder.
    """
    if folder not in CONSTANTS:
        msg = f"no extensions of kind '{folder}'; there are: {', '.join(CONSTANTS)}"
        raise UsageError(msg)
    found = (item.name for item in pkgutil.iter_modules([str(_place(folder))]))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def summaries(folder: str) -> dict[str, str]:
    """Extension -> first paragraph of its docstring, read from its source.

    No extension is imported, so that those are listed too whose dependencies are missing.

    Raises:
        UsageError: there is no such folder.
    """
    found = {}
    for name, tree in _trees(folder).items():
        paragraph = (ast.get_docstring(tree) or "").partition("\n\n")[0]
        found[name] = " ".join(paragraph.split())
    return found


def sentences(folder: str, attribute: str) -> dict[str, str]:
    """Extension -> a sentence that its class declares, such as the null of a rival.

    Read from the source, as `summaries` is; `{NAME}` in it stands for a constant of its module.
    An extension that declares no such sentence is left out.

    Raises:
        UsageError: there is no such folder.
    """
    found = {}
    for name, tree in _trees(folder).items():
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and _names(node, attribute):
                found[name] = _sentence(node.value, constants)
    return found


def _names(node: ast.Assign, attribute: str) -> bool:
    return any(isinstance(item, ast.Name) and item.id == attribute for item in node.targets)


def _sentence(value: ast.expr, constants: dict[str, Any]) -> str:
    """A literal sentence, with constants of its module filled in."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.JoinedStr):
        return "".join(_sentence(part, constants) for part in value.values)
    if isinstance(value, ast.FormattedValue):
        return _sentence(value.value, constants)
    if isinstance(value, ast.Name) and value.id in constants:
        return str(constants[value.id])
    return ast.unparse(value)


def _trees(folder: str) -> dict[str, ast.Module]:
    """Extension -> its parsed source."""
    place = _place(folder)
    found = {}
    for name in names(folder):
        files = (place / f"{name}.py", place / name / "__init__.py")
        source = next(path for path in files if path.exists()).read_text(encoding="utf-8")
        found[name] = ast.parse(source)
    return found


def load(folder: str, name: str) -> Any:
    """The extension `name` of one folder, or the object at `"package.module:OBJECT"`.

    Raises:
        UsageError: there is none; the message lists those that exist.
    """
    if ":" in name:
        return _load_outside(folder, name)
    known = names(folder)
    if name not in known:
        msg = f"no {folder} extension '{name}'; there are: {', '.join(known)}"
        raise UsageError(msg)
    return _load_inside(folder, name)


def load_all(folder: str) -> dict[str, Any]:
    """Every extension of one folder, name -> object."""
    return {name: _load_inside(folder, name) for name in names(folder)}


def _load_inside(folder: str, name: str) -> Any:
    module = importlib.import_module(f"confounds.{folder}.{name}")
    return getattr(module, CONSTANTS[folder])


def _place(folder: str) -> Path:
    """Where a folder of extensions lies; looked up beside this file, so nothing is imported."""
    return Path(__file__).parent / folder


def _load_outside(folder: str, name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        msg = f"no {folder} extension at '{name}' ({error}); {_way_out(module_name, error)}"
        raise UsageError(msg) from error


def _way_out(module_name: str, error: Exception) -> str:
    """What to do about a name that leads to nothing.

    The current folder is not searched by itself: a study from elsewhere may name any module.
    """
    top = module_name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not top:
        return "write it as package.module:OBJECT"
    if error.name == top:
        return (
            "a module is found where it is installed, and in the folders that PYTHONPATH names; "
            "for one in the current folder: PYTHONPATH=. confounds ..."
        )
    if f"{module_name}.".startswith(f"{error.name}."):
        return "write it as package.module:OBJECT"
    return f"install what '{module_name}' imports"
