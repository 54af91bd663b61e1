# `make check` and its steps. Each step is also a target of its own, check-STEP, prints a line for
# each of its units, and tools/check/tally.py adds them up.

STEPS = warnings format layering headers symbols tidy conformance unit fuzz determinism lessons torture schema captures judges install setup viewer
JOBS := $(shell nproc)
SUBMAKE = $(MAKE) --no-print-directory -j$(JOBS)
CHECK = tools/check
export PYTHONDONTWRITEBYTECODE = 1

.PHONY: demo check builds $(STEPS:%=check-%)

demo:
	@tools/setup.sh demo
	@$(SUBMAKE) all
	build/mailsim run scenarios/01-first-mail/scenario.yaml
	@echo
	@echo "What you have just seen is explained in scenarios/01-first-mail/lesson.md, and the other"
	@echo "folders of scenarios/ hold the next lessons. build/mailsim --help lists what else it can do."

check:
	@tools/setup.sh check
	@$(CHECK)/tally.py $(STEPS)

# What the steps below look at, made quietly; check-warnings is the step that reports on it.
builds:
	@$(SUBMAKE) MODE=release all tests canaries build/bench >/dev/null
	@$(SUBMAKE) MODE=asan all tests fuzzers >/dev/null
	@$(SUBMAKE) MODE=debug all >/dev/null
	@$(SUBMAKE) MODE=o3 all >/dev/null
	@$(SUBMAKE) MODE=fast all >/dev/null

check-warnings:
	@$(CHECK)/builds.py "MODE=release all tests canaries build/bench" "MODE=asan all tests fuzzers" "MODE=debug all" \
		"MODE=o3 all" "MODE=fast all"

check-format:
	@$(CHECK)/format.py

check-layering:
	@$(CHECK)/layering.py

check-headers:
	@$(CHECK)/headers.py $(CFLAGS_ALL)

check-symbols: builds
	@$(CHECK)/symbols.py $(LIB_OBJECTS)

check-tidy:
	@$(CHECK)/tidy.py $(CFLAGS_ALL)

check-conformance:
	@$(CHECK)/conformance.py

check-unit: builds
	@$(CHECK)/unit.py $(TESTS) $(TESTS:$(BUILD)/%=build-asan/%)

check-fuzz: builds
	@$(CHECK)/fuzz.py $(FUZZERS:$(BUILD)/%=build-asan/%)

check-determinism: builds
	@$(CHECK)/determinism.py build/mailsim build-debug/mailsim build-o3/mailsim build-fast/mailsim build-asan/mailsim

check-lessons: builds
	@$(CHECK)/lessons.py $(BUILD)/mailsim

check-torture: builds
	@$(CHECK)/torture.py $(BUILD)/mailsim $(CANARIES)

# Every point of every lesson but the longest, and many seeds: an hour or two.
.PHONY: torture
torture: $(BUILD)/mailsim
	@$(CHECK)/torture.py --all $(BUILD)/mailsim

check-schema:
	@$(CHECK)/schema.py

check-captures: builds
	@$(CHECK)/captures.py $(BUILD)/mailsim

check-judges: builds
	@$(CHECK)/judges.py $(BUILD)/mailsim

check-install: builds
	@$(CHECK)/install.py

check-setup:
	@$(CHECK)/setup.py

check-viewer: builds
	@$(CHECK)/viewer.py $(BUILD)/mailsim
