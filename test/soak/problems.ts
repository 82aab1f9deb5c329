import type { Tenth } from './tenth.js';

/** Limits for the changes of an inbox during a soak. */
const BOUNDS = {
  /** Minimum throughput of the last tenth, as a share of the first tenth's. */
  throughputShare: 0.8,
  rssGrowthMb: 30,
  /** Maximum file size of the last tenth, as a factor of the largest one in the first half. */
  fileGrowth: 1.1,
};

/** Returns the problems of a soak; an empty array means that it passed. */
export function problemsOf(tenths: readonly Tenth[]): string[] {
  const first = tenths[0];
  const last = tenths.at(-1);
  if (!first || !last) return ['nothing was measured'];
  const problems: string[] = [];
  const share = last.perSecond / first.perSecond;
  if (share < BOUNDS.throughputShare) {
    problems.push(
      `the throughput of the last tenth was ${percent(share)} of the first one; expected ${percent(BOUNDS.throughputShare)}`,
    );
  }
  const rssGrowthMb = last.rssMb - first.rssMb;
  if (rssGrowthMb > BOUNDS.rssGrowthMb) {
    problems.push(`memory grew by ${rssGrowthMb.toFixed(0)} MB; expected at most ${BOUNDS.rssGrowthMb} MB`);
  }
  const firstHalf = tenths.slice(0, Math.ceil(tenths.length / 2));
  const fileGrowth = last.fileMb / Math.max(...firstHalf.map(({ fileMb }) => fileMb));
  if (fileGrowth > BOUNDS.fileGrowth) {
    problems.push(
      `the file grew to ${percent(fileGrowth)} of its size in the first half; expected at most ${percent(BOUNDS.fileGrowth)}`,
    );
  }
  return problems;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
