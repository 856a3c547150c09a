# The same commands as in CI; `just` alone lists them.

_list:
    @just --list

# The demo flight.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Install what the tests need and run them all.
test *ARGS:
    cargo xtask test {{ARGS}}

# Format, arrows, licences, clippy.
lint *ARGS:
    cargo xtask lint {{ARGS}}

# Everything CI does.
ci:
    .ci/run

# Mend what can be mended by a machine.
fix:
    cargo fmt --all
    cargo clippy --workspace --all-targets --fix --allow-dirty

# libFuzzer on one target or on all.
fuzz *ARGS:
    cargo xtask fuzz {{ARGS}}

# Every interleaving of the frame bus.
loom:
    cargo xtask loom

# The frame bus under ThreadSanitizer.
tsan:
    cargo xtask tsan
