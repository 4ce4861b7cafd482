"""Provenance of a picture: header fields, manifests, fingerprints, slates, content credentials, and their verification."""

from faceplate.provenance.fields import Provenance
from faceplate.provenance.manifest import collect, manifest_path, record
from faceplate.provenance.slate import Slate, make_slate
from faceplate.provenance.verify import Verdict, verify

__all__ = ["Provenance", "Slate", "Verdict", "collect", "make_slate", "manifest_path", "record", "verify"]
