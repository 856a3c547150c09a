//! The six parameter services of a node, and `/parameter_events`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peregrine_msgs::rcl_interfaces::{
    DescribeParameters, DescribeParametersResponse, GetParameterTypes, GetParameterTypesResponse,
    GetParameters, GetParametersResponse, ListParameters, ListParametersRequest, ListParametersResponse,
    ListParametersResult, Parameter, ParameterDescriptor, ParameterEvent, SetParameters,
    SetParametersAtomically, SetParametersAtomicallyResponse, SetParametersResponse, SetParametersResult,
};

use super::RosOptions;
use super::describe::descriptor;
use super::values::{declared_code, from_msg, parameter, to_msg, type_code};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::node::{Node, Setup};
use crate::params::{ParamField, ParamMap, ParamValue, Params};
use crate::publisher::Publisher;
use crate::qos::Qos;
use crate::suggest::did_you_mean;

/// ROS gives every node this one; here the clock is the process's.
const SIM_TIME: ParamField = ParamField {
    name: "use_sim_time",
    doc: "Follow /clock instead of the system's clock. The process's: set it when it starts.",
    type_name: "bool",
    default: Some(|| Some(ParamValue::Bool(false))),
    range: None,
    live: false,
};

/// The parameters of one node as its services see them.
struct Store {
    node: Arc<str>,
    fields: Vec<ParamField>,
    values: Mutex<ParamMap>,
    events: Publisher<ParameterEvent>,
}

pub(super) fn serve<N: Node>(setup: &mut Setup<'_, N>, options: RosOptions, mut values: ParamMap) -> Result {
    values.insert(SIM_TIME.name.into(), ParamValue::Bool(options.use_sim_time));
    let mut fields = N::Params::fields().to_vec();
    fields.push(SIM_TIME);
    fields.sort_by_key(|field| field.name);
    let store = Arc::new(Store {
        node: setup.full_name.clone(),
        fields,
        values: Mutex::new(values),
        events: setup.publish("/parameter_events", Qos::KeepLast(1000))?,
    });
    let shared = store.clone();
    setup.service::<GetParameters>("~/get_parameters", move |_, _, request| {
        let values = shared.values();
        Ok(GetParametersResponse {
            values: request.names.iter().map(|name| to_msg(values.get(name))).collect(),
        })
    })?;
    let shared = store.clone();
    setup.service::<GetParameterTypes>("~/get_parameter_types", move |_, _, request| {
        let values = shared.values();
        let code = |name: &String| match (values.get(name), shared.field(name)) {
            (None, Some(field)) => declared_code(field.type_name),
            (value, _) => type_code(value),
        };
        Ok(GetParameterTypesResponse { types: request.names.iter().map(code).collect() })
    })?;
    let shared = store.clone();
    setup.service::<ListParameters>("~/list_parameters", move |_, _, request| {
        Ok(ListParametersResponse { result: list(shared.fields.iter().map(|f| f.name), request) })
    })?;
    let shared = store.clone();
    setup.service::<DescribeParameters>("~/describe_parameters", move |_, _, request| {
        let describe = |name: &String| match shared.field(name) {
            Some(field) => descriptor(field),
            None => ParameterDescriptor { name: name.clone(), ..ParameterDescriptor::default() },
        };
        Ok(DescribeParametersResponse { descriptors: request.names.iter().map(describe).collect() })
    })?;
    let shared = store.clone();
    setup.service::<SetParameters>("~/set_parameters", move |node, ctx, request| {
        let one = |p: &Parameter| shared.set(node, ctx, std::slice::from_ref(p));
        Ok(SetParametersResponse { results: request.parameters.iter().map(one).collect() })
    })?;
    setup.service::<SetParametersAtomically>("~/set_parameters_atomically", move |node, ctx, request| {
        Ok(SetParametersAtomicallyResponse { result: store.set(node, ctx, &request.parameters) })
    })
}

impl Store {
    fn values(&self) -> MutexGuard<'_, ParamMap> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn field(&self, name: &str) -> Option<&ParamField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// All of `changes` or none.
    fn set<N: Node>(&self, node: &mut N, ctx: &Context, changes: &[Parameter]) -> SetParametersResult {
        match self.apply(node, ctx, changes) {
            Ok(()) => SetParametersResult { successful: true, reason: String::new() },
            Err(error) => SetParametersResult { successful: false, reason: error.to_string() },
        }
    }

    fn apply<N: Node>(&self, node: &mut N, ctx: &Context, changes: &[Parameter]) -> Result {
        let mut values = self.values().clone();
        let mut event = ParameterEvent { node: self.node.to_string(), ..ParameterEvent::default() };
        for change in changes {
            let known = self.field(&change.name).ok_or_else(|| Error::UnknownParameter {
                node: self.node.to_string(),
                kind: N::NAME.into(),
                key: change.name.clone(),
                suggestion: did_you_mean(&change.name, self.fields.iter().map(|f| f.name)),
            })?;
            let value = from_msg(&change.value);
            if values.get(known.name) == value.as_ref() {
                continue;
            }
            if !known.live {
                let (node, key) = (self.node.to_string(), change.name.clone());
                return Err(Error::ReadOnlyParameter { node, key });
            }
            match value {
                Some(value) => {
                    values.insert(change.name.clone(), value);
                }
                // Unset: what is left is the default, or an error for a parameter that must be there.
                None => {
                    values.remove(&change.name);
                }
            }
        }
        let own = values.iter().filter(|(name, _)| *name != SIM_TIME.name);
        let own: ParamMap = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        let params = N::Params::from_map(&self.node, N::NAME, &own)?;
        let mut after = params.to_map();
        if let Some(sim_time) = values.remove(SIM_TIME.name) {
            after.insert(SIM_TIME.name.into(), sim_time);
        }
        if after == *self.values() {
            return Ok(());
        }
        node.reconfigure(ctx, params)?;
        let before = std::mem::replace(&mut *self.values(), after);
        let after = self.values();
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            match (before.get(name), after.get(name)) {
                (None, Some(value)) => event.new_parameters.push(parameter(name, Some(value))),
                (Some(_), None) => event.deleted_parameters.push(parameter(name, None)),
                (Some(old), Some(new)) if old != new => {
                    event.changed_parameters.push(parameter(name, Some(new)));
                }
                _ => {}
            }
        }
        drop(after);
        event.stamp = ctx.now().to_msg();
        self.events.send(ctx, event)
    }
}

/// The names below the given prefixes (all when there are none), at most `depth` parts below; and the prefixes of what was
/// found. As rclcpp does.
fn list<'a>(names: impl Iterator<Item = &'a str>, request: &ListParametersRequest) -> ListParametersResult {
    let shallow = |rest: &str| {
        request.depth == ListParametersRequest::DEPTH_RECURSIVE
            || (rest.matches('.').count() as u64) < request.depth
    };
    let wanted = |name: &str| {
        if request.prefixes.is_empty() {
            return shallow(name);
        }
        request.prefixes.iter().any(|prefix| {
            name == prefix
                || name
                    .strip_prefix(prefix.as_str())
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(shallow)
        })
    };
    let names: Vec<String> = names.filter(|name| wanted(name)).map(str::to_owned).collect();
    let prefixes: BTreeSet<String> =
        names.iter().filter_map(|name| name.rsplit_once('.')).map(|(prefix, _)| prefix.to_owned()).collect();
    ListParametersResult { names, prefixes: prefixes.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_prefix_and_depth() {
        let all = ["a", "b.c", "b.d.e", "bb.x"];
        let names = |prefixes: &[&str], depth| {
            let prefixes = prefixes.iter().map(|p| (*p).to_owned()).collect();
            list(all.into_iter(), &ListParametersRequest { prefixes, depth })
        };
        assert_eq!(names(&[], 0).names, all);
        assert_eq!(names(&[], 1).names, ["a"]);
        assert_eq!(names(&["b"], 0).names, ["b.c", "b.d.e"]);
        assert_eq!(names(&["b"], 1).names, ["b.c"]);
        assert_eq!(names(&["b"], 0).prefixes, ["b", "b.d"]);
        assert_eq!(names(&["a"], 0).names, ["a"]);
    }
}
