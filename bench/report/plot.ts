import type { Line } from '../findings.js';
import { number, serverCpuOf, type Report } from './report.js';

const ROW = 22;
const LABELS = 330;
const BARS = 330;
const GAP = 190;
const WIDTH = LABELS + BARS + GAP;

/** The tables of durable contenders, and the headings of their bars. */
const GROUPS = [
  ['Accepted per second (burst)', ['Burst, dbt payload', 'Burst on Postgres, dbt payload']],
  ['Handled per second (sustained)', ['Sustained, dbt payload', 'Sustained on Postgres, dbt payload']],
] as const;

/** Contenders that store nothing or do something else are in the tables only. */
const OMITTED = [
  /class-validator/,
  /Express/,
  /ten handlers/,
  /node:http/,
  /^Fastify/,
  /octokit/,
  /golevelup/,
  /backend/,
];

/** Returns the rates of the durable contenders and of the limit as SVG, the fastest first. */
export function toSvg({ lines, machine }: Report): string {
  const parts: string[] = [];
  let y = 38;
  for (const [heading, titles] of GROUPS) {
    const found = titles.flatMap((title) => lines[title] ?? []).filter(isShown);
    if (found.length === 0) continue;
    parts.push(`<text x="8" y="${y}" class="title">${heading}</text>`);
    parts.push(...bars(found, y + 8));
    y += found.length * ROW + 40;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">`,
    '<style>text{font:13px sans-serif;fill:#222}.title{font-weight:bold}.small{font-size:12px;fill:#555}</style>',
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    `<text x="${LABELS}" y="16" class="small">Node ${machine.node.slice(1)}: messages per second; ` +
      'CPU µs per message of the app + of Redis or Postgres</text>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function isShown({ title }: Line): boolean {
  return !OMITTED.some((pattern) => pattern.test(title));
}

function bars(found: readonly Line[], top: number): string[] {
  const fastestFirst = found.toSorted((a, b) => b.perSecond.median - a.perSecond.median);
  const most = fastestFirst[0]?.perSecond.median ?? 1;
  return fastestFirst.flatMap(({ title, perSecond, cpuUs, serverCpuUs }, index) => {
    const y = top + index * ROW;
    const width = Math.max(1, (perSecond.median / most) * BARS).toFixed(1);
    const color = title.includes('Runhooks') ? '#1f6feb' : '#9aa4b2';
    const server = serverCpuOf(serverCpuUs);
    const cpu = server === '–' ? number(cpuUs.median) : `${number(cpuUs.median)} + ${server}`;
    const label = `${Math.round(perSecond.median).toLocaleString('en')}/s; ${cpu} µs`;
    return [
      `<text x="8" y="${y + 15}">${escape(title)}</text>`,
      `<rect x="${LABELS}" y="${y + 3}" width="${width}" height="${ROW - 6}" fill="${color}"/>`,
      `<text x="${LABELS + Number(width) + 6}" y="${y + 15}" class="small">${label}</text>`,
    ];
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
