/**
 * A dashboard as a server describes it to a page: plain JSON, with every name resolved. `<stream-dashboard>` renders it; the server makes it of the files in
 * `dashboards/`.
 */
export interface Dashboard {
  readonly title: string
  readonly description: string | null
  readonly widgets: readonly DashboardWidget[]
}

/** The source of a widget. Exactly one of `stream`, `channel` and `endpoint` is set. */
export interface WidgetSource {
  /** `system/metrics`, or the path of a stream. */
  readonly stream?: string
  readonly channel?: string
  /** `GET /api/dashboard`. */
  readonly endpoint?: string
  /** Inputs of the endpoint. */
  readonly inputs?: Readonly<Record<string, unknown>>
  /** A stream that is read once, up to now, before the source. */
  readonly history?: string
}

interface WidgetBase {
  readonly title: string
  readonly source: WidgetSource
  /** Columns that the widget takes, of four. */
  readonly width: 1 | 2 | 3 | 4
}

/** Path of a number in a chunk, and its format. */
interface NumberFormat {
  readonly path: string
  readonly unit?: string
  /** The number is multiplied by this. */
  readonly scale?: number
  readonly digits?: number
  /** From this value on it is a warning; where `fail` is below `warn`, from this value down. */
  readonly warn?: number
  readonly fail?: number
}

export interface MetricWidget extends WidgetBase, NumberFormat {
  readonly type: 'metric'
  /** Which change is good. */
  readonly better?: 'higher' | 'lower'
}

export interface LineWidget extends WidgetBase {
  readonly type: 'line'
  readonly series: readonly { readonly path: string; readonly label: string }[]
  readonly unit?: string
  readonly scale?: number
  readonly note?: string
  /** Seconds that are shown. */
  readonly span?: number
}

export interface BarWidget extends WidgetBase {
  readonly type: 'bar'
  /** Path of a list of entries, or of an object whose names are those of the bars. */
  readonly each?: string
  /** Path of the name in an entry. */
  readonly label?: string
  /** Path of the number in an entry. */
  readonly path?: string
  /** Each chunk counts as one under the name at this path. */
  readonly countBy?: string
  readonly unit?: string
  readonly scale?: number
  readonly note?: string
}

export interface GaugeWidget extends WidgetBase, NumberFormat {
  readonly type: 'gauge'
  readonly min?: number
  readonly max?: number
  readonly note?: string
}

export interface FeedWidget extends WidgetBase {
  readonly type: 'feed'
}

export interface TableWidget extends WidgetBase {
  readonly type: 'table'
  /** Path of the row, or of a list of rows, in a chunk. */
  readonly path?: string
  readonly columns?: readonly { readonly path: string; readonly label?: string }[]
}

export type DashboardWidget = MetricWidget | LineWidget | BarWidget | GaugeWidget | FeedWidget | TableWidget
