"""Keeps the dependency arrows of the design: which folder may use which, and no circles."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# C: folder below server/ (or a program elsewhere) -> the folders whose headers it may include.
C_MAY_INCLUDE = {
    "server/base": {"base"},
    "server/ws": {"base", "ws"},
    "server/sip": {"base", "sip"},
    "server/fault": {"base", "sip", "fault"},
    "server/transport": {"base", "sip", "ws", "fault", "transport"},
    "server/proxy": {"base", "sip", "fault", "transport", "proxy"},
    "turn": {"base", "turn"},
    "clients/bridge": {"base", "sip", "ws", "transport", "bridge"},
}
# Folders that must do without I/O: no libevent, no sockets (arpa/inet.h only converts).
SANS_IO = {"server/ws", "server/sip"}
IO_HEADER = re.compile(
    r'#include\s*[<"](event2?/|event\.h|sys/socket|poll\.h|sys/epoll|unistd|openssl/ssl)'
)

# Python: package below interop/viaduct -> the packages of viaduct it must not import.
PY_MUST_NOT_IMPORT = {
    "trace": {"rules", "peers", "agents", "targets", "run", "report", "cli", "results", "proof"},
    "sip": {
        "rules",
        "trace",
        "peers",
        "agents",
        "targets",
        "run",
        "report",
        "cli",
        "results",
        "proof",
    },
    "wsframe": {
        "rules",
        "trace",
        "peers",
        "agents",
        "targets",
        "run",
        "report",
        "cli",
        "results",
        "proof",
    },
    "rules": {"peers", "agents", "targets", "run", "report", "cli", "results", "proof"},
    "proof": {"peers", "agents", "targets", "run", "report", "cli"},
    "peers": {"rules", "run", "report", "cli", "results", "proof"},
    "agents": {"rules", "run", "report", "cli", "results", "proof"},
    "targets": {"rules", "run", "report", "cli", "results", "proof"},
    "results": {"peers", "agents", "targets", "run", "report", "cli", "proof"},
    "report": {"peers", "agents", "targets", "run", "cli", "proof"},
}
# The oracle is a pure function: these packages open no socket, read no clock and know no pytest.
PURE = {"rules", "sip", "wsframe"}
IMPURE_MODULES = {"socket", "asyncio", "subprocess", "pytest", "time", "ssl", "threading"}
INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"', re.MULTILINE)


def c_problems() -> list[str]:
    problems: list[str] = []
    graph: dict[str, set[str]] = {}
    for folder, allowed in C_MAY_INCLUDE.items():
        for source in sorted((ROOT / folder).glob("*.[ch]")):
            text = source.read_text()
            name = source.relative_to(ROOT)
            for include in INCLUDE.findall(text):
                top = include.split("/")[0] if "/" in include else Path(folder).name
                if top not in allowed:
                    problems.append(f"{name}: includes {include}, outside of {sorted(allowed)}")
                if source.suffix == ".h":
                    target = f"server/{include}" if "/" in include else f"{folder}/{include}"
                    if top == "turn":
                        target = include
                    graph.setdefault(str(name), set()).add(target)
            if folder in SANS_IO and IO_HEADER.search(text):
                problems.append(f"{name}: a sans-I/O folder includes an I/O header")
    return problems + circles(graph)


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Headers that include each other, as one line per circle found."""
    found: list[str] = []
    state: dict[str, int] = {}

    def visit(node: str, path: list[str]) -> None:
        state[node] = 1
        for after in sorted(graph.get(node, ())):
            if state.get(after) == 1 and after in path:
                found.append("circle: " + " -> ".join(path[path.index(after) :] + [after]))
            elif after not in state:
                visit(after, path + [after])
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node, [node])
    return found


def imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def python_problems() -> list[str]:
    problems: list[str] = []
    package = ROOT / "interop" / "viaduct"
    for source in sorted(package.rglob("*.py")):
        part = source.relative_to(package).parts[0].removesuffix(".py")
        name = source.relative_to(ROOT)
        for module in sorted(imports(ast.parse(source.read_text(), str(name)))):
            steps = module.split(".")
            if steps[0] == "cases" or steps[:2] == ["interop", "cases"]:
                problems.append(f"{name}: imports the cases ({module})")
            if steps[0] == "viaduct" and len(steps) > 1:
                if steps[1] in PY_MUST_NOT_IMPORT.get(part, set()):
                    problems.append(f"{name}: {part} must not import viaduct.{steps[1]}")
            elif part in PURE and steps[0] in IMPURE_MODULES:
                problems.append(f"{name}: {part} is pure and must not import {steps[0]}")
    return problems


def main() -> int:
    problems = c_problems() + python_problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
