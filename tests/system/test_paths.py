"""The user's folders lie where Faceplate 0.1 had them, on all three systems."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from faceplate.system.paths import cache_folder, data_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX systems")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no variable that names another place."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.fixture
def windows(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Windows' folder of local application data, as its shell would name it."""
    local = home / "known" / "Local"
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda _name: str(local))
    return local


@posix
def test_linux(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder("linux") == home / ".local/share/faceplate"
    assert cache_folder("linux") == home / ".cache/faceplate"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("XDG_DATA_HOME", "/y")
    assert cache_folder("linux") == Path("/x/faceplate") and data_folder("linux") == Path("/y/faceplate")


@posix
def test_macos(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder("darwin") == home / "Library/Application Support/Faceplate"
    assert cache_folder("darwin") == home / "Library/Caches/Faceplate"


def test_windows(home: Path, windows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder("win32") == windows / "Faceplate"
    assert str(cache_folder("win32")).casefold() == str(windows / "Faceplate" / "cache").casefold()


@posix
@pytest.mark.parametrize("folder", [data_folder, cache_folder])
def test_a_former_folder_is_still_found(folder, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS platformdirs follows XDG variables, which Faceplate 0.1 did not: a store that exists there stays in use."""
    former = folder("darwin")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "xdg"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    if folder("darwin") == former:
        pytest.skip("this platformdirs does not follow XDG variables on macOS")
    former.mkdir(parents=True)
    assert folder("darwin") == former


def test_a_former_windows_folder_is_still_found(home: Path, windows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALAPPDATA", str(home / "named"))
    (home / "named" / "Faceplate").mkdir(parents=True)
    assert data_folder("win32") == home / "named" / "Faceplate"


def test_this_machine() -> None:
    assert data_folder().is_absolute() and cache_folder().is_absolute()
