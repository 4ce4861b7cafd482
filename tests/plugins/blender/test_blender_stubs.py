"""The Blender extension against stubs of Blender's API: a misspelt name is found without Blender."""

from __future__ import annotations

import shutil
from pathlib import Path

from stub_check import errors_of

ROOT = Path(__file__).parents[3]
EXTENSION = ROOT / "plugins" / "blender" / "faceplate"
MISTAKES = {
    "live_update.py": ("area.tag_redraw()", "area.tagredraw()"),
    "modal_operator.py": ("event_timer_add(", "event_timer_ad("),
    "panels.py": ('layout.label(text="Link a plate to Image"', 'layout.lable(text="Link a plate to Image"'),
    "handlers.py": ("bpy.app.handlers import persistent", "bpy.app.handlers import persistant"),
    "take_operators.py": ("invoke_confirm(", "invoke_confrim("),
    "engine_install.py": ("extension_path_user(", "extension_path_usr("),
    "pick_face.py": (".region_to_view(", ".region_to_veiw("),
    "view_operators.py": ("invoke_props_dialog(", "invoke_props_dialg("),
    "prerender.py": ("bpy.ops.render.render(", "bpy.ops.render.rendr("),
}
"""By file: what is there, and a misspelling that only the stubs show."""


def test_pyright_passes_the_extension_and_finds_each_misspelt_name(tmp_path: Path) -> None:
    for name in ("clean", "wrong"):
        target = tmp_path / name / "faceplate"
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(EXTENSION, target, ignore=ignore)
        shutil.copytree(ROOT / "core" / "faceplate_client", target / "faceplate_client", ignore=ignore)
    for module, (right, wrong) in MISTAKES.items():
        file = tmp_path / "wrong" / "faceplate" / module
        text = file.read_text("utf-8")
        assert right in text, module
        file.write_text(text.replace(right, wrong, 1), "utf-8")
    assert errors_of(tmp_path / "clean", "3.11", []) == []
    found = {name for name, _, _ in errors_of(tmp_path / "wrong", "3.11", [])}
    assert found == set(MISTAKES)
