//! `~/get_type_description`: peers that meet a type for the first time ask a node that uses it.

use peregrine_msgs::registry;
use peregrine_msgs::type_description_interfaces::{
    GetTypeDescription, GetTypeDescriptionRequest, GetTypeDescriptionResponse, TypeDescription, TypeSource,
};

use crate::error::Result;
use crate::node::{Node, Setup};

pub(super) fn serve<N: Node>(setup: &mut Setup<'_, N>) -> Result {
    setup.service::<GetTypeDescription>("~/get_type_description", |_, _, request| Ok(describe(request)))
}

fn describe(request: &GetTypeDescriptionRequest) -> GetTypeDescriptionResponse {
    let refuse = |failure_reason| GetTypeDescriptionResponse {
        failure_reason,
        ..GetTypeDescriptionResponse::default()
    };
    let Some(support) = registry::find(&request.type_name) else {
        return refuse(format!("PG-0224: the type '{}' is not compiled in", request.type_name));
    };
    if !request.type_hash.is_empty() && request.type_hash != support.type_hash {
        return refuse(format!(
            "PG-0225: '{}' has the hash {} here, not {}; the definitions differ",
            request.type_name, support.type_hash, request.type_hash
        ));
    }
    let type_description = match serde_json::from_str::<TypeDescription>(support.description) {
        Ok(description) => description,
        Err(error) => {
            return refuse(format!("the description of '{}' does not read: {error}", request.type_name));
        }
    };
    let type_sources = if request.include_type_sources {
        sources(support.type_name, support.definition)
    } else {
        Vec::new()
    };
    GetTypeDescriptionResponse {
        successful: true,
        failure_reason: String::new(),
        type_description,
        type_sources,
        extra_information: Vec::new(),
    }
}

/// The definition texts, the asked one first: `definition` holds them one after another, each but the first after a line of
/// 80 `=` and its short name.
fn sources(type_name: &str, definition: &str) -> Vec<TypeSource> {
    let bar = format!("{}\nMSG: ", "=".repeat(80));
    let source = |type_name: String, text: &str| TypeSource {
        type_name,
        encoding: "msg".into(),
        raw_file_contents: text.to_owned(),
    };
    let mut parts = definition.split(bar.as_str());
    let first = source(type_name.to_owned(), parts.next().unwrap_or_default());
    let others = parts.filter_map(|part| {
        let (name, text) = part.split_once('\n')?;
        Some(source(name.replacen('/', "/msg/", 1), text))
    });
    std::iter::once(first).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_described() {
        for support in registry::all() {
            let request = GetTypeDescriptionRequest {
                type_name: support.type_name.into(),
                type_hash: support.type_hash.into(),
                include_type_sources: true,
            };
            let response = describe(&request);
            assert!(response.successful, "{}", response.failure_reason);
            assert_eq!(response.type_description.type_description.type_name, support.type_name);
            let referenced = response.type_description.referenced_type_descriptions.len();
            assert_eq!(response.type_sources.len(), 1 + referenced, "{}", support.type_name);
        }
    }

    #[test]
    fn strangers_and_other_versions_are_refused() {
        let ask = |type_name: &str, type_hash: &str| {
            describe(&GetTypeDescriptionRequest {
                type_name: type_name.into(),
                type_hash: type_hash.into(),
                include_type_sources: false,
            })
        };
        assert!(ask("x/msg/Y", "").failure_reason.contains("PG-0224"));
        assert!(ask("std_msgs/msg/String", "RIHS01_0").failure_reason.contains("PG-0225"));
        assert!(ask("std_msgs/msg/String", "").type_sources.is_empty());
    }
}
