/** Strings of JSON, or the numbers that only Python and JavaScript know. */
const stringOrOddNumber = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;

/**
 * Parses JSON in which numbers can be `NaN`, `Infinity` or `-Infinity`, as Python writes them. They become `null`. Returns
 * `undefined` for other texts.
 */
export function parseLeniently(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseOddNumbers(text);
  }
}

function parseOddNumbers(text: string): unknown {
  if (!text.includes('NaN') && !text.includes('Infinity')) return undefined;
  try {
    return JSON.parse(text.replace(stringOrOddNumber, (found) => (found.startsWith('"') ? found : 'null')));
  } catch {
    return undefined;
  }
}
