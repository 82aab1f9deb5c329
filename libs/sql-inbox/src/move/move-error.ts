import { OwnError } from 'nestjs-runhooks/core';

/** The target does not have the rows of the source. Moved rows stay there, and no app opens the schema. */
export class MoveError extends OwnError {
  protected static override readonly className = 'MoveError';
  readonly code = 'RUNHOOKS_MOVE';
}
