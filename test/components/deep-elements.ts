/** Every element under a root, through open shadow roots, and the root itself. */
export function deepElements(root: Element): Element[] {
  const inside = [...(root.shadowRoot?.children ?? []), ...root.children];
  return [root, ...inside.flatMap(deepElements)];
}
