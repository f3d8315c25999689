# make demo needs Python 3.11 or newer and a package index; so does everything else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

DEMO := demo
DEMO_RATIOS := 16:9 4:3 1:1 free

FUZZ_SECONDS := 600

.DEFAULT_GOAL := help
.PHONY: help demo develop test fuzz lint types bench pictures clean
.DELETE_ON_ERROR:

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/runtime.done ## Crop the sample photographs into demo/, without torch.
	$(BIN)/cadrage crop examples/photographs $(DEMO_RATIOS:%=--ratio %) --out $(DEMO) --sheet $(DEMO)/contact-sheet.png
	@echo "Now look at $(DEMO)/contact-sheet.png"

develop: $(VENV)/develop.done ## Install everything that tests and training need.

test: develop ## Run all tests, in up to four processes.
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

fuzz: develop ## Read damaged pictures for FUZZ_SECONDS, each time others; make test reads 6,000.
	$(BIN)/python tests/imaging/fuzzing.py --seconds $(FUZZ_SECONDS)

lint: develop ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: develop ## Check types, strictly.
	$(BIN)/mypy

bench: develop ## Measure speed and memory against peers; takes some minutes.
	$(BIN)/python benchmarks/network.py
	$(BIN)/python benchmarks/file_to_crop.py
	$(BIN)/python benchmarks/folder.py
	$(BIN)/python benchmarks/ratios.py
	$(BIN)/python benchmarks/annotate.py
	$(BIN)/python benchmarks/captions.py
	$(BIN)/python benchmarks/start.py --install-size --caption

pictures: develop ## Make the pictures of docs/ anew; needs Chromium.
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/caption_pictures.py
	$(BIN)/python docs/screens.py

clean: ## Remove the environment and everything that was built.
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed is remembered in these files, so that a second make installs nothing.

$(VENV)/created.done:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("cadrage needs Python 3.11: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/runtime.done: $(VENV)/created.done pyproject.toml constraints.txt
	$(INSTALL) -e .
	touch $@

# Dependency groups need pip 25.1, and new environments may come with an older one.
$(VENV)/develop.done: $(VENV)/runtime.done
	$(INSTALL) --upgrade pip
	$(INSTALL) -e '.[train,caption,annotate,bench,faces,heic,lossless]' --group dev
	touch $@
