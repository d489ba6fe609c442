//! Settings of glibc's allocator for training.

/// Sets `M_MMAP_MAX` to 0 and `M_TRIM_THRESHOLD` to its maximum, so that freed memory stays in the process.
///
/// Every step allocates the same hundreds of megabytes. By default glibc returns large blocks to the system
/// at once, and each step waits for fresh pages again: a seventh of its time. Other C libraries are left as
/// they are.
pub fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets numbers of the allocator, and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}
