"""Render a script that contains FaceSwaps: the inner Writes, then the engine, then the script's own Writes.

    nuke -t render_faceplate.py shot.nk --frames=1001-1010 [Write1 ...]

Without names every enabled Write is rendered. Exit code 1 when a frame cannot be rendered, with a line on standard error;
2 when the request is wrong.
"""

import sys

import faceplate_nuke.script_render

if __name__ == "__main__":
    sys.exit(faceplate_nuke.script_render.main(sys.argv[1:]))
