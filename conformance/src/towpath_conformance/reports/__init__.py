"""Reports: for the terminal, for programs, for continuous integration, and to publish."""

from towpath_conformance.reports.document import as_json, report_schema
from towpath_conformance.reports.judgement import Finding, Judgement
from towpath_conformance.reports.junit import as_junit
from towpath_conformance.reports.page import as_html
from towpath_conformance.reports.text import as_text

__all__ = ["Finding", "Judgement", "as_html", "as_json", "as_junit", "as_text", "report_schema"]
