"""A lock is the operating system's: one holder at a time, and a killed holder frees it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from faceplate.system.locks import exclusive, take

HOLDER = """
import sys, time
from pathlib import Path
from faceplate.system.locks import take
lock = take(Path(sys.argv[1]))
print("held" if lock else "refused", flush=True)
time.sleep(600)
"""


def test_one_holder_at_a_time_and_a_killed_one_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert take(path) is None
    finally:
        holder.kill()  # kill -9: no handler runs
        holder.wait()
    lock = take(path)
    assert lock is not None and take(path) is None
    lock.release()
    again = take(path)
    assert again is not None
    again.release()


def test_a_lock_file_is_its_owners_alone(tmp_path: Path) -> None:
    lock = take(tmp_path / "engine.lock")
    assert lock is not None
    assert sys.platform == "win32" or (tmp_path / "engine.lock").stat().st_mode & 0o077 == 0
    lock.release()


def test_threads_wait_for_each_other(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(5):
            with exclusive(tmp_path / "log.lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 20 and max(most) == 1
