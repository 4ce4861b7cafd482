"""Command line of Faceplate for DaVinci Resolve Studio: python faceplate-resolve.py swap --source bea"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faceplate_resolve.cli import main

sys.exit(main())
