//! ZeroMQ sockets: one PUB for all our topics, one SUB per publisher we listen to, a ROUTER for requests, a ROUTER for
//! responses, and a DEALER per peer that we ask or answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use zeromq::{
    DealerSocket, PubSocket, RouterSocket, Socket, SocketOptions, SocketRecv, SocketSend, SubSocket,
    ZmqMessage, util::PeerIdentity,
};

use crate::engine::uuid;
use crate::error::{GzError, Result};
use crate::options::Options;
use crate::wire::{Publisher, ServicePublisher};

/// Peers that are asked or answered at once; the oldest connection is closed beyond it.
const MAX_DEALERS: usize = 256;

/// How long a publisher that could not be reached is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a socket brings.
pub(crate) enum Event {
    Message { full: String, type_name: String, payload: Bytes },
    Request(Request),
    Response { id: String, result: Option<Bytes> },
}

/// A request to one of our services.
pub(crate) struct Request {
    pub full: String,
    sender: String,
    node: Bytes,
    id: Bytes,
    pub body: Bytes,
    pub request_type: String,
    pub response_type: String,
}

pub(crate) struct Links {
    publisher: PubSocket,
    pub publisher_address: String,
    pub replier_address: String,
    pub replier_id: String,
    responses_address: String,
    responses_id: String,
    events: mpsc::Sender<Event>,
    /// By process and address: what is listened to, and the way to the task that listens.
    heard: BTreeMap<(String, String), (BTreeSet<String>, mpsc::UnboundedSender<String>)>,
    dealers: Vec<(String, mpsc::UnboundedSender<ZmqMessage>)>,
}

impl Links {
    pub async fn open(options: &Options, events: mpsc::Sender<Event>) -> Result<Self> {
        let any = format!("tcp://{}:0", options.ip);
        let fail = |cause: zeromq::ZmqError| GzError::Bind { address: any.clone(), cause: cause.to_string() };
        let mut publisher = PubSocket::new();
        let publisher_address = publisher.bind(&any).await.map_err(fail)?.to_string();
        let (mut replier, replier_id) = router();
        let replier_address = replier.bind(&any).await.map_err(fail)?.to_string();
        let (mut responses, responses_id) = router();
        let responses_address = responses.bind(&any).await.map_err(fail)?.to_string();
        tokio::spawn(take_requests(replier, events.clone()));
        tokio::spawn(take_responses(responses, events.clone()));
        Ok(Self {
            publisher,
            publisher_address,
            replier_address,
            replier_id,
            responses_address,
            responses_id,
            events,
            heard: BTreeMap::new(),
            dealers: Vec::new(),
        })
    }

    pub async fn publish(&mut self, full: &str, payload: Bytes, type_name: &str) {
        let frames = [copy(full), copy(&self.publisher_address), payload, copy(type_name)];
        if let Err(cause) = self.publisher.send(message(frames)).await {
            tracing::debug!("a message on {full} is lost: {cause}");
        }
    }

    /// Listens to a topic of a publisher; a second call changes nothing.
    pub fn listen(&mut self, process: &str, address: &str, full: &str) {
        let key = (process.to_string(), address.to_string());
        let events = &self.events;
        let (topics, wishes) = self.heard.entry(key).or_insert_with(|| {
            let (wishes, wished) = mpsc::unbounded_channel();
            tokio::spawn(hear(address.to_string(), wished, events.clone()));
            (BTreeSet::new(), wishes)
        });
        if topics.insert(full.to_string()) {
            let _ = wishes.send(full.to_string());
        }
    }

    /// Closes what leads to a process.
    pub fn forget(&mut self, process: &str) {
        self.heard.retain(|(p, _), _| p != process);
    }

    pub fn request(&mut self, to: &Publisher, types: &ServicePublisher, node: &str, id: &str, body: Bytes) {
        let frames = [
            copy(&to.topic),
            copy(&self.responses_address),
            copy(&self.responses_id),
            copy(node),
            copy(id),
            body,
            copy(&types.request_type),
            copy(&types.response_type),
        ];
        self.deal(&to.address, message(frames));
    }

    pub async fn reply(&mut self, request: Request, reply: Option<Vec<u8>>) {
        let result = if reply.is_some() { "1" } else { "0" };
        let body = Bytes::from(reply.unwrap_or_default());
        let frames = [copy(&request.full), request.node, request.id, body, copy(result)];
        self.deal(&request.sender, message(frames));
    }

    fn deal(&mut self, address: &str, message: ZmqMessage) {
        self.dealers.retain(|(_, way)| !way.is_closed());
        if let Some((_, way)) = self.dealers.iter().find(|(a, _)| a == address) {
            let _ = way.send(message);
            return;
        }
        let (way, messages) = mpsc::unbounded_channel();
        let _ = way.send(message);
        tokio::spawn(deal(address.to_string(), messages));
        if self.dealers.len() >= MAX_DEALERS {
            self.dealers.remove(0);
        }
        self.dealers.push((address.to_string(), way));
    }
}

fn router() -> (RouterSocket, String) {
    let id = uuid();
    let mut options = SocketOptions::default();
    if let Ok(identity) = PeerIdentity::try_from(id.clone().into_bytes()) {
        options.peer_identity(identity);
    }
    (RouterSocket::with_options(options), id)
}

fn copy(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn message<const N: usize>(frames: [Bytes; N]) -> ZmqMessage {
    let mut out = ZmqMessage::from(frames[0].clone());
    frames.into_iter().skip(1).for_each(|f| out.push_back(f));
    out
}

fn text(frame: &Bytes) -> String {
    String::from_utf8_lossy(frame).into_owned()
}

/// Listens to one publisher until nobody wishes for anything of it.
async fn hear(address: String, mut wished: mpsc::UnboundedReceiver<String>, events: mpsc::Sender<Event>) {
    let mut pause = FIRST_PAUSE;
    let mut socket = loop {
        let mut socket = SubSocket::new();
        match socket.connect(&address).await {
            Ok(()) => break socket,
            Err(cause) => {
                tracing::debug!("publisher {address} cannot be reached, it is tried again: {cause}")
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        if wished.is_closed() {
            return;
        }
    };
    let mut topics = BTreeSet::new();
    loop {
        tokio::select! {
            wish = wished.recv() => {
                let Some(full) = wish else { return };
                if let Err(cause) = socket.subscribe(&full).await {
                    tracing::debug!("no subscription to {full} at {address}: {cause}");
                }
                topics.insert(full);
            }
            received = socket.recv() => {
                let Ok(received) = received else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                let frames = received.into_vec();
                let [full, _, payload, type_name] = frames.as_slice() else { continue };
                let full = text(full);
                // A filter of ZeroMQ is a prefix: /a lets /ab pass.
                if topics.contains(&full) {
                    let event = Event::Message { full, type_name: text(type_name), payload: payload.clone() };
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn take_requests(mut socket: RouterSocket, events: mpsc::Sender<Event>) {
    while let Ok(received) = socket.recv().await {
        let frames = received.into_vec();
        let [_, full, sender, _, node, id, body, request_type, response_type] = frames.as_slice() else {
            continue;
        };
        let request = Request {
            full: text(full),
            sender: text(sender),
            node: node.clone(),
            id: id.clone(),
            body: body.clone(),
            request_type: text(request_type),
            response_type: text(response_type),
        };
        if events.send(Event::Request(request)).await.is_err() {
            return;
        }
    }
}

async fn take_responses(mut socket: RouterSocket, events: mpsc::Sender<Event>) {
    while let Ok(received) = socket.recv().await {
        let frames = received.into_vec();
        let [_, _, _, id, body, result] = frames.as_slice() else { continue };
        let result = (result.as_ref() == b"1").then(|| body.clone());
        if events.send(Event::Response { id: text(id), result }).await.is_err() {
            return;
        }
    }
}

async fn deal(address: String, mut messages: mpsc::UnboundedReceiver<ZmqMessage>) {
    let mut socket = DealerSocket::new();
    if let Err(cause) = socket.connect(&address).await {
        tracing::debug!("{address} cannot be reached: {cause}");
        return;
    }
    while let Some(message) = messages.recv().await {
        if let Err(cause) = socket.send(message).await {
            tracing::debug!("{address} does not take a message: {cause}");
            return;
        }
    }
    // The socket may still be sending.
    tokio::time::sleep(Duration::from_millis(200)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who hangs up on the first attempt is no publisher yet; the next attempt finds one.
    #[tokio::test]
    async fn a_publisher_that_could_not_be_reached_is_tried_again() {
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", stranger.local_addr().unwrap());
        let (wish, wished) = mpsc::unbounded_channel();
        let (to, mut events) = mpsc::channel(8);
        let task = tokio::spawn(hear(address.clone(), wished, to));
        wish.send("@/t@/a".to_string()).unwrap();
        tokio::task::spawn_blocking(move || drop(stranger.accept().unwrap())).await.unwrap();
        let limit = Duration::from_secs(20);
        let heard = tokio::time::timeout(limit, async {
            let mut publisher = PubSocket::new();
            while publisher.bind(&address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            loop {
                let frames = [copy("@/t@/a"), copy(""), copy("payload"), copy("gz.msgs.StringMsg")];
                publisher.send(message(frames)).await.unwrap();
                if let Ok(event) = tokio::time::timeout(Duration::from_millis(50), events.recv()).await {
                    break event;
                }
            }
        });
        let Ok(Some(Event::Message { full, payload, .. })) = heard.await else { panic!("nothing was heard") };
        assert_eq!((full.as_str(), payload.as_ref()), ("@/t@/a", &b"payload"[..]));
        // Nobody wishes for anything any more.
        drop(wish);
        tokio::time::timeout(limit, task).await.unwrap().unwrap();
    }
}
