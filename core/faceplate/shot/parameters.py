"""The parameter list, in which every parameter is declared once.

An entry holds name, type, range, default, label, help, group, whether it can be keyed, and the first stage that it
invalidates. The command line, the shot file, the stage cache, `docs/parameters.md` and the JSON from which hosts build their
panels are made from this list; `faceplate parameters --write` writes the last two. A renamed parameter keeps its former name
as an alias: old files, options and requests still work, and a note names the new name.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["FORMER_NAMES", "PARAMETERS", "Parameter", "Parameters", "Stage", "current_names", "describe"]

_log = logging.getLogger("faceplate.parameters")


class Stage(StrEnum):
    """The stages of a frame in order; a parameter names the first stage that runs again when its value changes."""

    FIND = "find"
    GENERATE = "generate"
    RESTORE = "restore"
    EXPRESSION = "expression"
    MATTE = "matte"
    MATCH = "match"
    ELEMENT = "element"
    WRITE = "write"


@dataclass(frozen=True)
class About:
    """Everything declared of a parameter besides its type, range and default.

    `path` means that the value names a file, for which hosts offer a browser. `former` is the name before a renaming. `unit` stands
    behind the value in a panel; a value without one is an amount.
    """

    label: str
    help: str
    group: str
    invalidates: Stage
    animatable: bool = True
    path: bool = False
    former: str = ""
    unit: str = ""


class Parameters(BaseModel):
    """The values of one render. Lengths are fractions of the face's size, the longer side of the mesh's box."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _accept_former_names(cls, values: Any) -> Any:
        return current_names(values) if isinstance(values, Mapping) else values

    target: Annotated[
        str,
        About(
            "Target",
            "The face of the plate to replace: auto, largest, leftmost, rightmost, a number from 1 (left to "
            "right; with a track in order of appearance), a name (with a track), a point x,y or frame:x,y, "
            "or the path of a picture of the person. auto takes the only face, or a face twice as large as "
            "any other.",
            "Face",
            Stage.FIND,
            animatable=False,
        ),
    ] = "auto"
    detector: Annotated[
        str,
        About(
            "Detector",
            "Face detection network: empty for the shipped one (yunet), or the name of a scrfd, retinaface "
            "or yoloface network of the model store.",
            "Face",
            Stage.FIND,
            animatable=False,
        ),
    ] = ""
    landmarker: Annotated[
        str,
        About(
            "Landmarker",
            "Landmark network for eyes, nose and mouth: empty for the 478-point mesh alone, or the name of a "
            "2dfan4 or 2d106det network of the model store, to whose points the mesh is fitted.",
            "Face",
            Stage.FIND,
            animatable=False,
        ),
    ] = ""
    recogniser: Annotated[
        str,
        About(
            "Recogniser",
            "Face recognition network, used when the target is a picture: empty for the shipped one (sface), "
            "or the name of an arcface network of the model store.",
            "Face",
            Stage.FIND,
            animatable=False,
        ),
    ] = ""
    generator: Annotated[
        str,
        About(
            "Generator",
            "Generator of the new face: mesh warps the source's pictures onto the plate's face; null changes "
            "nothing and tests the pipeline; any other name is a swap network of the model store.",
            "Face",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = "mesh"
    crop: Annotated[
        int,
        Field(ge=64, le=2048),
        About(
            "Crop",
            "Side in pixels of the square crop of the null generator. mesh works on the plate's own pixels.",
            "Face",
            Stage.GENERATE,
            animatable=False,
            unit="px",
        ),
    ] = 512
    supersample: Annotated[
        int,
        Field(ge=1, le=8),
        About(
            "Supersample",
            "Runs a swap network on n x n interleaved tiles of a crop that is n times as large.",
            "Network",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = 1
    identity: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Identity",
            "Strength of the identity in a swap network: 0.5 is the source, lower values mix in the target, "
            "higher values move away from it.",
            "Network",
            Stage.GENERATE,
        ),
    ] = 0.5
    morph: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About("Morph", "Morph value of a DFM model that has one.", "Network", Stage.GENERATE),
    ] = 1.0
    dfm_mattes: Annotated[
        Literal["both", "face", "celeb", "none"],
        About(
            "DFM mattes",
            "Which mattes of a DFM model limit the face.",
            "Network",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = "both"
    restorer: Annotated[
        str,
        About(
            "Restorer",
            "Restoration network of the model store that runs after the generator; empty for none.",
            "Network",
            Stage.RESTORE,
            animatable=False,
        ),
    ] = ""
    restore_amount: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About("Restore amount", "Opacity of the restorer's result.", "Network", Stage.RESTORE),
    ] = 0.8
    restore_fidelity: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Restore fidelity", "CodeFormer's fidelity weight: 1 stays closest to the input.", "Network", Stage.RESTORE
        ),
    ] = 0.5
    shape: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Shape",
            "Amount of the source's face shape: 0 keeps the plate's geometry, 1 uses the source's shape as "
            "far as the pose allows, and the plate around the face is warped to meet it. Applies to mesh "
            "only.",
            "Source",
            Stage.GENERATE,
        ),
    ] = 1.0
    mouth: Annotated[
        Literal["auto", "source", "plate"],
        About(
            "Mouth",
            "Mouth interior: the source's, the plate's, or auto, which uses the plate's where no view of the "
            "source is open enough.",
            "Source",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = "auto"
    eyes: Annotated[
        Literal["auto", "source", "plate"],
        About(
            "Eyes",
            "Eyes: the source's, the plate's, or auto, which turns the source's eyes to the plate's gaze and "
            "uses the plate's where no view of the source is open enough.",
            "Source",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = "auto"
    pins: Annotated[
        str,
        About(
            "Pinned views",
            "Source pictures to use alone on a range of frames: open.jpg@1010-1024, front.jpg@1030.",
            "Source",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = ""
    network_view: Annotated[
        str,
        About(
            "Network view",
            "Encoding in which a network receives the plate: empty for the built-in sRGB curve with a soft "
            "shoulder, or display/view of the OCIO config, such as sRGB - Display/ACES 1.0 - SDR Video.",
            "Source",
            Stage.GENERATE,
            animatable=False,
        ),
    ] = ""
    dial_gaze_x: Annotated[
        float,
        Field(ge=-30.0, le=30.0),
        About(
            "Look across",
            "Turns the performed look to the picture's right, or left below 0, in degrees.",
            "Expression",
            Stage.GENERATE,
            unit="°",
        ),
    ] = 0.0
    dial_gaze_y: Annotated[
        float,
        Field(ge=-15.0, le=15.0),
        About(
            "Look up",
            "Turns the performed look up, or down below 0, in degrees.",
            "Expression",
            Stage.GENERATE,
            unit="°",
        ),
    ] = 0.0
    dial_lids: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Lids",
            "Opens the performed lids wider, or closes them below 0; -1 shuts open eyes.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_brow_right: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Right brow",
            "Raises the person's right brow, or lowers it below 0.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_brow_left: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Left brow",
            "Raises the person's left brow, or lowers it below 0.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_mouth: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Mouth open",
            "Opens the performed mouth, or closes it below 0; -1 shuts the lips.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_smile: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Smile",
            "Draws the corners of the mouth out and up, or in and down below 0.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_jaw: Annotated[
        float,
        Field(ge=-1.0, le=1.0),
        About(
            "Jaw",
            "Moves the jaw to the picture's right, or left below 0.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    dial_press: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Lips press",
            "Presses the lips together.",
            "Expression",
            Stage.GENERATE,
        ),
    ] = 0.0
    match_lids: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Match lids",
            "How far the new face's lids are opened and closed as the performer's; 0 leaves them as generated.",
            "Expression",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    match_gaze: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Match gaze",
            "How far the new face's irises are turned to where the performer looks; 0 leaves them as generated.",
            "Expression",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    match_mouth: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Match mouth",
            "How far the new face's lips are opened and shaped as the performer's; 0 leaves them as generated.",
            "Expression",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    match_jaw: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Match jaw",
            "How far the new face's jaw is moved to where the performer's is; 0 leaves it as generated.",
            "Expression",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    match_brows: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Match brows",
            "How far the new face's brows are raised and lowered as the performer's; 0 leaves them as generated.",
            "Expression",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    matte_erode: Annotated[
        float,
        Field(ge=0.0, le=0.3),
        About(
            "Erode",
            "Distance of the matte's edge inside the outline of the face.",
            "Matte",
            Stage.MATTE,
            unit="of the face",
        ),
    ] = 0.0
    matte_feather: Annotated[
        float,
        Field(ge=0.0, le=0.5),
        About(
            "Feather",
            "Width of the matte's soft edge, measured inward from the eroded edge.",
            "Matte",
            Stage.MATTE,
            unit="of the face",
        ),
    ] = 0.045
    forehead: Annotated[
        float,
        Field(ge=0.0, le=1.5),
        About(
            "Forehead",
            "Upper limit of the matte: 0 at the brows, 1 at the top of the mesh below the hairline, higher "
            "values extend into the hair.",
            "Matte",
            Stage.MATTE,
        ),
    ] = 1.08
    edge_jaw: Annotated[
        float,
        Field(ge=-0.2, le=0.2),
        About(
            "Jaw edge",
            "Moves the matte's edge at the jaw outward, or inward below 0.",
            "Matte",
            Stage.MATTE,
            unit="of the face",
        ),
    ] = 0.015
    edge_right: Annotated[
        float,
        Field(ge=-0.2, le=0.2),
        About(
            "Right edge",
            "Moves the matte's edge at the person's right ear outward, or inward below 0.",
            "Matte",
            Stage.MATTE,
            unit="of the face",
        ),
    ] = 0.015
    edge_left: Annotated[
        float,
        Field(ge=-0.2, le=0.2),
        About(
            "Left edge",
            "Moves the matte's edge at the person's left ear outward, or inward below 0.",
            "Matte",
            Stage.MATTE,
            unit="of the face",
        ),
    ] = 0.015
    occlusion: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Occlusion",
            "Sensitivity of the detection of objects in front of the face (a hand, a strand, a microphone), "
            "which stay in front; 0 switches it off.",
            "Matte",
            Stage.MATTE,
        ),
    ] = 0.5
    occluder: Annotated[
        str,
        About(
            "Occluder",
            "Occlusion network: empty for the shipped one, or the name of an xseg or bisenet network of the "
            "model store.",
            "Matte",
            Stage.MATTE,
            animatable=False,
        ),
    ] = ""
    parser: Annotated[
        str,
        About(
            "Parser",
            "Face parsing network (bisenet) of the model store: hair and hats stay in front along its "
            "hairline, and it draws the regions to keep; empty for the mesh alone.",
            "Matte",
            Stage.MATTE,
            animatable=False,
        ),
    ] = ""
    keep_regions: Annotated[
        str,
        About(
            "Keep regions",
            "Regions of the plate's face that stay: eyes, mouth, brows, nose, jaw, separated by commas; with "
            "a parser also hair, hat, glasses, ears, neck. They move with a new face shape.",
            "Matte",
            Stage.MATTE,
            animatable=False,
            former="keep",
        ),
    ] = ""
    holdout_matte: Annotated[
        str,
        About(
            "Holdout matte",
            "A picture or sequence whose red channel marks where the plate stays in front.",
            "Matte",
            Stage.MATTE,
            animatable=False,
            former="hold_out",
            path=True,
        ),
    ] = ""
    garbage_matte: Annotated[
        str,
        About(
            "Garbage matte",
            "A picture or sequence whose red channel marks where the new face is allowed.",
            "Matte",
            Stage.MATTE,
            animatable=False,
            former="garbage",
            path=True,
        ),
    ] = ""
    profile_fade: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Profile fade",
            "How far the new face is faded where no picture of the source shows it, once the head is turned too far from all of "
            "them; 0 stretches what there is instead. Applies to mesh only.",
            "Matte",
            Stage.MATTE,
        ),
    ] = 1.0
    profile_turn: Annotated[
        float,
        Field(ge=0.0, le=90.0),
        About(
            "Profile turn",
            "The turn in degrees, away from the nearest picture of the source, at which the profile fade begins; it is complete "
            "15 degrees later.",
            "Matte",
            Stage.MATTE,
            unit="°",
        ),
    ] = 25.0
    light_luminance: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About("Light", "How much of the plate's light and shade the new face takes.", "Light", Stage.MATCH),
    ] = 1.0
    light_color: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About("Light colour", "How much of the colour of the plate's light the new face takes.", "Light", Stage.MATCH),
    ] = 1.0
    grade_features: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Teeth and eyes take the grade",
            "How far the saturation of the plate's grade is followed, and teeth, eyes and lips take the plate's colour by its own "
            "teeth and eyes; 0 treats them as skin.",
            "Light",
            Stage.MATCH,
        ),
    ] = 1.0
    light_scale: Annotated[
        float,
        Field(ge=0.03, le=1.0),
        About(
            "Light scale",
            "Finest scale at which hard light is followed. Larger values follow it less and keep more of the new face's own "
            "modelling; soft light hardly depends on it.",
            "Light",
            Stage.MATCH,
            unit="of the face",
        ),
    ] = 0.08
    light_highlights: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Highlights",
            "How far highlights stronger than the plate's own, such as dark skin's on light skin, are "
            "reduced to the plate's level.",
            "Light",
            Stage.MATCH,
        ),
    ] = 1.0
    blend: Annotated[
        Literal["seam", "gradient", "multiband", "none"],
        About(
            "Blend",
            "How the seam is closed: seam corrects the skin near the outline with values that are smooth in time; "
            "gradient spreads this frame's difference at the seam smoothly inward; multiband mixes coarse detail "
            "widely and fine detail narrowly; none leaves the face unchanged.",
            "Light",
            Stage.MATCH,
            animatable=False,
        ),
    ] = "seam"
    blend_amount: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About("Blend amount", "Amount of the blend's correction.", "Light", Stage.MATCH),
    ] = 1.0
    blend_reach: Annotated[
        float,
        Field(ge=0.02, le=100.0),
        About(
            "Blend reach",
            "Distance that the correction of seam and gradient reaches inward; above 2 it fills the whole face like a membrane.",
            "Light",
            Stage.MATCH,
            unit="of the face",
        ),
    ] = 0.1
    enhance: Annotated[
        float,
        Field(ge=0.0, le=2.0),
        About(
            "Enhance",
            "Raises the fine detail of the new face, for a source that is softer than the plate; 0 leaves it "
            "unchanged.",
            "Detail",
            Stage.MATCH,
        ),
    ] = 0.0
    plate_detail: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Plate detail",
            "How much of the plate's detail that the generator's crop cannot hold is kept; 1 returns the "
            "plate exactly where the generator changes nothing. Has no effect on mesh, whose crop is the "
            "plate's own pixels.",
            "Detail",
            Stage.EXPRESSION,
        ),
    ] = 1.0
    plate_skin: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Plate skin",
            "How much of that detail is kept of the double's skin, pores and lines, as opposed to grain; 0 "
            "keeps the grain alone.",
            "Detail",
            Stage.ELEMENT,
        ),
    ] = 1.0
    shutter: Annotated[
        str,
        About(
            "Shutter",
            "How long the shutter is open, which blurs the face along its own movement: auto as tracking measured it on the "
            "plate's edges, plate as the plate's header says (auto where it says nothing), or a number from 0 to 1, a fraction "
            "of the time between two frames. The blur is centred on the tracked face. Needs a track.",
            "Lens",
            Stage.MATCH,
            animatable=False,
        ),
    ] = "auto"
    motion_blur: Annotated[
        float,
        Field(ge=0.0, le=2.0),
        About("Motion blur", "Factor on the shutter; 0 switches motion blur off.", "Lens", Stage.MATCH),
    ] = 1.0
    defocus: Annotated[
        str,
        About(
            "Defocus",
            "How far the new face is out of focus: auto makes its edges as soft as the plate's, as tracking measured them, or a "
            "number, the standard deviation of the blur in pixels of the full plate.",
            "Lens",
            Stage.MATCH,
            animatable=False,
        ),
    ] = "auto"
    defocus_amount: Annotated[
        float,
        Field(ge=0.0, le=4.0),
        About(
            "Defocus amount", "Factor on the defocus; 0 switches it off. Keyed, it pulls focus.", "Lens", Stage.MATCH
        ),
    ] = 1.0
    defocus_falloff: Annotated[
        float,
        Field(ge=-20.0, le=20.0),
        About(
            "Defocus fall-off",
            "How much more the new face is out of focus at the depth of the ears than at the eyes, in pixels of the full plate "
            "(standard deviation); what lies before the eyes changes the other way, up to sharp and out of focus again. "
            "Negative where the plane of focus lies behind the eyes.",
            "Lens",
            Stage.MATCH,
        ),
    ] = 0.0
    grain: Annotated[
        float,
        Field(ge=0.0, le=2.0),
        About("Grain", "Amount of the plate's grain on the new face; 1 matches the plate.", "Detail", Stage.ELEMENT),
    ] = 1.0
    own_grain: Annotated[
        float,
        Field(ge=0.0, le=1.0),
        About(
            "Own grain",
            "How much grain and noise of the new face's own pixels is kept. A network's counts towards the plate's "
            "grain; that of source pictures stands still and does not count.",
            "Detail",
            Stage.ELEMENT,
        ),
    ] = 1.0
    layers: Annotated[
        str,
        About(
            "Layers",
            "Layers of an element beside RGBA, separated by commas: matte, parts (the parts of the matte), "
            "raw, stmap, depth, confidence, id, or all.",
            "Output",
            Stage.WRITE,
            animatable=False,
        ),
    ] = "matte"
    window: Annotated[
        Literal["face", "plate"],
        About(
            "Window",
            "Data window of an element: limited to the face, or the plate's, for hosts that centre a picture "
            "by its data window.",
            "Output",
            Stage.WRITE,
            animatable=False,
        ),
    ] = "face"
    no_face: Annotated[
        Literal["fail", "pass"],
        About(
            "No face",
            "A frame without the face: fail reports an error, pass returns the plate (an empty element).",
            "Face",
            Stage.FIND,
            animatable=False,
        ),
    ] = "fail"


@dataclass(frozen=True)
class Parameter:
    """One entry of the list, as the command line and the hosts read it. `minimum` and `maximum` are None without a bound."""

    name: str
    kind: type
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    about: About


def _entries() -> tuple[Parameter, ...]:
    entries = []
    for name, field in Parameters.model_fields.items():
        bounds = {key: getattr(item, key) for item in field.metadata for key in ("ge", "le") if hasattr(item, key)}
        about = next(item for item in field.metadata if isinstance(item, About))
        annotation = field.annotation
        literal = get_origin(annotation) is Literal
        entries.append(
            Parameter(
                name=name,
                kind=str if literal else cast(type, annotation),
                default=field.default,
                minimum=bounds.get("ge"),
                maximum=bounds.get("le"),
                choices=get_args(annotation) if literal else (),
                about=about,
            )
        )
    return tuple(entries)


PARAMETERS: tuple[Parameter, ...] = _entries()

FORMER_NAMES: dict[str, str] = {item.about.former: item.name for item in PARAMETERS if item.about.former}
"""Names of renamed parameters, each with the name that replaced it."""


def current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` by parameter, with former names replaced by the current ones; a value under the current name wins.

    Logs one note per former name and process.
    """
    renamed: dict[str, Any] = {}
    for name, value in values.items():
        if name in FORMER_NAMES:
            _note_former_name(name)
            if FORMER_NAMES[name] not in values:
                renamed[FORMER_NAMES[name]] = value
        else:
            renamed[name] = value
    return renamed


@cache
def _note_former_name(name: str) -> None:
    _log.warning("The parameter '%s' is now called '%s'; the old name still works.", name, FORMER_NAMES[name])


def describe() -> list[dict[str, Any]]:
    """Return the list as plain JSON values, one entry per parameter, from which hosts build their panels.

    `type` is float, int, string, choice or path; `minimum` and `maximum` are None without a bound.
    """
    return [
        {
            "name": parameter.name,
            "type": _type_word(parameter),
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
            "choices": list(parameter.choices),
            "label": parameter.about.label,
            "help": parameter.about.help,
            "group": parameter.about.group,
            "animatable": parameter.about.animatable,
            "invalidates": str(parameter.about.invalidates),
            "unit": parameter.about.unit,
        }
        for parameter in PARAMETERS
    ]


def _type_word(parameter: Parameter) -> str:
    if parameter.choices:
        return "choice"
    if parameter.about.path:
        return "path"
    return {float: "float", int: "int", str: "string"}[parameter.kind]
