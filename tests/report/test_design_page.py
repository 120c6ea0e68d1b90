"""The page and the picture of a design: whole, self-contained, and true to the numbers."""

from __future__ import annotations

import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ganworks.design import from_divergence, from_likelihood_ratio, from_terms
from ganworks.report.design_curves import FAKE, WRONG, panels
from ganworks.report.design_page import design_page
from ganworks.report.design_picture import greek, picture_png, picture_svgs

DESIGNS = {
    "exponential": lambda: from_likelihood_ratio("log(r)/2", "exp(-t)", name="exponential"),
    "warned": lambda: from_terms("-(t+1)^2", "-(t-1)^2").with_generator("t^2"),
    "hinge": lambda: from_terms("-max(0,1+t)", "-max(0,1-t)", name="hinge").with_generator("t"),
    "wasserstein": lambda: from_terms("-t", "t", lipschitz=1, name="w<gan> & co"),
    "not monotone": lambda: from_likelihood_ratio("(r-1)^2", "1"),
    "no critic": lambda: from_terms("t^2", "t"), "affine": lambda: from_divergence("2*(u-1)"),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_page_is_well_formed_and_loads_nothing(name):
    design = DESIGNS[name]()
    page = design_page(design)
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "link", "iframe", "img", "object", "embed", "base", "form"}
    for element in root.iter():
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2]
            assert not plain.startswith("on")
            assert plain not in ("href", "src", "action", "data") or value.startswith(("#", "data:")), (key, value)
    style = "".join(element.text or "" for element in root.iter() if element.tag.endswith("style"))
    assert not re.search(r"@import|url\((?!#)", style + page.replace("url(#", "("))
    words = "".join(root.itertext())
    assert "Certificate" in words
    verdict = design.certificate().verdict
    tone = {"accept": "tile good", "warn": "tile warn", "reject": "tile bad"}[verdict]
    assert next(e for e in root.iter() if e.attrib.get("class", "").startswith("tile ")).attrib["class"] == tone
    assert len([e for e in root.iter() if e.tag.endswith("}svg") or e.tag == "svg"]) == 6
    identifiers = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(identifiers)
    assert ("ganworks train" in words) == (verdict in ("accept", "warn"))


def test_the_page_lists_the_compiled_costs():
    page = design_page(DESIGNS["exponential"]())
    # The cost on real samples is -phi(omega(e^-v)) = exp(-v/2) - 1, shifted to 0 at v = 0; at v = -3 it is 3.48169.
    assert ">3.4817<" in page


def test_the_picture_is_a_png_of_1800_pixels():
    image = Image.open(BytesIO(picture_png(DESIGNS["hinge"]())))
    assert image.format == "PNG"
    assert image.width == 1800
    assert len(np.unique(np.asarray(image.convert("L")))) > 50


def test_every_drawing_of_a_page_has_words_for_those_who_cannot_see_it():
    for title, svg in picture_svgs(DESIGNS["exponential"]()):
        assert title in ElementTree.fromstring(svg).attrib["aria-label"]


def test_the_curves_are_those_of_the_formulas():
    earns, pays, divergences, best, costs, force = panels(DESIGNS["exponential"]())
    phi, psi = earns.curves
    np.testing.assert_allclose(phi.y, 1 - np.exp(phi.x), atol=1e-12)
    np.testing.assert_allclose(psi.y, 1 - np.exp(-psi.x), atol=1e-12)
    np.testing.assert_allclose(pays.curves[0].y, 1 - np.exp(-pays.curves[0].x), atol=1e-12)
    np.testing.assert_allclose(divergences.curves[0].y, (np.sqrt(divergences.curves[0].x) - 1) ** 2, atol=1e-12)
    np.testing.assert_allclose(best.curves[0].y, np.log(best.curves[0].x) / 2, atol=1e-12)
    real, fake, generator = costs.curves
    np.testing.assert_allclose(real.y, np.exp(-real.x / 2) - 1, atol=1e-12)
    np.testing.assert_allclose(fake.y, np.exp(fake.x / 2) - 1, atol=1e-12)
    np.testing.assert_allclose(generator.y, 1 - np.exp(generator.x / 2), atol=1e-12)
    here, other = force.curves
    np.testing.assert_allclose(here.y, np.exp(here.x / 2) / 2, rtol=1e-12)  # |d/dv (1 - e^(v/2))|
    np.testing.assert_allclose(other.y, 1 / (1 + np.exp(other.x)), rtol=1e-12)


def test_the_wrong_way_is_marked_where_it_is():
    _, pays, divergences, _, _, force = panels(DESIGNS["warned"]())
    wrong = next(curve for curve in force.curves if curve.colour == WRONG)
    kept = np.isfinite(wrong.y)
    assert (wrong.x[kept] > 0).all()  # beta = t^2 falls for t < 0, where r < 1 and v > 0
    t = np.tanh(wrong.x[kept] / 2)  # |d t^2 / dv| with t = -tanh(v/2)
    np.testing.assert_allclose(wrong.y[kept], t * (1 - t**2), rtol=1e-10)
    falling = next(curve for curve in pays.curves if curve.colour == WRONG)
    assert (falling.x[np.isfinite(falling.y)] <= 1e-12).all()
    d, h = divergences.curves
    assert d.y.min() >= 0
    assert h.y.min() < 0  # the generator's H has no minimum at r = 1


def test_a_critic_that_falls_is_marked():
    best = panels(DESIGNS["not monotone"]())[3]
    wrong = next(curve for curve in best.curves if curve.colour == WRONG)
    assert (wrong.x[np.isfinite(wrong.y)] <= 1 + 1e-12).all()


def test_without_closed_forms_the_curves_are_the_integrals():
    earns, _, divergences, *_ = panels(from_likelihood_ratio("r+sin(r)/2", "1"))
    psi = next(curve for curve in earns.curves if curve.colour == FAKE)
    np.testing.assert_allclose(psi.y, psi.x - (1 + np.sin(1) / 2), atol=1e-10)
    r = divergences.curves[0].x
    wanted = (r**2 - 1) / 2 - (np.cos(r) - np.cos(1)) / 2 - (1 + np.sin(1) / 2) * (r - 1)  # THEORY.md, C.4
    np.testing.assert_allclose(divergences.curves[0].y, wanted, atol=1e-9)


def test_greek_letters_are_whole_words():
    assert greek("beta(omega(1)) on Omega; alphabet, alpha-divergence") == "β(ω(1)) on Ω; alphabet, alpha-divergence"
