import { OwnError } from 'nestjs-runhooks/core';

/** The target does not hold what the source holds. What was moved stays there, and no app opens it. */
export class MoveError extends OwnError {
  protected static override readonly className = 'MoveError';
  readonly code = 'RUNHOOKS_MOVE';
}
