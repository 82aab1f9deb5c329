/** Thrown for a schema that a newer version of this package created. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';

  constructor(readonly unknownMigrations: readonly string[]) {
    super(`it was written by a newer version of nestjs-runhooks (unknown migrations: ${unknownMigrations.join(', ')})`);
  }
}

/** Throws {@link NewerSchemaError} if the schema has a migration that this version does not know. */
export function refuseUnknown(migrations: object, done: readonly string[]): void {
  const unknown = done.filter((name) => !(name in migrations));
  if (unknown.length > 0) throw new NewerSchemaError(unknown);
}
