/** From the start of the process to now, and the memory it takes. */
export function tellBoot(): void {
  process.send?.({ bootMs: performance.now(), rssMb: process.memoryUsage.rss() / 2 ** 20 });
}
