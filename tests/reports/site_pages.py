"""A strict parser for the pages of a site: balanced tags, unique ids, one h1, ordered headings, no dead link."""

from __future__ import annotations

import os
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
# Attributes that load something. A plain link does not, but the site has no external links either.
ADDRESSES = frozenset({"href", "src", "srcset", "action", "formaction", "data", "poster", "cite", "background"})
LANDMARKS = frozenset({"header", "nav", "main", "footer"})


class Page:
    """One page. `problems` is empty if it is well-formed; `text` is its readable text, without style and script."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        found = _parsed(self.source)
        self.problems, self.ids, self.addresses, self.tags = found.problems, found.ids, found.addresses, found.tags
        self.headings, self.text = found.headings, found.text

    def heading_texts(self) -> list[str]:
        return [" ".join(text.split()) for _, text in self.headings]


class _Parser(HTMLParser):
    """What is found in the text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(source)
        self.close()
        if self._open:
            self.problems.append(f"never closed: {self._open}")
        self._check_headings()
        self.problems += [f"id {name} twice" for name in set(self.ids) if self.ids.count(name) > 1]
        self.problems += [f"aria-labelledby {name} is nowhere" for name in self.labels if name not in self.ids]
        self.problems += [f"no {name}" for name in LANDMARKS if name not in self.tags]
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.problems += [f"<{tag}> has {name} twice" for name in set(names) if names.count(name) > 1]
        self.problems += [f"<{tag} {name}>" for name in names if name.startswith("on") or name == "style"]
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
                self.problems += [f"id {value!r}"] if not value or " " in value else []
            if name == "aria-labelledby":
                self.labels += (value or "").split(" ")
            if name in ADDRESSES:
                self.addresses.append(value or "")
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} while open are {self._open[-3:]}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"style", "script"}:
            return
        self._texts.append(data)
        if self.headings and any(tag == f"h{self.headings[-1][0]}" for tag in self._open):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    def _check_headings(self) -> None:
        levels = [level for level, _ in self.headings]
        if levels.count(1) != 1 or levels[0] != 1:
            self.problems.append(f"h1 is not the one first heading: {levels}")
        for before, after in zip(levels, levels[1:], strict=False):
            if after > before + 1:
                self.problems.append(f"h{after} follows h{before}")


@lru_cache(maxsize=128)
def _parsed(source: str) -> _Parser:
    """Half of the pages of these tests, such as the catalogue of faults, are the same in many sites."""
    return _Parser(source)


def read_site(site: Path) -> dict[str, Page]:
    """The pages in all languages, by their address relative to the root of the site."""
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}


def problems_of(site: Path, pages: dict[str, Page] | None = None) -> list[str]:
    """All problems of all pages, including links. ``pages`` is the site as :func:`read_site` has read it."""
    pages = read_site(site) if pages is None else pages
    found = [f"{name}: {problem}" for name, page in pages.items() for problem in page.problems]
    for name, page in pages.items():
        found += [f"{name}: dead link {one}" for one in page.addresses if not _leads_somewhere(one, page, pages, site)]
    return found


def _leads_somewhere(link: str, page: Page, pages: dict[str, Page], site: Path) -> bool:
    if "://" in link or link.startswith(("//", "/", "data:", "javascript:", "mailto:")):
        return False
    address, fragment = (unquote(part) for part in link.partition("#")[::2])
    if not address:
        return fragment in page.ids
    target = Path(os.path.normpath(page.path.parent / address))
    inside = os.path.relpath(target, site).replace(os.sep, "/")
    if inside in pages:
        return not fragment or fragment in pages[inside].ids
    return inside.startswith(("../evidence/", "../infra_gap_report_", "traceability.")) and target.is_file()
