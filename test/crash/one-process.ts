import { setTimeout as sleep } from 'node:timers/promises';
import type { Life } from './life.js';
import type { Scenario, ScenarioResult } from './scenario.js';

/** A migration takes about this long. */
const OPENING_MS = 40;
/** Longest time that a process serves before it is killed. */
const SERVING_MS_MAX = 1_000;
/** Of the kills, those that meet a start: opening the file, taking up what was left, the first requests. */
const AT_START = 0.2;

/** One process on a file: started, killed at a random moment, and started again on the same file. */
export async function oneProcess(scenario: Scenario): Promise<ScenarioResult> {
  const { random, sender } = scenario;
  const { kills } = scenario.options;
  await killMigrations(scenario, Math.ceil(kills / 20));
  const stopAt = Math.ceil(kills / 2);
  let hasStopped = false;
  let startMs = 50;
  sender.start();
  while (scenario.kills < kills) {
    const life = scenario.start();
    if (random.chance(AT_START)) {
      await life.opening;
      await sleep(random.between(0, 2 * startMs));
    } else {
      await life.untilReady();
      startMs = performance.now() - life.beganAtMs;
      await sleep(random.between(0, SERVING_MS_MAX));
      if (!hasStopped && scenario.kills >= stopAt) {
        hasStopped = true;
        // With webhooks coming in and handlers running: unlike a kill, this may repeat nothing.
        await life.stop();
        continue;
      }
    }
    await scenario.kill(life);
  }
  const last = scenario.start();
  await last.untilReady();
  return await scenario.end([last]);
}

/** Kills processes that are making the schema, then lets one start on what they left; on a new file each time. */
async function killMigrations(scenario: Scenario, count: number): Promise<void> {
  const { random } = scenario;
  while (scenario.kills < count) {
    const life = scenario.start();
    await life.opening;
    await sleep(random.between(0, OPENING_MS));
    await scenario.kill(life);
    await expectToStart(scenario.start());
    scenario.forgetInbox();
  }
}

async function expectToStart(life: Life): Promise<void> {
  await life.untilReady();
  await life.stop();
}
