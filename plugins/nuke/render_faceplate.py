"""Renders a script that holds FaceSwaps, each in three steps: the inner Writes, the engine, the script's own Writes.

    nuke -t render_faceplate.py shot.nk --frames=1001-1010 [Write1 ...]

Without names every Write that is switched on is rendered. Exit code 1 with a line on standard error when a frame
cannot be had, 2 when the request is wrong.
"""

import sys

import faceplate_nuke.script_render

if __name__ == "__main__":
    sys.exit(faceplate_nuke.script_render.main(sys.argv[1:]))
