"""The course's Chinese pages hold to the glossary, and both languages say the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "docs" / "course"
PAGES = ("index", "lesson1", "lesson2", "teachers", "glossary")
# Other words in use for the same things, by the word of the glossary.
OTHERWISE = {
    "实拍底片": ("原片", "背景板", "板材", "素材板"),
    "源素材": ("来源人脸", "源人脸", "来源素材"),
    "目标人脸": ("目的脸", "目标脸"),
    "元素层": ("图元", "要素层"),
    "遮罩": ("蒙版", "蒙板", "哑光", "遮片"),
    "遮挡": ("咬合", "闭塞"),
    "跟踪": ("追踪", "轨迹"),
    "特征点": ("地标", "关键点", "标志点"),
    "对齐": ("校准", "配准"),
    "裁切图": ("裁剪", "作物"),
    "镜头文件": ("拍摄文件", "射击"),
    "版本": ("条次",),
    "颗粒": ("谷物", "噪点"),
    "羽化": ("羽毛",),
    "融合": ("混合",),
    "接缝": ("缝隙", "缝合"),
    "运动模糊": ("动态模糊", "动感模糊"),
    "生成器": ("发生器", "生成网络"),
    "修复网络": ("修复器", "恢复器", "还原器"),
    "识别网络": ("识别器", "辨识器"),
    "相似度": ("相像度", "肖像度", "相似性"),
    "训练": ("培训",),
    "过拟合": ("过度拟合", "过配"),
    "留出": ("保留集", "留存"),
    "精度": ("精密度", "精确度"),
    "量化": ("量子化",),
    "参数对比": ("楔子", "楔形"),
    "对照图": ("接触表", "联系表", "对比图"),
    "合成": ("复合", "组合"),
    "场记条": ("石板", "场记板", "水印"),
    "授权书": ("发布", "释放", "许可证", "同意书"),
    "清单": ("货单", "舱单"),
}


def page(language: str, name: str) -> str:
    return (COURSE / language / f"{name}.md").read_text(encoding="utf-8")


def terms(language: str) -> list[tuple[str, str]]:
    """(English, Chinese) of every row of a glossary."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+? \|$", page(language, "glossary"), flags=re.MULTILINE)[1:]
    return [row if language == "en" else row[::-1] for row in rows]


def prose(name: str) -> str:
    """A Chinese page without commands, code, pictures and links' targets."""
    text = re.sub(r"^```.*?^```$", "", page("zh", name), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


def test_both_glossaries_have_the_same_terms() -> None:
    assert terms("en") == terms("zh") and len(terms("en")) > 30
    assert len({chinese for _, chinese in terms("en")}) == len(terms("en"))


def test_every_term_is_used() -> None:
    english = " ".join(page("en", name) for name in PAGES if name != "glossary").lower()
    chinese = "".join(prose(name) for name in PAGES if name != "glossary")
    for term, translation in terms("en"):
        assert all(part in english for part in term.lower().split(", ")), term
        assert all(part in chinese for part in translation.split("、")), translation


@pytest.mark.parametrize("name", PAGES)
def test_a_chinese_page_uses_the_words_of_the_glossary(name: str) -> None:
    assert set(OTHERWISE) <= {chinese for _, chinese in terms("zh")}
    text = prose(name)
    wrong = [f"{other}: {word}" for word, others in OTHERWISE.items() for other in others if other in text]
    assert not wrong


@pytest.mark.parametrize("name", PAGES)
def test_the_chinese_page_is_complete(name: str) -> None:
    """As many headings, tables' rows, list items, pictures and commands as the English one; nothing left in English."""
    english, chinese = page("en", name), page("zh", name)
    for mark in (r"^#+ ", r"^\| ", r"^- ", r"^!\[", r"^```", r"^\$ "):
        assert len(re.findall(mark, english, re.MULTILINE)) == len(re.findall(mark, chinese, re.MULTILINE)), mark
    if name != "glossary":
        assert not re.findall(r"(?:\b[A-Za-z]+\b[ ,]+){7,}", prose(name))
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese)) > 150
    assert chinese.split("\n\n")[1].startswith("读完本页，你能")
