import { fromPostgresText, toPostgresText } from './postgres-text.js';

/** A value of a statement as `pg` is given it. A number that is none becomes null, as SQLite has it. */
export function toParameter(value: unknown): unknown {
  if (typeof value === 'string') return toPostgresText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return Array.isArray(value) ? value.map(toParameter) : value;
}

/** https://github.com/postgres/postgres/blob/REL_14_STABLE/src/include/catalog/pg_type.dat */
const INT8 = 20;
const INT4 = 23;
const TEXT = 25;
const BYTEA = 17;

/** How values of a row are read: our own, because the app may have changed those that `pg` has for all of a process. */
export const VALUE_TYPES = Object.freeze({
  getTypeParser: (type: number): ((value: string) => unknown) => PARSERS[type] ?? String,
});

const PARSERS: Readonly<Record<number, (value: string) => unknown>> = {
  [INT8]: Number,
  [INT4]: Number,
  [TEXT]: fromPostgresText,
  [BYTEA]: toBytes,
};

/** Either setting of `bytea_output`: https://www.postgresql.org/docs/14/datatype-binary.html */
function toBytes(value: string): Buffer {
  if (value.startsWith('\\x')) return Buffer.from(value.slice(2), 'hex');
  const bytes = value.replace(/\\(\\|[0-3][0-7]{2})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}
