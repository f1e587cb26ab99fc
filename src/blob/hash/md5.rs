//! MD5 from AWS-LC, which is linked for TLS already: its assembly is a quarter faster than the pure Rust one, and MD5
//! is what bounds the speed of an upload. The safe bindings leave MD5 out, so this file makes the few calls.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    EVP_DigestFinal_ex, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD_CTX, EVP_MD_CTX_free, EVP_MD_CTX_new, EVP_md5,
};

const SUM_LENGTH: usize = 16;

/// An MD5 sum under way. Owns its context and frees it.
pub(super) struct Md5(NonNull<EVP_MD_CTX>);

#[expect(unsafe_code, reason = "a context is memory of its own, bound to no thread")]
// SAFETY: nothing but this value points to the context, and AWS-LC keeps nothing about it per thread.
unsafe impl Send for Md5 {}

#[expect(unsafe_code, reason = "calls into AWS-LC, see each")]
impl Md5 {
    /// # Panics
    /// Without memory, like every allocation.
    pub(super) fn new() -> Self {
        // SAFETY: takes nothing, and gives a context that is ours to free, or null.
        let context = NonNull::new(unsafe { EVP_MD_CTX_new() }).expect("memory for a hash");
        let md5 = Self(context);
        // SAFETY: the context is live and fresh, the algorithm is a constant of the library, no engine is asked for.
        let done = unsafe { EVP_DigestInit_ex(context.as_ptr(), EVP_md5(), ptr::null_mut()) };
        assert_eq!(done, 1, "memory for a hash");
        md5
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        // SAFETY: `new` made the context ready; pointer and length are those of one live slice, which is only read.
        let done = unsafe { EVP_DigestUpdate(self.0.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
        debug_assert_eq!(done, 1, "a context with an algorithm takes every block");
    }

    pub(super) fn finish(self) -> [u8; SUM_LENGTH] {
        let mut sum = [0; SUM_LENGTH];
        // SAFETY: `new` made the context ready; MD5 writes 16 bytes, and the length may be null.
        let done = unsafe { EVP_DigestFinal_ex(self.0.as_ptr(), sum.as_mut_ptr(), ptr::null_mut()) };
        debug_assert_eq!(done, 1, "a context with an algorithm gives a sum");
        sum
    }
}

#[expect(unsafe_code, reason = "a call into AWS-LC")]
impl Drop for Md5 {
    fn drop(&mut self) {
        // SAFETY: the context came from `EVP_MD_CTX_new` and is freed nowhere else.
        unsafe { EVP_MD_CTX_free(self.0.as_ptr()) }
    }
}
