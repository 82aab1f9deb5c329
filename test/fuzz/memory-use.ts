import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 2 ** 20;

/** Memory in MiB. */
export interface MemoryUse {
  /** Reachable objects and buffers. */
  readonly live: number;
  /** Memory of the process without the V8 heap, which V8 enlarges freely and returns late. */
  readonly native: number;
  /** All memory of the process. */
  readonly resident: number;
}

/** Measures after all unreachable memory was freed. */
export function memoryUse(): MemoryUse {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  return { live: (heapUsed + external) / MIB, native: (rss - heapTotal) / MIB, resident: rss / MIB };
}
