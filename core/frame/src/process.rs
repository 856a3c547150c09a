//! Processes: who they are, and whether they still live.

use crate::protocol::Owner;

/// This process.
pub(crate) fn own() -> Owner {
    let pid = std::process::id();
    Owner { pid, start_time: start_time(pid).unwrap_or(0), remote: false }
}

/// When a process started, clock ticks since boot; `None` if there is none of that id, or none that may be seen.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may hold both blanks and parentheses. The state is the
    // third field, the start time the 22nd: proc_pid_stat(5).
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (state != "Z" && state != "X").then_some(start)
}

/// Whether that very process lives. Without a /proc to ask, everybody does.
pub(crate) fn lives(pid: u32, start: u64) -> bool {
    start_time(pid).map_or_else(|| start_time(std::process::id()).is_none(), |s| start == 0 || s == start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_id_does_not() {
        let me = own();
        assert!(me.start_time > 0 && lives(me.pid, me.start_time));
        assert!(!lives(me.pid, me.start_time + 1));
        assert!(!lives(u32::MAX, 1));
    }
}
