"""The header fields of a written frame: engine, networks, parameters, plate, and the source's release."""

from __future__ import annotations

import json
from dataclasses import replace

from faceplate.provenance import Provenance
from faceplate.render.faces_resources import FacesResources
from faceplate.render.resources import RenderResources
from faceplate.render.result import Rendered
from faceplate.shot.parameters import Parameters
from faceplate_client.version import __version__

__all__ = ["device_of", "engine_fields", "frame_fields", "tracked_frames"]


def frame_fields(resources: RenderResources, rendered: Rendered) -> dict[str, str | int | float]:
    """Every field that the file of a rendered frame carries."""
    of_faces = _faces_fields(resources, rendered) if isinstance(resources, FacesResources) else {}
    fields = {**engine_fields(resources, rendered.parameters), **_provenance_fields(resources, rendered), **of_faces}
    if rendered.key:
        fields["faceplate:key"] = rendered.key
    if rendered.keys is not None:
        fields["faceplate:content"] = replace(rendered.keys, whole=True).frame_key()
    if rendered.proxy > 1:
        fields["faceplate:proxy"] = rendered.proxy
    return fields


def engine_fields(resources: RenderResources, parameters: Parameters) -> dict[str, str | int | float]:
    """Engine, generator, weights with hash and licence, parameters, device and colour of a frame.

    Of several faces `parameters` are those that they have in common, and the rest is that of all of them.
    """
    cards = resources.cards(parameters)
    return {
        "faceplate:engine": f"faceplate {__version__}",
        "faceplate:generator": _generator_name(resources, parameters),
        "faceplate:weights": ", ".join(f"{card.name} {card.sha256[:16]} {card.licence}" for card in cards),
        "faceplate:parameters": json.dumps(parameters.model_dump(), sort_keys=True),
        "faceplate:device": device_of(resources, parameters),
        **({"faceplate:tracked": tracked} if (tracked := tracked_frames(resources)) else {}),
        "faceplate:ocio": resources.color.source,
        "faceplate:working_space": resources.color.working_space,
    }


def tracked_frames(resources: RenderResources) -> str:
    """Return the frames that the track, or the tracks of several faces, were made from; "" without a track."""
    every = resources.faces if isinstance(resources, FacesResources) else (resources,)
    return "; ".join(dict.fromkeys(face.track.range_text for face in every if face.track is not None))


def device_of(resources: RenderResources, parameters: Parameters) -> str:
    """Where the networks of a frame run, as `cuda:0, cuda:1`; `cpu` where no GPU has a part in its pixels."""
    if isinstance(resources, FacesResources):
        every = [device_of(face, face.shot.parameters).split(", ") for face in resources.faces]
        return ", ".join(sorted({place for places in every for place in places} - {"cpu"})) or "cpu"
    mattes = resources.matte_networks(parameters)
    finding = () if resources.track is not None else resources.finder(parameters).opened
    networks = (*getattr(resources.generator(parameters), "networks", ()), mattes.occluder, mattes.parser, *finding)
    places = {target for network in networks if network is not None for target in network.targets} - {"cpu"}
    return ", ".join(sorted(places)) or "cpu"


def _generator_name(resources: RenderResources, parameters: Parameters) -> str:
    if not isinstance(resources, FacesResources):
        return resources.generator(parameters).name
    return ", ".join(dict.fromkeys(face.generator(face.shot.parameters).name for face in resources.faces))


def _faces_fields(resources: FacesResources, rendered: Rendered) -> dict[str, str]:
    """Who is in the picture: all names, and for each the release, the generator and the parameters that differ from the others'."""
    common = rendered.parameters.model_dump()
    faces = {}
    for face, item in zip(resources.faces, rendered.faces, strict=True):
        check = face.consent.check
        own = {name: value for name, value in item.parameters.model_dump().items() if value != common[name]}
        faces[face.shot.person] = {
            "shown": item.face is not None,
            "generator": face.generator(item.parameters).name,
            "release": check.id,
            "release_state": str(check.state),
            "parameters": own,
        }
    return {"faceplate:people": ", ".join(faces), "faceplate:faces": json.dumps(faces, sort_keys=True)}


def _provenance_fields(resources: RenderResources, rendered: Rendered) -> dict[str, str]:
    """Shot, take, purpose, release, slate, and the hashes of plate and weights."""
    shot, (check, decision) = resources.shot, resources.consent
    provenance = Provenance(
        shot.name, shot.id, str(shot.take), shot.purpose, check, decision.slate, resources.cards(rendered.parameters)
    )
    parameters = rendered.parameters.model_dump()
    for face, item in zip(shot.faces, rendered.faces, strict=True):
        parameters |= {f"{face.name}.{name}": value for name, value in item.parameters.model_dump().items()}
    return provenance.fields(parameters, rendered.file.path)
