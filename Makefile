# Every target does all it needs on a fresh machine; scripts/setup is quick when nothing is to do.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vocald
SETUP := scripts/setup

# One place for libtorch and for what is built, so that every checkout shares one compiled
# torch-sys (two minutes of C++).
ifeq ($(LIBTORCH),)
LIBTORCH := $(CACHE)/libtorch-2.11.0-$(if $(findstring -cuda,$(shell readlink .libtorch)),cuda,cpu)
SETUP := env -u LIBTORCH $(SETUP)
endif
export LIBTORCH
export CARGO_TARGET_DIR ?= $(CACHE)/target
# Where rustup puts cargo, for a shell that has not been told yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: build demo test lint bench soak clean setup

build: setup
	cargo build --release

# A song at the speed it sounds. The fourteen decisions a second are left out of what is shown.
demo: build
	@echo 'tests/data/demo.ogg: "Farewell" by Obsidian Shell, CC BY-SA 3.0 (tests/data/README.md)' >&2
	cargo run --release --quiet -- run tests/data/demo.ogg --pace realtime --only onset,offset,state,gap

test: setup
	cargo test --release

lint: setup
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings

# Milliseconds a window on this machine.
bench: build
	cargo run --release --quiet -- bench

# Ten minutes of sound at its own speed: nothing lost, little CPU, memory flat.
soak: build
	scripts/soak

# What was built of vocald; libtorch and the built dependencies stay in ~/.cache/vocald.
clean:
	cargo clean --release --package vocald

setup:
	@$(SETUP)
