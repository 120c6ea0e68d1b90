from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image

from ganworks.report.curves import curves_png, panel_svg, write_curves
from ganworks.report.history import panels
from ganworks.train import Run

from .conftest import records


def test_curves_are_a_picture_with_every_line_in_its_colour(make_run: Callable[..., Run]) -> None:
    path = write_curves(make_run(records()))
    assert path is not None
    assert path.name == "curves.png"
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    assert (pixels[0] == 255).all()
    assert {(0x2a, 0x6f, 0xbb), (0xd1, 0x64, 0x1b)} <= set(map(tuple, pixels[::7].tolist()))


def test_an_empty_log_draws_nothing(make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert write_curves(run) is None
    assert not (run.path / "curves.png").exists()


def test_one_record_can_be_drawn() -> None:
    assert Image.open(BytesIO(curves_png(panels([{"step": 10, "critic/adversarial": 1.0}])))).width > 300


def test_svg_is_xml_with_the_colours_of_the_page_and_texts_as_text() -> None:
    for panel in panels(records()):
        text = panel_svg(panel)
        root = ET.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "viewBox" in root.attrib
        assert "width" not in root.attrib  # the page decides
        words = {"".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")}
        assert "step" in words
        assert any(word.startswith(panel.axis) for word in words)
        assert "var(--line-1)" in text
        assert "var(--ink)" in text
        # Every colour is a variable: nothing stays dark on dark.
        assert re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text) == []
        assert "<style" not in text


def test_ids_of_two_drawings_do_not_clash() -> None:
    found = [set(re.findall(r'id="([^"]+)"', panel_svg(panel))) for panel in panels(records())]
    assert all(found)
    assert len(set.union(*found)) == sum(map(len, found))


def test_a_drawing_is_the_same_each_time() -> None:
    panel = panels(records())[0]
    assert panel_svg(panel) == panel_svg(panel)


def test_a_name_cannot_break_out_of_the_drawing() -> None:
    name = '"><script>alert(1)</script>'
    (panel,) = panels([{"step": 1, f"measure/{name}": 1.0}, {"step": 2, f"measure/{name}": 2.0}])
    text = panel_svg(panel)
    assert "<script" not in text
    ET.fromstring(text)
