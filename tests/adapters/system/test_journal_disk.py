"""What kind of disk the journal lies on."""

import os
from pathlib import Path

import pytest

from support.journals import file_journal
from tianji_adapters.system import journal_files
from tianji_adapters.system.journal_disk import Disk, file_system_of, is_network_file_system, is_passing_file_system
from tianji_core.errors import ConfigurationError

MOUNTS = """\
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
31 28 0:45 / /data rw,relatime shared:2 - nfs4 server:/export rw
32 31 0:46 / /data/local\\040disk rw,relatime - xfs /dev/vdb rw
33 28 0:47 / /over rw,relatime - overlay overlay rw
34 28 0:48 / /over rw,relatime - tmpfs tmpfs rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/tianji", "ext4"),
        ("/data", "nfs4"),
        ("/data/journal", "nfs4"),
        ("/database", "ext4"),
        ("/data/local disk/journal", "xfs"),
        ("/over/x", "tmpfs"),
    ],
)
def test_path_lies_on_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system_of(Path(path), tmp_path / "mounts") == kind


def test_system_that_does_not_say_says_nothing(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "missing") == ""


@pytest.mark.parametrize("name", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.s3fs", "ceph"])
def test_network_file_system_is_one(name: str) -> None:
    assert is_network_file_system(name)


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "apfs", "", "fuseblk"])
def test_local_file_system_is_none(name: str) -> None:
    assert not is_network_file_system(name)


@pytest.mark.parametrize(
    ("name", "passes"), [("tmpfs", True), ("overlay", True), ("ext4", False), ("xfs", False), ("nfs4", False), ("", False)]
)
def test_file_system_that_goes_with_its_container_is_known(name: str, passes: bool) -> None:
    assert is_passing_file_system(name) is passes


def test_journal_on_a_network_file_system_is_refused_unless_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "file_system_of", lambda path: "nfs4")
    with pytest.raises(ConfigurationError, match=r"network file system \(nfs4\)"):
        file_journal(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not file_journal(tmp_path, allow_network_fs=True).takes_over


def test_disk_writes_where_it_is_told_and_reads_it_again(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a"
    file = disk.create(path)
    assert (disk.write(file, b"abcdef", 0), disk.write(file, b"XY", 2)) == (6, 2)
    disk.truncate(file, 5)
    disk.sync(file)
    disk.sync_folder(tmp_path)
    disk.close(file)
    assert (disk.read(path, 100, 1), disk.read(path, 2, 0), path.stat().st_mode & 0o777) == (b"bXYe", b"ab", 0o600)


def test_file_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError):
        Disk().create(tmp_path / "a")


def test_free_space_is_what_a_user_can_write(tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    assert 0 < Disk().free_bytes(tmp_path) <= facts.f_blocks * facts.f_frsize
