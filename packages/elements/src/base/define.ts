/** Defines an element; once, also when two copies of this library are on a page. The first one stays. */
export function define(name: string, element: CustomElementConstructor): void {
  if (customElements.get(name) === undefined) customElements.define(name, element)
}
