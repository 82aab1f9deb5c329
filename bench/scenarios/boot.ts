import type { Bench } from '../bench.js';
import { Child } from '../child.js';
import { figure, ratio, type Figure } from '../figures.js';
import type { Findings } from '../findings.js';

interface Boot {
  readonly bootMs: number;
  readonly rssMb: number;
}

/** Compares an app with 500 handlers and the same app without Runhooks. */
export async function boot(bench: Bench): Promise<Findings> {
  const { rounds } = bench.plan.boot;
  bench.print('boot');
  const [plain, ours]: [Boot[], Boot[]] = [[], []];
  await bootOnce('boot/plain-app.js', bench);
  await bootOnce('boot/ours-app.js', bench);
  for (let round = 0; round < rounds; round += 1) {
    plain.push(await bootOnce('boot/plain-app.js', bench));
    ours.push(await bootOnce('boot/ours-app.js', bench));
  }
  const grown = (of: (boot: Boot) => number): Figure =>
    figure(ours.map((one, round) => of(one) - of(plain[round] as Boot)));
  const bootMs = (boots: readonly Boot[]): string => figure(boots.map(bootTime)).median.toFixed(0);
  const rssMb = (boots: readonly Boot[]): string => figure(boots.map((one) => one.rssMb)).median.toFixed(0);
  return {
    targets: {
      boot_ratio_500: ratio(ours.map(bootTime), plain.map(bootTime)),
      rss_mb: grown((one) => one.rssMb),
      boot_ms_500: grown(bootTime),
    },
    notes: [
      `Startup, from the start of the process to listening: ${bootMs(plain)} ms and ${rssMb(plain)} MB without Runhooks, ` +
        `${bootMs(ours)} ms and ${rssMb(ours)} MB with Runhooks and 500 handlers.`,
    ],
  };
}

function bootTime({ bootMs }: Boot): number {
  return bootMs;
}

async function bootOnce(file: string, bench: Bench): Promise<Boot> {
  const [child, report] = await Child.start(file, [bench.newFile()]);
  await child.stop();
  return report as Boot;
}
