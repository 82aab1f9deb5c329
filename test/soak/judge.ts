import type { Tenth } from './tenth.js';

/** What a soak may not do to an inbox. */
const BOUNDS = {
  /** The last tenth accepts at least this share of what the first one did. */
  throughputShare: 0.8,
  rssGrowthMb: 30,
  /** The file of the last tenth over the largest of the first half. */
  fileGrowth: 1.1,
};

/** What is wrong with a soak; nothing, if all is well. */
export function judge(tenths: readonly Tenth[]): string[] {
  const first = tenths[0];
  const last = tenths.at(-1);
  if (!first || !last) return ['nothing was measured'];
  const problems: string[] = [];
  const share = last.perSecond / first.perSecond;
  if (share < BOUNDS.throughputShare) {
    problems.push(
      `the last tenth accepted ${percent(share)} of what the first one did; expected ${percent(BOUNDS.throughputShare)}`,
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
      `the file is ${percent(fileGrowth)} of what it was in the first half; expected at most ${percent(BOUNDS.fileGrowth)}`,
    );
  }
  return problems;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
