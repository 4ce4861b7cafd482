"""The project: settings, and a render queue that writes real EXR files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from fake_resolve.media import MediaPool
from fake_resolve.timeline import Timeline
from fake_resolve.world import Named, Thing, World

__all__ = ["Project", "ProjectManager", "Resolve"]

_KNOWN = {
    "SelectAllFrames", "MarkIn", "MarkOut", "TargetDir", "CustomName", "UniqueFilenameStyle", "ExportVideo", "ExportAudio",
    "ExportAlpha", "ExportSubtitle", "ReplaceExistingFilesInPlace", "FrameRate",
}  # fmt: skip
_CODECS = {"RGB Half (DWAA)": "RGBHalfDWAA", "RGB Half (ZIP)": "RGBHalfZIP", "RGB Float": "RGBFloat"}


class Project(Named):
    """What the Deliver page holds at first is of somebody else: a movie of all frames, sound only."""

    def __init__(self, world: World, name: str, rate: str = "24") -> None:
        super().__init__(world)
        self._name = name
        self._settings = {
            "timelineFrameRate": rate,
            "colorScienceMode": "davinciYRGB",
            "colorSpaceTimeline": "Rec.709 Gamma 2.4",
            "colorSpaceOutput": "Same as Timeline",
        }
        self._pool = MediaPool(world, self)
        self._timeline: Timeline | None = None
        self._render: dict[str, Any] = {
            "SelectAllFrames": True,
            "ExportVideo": False,
            "CustomName": "delivery",
            "MarkIn": 7,
        }
        self._format = {"format": "mov", "codec": "ProRes422HQ"}
        self._mode = 0
        self._presets: dict[str, Any] = {}
        self._jobs: dict[str, dict[str, Any]] = {}
        self._running: str | None = None

    def _state(self) -> Any:
        """All that a render job starts from."""
        return {"settings": dict(self._render), "format": dict(self._format), "mode": self._mode}

    def GetName(self) -> str:
        return self._name

    def GetMediaPool(self) -> MediaPool:
        return self._pool

    def GetCurrentTimeline(self) -> Timeline | None:
        return self._timeline

    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        self._timeline = timeline
        return True

    def GetSetting(self, settingName: str) -> str:
        return self._settings.get(settingName, "")

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return dict(self._format)

    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        self._format = {"format": format, "codec": codec}
        return True

    def GetCurrentRenderMode(self) -> int:
        return self._mode

    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        self._mode = renderMode
        return True

    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        return dict(_CODECS) if renderFormat == "exr" else {}

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        self._render.update({key: value for key, value in settings.items() if key in _KNOWN})
        if self._timeline and "MarkIn" in settings and not self._render["SelectAllFrames"]:
            self._timeline._marks["video"] = {"in": settings["MarkIn"], "out": settings["MarkOut"]}
        return True

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if presetName in self._presets:
            return False
        self._presets[presetName] = self._state()
        return True

    def LoadRenderPreset(self, presetName: str) -> bool:
        kept = self._presets.get(presetName)
        if kept is None:
            return False
        self._render, self._format, self._mode = dict(kept["settings"]), dict(kept["format"]), kept["mode"]
        return True

    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self._presets.pop(presetName, None) is not None

    def AddRenderJob(self) -> str:
        job = self._world.new_id()
        self._jobs[job] = {**self._state(), "todo": None, "done": 0, "status": "Ready"}
        return job

    def DeleteRenderJob(self, jobId: str) -> bool:
        return self._jobs.pop(jobId, None) is not None

    def StartRendering(self, jobIds: list[str], isInteractiveMode: bool = False) -> bool:
        job = self._jobs[jobIds[0]]
        settings, timeline = job["settings"], self._timeline
        assert timeline is not None
        whole = settings["SelectAllFrames"]
        first = timeline.GetStartFrame() if whole else settings["MarkIn"]
        last = timeline.GetEndFrame() - 1 if whole else settings["MarkOut"]
        job.update(todo=list(range(first, last + 1)), total=last - first + 1, status="Rendering")
        self._running = jobIds[0]
        return True

    def StopRendering(self) -> None:
        if self._running:
            self._jobs[self._running]["status"] = "Cancelled"
        self._running = None

    def IsRenderingInProgress(self) -> bool:
        if self._running is None:
            return False
        job = self._jobs[self._running]
        for record in job["todo"][:2]:
            self._picture(job, record)
        del job["todo"][:2]
        if not job["todo"]:
            job["status"], self._running = "Complete", None
        return self._running is not None

    def GetRenderJobStatus(self, jobId: str) -> dict[str, Any]:
        job = self._jobs.get(jobId)
        if job is None:
            return {}
        left = len(job["todo"] or []) if job["todo"] is not None else 1
        return {"JobStatus": job["status"], "CompletionPercentage": round(100 * (1 - left / job.get("total", 1)))}

    def _picture(self, job: dict[str, Any], record: int) -> None:
        settings, timeline = job["settings"], self._timeline
        assert timeline is not None
        if not settings.get("ExportVideo") or job["format"]["format"] != "exr" or job["mode"] != 1:
            return
        if self._world.short_render and record > settings["MarkOut"] - self._world.short_render:
            return
        item = timeline._top(record)
        pixels = _shown(item, record)
        spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "half")
        path = Path(settings["TargetDir"]) / f"{settings['CustomName']}{record:08d}.exr"
        out = oiio.ImageOutput.create(str(path))
        assert out is not None and out.open(str(path), spec) and out.write_image(np.ascontiguousarray(pixels))
        out.close()


def _shown(item: Any, record: int) -> np.ndarray:
    if item is None:
        return np.zeros((8, 8, 3), np.float32)
    if item._media is None or not item._media._pattern:
        return _shown(item._inside, record) if item._inside else np.ones((8, 8, 3), np.float32)
    return item._media._pixels(item._shows(record)) * np.float32(item._gain)


class ProjectManager(Thing):
    def __init__(self, world: World, project: Project | None) -> None:
        super().__init__(world)
        self._project = project
        self._saves = 0

    def GetCurrentProject(self) -> Project | None:
        return self._project

    def SaveProject(self) -> bool:
        self._saves += 1
        if self._project and self._project._timeline:
            self._project._timeline._saved()
        return True


class Resolve(Thing):
    def __init__(self, world: World, project: Project | None) -> None:
        super().__init__(world)
        self._manager = ProjectManager(world, project)
        self._major = 21

    def GetProjectManager(self) -> ProjectManager:
        return self._manager

    def GetProductName(self) -> str:
        return "DaVinci Resolve Studio" if self._world.studio else "DaVinci Resolve"

    def GetVersion(self) -> list[Any]:
        return [self._major, 0, 0, 47, ""]

    def GetVersionString(self) -> str:
        return f"{self._major}.0.0.47"
