/** A schema that a newer version of this package has made. */
export class NewerSchemaError extends Error {
  constructor(readonly unknownMigrations: readonly string[]) {
    super(`it was written by a newer version of nestjs-runhooks (unknown migrations: ${unknownMigrations.join(', ')})`);
  }
}

/** Throws {@link NewerSchemaError} if a migration was done that this version does not have. */
export function refuseUnknown(migrations: object, done: readonly string[]): void {
  const unknown = done.filter((name) => !(name in migrations));
  if (unknown.length > 0) throw new NewerSchemaError(unknown);
}
