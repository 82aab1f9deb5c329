/**
 * Whether the whole text fits the pattern. Only `*` is special: any run of characters, also an empty one. Case matters.
 * There is no escape: a pattern that holds `*` fits a literal `*` like any other character.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [prefix = '', ...rest] = pattern.split('*');
  const suffix = rest.pop();
  if (suffix === undefined) return text === pattern;
  if (!text.startsWith(prefix)) return false;
  // Taking each part as early as it comes leaves the most room for the next ones, so nothing is ever tried twice.
  let at = prefix.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= suffix.length && text.endsWith(suffix);
}
