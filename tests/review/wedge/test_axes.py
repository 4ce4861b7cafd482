"""The axes of a wedge: ranges, lists, names of folders, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.errors import UsageError
from faceplate.review.wedge import Axis, parse_axes, variants_of
from faceplate.review.wedge.axes import MOST_VARIANTS


def values(text: str) -> tuple[object, ...]:
    return parse_axes([text])[0].values


class TestValues:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("light_scale=0.05:0.5:4", (0.05, 0.2, 0.35, 0.5)),
            ("light_scale=0.5:0.05:2", (0.5, 0.05)),
            ("light_scale=0.1:0.4:4", (0.1, 0.2, 0.3, 0.4)),
            ("light_scale = 0.05 , 0.5", (0.05, 0.5)),
            ("supersample=1:4:4", (1, 2, 3, 4)),
            ("blend=none,gradient", ("none", "gradient")),
            ("generator=mesh,inswapper_128", ("mesh", "inswapper_128")),
            ("restorer=,gfpgan", ("", "gfpgan")),
            ("target=1001:50,60;largest", ("1001:50,60", "largest")),
            ("source=people/ada,/people/bea", (str(Path("people/ada").absolute()), "/people/bea")),
            ("garbage_matte=,m.####.exr", ("", str(Path("m.####.exr").absolute()))),
        ],
    )
    def test_are_read(self, text: str, expected: tuple[object, ...]) -> None:
        found = values(text)
        assert found == expected and [type(one) for one in found] == [type(one) for one in expected]

    def test_an_axis_has_the_label_of_the_panel(self) -> None:
        assert parse_axes(["blend=none,seam"]) == (Axis("blend", "Blend", ("none", "seam")),)


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "code"),
        [
            ([], "bad-axis"),
            (["light_scale"], "bad-axis"),
            (["=1,2"], "bad-axis"),
            (["blend=none", "blend=seam"], "bad-axis"),
            (["light_scal=0.1,0.2"], "unknown-parameter"),
            (["light_scale=0.1:0.2"], "bad-range"),
            (["light_scale=a:0.2:3"], "bad-range"),
            (["light_scale=0.1:nan:3"], "bad-range"),
            (["light_scale=0.1:0.2:1"], "bad-range"),
            (["light_scale=0.1:0.2:2.5"], "bad-range"),
            (["light_scale=0.1:0.1:3"], "bad-range"),
            (["light_scale=0.1,0.1"], "bad-range"),
            (["light_scale="], "bad-range"),
            (["light_scale=0.1,,0.2"], "bad-range"),
            (["supersample=1:4:3"], "bad-range"),
            (["light_scale=0.1:900:3"], "bad-value"),
            (["light_scale=0.1,nan"], "bad-value"),
            (["light_scale=wide"], "bad-value"),
            (["supersample=1.5"], "bad-value"),
            (["blend=none,grdient"], "bad-value"),
            (["blend=none", "light_scale=0.1", "grain=0,1"], "too-many-axes"),
            ([f"light_scale=0.1:0.4:{MOST_VARIANTS + 1}"], "too-many-variants"),
            (["light_scale=0.1:0.4:20", "grain=0:1:20"], "too-many-variants"),
        ],
    )
    def test_are_one_sentence_with_a_code(self, words: list[str], code: str) -> None:
        with pytest.raises(UsageError) as refused:
            parse_axes(words)
        text = str(refused.value)
        assert refused.value.code == code and text.endswith((".", "?")) and "\n" not in text and len(text) < 240

    def test_name_what_is_allowed(self) -> None:
        for words, hint in (
            (["light_scal=0.1,0.2"], "light_scale"),
            (["blend=no"], "seam, gradient, multiband, none"),
            (["supersample=9"], "from 1 to 8"),
        ):
            with pytest.raises(UsageError, match=hint):
                parse_axes(words)


class TestVariants:
    def test_the_first_axis_runs_fastest(self) -> None:
        found = variants_of(parse_axes(["light_scale=0.05,0.5", "blend=none,seam,gradient"]))
        assert [(one.index, one.column, one.row) for one in found] == [
            (0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1), (4, 0, 2), (5, 1, 2),
        ]  # fmt: skip
        assert found[1].values == {"light_scale": 0.5, "blend": "none"}
        assert found[3].name == "light_scale=0.5_blend=seam"

    def test_names_are_folders_of_their_own(self) -> None:
        long = "x" * 200
        for words in (
            [f"target={long}1;{long}2;../{long};a/b\\c:d;A/B\\C:D"],
            ["restorer=,gfpgan"],
            ["source=/people/ada/,/people/bea"],
        ):
            names = [one.name for one in variants_of(parse_axes(words))]
            assert len({name.casefold() for name in names}) == len(names)
            for name in names:
                assert not set(name) & set('/\\:*?"<>|,# ') and name not in (".", "..") and len(name) <= 110
        assert names == ["source=ada", "source=bea"]
