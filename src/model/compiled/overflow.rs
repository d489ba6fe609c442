//! The processor's record of results that are too large for their format.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;

/// The flag in the register, which stays set until it is cleared.
const FLAG: u32 = 1 << 3;

/// Clears the record of this thread.
#[inline(always)]
pub(super) fn clear() {
    let cleared = register() & !FLAG;
    // SAFETY: it reads one word, and changes only an exception flag, as assembly may.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("ldmxcsr [{}]", in(reg) &raw const cleared, options(nostack));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = cleared;
}

/// Whether a result was too large since.
#[inline(always)]
pub(super) fn is_recorded() -> bool {
    register() & FLAG != 0
}

#[inline(always)]
fn register() -> u32 {
    #[allow(unused_mut)] // Only this processor's instruction writes to it.
    let mut control = 0u32;
    // SAFETY: it writes one word. It may read all memory, so that results are stored before.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
    }
    control
}
