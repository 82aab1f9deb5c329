import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 2 ** 20;

/** In MiB. */
export interface MemoryUse {
  /** What is reachable: objects and buffers. */
  readonly live: number;
  /** What the process has of the machine, without the heap of V8, which V8 makes larger at will and gives back late. */
  readonly native: number;
  /** What the process has of the machine in all. */
  readonly resident: number;
}

/** After everything that is not reachable was freed. */
export function memoryUse(): MemoryUse {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  return { live: (heapUsed + external) / MIB, native: (rss - heapTotal) / MIB, resident: rss / MIB };
}
