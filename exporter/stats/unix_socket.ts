/**
 * Connects to a unix socket with `connect(2)` of Linux. If the other side sends its data and closes at once, as uWSGI
 * does, `Bun.connect` with a path reports ECONNRESET and loses the data; with a connected descriptor it does not.
 */
import { dlopen, ptr } from 'bun:ffi'
import { accessSync, constants } from 'node:fs'
import { ReadError } from './read_error.ts'

const AF_UNIX = 1
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const STREAM = 0o1 | 0o4000 | 0o2000000
/** Size of sockaddr_un: two bytes of address family, then the path with a zero byte at its end. */
const ADDRESS_BYTES = 110

const openLibc = () =>
  dlopen('libc.so.6', {
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
    close: { args: ['i32'], returns: 'i32' },
  }).symbols

let libc: ReturnType<typeof openLibc> | undefined

/**
 * Returns the descriptor of a connected socket, without waiting. The name of an abstract socket, `@name`, starts with a
 * zero byte in place of the `@`, and its length counts (unix(7)).
 * @throws {ReadError} if no process accepts connections at this path.
 * @throws the system's error, with its code, if there is no such file or it may not be opened.
 */
export function connectUnix(path: string): number {
  const address = Buffer.alloc(ADDRESS_BYTES)
  address.writeUInt16LE(AF_UNIX)
  const pathBytes = Buffer.byteLength(path)
  if (pathBytes > ADDRESS_BYTES - 3) throw new ReadError('its path is too long for a socket')
  address.write(path, 2)
  const isAbstract = path.startsWith('@')
  if (isAbstract) address[2] = 0
  libc ??= openLibc()
  const fd = libc.socket(AF_UNIX, STREAM, 0)
  if (libc.connect(fd, ptr(address), isAbstract ? 2 + pathBytes : ADDRESS_BYTES) === 0) return fd
  libc.close(fd)
  if (!isAbstract) accessSync(path, constants.W_OK)
  throw new ReadError('nothing accepts connections there')
}
