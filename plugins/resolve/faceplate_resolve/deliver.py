"""Renders one clip's range of the timeline to an EXR sequence and restores Resolve's own settings.

Resolve's render settings can be set but not read, and new ones merge with existing ones. All of them are therefore saved
as a preset before and loaded again after. Tracks, marks, format and mode are read and restored. The files are counted,
because neither the job's state nor a return value tells whether they were written.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Callable, cast

from faceplate_client import HostError

from .clip import Clip
from .grades import without_grade
from .host import Host
from .rollback import Rollback

if TYPE_CHECKING:
    from fusionscript import RenderSettings, TimelineItem

__all__ = ["FORMAT", "deliver", "exr_codec", "settings_for"]

FORMAT = "exr"
_CODECS = ("RGB Half (ZIP)", "RGB Half (PIZ)", "RGB Half", "RGB Float (ZIP)", "RGB Float")
_PAUSE = 0.2

Follow = Callable[[Callable[[], "tuple[int, int, bool]"], Callable[[], object], str], None]


def settings_for(folder: str, name: str, first: int, last: int) -> dict[str, Any]:
    """Return all settings that decide which files are written, also the usual ones: earlier settings would remain otherwise.

    Marks include both ends.
    """
    return {
        "SelectAllFrames": False,
        "MarkIn": first,
        "MarkOut": last,
        "TargetDir": folder,
        "CustomName": name,
        "UniqueFilenameStyle": 1,
        "ExportVideo": True,
        "ExportAudio": False,
        "ExportAlpha": False,
        "ExportSubtitle": False,
        "ReplaceExistingFilesInPlace": True,
    }


def exr_codec(codecs: dict[str, str]) -> str:
    """Return the codec to use out of `GetRenderCodecs`: half float with lossless compression where available.

    Raises HostError `no-exr`.
    """
    known = {re.sub(r"[^a-z]", "", label.lower()): name for label, name in codecs.items()}
    for wanted in _CODECS:
        key = re.sub(r"[^a-z]", "", wanted.lower())
        if key in known:
            return known[key]
    lossless = [name for label, name in codecs.items() if not re.search("dwa|b44|pxr", label.lower())]
    if not lossless:
        raise HostError("no-exr", "This Resolve renders no lossless EXR.")
    return lossless[0]


def deliver(
    host: Host,
    rollback: Rollback,
    clip: Clip,
    folder: str,
    name: str,
    follow: Follow,
    ungraded: TimelineItem | None = None,
) -> tuple[str, int, int]:
    """Render the clip's record range, with every other video track disabled, into the empty folder `folder`.

    The grade of the item `ungraded` is taken off meanwhile.

    Returns the pattern (`…/name########.exr`) and its first and last number. `follow` shows progress and can cancel.
    Raises HostError `rendering`, `no-exr`, `not-delivered`, `graded`.
    """
    rollback.step("rendering the clip's range")
    if host.project.IsRenderingInProgress():
        raise HostError("rendering", "Resolve is rendering something else: wait for it, or stop it.")
    os.makedirs(folder, exist_ok=True)
    with Rollback() as kept:  # undone at once after a failure; restored at the end otherwise
        restore = _keep_settings(host, kept)
        _only_track(host, clip.track, kept, restore)
        if ungraded is not None:
            restore.insert(0, ("the clip's grade", without_grade(ungraded, kept)))
        job = _add_job(host, clip, folder, name)
        kept.done("the render job", lambda: host.project.DeleteRenderJob(job))
        if not host.project.StartRendering([job], False):
            raise HostError("not-delivered", "Resolve does not start to render.")
        kept.done("the rendering", lambda: _stop(host))
        _wait(host, job, clip.duration, follow)
        status = dict(cast("dict[str, Any]", host.project.GetRenderJobStatus(job) or {}))
    host.project.DeleteRenderJob(job)
    failed = [what for what, put_back in restore if put_back() is False]
    if failed:
        raise HostError("not-restored", f"Resolve did not restore {', '.join(failed)}; please check the Deliver page.")
    return _delivered(folder, name, clip, status)


def _keep_settings(host: Host, kept: Rollback) -> list[tuple[str, Callable[[], object]]]:
    """Save format, mode, marks and all other render settings; return how to restore them, in order."""
    project, timeline = host.project, host.timeline
    preset = f"Faceplate {uuid.uuid4().hex[:8]}"
    marks: Any
    chosen, mode, marks = (
        project.GetCurrentRenderFormatAndCodec(),
        project.GetCurrentRenderMode(),
        timeline.GetMarkInOut(),
    )
    if not project.SaveAsNewRenderPreset(preset):
        raise HostError(
            "not-kept", "Resolve did not save the current render settings as a preset; nothing was changed."
        )

    def put_back() -> bool:
        loaded = project.LoadRenderPreset(preset)
        if chosen and chosen.get("format"):
            project.SetCurrentRenderFormatAndCodec(chosen["format"], chosen["codec"])
        project.SetCurrentRenderMode(mode)
        same = project.GetCurrentRenderFormatAndCodec() == chosen and project.GetCurrentRenderMode() == mode
        return bool(loaded) and same and bool(project.DeleteRenderPreset(preset))

    def marks_back() -> bool:
        timeline.ClearMarkInOut("all")
        for kind in ("video", "audio"):
            if kind in (marks or {}):
                timeline.SetMarkInOut(marks[kind]["in"], marks[kind]["out"], kind)
        return (timeline.GetMarkInOut() or {}) == (marks or {})

    restore: list[tuple[str, Callable[[], object]]] = [("the render settings", put_back), ("the marks", marks_back)]
    for what, way in reversed(restore):
        kept.done(what, way)
    return restore


def _only_track(host: Host, track: int, kept: Rollback, restore: list[tuple[str, Callable[[], object]]]) -> None:
    """Disable every other video track, so that titles and earlier swaps are not rendered in."""
    timeline = host.timeline
    others = [index for index in range(1, timeline.GetTrackCount("video") + 1) if index != track]
    was_on = [index for index in others if timeline.GetIsTrackEnabled("video", index)]

    def on_again() -> bool:
        for index in was_on:
            timeline.SetTrackEnable("video", index, True)
        return all(timeline.GetIsTrackEnabled("video", index) for index in was_on)

    kept.done("the tracks", on_again)
    restore.append(("the tracks", on_again))
    for index in was_on:
        timeline.SetTrackEnable("video", index, False)
    if any(timeline.GetIsTrackEnabled("video", index) for index in was_on):
        raise HostError("not-delivered", "Resolve does not turn the other video tracks off.")


def _add_job(host: Host, clip: Clip, folder: str, name: str) -> str:
    project = host.project
    codec = exr_codec(project.GetRenderCodecs(FORMAT) or {})
    if not project.SetCurrentRenderFormatAndCodec(FORMAT, codec):
        raise HostError("no-exr", f"Resolve does not render {FORMAT} with the codec {codec}.")
    if not project.SetCurrentRenderMode(1):
        raise HostError("not-delivered", "Resolve does not switch to rendering a single clip.")
    settings = cast("RenderSettings", settings_for(folder, name, clip.start, clip.end - 1))
    if not project.SetRenderSettings(settings):
        raise HostError("not-delivered", "Resolve refuses the render settings.")
    job = project.AddRenderJob()
    if not job:
        raise HostError("not-delivered", "Resolve does not add the render job.")
    return job


def _wait(host: Host, job: str, total: int, follow: Follow) -> None:
    def ask() -> tuple[int, int, bool]:
        time.sleep(_PAUSE)
        running = bool(host.project.IsRenderingInProgress())
        status = cast("dict[str, Any]", host.project.GetRenderJobStatus(job) or {})
        percent = float(status.get("CompletionPercentage") or 0)
        return round(total * percent / 100), total, not running

    follow(ask, lambda: _stop(host), "rendering the clip")


def _stop(host: Host) -> bool:
    if host.project.IsRenderingInProgress():
        host.project.StopRendering()
    return not host.project.IsRenderingInProgress()


def _delivered(folder: str, name: str, clip: Clip, status: dict[str, Any]) -> tuple[str, int, int]:
    """Return the pattern of the written files, which must be as many as record frames, without gaps."""
    found = {}
    for entry in os.listdir(folder):
        match = re.fullmatch(rf"({re.escape(name)}[._-]?)(\d+)(\.exr)", entry)
        if match is not None and os.path.getsize(os.path.join(folder, entry)) > 0:
            found[int(match.group(2))] = match
    numbers = sorted(found)
    said = f"; it says: {status.get('JobStatus') or 'nothing'} {status.get('Error') or ''}".rstrip()
    if len(numbers) != clip.duration or numbers[-1] - numbers[0] + 1 != clip.duration:
        raise HostError("not-delivered", f"Resolve rendered {len(numbers)} frames instead of {clip.duration}{said}.")
    first = found[numbers[0]]
    pattern = os.path.join(folder, first.group(1) + "#" * len(first.group(2)) + first.group(3))
    return pattern, numbers[0], numbers[-1]
