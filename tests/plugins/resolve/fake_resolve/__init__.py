"""A Resolve that is none: the part of its scripting API that Faceplate uses, with the hazards that people have met.

What it has under public names is held against fusionscript-stubs (tests/stub_check.py); what begins with an underscore is
the tests' own. Hazards: ends are exclusive; an append that overlaps is dropped and still answers an item, one without an
id; a span in another rate is rounded down to record frames; the source start reads one low with mixed rates; a retime
shows in no property; imports land in the current folder and take the project's rate; render settings merge with what was
there and move the timeline's marks; a job's state says complete whatever was written; what an errored append made is gone
after a save; every name is an attribute for `hasattr`; a Studio-only call in the free edition opens a dialog behind which
everything answers False.
"""

from fake_resolve.media import Folder, MediaPool, MediaPoolItem
from fake_resolve.project import Project, ProjectManager, Resolve
from fake_resolve.timeline import ColorGroup, Graph, Timeline, TimelineItem
from fake_resolve.world import World

__all__ = [
    "ColorGroup",
    "Folder",
    "Graph",
    "MediaPool",
    "MediaPoolItem",
    "Project",
    "ProjectManager",
    "Resolve",
    "Timeline",
    "TimelineItem",
    "World",
]
