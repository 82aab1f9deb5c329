import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Cost of reading one file. */
export interface Measurement {
  readonly seconds: number;
  /** Longest time in which the event loop could run no other work. */
  readonly stallMs: number;
  /** Largest memory of the process above that at the start. */
  readonly memoryMb: number;
}

const RESOLUTION_MS = 2;
const MB = 1_000_000;

/** Measures `read`, which gets a function that passes chunks on and observes the memory. */
export async function measure(
  read: (observed: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Measurement> {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const rssAtStart = process.memoryUsage.rss();
  let rssMax = rssAtStart;
  async function* observed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      rssMax = Math.max(rssMax, process.memoryUsage.rss());
      yield chunk;
    }
  }
  delays.enable();
  const startedAt = performance.now();
  await read(observed);
  const seconds = (performance.now() - startedAt) / 1_000;
  // The last stall is recorded when the loop turns.
  await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS));
  delays.disable();
  rssMax = Math.max(rssMax, process.memoryUsage.rss());
  return { seconds, stallMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS), memoryMb: (rssMax - rssAtStart) / MB };
}
