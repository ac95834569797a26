# On a fresh machine (python3 with venv and pip), `make demo` sets up everything and shows the package
# at work, `make test` runs what CI runs.
PYTHON ?= python3
WORKERS ?= 2
# LOCKED=1, as CI has it (Linux, Python 3.11): packages are those of locks/, held to their hashes. Not
# torch: its builds for CPU and for CUDA are one version with different hashes, and the machine says
# which of them it has.
LOCKED ?=
BY_HASH = --require-hashes --no-deps --requirement

export OMP_NUM_THREADS = 1
export HF_HUB_OFFLINE = 1
export TOKENIZERS_PARALLELISM = false
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export NO_MKDOCS_2_WARNING = true

# What the core alone, without torch and altair, cannot run.
NEEDS_EXTRAS = --ignore=tests/report --ignore=tests/probe -m "not report and not probe"
# What cannot differ without them: the layers that may not import them, tested once, in test-all.
SAME_WITHOUT = --ignore=tests/inference --ignore=tests/rivals --ignore=tests/curves --ignore=tests/docs

.PHONY: demo test setup lint types layers docs test-core test-all test-engines test-slurm fuzz format locks \
	sbom clean screenshots latex

demo: .venv/.ready
	.venv/bin/confounds demo --out demo

test: lint types layers docs test-core test-all

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(if $(LOCKED),.venv/bin/pip install --quiet $(BY_HASH) locks/dev.txt)
	.venv/bin/pip install --quiet --constraint constraints.txt \
		$(if $(LOCKED),--no-build-isolation) --editable '.[dev]'
	touch $@

# The core as a user gets it: built, installed without extras, run from outside the sources.
.venv-core/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-core
	.venv-core/bin/pip install --quiet \
		$(if $(LOCKED),$(BY_HASH) locks/core.txt,--constraint constraints.txt hatchling '.[test]')
	touch $@

lint: .venv/.ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/.ready
	.venv/bin/mypy

layers: .venv/.ready
	.venv/bin/lint-imports --no-logo

# The documentation, into site/; strict: a broken link or an unknown name fails.
docs: .venv/.ready
	.venv/bin/mkdocs build --strict

test-core: .venv-core/.ready
	.venv-core/bin/pip install --quiet --no-build-isolation --no-deps --force-reinstall .
	! .venv-core/bin/python -c 'import torch' 2>/dev/null
	! .venv-core/bin/python -c 'import altair' 2>/dev/null
	.venv-core/bin/pytest -n $(WORKERS) --dist loadfile -q $(NEEDS_EXTRAS) $(SAME_WITHOUT) tests

test-all: .venv/.ready
	.venv/bin/pytest -n $(WORKERS) --dist loadfile -q

.venv-tools/.ready: locks/tools.in
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install --quiet $(BY_HASH) locks/tools.txt
	touch $@

# After a change of constraints.txt: the same versions with the hashes of all their files.
LOCK = .venv-tools/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate \
	--python-version 3.11.0
locks: .venv-tools/.ready
	$(LOCK) constraints.txt --no-deps --no-emit-package torch --output-file locks/dev.txt
	echo hatchling | $(LOCK) pyproject.toml - --extra test --constraint constraints.txt \
		--output-file locks/core.txt
	$(LOCK) pyproject.toml --extra ray --extra slurm --constraint constraints.txt \
		--output-file locks/engines.txt
	echo atheris | $(LOCK) - --output-file locks/fuzz.txt
	$(LOCK) locks/tools.in --output-file locks/tools.txt

# Every package of the environment that the tests run in, with its licence, as CycloneDX.
sbom: .venv/.ready .venv-tools/.ready
	mkdir -p dist
	.venv-tools/bin/cyclonedx-py environment .venv/bin/python --pyproject pyproject.toml \
		--mc-type library --output-reproducible --output-file dist/sbom.cdx.json

# Any bytes and documents to every reader, guided by coverage, for so many seconds (Linux).
FUZZ_SECONDS ?= 120
fuzz: .venv/.ready
	.venv/bin/pip install --quiet $(BY_HASH) locks/fuzz.txt
	.venv/bin/python tests/fuzz/atheris_readers.py -max_total_time=$(FUZZ_SECONDS)

# Ray (two nodes, one killed) and SLURM's jobs, all on this machine.
test-engines: .venv/.ready
	.venv/bin/pip install --quiet $(BY_HASH) locks/engines.txt
	.venv/bin/pytest -q -rs -m engines tests/engines

# A SLURM of two nodes on this machine. Debian: apt install slurm-wlm munge.
test-slurm: .venv/.ready
	.venv/bin/pip install --quiet $(BY_HASH) locks/engines.txt
	.venv/bin/pytest -q -rs tests/engines/test_slurm_cluster.py

# The first screen for the README. Needs chromium, and the data that reports/on-emergence names.
screenshots: .venv/.ready
	.venv/bin/python reports/screenshots.py reports/on-emergence/out/report.html reports/first-screen

# That the LaTeX tables compile, with the audit's numbers on the page. Debian: apt install
# texlive-latex-base texlive-science poppler-utils (or tectonic in place of texlive).
latex: .venv/.ready
	.venv/bin/pytest -q -rs tests/report/test_latex_compiles.py

format: .venv/.ready
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:
	rm -rf .venv .venv-core .venv-tools build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
