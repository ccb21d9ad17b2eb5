"""Living documentation: a static site made from the run record, the features and the fault catalogue."""

from support.reporting.site.build import SiteError, write_site

__all__ = ["SiteError", "write_site"]
