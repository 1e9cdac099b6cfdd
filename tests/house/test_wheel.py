"""What is shipped: the wheel's content and weight, and what works where nothing else is installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

from costspan.testing.stub_provider import StubProvider, StubUsage

from .conftest import BareInstall

MAX_WHEEL_BYTES = 3_000_000
MAX_DASHBOARD_BYTES = 128_000
"""All pages' script and style as they travel, compressed: 120 KB and 8 KB."""
STATIC = "costspan/server/web/static/"


def test_the_wheel_holds_the_built_dashboard(wheel: Path):
    assert f"{STATIC}index.html" in _names(wheel)
    assert any(name.startswith(STATIC) and name.endswith(".js") for name in _names(wheel))


def test_the_wheel_holds_the_catalogue_and_the_marker_of_types(wheel: Path):
    assert {"costspan/pricing/catalogue/openai.toml", "costspan/py.typed"} <= set(_names(wheel))


def test_the_wheel_holds_the_licence_and_the_notice_of_the_price_data(wheel: Path):
    licences = {name.rpartition("/")[2] for name in _names(wheel) if ".dist-info/licenses/" in name}

    assert {"LICENSE", "NOTICE"} <= licences


def test_the_wheel_holds_one_package_and_no_leftovers(wheel: Path):
    tops = {name.partition("/")[0] for name in _names(wheel)}
    strange = [name for name in _names(wheel) if name.endswith((".pyc", ".stamp", ".map")) or "/tests/" in name]

    assert {top for top in tops if not top.endswith(".dist-info")} == {"costspan"}
    assert strange == []


def test_the_wheel_weighs_less_than_3_megabytes(wheel: Path):
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


def test_the_dashboards_code_weighs_less_than_128_kilobytes_on_its_way(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        packed = [info for info in archive.infolist() if info.filename.startswith(STATIC)]
        sizes = [info.file_size for info in packed if info.filename.endswith((".js.gz", ".css.gz", ".html.gz"))]

    assert 0 < sum(sizes) < MAX_DASHBOARD_BYTES


def test_a_usage_is_priced_where_nothing_else_is_installed(bare: BareInstall):
    done = bare.costspan("price", "gpt-4o", "--input", "1000000")

    assert done.returncode == 0, done.stderr
    assert "2.5" in done.stdout
    assert "gpt-4o" in done.stdout


def test_python_prices_a_usage_where_nothing_else_is_installed(bare: BareInstall):
    done = bare.python("-c", "import costspan; print(costspan.price('gpt-4o', input_tokens=1_000_000).cost)")

    assert done.stdout.strip() == "2500000000000", done.stderr


def test_a_command_of_the_server_says_what_to_install_and_exits_3(bare: BareInstall):
    done = bare.costspan("serve")

    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.strip().endswith("pip install 'costspan[server]'")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_help_of_every_command_needs_nothing_else_installed(bare: BareInstall):
    done = bare.costspan("--help")

    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout


APPLICATION = """
from openai import OpenAI

client = OpenAI()
question = [{"role": "user", "content": "What does this cost?"}]
answer = client.chat.completions.create(model="gpt-5", messages=question)
print(answer.choices[0].message.content)
client.responses.create(model="gpt-5-mini", input="And this?")
client.embeddings.create(model="text-embedding-3-small", input="a text to find again")
"""


def test_ten_lines_of_an_application_and_one_command_say_what_it_cost(openai_application: BareInstall):
    (openai_application.folder / "app.py").write_text(APPLICATION)
    usage = StubUsage(input_tokens=1000, output_tokens=50)

    with StubProvider(usage=usage) as provider:
        settings = {
            "OPENAI_BASE_URL": provider.base_url,
            "OPENAI_API_KEY": "test",
            "COSTSPAN_URL": "http://127.0.0.1:9",
        }
        done = openai_application.costspan(
            "run", "--", str(openai_application.folder / "bin" / "python"), "app.py", **settings
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Hello."
    assert [line.split() for line in done.stderr.splitlines() if "$" in line] == [
        ["gpt-5", "1", "1,000", "0", "50", "$0.0018"],
        ["gpt-5-mini", "1", "1,000", "0", "50", "$0.00035"],
        ["text-embedding-3-small", "1", "1,000", "0", "0", "$0.000020"],
        ["total", "3", "3,000", "0", "100", "$0.0021"],
    ], done.stderr
    assert done.stderr.rstrip().endswith(
        "costspan report --data costspan-data (pip install 'costspan[server]' brings it)"
    )


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()
