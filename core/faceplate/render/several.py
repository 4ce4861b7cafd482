"""Several faces in one frame: each is rendered as if it were alone, then they are laid over each other by their depth.

Every face is made on the photographed plate, so that it is the picture that a shot with this face alone would give, and its
stages are kept under the same keys. `comp/stack.py` says what happens where two faces overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from faceplate.color import ColorConfig
from faceplate.comp.layers import cryptomatte, face_layer
from faceplate.comp.stack import StackFace, stack_faces
from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.render.cache_keys import FacesKeys
from faceplate.render.composite import CompositeResult, layer_names
from faceplate.render.depth_order import depth_order
from faceplate.render.faces_resources import FacesResources
from faceplate.render.resources import RenderResources
from faceplate.render.result import LocatedFrame, Rendered

__all__ = ["ABSENT", "merge_faces", "refuse_one_person_twice"]

ABSENT = frozenset({"no-face", "no-such-face", "face-outside"})
"""Codes of errors that say that a frame does not show a face. Among several faces that is a note, as for one out of the picture."""

# Layers of one face that the frame has for all faces together.
_TOGETHER = ("matte", "faceplate_id")


def refuse_one_person_twice(names: Sequence[str], located: Sequence[LocatedFrame]) -> None:
    """Refuse a frame in which two faces are one face of the plate. Raises `UsageError('same-person')`."""
    for index, second in enumerate(located):
        for earlier, first in enumerate(located[:index]):
            if first.face is None or second.face is None:
                continue
            if np.array_equal(first.face.points, second.face.points):
                raise UsageError(
                    "same-person",
                    f"The faces {names[earlier]} and {names[index]} replace the same person: set the parameter target of "
                    "each face.",
                )


def merge_faces(resources: RenderResources, located: LocatedFrame, made: tuple[Rendered, ...]) -> Rendered:
    """Return the results `made` of a frame's faces as one, without the slate; `resources` are the shot's."""
    assert isinstance(resources, FacesResources)
    shot, frames, data = resources.shot, (located, *located.others), located.file.data
    order = depth_order(
        resources.faces,
        [item.request for item in frames],
        [item.target.face for item in frames],
        [face.head_size for face in shot.faces],
    )
    faces = {face.name: item for face, item in zip(shot.faces, made, strict=True)}
    keys = FacesKeys.of(shot, [item.keys for item in frames])
    return Rendered(
        frame=located.frame,
        file=located.file,
        result=_merged(faces, order, resources.color, Window(data.x, data.y, 0, 0), shot.mode),
        face=made[order[-1]].face if order else None,
        parameters=resources.values(located.frame, located.values),
        notes=tuple(dict.fromkeys(note for item in made for note in item.notes)),
        proxy=located.request.proxy,
        key=keys.frame_key(),
        keys=keys,
        faces=made,
    )


def _merged(
    faces: Mapping[str, Rendered], order: Sequence[int], color: ColorConfig, empty: Window, mode: str
) -> CompositeResult:
    """Return the faces of one frame as one result; `faces` are each face's own by name, `order` the farthest first.

    Over, element and matte are those of all faces. In element mode each face's own element is a layer (`face_layer`), and so
    are the other layers that it asks for; the id layer holds every name of the shot, also of those whom the frame does not
    show. `empty` is the window where no face is shown.
    """
    results = [item.result for item in faces.values()]
    notes = tuple(f"{name}: {note}" for name, item in faces.items() for note in item.result.notes)
    space = next((item.space for item in results if item.space), "")
    stack = stack_faces(
        [_stack_face(item) for item in results],
        order,
        lambda pixels: color.to_working(np.ascontiguousarray(pixels), space),
        lambda pixels: color.from_working(np.ascontiguousarray(pixels), space),
    )
    window = stack.window if order else empty
    layers: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    if mode == "element":
        layers = _layers_of_faces(faces, stack.elements, window)
    asked = frozenset(word for item in faces.values() for word in layer_names(item.parameters))
    if "matte" in asked:
        layers["matte"] = stack.element[..., 3].copy()
    if "id" in asked:
        visible = stack.visible if window.area else [np.zeros((1, 1), np.float32) for _ in faces]
        ids, attributes = cryptomatte(list(zip(faces, visible, strict=True)))
        layers |= {name: layer[: window.height, : window.width] for name, layer in ids.items()}
    return CompositeResult(
        window, space, stack.over, stack.element, stack.element[..., 3].copy(), layers, attributes, notes
    )


def _stack_face(result: CompositeResult) -> StackFace:
    assert result.face_matte is not None
    return StackFace(result.window, result.over, result.element, result.face_matte)


def _layers_of_faces(
    faces: Mapping[str, Rendered], elements: Sequence[np.ndarray], window: Window
) -> dict[str, np.ndarray]:
    layers: dict[str, np.ndarray] = {}
    for (name, item), element in zip(faces.items(), elements, strict=True):
        layers[face_layer(name)] = element
        for layer, pixels in item.result.layers.items():
            if layer.startswith(_TOGETHER) and not layer.startswith("matte_"):
                continue
            larger = np.zeros((window.height, window.width, *pixels.shape[2:]), np.float32)
            if not item.result.window.empty:
                larger[item.result.window.slices(window)] = pixels
            layers[face_layer(name, layer)] = larger
    return layers
