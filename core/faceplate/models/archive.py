"""Safe extraction of a network from a zip archive."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from faceplate.errors import RenderError, UsageError

__all__ = ["unpack_model"]

# Limit of an archive's unpacked size in bytes; the largest networks have a tenth of it.
_MAX_UNPACKED = 16 << 30


@contextmanager
def unpack_model(file: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the network to read, and whether it came out of an archive (then its folder is removed afterwards).

    Raises
    ------
    UsageError
        `weights-missing`, `archive-outside`, `archive-folders`, `archive-too-large` or `archive-unreadable`.
    RenderError
        `not-onnx` or `weights-truncated`.
    """
    if not file.is_file():
        raise UsageError("weights-missing", f"There is no file at {file}.")
    if not zipfile.is_zipfile(file):
        yield file, False
        return
    with tempfile.TemporaryDirectory(prefix="faceplate-") as folder:
        yield _extract(file, Path(folder)), True


def _extract(file: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            for item in members:
                _check_member(file, item)
            if sum(item.file_size for item in members) > _MAX_UNPACKED:
                raise UsageError(
                    "archive-too-large", f"{file.name} would unpack to more than 16 GiB, so it is refused."
                )
            names = [item.filename for item in members if item.filename.lower().endswith((".onnx", ".dfm"))]
            if len(names) != 1:
                raise RenderError(
                    "not-onnx", f"{file.name} holds {len(names)} networks; give an archive with one, or the file."
                )
            for item in members:
                with archive.open(item) as stream, (folder / item.filename).open("wb") as out:
                    shutil.copyfileobj(stream, out)  # never more than `file_size`: zipfile stops there
    except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python does not support
        raise UsageError(
            "archive-unreadable",
            f"{file.name} cannot be unpacked ({_refusal_reason(error)}); unpack it and add the file.",
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise RenderError(
            "weights-truncated", f"{file.name} is a damaged archive; copy or download it again."
        ) from error
    return folder / names[0]


def _refusal_reason(error: Exception) -> str:
    return "it is encrypted" if "encrypted" in str(error) or "password" in str(error) else "its compression is unknown"


def _check_member(file: Path, item: zipfile.ZipInfo) -> None:
    name = item.filename
    plain = PurePosixPath(name), PureWindowsPath(name)
    inside = not any(".." in part.parts or part.is_absolute() or part.drive for part in plain)
    if inside and len(plain[1].parts) != 1:
        raise UsageError(
            "archive-folders", f"{file.name} holds '{name}' in a folder; give an archive with the files on their own."
        )
    linked = stat.S_ISLNK(item.external_attr >> 16)
    if linked or any(part.is_absolute() or part.drive or len(part.parts) != 1 or name == ".." for part in plain):
        raise UsageError(
            "archive-outside",
            f"{file.name} contains '{name}', which lies outside its own folder or is a link, so it is refused.",
        )
