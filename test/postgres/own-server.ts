import { describe, it } from '@jest/globals';
import { absenceOfPostgres } from './own-postgres.js';

export { freePort, OwnPostgres } from './own-postgres.js';

/** Adds the tests of `define` if a server can be started; otherwise they are reported as skipped by name. */
export function onOwnPostgres(title: string, define: () => void): void {
  describe(`${title}`, () => {
    const absence = absenceOfPostgres();
    if (absence === undefined) define();
    else it.skip(`is not tested: ${absence}`, () => undefined);
  });
}
