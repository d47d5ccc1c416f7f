import type { ExampleTable } from './function-definition.ts'

/** A small table for the examples of functions that work with records. */
export const cities: Readonly<Record<string, ExampleTable>> = {
  cities: {
    columns: {
      id: { type: 'integer', primary: true },
      name: { type: 'text', unique: true },
      country: { type: 'text' },
      people: { type: 'integer', default: 0 },
    },
    records: [
      { id: 1, name: 'Oslo', country: 'NO', people: 700_000 },
      { id: 2, name: 'Bergen', country: 'NO', people: 290_000 },
      { id: 3, name: 'Turku', country: 'FI', people: 200_000 },
      { id: 4, name: 'Tampere', country: 'FI', people: 250_000 },
      { id: 5, name: 'Espoo', country: 'FI', people: 300_000 },
    ],
  },
}
