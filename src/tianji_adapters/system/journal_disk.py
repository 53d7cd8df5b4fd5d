"""The file operations of the spend journal, in one place so that a test can make a disk fail at any of them."""

import os
from collections.abc import Callable
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "gfs2", "glusterfs", "lustre", "ocfs2", "beegfs", "gpfs", "virtiofs")
)
_NETWORK_PREFIXES = ("fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.goofys")
_PASSING = frozenset(("tmpfs", "ramfs", "overlay", "aufs"))
_data_sync = getattr(os, "fdatasync", os.fsync)


class Disk:
    """A local disk. Every method raises OSError where it fails."""

    def create(self, path: Path) -> int:
        """Make a file that only its owner may read, and return its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    write: Callable[[int, bytes, int], int] = staticmethod(os.pwrite)
    """Write at a place and return how many bytes were taken: they survive the end of the process from here on."""

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, length)

    def read(self, path: Path, count: int, offset: int) -> bytes:
        """Return at most `count` bytes from a place of a file."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return os.pread(descriptor, count, offset)
        finally:
            os.close(descriptor)

    def sync(self, descriptor: int) -> None:
        """Bring a file's bytes to the disk itself: they survive a loss of power from here on."""
        _data_sync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Bring a folder's names to the disk itself."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Let go of a file."""
        os.close(descriptor)

    def free_bytes(self, path: Path) -> int:
        """Return how much an ordinary user can still write to the file system of a path."""
        facts = os.statvfs(path)
        return facts.f_bavail * facts.f_frsize


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the type of the file system on which a path lies (`ext4`, `overlay`, `nfs4`); '' where the system does not say.

    Source: proc(5), `/proc/pid/mountinfo`.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, best, found = path.resolve(), -1, ""
    for line in lines:
        before, separator, after = line.partition(" - ")
        if not separator:
            continue
        mount = Path(_unescaped(before.split(" ")[4]))
        if place.is_relative_to(mount) and len(mount.parts) >= best:
            best, found = len(mount.parts), after.split(" ")[0]
    return found


def is_network_file_system(name: str) -> bool:
    """Whether a type of file system keeps its files on another machine: its locks do not end with their process."""
    return name in _NETWORK or name.startswith(_NETWORK_PREFIXES)


def is_passing_file_system(name: str) -> bool:
    """Whether a type of file system keeps its files no longer than the machine or the container runs."""
    return name in _PASSING


def _unescaped(text: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text
