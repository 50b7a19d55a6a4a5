/**
 * Connects to a unix socket by the system's own `connect`. `Bun.connect` reports ECONNRESET where the other end answers
 * and closes before it looks, as uWSGI does: it takes the hang-up for a failure, and the answer is lost. With a socket
 * that is connected already, it does not. On Linux, where uWSGI is.
 */
import { dlopen, ptr } from 'bun:ffi'
import { accessSync, constants } from 'node:fs'
import { ReadError } from './read_error.ts'

const AF_UNIX = 1
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const STREAM = 0o1 | 0o4000 | 0o2000000
/** sockaddr_un: two bytes of family, then the path with a zero at its end. */
const ADDRESS_BYTES = 110

const openLibc = () =>
  dlopen('libc.so.6', {
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
    close: { args: ['i32'], returns: 'i32' },
  }).symbols

let libc: ReturnType<typeof openLibc> | undefined

/**
 * The descriptor of a connected socket; it does not wait.
 * @throws {ReadError} where nobody accepts.
 * @throws the system's error, with its code, where there is no such file, or it is not ours to open.
 */
export function connectUnix(path: string): number {
  const address = Buffer.alloc(ADDRESS_BYTES)
  address.writeUInt16LE(AF_UNIX)
  if (Buffer.byteLength(path) > ADDRESS_BYTES - 3) throw new ReadError('its path is too long for a socket')
  address.write(path, 2)
  libc ??= openLibc()
  const fd = libc.socket(AF_UNIX, STREAM, 0)
  if (libc.connect(fd, ptr(address), ADDRESS_BYTES) === 0) return fd
  libc.close(fd)
  accessSync(path, constants.W_OK)
  throw new ReadError('nothing accepts connections there')
}
