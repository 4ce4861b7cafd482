"""Occlusion: where an object in front of the face hides it. See `matte` for how it is found.

| module | what it does |
|---|---|
| `matte` | runs the network on the face's square, and turns its odds into a matte |
| `hair`, `rims`, `wrinkles` | what the network misses of hair and of glasses, and what it takes for hair |
| `regions`, `roots` | decides by regions: specks, holes, pieces without a root, the frames around |
| `square` | the network's square, and values of the mesh drawn into it |
| `edges` | finds the edges on the plate's own pixels |
"""

from faceplate.comp.occlusion.matte import (
    BLOCK,
    COARSE_LIMIT,
    COARSE_SIDE,
    NETWORK,
    SquareOdds,
    coarse_odds,
    edged_matte,
    measure_odds,
    mesh_maps,
    occlusion_matte,
    occlusion_window,
    soft_matte,
    square_matrix,
)
from faceplate.comp.occlusion.square import SIDE

__all__ = [
    "BLOCK",
    "COARSE_LIMIT",
    "COARSE_SIDE",
    "NETWORK",
    "SIDE",
    "SquareOdds",
    "coarse_odds",
    "edged_matte",
    "measure_odds",
    "mesh_maps",
    "occlusion_matte",
    "occlusion_window",
    "soft_matte",
    "square_matrix",
]
