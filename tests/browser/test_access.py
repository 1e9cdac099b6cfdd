"""The page is usable by everyone, at every width, and talks to nobody but its own server."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LOOKS = [
    pytest.param(DESKTOP, "light", id="light"),
    pytest.param(DESKTOP, "dark", id="dark"),
    pytest.param(PHONE, "light", id="phone"),
]
"""Colours do not depend on the size, nor the layout on the theme."""


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("path", ["", "?f.model=gpt-5.4&by=feature", "?f.team=nobody"])
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_axe_finds_nothing(open_page, scheme, size, path):
    opened = open_page(path, color_scheme=scheme, viewport=size)
    if not path:
        opened.keep_picture(f"overview-{scheme}-{size['width']}")
    assert violations(opened.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_open_menus(open_page, scheme):
    page = open_page(color_scheme=scheme).page
    for key, shown in (("/", ".filter-menu .options.scroll .option"), ("?", "dialog[open]")):
        page.keyboard.press(key)
        expect(page.locator(shown).first).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Time range").click()
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 1920])
def test_no_width_scrolls_sideways(open_page, width):
    page = open_page(
        "?f.model=a-model-with-a-very-long-name&f.model=gpt-5.4", viewport={"width": width, "height": 800}
    ).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_only_its_own_server_is_asked_and_nothing_is_complained_about(open_page, server_url):
    opened = open_page()
    page = opened.page
    page.locator(".chart").first.hover()
    page.keyboard.press("/")
    expect(page.locator(".filter-values .option").first).to_be_visible()
    assert {urlsplit(url).netloc for url in opened.requests} == {urlsplit(server_url).netloc}
    assert opened.complaints == []


def test_the_theme_follows_the_system_until_one_is_chosen(open_page):
    page = open_page(color_scheme="dark").page
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(12, 15, 20)"
    page.get_by_role("button", name="Theme: system").click()
    assert page.evaluate(ground) == "rgb(246, 247, 249)"
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate(ground) == "rgb(246, 247, 249)"


def test_on_a_phone_the_pages_are_in_a_drawer(open_page):
    page = open_page(viewport=PHONE).page
    link = page.get_by_role("link", name="Cost overview")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    page.get_by_role("button", name="Close menu").click(position={"x": 380, "y": 400})
    expect(link).to_be_hidden()


def test_nothing_shifts_while_the_page_loads(open_page):
    watch = (
        "new PerformanceObserver(l => l.getEntries().forEach(e => window.__shift = (window.__shift || 0) + e.value))"
    )
    script = f"{watch}.observe({{type: 'layout-shift', buffered: true}})"
    page = open_page(prepare=lambda page: page.add_init_script(script)).page
    expect(page.locator(".who svg.spark").first).to_be_visible()
    assert page.evaluate("window.__shift || 0") < 0.02
