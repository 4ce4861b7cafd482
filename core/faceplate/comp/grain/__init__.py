"""Film and sensor grain: measured on the plate, removed, synthesised, and matched on the new face.

The model is signal-dependent Gaussian noise, var(x) = slope * max(x, 0) + floor for each channel (photon noise and read
noise: A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for
single-image raw-data", IEEE TIP 2008), with a small spatial kernel (demosaicing, scaling and film make grain softer
than white) and a correlation between the channels. All pixels are float32 (h, w, 3), scene-linear; nothing is clipped.

Modules: `model` (the Grain and its kernel), `measure` (from a plate, with `blocks`, `noise_fit` and `autocovariance`),
`temporal` (from two neighbouring frames, in which skin texture cancels), `synthesis`, `removal`, `separation` (skin texture
separated from grain) and `match` (the new face to the plate).
"""

from faceplate.comp.grain.match import MATCH_ROOM, match_grain
from faceplate.comp.grain.measure import measure_grain
from faceplate.comp.grain.model import GRAIN_REACH, Grain, reduced_grain
from faceplate.comp.grain.removal import degrain
from faceplate.comp.grain.separation import Detail, detail_base, split_detail
from faceplate.comp.grain.synthesis import synthesise_grain
from faceplate.comp.grain.temporal import measure_grain_between

__all__ = [
    "GRAIN_REACH",
    "MATCH_ROOM",
    "Detail",
    "Grain",
    "degrain",
    "detail_base",
    "match_grain",
    "measure_grain",
    "measure_grain_between",
    "reduced_grain",
    "split_detail",
    "synthesise_grain",
]
