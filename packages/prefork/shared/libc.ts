/** Functions of the C library that Bun has no API for. On a system without a known C library they are absent. */
import { dlopen } from 'bun:ffi'

/** The names of glibc, and of musl on the processors that Bun runs on. */
const NAMES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

const FUNCTIONS = {
  alarm: { args: ['u32'], returns: 'u32' },
  dup2: { args: ['i32', 'i32'], returns: 'i32' },
  getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
} as const

let library: ReturnType<typeof open> | 'not opened' = 'not opened'

/** @returns the functions, or undefined on a system without them. */
export function libc(): ReturnType<typeof open> {
  if (library === 'not opened') library = open()
  return library
}

function open() {
  for (const name of NAMES) {
    try {
      return dlopen(name, FUNCTIONS).symbols
    } catch {
      // This library is not on the system: the next name is tried.
    }
  }
  return undefined
}
