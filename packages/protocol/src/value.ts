/** What variables, contents and inputs hold: JSON, nothing else. Values are never changed in place. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value }
