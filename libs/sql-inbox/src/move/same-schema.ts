import { ConfigurationError } from 'nestjs-runhooks/core';
import { NewerSchemaError, refuseUnknown } from '../schema/newer-schema.js';
import { MIGRATIONS } from '../sqlite/sqlite-migration.js';

/** Throws {@link ConfigurationError} about `where` unless its migrations, `done`, are those of this version. */
export function requireThisSchema(option: string, where: string, done: readonly string[]): void {
  try {
    refuseUnknown(MIGRATIONS, done);
  } catch (cause) {
    if (!(cause instanceof NewerSchemaError)) throw cause;
    throw new ConfigurationError(option, `${where}: ${cause.message}. Use that version`, { cause });
  }
  const missing = Object.keys(MIGRATIONS).filter((name) => !done.includes(name));
  if (missing.length === 0) return;
  throw new ConfigurationError(
    option,
    `${where}: it was written by an older version of nestjs-runhooks (missing migrations: ${missing.join(', ')}). ` +
      'Start the app on it once with this version, which upgrades it, and stop the app again',
  );
}
