# Everything works in .venv, which is made and kept current here. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PY := $(BIN)/python
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A run of the checks belongs to this checkout, not to a virtual environment that happens to be active.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
# Hundreds of kernels and MLflow imports: without compiled modules the tests take twice as long.
unexport PYTHONDONTWRITEBYTECODE

LAB_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
	labextension/package.json labextension/tsconfig.json labextension/yarn.lock
LAB_BUILT := labnb/labextension/static/style.js
NODE_MODULES := labextension/node_modules/.yarn-state.yml
FRESH := .venv/.installed

say = @printf '\033[1m· %s\033[0m\n' "$(1)"
jlpm = (cd labextension && jlpm $(1))

.PHONY: help demo lab test check check-python check-lab bench docs soak build clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(FRESH) ## run examples/quickstart.ipynb from nothing and show its runs
	@$(PY) examples/demo.py

lab: $(FRESH) ## open JupyterLab in examples/
	@cd examples && dvc pull --quiet && jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root)

test: check needs ## everything that CI runs: check, unit tests, tests in a browser
	$(call say,jest)
	@$(call jlpm,test --silent)
	$(call say,pytest)
	@$(PY) -m pytest tests --ignore=tests/e2e -m 'not soak' -q -n $(WORKERS) --dist loadgroup
	$(call say,pytest in a browser)
	@$(PY) -m pytest tests/e2e -m 'not soak' -q

check: check-python check-lab ## linters, types and import contracts

check-python: $(FRESH)
	$(call say,ruff)
	@ruff check -q . && ruff format -q --check .
	$(call say,mypy)
	@mypy --no-error-summary
	$(call say,import contracts)
	@lint-imports >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }

check-lab: $(FRESH) $(NODE_MODULES)
	$(call say,eslint$(comma) prettier$(comma) stylelint$(comma) tsc)
	@$(call jlpm,lint:check)
	@$(call jlpm,tsc --noEmit)

bench: $(FRESH) ## the figures, beside bare IPython and hand-written MLflow
	@$(PY) -m benchmarks.run

docs: $(FRESH) ## build docs/ into site/; a warning is an error
	@mkdocs build --strict --quiet && echo "site/index.html"

soak: $(FRESH) needs ## the tests that take minutes
	@$(PY) -m pytest tests --ignore=tests/e2e -m soak -q -s || [ $$? -eq 5 ] # 5: there are none
	@$(PY) -m pytest tests/e2e -m soak -q || [ $$? -eq 5 ]

build: $(FRESH) ## sdist and wheel into dist/
	@rm -rf dist && $(PY) -m build --installer uv >.venv/build.log 2>&1 || { tail -n 40 .venv/build.log; exit 1; }
	@ls dist

clean: ## remove what is built, and .venv
	@rm -rf .venv build dist site *.egg-info labnb/labextension labextension/{lib,node_modules,coverage,tsconfig.tsbuildinfo}
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# --- how .venv comes to be ------------------------------------------------------------------------

comma := ,

.PHONY: needs
needs: $(FRESH)
	@$(PY) -m tests.needs

# jlpm comes with jupyter-builder, so that much of Python comes before the labextension.
.venv/.made:
	$(call say,.venv)
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet uv 2>/dev/null || echo "  (no uv here: going on with pip)"
	@$(call install,'jupyter-builder>=1.3$(comma)<2')
	@touch $@

$(NODE_MODULES): labextension/package.json labextension/yarn.lock | .venv/.made
	$(call say,node_modules)
	@command -v node >/dev/null || { echo "Node.js 20.19 or later builds the labextension, and there is none on PATH"; exit 1; }
	@$(call jlpm,install --immutable) >.venv/jlpm.log 2>&1 || { tail -n 20 .venv/jlpm.log; exit 1; }
	@touch $@

$(LAB_BUILT): $(LAB_SOURCES) $(NODE_MODULES)
	$(call say,labextension)
	@$(call jlpm,build:prod) >.venv/labextension.log 2>&1 || { tail -n 40 .venv/labextension.log; exit 1; }
	@touch $@

# An editable install copies the labextension into .venv/share, hence again whenever that is new.
$(FRESH): pyproject.toml MANIFEST.in jupyter-config/labnb.json labextension/build_backend.py labextension/install.json .venv/.made $(LAB_BUILT)
	$(call say,labnb and what it needs)
	@$(call install,-e '.[dev]')
	@touch $@

define install
if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet --python $(PY) $(1); else $(BIN)/pip install --quiet $(1); fi
endef
