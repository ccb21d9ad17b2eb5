"""Nothing in support/ or steps/ needs POSIX, because a tester's machine may run Windows.

The sandbox and tools/ may need it: they run on Linux only. Guarded uses (``if sys.platform != "win32"``, ``hasattr``,
``except ImportError``) are allowed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.reporting.record.folder import new_folder

ROOT = Path(__file__).resolve().parents[2]
MODULES = re.compile(r"crypt|fcntl|grp|nis|posix|pty|pwd|readline|resource|spwd|syslog|termios|tty|uvloop")
ONLY_POSIX = {
    "os": re.compile(
        r"fork(pty)?|dup|kill|link|symlink|rename|(l|f)?chmod|(get|set)((e|re|res)?[ug]id|pgid|pgrp|sid|priority|groups)|getloadavg|killpg|wait(3|4|id)?|W[A-Z]+"
        r"|[fl]?chown|fchdir|fchmod|chroot|mkfifo|mknod|nice|openpty|pidfd_open|posix_\w+|p(read|write)v?|sched_\w+|sendfile"
        r"|confstr|copy_file_range|ctermid|eventfd\w*|fdatasync|f?pathconf|getgrouplist|getrandom|initgroups|lockf|login_tty"
        r"|(get|list|remove|set)xattr|major|makedev|memfd_create|minor|ptsname|(grant|unlock)pt|register_at_fork|readv|setns"
        r"|splice|sync|timerfd_\w+|writev|f?statvfs|sysconf|tc[gs]etpgrp|ttyname|uname|unshare|EX_\w+|O_(CLOEXEC|DIRECTORY|NOFOLLOW|NONBLOCK|SYNC)"
    ),
    "signal": re.compile(
        r"SIG(?!(?:ABRT|BREAK|FPE|ILL|INT|SEGV|TERM)$)[A-Z]+[0-9]?|ITIMER_\w+|alarm|pause|pthread_\w+|setitimer"
        r"|sig(interrupt|pending|timedwait|wait\w*)"
    ),
    "socket": re.compile(r"AF_(NETLINK|PACKET|UNIX)|CMSG_\w+|MSG_(DONTWAIT|NOSIGNAL)|SCM_\w+|SO_REUSEPORT"),
    "select": re.compile(r"devpoll|epoll|kqueue|poll|select"),  # select on Windows accepts only sockets
    "time": re.compile(r"clock_(get|set)time(_ns)?|pthread_\w+|tzset"),
}
ONLY_POSIX_WORDS = {"pass_fds", "preexec_fn", "process_group", "start_new_session"}
"""Arguments that Windows ignores or refuses; its own way is ``creationflags=CREATE_NEW_PROCESS_GROUP``."""
ONLY_POSIX_METHODS = {
    *("add_signal_handler", "create_unix_connection", "create_unix_server", "open_unix_connection"),
    *("chmod", "lchmod", "symlink_to", "hardlink_to"),
    "rename",  # fails on Windows if the new name exists; replace does not
}
PLACES = re.compile(r"/(dev|etc|proc|run|sys|tmp|usr|var)(/|$)")
"""Paths that do not exist on Windows."""
NO_FILE_NAME = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$|^(aux|con|nul|prn|com\d|lpt\d)(\.|$)', re.IGNORECASE)
OPENS_TEXT = {"open", "read_text", "write_text", "fdopen"}
GUARDS = ("sys.platform", "os.name", "platform.system", "hasattr")
KNOWN: dict[str, set[str]] = {
    "folder.py": {"rename"},  # of a folder, to a name that was freed before
    "loading.py": {"'/usr/lib/rabbitmq/bin/rabbitmq-server'"},  # only looked up, and part of the sandbox
    "machine.py": {
        *("'/proc'", "'/proc/meminfo'", "'/proc/net/'"),
        *("'/proc/sys/net/ipv4/ip_local_port_range'", "'/sys/fs/cgroup'"),
    },
    "processes.py": {"'/proc/'", "'/proc/sys/kernel/random/boot_id'"},
    "processor.py": {"'/proc/loadavg'"},
}
"""Uses of POSIX without a guard, by file name, that handle the absence on Windows."""


def needs_posix(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each use of something that Windows lacks, outside of guards."""
    for node in _outside_of_guards(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, name) for name in _wrong_in_import(node))
        elif isinstance(node, ast.Attribute) and _is_wrong(getattr(node.value, "id", ""), node.attr):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, name) for name in _wrong_in_call(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PLACES.match(node.value):
            yield node.lineno, repr(node.value)


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
            if _is_guard(child) and isinstance(node, ast.FunctionDef) and _leaves(child):
                return  # the code after it is guarded as well


def _leaves(guard: ast.AST) -> bool:
    """Whether Windows leaves the function at the guard."""
    last = guard.body[-1] if isinstance(guard, ast.If) else None
    return isinstance(last, ast.Return | ast.Raise)


def _wrong_in_call(call: ast.Call) -> Iterator[str]:
    yield from (word.arg for word in call.keywords if word.arg in ONLY_POSIX_WORDS)
    method = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if method in ONLY_POSIX_METHODS:
        yield method
    first = ast.unparse(call.args[0]) if call.args else ""
    if method == "send_signal" and first.endswith("SIGINT"):
        yield "send_signal(SIGINT)"
    if any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in call.keywords):
        yield "shell=True"
    if method in OPENS_TEXT and _is_text(call) and not any(word.arg == "encoding" for word in call.keywords):
        yield f"{method} without encoding"
    if method in ("get_context", "set_start_method") and first.strip("'\"").startswith("fork"):
        yield f"{method}({first.strip(chr(39) + chr(34))})"


def _is_text(call: ast.Call) -> bool:
    """Whether the call opens text. Without an encoding, the machine's code page would apply."""
    method = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if method in ("read_text", "write_text"):
        return not call.args[2 if method == "write_text" else 1 :]
    if method == "open" and isinstance(call.func, ast.Attribute) and not re.search(r"(?i)path|file", owner):
        return False  # it opens something other than a file
    modes = [ast.unparse(one) for one in (*call.args, *(word.value for word in call.keywords if word.arg == "mode"))]
    return not any(re.fullmatch(r"'[rwxa+]*b[rwxa+]*'", mode) for mode in modes)


def python_files() -> list[Path]:
    return sorted(
        [ROOT / "environment.py", *(path for part in ("support", "steps") for path in (ROOT / part).rglob("*.py"))]
    )


@cache
def found() -> dict[str, list[tuple[str, int, str]]]:
    """Uses of POSIX by file name: path, line, name."""
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
        ("os.register_at_fork(after_in_child=f)", "os.register_at_fork"),
        ("import os\nos.killpg(1, 9)", "os.killpg"),
        ("import signal\nsignal.signal(signal.SIGHUP, f)", "signal.SIGHUP"),
        ("subprocess.Popen(command, start_new_session=True)", "start_new_session"),
        ("subprocess.run(command, preexec_fn=f)", "preexec_fn"),
        ("process.send_signal(signal.SIGINT)", "send_signal(SIGINT)"),
        ("multiprocessing.get_context('fork')", "get_context(fork)"),
        ("loop.add_signal_handler(signal.SIGINT, f)", "add_signal_handler"),
        ("select.select([sys.stdin], [], [], 0)", "select.select"),
        ("if os.environ:\n    os.fork()", "os.fork"),
        ("os.dup(connection.fileno())", "os.dup"),
        ("def f():\n    os.kill(1, 0)", "os.kill"),
        ("Path('latest').symlink_to('run')", "symlink_to"),
        ("os.rename(a, b)", "os.rename"),
        ("path.rename(other)", "rename"),
        ("path.chmod(0o600)", "chmod"),
        ("subprocess.run('ls', shell=True)", "shell=True"),
        ("x = Path('/proc/self/fd')", "'/proc/self/fd'"),
        ("x = f'/tmp/{name}'", "'/tmp/'"),
        ("path.read_text()", "read_text without encoding"),
        ("path.write_text(text)", "write_text without encoding"),
        ("path.open('w')", "open without encoding"),
        ("os.fdopen(handle, 'w')", "fdopen without encoding"),
        ("def f():\n    if sys.platform == 'win32':\n        x = 1\n    os.fork()", "os.fork"),
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
        "def f():\n    if sys.platform == 'win32':\n        return 0\n    os.kill(1, 0)",
        "path.open('rb')",
        "path.read_text(encoding='utf-8')",
        "os.fdopen(handle, 'rb+')",
        "self._client.open(1)",
        "multiprocessing.get_context('spawn')",
    ],
)
def test_the_rest_is_left_alone(code: str) -> None:
    assert list(needs_posix(ast.parse(code))) == []


def file_names() -> list[str]:
    """File names of the repository and of a run's output (docs/examples holds the reports of one)."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    run = new_folder(Path("reports")).name
    return [*(part for line in tracked.splitlines() for part in line.split("/")), run]


def test_windows_takes_every_file_name() -> None:
    assert sorted({name for name in file_names() if NO_FILE_NAME.search(name)}) == []
    assert all(NO_FILE_NAME.search(name) for name in ("a:b", "12:30.txt", "what?", "nul", "NUL.txt", "end.", "end "))


def test_a_letter_that_the_console_does_not_have_ends_nothing() -> None:
    code = "from support.files import print_any_text; print_any_text(); print('\\u05e9 \\u2026')"
    environment = {**os.environ, "PYTHONIOENCODING": "cp437:strict"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, [b"\\u05e9", b"\\u2026"])
