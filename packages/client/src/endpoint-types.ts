/** What is known of one endpoint when the program is compiled. */
export interface EndpointTypes {
  /** What it is called with: path, query and body parameters together. */
  inputs: object
  /** What its chunks hold. Default: unknown. */
  content?: unknown
  /** What goes along with them. Default: an object of unknown values. */
  metadata?: object
}

/** Endpoints of which nothing is known: any may be called, with any inputs. */
export type UntypedEndpoints = Record<string, { inputs: Record<string, unknown> }>

/** The arguments after the endpoint: inputs may be left out where none is required. */
export type CallArguments<Types, Options> = Types extends { inputs: infer Inputs }
  ? Partial<Inputs> extends Inputs
    ? [inputs?: Inputs, options?: Options]
    : [inputs: Inputs, options?: Options]
  : never

export type ContentOf<Types> = Types extends { content: infer Content } ? Content : unknown

export type MetadataOf<Types> = Types extends { metadata: infer Metadata } ? Metadata : Record<string, unknown>
