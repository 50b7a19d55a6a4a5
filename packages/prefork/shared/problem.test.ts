import { expect, test } from 'bun:test'
import { problem, statusTitle } from './problem.ts'

test.each([
  [200, 'OK'],
  [400, 'Bad Request'],
  [408, 'Request Timeout'],
  [413, 'Content Too Large'],
  [414, 'URI Too Long'],
  [416, 'Range Not Satisfiable'],
  [417, 'Expectation Failed'],
  [422, 'Unprocessable Content'],
  [431, 'Request Header Fields Too Large'],
  [499, 'Client Closed Request'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
  [599, 'Error'],
])('%d is titled "%s", as in RFC 9110 and the RFCs after it', (status, title) => {
  expect(statusTitle(status)).toBe(title)
})

test('an error is problem+json with its status, title and detail', async () => {
  const response = problem(405, 'GET only', { Allow: 'GET' })
  expect(response.status).toBe(405)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.get('allow')).toBe('GET')
  expect(await response.json()).toEqual({
    type: 'about:blank',
    title: 'Method Not Allowed',
    status: 405,
    detail: 'GET only',
  })
})
