# The same as python3 dev.py COMMAND; arguments in ARGS.
PYTHON ?= python3

.PHONY: demo test lint lock
demo test lint lock:
	@$(PYTHON) dev.py $@ $(ARGS)
