"""The built files: how heavy they are, and how they are served."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from costspan.server.web.assets import STATIC, mount_dashboard

UI = Path(__file__).parents[2] / "ui"
KB = 1024


def client(static: Path = STATIC, root_path: str = "") -> TestClient:
    app = FastAPI()
    mount_dashboard(app, static)
    return TestClient(app, root_path=root_path)


def built(*suffixes: str) -> list[Path]:
    files = [file for file in (STATIC / "assets").glob("*") if file.suffix in suffixes]
    assert files, "the dashboard is not built: npm ci && npm run build in ui/"
    return files


def packed(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9))


def test_scripts_styles_and_fonts_keep_within_their_budgets():
    index = (STATIC / "index.html").read_text()
    first = [file for file in built(".js", ".css") if file.name in index]
    later = [file for file in built(".js", ".css") if file.name not in index]
    assert {file.suffix for file in first} == {".js", ".css"}
    assert sum(map(packed, first)) <= 60 * KB
    assert len(later) > 5
    assert max(map(packed, later)) <= 12 * KB
    assert sum(map(packed, built(".js"))) <= 120 * KB
    assert sum(map(packed, built(".css"))) <= 8 * KB
    assert sum(file.stat().st_size for file in built(".woff2")) <= 140 * KB


def test_the_dashboard_has_at_most_six_runtime_dependencies_and_no_download_address():
    assert len(json.loads((UI / "package.json").read_text())["dependencies"]) <= 6
    assert '"resolved"' not in (UI / "package-lock.json").read_text()


def test_a_hashed_file_is_cached_for_good_and_sent_compressed_where_it_can_be(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-abc.js").write_bytes(b"let x = 1;")
    (tmp_path / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(b"let x = 1;"))
    with client(tmp_path) as http:
        packed = http.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})
        plain = http.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "let x = 1;"
    assert packed.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_revalidated_and_allows_scripts_and_styles_of_its_own_only(tmp_path):
    (tmp_path / "index.html").write_text('<base href="/" />')
    with client(tmp_path) as http:
        page = http.get("/calls/abc")
        again = http.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src 'self'; style-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (again.status_code, again.content) == (304, b"")


def test_under_a_prefix_the_page_names_its_base(tmp_path):
    (tmp_path / "index.html").write_text('<base href="/" />')
    with client(tmp_path, root_path="/ops/llm") as http:
        assert http.get("/").text == '<base href="/ops/llm/" />'


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/v1/traces", "/metrics", "/healthz", "/assets/old.js", "/assets/..%2f..%2fassets.py"]
)
def test_paths_of_the_api_and_old_files_never_answer_with_the_page(path):
    with client() as http:
        assert http.get(path).status_code == 404


def test_without_built_files_the_page_says_how_to_get_them(tmp_path):
    with client(tmp_path / "absent") as http:
        page = http.get("/")
    assert page.status_code == 200
    assert "The dashboard was not built" in page.text
    assert "COSTSPAN_SKIP_UI" in page.text
