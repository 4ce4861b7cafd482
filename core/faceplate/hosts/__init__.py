"""Installs the adapters for Nuke, Blender and DaVinci Resolve into these hosts, and lists what is installed.

`faceplate host` is the command line of this package. An adapter never imports the engine: each installed copy holds
`faceplate_client`, which is standard library only, and a file that names the engine's Python.
"""

from __future__ import annotations

from faceplate.hosts.adapters import HOSTS, adapter_folder
from faceplate.hosts.client_copy import copy_client
from faceplate.hosts.record import Installation, installations

__all__ = ["HOSTS", "Installation", "adapter_folder", "copy_client", "installations"]
