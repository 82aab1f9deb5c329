/** Thrown inside this lib if a file is not what dbt writes, or is too large. */
export class UnreadableFile extends Error {
  constructor(readonly reason: 'unreadable' | 'too-large') {
    super(reason);
  }
}
