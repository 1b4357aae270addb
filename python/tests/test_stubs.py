"""What type checkers are told of the native module is what it has."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from databricks.labs.community_connector import _native

Function = ast.FunctionDef
STUBS = ast.parse(Path(_native.__file__).with_name("_native.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUBS.body if isinstance(node, Function)}
#: The classes that the module has; dictionaries with known keys are in the stubs alone.
CLASSES = {
    node.name: {entry.name: entry for entry in node.body if isinstance(entry, Function)}
    for node in STUBS.body
    if isinstance(node, ast.ClassDef) and not any(ast.unparse(base) == "TypedDict" for base in node.bases)
}
#: Methods of Python's own protocols, which stubs inherit or need not have.
PROTOCOL = {"__iter__", "__reduce__", "__repr__", "__new__", "__doc__", "__module__"}


def parameters(function: Function) -> list[tuple]:
    """Names, kinds and defaults, as the stubs have them."""
    given = function.args
    plain = given.posonlyargs + given.args
    gap = [None] * (len(plain) - len(given.defaults))
    pairs = [(argument.arg, False, default) for argument, default in zip(plain, gap + given.defaults, strict=True)]
    pairs += [
        (argument.arg, True, default) for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return [(name, is_keyword, default and ast.literal_eval(default)) for name, is_keyword, default in pairs]


def real_parameters(function: object) -> list[tuple]:
    """Names, kinds and defaults, as the module has them; no default is the same as `None`."""
    return [
        (name, one.kind is one.KEYWORD_ONLY, None if one.default is one.empty else one.default)
        for name, one in inspect.signature(function).parameters.items()
    ]


def public(names: object) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_stubs_have_the_names_of_the_module():
    assert public(vars(_native)) == FUNCTIONS.keys() | CLASSES.keys()
    for name, methods in CLASSES.items():
        own = {method for method in vars(getattr(_native, name)) if method not in PROTOCOL}
        assert own == methods.keys() - {"__init__"}, name
    assert _native.__version__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_parameters_of_the_stubs(name):
    function = getattr(_native, name)
    assert real_parameters(function) == parameters(FUNCTIONS[name])
    assert function.__doc__ and ast.get_docstring(FUNCTIONS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_methods_have_the_parameters_of_the_stubs(name):
    cls = getattr(_native, name)
    assert cls.__doc__
    for method, stub in CLASSES[name].items():
        assert ast.get_docstring(stub), method
        decorators = {ast.unparse(decorator) for decorator in stub.decorator_list}
        if method == "__init__":
            assert real_parameters(cls) == parameters(stub)[1:]
            continue
        real = getattr(cls, method)
        assert real.__doc__, method
        if "property" in decorators:
            assert inspect.isgetsetdescriptor(real), method
        else:
            assert real_parameters(real) == parameters(stub), method
