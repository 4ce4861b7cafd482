"""The running Resolve: edition, open project and timeline. Every answer of Resolve is checked here."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faceplate_client import HostError

from .timing import Rate, parse_rate

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, ProjectManager, Resolve, Timeline

__all__ = ["Host", "from_menu", "from_outside", "has"]

_OLDEST = 19  # the first version with tracks of items and marks of timelines
_MODULES = {
    "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting/Modules",
    "win32": r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting\Modules",
    "linux": "/opt/resolve/Developer/Scripting/Modules",
}


@dataclass(frozen=True)
class Host:
    """The open timeline with its project. `studio` is False in the free edition."""

    resolve: Resolve
    manager: ProjectManager
    project: Project
    pool: MediaPool
    timeline: Timeline
    rate: Rate
    studio: bool
    fusion: Any = None
    ui: Any = None
    dispatcher: Any = None

    @classmethod
    def of(cls, resolve: Any) -> Host:
        """Return the host of a Resolve object. Raises HostError `too-old`, `no-project`, `no-timeline`, `bad-rate`."""
        version = list(resolve.GetVersion() or [0])
        if int(version[0]) < _OLDEST:
            raise HostError(
                "too-old", f"This is Resolve {resolve.GetVersionString()}; Faceplate needs {_OLDEST} or later."
            )
        manager = resolve.GetProjectManager()
        project = manager.GetCurrentProject() if manager else None
        if not project:
            raise HostError("no-project", "No project is open in Resolve.")
        timeline = project.GetCurrentTimeline()
        if not timeline:
            raise HostError("no-timeline", "No timeline is open: open the one with the clip.")
        said = timeline.GetSetting("timelineFrameRate") or project.GetSetting("timelineFrameRate")
        try:
            rate = parse_rate(said)
        except ValueError:
            raise HostError(
                "bad-rate", f"Resolve reports a timeline rate of '{said}' frames a second, which is unknown."
            ) from None
        studio = "studio" in str(resolve.GetProductName()).lower()
        return cls(resolve, manager, project, project.GetMediaPool(), timeline, rate, studio)

    def setting(self, name: str) -> str:
        """Return a setting of the timeline, else of the project; empty when neither has it."""
        return str(self.timeline.GetSetting(name) or self.project.GetSetting(name) or "")

    def save(self) -> None:
        """Save the project, because changes may be lost by the save. Raises HostError `not-saved`."""
        if not self.manager.SaveProject():
            raise HostError(
                "not-saved",
                "Resolve did not save the project; a dialog of its own may be open in front of it: close it.",
            )

    def restore_timeline(self) -> None:
        """Make the timeline current again, in case the user opened another one."""
        if self.project.GetCurrentTimeline() != self.timeline:
            self.project.SetCurrentTimeline(self.timeline)


def has(thing: Any, name: str) -> bool:
    """Return whether a host object has a method. `hasattr` is True for every name there; `dir` is correct."""
    return name in dir(thing)


def from_menu(names: dict[str, Any]) -> Host:
    """Return the host from the globals of a menu script. Raises HostError."""
    resolve = names.get("resolve")
    if not resolve and names.get("app") is not None:
        resolve = names["app"].GetResolve()
    if not resolve:
        raise HostError("no-resolve", "This script must be started from Resolve's menu Workspace > Scripts.")
    host = Host.of(resolve)
    fusion, bmd = names.get("fusion") or names.get("fu"), names.get("bmd")
    if not host.studio or fusion is None or bmd is None:
        return host  # since 19.1 the free edition answers the UI manager with a dialog that blocks what follows
    ui = fusion.UIManager
    if ui is None:
        return host
    return replace(host, fusion=fusion, ui=ui, dispatcher=bmd.UIDispatcher(ui))


def from_outside() -> Host:
    """Return the host for an external program (Studio only). Raises HostError `no-resolve`."""
    folder = os.environ.get("RESOLVE_SCRIPT_API")
    modules = os.path.join(folder, "Modules") if folder else os.path.expandvars(_MODULES.get(sys.platform, ""))
    if modules and modules not in sys.path:
        sys.path.append(modules)
    try:
        module = importlib.import_module("DaVinciResolveScript")
    except ImportError:
        raise HostError(
            "no-resolve", f"DaVinciResolveScript was not found in {modules}; set RESOLVE_SCRIPT_API to its folder."
        ) from None
    resolve = module.scriptapp("Resolve")
    if not resolve:
        raise HostError(
            "no-resolve",
            "Resolve does not answer: it must run (also with -nogui), be the Studio edition, and allow external scripting "
            "in Preferences > System > General; in the free edition use the menu Workspace > Scripts.",
        )
    return Host.of(resolve)
