# What a person types. `make run` and `make test` are the README's two commands.

TARGET := x86_64-unknown-linux-gnu
AGENT  := target/$(TARGET)/agent/banger-vsock-agent

.PHONY: build agent

## build: the four programs, side by side in target/release
build: agent
	cargo build --release --locked --bin banger --bin bangerd
	install -m 0755 $(AGENT) target/release/banger-vsock-agent

# Static, so that it runs as /init in an initramfs and in any image. An explicit --target keeps the
# flag away from build scripts and procedural macros.
agent:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile agent --target $(TARGET) --bin banger-vsock-agent
