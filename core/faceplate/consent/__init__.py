"""Consent of the people in a shot: releases, the policy of a show, revocations, and the audit log."""

from faceplate.consent import audit
from faceplate.consent.policy import (
    Decision,
    Policy,
    Purpose,
    TrainingPictures,
    decide,
    joint_decision,
    judge,
    judge_training,
    keyring_folder,
    refuse_revoked,
)
from faceplate.consent.release import Release, ReleaseCheck, ReleaseState, Request, check_release, read_release
from faceplate.consent.revocation import Revocations, read_revocations, revoke

__all__ = [
    "Decision",
    "Policy",
    "Purpose",
    "Release",
    "ReleaseCheck",
    "ReleaseState",
    "Request",
    "Revocations",
    "TrainingPictures",
    "audit",
    "check_release",
    "decide",
    "joint_decision",
    "judge",
    "judge_training",
    "keyring_folder",
    "read_release",
    "read_revocations",
    "refuse_revoked",
    "revoke",
]
