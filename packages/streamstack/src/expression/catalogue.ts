import { builtins } from './builtins/index.ts'
import type { Builtin, Receiver } from './builtins/builtin.ts'

/** Functions by name, `Math.max` and its like included. */
export const functions: ReadonlyMap<string, Builtin> = new Map(
  builtins.filter((builtin) => builtin.receiver === null).map((builtin) => [builtin.name, builtin]),
)

/** Methods by name, then by what they are a method of. */
export const methods: ReadonlyMap<string, ReadonlyMap<Receiver, Builtin>> = byName()

/** Names of all methods. */
export const methodNames: ReadonlySet<string> = new Set(methods.keys())

/** What stands before the dot of functions such as `Math.max`. */
export const namespaces: ReadonlySet<string> = new Set([
  'Number',
  'Math',
  ...Array.from(functions.keys(), (name) => name.split('.')).flatMap(([first = '', ...more]) => {
    return more.length > 0 ? [first] : []
  }),
])

/** Methods of JavaScript that are left out, with what to write instead. */
export const methodCures: ReadonlyMap<string, string> = new Map([
  ['push', 'Lists do not change; write [...list, item] or list.concat([item]).'],
  ['unshift', 'Lists do not change; write [item, ...list].'],
  ['pop', 'Lists do not change; write list.slice(0, -1), and last(list) for the item.'],
  ['shift', 'Lists do not change; write list.slice(1), and first(list) for the item.'],
  ['splice', 'Lists do not change; write list.toSpliced(start, count, ...items).'],
  ['fill', 'Lists do not change; write list.map(() => value).'],
  ['copyWithin', 'Lists do not change; write list.map(…).'],
  ['forEach', 'An expression makes a value: write list.map(item => …), or use a For Each step.'],
  ['match', 'Regular expressions are not available; use includes, startsWith, indexOf or split.'],
  ['matchAll', 'Regular expressions are not available; use split or indexOf.'],
  ['search', 'Regular expressions are not available; use indexOf.'],
  ['test', 'Regular expressions are not available; use text.includes(search).'],
  ['substr', 'Write text.slice(start, end).'],
  ['hasOwnProperty', "Write 'name' in object, or Object.hasOwn(object, 'name')."],
  ['toLocaleString', 'Write formatNumber(value, digits) or formatDate(value, pattern).'],
  ['toISOString', 'Write toISOString(date).'],
  ['getTime', 'Write toTimestamp(date).'],
  ['getFullYear', 'Write year(date).'],
  ['getMonth', 'Write month(date), which counts from 1.'],
  ['getDate', 'Write day(date).'],
  ['getDay', 'Write weekday(date), which counts from 1, Monday.'],
  ['getHours', 'Write hour(date).'],
  ['call', 'Only the listed functions and methods can be called.'],
  ['apply', 'Only the listed functions and methods can be called.'],
  ['bind', 'Only the listed functions and methods can be called.'],
  ['valueOf', 'Name the value itself.'],
])

function byName(): Map<string, Map<Receiver, Builtin>> {
  const found = new Map<string, Map<Receiver, Builtin>>()
  for (const builtin of builtins) {
    if (builtin.receiver === null) continue
    const overloads = found.get(builtin.name) ?? new Map<Receiver, Builtin>()
    found.set(builtin.name, overloads.set(builtin.receiver, builtin))
  }
  return found
}
