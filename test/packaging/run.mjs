// Packs the package and runs the suites of packaging tests on the tarball, two at a time. Needs a fresh `npm run
// build`. `node test/packaging/run.mjs [--only <part of a suite's name>] [--other-node] [file for the counts as JSON]`
// ends with `N passed, N failed`. With `--other-node` it skips the suites for which the version of Node makes no
// difference, because they already ran on another Node.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appSuites } from './apps.mjs';
import { bundleSuites } from './bundles.mjs';
import { integrationSuites } from './integrations.mjs';
import { managerSuites } from './managers.mjs';
import { nestNewSuites } from './nest-new.mjs';
import { command, repo } from './packed-app.mjs';
import { runtimeSuites } from './runtimes.mjs';
import { testToolSuites } from './test-tools.mjs';
import { typeCostSuites } from './type-cost.mjs';

/**
 * Each function receives a working folder and the tarball, and returns suites: `{ name, checks, stop, anyNode }`. The
 * `checks` are functions by title, in order; each depends on the earlier ones, and a returned string is printed. An
 * optional `stop` ends what they started. `anyNode` is true if the version of Node makes no difference.
 */
const SOURCES = [
  appSuites,
  bundleSuites,
  typeCostSuites,
  integrationSuites,
  managerSuites,
  runtimeSuites,
  testToolSuites,
  nestNewSuites,
];

/**
 * Runs the checks of one suite. After the first failure the remaining checks count as failed because they are not
 * reached.
 */
async function runSuite({ name, checks, stop }) {
  const report = [];
  const started = Date.now();
  let failure;
  for (const [title, check] of Object.entries(checks)) {
    if (failure) {
      report.push({ ok: false, text: `${title} (not reached)` });
      continue;
    }
    try {
      const note = await check();
      report.push({ ok: true, text: typeof note === 'string' ? `${title}: ${note}` : title });
    } catch (error) {
      failure = error;
      report.push({ ok: false, text: `${title}\n${error.message}` });
    }
  }
  await stop?.();
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(
    [`${name} (${seconds} s)`, ...report.map(({ ok, text }) => `  ${ok ? 'ok  ' : 'FAIL'} ${text}`)].join('\n'),
  );
  return report;
}

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', default: '' }, 'other-node': { type: 'boolean' } },
  allowPositionals: true,
});
const folder = await mkdtemp(join(tmpdir(), 'runhooks-packaging-'));
try {
  const [{ filename }] = JSON.parse(await command(repo, 'npm', 'pack', '--json', '--pack-destination', folder));
  const queue = SOURCES.flatMap((suites) => suites({ folder, tarball: join(folder, filename) })).filter(
    ({ name, anyNode }) => name.includes(values.only) && !(anyNode && values['other-node']),
  );
  const results = [];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(...(await runSuite(next)));
  };
  await Promise.all([work(), work()]);
  const passed = results.filter(({ ok }) => ok).length;
  const failed = results.length - passed;
  if (positionals[0]) await writeFile(positionals[0], JSON.stringify({ passed, failed }));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
