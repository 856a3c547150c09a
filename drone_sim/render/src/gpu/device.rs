//! A Vulkan device, and how its answers are waited for.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{RenderError, Result};

/// A device with its queue, and what it complained of.
pub(super) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// Its name and driver.
    pub name: String,
    complaint: Arc<Mutex<Option<String>>>,
}

/// Native futures of wgpu are ready when they are asked first; the bound is for one that is not.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        std::thread::yield_now();
    }
    None
}

impl Gpu {
    /// The best adapter that Vulkan has; a software one if there is no other. Errors: PG-0912.
    pub(super) fn open() -> Result<Self> {
        let none = |reason: String| RenderError::NoGpu { reason };
        let mut description = wgpu::InstanceDescriptor::new_without_display_handle();
        description.backends = wgpu::Backends::VULKAN;
        let instance = wgpu::Instance::new(description);
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = now(instance.request_adapter(&options))
            .ok_or_else(|| none("the loader does not answer".into()))?
            .map_err(|e| none(e.to_string()))?;
        let info = adapter.get_info();
        let wanted = wgpu::DeviceDescriptor {
            label: Some("peregrine-render"),
            required_limits: wgpu::Limits::downlevel_defaults().using_resolution(adapter.limits()),
            ..Default::default()
        };
        let (device, queue) = now(adapter.request_device(&wanted))
            .ok_or_else(|| none("the driver does not answer".into()))?
            .map_err(|e| none(format!("{}: {e}", info.name)))?;
        let complaint = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&complaint);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        }));
        let name = format!("{} ({} {})", info.name, info.driver, info.driver_info);
        Ok(Self { device, queue, name, complaint })
    }

    /// The first complaint since this was asked last. Errors: PG-0913.
    pub(super) fn check(&self) -> Result {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
        complaint.map_or(Ok(()), |reason| Err(RenderError::GpuFailed { reason }))
    }

    /// Waits until all that was submitted is done. Errors: PG-0913.
    pub(super) fn wait(&self) -> Result {
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| RenderError::GpuFailed { reason: e.to_string() })?;
        self.check()
    }
}
