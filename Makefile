# What a person types. `make run` and `make test` are the README's two commands.

TARGET := x86_64-unknown-linux-gnu
AGENT  := target/$(TARGET)/agent/banger-vsock-agent
HOST   ?= plain

.PHONY: help run test build agent setup smoke lint bench man install

## help: this list
help:
	@sed -n 's/^## //p' Makefile

## run: sets up, builds, boots a machine: a shell on a terminal, `uname -a` otherwise
run: setup build
	@sh scripts/run

## test: sets up, builds, runs every test that this machine can, and sums up what was skipped
test: setup build
	@sh scripts/test

## build: the programs, side by side in target/release
build: agent
	cargo build --release --locked --bin banger --bin bangerd --bin bangerd-root
	@install -m 0755 $(AGENT) target/release/banger-vsock-agent

# Static, so that it runs as /init in an initramfs and in any image. An explicit --target keeps the
# flag away from build scripts and procedural macros.
agent:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile agent --target $(TARGET) --bin banger-vsock-agent

## setup: installs what this host lacks, through its own package manager
setup:
	@sh scripts/setup

## smoke: scenarios against real machines: make smoke [HOST=plain|service|kvm] [SCENARIO=part_of_a_name]
smoke: setup build
	@BANGER_SMOKE_HOST=$(HOST) sh scripts/smoke $(SCENARIO)

## lint: format, clippy, documentation, shell
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	@sh scripts/lint-shell

## bench: what docs/specification.md promises, measured
bench: build
	cargo xtask bench

## man: the manual's pages, one for each command, in target/man
man: build
	rm -rf target/man
	target/release/banger internal man-pages target/man

## install: the programs, the manual and the completions into DESTDIR/PREFIX (PREFIX is /usr/local)
PREFIX ?= /usr/local
SHARE := $(DESTDIR)$(PREFIX)/share
install: man
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1
	install -m 0755 target/release/banger target/release/bangerd target/release/bangerd-root target/release/banger-vsock-agent $(DESTDIR)$(PREFIX)/bin
	install -m 0644 target/man/*.1 $(SHARE)/man/man1
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	target/release/banger completion bash > $(SHARE)/bash-completion/completions/banger
	target/release/banger completion zsh > $(SHARE)/zsh/site-functions/_banger
	target/release/banger completion fish > $(SHARE)/fish/vendor_completions.d/banger.fish
