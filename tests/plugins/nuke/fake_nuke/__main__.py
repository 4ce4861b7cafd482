"""`python -m fake_nuke`: see `terminal`."""

import os
import sys

from .terminal import main

if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
