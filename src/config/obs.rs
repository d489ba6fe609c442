//! `[publish.obs]`: sources of OBS Studio that follow the voices.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, check_receiver};

/// OBS Studio 28 or newer, by its WebSocket server (protocol 5): sources are muted or shown while a voice is singing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObsConfig {
    /// The WebSocket server as `HOST:PORT`, usually 127.0.0.1:4455. Empty: OBS is left alone.
    pub target: String,
    /// File whose first line is the server's password. Empty: it has none.
    pub password_file: String,
    /// Audio sources that are muted while a voice is singing.
    pub mute: Vec<String>,
    /// Audio sources that are muted while no voice is singing.
    pub unmute: Vec<String>,
    /// Sources that are shown while a voice is singing, as `SCENE/SOURCE`.
    pub show: Vec<String>,
    /// Sources that are hidden while a voice is singing, likewise.
    pub hide: Vec<String>,
    /// Streams that count. Empty: all.
    pub streams: Vec<String>,
}

impl ObsConfig {
    /// Whether there is an OBS to control.
    pub fn is_on(&self) -> bool {
        !self.target.is_empty()
    }

    /// The password, if there is one.
    ///
    /// # Errors
    ///
    /// If its file cannot be read.
    pub fn password(&self) -> Result<String, ConfigError> {
        if self.password_file.is_empty() {
            return Ok(String::new());
        }
        let text = std::fs::read_to_string(Path::new(&self.password_file));
        let text = text.map_err(|e| {
            let problem = format!("{}: {e}", self.password_file);
            ConfigError::value("publish.obs.password_file", problem)
        })?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !self.is_on() {
            return Ok(());
        }
        check_receiver("publish.obs.target", &self.target, "127.0.0.1:4455")?;
        let items = [("show", &self.show), ("hide", &self.hide)];
        for (key, item) in items
            .iter()
            .flat_map(|(key, items)| items.iter().map(move |i| (key, i)))
        {
            let parts = item.split_once('/');
            if parts.is_none_or(|(scene, source)| scene.is_empty() || source.is_empty()) {
                let problem = format!("`{item}` is no source of a scene: write SCENE/SOURCE");
                return Err(ConfigError::value(format!("publish.obs.{key}"), problem));
            }
        }
        let lists = [&self.mute, &self.unmute, &self.show, &self.hide];
        match lists.iter().all(|list| list.is_empty()) {
            true => Err(ConfigError::value(
                "publish.obs.mute",
                "OBS has nothing to do: name sources in mute, unmute, show or hide",
            )),
            false => Ok(()),
        }
    }
}
