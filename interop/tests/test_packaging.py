"""pyproject.toml keeps up with the package: its data files, its command, what it imports."""

import ast
import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "interop" / "viaduct"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# What is imported is not always called as what is installed.
DISTRIBUTIONS = {"yaml": "pyyaml", "jinja2": "jinja2", "markupsafe": "jinja2"}


def test_every_data_file_is_packaged() -> None:
    packaged = {
        path
        for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in (ROOT / "interop" / package.replace(".", "/")).glob(pattern)
    }
    data = {
        path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert data and data <= packaged


def test_the_command_is_there() -> None:
    module, _, function = PROJECT["project"]["scripts"]["viaduct"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_import_is_a_dependency() -> None:
    words = (item.split(">")[0].lower() for item in PROJECT["project"]["dependencies"])
    known = set(words)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            for name in names:
                top = name.partition(".")[0]
                if top != "viaduct" and top not in sys.stdlib_module_names:
                    assert DISTRIBUTIONS.get(top, top) in known, f"{path}: {top}"
