# make demo   set up, certify an objective, train a GAN with it on real digits, judge it: runs/demo/report.html
# make test   set up, lint, check types, run the tests
# make tour   set up, compute six pages of theory: tour/index.html
# make slow   the tests that take minutes
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo tour test slow setup clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $(READY)

# One thread: these networks are so small that a second one gains a fifth, and on a busy machine it loses all of it.
demo: export OMP_NUM_THREADS = 1
demo: $(READY)
	rm -rf runs/demo runs/root.yaml
	$(BIN)/ganworks design --brief --omega "log(r)" --rho "1/(1+exp(t/2))^2" --beta "2*log(1+exp(t/2))" \
		--name root --save runs/root.yaml
	$(BIN)/ganworks train dcgan --objective runs/root.yaml --data digits --size 16 --width 32 --steps 2500 --sample-every 250 --run runs/demo
	$(BIN)/ganworks evaluate runs/demo
	$(BIN)/ganworks sample runs/demo --out runs/demo/samples.png --force

tour: $(READY)
	$(BIN)/ganworks tour --output tour --force

test: $(READY)
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
