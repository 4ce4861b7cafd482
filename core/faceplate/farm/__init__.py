"""A shot as a job of a render farm: divided into chunks that run on any node, can be repeated, and are checked at the end."""

from faceplate.farm.assets import Assets, assets_of
from faceplate.farm.bundle import bundle_files, write_bundle
from faceplate.farm.check import Fault, Report, check_shot
from faceplate.farm.plan import FarmJob, chunk_size, measure, plan_job

__all__ = [
    "Assets",
    "FarmJob",
    "Fault",
    "Report",
    "assets_of",
    "bundle_files",
    "check_shot",
    "chunk_size",
    "measure",
    "plan_job",
    "write_bundle",
]
