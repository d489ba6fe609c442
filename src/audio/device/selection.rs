//! Finds an input device by id, by name or as the system's default.

use std::str::FromStr as _;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, DeviceId, Host};

use crate::audio::AudioError;

/// Most suggestions in an error about a device's name.
const MAX_SUGGESTIONS: usize = 3;

/// Which input device to capture from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputDevice {
    /// The system's default input.
    Default,
    /// An id as `vocald devices` prints it, with or without the host, or a name or a part of one.
    Named(String),
}

/// The id and name of a device that was found once, to find it again after a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: Option<DeviceId>,
    pub name: String,
}

impl Identity {
    pub fn of(device: &Device) -> Self {
        Self {
            id: device.id().ok(),
            name: device.to_string(),
        }
    }
}

/// The device of this choice among those that are present now.
pub(super) fn find(choice: &InputDevice) -> Result<Device, AudioError> {
    let host = cpal::default_host();
    match choice {
        InputDevice::Default => host
            .default_input_device()
            .ok_or_else(|| AudioError::NoDevice {
                reason: "the system names no default input".into(),
            }),
        InputDevice::Named(name) => find_named(&host, name),
    }
}

/// The device that was found before: by id, then by name. The default is whatever it is now.
pub(super) fn find_again(choice: &InputDevice, identity: &Identity) -> Result<Device, AudioError> {
    let InputDevice::Named(requested) = choice else {
        return find(choice);
    };
    let by_id = || device_by_full_id(identity.id.as_ref()?);
    let by_name = || find_named(&cpal::default_host(), &identity.name).ok();
    by_id()
        .or_else(by_name)
        .ok_or_else(|| AudioError::UnknownDevice {
            requested: requested.clone(),
            similar: Vec::new(),
        })
}

/// The device's id without its host, as `vocald devices` prints it; its name if it has no id.
pub(super) fn short_id(device: &Device) -> String {
    device
        .id()
        .map_or_else(|_| device.to_string(), |id| id.id().to_owned())
}

/// In this order: an id with its host, an id, a whole name, a part of exactly one name.
fn find_named(host: &Host, requested: &str) -> Result<Device, AudioError> {
    let by_full_id = || device_by_full_id(&DeviceId::from_str(requested).ok()?);
    let by_id = || host.device_by_id(&DeviceId::new(host.id(), requested));
    if let Some(device) = by_full_id().or_else(by_id) {
        return Ok(device);
    }
    let devices: Vec<Device> = host
        .input_devices()
        .map_err(|e| AudioError::NoDevice {
            reason: e.to_string(),
        })?
        .collect();
    let lower = requested.to_lowercase();
    let has_name = |device: &&Device| device.to_string().to_lowercase() == lower;
    if let Some(device) = devices.iter().find(has_name) {
        return Ok(device.clone());
    }
    let partial: Vec<&Device> = devices
        .iter()
        .filter(|d| d.to_string().to_lowercase().contains(&lower))
        .collect();
    match partial.as_slice() {
        [device] => Ok((*device).clone()),
        [] => Err(AudioError::UnknownDevice {
            requested: requested.into(),
            similar: similar_ids(&lower, &devices),
        }),
        several => Err(AudioError::AmbiguousDevice {
            requested: requested.into(),
            candidates: several
                .iter()
                .take(MAX_SUGGESTIONS)
                .map(|d| short_id(d))
                .collect(),
        }),
    }
}

fn device_by_full_id(id: &DeviceId) -> Option<Device> {
    cpal::host_from_id(id.host()).ok()?.device_by_id(id)
}

/// Ids of the devices whose id or name is spelt most like the requested one, the closest first.
fn similar_ids(requested_lower: &str, devices: &[Device]) -> Vec<String> {
    let mut ranked: Vec<(usize, String)> = devices
        .iter()
        .map(|device| {
            let (id, name) = (short_id(device), device.to_string());
            let distance = |text: &str| strsim::levenshtein(requested_lower, &text.to_lowercase());
            (distance(&id).min(distance(&name)), id)
        })
        .collect();
    ranked.sort();
    // A name that differs in more than half of its letters is another name, not a misspelling.
    ranked.retain(|(distance, _)| *distance <= requested_lower.len() / 2);
    ranked
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, id)| id)
        .collect()
}
