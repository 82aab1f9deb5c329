/** Sends the time since the process started and its memory use to the parent. */
export function reportBoot(): void {
  process.send?.({ bootMs: performance.now(), rssMb: process.memoryUsage.rss() / 2 ** 20 });
}
