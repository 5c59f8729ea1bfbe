# Everything a newcomer needs: `make reproduce` and `make test` set themselves up from a bare clone
# with python3 and make alone. The environment lives in .venv; the lock files pin it by hash.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help check test test-extras reproduce quick lab notebooks bench lock clean

PY ?= python3
ARGS ?=
JOBS ?= 2

PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
EXTRAS := .venv/extras/bin/python
EXTRAS_PIP := $(EXTRAS) -m pip --disable-pip-version-check --quiet

help: ## list the targets
	@echo "make reproduce    prove, simulate and draw everything; ARGS='SLUG …' picks some of it"
	@echo "                  ARGS=--full first runs again what takes long: the race, GANs, sharpness"
	@echo "make quick        the same in a coarse version, written beside the committed gallery"
	@echo "make test         all tests, on $(JOBS) processes; ARGS passes on to pytest"
	@echo "make test-extras  Dask, MPI, torch and optax, in an environment of its own"
	@echo "make check        format, lint, types, import layers, spelling, doctests"
	@echo "make lab          open the notebooks in JupyterLab"
	@echo "make notebooks    execute the notebooks again from their sources"
	@echo "make bench        ratios of times against what one would use instead"
	@echo "make lock         pin the newest admissible releases again"
	@echo "make clean        remove what the other targets made, .venv included"

# The stamps hold the set-up: one for the environment, one for each lock file that is installed in
# it. The development lock holds the other one's pins, so it is installed on top. The engines of a
# cluster, torch and JAX are heavy, and nothing else needs them: they have an environment of their
# own.
.venv/.stamp-python:
	@$(PY) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { \
	  echo "momentum_dynamics needs Python 3.11 or later, but '$(PY)' is $$($(PY) --version 2>&1 || true); name another one: make PY=python3.12 $(MAKECMDGOALS)." >&2; exit 1; }
	@echo "Setting up .venv …"
	@$(PY) -m venv .venv
	@touch $@

.venv/.stamp-reproduce: requirements/reproduce.txt pyproject.toml .venv/.stamp-python
	@echo "Installing requirements/reproduce.txt …"
	@$(PIP) install --require-hashes -r requirements/reproduce.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/.stamp-dev: requirements/dev.txt .venv/.stamp-reproduce
	@echo "Installing requirements/dev.txt …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

.venv/extras/.stamp-cluster: requirements/cluster.txt pyproject.toml .venv/.stamp-python
	@test -x $(EXTRAS) || $(PYTHON) -m venv .venv/extras
	@echo "Installing requirements/cluster.txt …"
	@$(EXTRAS_PIP) install --require-hashes -r requirements/cluster.txt
	@$(EXTRAS_PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/extras/.stamp-adapters: requirements/adapters.txt requirements/torch.txt .venv/extras/.stamp-cluster
	@echo "Installing requirements/adapters.txt and requirements/torch.txt …"
	@$(EXTRAS_PIP) install --require-hashes -r requirements/adapters.txt
	@$(EXTRAS_PIP) install -r requirements/torch.txt
	@touch $@

reproduce: .venv/.stamp-reproduce
	.venv/bin/momentum-dynamics reproduce $(ARGS)

quick: .venv/.stamp-reproduce
	.venv/bin/momentum-dynamics reproduce --quick $(ARGS)

check: .venv/.stamp-dev
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	.venv/bin/codespell
	$(PYTHON) -m pytest -q -p no:randomly --doctest-modules --doctest-glob=README.md --ignore=momentum_dynamics/adapters momentum_dynamics README.md

test: .venv/.stamp-dev
	$(PYTHON) -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-extras: .venv/extras/.stamp-adapters
	$(EXTRAS) -m pytest tests/extras -m extras $(ARGS)
	$(EXTRAS) -m pytest -q --doctest-modules momentum_dynamics/adapters

lab: .venv/.stamp-dev
	.venv/bin/jupyter lab notebooks $(ARGS)

notebooks: .venv/.stamp-dev
	$(PYTHON) notebooks/build.py $(ARGS)

# One process, and the BLAS kernels that belong to this machine.
bench: .venv/.stamp-dev
	env -u OPENBLAS_CORETYPE $(PYTHON) -m pytest tests/benchmarks -m benchmark -n 0 -p no:randomly $(ARGS)

# The locks hold for every Python from 3.11 on and for every system; one version of each package
# for all of them, so that everybody draws the same figures. Extras stay in the pins: without them
# older pips take what asks for an extra as unpinned once a newer release is out.
COMPILE := .venv/lock/bin/python -m uv pip compile --quiet --upgrade --universal --generate-hashes \
  --no-header --no-strip-extras --python-version 3.11 --fork-strategy fewest pyproject.toml requirements/build.in

lock: .venv/.stamp-python
	@test -x .venv/lock/bin/uv || { $(PYTHON) -m venv .venv/lock && \
	  .venv/lock/bin/python -m pip --disable-pip-version-check --quiet install uv; }
	$(COMPILE) --extra notebooks --extra reproduce --extra dev -o requirements/dev.txt
	$(COMPILE) --extra reproduce -c requirements/dev.txt -o requirements/reproduce.txt
	$(COMPILE) requirements/cluster.in --extra cluster -c requirements/dev.txt -o requirements/cluster.txt
	$(COMPILE) requirements/adapters.in --extra optax -c requirements/dev.txt -c requirements/cluster.txt -o requirements/adapters.txt

clean:
	rm -rf .venv build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -type d -name __pycache__ -prune -exec rm -rf {} +
