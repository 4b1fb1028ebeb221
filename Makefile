# The same as python3 dev.py COMMAND; arguments in ARGS.
PYTHON ?= python3

.PHONY: demo test fast lint matrix rules reach site lock
demo test fast lint matrix rules reach site lock:
	@$(PYTHON) dev.py $@ $(ARGS)
