//! iceoryx2: a publish-subscribe service of byte slices, and an event service that wakes the reader.
//!
//! Latest semantics: the subscriber's buffer holds one sample and overflows safely. The memory of a loan is not
//! initialised, as a camera would write it anyhow.

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

use super::super::drive::Sender;
use super::super::job::{Job, Outcome};
use super::super::record::Recorder;
use super::Ready;

type Samples = iceoryx2::service::port_factory::publish_subscribe::PortFactory<ipc::Service, [u8], ()>;
type Events = iceoryx2::service::port_factory::event::PortFactory<ipc::Service>;

/// The services of one topic. The node outlives them.
struct Services {
    samples: Samples,
    events: Events,
    _node: Node<ipc::Service>,
}

/// Readers a service has room for.
const READERS: usize = 8;

fn open(job: &Job) -> Outcome<Services> {
    set_log_level(LogLevel::Fatal);
    let node =
        NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<ipc::Service>()?;
    let samples = node
        .service_builder(&job.topic.as_str().try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(true)
        .subscriber_max_buffer_size(1)
        .subscriber_max_borrowed_samples(2)
        .history_size(0)
        .max_subscribers(READERS)
        .max_publishers(1)
        .open_or_create()?;
    let events = node
        .service_builder(&format!("{}/event", job.topic).as_str().try_into()?)
        .event()
        .max_listeners(READERS)
        .open_or_create()?;
    Ok(Services { samples, events, _node: node })
}

struct Camera {
    publisher: Publisher<ipc::Service, [u8], ()>,
    notifier: Notifier<ipc::Service>,
    bytes: usize,
    _services: Services,
}

pub(in super::super) fn publish(job: &Job) -> Outcome<Box<dyn Sender>> {
    let services = open(job)?;
    let publisher = services
        .samples
        .publisher_builder()
        .initial_max_slice_len(job.size.bytes())
        .max_loaned_samples(2)
        .create()?;
    let notifier = services.events.notifier_builder().create()?;
    Ok(Box::new(Camera { publisher, notifier, bytes: job.size.bytes(), _services: services }))
}

impl Sender for Camera {
    fn send(&mut self, fill: &mut dyn FnMut(&mut [u8])) -> Outcome<bool> {
        let Ok(sample) = self.publisher.loan_slice_uninit(self.bytes) else { return Ok(false) };
        // SAFETY: any byte is a valid `u8`, and the memory is a shared mapping, which the kernel has cleared.
        let mut sample = unsafe { sample.assume_init() };
        fill(sample.payload_mut());
        sample.send()?;
        // A listener whose queue is full has been woken already.
        let _ = self.notifier.notify();
        Ok(true)
    }
}

fn take_all(subscriber: &Subscriber<ipc::Service, [u8], ()>, recorder: &mut Recorder) -> Outcome {
    while let Some(sample) = subscriber.receive()? {
        recorder.frame(sample.payload());
    }
    Ok(())
}

fn reader(services: &Services) -> Outcome<(Subscriber<ipc::Service, [u8], ()>, Listener<ipc::Service>)> {
    let subscriber = services.samples.subscriber_builder().buffer_size(1).create()?;
    Ok((subscriber, services.events.listener_builder().create()?))
}

/// The reader sleeps in a `Listener`.
pub(in super::super) fn read_listener(
    job: &Job,
    mut recorder: Recorder,
    ready: Ready<'_>,
) -> Outcome<Recorder> {
    let services = open(job)?;
    let (subscriber, listener) = reader(&services)?;
    ready()?;
    while !recorder.is_over() {
        listener.blocking_wait(|_| {})?;
        take_all(&subscriber, &mut recorder)?;
    }
    Ok(recorder)
}

/// The reader sleeps in a `WaitSet`, as it must when it has several sources.
pub(in super::super) fn read_waitset(
    job: &Job,
    mut recorder: Recorder,
    ready: Ready<'_>,
) -> Outcome<Recorder> {
    let services = open(job)?;
    let (subscriber, listener) = reader(&services)?;
    let waitset =
        WaitSetBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<ipc::Service>()?;
    let _guard = waitset.attach_notification(&listener)?;
    ready()?;
    while !recorder.is_over() {
        let mut outcome = Ok(());
        waitset.wait_and_process_once(|_| {
            outcome = listener
                .try_wait(|_| {})
                .map_err(Into::into)
                .and_then(|_| take_all(&subscriber, &mut recorder));
            CallbackProgression::Continue
        })?;
        outcome?;
    }
    Ok(recorder)
}
