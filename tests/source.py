"""The integration's own files, for the tests that hold texts and rules against them."""

import ast
from functools import cache
from importlib import import_module
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import custom_components.solar_cloud as integration
from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parents[1]
COMPONENT = ROOT / "custom_components/solar_cloud"

type Function = ast.FunctionDef | ast.AsyncFunctionDef


def load_json(name: str) -> dict[str, Any]:
    """Return a JSON file of the integration."""
    found: dict[str, Any] = json.loads((COMPONENT / name).read_text())
    return found


def load_yaml(name: str) -> dict[str, Any]:
    """Return a YAML file of the integration."""
    return load_yaml_dict(str(COMPONENT / name))


@cache
def trees() -> dict[str, ast.Module]:
    """Return all modules, parsed, by their path."""
    return {
        path.relative_to(COMPONENT).as_posix(): ast.parse(path.read_text())
        for path in sorted(COMPONENT.rglob("*.py"))
    }


@cache
def modules() -> dict[str, ModuleType]:
    """Return all modules, imported, by their path."""
    found = {}
    for path in trees():
        name = path.removesuffix(".py").removesuffix("__init__").strip("/")
        dotted = ".".join((integration.__name__, *name.split("/"))).rstrip(".")
        found[path] = import_module(dotted)
    return found


@cache
def _functions() -> tuple[tuple[str, Function], ...]:
    return tuple(
        (path, node)
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def functions(name: str | None = None, path: str | None = None) -> list[Function]:
    """Return the functions of a name, in one module or in all."""
    return [
        node
        for where, node in _functions()
        if path in (None, where) and name in (None, node.name)
    ]


@cache
def calls_of(name: str) -> tuple[ast.Call, ...]:
    """Return all calls of a function or method of a name."""
    return tuple(call for tree in trees().values() for call in calls(tree, name))


@cache
def calls(node: ast.AST, name: str | None = None) -> tuple[ast.Call, ...]:
    """Return the calls of a function or method of a name below a node."""
    if name is None:
        return tuple(row for row in ast.walk(node) if isinstance(row, ast.Call))
    return tuple(row for row in calls(node) if called(row) == name)


@cache
def text_of(path: str) -> str:
    """Return a module as Python writes it, without comments."""
    return ast.unparse(trees()[path])


def called(call: ast.Call) -> str:
    """Return the name of what is called, without what it is an attribute of."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return what is given for a keyword."""
    return next((row.value for row in call.keywords if row.arg == name), None)


@cache
def constants() -> dict[str, frozenset[str]]:
    """Return the texts that constants of any module have, by name."""
    found: dict[str, set[str]] = {}
    for tree in trees().values():
        for node in tree.body:
            match node:
                case (
                    ast.Assign(
                        targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))
                    )
                    | ast.AnnAssign(
                        target=ast.Name(id=name), value=ast.Constant(value=str(text))
                    )
                ):
                    found.setdefault(name, set()).add(text)
    return {name: frozenset(texts) for name, texts in found.items()}


def reached_from(function: Function) -> list[Function]:
    """Return the functions that a function calls, directly or by others, by their names."""
    everything: dict[str, list[Function]] = {}
    for row in functions():
        everything.setdefault(row.name, []).append(row)
    found: dict[str, list[Function]] = {}
    waiting = [function]
    while waiting:
        for call in calls(waiting.pop()):
            names = {called(call)}
            names |= {arg.id for arg in call.args if isinstance(arg, ast.Name)}
            for name in names & everything.keys() - found.keys():
                found[name] = everything[name]
                waiting += everything[name]
    return [row for rows in found.values() for row in rows]
