"""Where the client's files lie."""

from __future__ import annotations

from pathlib import Path

import faceplate_client

ROOT = Path(__file__).parents[2]

CLIENT = Path(faceplate_client.__file__).parent
