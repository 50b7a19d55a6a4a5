import { expect, test } from 'bun:test'
import { STATUS_TITLES } from './status_titles.ts'

test.each([
  [302, 'Found'],
  [405, 'Method Not Allowed'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [417, 'Expectation Failed'],
  [422, 'Unprocessable Content'],
  [431, 'Request Header Fields Too Large'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
])('%d is "%s"', (status, title) => {
  expect(STATUS_TITLES[status]).toBe(title)
})
