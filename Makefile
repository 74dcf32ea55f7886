# Every target installs what it needs; `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_SHOWN := $(BIN)/python -m pip --disable-pip-version-check
PIP := $(PIP_SHOWN) --quiet
# pyproject.toml is the one place that pins torch: its build differs by machine, so it is not in the lock files. Only
# training needs it: the demo and the server do without.
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
# npm runs with the Node.js of the development dependencies.
NPM := $(BIN)/python -m tools.npm
# The npm tag `latest` of aws-cdk has a schema that the CDK library does not know.
CDK := $(NPM) exec --yes -- aws-cdk@2.1148.1
# Stage of the AWS targets: dev, prod, or all.
STAGE ?= dev
BENCH ?= all
# Processes that run tests side by side. A machine with little memory may want fewer.
WORKERS ?= auto
# Markers are described in pyproject.toml. The fast loop leaves out what takes seconds each.
FAST := not (needs_pack or aws or browser or cdk or kill or large or network or office or processes or train)
PACKAGES_HINT := sudo apt-get install libreoffice-calc chromium, or brew install --cask libreoffice chromium

.DEFAULT_GOAL := help
.PHONY: help demo serve training system-packages test test-fast test-export lint format bench peers screens web infra synth templates layer diff deploy docs dist lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/local ## register a sample class, read its photo and show the register
	$(BIN)/muster demo --output build/demo

serve: $(VENV)/local ## serve the HTTP API on this machine
	$(BIN)/muster serve

training: $(VENV)/train ## add torch, with which the server also trains on its students; takes 1 GB and more

system-packages: ## install the browser and LibreOffice Calc that the tests use
	@missing=""; command -v soffice >/dev/null || missing="libreoffice-calc"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| missing="$$missing chromium"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing $$missing for the tests of reports and of the web client."; \
		if { apt-get update --quiet=2 --option Acquire::http::Timeout=20 && DEBIAN_FRONTEND=noninteractive \
			apt-get install --quiet=2 --yes --no-install-recommends $$missing; } >/dev/null; then exit 0; fi; \
	fi; \
	echo "The tests need $$missing, which could not be installed. Install it and run make again:" >&2; \
	echo "  $(PACKAGES_HINT)" >&2; echo "make test-fast runs the tests that do not need it." >&2; exit 1

test: $(VENV)/dev system-packages ## run every test on every processor; the slowest are listed at the end
	@mkdir -p build
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		--durations=40 --junit-xml=build/tests.xml

test-fast: $(VENV)/dev ## run the tests that need neither models nor processes, in under a minute
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "$(FAST)" tests/unit tests/contract

test-export: .venv-export/done ## compare the cloud pack's exported models with their original libraries; installs 6 GB
	.venv-export/bin/python -m pytest tests/export

.venv-export/done: requirements/export.txt
	$(PYTHON) -m venv .venv-export
	@# Compiling all 13,000 modules, of which few are imported, takes longer than unpacking them.
	.venv-export/bin/python -m pip install --quiet --no-compile --require-hashes --no-deps -r requirements/export.txt
	.venv-export/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

lint: $(VENV)/dev node_modules/.package-lock.json ## check style, spelling, language and types
	$(BIN)/python -m codespell_lib
	$(BIN)/python -m tools.prose
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(NPM) run --silent lint

format: $(VENV)/dev node_modules/.package-lock.json ## fix style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(NPM) run --silent format

bench: $(VENV)/dev ## run all benchmarks, or one: make bench BENCH=matching
	$(BIN)/python -m benchmarks $(BENCH)

peers: .venv-peers/ready ## install the libraries that the benchmarks compare with

.venv-peers/ready:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet face-recognition-models==0.3.0 dlib-bin==20.0.1.post1 numpy pillow "setuptools<81"
	@touch $@

screens: $(VENV)/dev system-packages ## regenerate the screenshots in docs/screens
	$(BIN)/python -m pytest tests/e2e/web/test_screens.py tests/e2e/web/test_questions.py tests/e2e/web/test_administration.py -k 'barriers or admin' --write-screens

web: $(VENV)/dev ## update the list of files in the service worker; after every change under web/
	$(BIN)/python -m infra.web_files

infra: layer ## set up everything that the cdk command needs: packages and the Lambda layer

synth: $(VENV)/infra ## write the CloudFormation templates of a stage to cdk.out, without an account
	CDK_CONTEXT_JSON='{"stage": "$(STAGE)"}' $(BIN)/python -m infra.app

templates: $(VENV)/dev ## update the snapshots of the templates; after every change under infra/
	$(BIN)/python -m tests.infra.snapshots

layer: $(VENV)/infra ## build the Lambda layer in build/layer, if it is missing or stale
	$(BIN)/python -m infra.layer

diff: layer ## compare a stage with what is deployed: make diff STAGE=prod
	$(CDK) diff --context stage=$(STAGE)

deploy: layer ## deploy a stage: make deploy STAGE=prod
	$(CDK) deploy --all --context stage=$(STAGE)

docs: $(VENV)/dev ## regenerate docs/openapi.json, the tables that come from code, and the wrapping of Markdown
	$(BIN)/python -m muster.entrypoints.openapi > docs/openapi.json
	$(BIN)/python -m tools.generated_docs
	$(BIN)/python -m tools.wrap

dist: ## build the wheel and the source archive in dist/
	$(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python -m pip install --quiet build==1.6.1
	.venv-dist/bin/python -m build

lock: ## regenerate the lock files from pyproject.toml (needs uv)
	requirements/lock.sh

clean: ## remove build outputs; model packs stay in the user's cache
	rm -rf $(VENV) .venv-* node_modules build dist cdk.out

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/local: $(VENV)/bin/python requirements/local.txt pyproject.toml
	@echo "Installing Muster: 0.7 GB on disk."
	@# A module is compiled when it is first imported; most never are.
	$(PIP_SHOWN) install --no-compile --require-hashes -r requirements/local.txt
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/train: $(VENV)/local requirements/train.txt requirements/install_torch.sh
	requirements/install_torch.sh $(BIN)/python $(TORCH)
	$(PIP) install --require-hashes -r requirements/train.txt
	@touch $@

$(VENV)/infra: $(VENV)/bin/python requirements/infra.txt pyproject.toml
	@echo "Installing the packages that deploy to AWS; this takes a few minutes the first time."
	$(PIP) install --require-hashes -r requirements/infra.txt
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/dev: $(VENV)/train requirements/dev.txt
	@echo "Installing the test dependencies."
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# npm writes this file at the end of an installation.
node_modules/.package-lock.json: package.json package-lock.json .npmrc | $(VENV)/dev
	$(NPM) ci --silent
	@touch $@
