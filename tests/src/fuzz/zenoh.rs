//! What other processes write on the wire.

use peregrine_zenoh::keys::{
    Attachment, BridgeToken, BridgedNode, Endpoint, Token, WireQos, data_key, dds_name, gid, ros_name,
    ros2dds_key,
};

use super::code;

/// Bytes as an attachment, text as a token, a QoS and a type's name.
pub fn zenoh_keys(data: &[u8]) {
    match Attachment::parse(data) {
        Ok(attachment) => assert_eq!(attachment.to_bytes().as_slice(), data),
        Err(error) => code(&error, "PG-12"),
    }
    let text = String::from_utf8_lossy(data);
    let _ = (ros_name(&text), dds_name(&text), gid(&text), data_key(0, &text, &text, &text));
    match WireQos::parse(&text) {
        Ok(qos) => assert_eq!(WireQos::parse(&qos.encode()).ok(), Some(qos)),
        Err(error) => code(&error, "PG-12"),
    }
    match Token::parse(&text) {
        Ok(Token::Node(node)) => {
            assert_eq!(Token::parse(&node.token()).ok(), Some(Token::Node(node)));
        }
        Ok(Token::Endpoint(endpoint)) => {
            let token = endpoint.token();
            // A type's name that is not in DDS's form is kept as it is, and then means another type when written anew.
            let regular = ros_name(&dds_name(&endpoint.type_name)) == endpoint.type_name;
            match Endpoint::parse(&token) {
                Ok(again) => {
                    assert!(!regular || again.token() == token, "{token:?} becomes {:?}", again.token())
                }
                Err(error) => panic!("our own token {token:?} is refused: {error}"),
            }
        }
        Err(error) => code(&error, "PG-12"),
    }
}

/// The first line as a token of zenoh-bridge-ros2dds, and as the key of a node of which the rest tells.
pub fn bridge_tokens(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (key, rest) = data.split_at(end);
    let key = String::from_utf8_lossy(key);
    let _ = ros2dds_key(&key);
    match BridgeToken::parse(&key) {
        Ok(BridgeToken::Bridge(session)) => assert!(key.contains(&session)),
        Ok(BridgeToken::Route(route)) => {
            let token = route.token();
            match BridgeToken::parse(&token) {
                Ok(again) => assert_eq!(again, BridgeToken::Route(route)),
                Err(error) => panic!("our own token {token:?} is refused: {error}"),
            }
        }
        Err(error) => code(&error, "PG-12"),
    }
    match BridgedNode::parse(&key, rest) {
        Ok(node) => assert!(node.name.starts_with('/')),
        Err(error) => code(&error, "PG-12"),
    }
}
