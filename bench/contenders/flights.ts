import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** A flight as vega-datasets has it. */
export interface Flight {
  delay: number
  distance: number
  time: number
}

/** The first so many of the real flights that vega-datasets ships. */
export async function readFlights(rows: number): Promise<Flight[]> {
  const file = new URL('../data/flights-200k.json', import.meta.resolve('vega-datasets'))
  const flights = JSON.parse(await readFile(fileURLToPath(file), 'utf8')) as Flight[]
  if (flights.length < rows) throw new Error(`${fileURLToPath(file)} holds only ${flights.length} flights`)
  return flights.slice(0, rows)
}
