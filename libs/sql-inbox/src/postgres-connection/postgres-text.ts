/** What Postgres refuses in a text: NUL and lone surrogates; and the sign that stands before what was replaced. */
const REFUSED = /[\0\u241b\p{Surrogate}]/gu;
const SIGN = '\u241b';
const REPLACED = /\u241b([0-9a-f]{4})/g;

/** A text that Postgres keeps: each character it refuses becomes `␛` and its code. All other texts stay as they are. */
export function toPostgresText(text: string): string {
  return text.replace(REFUSED, (character) => SIGN + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

export function fromPostgresText(text: string): string {
  if (!text.includes(SIGN)) return text;
  return text.replace(REPLACED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Values as a JSON text of which Postgres keeps all texts as {@link toPostgresText} has them. */
export function toPostgresJson(values: unknown): string {
  const text = JSON.stringify(values, (_, value: unknown) =>
    typeof value === 'string' ? toPostgresText(value) : value,
  );
  // As an escape of JSON: the text itself has nothing in it that would be replaced once more.
  return text.replaceAll(SIGN, String.raw`\u241b`);
}
