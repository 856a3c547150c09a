//! The whole `peregrine` command with one more node: sign_counter.

mod node;

fn main() -> std::process::ExitCode {
    peregrine::main()
}
