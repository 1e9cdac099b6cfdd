"""A link within the repository leads somewhere."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from .markdown import anchors, documents, links, name_in_repository


def test_every_relative_link_leads_to_a_file_or_folder():
    broken = [
        f"{name_in_repository(path)}: {target}"
        for path in documents()
        for target in links(path)
        if not urlsplit(target).scheme and not target.startswith("#")
        if not (path.parent / unquote(urlsplit(target).path)).exists()
    ]

    assert broken == []


def test_every_anchor_is_a_heading_of_its_page():
    broken = [
        f"{name_in_repository(path)}: {target}"
        for path in documents()
        for target in links(path)
        if "#" in target and not urlsplit(target).scheme
        if (page := path.parent / unquote(urlsplit(target).path) if urlsplit(target).path else path).suffix == ".md"
        if page.exists() and urlsplit(target).fragment not in anchors(page)
    ]

    assert broken == []
