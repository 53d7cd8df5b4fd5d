"""The core decides and touches nothing. What import contracts cannot see, its syntax trees show."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src" / "tianji_core"
_CALLS = {
    "open": "take the text or bytes as an argument; whoever reads files is an adapter",
    "print": "return the text; whoever talks to people is the app",
    "input": "take the value as an argument",
    "datetime.now": "take `at: datetime` as an argument",
    "datetime.today": "take `at: datetime` as an argument",
    "datetime.utcnow": "take `at: datetime` as an argument",
    "date.today": "take the day as an argument",
    "uuid1": "take the identifier as an argument",
    "uuid4": "take the identifier as an argument",
    "uuid.uuid4": "take the identifier as an argument",
    "ZoneInfo": "take a `tzinfo` as an argument: reading zone files is IO",
    "zoneinfo.ZoneInfo": "take a `tzinfo` as an argument: reading zone files is IO",
    "__import__": "import at the top, or let the app discover",
    "eval": "decode the value",
    "exec": "write the code",
}
_IMPORTS = {"urllib.request": "the transport sends; the core makes an HttpRequest"}


def faults(source: str) -> list[str]:
    """Return what is impure in a module's text, each with its line and what to do instead."""
    return [f"line {line}: {what}" for line, what in _faults(ast.parse(source))]


def _faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) or (isinstance(node, ast.comprehension) and node.is_async):
            yield getattr(node, "lineno", 0), "waits; the core is synchronous, let the use case wait"
        elif isinstance(node, ast.AsyncFunctionDef) and not _is_bodyless(node):
            yield node.lineno, f"`async def {node.name}` has a body; only a port's protocol may declare one"
        elif isinstance(node, ast.Global):
            yield node.lineno, "changes a module's state; hold it in a machine that its driver owns"
        elif isinstance(node, ast.Call) and (called := _forbidden(_name(node.func))):
            yield node.lineno, f"calls {called}: {_CALLS[called]}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, f"imports {name}: {_IMPORTS[name]}") for name in names if name in _IMPORTS)
    yield from _mutated_containers(tree)


def _is_bodyless(node: ast.AsyncFunctionDef) -> bool:
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in node.body)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _forbidden(called: str) -> str | None:
    """Return the entry of the list that a call falls under; `datetime.datetime.now` is `datetime.now`, but `file.open` is not `open`."""
    return next((name for name in _CALLS if called == name or ("." in name and called.endswith(f".{name}"))), None)


_MUTATORS = {"append", "add", "update", "pop", "clear", "extend", "setdefault", "remove", "insert", "popitem", "discard"}


def _mutated_containers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield where a container of the module is changed from inside a function."""
    names = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    names |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        local = {name.id for name in ast.walk(function) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        local |= {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
        for node in ast.walk(function):
            owner = _changed(node)
            if isinstance(owner, ast.Name) and owner.id in names - local:
                yield owner.lineno, f"changes the module's `{owner.id}`; pass a value in and return a new one"


def _changed(node: ast.AST) -> ast.expr | None:
    """Return what a statement changes in place: `owner.append(…)`, `owner[key] = …`, `del owner[key]`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
        return node.func.value
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return node.value
    return None


@pytest.mark.parametrize("module", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_core_module_touches_nothing(module: Path) -> None:
    assert faults(module.read_text()) == []


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ("async def f():\n    return 1", "has a body"),
        ("async def f(x):\n    await x()", "waits"),
        ("def f():\n    global x\n    x = 1", "module's state"),
        ("def f():\n    return open('a')", "calls open"),
        ("import datetime\ndef f():\n    return datetime.now()", "calls datetime.now"),
        ("import datetime\ndef f():\n    return datetime.datetime.now()", "calls datetime.now"),
        ("def f(xs):\n    return (x async for x in xs)", "waits"),
        ("from zoneinfo import ZoneInfo\ndef f():\n    return ZoneInfo('UTC')", "take a `tzinfo`"),
        ("from urllib.request import urlopen", "imports urllib.request"),
        ("import urllib.request", "imports urllib.request"),
        ("SEEN = []\ndef f(x):\n    SEEN.append(x)", "`SEEN`"),
        ("SEEN = {}\ndef f(x):\n    SEEN[x] = 1", "`SEEN`"),
    ],
)
def test_planted_impurity_is_found(planted: str, word: str) -> None:
    assert any(word in fault for fault in faults(planted))


def test_there_is_a_core_to_look_at() -> None:
    assert len(list(CORE.rglob("*.py"))) > 100


def test_protocol_and_local_containers_are_fine() -> None:
    protocol = 'class P:\n    async def f(self) -> int:\n        """Say."""\n        ...\n'
    local = "def g():\n    seen = []\n    seen.append(1)\n    return seen\n"
    method = "def h(archive):\n    return archive.open()\n"
    assert faults(protocol + local + method) == []
