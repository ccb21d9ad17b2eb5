"""``python -m tools.scope_page``: write docs/scope.md from docs/requirements.toml."""

from __future__ import annotations

from support.files import PROJECT
from support.gherkin.requirements import read_requirements, scope_page

PAGE = PROJECT / "docs" / "scope.md"

if __name__ == "__main__":
    PAGE.write_text(scope_page(read_requirements()), encoding="utf-8")
