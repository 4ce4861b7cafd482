"""The header fields of a written frame: engine, networks, parameters, plate, and the source's release."""

from __future__ import annotations

import json
from dataclasses import replace

from faceplate.provenance import Provenance
from faceplate.render.resources import RenderResources
from faceplate.render.result import Rendered
from faceplate.shot.parameters import Parameters
from faceplate_client.version import __version__

__all__ = ["device_of", "engine_fields", "frame_fields"]


def frame_fields(resources: RenderResources, rendered: Rendered) -> dict[str, str | int | float]:
    """Every field that the file of a rendered frame carries."""
    fields = {**engine_fields(resources, rendered.parameters), **_provenance_fields(resources, rendered)}
    if rendered.key:
        fields["faceplate:key"] = rendered.key
    if rendered.keys is not None:
        fields["faceplate:content"] = replace(rendered.keys, whole=True).frame_key()
    if rendered.proxy > 1:
        fields["faceplate:proxy"] = rendered.proxy
    return fields


def engine_fields(resources: RenderResources, parameters: Parameters) -> dict[str, str | int | float]:
    """Engine, generator, weights with hash and licence, parameters, device and colour of a frame."""
    cards = resources.cards(parameters)
    return {
        "faceplate:engine": f"faceplate {__version__}",
        "faceplate:generator": resources.generator(parameters).name,
        "faceplate:weights": ", ".join(f"{card.name} {card.sha256[:16]} {card.licence}" for card in cards),
        "faceplate:parameters": json.dumps(parameters.model_dump(), sort_keys=True),
        "faceplate:device": device_of(resources, parameters),
        "faceplate:ocio": resources.color.source,
        "faceplate:working_space": resources.color.working_space,
    }


def device_of(resources: RenderResources, parameters: Parameters) -> str:
    """Where the networks of a frame run, as `cuda:0, cuda:1`; `cpu` where no GPU has a part in its pixels."""
    mattes = resources.matte_networks(parameters)
    finding = () if resources.track is not None else resources.finder(parameters).opened
    networks = (*getattr(resources.generator(parameters), "networks", ()), mattes.occluder, mattes.parser, *finding)
    places = {target for network in networks if network is not None for target in network.targets} - {"cpu"}
    return ", ".join(sorted(places)) or "cpu"


def _provenance_fields(resources: RenderResources, rendered: Rendered) -> dict[str, str]:
    """Shot, take, purpose, release, slate, and the hashes of plate and weights."""
    shot, (check, decision) = resources.shot, resources.consent
    provenance = Provenance(
        shot.name, shot.id, str(shot.take), shot.purpose, check, decision.slate, resources.cards(rendered.parameters)
    )
    return provenance.fields(rendered.parameters.model_dump(), rendered.file.path)
