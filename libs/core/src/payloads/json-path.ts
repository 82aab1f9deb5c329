import { LIMITS } from '../limits.js';

/** Returns a path such as `commands[3].id`. It is printable and bounded, because the sender chose the keys. */
export function jsonPath(places: readonly (string | number | undefined)[]): string {
  let path = places.length > LIMITS.placesShownMax ? '...' : '';
  for (const place of places.slice(-LIMITS.placesShownMax)) {
    if (typeof place === 'number') path += `[${place}]`;
    else if (place !== undefined) path += keyInPath(place, path === '');
  }
  return path;
}

function keyInPath(key: string, first: boolean): string {
  const shown = key.length > LIMITS.keyCharsShownMax ? `${key.slice(0, LIMITS.keyCharsShownMax)}...` : key;
  if (/^[A-Za-z_$][\w$-]*$/.test(shown)) return first ? shown : `.${shown}`;
  return `[${JSON.stringify(printable(shown))}]`;
}

/** Returns the text with a question mark for each unprintable character: controls, bidirectional marks, lone surrogates. */
export function printable(text: string): string {
  return text.replace(/[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, '?');
}
