//! The supervisor with real processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    process::Command,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use peregrine_launch::{
    LaunchError, LaunchOptions, ProcessOptions, Share, plan_text,
    supervisor::{Job, Line, Report, Stop, SupervisorOptions, jobs, run},
};

fn sh(name: &str, script: &str, process: ProcessOptions) -> Job {
    let script = script.to_owned();
    let command = move || {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    Job { name: name.to_owned(), command: Box::new(command), process }
}

/// Runs jobs; `on_line` sees every line and may stop everything.
fn supervise(
    jobs: Vec<Job>,
    on_line: impl Fn(&Line, &Stop) + Send + 'static,
) -> (Result<Report, LaunchError>, Vec<Line>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut options = SupervisorOptions::default();
    options.watch_signals = false;
    options.sigterm_timeout = Duration::from_millis(300);
    options.sigkill_timeout = Duration::from_millis(300);
    // Stopped from another thread, as it would be in use: the sink must not wait for the loop that calls it.
    let (sender, receiver) = mpsc::channel::<Line>();
    let stop = options.stop();
    let watcher = thread::spawn(move || receiver.iter().for_each(|line| on_line(&line, &stop)));
    let seen = Arc::clone(&lines);
    options.sink = Box::new(move |line| {
        seen.lock().unwrap().push(line.clone());
        let _ = sender.send(line.clone());
    });
    let result = run(jobs, options);
    watcher.join().unwrap();
    let lines = lines.lock().unwrap().clone();
    (result, lines)
}

fn alive(pid: &str) -> bool {
    // A zombie still has a directory: its state must not be Z either.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn zombies() -> usize {
    let own = std::process::id().to_string();
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| stat.split(") ").nth(1).is_some_and(|rest| rest.starts_with(&format!("Z {own} "))))
        .count()
}

#[test]
fn lines_are_marked_and_success_is_success() {
    let (result, lines) = supervise(
        vec![
            sh("a", "echo one; echo two >&2; printf 'no end'", ProcessOptions::default()),
            sh("b", "true", ProcessOptions::default()),
        ],
        |_, _| {},
    );
    let report = result.unwrap();
    assert_eq!(report.jobs, [("a".into(), "exit code 0".into(), 0), ("b".into(), "exit code 0".into(), 0)]);
    assert!(!report.interrupted);
    let find = |text: &str| lines.iter().find(|line| line.text == text).unwrap();
    assert!(!find("one").error && find("two").error && find("no end").name == "a");
}

#[test]
fn a_failure_is_an_error_in_the_end_and_the_others_go_on() {
    let (result, lines) = supervise(
        vec![
            sh("bad", "exit 3", ProcessOptions::default()),
            sh("killed", "kill -SEGV $$", ProcessOptions::default()),
            sh("good", "sleep 0.3; echo done", ProcessOptions::default()),
        ],
        |_, _| {},
    );
    let error = result.unwrap_err().to_string();
    assert_eq!(
        error,
        "PG-1131 'bad' ended with exit code 3 (and so did: killed); its last lines above say why"
    );
    assert!(lines.iter().any(|line| line.text == "done"));
    assert!(lines.iter().any(|line| line.name == "killed" && line.text.contains("SIGSEGV")));
}

#[test]
fn respawn_counts_and_gives_up() {
    let process = ProcessOptions { respawn: true, respawn_max_retries: Some(2), ..ProcessOptions::default() };
    let (result, lines) = supervise(vec![sh("r", "echo up; exit 1", process)], |_, _| {});
    assert!(result.unwrap_err().to_string().contains("'r' ended with exit code 1"));
    assert_eq!(lines.iter().filter(|line| line.text == "up").count(), 3);
}

#[test]
fn respawn_waits_as_long_as_it_is_told() {
    let process = ProcessOptions {
        respawn: true,
        respawn_delay: 0.4,
        respawn_max_retries: Some(1),
        ..ProcessOptions::default()
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (result, lines) = supervise(vec![sh("r", "echo up", process)], {
        let seen = Arc::clone(&seen);
        move |line, _| {
            if line.text == "up" {
                seen.lock().unwrap().push(std::time::Instant::now());
            }
        }
    });
    assert_eq!(result.unwrap().jobs, [("r".into(), "exit code 0".into(), 1)]);
    assert!(lines.iter().any(|line| line.text.contains("starting it again in 0.4 s")));
    let seen = seen.lock().unwrap();
    assert!(seen.len() == 2 && seen[1] - seen[0] >= Duration::from_millis(390), "{seen:?}");
}

#[test]
fn respawned_until_stopped_is_no_failure() {
    let process = ProcessOptions { respawn: true, ..ProcessOptions::default() };
    let (result, lines) = supervise(vec![sh("r", "echo up; exit 1", process)], {
        let ups = Mutex::new(0);
        move |line, stop| {
            *ups.lock().unwrap() += usize::from(line.text == "up");
            if *ups.lock().unwrap() == 3 {
                stop.stop();
            }
        }
    });
    assert!(result.unwrap().interrupted);
    assert!(lines.iter().any(|line| line.text.contains("starting it again in 0.1 s")));
}

#[test]
fn on_exit_shutdown_brings_everything_down() {
    let process = ProcessOptions { on_exit_shutdown: true, ..ProcessOptions::default() };
    let jobs = vec![
        sh("leader", "sleep 0.1", process.clone()),
        sh(
            "polite",
            "trap 'echo bye; exit 7' INT; while true; do sleep 0.05; done",
            ProcessOptions::default(),
        ),
    ];
    let (result, lines) = supervise(jobs, |_, _| {});
    // What ends because it was asked to has not failed, whatever its code.
    assert_eq!(result.unwrap().jobs[1].1, "exit code 7");
    assert!(lines.iter().any(|line| line.text == "bye"));

    let jobs = vec![sh("leader", "exit 2", process), sh("other", "sleep 60", ProcessOptions::default())];
    let (result, _) = supervise(jobs, |_, _| {});
    assert!(result.unwrap_err().to_string().contains("'leader' ended with exit code 2"));
}

/// A shell's background job ignores SIGINT, and a shell cannot trap what was ignored when it began: the test above, begun
/// like that, passes only if the supervisor hands the ignoring on to nobody.
#[test]
fn children_of_a_background_job_are_not_deaf_to_ctrl_c() {
    let test = std::env::current_exe().unwrap();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "trap '' INT HUP QUIT TERM; exec \"$0\" --exact on_exit_shutdown_brings_everything_down",
    ]);
    let output = shell.arg(test).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_stubborn_are_killed_with_their_children_and_nothing_is_left() {
    let script = "trap '' INT TERM; sleep 60 & echo $$ $!; while true; do sleep 0.05; done";
    let (result, lines) = supervise(vec![sh("stubborn", script, ProcessOptions::default())], |line, stop| {
        if line.text.starts_with(|c: char| c.is_ascii_digit()) {
            stop.stop();
        }
    });
    assert!(result.unwrap().jobs[0].1.contains("SIGKILL"));
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(
        text.iter().any(|text| text.contains("sending SIGTERM"))
            && text.iter().any(|text| text.contains("sending SIGKILL"))
    );
    let pids = lines.iter().find(|line| line.text.starts_with(|c: char| c.is_ascii_digit())).unwrap();
    for _ in 0..200 {
        if !pids.text.split(' ').any(alive) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!pids.text.split(' ').any(alive), "left: {}", pids.text);
}

#[test]
fn what_cannot_be_started_stops_the_rest() {
    let missing = Job {
        name: "missing".into(),
        command: Box::new(|| Command::new("/nonexistent/program")),
        process: ProcessOptions::default(),
    };
    let (result, _) = supervise(vec![sh("other", "sleep 60", ProcessOptions::default()), missing], |_, _| {});
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with("PG-1130 cannot start 'missing' (/nonexistent/program)"), "{error}");
    assert_eq!(zombies(), 0);
}

#[test]
fn a_plan_runs_with_its_environment_prefix_and_directory() {
    let text = r#"<launch><set_env name="WHO" value="ada"/><unset_env name="GONE"/>
        <executable cmd="sh -c 'echo $WHO-${GONE:-none}-$(pwd)'" cwd="/" name="e" launch-prefix="env LEFT=1"/></launch>"#;
    let text = text.replace("$(pwd)", "`pwd`");
    let share = Share::embedded();
    let plan = plan_text("t.launch.xml", &text, &LaunchOptions::new(&share)).unwrap();
    let jobs = jobs(&plan, |unit| {
        let peregrine_launch::NodeKind::Command { program, args } = &unit.nodes[0].kind else {
            unreachable!()
        };
        let mut command = Command::new(program);
        command.args(args).env("GONE", "here");
        command
    });
    let (result, lines) = supervise(jobs, |_, _| {});
    result.unwrap();
    assert_eq!(lines[0], Line { name: "e".into(), error: false, text: "ada-none-/".into() });
}

#[test]
fn signals_to_the_supervisor_reach_the_children() {
    let script = "trap 'echo got INT' INT; trap 'echo got TERM; exit 0' TERM; echo up; while true; do sleep 0.05; done";
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut options = SupervisorOptions::default();
    let (seen, myself) = (Arc::clone(&lines), rustix::process::getpid());
    options.sink = Box::new(move |line| {
        seen.lock().unwrap().push(line.text.clone());
        let send = |signal| rustix::process::kill_process(myself, signal).unwrap();
        match line.text.as_str() {
            "up" => send(rustix::process::Signal::INT),
            // The second signal takes the next step, SIGTERM, without waiting for the five seconds.
            "got INT" => send(rustix::process::Signal::HUP),
            _ => {}
        }
    });
    let report = run(vec![sh("s", script, ProcessOptions::default())], options).unwrap();
    assert!(report.interrupted);
    assert_eq!(report.jobs[0].1, "exit code 0");
    // The signal goes to the whole group: a shell may also say that the `sleep` it waited for was terminated.
    let mut lines = lines.lock().unwrap();
    lines.retain(|line| line != "Terminated");
    assert_eq!(*lines, ["up", "got INT", "got TERM"]);
}
