/**
 * Returns whether the whole text matches the pattern. Only `*` is special: it matches any number of characters, including
 * none and a literal `*`. Upper and lower case differ.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const [prefix = '', ...rest] = pattern.split('*');
  const suffix = rest.pop();
  if (suffix === undefined) return text === pattern;
  if (!text.startsWith(prefix)) return false;
  // The earliest match of each part leaves the most text for the next ones, so no part is searched twice.
  let at = prefix.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= suffix.length && text.endsWith(suffix);
}
