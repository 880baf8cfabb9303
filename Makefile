# `make help` lists what there is. Two commands are enough to begin with: `make demo` and `make test`.
# Needed on the machine: git, make, and Python 3.11 or newer with venv. Nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

# Where the tests find the servers; each run makes a database of its own there (test_…) and drops it.
POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
MYSQL_URL ?= mysql://root@127.0.0.1:3306/mysql

# More arguments for the tool that a target runs: `make test ARGS="-k erasure"`, `make bench ARGS=--quick`.
ARGS ?=

# Two targets that share .venv must not install into it at once.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help


##@ Run

.PHONY: demo
demo: $(VENV)/.runtime ## serve a demonstration vault on 127.0.0.1:3000 (BUNKER_PORT), kept under ./var; Ctrl-C stops it
	@exec $(BIN)/python manage.py demo

.PHONY: serve
serve: $(VENV)/.runtime ## serve the vault that the environment or .env describes (after `manage.py init`)
	@exec $(BIN)/python manage.py serve

.PHONY: venv
venv: $(VENV)/.dev ## only make .venv, with everything for work on the code


##@ Test

.PHONY: test
test: $(VENV)/.dev ## run the tests on SQLite, but for the slow ones
	DATABASE_URL= $(BIN)/python -m pytest -m "not slow" $(ARGS)

.PHONY: test-postgres
test-postgres: $(VENV)/.dev ## run the tests on PostgreSQL (POSTGRES_URL), but for the slow ones
	DATABASE_URL=$(POSTGRES_URL) $(BIN)/python -m pytest -m "not slow" $(ARGS)

.PHONY: test-mysql
test-mysql: $(VENV)/.dev $(VENV)/.mysql ## run the tests on MySQL or MariaDB (MYSQL_URL), but for the slow ones
	DATABASE_URL=$(MYSQL_URL) $(BIN)/python -m pytest -m "not slow" $(ARGS)

.PHONY: test-slow
test-slow: $(VENV)/.dev $(VENV)/.mysql $(VENV)/.otel ## run the tests that take longer, among them short drills on private servers
	DATABASE_URL= $(BIN)/python -m pytest -n 2 -m slow $(ARGS)

# Slow ones of which a database server may make another outcome: several processes, kills, files of the database.
ON_SERVERS := tests/attack tests/races tests/server tests/keys tests/backup

.PHONY: test-slow-postgres
test-slow-postgres: $(VENV)/.dev ## run those of the slow tests on PostgreSQL that depend on the database
	DATABASE_URL=$(POSTGRES_URL) $(BIN)/python -m pytest -n 2 -m slow $(ON_SERVERS) $(ARGS)

.PHONY: test-slow-mysql
test-slow-mysql: $(VENV)/.dev $(VENV)/.mysql ## run those of the slow tests on MySQL or MariaDB that depend on the database
	DATABASE_URL=$(MYSQL_URL) $(BIN)/python -m pytest -n 2 -m slow $(ON_SERVERS) $(ARGS)

.PHONY: test-upgrade
test-upgrade: $(VENV)/.dev $(VENV)/.mysql ## take up the databases of the release before on each server, and partition one (POSTGRES_URL, MYSQL_URL)
	DATABASE_URL=$(POSTGRES_URL) $(BIN)/python -m pytest -n 2 tests/upgrade tests/deploy/test_partitions.py $(ARGS)
	DATABASE_URL=$(MYSQL_URL) $(BIN)/python -m pytest -n 2 tests/upgrade $(ARGS)

.PHONY: test-all
test-all: test test-slow test-postgres test-mysql test-slow-postgres test-slow-mysql test-upgrade ## run all tests on SQLite, PostgreSQL and MariaDB, one after the other

# Each operation is tried with so many generated requests by each caller.
EXAMPLES ?= 40

.PHONY: test-openapi
test-openapi: $(VENV)/.dev ## let schemathesis ask a real server whatever the OpenAPI document allows (EXAMPLES)
	DATABASE_URL= OPENAPI_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n 2 tests/openapi $(ARGS)

NODE_MODULES := tests/clients/node_modules/.package-lock.json
AXE := tests/pages/browser/node_modules/.package-lock.json

.PHONY: test-pages
test-pages: $(VENV)/.dev $(AXE) ## look at the pages in Debian's Chromium, with axe-core (needs chromium, node and npm)
	DATABASE_URL= PAGES_IN_BROWSER=1 $(BIN)/python -m pytest -n 2 tests/pages/browser $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev ## take the pictures of docs/images anew, of a demonstration vault of its own (needs chromium)
	$(BIN)/python scripts/doc_images.py docs/images $(ARGS)

.PHONY: test-clients
test-clients: $(VENV)/.dev $(NODE_MODULES) ## run Databunker's npm clients against a real server (needs node and npm)
	DATABASE_URL= $(BIN)/python -m pytest -n 2 tests/clients $(ARGS)

# How long each target of tests/fuzz is tried.
SECONDS ?= 60

.PHONY: fuzz
fuzz: $(VENV)/.dev ## let atheris try each reader of strangers' bytes for SECONDS; ARGS=json_text for one of them
	@for target in $(or $(ARGS),$$($(BIN)/python -m tests.fuzz.run --list)); do \
		$(BIN)/python -m tests.fuzz.run $$target --seconds $(SECONDS) || exit 1; done

.PHONY: coverage
coverage: $(VENV)/.dev ## run all tests on SQLite and show the lines that none of them reaches
	$(BIN)/python -m coverage erase
	DATABASE_URL= $(BIN)/python -m coverage run -m pytest -n 0 $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# How many kills, over all databases; how long to soak.
ROUNDS ?= 200
MINUTES ?= 30
DRILL := $(BIN)/python -m tests.drill

# As root, on database servers of their own; gcc and the right to mount for some faults.
.PHONY: drill
drill: drill-kill drill-faults drill-overload drill-restore ## what breaks, and what becomes of the vault (docs/faults.md); `soak` and `drill-cluster` are longer

.PHONY: drill-kill
drill-kill: $(VENV)/.dev $(VENV)/.mysql ## kill servers and databases in the middle of writes (ROUNDS)
	$(DRILL).kill --rounds $(ROUNDS) $(ARGS)

.PHONY: drill-faults
drill-faults: $(VENV)/.dev $(VENV)/.mysql ## take away database, disk, names and the right time for a while
	$(DRILL).faults $(ARGS)

.PHONY: drill-overload
drill-overload: $(VENV)/.dev ## ten times as many calls as the server can answer
	$(DRILL).overload $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## a mixed load for MINUTES while keys rotate, backups run, …; writes docs/faults.md
	$(DRILL).soak --minutes $(MINUTES) --write docs $(ARGS)

.PHONY: drill-restore
drill-restore: $(VENV)/.dev $(VENV)/.mysql ## lose the database of a vault in use and come back on another kind, as docs/disaster.md says
	$(BIN)/python -m tests.drill.restore $(ARGS)

.PHONY: drill-cluster
drill-cluster: $(VENV)/.dev $(VENV)/.mysql ## two vaults behind nginx, over PostgreSQL with a standby and over MariaDB Galera: kill machines (docs/scaling.md)
	$(DRILL).cluster $(ARGS)

.PHONY: smoke
smoke: $(VENV)/.runtime ## paste README's curl lines into a fresh `make demo`, stop it, and see it resume
	$(BIN)/python scripts/smoke.py

.PHONY: bench
bench: $(VENV)/.dev ## measure speed on PostgreSQL and write docs/performance.md (needs wrk and pgbench)
	$(BIN)/python -m benchmarks.run $(ARGS)


##@ Check

.PHONY: check
check: lint types layers django ## every check that needs no test run

.PHONY: lint
lint: $(VENV)/.dev ## ruff: mistakes and form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

.PHONY: layers
layers: $(VENV)/.dev ## import-linter: the directions of imports that pyproject.toml sets down
	$(BIN)/lint-imports

# Settings as a deployment has them, with secrets that are thrown away at once.
.PHONY: django
django: $(VENV)/.dev ## Django's deployment checks, and whether a migration is missing
	DATABUNKER_ENV_FILE= DATABASE_URL= \
	DATABUNKER_MASTERKEY=$$($(BIN)/python -c "import secrets; print(secrets.token_hex(32))") \
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") \
	$(BIN)/python manage.py check --deploy --fail-level WARNING
	DATABUNKER_ENV_FILE= DATABASE_URL= $(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: upgrade-dumps
upgrade-dumps: $(VENV)/.dev $(VENV)/.mysql ## keep the databases of this release, for the next one to be tried on (tests/upgrade)
	DATABASE_URL= $(BIN)/python -m tests.upgrade.make
	DATABASE_URL=$(POSTGRES_URL) $(BIN)/python -m tests.upgrade.make
	DATABASE_URL=$(MYSQL_URL) $(BIN)/python -m tests.upgrade.make

# An environment of its own: the tool is no part of the product.
PIP_AUDIT := 2.10.1

.PHONY: advisories
advisories: $(BIN)/python ## pip-audit: is there an advisory for a version that is pinned? Asks PyPI
	test -x $(VENV)/audit/bin/pip-audit || $(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==$(PIP_AUDIT)
	$(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		-r requirements.txt -r requirements-dev.txt -r requirements-mysql.txt -r requirements-docs.txt -r requirements-otel.txt -r requirements-deploy.txt

.PHONY: format
format: $(VENV)/.dev ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .


##@ Keep

# A venv of its own: pip-tools is no part of the product and must not shape its versions.
PIP_TOOLS := 7.6.2
LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	$(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: $(BIN)/python ## pin requirements*.in with hashes; UPGRADE=1 takes the newest versions that fit
	test -x $(VENV)/lock/bin/pip-compile || $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==$(PIP_TOOLS)
	$(LOCK) --output-file requirements.txt requirements.in
	$(LOCK) --output-file requirements-dev.txt requirements-dev.in
	$(LOCK) --output-file requirements-mysql.txt requirements-mysql.in
	$(LOCK) --output-file requirements-docs.txt requirements-docs.in
	$(LOCK) --output-file requirements-otel.txt requirements-otel.in
	$(LOCK) --output-file requirements-deploy.txt requirements-deploy.in

DOCS := $(VENV)/docs
DEPLOY := $(VENV)/deploy

.PHONY: deploy-check
deploy-check: $(VENV)/.dev $(DEPLOY)/.installed ## judge deploy/ by the tools that read it (needs what .ci/run installs)
	DATABASE_URL= DEPLOY_CHECK=1 $(BIN)/python -m pytest -n 2 tests/deploy $(ARGS)

.PHONY: wheel
wheel: $(BIN)/python ## build the wheel into dist/, which docs/deployment.md installs
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

.PHONY: docs
docs: $(VENV)/.runtime $(DOCS)/.installed ## build the documentation site into build/site, and check every link within it
	DATABUNKER_ENV_FILE= DATABASE_URL= $(BIN)/python scripts/api_reference.py
	$(DOCS)/bin/sphinx-build -W --keep-going -n -q -E -d build/doctrees docs build/site
	$(BIN)/python scripts/check_site.py build/site $(ARGS)

.PHONY: docs-config
docs-config: $(VENV)/.runtime ## write docs/configuration.md anew from the table of settings
	DATABUNKER_ENV_FILE= $(BIN)/python manage.py show_settings --markdown > docs/configuration.md

.PHONY: messages
messages: $(VENV)/.runtime ## take up new texts of the pages for translation, and compile locale/ (needs gettext)
	DATABUNKER_ENV_FILE= DATABASE_URL= $(BIN)/python scripts/messages.py

.PHONY: docs-data
docs-data: $(VENV)/.runtime ## write docs/data.md anew from the table of columns
	DATABUNKER_ENV_FILE= $(BIN)/python manage.py show_data > docs/data.md

.PHONY: clean
clean: ## remove what tools leave behind; ./var, which holds the demonstration vault, stays
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## as clean, and .venv and the npm clients too
	rm -rf $(VENV) tests/clients/node_modules tests/pages/browser/node_modules

.PHONY: help
help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))


# What is installed. Each stamp says that a list of packages is in .venv as it stands, so that nothing is done twice.

define NO_VENV
This Python can't make virtual environments. On Debian and Ubuntu:  apt-get install python3-venv
endef

define OLD_PYTHON
Python 3.11 or newer is needed. Name another one with:  make PYTHON=python3.12 …
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(OLD_PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(NO_VENV)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	$(PIP) --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(PIP) --requirement requirements-dev.txt
	@touch $@

$(VENV)/.otel: requirements-otel.txt $(VENV)/.runtime
	$(PIP) --requirement requirements-otel.txt
	@touch $@

# An environment of its own: the tools share no version with the product.
$(DEPLOY)/.installed: requirements-deploy.txt | $(BIN)/python
	test -x $(DEPLOY)/bin/python || $(PYTHON) -m venv $(DEPLOY)
	$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-deploy.txt
	@touch $@

# An environment of its own: the site shares no version with the product.
$(DOCS)/.installed: requirements-docs.txt | $(BIN)/python
	test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-docs.txt
	@touch $@

$(NODE_MODULES): tests/clients/package-lock.json
	cd tests/clients && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
	@touch $@

$(AXE): tests/pages/browser/package-lock.json
	cd tests/pages/browser && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/.mysql: requirements-mysql.txt $(VENV)/.runtime
	@$(PIP) --requirement requirements-mysql.txt || { echo "mysqlclient is built here. On Debian:" \
		"apt-get install gcc python3-dev pkg-config libmariadb-dev" >&2; exit 1; }
	@touch $@
