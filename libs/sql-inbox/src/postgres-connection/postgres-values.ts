import { fromPostgresText, toPostgresText } from './postgres-text.js';

/** Returns a parameter for `pg`. NaN and infinite numbers become null, as in SQLite. */
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

/** Parsers of column values. The app may have changed the parsers of `pg`, which are shared by the process. */
export const VALUE_TYPES = Object.freeze({
  getTypeParser: (type: number): ((value: string) => unknown) => PARSERS[type] ?? String,
});

const PARSERS: Readonly<Record<number, (value: string) => unknown>> = {
  [INT8]: Number,
  [INT4]: Number,
  [TEXT]: fromPostgresText,
  [BYTEA]: toBytes,
};

/** Parses bytes with either setting of `bytea_output`: https://www.postgresql.org/docs/14/datatype-binary.html */
function toBytes(value: string): Buffer {
  if (value.startsWith('\\x')) return Buffer.from(value.slice(2), 'hex');
  const bytes = value.replace(/\\(\\|[0-3][0-7]{2})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}
