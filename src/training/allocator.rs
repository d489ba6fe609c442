//! The allocator, set for steps that ask for the same hundreds of megabytes again and again.

/// Keeps freed memory in the process. glibc gives large pieces back to the system at once, and every step
/// of a training waits for fresh pages again: a seventh of its time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep() {
    // SAFETY: mallopt only sets numbers of the allocator, and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep() {}
