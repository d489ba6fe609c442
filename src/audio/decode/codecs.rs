//! The codecs that this program holds.

use std::sync::LazyLock;

use symphonia::core::codecs::registry::CodecRegistry;

use super::opus::OpusCodec;

/// All codecs: Symphonia's and Opus.
pub(super) fn registry() -> &'static CodecRegistry {
    static REGISTRY: LazyLock<CodecRegistry> = LazyLock::new(|| {
        let mut registry = CodecRegistry::new();
        symphonia::default::register_enabled_codecs(&mut registry);
        registry.register_audio_decoder::<OpusCodec>();
        registry
    });
    &REGISTRY
}
