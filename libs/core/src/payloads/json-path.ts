import { LIMITS } from '../limits.js';

/** Such as `commands[3].id`. Printable and bounded, because it goes into logs and a sender chose the keys. */
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

/** The text with a question mark for each character that a log or a terminal trips over: controls, bidi, lone surrogates. */
export function printable(text: string): string {
  return text.replace(/[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, '?');
}
