import type { Value } from '@streamstack/protocol'

/** Bounds of data that comes from outside. */
export interface PlainBounds {
  /** Objects and lists inside each other; a flat object counts 1. */
  depthMax: number
  /** Keys of all objects together. */
  keysMax: number
  /** Keys of one object. Default: `keysMax`. */
  objectKeysMax?: number
  /** Names that no object may have; default: data may hold any. */
  forbiddenKeys?: ReadonlySet<string>
}

/** What JSON text or parsed JSON turned out to be: a frozen value, or what is wrong with it. */
export type PlainResult = { readonly value: Value } | { readonly fault: string }

/** Names through which JavaScript objects reach their classes. Data may hold them; inputs and claims are not named so. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Whether a value is an object of names and values. */
export function isRecord(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Freezes freshly parsed JSON in place, all the way down, and checks that it is within bounds.
 *
 * @param parsed what `JSON.parse` returned; no other code may hold it.
 */
export function freezePlain(parsed: Value, bounds: PlainBounds): PlainResult {
  const fault = new PlainCheck(bounds).faultIn(parsed, 1)
  return fault === null ? { value: parsed } : { fault }
}

/** Freezes and checks the parts of one document. */
export class PlainCheck {
  readonly #bounds: PlainBounds
  #keys = 0

  constructor(bounds: PlainBounds) {
    this.#bounds = bounds
  }

  /** Freezes a value and tells what is wrong with it; null: nothing. `depth`: lists and objects that it stands in, itself included. */
  faultIn(node: Value, depth: number): string | null {
    if (typeof node === 'number') return Number.isFinite(node) ? null : 'holds a number that is too large'
    if (typeof node !== 'object' || node === null) return null
    if (depth > this.#bounds.depthMax) return `is nested deeper than ${this.#bounds.depthMax} levels`
    const fault = this.faultInMembers(node, depth)
    if (fault === null) Object.freeze(node)
    return fault
  }

  /** The same of what a list or object holds, which stays as it is itself. */
  faultInMembers(node: readonly Value[] | { readonly [key: string]: Value }, depth: number): string | null {
    return isItems(node) ? this.#faultInItems(node, depth) : this.#faultInEntries(node, depth)
  }

  /** What is wrong with the number of keys of one object; null: nothing. */
  faultInSize(count: number): string | null {
    const { objectKeysMax } = this.#bounds
    if (objectKeysMax === undefined || count <= objectKeysMax) return null
    return `holds more than ${objectKeysMax.toLocaleString('en')} names in one object; send a list`
  }

  #faultInItems(items: readonly Value[], depth: number): string | null {
    // The iterator takes twice as long.
    for (let at = 0; at < items.length; at++) {
      const fault = this.faultIn(items[at] as Value, depth + 1)
      if (fault !== null) return fault
    }
    return null
  }

  #faultInEntries(node: { readonly [key: string]: Value }, depth: number): string | null {
    const { forbiddenKeys, keysMax } = this.#bounds
    // Object.entries takes three times as long for objects of many names.
    const names = Object.keys(node)
    const fault = this.faultInSize(names.length)
    if (fault !== null) return fault
    for (const key of names) {
      if (forbiddenKeys?.has(key) === true) return `holds the name "${key}", which is not allowed`
      this.#keys += 1
      if (this.#keys > keysMax) return `holds more than ${keysMax.toLocaleString('en')} names`
      const fault = this.faultIn(node[key] as Value, depth + 1)
      if (fault !== null) return fault
    }
    return null
  }
}

function isItems(node: readonly Value[] | { readonly [key: string]: Value }): node is readonly Value[] {
  return Array.isArray(node)
}
