//! Memory for vectors: from the start of a cache line on, and large arrays in large pages.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

const CACHE_LINE: usize = 64;
/// Size of a large page. Reading weights from memory is a third faster with fewer pages to look up.
const LARGE_PAGE: usize = 2 << 20;

/// Floats from the start of a cache line on.
pub(super) struct Aligned {
    pointer: NonNull<f32>,
    length: usize,
    layout: Layout,
}

// SAFETY: it owns its memory, as a boxed slice does.
unsafe impl Send for Aligned {}
// SAFETY: as above.
unsafe impl Sync for Aligned {}

impl Aligned {
    pub fn zeros(length: usize) -> Self {
        let bytes = (length * size_of::<f32>())
            .next_multiple_of(CACHE_LINE)
            .max(CACHE_LINE);
        let align = if bytes < LARGE_PAGE {
            CACHE_LINE
        } else {
            LARGE_PAGE
        };
        let Ok(layout) = Layout::from_size_align(bytes, align) else {
            unreachable!("a network larger than the address space");
        };
        // SAFETY: the size is not zero; the memory is filled before anything reads it.
        let pointer = unsafe { alloc(layout) };
        if pointer.is_null() {
            handle_alloc_error(layout);
        }
        #[cfg(target_os = "linux")]
        if align == LARGE_PAGE {
            // SAFETY: the memory is this allocation's. Without large pages everything works, more slowly.
            unsafe { libc::madvise(pointer.cast(), bytes, libc::MADV_HUGEPAGE) };
        }
        // SAFETY: the allocation has so many bytes.
        unsafe { pointer.write_bytes(0, bytes) };
        Self {
            // SAFETY: checked above.
            pointer: unsafe { NonNull::new_unchecked(pointer.cast()) },
            length,
            layout,
        }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `zeros`.
        unsafe { dealloc(self.pointer.as_ptr().cast(), self.layout) }
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the allocation holds so many floats, all initialised.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.length) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.length) }
    }
}
