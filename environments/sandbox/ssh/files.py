"""sftp on the target host: access to the home of its user, and to nothing else on this machine."""

from __future__ import annotations

import os
import posixpath
import shutil
from pathlib import Path

import asyncssh

LARGEST_HOME_BYTES = 16 * 1024 * 1024


class Home:
    """The home of ``user``; ``folder`` stands for the root of the host's file system."""

    def __init__(self, folder: Path, user: str) -> None:
        self.root, self.path = folder, f"/home/{user}"
        self.clear()

    def clear(self) -> None:
        """Empty the home."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.real_path("").mkdir(parents=True, mode=0o700)

    def real_path(self, path: str) -> Path:
        """The real path of a file of the host; :class:`PermissionError` outside the home and the folders above it."""
        asked = posixpath.normpath(posixpath.join(self.path, path))
        asked = "/" + asked.lstrip("/")  # POSIX lets a path begin with two slashes
        if asked not in ("/", "/home", self.path) and not asked.startswith(f"{self.path}/"):
            raise PermissionError(asked)
        return self.root / asked.lstrip("/")

    def size_bytes(self) -> int:
        return sum(entry.stat().st_size for entry in self.root.rglob("*") if entry.is_file())


class HomeServer(asyncssh.SFTPServer):
    """One sftp session. Links are refused, so that nothing outside the home can be reached."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], home: Home) -> None:
        super().__init__(channel, chroot=os.fsencode(home.root))
        self._home = home

    def map_path(self, path: bytes) -> bytes:
        try:
            return os.fsencode(self._home.real_path(os.fsdecode(path)))
        except PermissionError as error:
            raise asyncssh.SFTPPermissionDenied(f"{error} is outside of the home") from None

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        _check_space(max(offset, self._home.size_bytes()) + len(data))
        written = super().write(file_obj, offset, data)
        assert isinstance(written, int)
        return written

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _check_space(attrs.size or 0)
        super().setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        _check_space(attrs.size or 0)
        super().fsetstat(file_obj, attrs)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("the sandbox's sftp makes no links")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("the sandbox's sftp makes no links")

    def exit(self) -> None:
        """End with exit status 0, as sftp-server does: scp treats a session without an exit status as a failure."""
        self.channel.exit(0)


def _check_space(wanted_bytes: int) -> None:
    if wanted_bytes > LARGEST_HOME_BYTES:
        raise asyncssh.SFTPFailure(f"No space left: a home holds {LARGEST_HOME_BYTES} bytes")
