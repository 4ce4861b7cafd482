"""What the routes of the workspace work with: the engine's service, the shots by their files, and kept pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from faceplate.errors import UsageError
from faceplate.render import Renderer
from faceplate.service.app import Service
from faceplate.service.schema import ShotRequest
from faceplate.service.sessions import page_environ
from faceplate.service.shots import OpenShot
from faceplate.shot import is_shot_file
from faceplate.system.user_paths import resolved
from faceplate.workspace.frame_states import FrameKeys
from faceplate.workspace.kept_pictures import KeptPictures

__all__ = ["Desk"]


@dataclass(frozen=True)
class Desk:
    """The service, the pictures that are kept for scrubbing, and the keys that a timeline asks for."""

    service: Service
    pictures: KeptPictures = field(default_factory=KeptPictures)
    keys: FrameKeys = field(default_factory=FrameKeys)

    def path(self, shot: str) -> Path:
        """Return the shot file that a request names. Raises `UsageError` `no-shot`, `outside-roots`."""
        self.service.roots.check(shot)
        found = resolved(shot)
        if found is None or not is_shot_file(shot) or not Path(shot).is_absolute():
            raise UsageError("no-shot", f"'{shot}' is not the full path of a shot file, *.shot.json.")
        return Path(shot)

    def open(self, shot: str) -> OpenShot:
        """Open the shot of a file as it is now. Raises what `OpenShots.open` raises."""
        path = self.path(shot)
        return self.service.shots.open(ShotRequest(path=str(path), environ={**os.environ, **page_environ.get()}))

    def renderer(self, shot: str, face: str | None = None) -> Renderer:
        """Return the shot's renderer, or that of one of its faces. Raises `UsageError('no-such-face')` and those of `open`."""
        opened = self.open(shot)
        renderer = opened.renderer(opened.shot.output)
        if face is None or face == "":
            return renderer
        for own in renderer.faces:
            if own.shot.person == face:
                return own
        raise UsageError("no-such-face", f"The shot has no face '{face}'.")
