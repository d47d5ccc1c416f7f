/** Keys of each component, the mission's among them. */
export const COMPONENTS = {
  'metric cards': ['metrics', 'data_source', 'source', 'update_frequency', 'title'],
  'live charts': ['chart_types', 'charts', 'library', 'data_source', 'source', 'update_frequency', 'title'],
  'activity feed': ['display', 'source', 'data_source', 'update_frequency', 'title'],
  'data table': ['columns', 'path', 'source', 'data_source', 'update_frequency', 'title'],
} as const

export type ComponentName = keyof typeof COMPONENTS

export const ALIASES: Readonly<Record<string, ComponentName>> = {
  'metric card': 'metric cards',
  metrics: 'metric cards',
  cards: 'metric cards',
  'live chart': 'live charts',
  charts: 'live charts',
  feed: 'activity feed',
  'live feed': 'activity feed',
  table: 'data table',
  'stream table': 'data table',
}

export const METRIC_KEYS = [
  'metric',
  'path',
  'title',
  'unit',
  'scale',
  'digits',
  'better',
  'warn',
  'fail',
  'source',
  'width',
]
export const CHART_KEYS = [
  'chart',
  'metric',
  'path',
  'series',
  'each',
  'label',
  'count_by',
  'title',
  'unit',
  'scale',
  'span',
  'min',
  'max',
  'warn',
  'fail',
  'note',
  'source',
  'width',
]
export const SOURCE_KEYS = ['stream', 'channel', 'endpoint', 'inputs', 'history']
export const LOGIC_KEYS = ['initialization', 'data_handling', 'error_recovery', 'performance']
export const LIBRARIES = ['chart.js', 'chartjs', 'uplot']
