"""Findings about the data by itself."""

from __future__ import annotations

from ganworks.diagnose.advice import finding
from ganworks.diagnose.finding import Evidence, Finding
from ganworks.diagnose.material import Material

FEW = 100


def data_findings(material: Material, images: bool) -> list[Finding]:
    """Return what is found in the data; what was looked for and is not there is "healthy".

    Args:
        images: the values are bytes, with a range that they should fill.
    """
    found = [constant(material), repeated(material)]
    if images:
        found.append(filled(material))
    if material.labels_right is not None:
        found.append(labels(material))
    return found


def constant(material: Material) -> Finding:
    """Data that is all the same."""
    return finding("constant data", "healthy" if material.moving else "serious",
                   (Evidence("share of the values that differ between samples", material.moving, "above 0"),))


def repeated(material: Material) -> Finding:
    """Samples that are there more than once."""
    return finding("repeated data", "warning" if material.equal > 0.05 else "healthy",
                   (Evidence("share of the samples that equal another one", material.equal, "0"),),
                   equal=material.equal)


def filled(material: Material) -> Finding:
    """Images whose values use little of their range."""
    wide = material.high - material.low
    return finding("range of the data", "serious" if wide < 0.05 else "warning" if wide < 0.3 else "healthy",
                   (Evidence("largest value less smallest, of the range of bytes", wide, "near 1"),), range=wide)


def labels(material: Material) -> Finding:
    """Labels that have nothing to do with the samples."""
    surprise, right = material.labels_surprise or 0.0, material.labels_right or 0.0
    evidence = (Evidence("share of the samples that have the label of their neighbours", right,
                         f"above {material.labels_by_chance[0]:.3g}, which shuffled labels get"),
                Evidence("that, in standard deviations above shuffled labels", surprise, "above 4"))
    if material.count < FEW:
        return Finding("labels of the data", "unknown", f"whether labels belong to samples: {material.count} samples "
                       f"are too few to tell, {FEW} are needed", evidence)
    return finding("labels of the data", "serious" if surprise < 4 else "healthy", evidence)
