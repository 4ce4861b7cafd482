"""Whose face, with whose word, and what made a picture: releases, policy, marks, manifests, the audit log."""

from faceplate.trust import audit
from faceplate.trust.manifest import collect, manifest_path, record
from faceplate.trust.policy import Decision, Policy, Purpose, decide, judge, keyring_folder
from faceplate.trust.provenance import Provenance
from faceplate.trust.release import Release, ReleaseCheck, ReleaseState, Request, check_release, read_release
from faceplate.trust.revocation import Revocations, read_revocations, revoke
from faceplate.trust.signing import Key, Keyring, load_key, new_key, sign, signing_key
from faceplate.trust.slate import Slate, make_slate
from faceplate.trust.verify import Verdict, verify

__all__ = [
    "Decision",
    "Key",
    "Keyring",
    "Policy",
    "Provenance",
    "Purpose",
    "Release",
    "ReleaseCheck",
    "ReleaseState",
    "Request",
    "Revocations",
    "Slate",
    "Verdict",
    "audit",
    "check_release",
    "collect",
    "decide",
    "judge",
    "keyring_folder",
    "load_key",
    "make_slate",
    "manifest_path",
    "new_key",
    "read_release",
    "read_revocations",
    "record",
    "revoke",
    "sign",
    "signing_key",
    "verify",
]
