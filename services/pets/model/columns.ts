/**
 * Compares the table of a kind, after its migrations, with the declaration. A change of a field that no migration makes ends the start
 * with what to do, in place of requests that fail later. Columns that may be absent from a new row are ignored.
 */
import { typeOf } from './field_types.ts'
import { columnsOf, inputFields, type Kind } from './kind.ts'

export interface Column {
  name: string
  type: string
  /** A new row must have a value of it. */
  isRequired: boolean
}

/**
 * @param discard how all rows are given up, so that the next start makes the table anew
 * @throws Error that tells each difference that the service cannot work with
 */
export function requireColumns(
  kind: Kind,
  system: 'sqlite' | 'postgres',
  columns: readonly Column[],
  discard: string,
): void {
  const table = kind.name
  const fields = new Map(inputFields(kind))
  const missing = columnsOf(kind).filter((name) => !columns.some((column) => column.name === name))
  const undeclared = columns.filter(({ name }) => name !== 'id' && !fields.has(name))
  const problems = [
    ...missing.map(
      (name) =>
        `the table ${table} exists without ${name}: declare a later field with a default and a migration, as added: '0006_${name}'` +
        undeclared
          .map(
            (old) =>
              `, or rename the column: ALTER TABLE "${table}" RENAME COLUMN "${old.name}" TO "${name}"`,
          )
          .join(''),
    ),
    ...undeclared
      .filter(({ isRequired }) => isRequired)
      .map(
        ({ name }) =>
          `the table ${table} needs a value of ${name} in each row, and no field has that name: declare it again, or drop the column with its values: ALTER TABLE "${table}" DROP COLUMN "${name}"`,
      ),
    ...columns.flatMap(({ name, type }) => {
      const field = fields.get(name)
      const needed = field && typeOf(field)[system]
      return needed === undefined || needed === type
        ? []
        : `the column ${name} of the table ${table} has the type ${type}, and the field needs ${needed}: keep its type, and add a field under another name`
    }),
  ]
  if (problems.length === 0) return
  throw new Error(`${problems.join('; ')}. If no row is worth keeping: ${discard}`)
}
