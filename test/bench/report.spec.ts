import { describe, expect, it } from '@jest/globals';
import { figure } from '../../bench/figures.js';
import { withRow } from '../../bench/report/history.js';
import { withSection } from '../../bench/report/markdown.js';
import type { Report } from '../../bench/report/report.js';

function reportOn(node: string, change: Partial<Report> = {}): Report {
  return {
    date: '2026-11-27',
    commit: '3cea314',
    quick: false,
    seconds: 900,
    machine: { cores: 2, memoryGb: 24, node, sqlite: 'better-sqlite3', packages: { pg: '8.0.0' } },
    targets: { slow_disk_gain: figure([18, 17, 19]), drain_per_s: figure([16_577]) },
    lines: {},
    notes: [],
    ...change,
  };
}

const titlesOf = (page: string): string[] => page.split('\n').filter((line) => line.startsWith('#'));

describe('withSection', () => {
  const both = withSection(withSection('', reportOn('v20.20.2'), '20.svg'), reportOn('v24.21.0'), '24.svg');

  it('puts the newest version of Node first', () => {
    expect(titlesOf(both)).toEqual(['# Results', '## Node 24.21.0, better-sqlite3', '## Node 20.20.2, better-sqlite3']);
  });

  it('replaces the section of the same major version only', () => {
    const page = withSection(both, reportOn('v20.21.0', { date: '2026-12-01' }), '20.svg');
    expect(titlesOf(page)).toEqual(['# Results', '## Node 24.21.0, better-sqlite3', '## Node 20.21.0, better-sqlite3']);
    expect(page).toContain('2026-12-01, 2 cores');
    expect(page.split('\n## ')[1]).toBe(both.split('\n## ')[1]);
  });

  it('changes nothing when the same run is written again', () => {
    expect(withSection(both, reportOn('v24.21.0'), '24.svg')).toBe(both);
  });
});

describe('withRow', () => {
  it('adds a row below the rows of earlier runs', () => {
    const first = withRow('', reportOn('v20.20.2'));
    const page = withRow(first, reportOn('v24.21.0', { commit: '7612734+' }));
    expect(page.startsWith(first)).toBe(true);
    expect(page.slice(first.length)).toBe(
      '| 2026-11-27 | 7612734+ | 24.21.0 | – | – | – | – | – | 18.0 | – | 16,577 |\n',
    );
  });
});
