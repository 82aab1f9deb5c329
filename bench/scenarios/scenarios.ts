import type { Bench } from '../bench.js';
import type { Findings } from '../findings.js';
import { boot } from './boot.js';
import { burst } from './burst.js';
import { drain } from './drain.js';
import { handOff } from './hand-off.js';
import { otherRoutes } from './other-routes.js';
import { slowDisk } from './slow-disk.js';
import { sustained } from './sustained.js';

/** Scenarios by the names of `--only`, in the order they run. */
export const SCENARIOS = {
  burst,
  sustained,
  'slow-disk': slowDisk,
  'hand-off': handOff,
  drain,
  boot,
  'other-routes': otherRoutes,
} satisfies Record<string, (bench: Bench) => Promise<Findings>>;

export type ScenarioName = keyof typeof SCENARIOS;
