# Every target does all it needs on a fresh machine; scripts/setup is quick when nothing is to do.

# Also under sudo, the cache of who built.
HOME_DIR := $(or $(and $(SUDO_USER),$(shell getent passwd '$(SUDO_USER)' | cut -d: -f6)),$(HOME))
CACHE := $(or $(XDG_CACHE_HOME),$(HOME_DIR)/.cache)/vocald
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

PREFIX ?= /usr/local
DESTDIR ?=
# Where `make dist` puts its files.
DIST ?= dist

.PHONY: build install dist demo test lint bench benches soak soak-day soak-hour soak-server races fanout hostile latency mutate fuzz clean setup

build: setup
	cargo build --release

# Installs what `make build` built: sudo make install [PREFIX=/usr/local] [DESTDIR=]. It builds nothing, so that root
# needs neither Rust nor a network.
install:
	@test -x $(CARGO_TARGET_DIR)/release/vocald || { echo 'make install: run make build first, as yourself; then sudo make install' >&2; exit 1; }
	scripts/install_tree.py --program $(CARGO_TARGET_DIR)/release/vocald --libtorch $(LIBTORCH) \
		--prefix $(PREFIX) --destdir "$(DESTDIR)"

# A tarball that runs where it is unpacked, and a Debian package.
dist: build
	scripts/make-dist $(CARGO_TARGET_DIR)/release/vocald $(LIBTORCH) $(DIST)

# A song at the speed it sounds. The fourteen decisions a second are left out of what is shown.
demo: build
	@echo '"Farewell" by Obsidian Shell, CC BY-SA 3.0 (tests/data/README.md), 90 s; Ctrl-C ends it.' >&2
	@echo 'A voice sings from 3 to 37 s and from 54 to 88 s. The flag from 37 to 39.6 s is wrong.' >&2
	@cargo run --release --quiet -- run tests/data/demo.ogg --pace realtime --only onset,offset,state,gap; \
	status=$$?; program=$(CARGO_TARGET_DIR)/release/vocald; \
	echo "Next:  $$program run --http         the microphone, and the page http://127.0.0.1:8770/" >&2; \
	echo "       $$program detect song.ogg    when a voice is singing in a file of yours" >&2; \
	echo "       README.md                 what else there is" >&2; exit $$status

test: setup
	cargo test --release --workspace

lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --release --workspace --no-deps

# Milliseconds a window on this machine.
bench: build
	cargo run --release --quiet -- bench

# The parts of the program, each by itself, against the last run; `cargo bench --bench NAME` for one.
benches: setup
	cargo bench

# Ten minutes of sound at its own speed: nothing lost, little CPU, memory flat.
soak: build
	scripts/soak

# A day of sound with 200 faults as fast as the machine can, and an hour of it in real time.
soak-day: build
	scripts/soak-faults 24

soak-hour: build
	scripts/soak-faults 60m

# The sound server dies 500 times in one run; needs pulseaudio and libasound2-plugins.
soak-server: build
	scripts/soak-server 500

# The queues between threads under ThreadSanitizer; needs a nightly toolchain with rust-src.
races:
	env -u CARGO_TARGET_DIR scripts/races

# A thousand WebSocket and a hundred Unix-socket subscribers for a minute: all of it to each, in order, soon.
fanout: setup
	cargo test --release --test rigs load:: -- --ignored --nocapture

# Subscribers that stop reading or read a byte a second, five minutes: no effect on others, memory flat.
hostile: setup
	cargo test --release --test hostile -- --ignored --nocapture

# From a sung note into the sound card (a FIFO) to the flag in a WebSocket client, five minutes.
latency: setup
	cargo test --release --test rigs latency:: -- --ignored --nocapture

# Five thousand mutated sounds of all formats: no panic that ends the process, no hang, little memory.
mutate: setup
	cargo test --release --test audio sound_soak:: -- --ignored --nocapture

# The readers of sounds and of labels under libFuzzer, ten minutes each; needs a nightly toolchain and cargo-fuzz.
fuzz:
	env -u CARGO_TARGET_DIR scripts/fuzz

# What was built of vocald; libtorch and the built dependencies stay in ~/.cache/vocald.
clean:
	cargo clean --release --package vocald

setup:
	@$(SETUP)
