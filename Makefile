# The same as python3 dev.py COMMAND; arguments in ARGS.
PYTHON ?= python3

.PHONY: demo test lint matrix lock
demo test lint matrix lock:
	@$(PYTHON) dev.py $@ $(ARGS)
