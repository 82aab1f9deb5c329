import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRun } from './process-run.js';
import type { Scenario, ScenarioResult } from './scenario.js';

/** Approximate duration of a migration. */
const OPENING_MS = 40;
/** Maximum time for which a process serves before it is killed. */
const SERVING_MS_MAX = 1_000;
/** Share of the kills that hit a start: opening the file, taking over work, the first requests. */
const AT_START = 0.2;

/** Starts one process on a file, kills it at a random moment, and starts it again on the same file. */
export async function oneProcess(scenario: Scenario): Promise<ScenarioResult> {
  const { random, sender } = scenario;
  const { kills } = scenario.options;
  await killMigrations(scenario, Math.ceil(kills / 20));
  const stopAt = Math.ceil(kills / 2);
  let hasStopped = false;
  let startMs = 50;
  sender.start();
  while (scenario.kills < kills) {
    const processRun = scenario.start();
    if (random.chance(AT_START)) {
      await processRun.opening;
      await sleep(random.between(0, 2 * startMs));
    } else {
      await processRun.untilReady();
      startMs = performance.now() - processRun.beganAtMs;
      await sleep(random.between(0, SERVING_MS_MAX));
      if (!hasStopped && scenario.kills >= stopAt) {
        hasStopped = true;
        // Webhooks arrive and handlers run during this stop. Unlike a kill, it may repeat nothing.
        await processRun.stop();
        continue;
      }
    }
    await scenario.kill(processRun);
  }
  const last = scenario.start();
  await last.untilReady();
  return await scenario.end([last]);
}

/** Kills processes while they create the schema, and starts one on what they left, on a new file each time. */
async function killMigrations(scenario: Scenario, count: number): Promise<void> {
  const { random } = scenario;
  while (scenario.kills < count) {
    const processRun = scenario.start();
    await processRun.opening;
    await sleep(random.between(0, OPENING_MS));
    await scenario.kill(processRun);
    await expectToStart(scenario.start());
    scenario.forgetInbox();
  }
}

async function expectToStart(processRun: ProcessRun): Promise<void> {
  await processRun.untilReady();
  await processRun.stop();
}
