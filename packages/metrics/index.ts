/**
 * Metrics with prom-client's API that stay right across worker processes. README.md shows how to use them and describes the
 * folders; exports.ts lists the names.
 */
export * from './exports.ts'
export * as default from './exports.ts'
