/** The time limit of an action, and what it leaves behind: nothing. */
import { expect, spyOn, test } from 'bun:test'
import { within } from './deadline.ts'
import { orAbort, TOO_LATE } from './read_error.ts'

/** Resolves when the signal is aborted. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    if (signal.aborted) resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'))
  })

/** A signal, and how many listen to it. */
function watched() {
  const controller = new AbortController()
  const { signal } = controller
  let listening = 0
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    listening++
    add(...args)
  }) as never
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    listening--
    remove(...args)
  }) as never
  return { controller, signal, listening: () => listening }
}

test('the result or the error of the action is passed on, and neither timer nor listener is left', async () => {
  const { signal, listening } = watched()
  const cleared = spyOn(globalThis, 'clearTimeout')
  expect(await within(60_000, signal, async () => 7)).toBe(7)
  await expect(within(60_000, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(cleared).toHaveBeenCalledTimes(2)
  for (const [timer] of cleared.mock.calls) expect((timer as Timer).hasRef()).toBe(false)
  cleared.mockRestore()
  expect(listening()).toBe(0)
})

test('the action is aborted when the time is over, and not before', async () => {
  const startedMs = performance.now()
  expect(await within(50, new AbortController().signal, untilAborted)).toBe('aborted')
  // Timers may be a millisecond early.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(49)
})

test('it is aborted with the other signal, also if that was aborted before', async () => {
  const { controller, signal } = watched()
  const action = within(60_000, signal, untilAborted)
  controller.abort()
  expect(await action).toBe('aborted')
  expect(await within(60_000, signal, untilAborted)).toBe('aborted')
})

test('a promise is waited for until the signal is aborted', async () => {
  const { controller, signal, listening } = watched()
  expect(await orAbort(Promise.resolve(7), signal)).toBe(7)
  await expect(orAbort(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  expect(listening()).toBe(0)
  const never = new Promise(() => {})
  const waiting = orAbort(never, signal)
  controller.abort()
  await expect(waiting).rejects.toThrow(TOO_LATE)
  await expect(orAbort(never, signal)).rejects.toThrow(TOO_LATE)
  expect(listening()).toBe(0)
})
