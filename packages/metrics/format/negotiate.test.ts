import { expect, test } from 'bun:test'
import { acceptsGzip, chooseFormat } from './negotiate.ts'

test.each([
  [null, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['application/*', 'text'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
  ['text/plain', 'text'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  ['Application/OpenMetrics-Text;Version="1.0.0";Q=0.5', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1', 'text'],
  ['application/openmetrics-text;version=2.0.0', 'text'],
  ['application/openmetrics-text;q=0', 'text'],
  ['application/openmetrics-text;q=oops', 'text'],
  ['application/openmetrics-text,text/plain', 'openmetrics'],
  ['application/openmetrics-text;q=0.4,text/plain;q=0.5', 'text'],
  ['application/openmetrics-text;q=0.4,text/plain;version=1.0.0;q=0.5', 'openmetrics'],
  ['application/openmetrics-text;q=0.4,*/*', 'text'],
  // The best quality of a name that is given twice.
  [
    'application/openmetrics-text;version=1.0.0;q=0.9,application/openmetrics-text;q=0.1,text/plain;q=0.5',
    'openmetrics',
  ],
  ['application/openmetrics-text;q=0.4,text/*;q=0.3,*/*', 'openmetrics'],
  // Prometheus 3, later and earlier ones of 2.
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
  [
    'application/openmetrics-text; version=1.0.0, application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  ['application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text'],
] as const)('Accept: %s gets %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format)
})

test.each([
  [null, false],
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['zstd, gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['*', true],
  ['*;q=0', false],
  ['br, deflate', false],
  ['identity', false],
])('Accept-Encoding: %s, gzip: %p', (acceptEncoding, isAccepted) => {
  expect(acceptsGzip(acceptEncoding)).toBe(isAccepted)
})
