# make demo   starts costspan with 30 days of data to look at (ARGS=--once: load, then exit)
# make dev    sets up what changing costspan needs, in about a minute
# make test   runs all tests, in a real browser too
# All do all set-up from a fresh clone: virtual environment, dependencies, dashboard, browser.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help demo dev test soak check bench bench-accuracy bench-anomaly bench-forecast bench-query bench-sdk bench-ui docs fuzz audit sbom fmt lock browser clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

# uv checks every download against the hashes of constraints.txt and is itself installed against its own.
$(UV): tools/bootstrap.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/bootstrap.txt
	@touch $(UV)

INSTALL = $(UV) pip install --quiet --python $(BIN)/python --build-constraints constraints.txt -c constraints.txt
UI_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' 2>/dev/null)

$(VENV)/.server: $(UV) pyproject.toml constraints.txt hatch_build.py $(UI_SOURCES)
	$(INSTALL) --editable '.[all]'
	@touch $@

$(VENV)/.dev: $(VENV)/.server
	$(INSTALL) --group dev
	@touch $@

# ClickHouse's engine as a library, half a gigabyte; without it the tests of that ledger are skipped.
$(VENV)/.clickhouse: $(VENV)/.dev
	$(INSTALL) --group clickhouse-tests
	@touch $@

demo: $(VENV)/.server ## 30 days of traffic through the real receiver, then live traffic; ARGS=--once to stop after loading
	$(BIN)/costspan demo $(ARGS)

# On all cores, each file on one of them, since its tests share servers; in order, since the browser comes last.
# Chosen tests (ARGS) start at once in one process; ARGS='-n auto ...' spreads those too.
SPREAD = $(if $(ARGS),,-n auto)

dev: $(VENV)/.dev ## set up .venv to change costspan: dependencies, dashboard, tools

test: $(VENV)/.dev $(if $(ARGS),,browser) ## all tests on all cores; ARGS='-k name' to choose
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

soak: $(VENV)/.dev ## five minutes of mixed load on one server; ARGS='--soak-s 3600' for an hour
	$(BIN)/python -m pytest tests/soak -s --soak-s 300 $(ARGS)

check: $(VENV)/.dev ## format, lint, types, import contracts, price catalogue, dashboard sources
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/costspan prices check
	$(BIN)/python tools/ui.py ci --silent
	$(BIN)/python tools/ui.py run check
	$(BIN)/python tools/ui.py test

bench: $(VENV)/.dev ## benchmarks beside a peer; reports ratios
	$(BIN)/python -m pytest benchmarks $(ARGS)

bench-accuracy: $(VENV)/.dev ## costs shown for recorded telemetry, beside peers found on PATH; ARGS='--markdown FILE'
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

bench-anomaly: $(VENV)/.dev ## faults found in labelled spend, how soon, false alarms; ARGS='--nab CHECKOUT --test 501-510'
	$(BIN)/python -m benchmarks.anomaly $(ARGS)

bench-forecast: $(VENV)/.dev ## forecasts of a month beside the run rate and the month before; ARGS='--organisations 100'
	$(BIN)/python -m benchmarks.forecast $(ARGS)

fuzz: $(VENV)/.dev ## broken requests through both doors; ARGS='--bodies 1000000 --seed 2'
	$(BIN)/python -m tests.fuzz $(ARGS)

bench-query: $(VENV)/.dev ## the dashboard's questions at 1 and 10 million calls, from rows and from roll-ups; ARGS='--millions 50'
	$(BIN)/python -m benchmarks.query $(ARGS)

bench-ui: $(VENV)/.dev browser ## what the dashboard's first page costs a browser, beside Phoenix's
	$(BIN)/python -m benchmarks.ui --prepare $(ARGS)

bench-sdk: $(VENV)/.dev ## what the SDK adds to a call, beside OpenTelemetry alone and five tools; ARGS='--json FILE'
	$(BIN)/python -m benchmarks.sdk --prepare $(ARGS)

docs: $(VENV)/.dev ## the documentation as a site in dist/docs; to search it: python -m http.server --directory dist/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict $(ARGS)

.venv-focus: $(UV) tools/focus_validator.txt tools/focus_validator.sh
	sh tools/focus_validator.sh $(UV) $@
	@touch $@

audit: $(UV) ## known vulnerabilities of the pinned dependencies; asks osv.dev, so not part of CI
	$(UV) tool run pip-audit --requirement constraints.txt --disable-pip --vulnerability-service osv

# What `costspan[all]` brings, at the versions that are tested.
sbom: $(UV) ## what is inside an installation, as CycloneDX: dist/sbom.cdx.json
	@mkdir -p dist
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --extra all \
	  --constraints constraints.txt pyproject.toml --output-file dist/sbom.txt
	$(UV) tool run --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements dist/sbom.txt --pyproject pyproject.toml \
	  --output-reproducible --output-file dist/sbom.cdx.json

fmt: $(VENV)/.dev ## format and fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: $(UV) ## resolve constraints.txt anew
	$(UV) pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-annotate \
	  --all-extras --group dev --group clickhouse-tests pyproject.toml --output-file constraints.txt

# Playwright drives the distribution's Chromium; a test fails with this line's hint where neither is there.
browser:
	@test -n "$$COSTSPAN_CHROMIUM" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || sh tools/install_chromium.sh

clean: ## remove what the other targets made
	rm -rf $(VENV) .venv-focus dist ui/node_modules src/costspan/server/web/static costspan-demo
