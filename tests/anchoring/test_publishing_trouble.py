"""What a publisher meets on a real disk: no room, no right, a rival, and death at any instant."""

import contextlib
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from anchoring.checkpoint import parse_checkpoint
from anchoring.errors import FenceLost, OutOfOrder, StorageError, StoreConflict
from anchoring.merkle import MemoryTree, leaf_hashes
from anchoring.merkle_proof import prove_consistency, verify_consistency
from anchoring.publisher import Publisher
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import CHECKPOINT_PATH, TileReader, read_entry, read_tile, tiles_of
from tests.anchoring.support import LOG_SIGNER, ORIGIN, ROOT, MemoryFence, make_publisher

ENTRIES = [b"entry %d" % n for n in range(2000)]
TREE = MemoryTree(leaf_hashes(ENTRIES))


def published(folder: Path) -> int:
    data = DirectoryStore(folder).read(CHECKPOINT_PATH)
    return 0 if data is None else parse_checkpoint(data)[0].size


def check_folder(folder: Path, durable: int) -> int:
    """The published log is whole, ours, and not beyond what is durable; returns its size."""
    store = DirectoryStore(folder)
    data = store.read(CHECKPOINT_PATH)
    if data is None:
        return 0
    head, _ = parse_checkpoint(data)
    assert head.size <= durable
    assert head.root == TREE.root(head.size)
    for tile in tiles_of(head.size):
        read_tile(store, tile)
    if head.size:
        assert read_entry(store, head.size - 1, head.size) == ENTRIES[head.size - 1]
        assert TileReader(store, head.size).read_hashes([(0, head.size - 1)])
    return head.size


def finish(folder: Path) -> None:
    """A new publisher takes up whatever is there and brings it to the end."""
    publisher = make_publisher(folder)
    publisher.publish(publisher.size, ENTRIES[publisher.size :])
    assert check_folder(folder, len(ENTRIES)) == len(ENTRIES)


# ------------------------------------------------------------------------------ disk and rights


@contextlib.contextmanager
def file_size_limit(count: int):
    """No file may grow beyond ``count`` bytes: writes fail with EFBIG, as ENOSPC would."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("limit", [0, 100, 2_000, 7_000])
def test_a_full_disk_is_a_typed_error_and_the_log_stays_as_it_was(tmp_path, limit):
    publisher = make_publisher(tmp_path)
    before = publisher.publish(0, ENTRIES[:300]).signed
    with file_size_limit(limit), pytest.raises(StorageError, match="cannot write"):
        publisher.publish(300, ENTRIES[300:900])
    assert (tmp_path / CHECKPOINT_PATH).read_bytes() == before
    assert check_folder(tmp_path, 300) == 300
    assert publisher.publish(300, ENTRIES[300:900]).checkpoint.root == TREE.root(900)
    finish(tmp_path)


def test_a_really_full_filesystem(tmp_path):
    """A tmpfs of 64 kB, where this machine lets us mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine mounts no tmpfs; RLIMIT_FSIZE is tested above")
    try:
        publisher = make_publisher(folder)
        size = 0
        with pytest.raises(StorageError, match="No space left"):
            for at in range(0, 2000, 100):
                publisher.publish(at, [b"x" * 200 + each for each in ENTRIES[at : at + 100]])
                size = at + 100
        assert published(folder) == size
        assert make_publisher(folder).size == size
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_folder_is_a_typed_error(tmp_path):
    folder = tmp_path / "log"
    publisher = make_publisher(folder)
    before = publisher.publish(0, ENTRIES[:10]).signed
    folders = [path for path in (folder, *folder.rglob("*")) if path.is_dir()]
    for path in folders:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    tmp_path.chmod(0o711)
    script = f"""
        import os, sys
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from anchoring.errors import StorageError
        from tests.anchoring.test_publishing_trouble import ENTRIES, make_publisher
        if os.geteuid() == 0:
            os.setegid(65534); os.seteuid(65534)
        try:
            make_publisher(Path({str(folder)!r})).publish(10, ENTRIES[10:20])
        except StorageError as error:
            print("StorageError", error)
    """
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
        for path in (tmp_path, *tmp_path.parents):
            if not path.stat().st_mode & 0o001:
                os.chmod(path, path.stat().st_mode | 0o011)
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
        )
    finally:
        for path in folders:
            path.chmod(0o755)
    assert done.stdout.startswith("StorageError"), done.stderr
    assert (folder / CHECKPOINT_PATH).read_bytes() == before
    finish(folder)


def test_a_file_where_a_folder_should_be_is_a_typed_error(tmp_path):
    (tmp_path / "tile").write_bytes(b"in the way")
    with pytest.raises(StorageError):
        make_publisher(tmp_path).publish(0, ENTRIES[:3])
    assert published(tmp_path) == 0


# ------------------------------------------------------------------------------ rivals


class TurnFence:
    """A fence as the database's: only the newest holder may lock, and heads go forward."""

    def __init__(self) -> None:
        self.holder = 0
        self.size = -1
        self.root = b""
        self.mutex = threading.Lock()

    def take(self) -> "Turn":
        with self.mutex:
            self.holder += 1
            return Turn(self, self.holder)


class Turn:
    def __init__(self, fence: TurnFence, number: int) -> None:
        self.fence, self.number = fence, number

    def lock(self, size: int, root: bytes) -> None:
        with self.fence.mutex:
            other = size == self.fence.size and root != self.fence.root
            if self.number != self.fence.holder or size < self.fence.size or other:
                raise FenceLost("another publisher took over")
            self.fence.size, self.fence.root = size, root


def test_of_two_publishers_the_one_that_was_replaced_loses(tmp_path):
    fence = TurnFence()
    first = Publisher(DirectoryStore(tmp_path), ORIGIN, [LOG_SIGNER], fence.take())
    first.publish(0, ENTRIES[:5])
    second = Publisher(DirectoryStore(tmp_path), ORIGIN, [LOG_SIGNER], fence.take())
    with pytest.raises(FenceLost):
        first.publish(5, ENTRIES[5:9])
    assert published(tmp_path) == 5
    second.publish(5, ENTRIES[5:12])
    with pytest.raises((FenceLost, OutOfOrder)):
        first.publish(5, ENTRIES[5:9])
    assert check_folder(tmp_path, 12) == 12


def test_publishers_that_take_over_from_each_other_all_the_time(tmp_path):
    """Threads that each believe to lead: heads only grow, and every one is a prefix."""
    fence = TurnFence()
    heads: list[tuple[int, bytes]] = []
    lost = []

    def work(seed: int) -> None:
        rand = random.Random(seed)
        for _ in range(25):
            try:
                publisher = Publisher(DirectoryStore(tmp_path), ORIGIN, [LOG_SIGNER], fence.take())
                for _ in range(3):
                    at = publisher.size
                    end = max(fence.size, at + rand.randrange(1, 20))
                    done = publisher.publish(at, ENTRIES[at:end])
                    heads.append((done.checkpoint.size, done.checkpoint.root))
            except (FenceLost, OutOfOrder, StoreConflict, StorageError) as error:
                lost.append(type(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert heads
    assert FenceLost in lost
    size = published(tmp_path)
    for head, root in heads:
        assert head <= size
        assert root == TREE.root(head)
    finish(tmp_path)


# ------------------------------------------------------------------------------ killed

KILL_STEP = int(os.environ.get("KILL_STEP", "5"))
"""Every how many-th instant the publisher is killed at; 1 takes a minute."""

_CALLS = ("fsync", "replace", "rename", "mkdir", "open", "close", "unlink", "rmdir")


def publish_until_killed(folder: Path, left: int, told: int) -> None:
    """Publish 600 entries, but die before or after the file operation that ``left`` counts."""

    def count_down() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def counted(real):
        def call(*args, **kwargs):
            count_down()
            result = real(*args, **kwargs)
            count_down()
            return result

        return call

    for name in _CALLS:
        setattr(os, name, counted(getattr(os, name)))
    store = DirectoryStore(folder, count_down)
    publisher = Publisher(store, ORIGIN, [LOG_SIGNER], MemoryFence())
    while publisher.size < 600:
        publisher.publish(publisher.size, ENTRIES[publisher.size : publisher.size + 150])
        os.write(told, b"%d\n" % publisher.size)


def victim(folder: Path, left: int) -> tuple[bool, int]:
    """Publish in a process of its own; (whether it was killed, the last size it told)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            publish_until_killed(folder, left, writing)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().split()
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return status != 0, int(told[-1]) if told else 0


def test_killed_at_any_file_operation_the_published_log_is_whole(tmp_path):
    """SIGKILL before and after each one; what was told as published stays, and it goes on."""
    killed = 0
    for left in range(0, 10_000, KILL_STEP):
        folder = tmp_path / f"killed{left}"
        is_dead, told = victim(folder, left)
        if not is_dead:
            break
        killed += 1
        size = check_folder(folder, 600) if folder.exists() else 0
        assert size >= told, "what was published is still there"
        if size:
            proof = prove_consistency(size, 2000, TREE)
            verify_consistency(size, 2000, proof, TREE.root(size), TREE.root())
        if killed % 5 == 0:
            finish(folder)
        shutil.rmtree(folder, ignore_errors=True)
    assert killed * KILL_STEP > 60


def test_leftovers_of_a_crash_are_never_served(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "checkpoint~123").write_bytes(b"half")
    (folder / "tile/0").mkdir(parents=True)
    (folder / "tile/0/000~9").write_bytes(b"half")
    finish(folder)
    assert MemoryFence().size == -1
