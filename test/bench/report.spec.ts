import { describe, expect, it } from '@jest/globals';
import { figure } from '../../bench/figures.js';
import type { Line } from '../../bench/findings.js';
import { toDetails } from '../../bench/report/details.js';
import { withRow } from '../../bench/report/history.js';
import { toPage } from '../../bench/report/page.js';
import { toSvg } from '../../bench/report/plot.js';
import { toJson, type Report } from '../../bench/report/report.js';

function reportOn(node: string, change: Partial<Report> = {}): Report {
  return {
    date: '2026-11-27',
    commit: '3cea314',
    quick: false,
    seconds: 900,
    machine: { cores: 2, memoryGb: 24, node, sqlite: 'better-sqlite3', packages: { pg: '8.0.0' } },
    targets: {
      durable_vs_hand_fastify: figure([0.9, 0.8, 1]),
      slow_disk_gain: figure([18, 17, 19]),
      drain_per_s: figure([16_577]),
    },
    lines: {},
    notes: [],
    ...change,
  };
}

function lineOf(title: string, perSecond: number, serverCpuUs: number): Line {
  const rest = { p50Ms: 1, p99Ms: 2, cpuUs: 50, serverCpuUs, appShare: 0.9, loadShare: 0.5 };
  const figures = Object.entries({ perSecond, ...rest }).map(([name, value]) => [name, figure([value])]);
  return { title, payload: 'dbt', ...(Object.fromEntries(figures) as Omit<Line, 'title' | 'payload'>) };
}

describe('toPage', () => {
  const [old, young] = [reportOn('v20.20.2'), reportOn('v24.21.0')];
  const page = toPage([old, young], 'results/node-24.svg');
  const rows = page.split('\n').filter((line) => line.startsWith('| '));

  it('has one plot and one table, with the newest version of Node first', () => {
    expect(page.match(/!\[/g)).toHaveLength(1);
    expect(page.match(/^\| --- /gm)).toHaveLength(1);
    expect(rows[0]).toBe('| Comparison | Node 24 | Target | Node 20 | Target |');
  });

  it('compares each version of Node with its own target, and shows a missed target in bold', () => {
    expect(rows.find((line) => line.includes('over the hand-written controller'))).toMatch(
      /\| 0\.90 \| at least 0\.8 \| \*\*0\.90\*\* \| at least 0\.95 \|$/,
    );
  });

  it('shows a dash for a target that was not measured, and no figure without a target', () => {
    expect(rows.find((line) => line.includes('over pg-boss'))).toContain('| – | at least 3 | – | at least 3 |');
    expect(page).not.toContain('deliveries per second');
  });

  it('links the figures of every run', () => {
    expect(page).toContain('(results/node-24.md)');
    expect(page).toContain('(results/node-20.md)');
  });

  it('fits on a screen', () => {
    expect(page.split('\n').length).toBeLessThan(60);
  });
});

describe('toDetails', () => {
  it('has the CPU time of the app and of the server for each contender', () => {
    const lines = { 'Burst, dbt payload': [lineOf('BullMQ', 7_754, 54), lineOf('By hand', 13_000, 0)] };
    const page = toDetails(reportOn('v24.21.0', { lines }));
    expect(page).toContain('| CPU µs each: app | server |');
    expect(page).toContain('| BullMQ | dbt | 7,754 | 7,754 – 7,754 | 1.00 | 2.00 | 50.0 | 54.0 |');
    expect(page).toContain('| By hand | dbt | 13,000 | 13,000 – 13,000 | 1.00 | 2.00 | 50.0 | – |');
  });

  it('lists figures without a target', () => {
    expect(toDetails(reportOn('v24.21.0'))).toContain('| drain_per_s | ');
  });
});

describe('toSvg', () => {
  it('shows durable contenders of all servers in one group, the fastest first', () => {
    const lines = {
      'Burst, dbt payload': [lineOf('SQLite <by> hand', 2_886, 0), lineOf('Fastify (stores nothing)', 40_000, 0)],
      'Burst on Postgres, dbt payload': [lineOf('Runhooks Fastify, Postgres', 6_198, 81)],
    };
    const svg = toSvg(reportOn('v24.21.0', { lines }));
    expect(svg.indexOf('6,198/s; 50.0 + 81.0 µs')).toBeLessThan(svg.indexOf('2,886/s; 50.0 µs'));
    expect(svg).toContain('SQLite &lt;by> hand');
    expect(svg).not.toContain('40,000');
  });
});

describe('toJson', () => {
  it('has the median of each figure under its key, in four digits', () => {
    expect(JSON.parse(toJson(reportOn('v24.21.0')))).toMatchObject({ slow_disk_gain: 18, drain_per_s: 16_580 });
  });
});

describe('withRow', () => {
  const none = Array.from({ length: 3 }, () => '–').join(' | ');

  it('adds a row below the rows of earlier runs', () => {
    const first = withRow('', reportOn('v20.20.2'));
    const page = withRow(first, reportOn('v24.21.0', { commit: '7612734+' }));
    expect(page.startsWith(first)).toBe(true);
    expect(page.slice(first.length)).toBe(
      `| 2026-11-27 | 7612734+ | 24.21.0 | 0.90 | – | – | – | – | 18.0 | – | 16,577 | ${none} |\n`,
    );
  });

  it('fills up rows of runs that had fewer columns', () => {
    const page = withRow('| 2026-11-27 | 25b5f50+ | 20.20.2 | 0.55 |\n', reportOn('v24.21.0'));
    expect(page).toContain(`| 2026-11-27 | 25b5f50+ | 20.20.2 | 0.55 | ${'– | '.repeat(7)}${none} |\n`);
  });
});
