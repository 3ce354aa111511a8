/** Elements from text, and from text only: a card shows what others wrote and never runs it. */

export type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (name) {
    node.className = `jp-labnb-card-${name}`;
  }
  node.append(...children);
  return node;
}
