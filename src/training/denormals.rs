//! Numbers that are too small for the processor's fast path.

/// Lets this thread, and those that it starts, take numbers below 1.2e-38 (denormals) for zero, as operands and as
/// results.
///
/// Filters that have become useless fade by a constant factor per step. Once products with them are that small, the
/// processor computes each in microcode, and a training step takes eight times as long. Other processors than x86-64
/// are left as they are.
pub fn flush_to_zero() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_RESULTS: u32 = 1 << 15;
        const OPERANDS_ARE_ZERO: u32 = 1 << 6;
        let mut control = 0u32;
        // SAFETY: one word is written, changed and read. The flags change how small numbers are rounded, nothing else.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
            control |= FLUSH_RESULTS | OPERANDS_ARE_ZERO;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack));
        }
    }
}
