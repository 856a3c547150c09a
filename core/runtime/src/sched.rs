//! CPU affinity and real-time priority of a lane's thread.

use crate::lane::LaneOptions;

/// Applies the options to the calling thread.
pub(crate) fn apply(options: &LaneOptions) -> std::io::Result<()> {
    if let Some(cpu) = options.cpu {
        let mut set = rustix::thread::CpuSet::new();
        if cpu >= rustix::thread::CpuSet::MAX_CPU {
            return Err(std::io::Error::other(format!("CPU {cpu} is beyond what the system can name")));
        }
        set.set(cpu);
        rustix::thread::sched_setaffinity(None, &set)?;
    }
    if let Some(priority) = options.priority {
        use thread_priority::unix::{
            RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let level =
            thread_priority::ThreadPriorityValue::try_from(priority).map_err(std::io::Error::other)?;
        set_thread_priority_and_policy(
            thread_native_id(),
            thread_priority::ThreadPriority::Crossplatform(level),
            ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
        )
        .map_err(|e| {
            std::io::Error::other(format!(
                "SCHED_FIFO {priority}: {e:?}; it needs CAP_SYS_NICE or an rtprio limit"
            ))
        })?;
    }
    Ok(())
}
