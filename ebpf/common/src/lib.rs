//! What the kernel programs and user space share: packet parser, flow record, verdicts, map layouts.
#![no_std]
