"""Run inside Blender: opens a picture and saves it again, as it is and through the render settings."""

import importlib
import os
import sys
from typing import Any

bpy: Any = importlib.import_module("bpy")


source, saved, rendered = sys.argv[1:4]
scene = bpy.context.scene
scene.render.image_settings.file_format = "OPEN_EXR"
scene.render.image_settings.color_depth = "32"
image = bpy.data.images.load(source)
image.save_render(rendered, scene=scene)
image.filepath_raw = saved
image.file_format = "OPEN_EXR"
image.save()
sys.stdout.flush()
os._exit(0)
