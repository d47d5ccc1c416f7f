/** One thing that must show. */
export interface Goal {
  what: string
  goal: string
  measured: string
  met: boolean
  /** Where we want to come, not what must hold. */
  isAim?: boolean
}

/** A table of the report; the first column names the row. */
export interface Table {
  caption: string
  columns: readonly string[]
  rows: readonly (readonly string[])[]
}

/** A number of our own server that another commit's can be compared with. */
export interface Measure {
  what: string
  value: number
  better: 'more' | 'less'
}

/** What a scenario found. */
export interface Report {
  title: string
  /** How it was measured, in a few sentences. */
  method: string
  tables: readonly Table[]
  goals: readonly Goal[]
  /** Default: nothing of it is compared between commits. */
  measures?: readonly Measure[]
}

export interface ScenarioOptions {
  /** Less of everything: to see that it works, not to measure. */
  quick: boolean
  /** Only our own server is measured, as far as the scenario knows others. */
  alone?: boolean
}

export type Scenario = (options: ScenarioOptions) => Promise<Report>

/** A number with thousands separated. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}
