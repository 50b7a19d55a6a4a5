/** A kind with a field of every type, with and without bounds and defaults, and fields that were added later. */
import { defineKind } from '../model/kind.ts'

export const birds = defineKind({
  name: 'birds',
  fields: {
    name: { type: 'text', description: 'the name' },
    species: { type: 'enum', values: ['owl', 'robin', 'tit'], description: 'the species' },
    wingspan_cm: { type: 'number', minimum: 1.5, maximum: 400, description: 'from tip to tip' },
    eggs: { type: 'integer', minimum: 0, maximum: 20, default: 0, description: 'the eggs in the nest' },
    feathers: { type: 'integer', description: 'the feathers, counted' },
    drift: { type: 'number', default: -0.5, description: 'degrees from its course' },
    sings: { type: 'boolean', default: true, description: 'whether it sings' },
    hatched: { type: 'date', description: 'the day on which it hatched' },
    // A word of SQL.
    order: { type: 'text', minLength: 0, maxLength: 20, default: '', description: 'the order' },
    note: { type: 'text', maxLength: 1000, default: "it's new", added: '0006_note', description: 'a remark' },
    ringed: { type: 'date', default: '2000-02-29', added: '0007_ringed', description: 'the day of its ring' },
    state: {
      type: 'enum',
      values: ['free', 'caged'],
      default: 'free',
      added: '0008_state',
      description: 'where it lives',
    },
  },
  defaults: { port: 8003, adminPort: 9003, databasePath: 'data/birds.sqlite' },
})
