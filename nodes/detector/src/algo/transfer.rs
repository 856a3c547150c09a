//! A step of a model's transfer as a ROS message, and back.

use peregrine_models::update::transfer::{FileInfo, Reply, Request, Status};
use peregrine_msgs::diagnostic_msgs::KeyValue;
use peregrine_msgs::peregrine_msgs::{ModelTransferRequest, ModelTransferResponse};

/// Three lists of one length, as files. Of lists that differ in length none is believed.
fn files(names: &[String], sizes: &[u64], hashes: &[String]) -> Vec<FileInfo> {
    if names.len() != sizes.len() || names.len() != hashes.len() {
        return Vec::new();
    }
    let all = names.iter().zip(sizes).zip(hashes);
    all.map(|((name, size), hash)| FileInfo { name: name.clone(), size: *size, sha256: hash.clone() })
        .collect()
}

/// From the wire.
pub fn to_request(message: &ModelTransferRequest) -> Request {
    Request {
        version: message.version,
        verb: message.verb,
        model: message.model.clone(),
        name: message.name.clone(),
        offset: message.offset,
        sha256: message.sha256.clone(),
        data: message.data.clone(),
        signature: message.signature.clone(),
        files: files(&message.names, &message.sizes, &message.hashes),
    }
}

/// To the wire.
pub fn from_request(request: Request) -> ModelTransferRequest {
    let names = request.files.iter().map(|file| file.name.clone()).collect();
    let sizes = request.files.iter().map(|file| file.size).collect();
    let hashes = request.files.into_iter().map(|file| file.sha256).collect();
    ModelTransferRequest {
        version: request.version,
        verb: request.verb,
        model: request.model,
        name: request.name,
        offset: request.offset,
        sha256: request.sha256,
        data: request.data,
        signature: request.signature,
        names,
        sizes,
        hashes,
    }
}

/// From the wire. A status that this program does not know is a refusal.
pub fn to_reply(message: &ModelTransferResponse) -> Reply {
    Reply {
        version: message.version,
        status: Status::from_wire(message.status).unwrap_or_default(),
        detail: message.detail.clone(),
        model: message.model.clone(),
        name: message.name.clone(),
        offset: message.offset,
        sha256: message.sha256.clone(),
        data: message.data.clone(),
        signature: message.signature.clone(),
        files: files(&message.names, &message.sizes, &message.hashes),
        have: message.have.clone(),
        values: message.values.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
    }
}

/// To the wire.
pub fn from_reply(reply: Reply) -> ModelTransferResponse {
    let names = reply.files.iter().map(|file| file.name.clone()).collect();
    let sizes = reply.files.iter().map(|file| file.size).collect();
    let hashes = reply.files.into_iter().map(|file| file.sha256).collect();
    ModelTransferResponse {
        version: reply.version,
        status: reply.status.to_wire(),
        detail: reply.detail,
        model: reply.model,
        name: reply.name,
        offset: reply.offset,
        sha256: reply.sha256,
        data: reply.data,
        signature: reply.signature,
        names,
        sizes,
        hashes,
        have: reply.have,
        values: reply.values.into_iter().map(|(key, value)| KeyValue { key, value }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_what_was_there() {
        let file = FileInfo { name: "net.onnx".into(), size: 7, sha256: "ab".into() };
        let request = Request {
            version: 1,
            verb: 2,
            model: "m".into(),
            name: "n".into(),
            offset: 3,
            sha256: "s".into(),
            data: vec![1, 2],
            signature: "sig".into(),
            files: vec![file.clone()],
        };
        assert_eq!(to_request(&from_request(request.clone())), request);
        let reply = Reply {
            version: 1,
            status: Status::Resend,
            detail: "d".into(),
            model: "m".into(),
            name: "n".into(),
            offset: 3,
            sha256: "s".into(),
            data: vec![1, 2],
            signature: "sig".into(),
            files: vec![file],
            have: vec![4],
            values: vec![("k".into(), "v".into())],
        };
        assert_eq!(to_reply(&from_reply(reply.clone())), reply);
        let mut lies = from_request(request);
        lies.sizes.push(9);
        assert!(to_request(&lies).files.is_empty());
        assert_eq!(
            to_reply(&ModelTransferResponse { status: 77, ..from_reply(reply) }).status,
            Status::Refused
        );
    }
}
