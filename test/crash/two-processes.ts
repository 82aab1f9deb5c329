import { setTimeout as sleep } from 'node:timers/promises';
import type { Life } from './life.js';
import type { Scenario, ScenarioResult } from './scenario.js';

/** Longest time between two kills. */
const BETWEEN_MS_MAX = 1_000;
/** Of the kills, those that end both processes at once. */
const BOTH = 0.2;

/** Two processes that share a file, both serving and dispatching: one of them is killed while the other goes on. */
export async function twoProcesses(scenario: Scenario): Promise<ScenarioResult> {
  const { random } = scenario;
  const { kills } = scenario.options;
  // Both at once on a file that is not there yet.
  const lives = [scenario.start(), scenario.start()];
  await Promise.all(lives.map((life) => life.untilReady()));
  scenario.sender.start();
  const restart = async (index: number): Promise<void> => {
    await scenario.kill(lives[index] as Life);
    lives[index] = scenario.start();
  };
  const stopAt = Math.ceil(kills / 2);
  let hasStopped = false;
  while (scenario.kills < kills) {
    await sleep(random.between(0, BETWEEN_MS_MAX));
    if (!hasStopped && scenario.kills >= stopAt) {
      hasStopped = true;
      await Promise.all(lives.map((life) => life.untilReady()));
      await (lives[0] as Life).stop();
      lives[0] = scenario.start();
    }
    const index = random.chance(0.5) ? 1 : 0;
    if (scenario.kills + 2 <= kills && random.chance(BOTH)) await Promise.all([restart(0), restart(1)]);
    else await restart(index);
    // Now and then a process is killed again while it starts; mostly it has taken up work before.
    if (random.chance(0.8)) await (lives[index] as Life).untilReady();
  }
  await Promise.all(lives.map((life) => life.untilReady()));
  return await scenario.end(lives);
}
