"""The report of an evaluation: one HTML file that needs nothing else, and no scripts."""

from photofind.learning.report.page import report_page

__all__ = ["report_page"]
