import type { ElementDescription } from './elements-manifest.ts'
import { code, page, table } from './markdown.ts'

/** Every property, event and part of the custom elements. */
export function elementsPage(elements: readonly ElementDescription[]): string {
  return page([
    '# Elements',
    'Every element with its attributes, properties, methods, events, slots and parts. What they are for, and how to theme them, is told in [the guide](../elements.md). For editors the same stands in `packages/elements/custom-elements.json`.',
    ...elements.flatMap(({ tagName, description, members, events, slots, cssParts }) => [
      `## ${tagName}`,
      description,
      table(
        ['attribute', 'property', 'type', ''],
        members
          .filter(({ kind }) => kind === 'field')
          .map((member) => [
            member.attribute === null ? '' : code(member.attribute),
            code(member.name),
            code(member.type),
            member.description,
          ]),
      ),
      table(
        ['method', ''],
        members
          .filter(({ kind }) => kind === 'method')
          .map((member) => [code(`${member.name}${member.type}`), member.description]),
      ),
      ...(events.length === 0
        ? []
        : [
            table(
              ['event', ''],
              events.map((event) => [code(event.name), event.description]),
            ),
          ]),
      ...(slots.length === 0
        ? []
        : [
            table(
              ['slot', ''],
              slots.map((slot) => [code(slot.name), slot.description]),
            ),
          ]),
      ...(cssParts.length === 0
        ? []
        : [
            table(
              ['part', ''],
              cssParts.map((part) => [code(part.name), part.description]),
            ),
          ]),
    ]),
  ])
}
