import { spawnSync } from 'node:child_process';

/** Returns the short id of the checked-out commit, with `+` if files differ from it; `–` where there is no git history. */
export function measuredCommit(): string {
  const id = git('rev-parse', '--short', 'HEAD');
  if (id === '') return '–';
  return git('status', '--porcelain') === '' ? id : `${id}+`;
}

function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}
