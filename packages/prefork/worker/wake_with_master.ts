/**
 * A worker that is stopped (SIGSTOP) does not notice that its master is gone. The kernel wakes it then, so that it drains and
 * frees the port.
 */
import { libc } from '../shared/libc.ts'

/** prctl(2): the signal that a process gets when its parent ends. */
const PR_SET_PDEATHSIG = 1
const SIGCONT = 18

export function wakeWithMaster(): void {
  libc()?.prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0)
}
