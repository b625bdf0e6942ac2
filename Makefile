# make test    everything that a change must pass        make wheel   an sdist and a wheel in dist/, tested where no source is
# make demo    a first network                           make lint    styles and types
# make docs    the manual in docs/_build                 make bench   kernels and their limits
# make mnist   MNIST (mnist-cnn fashion: by convolutions)    make quick   the engine's tests, in half a minute
# make bench-peers   every other library on the same work (BENCH="--quick --only xor" for a part; docs/benchmarks.md)
# make test-isas     the tests once more on each instruction set of this machine
# make check-neon    the C checks for 64-bit Arm, emulated
# make interop       the tests that need PyTorch and scikit-learn, in an environment of their own
# make clean
#
# Needs Python >= 3.11 with its headers, a C compiler and make; the rest goes into .venv.
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
PYTEST ?= -q
# A file of tests stays in one process. PARALLEL= (nothing): one test at a time, for -x, -s or --pdb.
PARALLEL ?= -n 2 --dist loadfile
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore
PIP = $(PY) -m pip install --quiet --upgrade

.PHONY: demo test test-isas quick build check wheel lint lint-python lint-cython lint-c lint-types format docs mnist mnist-cnn fashion bench bench-peers interop clean
test: check
	$(PY) -m pytest $(PYTEST) $(PARALLEL)

# The suite where the best instruction set is each of them in turn: as on a machine that has no better.
test-isas: build
	@failed=; for isa in scalar sse2 avx2 avx512 neon; do \
	  if ! $(PY) -c "import cnn, sys; sys.exit('$$isa' not in cnn.cpu.available())"; then missing="$$missing $$isa"; continue; fi; \
	  echo "== CNN_ISA=$$isa"; CNN_ISA=$$isa $(PY) -m pytest $(PYTEST) $(PARALLEL) || failed="$$failed $$isa"; done; \
	  echo "$${missing:+not on this machine:$$missing}"; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

check: build
	@$(MAKE) --no-print-directory -C csrc check check-symbols PYTHON=$(abspath $(PY))

# Of a processor that need not be here: cross-compiled, and run by an emulator.
ARM = aarch64-linux-gnu
ARM_PACKAGES = gcc-$(ARM) libc6-dev-arm64-cross qemu-user
.PHONY: check-neon arm-packages
check-neon: $(VENV)/test.stamp
	@for tool in $(ARM)-gcc qemu-aarch64; do command -v $$tool > /dev/null || \
	  { echo "check-neon needs $$tool, which is in these packages of Debian: $(ARM_PACKAGES)"; exit 1; }; done
	@$(MAKE) --no-print-directory -C csrc check check-symbols PYTHON=$(abspath $(PY)) BUILD=build/neon ISA=neon RUN='qemu-aarch64 -L /usr/$(ARM)' \
	  CC=$(ARM)-gcc AR=$(ARM)-ar OBJCOPY=$(ARM)-objcopy STRIP=$(ARM)-strip
arm-packages:
	@echo $(ARM_PACKAGES)

# Two hundred megabytes that only these tests need. The extension is of the limited API: built once, imported by any Python.
interop: build $(VENV)-interop/stamp
	PYTHONPATH=src $(VENV)-interop/bin/python -m pytest $(PYTEST) $(PARALLEL) $(addprefix tests/test_,reference.py reference_torch.py first_shapes.py tables.py data.py) $(wildcard tests/test_onnxruntime_*.py)
$(VENV)-interop/stamp: pyproject.toml
	[ -x $(VENV)-interop/bin/python ] || $(PYTHON) -m venv $(VENV)-interop
	$(VENV)-interop/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-interop/bin/python -m pip install --quiet --upgrade --group test --group interop
	@touch $@

# The package in place: installed once, then only what has changed is compiled again.
build: $(VENV)/package.stamp
	@$(PY) setup.py -q build_ext --inplace

$(VENV)/package.stamp: $(VENV)/test.stamp setup.py
	$(PIP) --no-build-isolation --editable .
	@touch $@

# A stamp for each group of pyproject.toml: test, lint, docs.
$(VENV)/%.stamp: pyproject.toml | $(VENV)/bin/python
	$(PIP) --group build --group $*
	@touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) pip

# After a change of the engine: what would most likely see it, in half a minute.
quick: build
	$(PY) -m pytest $(PYTEST) $(addprefix tests/test_,ops.py losses.py optimizers.py activations.py bits.py network.py fit.py outside_figures.py)

demo: build
	$(PY) -m cnn demo

mnist: build
	$(PY) benchmarks/mnist.py
mnist-cnn: build
	$(PY) benchmarks/mnist_cnn.py
	$(PY) benchmarks/lecun1989.py
fashion: build
	$(PY) benchmarks/fashion.py

wheel: $(VENV)/test.stamp
	rm -rf dist
	$(PY) -m build --no-isolation --outdir dist
	$(PY) tools/test_wheel.py dist

# Not csrc/generated (clang-format takes gigabytes for the engine's C), nor *.def, nor a table of macros on which it does not settle.
C_FILES = $(filter-out csrc/generated/% csrc/tests/check_kernels_tmpl.h,$(wildcard csrc/*/*.[ch] src/cnn/include/cnn/*.h src/cnn/_core/*.h examples/*/*.[ch]))
lint: lint-python lint-cython lint-c lint-types
lint-python: $(VENV)/lint.stamp
	$(PY) -m ruff check
	$(PY) -m ruff format --check
lint-cython: $(VENV)/lint.stamp
	PATH="$(abspath $(VENV))/bin:$$PATH" cython-lint src/cnn/_core # it runs pycodestyle
lint-c: $(VENV)/lint.stamp
	$(VENV)/bin/clang-format --dry-run -Werror $(C_FILES)
# mypy.stubtest imports the package: _core.pyi and the annotations are compared with what is there.
lint-types: $(VENV)/lint.stamp build
	$(PY) -m mypy
	$(PY) -m mypy.stubtest cnn --mypy-config-file pyproject.toml --allowlist tools/stubtest_allowlist.txt --ignore-disjoint-bases

format: $(VENV)/lint.stamp
	$(PY) -m ruff check --fix
	$(PY) -m ruff format
	$(VENV)/bin/clang-format -i $(C_FILES)

docs: build $(VENV)/docs.stamp
	$(PY) -m sphinx -q -W -b html docs docs/_build

# ISA=avx2: for that instruction set alone.
ISA ?=
bench: build
	@$(MAKE) --no-print-directory -C csrc benches PYTHON=$(abspath $(PY))
	$(PY) benchmarks/kernels.py $(ISA)

# The peers are large and have nothing to do with the package: an environment of their own, which imports cnn from src.
BENCH ?=
bench-peers: build $(VENV)-bench/peers.stamp
	$(VENV)-bench/bin/python benchmarks/run.py $(BENCH)
$(VENV)-bench/peers.stamp: benchmarks/requirements.txt
	[ -x $(VENV)-bench/bin/python ] || $(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --upgrade --requirement $<
	@touch $@

clean:
	rm -rf build benchmarks/build dist $(VENV)/package.stamp src/*.egg-info src/cnn/lib src/cnn/_core.*.so src/cnn/_core.*.pyd docs/_build
	@$(MAKE) --no-print-directory -C csrc clean
