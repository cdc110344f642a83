/** The page's own elements, and new ones out of text; nothing is ever read as markup. */

/** The element of the page with this id; its frame is part of the same file. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new RangeError(`the page has no element ${id}`);
  return found as Kind;
}

export function make(
  tag: string,
  properties: Readonly<Record<string, string>>,
  ...children: (Node | string)[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
