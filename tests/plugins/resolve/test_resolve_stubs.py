"""Resolve's adapter and the fake Resolve against the stubs, and the adapter's imports."""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path
from typing import Any

import fake_resolve
import stub_check
from faceplate_resolve.deliver import settings_for
from faceplate_resolve.host import has
from fake_resolve import Project, Timeline, World

ADAPTER = Path(__file__).parents[3] / "plugins" / "resolve"

CLIENT = Path(__file__).parents[3] / "core"


class TestStubs:
    def test_the_fake_has_nothing_that_resolve_has_not(self) -> None:
        assert stub_check.problems(fake_resolve, stub_check.read_stubs("fusionscript-stubs"), {"World"}) == []

    def test_the_check_finds_what_is_made_up(self) -> None:
        class Project:
            def AddRenderJob(self, name: str) -> str:  # noqa: N802
                return name

            def RenderNow(self) -> bool:  # noqa: N802
                return True

        class Swapper:
            pass

        module: Any = type(sys)("made_up")
        module.Project, module.Swapper = Project, Swapper
        found = stub_check.problems(module, stub_check.read_stubs("fusionscript-stubs"))
        assert (
            len(found) == 3 and any("RenderNow" in line for line in found) and any("Swapper" in line for line in found)
        )

    def test_dictionaries_for_resolve_use_its_keys(self) -> None:
        keys = stub_check.read_stubs("fusionscript-stubs").keys
        assert set(settings_for("folder", "name", 1, 2)) <= keys["RenderSettings"]
        text = (ADAPTER / "faceplate_resolve" / "timeline_edit.py").read_text()
        used = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        assert keys["ImportClipInfo"] <= used and keys["MediaPoolClipInfo"] <= used

    def test_pyright_finds_planted_mistakes_and_nothing_else(self, tmp_path: Path) -> None:
        """Each mistake is one that a test without Resolve would not notice; the adapter as it is has none."""
        target = tmp_path / "faceplate_resolve"
        shutil.copytree(ADAPTER / "faceplate_resolve", target, ignore=shutil.ignore_patterns("__pycache__"))
        mistakes = {
            "deliver.py": ("project.AddRenderJob()", "project.AddRenderJobs()"),
            "timeline_edit.py": ("item.SelectTakeByIndex(number)", "item.SelectTakeByIndex(str(number))"),
            "clip.py": ("item.GetMediaPoolItem()", "item.GetMediaPoolItem(1)"),
            "swap.py": ("host.timeline.GetCurrentVideoItem()", "host.project.GetCurrentVideoItem()"),
            "host.py": ("self.manager.SaveProject()", "self.project.SaveProject()"),
            "swap_record.py": ("thing.DeleteMarkerAtFrame(at)", "thing.DeleteMarkerAtFrame(str(at), 1)"),
            "menu.py": ("host.fusion", "host.fusions"),
            "grades.py": ("original.CopyGrades([placed])", "original.CopyGrade([placed])"),
            "batch.py": ("item.GetFlagList()", "item.GetFlagsList()"),
            "settings.py": ("host.project.GetUniqueId()", "host.project.GetUniqueID()"),
        }
        expected = {}
        for name, (right, wrong) in mistakes.items():
            text = (target / name).read_text()
            assert text.count(right) >= 1, f"{name} does not call {right} any more"
            before, _, after = text.partition(right)
            (target / name).write_text(before + wrong + after)
            expected[name] = before.count("\n") + 1
        found = {(name, line) for name, line, _ in stub_check.errors_of(tmp_path, "3.11", [tmp_path, CLIENT])}
        assert found == set(expected.items())

    def test_only_the_standard_library_and_the_client_on_python_39(self) -> None:
        """Syntax of 3.9, and no import but the standard library, the client and what only a type checker sees."""
        for path in sorted(ADAPTER.rglob("*.py")):
            tree = ast.parse(path.read_text(), feature_version=(3, 9))
            hidden = {
                id(item)
                for node in ast.walk(tree)
                if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
                for item in ast.walk(node)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and id(node) not in hidden:
                    names = [node.module or ""]
                else:
                    continue
                for name in names:
                    top = name.split(".")[0]
                    assert top in sys.stdlib_module_names | {"faceplate_client", "faceplate_resolve"}, (
                        f"{path.name}: {name}"
                    )

    def test_capabilities_are_asked_by_dir(self, edit: tuple[World, Project, Timeline]) -> None:
        """`hasattr` is True for everything on Resolve's objects, as on the fake's."""
        assert hasattr(edit[1], "NoSuchMethod") and not has(edit[1], "NoSuchMethod") and has(edit[1], "AddRenderJob")
        for path in (ADAPTER / "faceplate_resolve").glob("*.py"):
            assert "hasattr(" not in path.read_text(), path.name
