//! The transport as a node: it hears its process's topics while remote readers want them, and brings remote ones in.
//!
//! Invariant: nothing that came in goes out again. Zenoh entities are declared for remote peers only, and the runtime
//! keeps imported messages away from routes that lead out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::prelude::*;
use peregrine_core::{ImageSpec, Topic, Topics};
use peregrine_msgs::image::ImageHeader;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher as ZenohPublisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::sample::Locality;
use zenoh::{Session, Wait};

use crate::error::{self, zenoh as failed};
use crate::keys::{self, Attachment, Endpoint, Kind};
use crate::link::Link;

/// Carries the topics of its process over a [`Link`], which the application lends as an extension.
pub struct Transport {
    link: Arc<Link>,
    import: bool,
    outputs: BTreeMap<String, Output>,
    inputs: Vec<Subscriber<()>>,
    tokens: Vec<LivelinessToken>,
    scratch: Vec<u8>,
}

struct Output {
    publisher: ZenohPublisher<'static>,
    sequence: i64,
    gid: [u8; 16],
}

impl Node for Transport {
    const NAME: &'static str = "zenoh_transport";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_for_remote(Self::on_local)?;
        let link = setup.extension::<Link>().ok_or_else(|| {
            Error::node(error::Error::Malformed {
                text: "no link".into(),
                expected: "an application with a Zenoh link",
                why: "App::extend was not given a Link",
            })
        })?;
        Ok(Self {
            link,
            // In lockstep nothing may come in from outside: the run would not repeat.
            import: !setup.is_lockstep(),
            outputs: BTreeMap::new(),
            inputs: Vec::new(),
            tokens: Vec::new(),
            scratch: Vec::new(),
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let topics = ctx.topics().clone();
        let zid = self.link.session.zid().to_string();
        let mut entity = 1;
        for topic in topics.iter() {
            let mut endpoint = endpoint(self.link.domain(), &zid, ctx.node_name(), topic);
            if !topic.publishers().is_empty() {
                (endpoint.kind, endpoint.entity_id) = (Kind::Publisher, entity);
                endpoint.node = node_name(topic.publishers().first());
                entity += 1;
                self.announce(&endpoint).or_node()?;
                let output = output(&self.link, topic, &endpoint).or_node()?;
                self.outputs.insert(topic.name().to_owned(), output);
            }
            if topic.subscriptions() > 0 {
                (endpoint.kind, endpoint.entity_id) = (Kind::Subscription, entity);
                entity += 1;
                self.announce(&endpoint).or_node()?;
                if self.import {
                    let input = input(&self.link, topic, &topics, ctx).or_node()?;
                    self.inputs.push(input);
                }
            }
        }
        Ok(())
    }

    fn shutdown(&mut self, _: &Context) -> Result {
        self.inputs.clear();
        self.tokens.clear();
        self.outputs.clear();
        Ok(())
    }
}

impl Transport {
    fn announce(&mut self, endpoint: &Endpoint) -> error::Result {
        let token = endpoint.token();
        let declared = self.link.session.liveliness().declare_token(token.clone());
        self.tokens.push(declared.wait().map_err(failed("announce", &token))?);
        Ok(())
    }

    fn on_local(&mut self, _: &Context, any: &AnyMessage<'_>) -> Result {
        let Some(output) = self.outputs.get_mut(any.topic()) else { return Ok(()) };
        output.sequence += 1;
        let attachment = Attachment { sequence: output.sequence, stamp_ns: any.time().0, gid: output.gid };
        let publisher = &output.publisher;
        let sent = any
            .with_cdr(&mut self.scratch, |cdr| publisher.put(cdr).attachment(attachment.to_bytes()).wait());
        sent.map_err(failed("publish on", any.topic())).or_node()
    }
}

fn node_name(full: Option<&String>) -> String {
    full.and_then(|name| name.rsplit('/').next()).unwrap_or("peregrine").to_owned()
}

fn endpoint(domain: u32, zid: &str, node: &str, topic: &Topic) -> Endpoint {
    let qos = topic.qos();
    Endpoint {
        domain,
        session: zid.to_owned(),
        node_id: 0,
        entity_id: 0,
        kind: Kind::Publisher,
        namespace: "/".into(),
        node: node.rsplit('/').next().unwrap_or(node).to_owned(),
        topic: topic.name().to_owned(),
        type_name: topic.type_info().name.to_owned(),
        hash: topic.type_info().hash.to_owned(),
        qos: keys::qos(qos.is_reliable(), qos.is_latched(), qos.depth()),
    }
}

/// A Zenoh publisher that opens the topic's gate while somebody remote listens.
fn output(link: &Link, topic: &Arc<Topic>, endpoint: &Endpoint) -> error::Result<Output> {
    let session: &Session = &link.session;
    let key = keys::data_key(link.domain(), topic.name(), topic.type_info().name, topic.type_info().hash);
    // An image may be lost, a camera may not be held up; small messages are worth waiting for.
    let congestion =
        if topic.qos().is_reliable() { CongestionControl::Block } else { CongestionControl::Drop };
    let publisher = session
        .declare_publisher(key.clone())
        .congestion_control(congestion)
        .allowed_destination(Locality::Remote)
        .wait()
        .map_err(failed("declare a publisher on", &key))?;
    let gate = topic.clone();
    publisher
        .matching_listener()
        .callback(move |status| gate.set_remote_readers(usize::from(status.matching())))
        .background()
        .wait()
        .map_err(failed("watch for readers of", &key))?;
    let status = publisher.matching_status().wait().map_err(failed("look for readers of", &key))?;
    topic.set_remote_readers(usize::from(status.matching()));
    Ok(Output { publisher, sequence: 0, gid: keys::gid(&endpoint.token()) })
}

/// A Zenoh subscription that delivers to the readers of this process, on Zenoh's thread.
fn input(
    link: &Link,
    topic: &Arc<Topic>,
    topics: &Arc<Topics>,
    ctx: &Context,
) -> error::Result<Subscriber<()>> {
    let key = keys::data_key(link.domain(), topic.name(), topic.type_info().name, topic.type_info().hash);
    let importer = Mutex::new(Importer {
        ctx: ctx.for_imports(),
        frames: if topic.carries_frames() { topics.import_frames(topic.name()) } else { None },
        topic: topic.clone(),
        topics: topics.clone(),
    });
    link.session
        .declare_subscriber(key.clone())
        .allowed_origin(Locality::Remote)
        .callback(move |sample| {
            let mut importer = importer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = importer.take(&sample.payload().to_bytes()) {
                tracing::warn!(topic = importer.topic.name(), "{error}");
            }
        })
        .wait()
        .map_err(failed("subscribe to", &key))
}

struct Importer {
    ctx: Context,
    topic: Arc<Topic>,
    topics: Arc<Topics>,
    frames: Option<FramePublisher>,
}

impl Importer {
    fn take(&mut self, cdr: &[u8]) -> Result {
        if !self.topic.carries_frames() {
            return self.topics.import(&self.ctx, &self.topic, cdr);
        }
        let Some(frames) = &mut self.frames else { return Ok(()) };
        let decode = |source| Error::Decode {
            topic: self.topic.name().into(),
            type_name: self.topic.type_info().name,
            source,
        };
        let (header, offset) = ImageHeader::decode(cdr).map_err(decode)?;
        let Some(pixels) = cdr.get(offset..offset + header.data_len as usize) else { return Ok(()) };
        let Ok(encoding) = header.encoding.parse::<Encoding>() else {
            return Err(Error::node(error::Error::Malformed {
                text: header.encoding.to_owned(),
                expected: "an image encoding that frames can have",
                why: "it is not known",
            }));
        };
        let spec = ImageSpec {
            width: header.width,
            height: header.height,
            encoding,
            step: header.step,
            frame_id: header.frame_id,
        };
        if let Some(mut loan) = frames.loan(&spec)?
            && loan.bytes_mut().len() == pixels.len()
        {
            loan.bytes_mut().copy_from_slice(pixels);
            loan.set_stamp(header.stamp);
            frames.send(&self.ctx, loan)?;
        }
        Ok(())
    }
}
