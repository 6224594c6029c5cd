//! How a process ended that is no child of this one. Linux keeps it with an open handle, since 6.15.
//!
//! Source: `PIDFD_GET_INFO` and `PIDFD_INFO_EXIT` in Linux' `include/uapi/linux/pidfd.h`.

#![expect(unsafe_code, reason = "rustix has no call for this request, and lets one describe it")]

use rsk_proto::ExecutorEnd;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
use std::os::fd::AsFd;

/// The kernel's `struct pidfd_info`, as it was first: later kernels fill no more than they are given.
#[repr(C)]
#[derive(Default)]
struct Info {
    /// What is asked for, and then what is there.
    mask: u64,
    cgroup: u64,
    /// Of the process, of its parent, of its users and groups.
    ids: [u32; 11],
    /// As `wait` has it.
    exit_code: i32,
}

const EXIT: u64 = 1 << 3;
const GET_INFO: Opcode = opcode::read_write::<Info>(0xff, 11);

/// How the process of this handle ended. Nothing before it is gone and its parent knows, and with an older kernel.
pub(super) fn of(handle: impl AsFd) -> Option<ExecutorEnd> {
    let mut info = Info { mask: EXIT, ..Info::default() };
    // SAFETY: the request reads and writes a `struct pidfd_info` of the size that its number holds, which `Info` is; a
    // handle that is none of a process, or a kernel that does not know the request, answers with an error.
    let asked = unsafe { ioctl(handle, Updater::<GET_INFO, Info>::new(&mut info)) };
    asked.ok().filter(|()| info.mask & EXIT != 0)?;
    Some(match info.exit_code & 0x7f {
        0 => ExecutorEnd::Exited(info.exit_code >> 8 & 0xff),
        signal => ExecutorEnd::Signalled(signal),
    })
}
