import type { Bench } from '../bench.js';
import type { Findings } from '../findings.js';
import { boot } from './boot.js';
import { burst, postgresBurst } from './burst.js';
import { drain } from './drain.js';
import { handOff } from './hand-off.js';
import { otherRoutes } from './other-routes.js';
import { slowDisk } from './slow-disk.js';
import { postgresSustained, postgresWorkers, sustained } from './sustained.js';

/** Scenarios by the names of `--only`, in the order they run. */
export const SCENARIOS = {
  burst,
  sustained,
  'postgres-burst': postgresBurst,
  'postgres-sustained': postgresSustained,
  'postgres-workers': postgresWorkers,
  'slow-disk': slowDisk,
  'hand-off': handOff,
  drain,
  boot,
  'other-routes': otherRoutes,
} satisfies Record<string, (bench: Bench) => Promise<Findings>>;

export type ScenarioName = keyof typeof SCENARIOS;
