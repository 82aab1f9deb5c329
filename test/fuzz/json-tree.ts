/**
 * JSON in its written form, so that it can be written wrongly, with repeated keys or numbers no parser can represent.
 * Scalars and keys are strings as in the document, quotes included.
 */
export type JsonTree = string | JsonObject | JsonArray;

export interface JsonObject {
  readonly members: [key: string, value: JsonTree][];
}

export interface JsonArray {
  readonly items: JsonTree[];
}

export function treeOf(value: unknown): JsonTree {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return { members: Object.entries(value).map(([key, member]) => [JSON.stringify(key), treeOf(member)]) };
}

export function textOf(tree: JsonTree): string {
  if (typeof tree === 'string') return tree;
  if ('items' in tree) return `[${tree.items.map(textOf).join(',')}]`;
  return `{${tree.members.map(([key, value]) => `${key}:${textOf(value)}`).join(',')}}`;
}

/** Returns every object and array of a tree, including the tree itself. */
export function containersOf(tree: JsonTree): (JsonObject | JsonArray)[] {
  if (typeof tree === 'string') return [];
  const children = 'items' in tree ? tree.items : tree.members.map(([, value]) => value);
  return [tree, ...children.flatMap(containersOf)];
}
