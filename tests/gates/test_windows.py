"""Nothing in support/ or steps/ needs POSIX: the machine of a tester may be one with Windows.

The sandbox and tools/ may; they are for Linux. What needs POSIX and is guarded (``if sys.platform != "win32"``,
``hasattr``, ``except ImportError``) is fine.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = re.compile(r"crypt|fcntl|grp|nis|posix|pty|pwd|readline|resource|spwd|syslog|termios|tty|uvloop")
ONLY_POSIX = {
    "os": re.compile(
        r"fork(pty)?|(get|set)((e|re|res)?[ug]id|pgid|pgrp|sid|priority|groups)|getloadavg|killpg|wait(3|4|id)?|W[A-Z]+"
        r"|[fl]?chown|fchdir|fchmod|chroot|mkfifo|mknod|nice|openpty|pidfd_open|posix_\w+|p(read|write)v?|sched_\w+|sendfile"
        r"|f?statvfs|sysconf|tc[gs]etpgrp|ttyname|uname|unshare|EX_\w+|O_(CLOEXEC|DIRECTORY|NOFOLLOW|NONBLOCK|SYNC)"
    ),
    "signal": re.compile(
        r"SIG(?!(?:ABRT|BREAK|FPE|ILL|INT|SEGV|TERM)$)[A-Z]+[0-9]?|ITIMER_\w+|alarm|pause|pthread_\w+|setitimer"
        r"|sig(interrupt|pending|timedwait|wait\w*)"
    ),
    "socket": re.compile(r"AF_(NETLINK|PACKET|UNIX)|CMSG_\w+|MSG_(DONTWAIT|NOSIGNAL)|SCM_\w+|SO_REUSEPORT"),
    "select": re.compile(r"devpoll|epoll|kqueue|poll|select"),  # select of Windows takes sockets and nothing else
    "time": re.compile(r"clock_(get|set)time(_ns)?|pthread_\w+|tzset"),
}
ONLY_POSIX_WORDS = {"pass_fds", "preexec_fn", "process_group", "start_new_session"}
"""Windows ignores or refuses them; ``creationflags=CREATE_NEW_PROCESS_GROUP`` is its own way."""
ONLY_POSIX_METHODS = {"add_signal_handler", "create_unix_connection", "create_unix_server", "open_unix_connection"}
GUARDS = ("sys.platform", "os.name", "platform.system", "hasattr")
KNOWN: dict[str, set[str]] = {}
"""What is left to be mended, by the name of the file, wherever it lies."""


def needs_posix(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of what Windows does not have, outside of guards."""
    for node in _outside_of_guards(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, name) for name in _wrong_in_import(node))
        elif isinstance(node, ast.Attribute) and _is_wrong(getattr(node.value, "id", ""), node.attr):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, name) for name in _wrong_in_call(node))


def _is_wrong(module: str, name: str) -> bool:
    return module in ONLY_POSIX and ONLY_POSIX[module].fullmatch(name) is not None


def _wrong_in_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        yield from (name for name in names if MODULES.fullmatch(name))
    elif MODULES.fullmatch(node.module or ""):
        yield str(node.module)
    else:
        yield from (f"{node.module}.{name}" for name in names if _is_wrong(node.module or "", name))


def _is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.If | ast.IfExp):
        return any(guard in ast.unparse(node.test) for guard in GUARDS)
    caught = [ast.unparse(one.type) for one in getattr(node, "handlers", ()) if one.type is not None]
    return any(name in text for text in caught for name in ("ImportError", "AttributeError"))


def _outside_of_guards(node: ast.AST) -> Iterator[ast.AST]:
    if not _is_guard(node):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _outside_of_guards(child)


def _wrong_in_call(call: ast.Call) -> Iterator[str]:
    yield from (word.arg for word in call.keywords if word.arg in ONLY_POSIX_WORDS)
    method = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if method in ONLY_POSIX_METHODS:
        yield method
    first = ast.unparse(call.args[0]) if call.args else ""
    if method == "send_signal" and first.endswith("SIGINT"):
        yield "send_signal(SIGINT)"
    if method in ("get_context", "set_start_method") and first.strip("'\"").startswith("fork"):
        yield f"{method}({first.strip(chr(39) + chr(34))})"


def python_files() -> list[Path]:
    return sorted(
        [ROOT / "environment.py", *(path for part in ("support", "steps") for path in (ROOT / part).rglob("*.py"))]
    )


def found() -> dict[str, list[tuple[str, int, str]]]:
    """What needs POSIX, by the name of the file: path, line, name."""
    by_file: dict[str, list[tuple[str, int, str]]] = {}
    for path in python_files():
        for line, name in needs_posix(ast.parse(path.read_text(encoding="utf-8"))):
            by_file.setdefault(path.name, []).append((path.relative_to(ROOT).as_posix(), line, name))
    return by_file


def test_nothing_new_needs_posix() -> None:
    new = [
        f"{path}:{line}: {name} is not there on Windows"
        for file, several in found().items()
        for path, line, name in several
        if name not in KNOWN.get(file, set())
    ]
    assert new == []


def test_what_is_mended_is_no_longer_listed() -> None:
    assert {file: {name for _, _, name in several} for file, several in found().items()} == KNOWN


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import fcntl", "fcntl"),
        ("def f():\n    from pwd import getpwuid", "pwd"),
        ("from os import fork", "os.fork"),
        ("import os\nos.getpgid(1)", "os.getpgid"),
        ("import os\nos.killpg(1, 9)", "os.killpg"),
        ("import signal\nsignal.signal(signal.SIGHUP, f)", "signal.SIGHUP"),
        ("subprocess.Popen(command, start_new_session=True)", "start_new_session"),
        ("subprocess.run(command, preexec_fn=f)", "preexec_fn"),
        ("process.send_signal(signal.SIGINT)", "send_signal(SIGINT)"),
        ("multiprocessing.get_context('fork')", "get_context(fork)"),
        ("loop.add_signal_handler(signal.SIGINT, f)", "add_signal_handler"),
        ("select.select([sys.stdin], [], [], 0)", "select.select"),
        ("if os.environ:\n    os.fork()", "os.fork"),
        ("try:\n    os.fork()\nexcept OSError:\n    pass", "os.fork"),
    ],
)
def test_what_needs_posix_is_found(code: str, name: str) -> None:
    assert name in [found for _, found in needs_posix(ast.parse(code))]


@pytest.mark.parametrize(
    "code",
    [
        "if sys.platform != 'win32':\n    os.killpg(1, 9)",
        "x = os.getuid() if hasattr(os, 'getuid') else 0",
        "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
        "signal.signal(signal.SIGTERM, f)",
        "process.send_signal(signal.SIGTERM)",
        "os.replace(a, b)",
        "multiprocessing.get_context('spawn')",
    ],
)
def test_the_rest_is_left_alone(code: str) -> None:
    assert list(needs_posix(ast.parse(code))) == []
