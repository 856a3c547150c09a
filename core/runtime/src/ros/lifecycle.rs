//! The lifecycle services of a node: `ros2 lifecycle get|list|set`.

use peregrine_msgs::lifecycle_msgs::{
    ChangeState, ChangeStateResponse, GetAvailableStates, GetAvailableStatesResponse,
    GetAvailableTransitions, GetAvailableTransitionsResponse, GetState, GetStateResponse, State, Transition,
    TransitionDescription, TransitionEvent,
};

use crate::context::Context;
use crate::error::Result;
use crate::lifecycle::Primary;
use crate::node::{Node, Setup};
use crate::publisher::Publisher;
use crate::qos::Qos;

/// A transition that a running node can make: number and label of `lifecycle_msgs/msg/Transition`, from, to.
struct Step {
    id: u8,
    label: &'static str,
    from: Primary,
    to: Primary,
}

const STEPS: [Step; 4] = [
    Step {
        id: Transition::TRANSITION_ACTIVATE,
        label: "activate",
        from: Primary::Inactive,
        to: Primary::Active,
    },
    Step {
        id: Transition::TRANSITION_DEACTIVATE,
        label: "deactivate",
        from: Primary::Active,
        to: Primary::Inactive,
    },
    Step {
        id: Transition::TRANSITION_INACTIVE_SHUTDOWN,
        label: "shutdown",
        from: Primary::Inactive,
        to: Primary::Finalized,
    },
    Step {
        id: Transition::TRANSITION_ACTIVE_SHUTDOWN,
        label: "shutdown",
        from: Primary::Active,
        to: Primary::Finalized,
    },
];

const STATES: [Primary; 3] = [Primary::Inactive, Primary::Active, Primary::Finalized];

fn state(primary: Primary) -> State {
    let label = match primary {
        Primary::Inactive => "inactive",
        Primary::Active => "active",
        Primary::Finalized => "finalized",
    };
    State { id: primary as u8, label: label.into() }
}

impl Step {
    fn describe(&self) -> TransitionDescription {
        TransitionDescription {
            transition: Transition { id: self.id, label: self.label.into() },
            start_state: state(self.from),
            goal_state: state(self.to),
        }
    }

    /// What a request asks for: by label when it has one, else by number.
    fn find(wanted: &Transition, from: Primary) -> Option<&'static Self> {
        STEPS.iter().filter(|step| step.from == from).find(|step| {
            if wanted.label.is_empty() { step.id == wanted.id } else { step.label == wanted.label }
        })
    }
}

pub(super) fn serve<N: Node>(setup: &mut Setup<'_, N>) -> Result {
    let events = setup.publish::<TransitionEvent>("~/transition_event", Qos::Reliable)?;
    setup.service::<GetState>("~/get_state", |_, ctx, _| {
        Ok(GetStateResponse { current_state: state(ctx.lifecycle.get()) })
    })?;
    setup.service::<GetAvailableStates>("~/get_available_states", |_, _, _| {
        Ok(GetAvailableStatesResponse { available_states: STATES.map(state).into() })
    })?;
    setup.service::<GetAvailableTransitions>("~/get_available_transitions", |_, ctx, _| {
        let now = ctx.lifecycle.get();
        let possible = STEPS.iter().filter(|step| step.from == now).map(Step::describe);
        Ok(GetAvailableTransitionsResponse { available_transitions: possible.collect() })
    })?;
    setup.service::<GetAvailableTransitions>("~/get_transition_graph", |_, _, _| {
        Ok(GetAvailableTransitionsResponse {
            available_transitions: STEPS.iter().map(Step::describe).collect(),
        })
    })?;
    setup.service::<ChangeState>("~/change_state", move |node, ctx, request| {
        Ok(ChangeStateResponse { success: change(node, ctx, &request.transition, &events) })
    })
}

fn change<N: Node>(
    node: &mut N,
    ctx: &Context,
    wanted: &Transition,
    events: &Publisher<TransitionEvent>,
) -> bool {
    let before = ctx.lifecycle.get();
    let Some(step) = Step::find(wanted, before) else {
        tracing::warn!(
            node = ctx.node_name(),
            "PG-0223: transition '{}' ({}) is not possible from '{}'; get_available_transitions lists what is",
            wanted.label,
            wanted.id,
            state(before).label
        );
        return false;
    };
    let outcome = match step.to {
        Primary::Active => node.activate(ctx),
        Primary::Inactive => node.deactivate(ctx),
        Primary::Finalized => node.shutdown(ctx),
    };
    if let Err(error) = outcome {
        tracing::error!(node = ctx.node_name(), "transition '{}' failed: {error}", step.label);
        return false;
    }
    ctx.lifecycle.set(step.to);
    let described = step.describe();
    let event = TransitionEvent {
        timestamp: u64::try_from(ctx.now().0).unwrap_or(0),
        transition: described.transition,
        start_state: described.start_state,
        goal_state: described.goal_state,
    };
    events.send(ctx, event).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_found_by_number_and_by_label() {
        let by_id = |id| Transition { id, label: String::new() };
        let by_label = |label: &str| Transition { id: 0, label: label.into() };
        let found = |wanted: &Transition, from| Step::find(wanted, from).map(|step| step.to);
        assert_eq!(found(&by_id(4), Primary::Active), Some(Primary::Inactive));
        assert_eq!(found(&by_id(4), Primary::Inactive), None);
        assert_eq!(found(&by_label("shutdown"), Primary::Inactive), Some(Primary::Finalized));
        assert_eq!(found(&by_label("configure"), Primary::Active), None);
    }
}
