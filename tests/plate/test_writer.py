"""Interrupted writes, full disks and missing folders: a whole file is written, or none."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import plate_files
from faceplate.errors import RenderError
from faceplate.plate.exr import container as exr_file
from faceplate.system import atomic
from plate_files import names_in, save_multipart, save_raster, write_result


def plate_for(kind: str, folder: Path) -> Path:
    if kind in ("dpx", "tif", "png"):
        return save_raster(folder / f"p.{kind}", 16, 3, "Packed" if kind == "dpx" else "")
    return save_multipart(folder / "p.exr")


KINDS = ["over", "element", "dpx", "tif", "png"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EACCES, "Permission denied")])
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_an_interrupted_write_leaves_what_was_there(tmp_path, monkeypatch, kind, error, step):
    source = plate_for(kind, tmp_path)
    out = tmp_path / f"out{source.suffix}"
    out.write_text("the last take")

    def stop(*_: object) -> None:
        assert any(name.startswith(".out.") for name in names_in(tmp_path)), "the file is made beside its place"
        raise error

    monkeypatch.setattr(atomic.os, step, stop)
    with pytest.raises((KeyboardInterrupt, RenderError)) as caught:
        write_result(kind, tmp_path, source)
    monkeypatch.undo()
    if isinstance(caught.value, RenderError):
        assert caught.value.code == "output-unwritable"
        assert str(out) in str(caught.value)
    assert names_in(tmp_path) == sorted([out.name, source.name])
    assert out.read_text() == "the last take"


@pytest.mark.parametrize("kind", ["over", "element"])
def test_an_interrupt_in_the_middle_of_the_pixels(tmp_path, monkeypatch, kind):
    source = plate_for(kind, tmp_path)
    calls = []

    def stop(*arguments: object) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(exr_file, "_copy_chunks", stop)
    with pytest.raises(KeyboardInterrupt):
        write_result(kind, tmp_path, source)
    assert calls
    assert names_in(tmp_path) == [source.name]


def test_a_folder_that_is_not_there(tmp_path):
    source = plate_for("over", tmp_path)
    for kind in ("over", "element"):
        with pytest.raises(RenderError) as caught:
            write_result(kind, tmp_path / "nowhere", source)
        assert caught.value.code == "output-unwritable"
        assert str(tmp_path / "nowhere" / "out.exr") in str(caught.value)
        assert "part" not in str(caught.value).split("(")[0]


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a disk of 48 KiB where mounting one is allowed; else None: the test limits the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=48k", "tmpfs", str(folder)]
    mounted = bool(mount) and subprocess.run([str(mount), *options], capture_output=True, check=False).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk(tmp_path, full_disk, kind):
    (tmp_path / "in").mkdir()
    source = plate_for(kind, tmp_path / "in")
    folder = full_disk or tmp_path / "disk"
    if full_disk is None:
        run_with_size_limit(source, folder, kind)
    else:
        with pytest.raises(RenderError) as caught:
            write_result(kind, folder, source)
        assert caught.value.code == "disk-full"
        assert f"out{source.suffix}" in str(caught.value)
    assert names_in(folder) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_size_limit(tmp_path, kind):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    run_with_size_limit(plate_for(kind, tmp_path / "in"), tmp_path / "out", kind)
    assert names_in(tmp_path / "out") == []


def run_with_size_limit(source: Path, folder: Path, kind: str) -> None:
    """Write in a process whose files may hold 16 KiB: every write beyond fails, as on a full disk."""
    script = f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(plate_files.__file__).parent)!r})
        from plate_files import write_result
        from faceplate.errors import RenderError
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
        try:
            write_result({kind!r}, Path({str(folder)!r}), Path({str(source)!r}))
        except RenderError as error:
            print(error.code)
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["disk-full"], done.stdout + done.stderr
