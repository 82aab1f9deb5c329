import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRun } from './process-run.js';
import type { Scenario, ScenarioResult } from './scenario.js';

/** Maximum time between two kills. */
const BETWEEN_MS_MAX = 1_000;
/** Share of the kills that end both processes at once. */
const BOTH = 0.2;

/** Runs two processes with all roles on one file, and kills one of them while the other continues. */
export async function twoProcesses(scenario: Scenario): Promise<ScenarioResult> {
  const { random } = scenario;
  const { kills } = scenario.options;
  // Both processes start at the same time on a missing file.
  const processRuns = [scenario.start(), scenario.start()];
  await Promise.all(processRuns.map((processRun) => processRun.untilReady()));
  scenario.sender.start();
  const restart = async (index: number): Promise<void> => {
    await scenario.kill(processRuns[index] as ProcessRun);
    processRuns[index] = scenario.start();
  };
  const stopAt = Math.ceil(kills / 2);
  let hasStopped = false;
  while (scenario.kills < kills) {
    await sleep(random.between(0, BETWEEN_MS_MAX));
    if (!hasStopped && scenario.kills >= stopAt) {
      hasStopped = true;
      await Promise.all(processRuns.map((processRun) => processRun.untilReady()));
      await (processRuns[0] as ProcessRun).stop();
      processRuns[0] = scenario.start();
    }
    const index = random.chance(0.5) ? 1 : 0;
    if (scenario.kills + 2 <= kills && random.chance(BOTH)) await Promise.all([restart(0), restart(1)]);
    else await restart(index);
    // A process is sometimes killed during its start, but usually after it has taken over work.
    if (random.chance(0.8)) await (processRuns[index] as ProcessRun).untilReady();
  }
  await Promise.all(processRuns.map((processRun) => processRun.untilReady()));
  return await scenario.end(processRuns);
}
