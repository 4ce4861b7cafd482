"""The mesh drawn on a grid."""

from __future__ import annotations

import numpy as np

from faceplate.face import topology
from faceplate.face.raster import cover, rasterise
from faceplate.face.shape import head_model
from faceplate.image.window import Window

POINTS = head_model().reference * 60 + (100, 110, 0)
WINDOW = Window(3, -5, 190, 230)


def test_interpolation_gives_back_the_places_of_the_cells() -> None:
    raster = rasterise(POINTS, topology().closed, WINDOW, 1.0)
    places = raster.interpolate(POINTS[:, :2])
    rows, columns = np.nonzero(raster.covered)
    found = places[rows, columns] - (WINDOW.x + 0.5, WINDOW.y + 0.5)
    away = np.abs(found - np.column_stack([columns, rows])).max(axis=1)
    # The drawing rounds a triangle outward by half a pixel, and a weight stays within 0..1; slivers at the outline are off more.
    assert len(rows) > 5_000 and np.median(away) < 1e-3 and np.quantile(away, 0.98) < 1.0
    assert not places[~raster.covered].any()


def test_cover_is_where_the_raster_finds_a_triangle() -> None:
    for size in (1.0, 1_500.0):
        raster = rasterise(POINTS, topology().closed, WINDOW, size)
        assert np.array_equal(cover(POINTS, topology().closed, WINDOW, size) > 0, raster.covered)


def test_values_spread_beyond_the_mesh_are_the_interpolated_ones_inside() -> None:
    raster = rasterise(POINTS, topology().closed, WINDOW, 1.0)
    values = np.column_stack([POINTS, POINTS**2])
    groups = raster.spread(values)
    assert [group.shape[2] for group in groups] == [4, 2]
    found, inside = np.concatenate(groups, axis=2), raster.interpolate(values)
    assert np.array_equal(found[raster.covered], inside[raster.covered]) and found[~raster.covered].all(axis=1).all()
