"""Reports of a run: the page, and its curves as a picture."""

from ganworks.report.curves import write_curves
from ganworks.report.page import write_report

__all__ = ["write_curves", "write_report"]
