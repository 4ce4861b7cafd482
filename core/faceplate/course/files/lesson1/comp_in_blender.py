"""The comp for Blender: lays the element over the plate.

    blender --background --python comp_in_blender.py

Run it in the lesson's folder after the swap. It makes the nodes that an artist makes in Blender's window (Image, Image, Alpha
Over), renders every frame of the element to comp/comp.####.exr, and saves the nodes as comp.blend, to be opened and continued.
Blender works in linear Rec.709 here; the EXR files that it writes are in that space.
"""

import re
import sys
from pathlib import Path

import bpy  # pyright: ignore[reportMissingImports]

FOLDER = Path.cwd()


def frames_of(folder):
    """Return the first file of a sequence and the numbers of all its frames."""
    files = sorted(folder.glob("*.exr"))
    if not files:
        sys.exit(f"{folder} holds no EXR file: run the lesson's earlier commands first.")
    return files[0], [int(re.search(r"(\d+)\.exr$", file.name).group(1)) for file in files]


def node_tree(scene):
    """Return the scene's empty compositor tree and the socket that is its result, in Blender 4 and in Blender 5."""
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Comp", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        return tree, tree.nodes.new("NodeGroupOutput").inputs["Image"]
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite").inputs["Image"]


def image_node(tree, first, frames, name):
    """Return an Image node that reads a sequence in ACEScg."""
    image = bpy.data.images.load(str(first))
    image.source, image.alpha_mode = "SEQUENCE", "PREMUL"
    image.colorspace_settings.name = "ACEScg"
    node = tree.nodes.new("CompositorNodeImage")
    node.label, node.image = name, image
    # Frame 1001 of the scene is frame 1001 of the files, whatever the range is.
    node.frame_start, node.frame_offset, node.frame_duration = 1, 0, frames[-1]
    return node


def main():
    """Make the nodes, render, and save."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    element, frames = frames_of(FOLDER / "swap")
    plate, _ = frames_of(FOLDER / "plate")
    tree, result = node_tree(scene)
    over = tree.nodes.new("CompositorNodeAlphaOver")
    colours = [socket for socket in over.inputs if socket.type == "RGBA"]  # the background, then the foreground
    plate_node = image_node(tree, plate, frames, "Plate")
    tree.links.new(plate_node.outputs["Image"], colours[0])
    tree.links.new(image_node(tree, element, frames, "Element").outputs["Image"], colours[1])
    tree.links.new(over.outputs[0], result)
    scene.render.resolution_x, scene.render.resolution_y = plate_node.image.size
    scene.render.resolution_percentage = 100
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.filepath = str(FOLDER / "comp" / "comp.####")
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "comp.blend"), check_existing=False)
    bpy.ops.render.render(animation=True)
    written = len(list((FOLDER / "comp").glob("comp.*.exr")))
    print(f"{written} frames: comp/comp.####.exr")
    if written < len(frames):
        sys.exit("Blender left frames out: see its messages above.")


main()
