/** Labels that a page adds itself. Other declarations are in api/compatibility.errors.test.ts and api/compatibility.differences.test.ts. */
import { expect, test } from 'bun:test'
import { validateDeclaration, validateDefaultLabelNames, validateLabelNames } from './validation.ts'

test.each(['le', 'quantile'])(
  '%s is no default label, because a histogram or a summary has its own',
  (name) => {
    expect(() => validateDefaultLabelNames(['a', name])).toThrow(`${name} is a reserved label keyword`)
    validateLabelNames([name])
  },
)

test('a metric does not declare the label that its page adds', () => {
  const declaration = { name: 'a', help: 'Help', labelNames: ['worker'] }
  validateDeclaration(declaration)
  expect(() => validateDeclaration(declaration, 'worker')).toThrow('worker is a reserved label keyword')
})
