//! The `peregrine` command with the stock nodes; a crate with nodes of its own has the same `main`.

fn main() -> std::process::ExitCode {
    peregrine::main()
}
