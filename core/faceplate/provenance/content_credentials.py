"""Content Credentials (C2PA) in review movies and stills: a signed statement inside the file of what made it.

By `c2pa-python`, the extra `faceplate[c2pa]`. The signer is the Ed25519 key of a certificate that an authority issued to
the studio. C2PA has no place in EXR frames; those carry header fields and a manifest instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceplate.errors import RenderError, UsageError
from faceplate.provenance.fields import COMPOSITE
from faceplate.signing.keys import Key
from faceplate.system.atomic import publish, temporary_beside
from faceplate_client.version import __version__

__all__ = ["CERTIFICATE", "KINDS", "add_credentials", "certificate_chain", "read_credentials"]

CERTIFICATE = "FACEPLATE_C2PA_CERTIFICATE"
KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".mp4", ".mov", ".webp")
_LABEL = "org.faceplate.provenance"


def certificate_chain(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the PEM chain of `$FACEPLATE_C2PA_CERTIFICATE`, the signer's certificate first; None where it is not set.

    Raises
    ------
    UsageError
        `certificate-missing`.
    """
    named = environ.get(CERTIFICATE)
    if not named:
        return None
    try:
        return Path(named).expanduser().read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("certificate-missing", f"The certificate {named} ({CERTIFICATE}) cannot be read.") from error


def add_credentials(path: Path, fields: Mapping[str, str], key: Key, chain: str) -> None:
    """Put a signed manifest into the picture or movie at `path`, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    fields : mapping of str to str
        What `Provenance.fields` returned.
    key : Key
        The signer's private key.
    chain : str
        The PEM chain, the signer's certificate first.

    Raises
    ------
    UsageError
        `c2pa-missing`, `certificate-unusable`.
    """
    c2pa = _library()
    created = {"action": "c2pa.created", "digitalSourceType": COMPOSITE, "softwareAgent": {"name": "Faceplate"}}
    manifest = {
        "claim_generator_info": [{"name": "Faceplate", "version": __version__}],
        "title": path.name,
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [created]}},
            {"label": _LABEL, "data": dict(fields)},
        ],
    }
    with temporary_beside(path) as signed:
        try:
            signer = c2pa.Signer.from_callback(key.private.sign, c2pa.C2paSigningAlg.ED25519, chain)
            with c2pa.Builder(json.dumps(manifest)) as builder:
                builder.sign_file(path, signed, signer)
        except c2pa.C2paError as error:
            reason = str(error).splitlines()[0]
            raise UsageError(
                "certificate-unusable",
                f"{path.name} could not be signed with the certificate of {CERTIFICATE}: {reason}.",
            ) from error
        publish(signed, path)


def read_credentials(path: Path) -> tuple[str, dict[str, str]] | None:
    """Return the validity and fields of a file's credentials; None where it has none.

    Returns
    -------
    state : {'Valid', 'Trusted', 'Invalid'}
        "Valid" means whole and signed; "Trusted" that the reader also knows the authority.
    fields : dict of str to str
        The fields of Faceplate's own assertion.

    Raises
    ------
    UsageError
        `c2pa-missing`.
    RenderError
        `credentials-damaged`.
    """
    c2pa = _library()
    try:
        with c2pa.Reader(path) as reader:
            document: dict[str, Any] = json.loads(reader.json())
            state = str(reader.get_validation_state())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error):
            return None
        raise RenderError("credentials-damaged", f"The credentials of {path} cannot be read: {error}.") from error
    active = document["manifests"][document["active_manifest"]]
    said = next((item["data"] for item in active.get("assertions", ()) if item["label"] == _LABEL), {})
    return state, {name: str(value) for name, value in said.items()}


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise UsageError(
            "c2pa-missing", "Content Credentials need the extra c2pa: pip install 'faceplate[c2pa]'."
        ) from None
    return c2pa
