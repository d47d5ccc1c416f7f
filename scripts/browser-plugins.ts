import type { Plugin } from 'rolldown'

/** Files with templates of styles and of markup. */
const OWN = /\/packages\/(?:elements|console)\/src\//

/**
 * Takes the layout out of templates of styles and of markup. Between elements, space with a line feed goes; elsewhere it becomes one space. What `${ }` holds is left
 * as it is.
 */
export const tighten: Plugin = {
  name: 'tighten',
  transform(code, id) {
    if (!OWN.test(id)) return null
    const tight = code
      .replace(/(?<=css`)[^`]*(?=`)/g, (style) =>
        style
          .replace(/\/\*.*?\*\//gs, '')
          .replace(/\s+/g, ' ')
          .replace(/ ?([{};,>]|!important) ?/g, '$1')
          .replace(/: /g, ':')
          .replace(/;}/g, '}')
          .replace(/(?<=\() | (?=\))/g, '')
          .replace(/(?<=[ ,:(-])0(?=\.\d)/g, '')
          .replace(/#(\w)\1(\w)\2(\w)\3\b/g, '#$1$2$3')
          .trim(),
      )
      .replace(/\n\s+/g, '\n')
      .replace(/(?<=>)\n(?=<|\$\{)|(?<=\})\n(?=<)|\n(?=\/?>)/g, '')
    return { code: tight, map: null }
  },
}

/**
 * One file holds all modules, so that what is loaded later is there already: as a static import it needs no wrapper around each module that it shares with others,
 * which costs a kilobyte.
 */
export const loadedAtOnce: Plugin = {
  name: 'loaded-at-once',
  transform(code, id) {
    if (!OWN.test(id)) return null
    const imports: string[] = []
    const all = code.replace(/(?<!typeof )import\('(\.[^']+)'\)/g, (_import, target: string) => {
      imports.push(`import * as later${imports.length} from '${target}'\n`)
      return `Promise.resolve(later${imports.length - 1})`
    })
    return imports.length === 0 ? null : { code: imports.join('') + all, map: null }
  },
}
