// Measures what the types of the package cost an app's tsc compared with those of @nestjs/event-emitter. The number of
// type instantiations is the same on every machine for the TypeScript and the Nest of the lock file, so no time is
// measured.
import { join } from 'node:path';
import { command, repo } from './packed-app.mjs';

/** Each limit is a tenth above the count at the time it was set. */
const BOUNDS = { handlers: 1070, declarations: 1680 };

function requireBelow(counts, part) {
  if (counts[part] <= BOUNDS[part]) return;
  throw new Error(
    `found ${counts[part]} type instantiations beyond the ${counts.baseline} of the app with @OnEvent, expected at ` +
      `most ${BOUNDS[part]}. tsc --generateTrace shows what became more expensive`,
  );
}

function suite() {
  let counts;
  return {
    name: 'cost of types: 200 handlers beside 200 with @OnEvent',
    anyNode: true,
    checks: {
      'both apps compile': async () => {
        // The count runs in a separate process because other suites run at the same time.
        counts = JSON.parse(await command(repo, process.execPath, join(repo, 'test/packaging/count-types.mjs')));
      },
      'the handlers add few type instantiations': () => requireBelow(counts, 'handlers'),
      'the declaration files add few type instantiations without skipLibCheck': () =>
        requireBelow(counts, 'declarations'),
    },
  };
}

export const typeCostSuites = () => [suite()];
