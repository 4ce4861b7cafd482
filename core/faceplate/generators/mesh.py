"""The embedded generator: the source's face warped onto the plate's mesh, each part from the views that saw it best.

It needs no swap network and so no licence but the landmarker's. It works on the plate's own pixel grid, in the working
space: every view is sampled once, straight onto the plate, and what comes out is pasted back without another resampling.

Views are mixed in a symmetric logarithm, each less its own low-frequency light on the skin, so that a view shot under
another lamp leaves no edge; the light is put back as the views' mean, for the comp to replace by the plate's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np

from faceplate.comp.grain import Grain
from faceplate.comp.occlusion import NETWORK
from faceplate.errors import UsageError
from faceplate.face import Face, topology
from faceplate.face.align import apply, resample, scale_of
from faceplate.face.expression import BLENDSHAPE_NETWORK
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.face.shape import away_from, head_model, unsqueezed
from faceplate.generators.generator import Crop, CropTransform, Encoding, Generated
from faceplate.generators.reshape import shape_offset
from faceplate.image.inpaint import fill
from faceplate.image.low_pass import local_linear
from faceplate.image.symmetric_log import from_log, to_log
from faceplate.image.window import Window
from faceplate.source.source import Source, SourceView
from faceplate.source.views import Geometry, bare_skin, suitability

__all__ = ["MeshGenerator", "MeshSettings", "parse_pins"]

# Room around the mesh, in parts of the face's size, so that the warp and the blend have neighbours to look at.
_MARGIN = 0.08
# Views that nowhere reach this share of the mix are left out: they would cost time and show nothing.
_SHARE = 0.03
# The light that is taken off a view before mixing, as a standard deviation in parts of the face's size.
_LIGHT = 0.10
# A plate's mouth or eye is kept while the views are less than half as open as it, and dropped above four fifths.
_OPEN_LOW, _OPEN_HIGH = 0.5, 0.8
_CLOSED = 0.04
# The share of clean skin from which on a place counts as wholly seen.
_CLEAN = 0.2
# How far, in natural logarithm, a place may be from the skin's light before it counts as hair.
_HAIR = 0.35
# Hair beside the face hangs so far in over the outline, and nowhere farther in, in units of the head model.
_HANGS_IN, _FAR_IN = 0.7, 1.0
# How far around the mesh's brows a person's own may grow, in units of the head model.
_BROW_GROWS = 0.2
# Hair comes in over the outline: what stays this far inside it, in parts of the face's size, is the person's own brow or mole.
_OUTSIDE = 0.03
# How much a view is still wanted where hair hides the face in it, and how far beside hair skin is left out.
_HIDDEN = 1e-4
_BESIDE_HAIR = 0.02
# How far inside its outline a view is read at the edge, in parts of the face's size.
_INSET = 0.02
# Below this cosine between surface and view a place is so near the picture's outline that what lies behind may show.
_GRAZED = 0.35
# Up to this fall-off, in natural logarithm per unit of the normal, light comes off a view without a trace (a key of 4:1 from side
# to side measures 0.45, the invented people's pictures up to 1.5); a view with this much more is wanted e times less.
_SOFT_LIGHT, _HARDER = 1.6, 0.5
# How many fits of a view's light, and how much coarser the first is.
_FITS, _FIRST_FIT = 3, 2.5


@dataclass(frozen=True)
class MeshSettings:
    """`shape` 0..1: how much of the source's own shape comes through. `mouth` and `eyes`: auto, source or plate.

    `pins` holds (view name, first frame, last frame): on those frames only that view is used.
    """

    shape: float = 1.0
    mouth: str = "auto"
    eyes: str = "auto"
    pins: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True)
class MeshGenerator:
    """Mixes the views of `source` on the plate's 478 points; `weights` are what finds hair in front of them and expressions."""

    source: Source
    settings: MeshSettings = MeshSettings()
    name: str = "mesh"
    encoding: Encoding = "working"
    weights: tuple[str, ...] = (NETWORK, BLENDSHAPE_NETWORK)

    @property
    def native_size(self) -> float:
        """The largest face among the views, in their own pixels."""
        return max(view.face.size for view in self.source.views)

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """The plate's own pixels around the mesh: no rotation, no scale."""
        return CropTransform(np.array([[1, 0, 0], [0, 1, 0]], np.float64), face.window(_MARGIN), pixel_aspect)

    def reshaped(self, face: Face, pixel_aspect: float) -> Face:
        """`face` with the source's own shape, by the setting `shape`."""
        if self.settings.shape == 0:
            return face
        poses = tuple(view.geometry.pose for view in self.source.views)
        offset = unsqueezed(shape_offset(unsqueezed(face.points, pixel_aspect), poses), 1 / pixel_aspect)
        return face.moved(face.points + self.settings.shape * offset)

    def generate(self, crop: Crop) -> Generated:
        views = self._views(crop.frame)
        face = crop.face
        target = Geometry.of(face, crop.framing.pixel_aspect)
        window = crop.framing.window
        raster = rasterise(face.points, topology().closed, window, face.size)
        layers = _layers(views, face, target, raster, self.settings.eyes)
        kept = _kept_from_plate(face, target, layers, raster, self.settings)
        mixed, light, confidence = _mixed(layers, raster, face)
        if kept.any():
            plate = _Layer(crop.pixels, None, window, face.points, face.level, kept, np.ones(len(face.points)))
            texture, _, _ = _without_light(plate, face, raster)
            mixed = mixed + np.clip(raster.enlarge(kept), 0, 1)[..., None] * (texture - mixed)
        coverage = cv2.dilate(raster.covered.astype(np.uint8), _disk(0.03 * _cell(face, raster)))
        pixels = from_log(mixed + light, face.level)
        # Where every view has hair or its edge, there is nothing of the person to show: the plate's skin stays.
        clean = np.clip(fill(confidence, raster.covered.astype(np.float32)) / _CLEAN, 0.0, 1.0)
        clean = _from_outside(clean, raster.covered, _OUTSIDE * _cell(face, raster))
        covered = np.clip(raster.enlarge(coverage * clean), 0.0, 1.0)
        return Generated(
            pixels,
            covered,
            np.clip(raster.enlarge(confidence), 0.0, 1.0),
            _noisiest([layer.noise for layer in layers]).scaled(face.level),
            np.clip(raster.enlarge(kept), 0.0, 1.0) if kept.any() else None,
        )

    def _views(self, frame: int | None) -> tuple[SourceView, ...]:
        pinned = {name for name, first, last in self.settings.pins if frame is not None and first <= frame <= last}
        return tuple(view for view in self.source.all_views if view.name in pinned) or self.source.views


def parse_pins(text: str, names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """`open.jpg@1010-1024, front.jpg@1030` as (name, first, last). Raises `UsageError('bad-pin')`."""
    pins = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, at, range_text = word.rpartition("@")
        first, dash, last = range_text.partition("-")
        if not at or not first.isdigit() or (dash and not last.isdigit()):
            raise UsageError(
                "bad-pin", f"'{word}' is no pinned view; write picture@first-last, such as open.jpg@1010-1024."
            )
        if name not in names:
            raise UsageError("bad-pin", f"The source has no usable view '{name}'; it has {', '.join(names)}.")
        pins.append((name, int(first), int(last or first)))
    return tuple(pins)


@dataclass(frozen=True)
class _Layer:
    """A picture to take texture from: linear `pixels` on `window`, the mesh in it, its level, its share of every cell.

    `hidden` (h, w) says where hair and the like hide the face in it, None where nothing does; `seen` (478,) how squarely the
    picture saw each point; `noise` is its grain for a level of 1.
    """

    pixels: np.ndarray
    hidden: np.ndarray | None
    window: Window
    points: np.ndarray
    level: float
    share: np.ndarray
    seen: np.ndarray
    follow_gaze: bool = False
    pixel_aspect: float = 1.0
    noise: Grain = field(default_factory=Grain.none)

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.points, pixel_aspect=self.pixel_aspect)


def _layers(views: tuple[SourceView, ...], face: Face, target: Geometry, raster: MeshRaster, eyes: str) -> list[_Layer]:
    """The views, real and mirrored, that some part of the face wants, with their shares: they sum to 1 in every cell."""
    candidates = [(view, geometry) for view in views for geometry in (view.geometry, view.mirror)]
    sharpest = max(view.finding.sharpness for view in views)
    wanted = np.stack(
        [
            suitability(geometry, target) * _free(view, geometry) * _sharp(view, face, sharpest) * _even(view)
            for view, geometry in candidates
        ],
        axis=1,
    )
    wanted /= wanted.sum(axis=1, keepdims=True)
    used = np.flatnonzero(wanted.max(axis=0) >= _SHARE)
    candidates, wanted = [candidates[index] for index in used], wanted[:, used]
    shares = fill(raster.interpolate(wanted), raster.covered.astype(np.float32))
    shares = np.maximum(shares - _SHARE, 0) ** 2
    shares = cv2.GaussianBlur(shares, (0, 0), max(0.012 * _cell(face, raster), 0.5)).reshape(shares.shape)
    shares /= np.maximum(shares.sum(axis=2, keepdims=True), 1e-12)
    layers = []
    for index, (view, geometry) in enumerate(candidates):
        if shares[..., index].max() >= _SHARE:
            pixels, hidden, window, to_view = _sharp_enough(view, face)
            points = np.column_stack([apply(to_view, _inset(geometry.points)), geometry.points[:, 2]])
            follow = eyes == "auto"
            share, noise = shares[..., index], view.noise(scale_of(to_view))
            aspect, seen = geometry.pixel_aspect, geometry.seen
            layers.append(_Layer(pixels, hidden, window, points, view.face.level, share, seen, follow, aspect, noise))
    return layers


def _noisiest(grains: list[Grain]) -> Grain:
    """As much grain as any of `grains` has."""
    slope, floor = (np.max([getattr(grain, part) for grain in grains], axis=0) for part in ("slope", "floor"))
    return replace(Grain.none(), slope=slope, floor=floor)


def _inset(points: np.ndarray) -> np.ndarray:
    """A view's points (478, 2) with the outline drawn a little inward: a pixel off, and it would show hair or background."""
    xy, oval = points[:, :2].copy(), topology().oval
    inward = xy[oval].mean(axis=0) - xy[oval]
    reach = _INSET * float(np.ptp(xy, axis=0).max())
    xy[oval] += inward * (reach / np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9))
    return xy


def _sharp(view: SourceView, face: Face, sharpest: float) -> float:
    """How much of the plate's resolution a view has: 1 when it shows as much on the face, less when less.

    A view that is out of focus shows as much as one with fewer pixels: of blurs by half a pixel to two, the sharpness
    falls as the pixels do that would show as much, 1 / sqrt(1 + 4 sigma^2), to within a third.
    """
    focus = min(view.finding.sharpness / sharpest, 1.0) if sharpest > 0 else 1.0
    return max(min(focus * view.face.size / max(face.size, 1e-9), 1.0), 1e-3) ** 2


def _even(view: SourceView) -> float:
    """How much a view's light is wanted: all of it while it is soft, less when it is hard and leaves its shadows behind."""
    return float(np.exp(-max(view.finding.contrast - _SOFT_LIGHT, 0.0) / _HARDER))


def _free(view: SourceView, geometry: Geometry) -> np.ndarray:
    """How far each point is free of hair in a view, float64 (478,): where it is not, its mirror is better, and another view."""
    shown = view.shown[head_model().mirror] if geometry.mirrored else view.shown
    return shown**3 + _HIDDEN


def _sharp_enough(view: SourceView, face: Face) -> tuple[np.ndarray, np.ndarray, Window, np.ndarray]:
    """The view at no more than the plate's resolution: pixels, what is hidden, their window, the matrix that scaled them."""
    shrink = scale_of(_affine(face.points[:, :2], view.face.points[:, :2]))
    if shrink <= 1.1:
        return view.pixels, view.hidden, view.frame.window, np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    scale = 1.0 / shrink
    window = view.frame.window
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    matrix = np.array([[scale, 0, -window.x * scale], [0, scale, -window.y * scale]], np.float64)
    pixels, hidden = (resample(part, window, matrix, small) for part in (view.pixels, view.hidden))
    return pixels, hidden, small, matrix


def _mixed(layers: list[_Layer], raster: MeshRaster, face: Face) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The views' texture without light mixed by their shares, and their mean light, both log domain on the plate's pixels.

    Also how sure the mix is, float32 (gh, gw): the share of it that clean skin made.
    """
    shape = (raster.window.height, raster.window.width)
    total, light = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.float32)
    weight, sure, whole = np.zeros(shape, np.float32), np.zeros(raster.covered.shape, np.float32), 0.0
    for layer in layers:
        texture, own_light, clean = _without_light(layer, face, raster)
        share = np.maximum(raster.enlarge(layer.share * clean), 0)
        total += texture * share[..., None]
        weight += share
        sure += layer.share * clean
        overall = float((layer.share * raster.covered).sum())
        light += own_light * np.float32(overall)
        whole += overall
    return total / np.maximum(weight, 1e-6)[..., None], light / np.float32(whole), sure


def _without_light(layer: _Layer, face: Face, raster: MeshRaster) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A layer on the plate's pixels, log domain, less its low-frequency light on the skin; that light; where it is clean."""
    places = _places(layer, face, raster)
    warped = to_log(_warp(layer, places, raster), layer.level)
    grazed = np.clip((_GRAZED - layer.seen) / _GRAZED, 0, 1)
    areas = raster.interpolate(np.stack([bare_skin(), _haired_points(), grazed], axis=1))
    light, clean = _light_of(warped, _shown(layer, places, face, raster), areas, face, raster)
    return warped - light, light, clean


def _shown(layer: _Layer, places: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """Where nothing hides the face in a layer's picture, nor lies beside it, float32 (gh, gw) in 0..1."""
    if layer.hidden is None:
        return np.ones(raster.covered.shape, np.float32)
    x, y = (np.ascontiguousarray(places[..., axis], np.float32) for axis in (0, 1))
    hidden = cv2.remap(layer.hidden, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Hair throws a shadow and has a soft edge: what lies right beside it is left out too.
    beside = cv2.dilate(np.clip(2 * hidden, 0, 1), _disk(_BESIDE_HAIR * _cell(face, raster)))
    return 1 - np.clip(cv2.GaussianBlur(beside, (0, 0), max(0.01 * _cell(face, raster), 0.5)), 0, 1)


def _light_of(
    warped: np.ndarray, shown: np.ndarray, areas: np.ndarray, face: Face, raster: MeshRaster
) -> tuple[np.ndarray, np.ndarray]:
    """The low frequencies of the skin in `warped` (h, w, 3), and float32 (gh, gw) 1 where the skin is free of hair.

    `shown` (gh, gw) is 0 where hair was found; `areas` (gh, gw, 3) say where bare skin is, where hair hangs, and where the
    picture's own outline is near, with hair or background right behind. What was not found falls far from the skin's own light;
    later fits leave it out, and it is not used.
    """
    grid = cv2.resize(warped, raster.covered.shape[::-1], interpolation=cv2.INTER_AREA)
    bare, hanging, grazed = np.moveaxis(areas, 2, 0)
    skin = bare * np.maximum(shown * (1 - grazed), np.float32(1e-4))
    sigma = _LIGHT * _cell(face, raster)
    soft = max(0.01 * _cell(face, raster), 0.5)
    # Hair hangs over the forehead, beside the face and behind an outline; elsewhere it is the person: a fold, a beard. So the
    # first fit goes by the rest of the skin, and is coarse enough to reach from there.
    haired = np.maximum(hanging * (skin > 0.1), grazed)
    light = local_linear(grid, skin * np.maximum(1 - haired, np.float32(0.01)), _FIRST_FIT * sigma)
    trust = skin
    for _ in range(_FITS):
        off = _largest(np.abs(cv2.GaussianBlur(grid - light, (0, 0), soft)))
        trust = skin * np.clip(2.0 - off / 0.35, 1e-5, 1.0)
        light = local_linear(grid, trust, sigma)
    off = _largest(np.abs(cv2.GaussianBlur(grid - light, (0, 0), soft)))
    clean = 1.0 - haired * (1.0 - np.clip(2.0 - off / _HAIR, 0.02, 1.0))
    clean = cv2.erode(clean.astype(np.float32), _disk(0.02 * _cell(face, raster)))
    clean = cv2.GaussianBlur(clean.astype(np.float32), (0, 0), max(0.01 * _cell(face, raster), 0.5))
    return raster.enlarge(light), np.asarray(clean * np.maximum(shown, np.float32(1e-3)), np.float32)


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest channel of (gh, gw, 3); NumPy's own way along a last axis of three takes ten times as long."""
    return np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])


def _from_outside(clean: np.ndarray, covered: np.ndarray, border: float) -> np.ndarray:
    """`clean` (gh, gw) in 0..1 with the gaps filled that stay `border` cells inside `covered`: nothing hangs there."""
    count, found = cv2.connectedComponents((clean < 1.0).astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int64)
    if count == 1:
        return clean
    inside = cv2.erode(covered.astype(np.uint8), _disk(border), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    reaches = np.bincount(labels.ravel(), (inside == 0).ravel(), count) > 0
    return np.where((labels > 0) & ~reaches[labels], np.float32(1), clean)


def _kept_from_plate(
    face: Face, target: Geometry, layers: list[_Layer], raster: MeshRaster, settings: MeshSettings
) -> np.ndarray:
    """Where the plate's own mouth and eyes are kept, float32 (gh, gw): by the settings, or as far as no view is open enough."""
    mesh = topology()
    kept = np.zeros(raster.covered.shape, np.float32)
    places = (
        (settings.mouth, mesh.mouth_loop, target.mouth, lambda view: view.mouth),
        (settings.eyes, mesh.right_eye_loop, target.eyes[0], lambda view: view.eyes[0]),
        (settings.eyes, mesh.left_eye_loop, target.eyes[1], lambda view: view.eyes[1]),
    )
    for setting, loop, wanted, openness in places:
        area = _loop_matte(face, loop, raster)
        if setting == "plate":
            amount = 1.0
        elif setting == "source" or wanted < _CLOSED:
            amount = 0.0
        else:
            inside = [(float((layer.share * area).sum()), openness(layer.geometry)) for layer in layers]
            have = sum(share * value for share, value in inside) / max(sum(share for share, _ in inside), 1e-9)
            amount = float(np.clip((_OPEN_HIGH - have / wanted) / (_OPEN_HIGH - _OPEN_LOW), 0.0, 1.0))
            amount *= float(np.clip((wanted - _CLOSED) / _CLOSED, 0.0, 1.0))
        kept = np.maximum(kept, area * np.float32(amount))
    return kept


def _loop_matte(face: Face, loop: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """A loop of the mesh as a soft matte on the raster's grid."""
    rows, columns = raster.covered.shape
    factors = (columns / raster.window.width, rows / raster.window.height)
    outline = (face.points[loop, :2] - (raster.window.x, raster.window.y)) * factors - 0.5
    matte = np.zeros((rows, columns), np.float32)
    cv2.fillPoly(matte, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(matte, (0, 0), max(0.004 * _cell(face, raster), 0.5))


def _places(layer: _Layer, face: Face, raster: MeshRaster) -> np.ndarray:
    """For each cell of the raster the place in the layer's picture, in whole pixels of it, float32 (gh, gw, 2)."""
    places = _source_places(face, layer.points[:, :2], raster)
    if layer.follow_gaze:
        places = _with_gaze(places, layer.points, face, raster)
    return places - np.array([layer.window.x + 0.5, layer.window.y + 0.5], np.float32)


def _warp(layer: _Layer, places: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """The layer's pixels under the plate's mesh, float32 (h, w, 3); beyond the mesh the warp goes on smoothly."""
    maps = [np.ascontiguousarray(raster.enlarge(places[..., axis])) for axis in (0, 1)]
    return cv2.remap(layer.pixels, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _affine(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The least-squares affine matrix (2, 3) from `start` (n, 2) to `end` (n, 2); it takes up a squeezed plate too."""
    solution, *_ = np.linalg.lstsq(np.column_stack([start, np.ones(len(start))]), end, rcond=None)
    return np.ascontiguousarray(solution.T)


def _source_places(face: Face, points: np.ndarray, raster: MeshRaster) -> np.ndarray:
    """For each cell of the raster the place in the view, float32 (gh, gw, 2), defined and smooth everywhere.

    Only what differs from the best affine map is interpolated over the mesh: it can be continued beyond the edge, and
    rounded over the triangles' edges, where a piecewise linear warp would show its folds.
    """
    fitted = _affine(face.points[:, :2], points)
    offsets = raster.interpolate(points - apply(fitted, face.points[:, :2]))
    offsets = fill(offsets, raster.covered.astype(np.float32))
    offsets = cv2.GaussianBlur(offsets, (0, 0), max(0.006 * _cell(face, raster), 0.3), borderType=cv2.BORDER_REPLICATE)
    base = apply(fitted, _cells(raster))
    return (base + offsets).astype(np.float32)


def _with_gaze(places: np.ndarray, points: np.ndarray, face: Face, raster: MeshRaster) -> np.ndarray:
    """`places` moved inside the eyes so that the view's irises lie where the plate's performance looks."""
    mesh, places = topology(), places.copy()
    for iris, loop in ((slice(468, 473), mesh.right_eye_loop), (slice(473, 478), mesh.left_eye_loop)):
        wanted, have = face.points[iris, :2].mean(axis=0), points[iris, :2].mean(axis=0)
        width = float(np.ptp(face.points[loop, :2], axis=0).max())
        # What lies four standard deviations away weighs nothing, and is not looked at.
        spread = 0.35 * width
        part = _grid_part(raster, Window.around(np.vstack([face.points[loop, :2], wanted]), 4 * spread))
        cells = _cells(raster, part)
        near = np.exp(-((cells - wanted) ** 2).sum(axis=2) / (2 * spread**2))
        inside = near * _loop_matte(face, loop, raster)[part]
        now = (places[part] * near[..., None]).sum(axis=(0, 1)) / max(float(near.sum()), 1e-9)
        places[part] += (inside[..., None] * (have - now)).astype(np.float32)
    return places


def _grid_part(raster: MeshRaster, near: Window) -> tuple[slice, slice]:
    """The rows and columns of the raster's grid that lie on the plate's pixels `near`."""
    (rows, columns), window = raster.covered.shape, raster.window
    near = near.intersect(window)
    across, down = columns / window.width, rows / window.height
    left, right = (near.x - window.x) * across, (near.right - window.x) * across
    top, bottom = (near.y - window.y) * down, (near.bottom - window.y) * down
    return slice(int(top), max(int(np.ceil(bottom)), int(top))), slice(int(left), max(int(np.ceil(right)), int(left)))


def _cells(raster: MeshRaster, part: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
    """The plate coordinates of every cell's centre, or of those in `part` of the grid, float64 (gh, gw, 2)."""
    rows, columns = raster.covered.shape
    x = (np.arange(columns)[part[1]] + 0.5) * raster.window.width / columns + raster.window.x
    y = (np.arange(rows)[part[0]] + 0.5) * raster.window.height / rows + raster.window.y
    return np.stack(np.meshgrid(x, y), axis=-1)


def _cell(face: Face, raster: MeshRaster) -> float:
    """The face's size in cells of the raster."""
    return face.size * raster.covered.shape[1] / raster.window.width


@cache
def _haired_points() -> np.ndarray:
    """1 for points well above the brows and near the outline down to the mouth, where hair hangs, float64 (478,); 0 elsewhere.

    Brows are hair of the person's own: on them, and as far around as they grow beyond the mesh's, only what was found in
    front of the face counts.
    """
    head, mesh = head_model().reference, topology()
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    top, mouth = head[mesh.oval, 1].min(), head[mesh.lips_loop, 1].mean()
    above = np.clip(4.0 * (brows + 0.15 - head[:, 1]) / (brows - top), 0.0, 1.0)
    beside = np.clip((_FAR_IN - away_from(mesh.oval)) / (_FAR_IN - _HANGS_IN), 0.0, 1.0)
    beside *= np.clip(1.0 + 4.0 * (mouth - head[:, 1]) / (mouth - brows), 0.0, 1.0)
    brow = away_from(np.concatenate([mesh.right_brow, mesh.left_brow]))
    return np.maximum(above, beside) * np.clip((brow - _BROW_GROWS / 2) / (_BROW_GROWS / 2), 0.0, 1.0)


def _disk(radius: float) -> np.ndarray:
    side = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
