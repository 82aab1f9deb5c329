import type { Line } from '../findings.js';
import type { Report } from './report.js';

const ROW = 22;
const LABELS = 360;
const BARS = 300;
const GAP = 110;
const WIDTH = LABELS + 2 * (BARS + GAP);

/** Throughput and p99 of the contenders, as SVG: one group of bars for each regime that has a p99. */
export function toSvg({ lines, machine }: Report): string {
  const parts: string[] = [];
  let y = 34;
  for (const [title, found] of Object.entries(lines)) {
    parts.push(`<text x="8" y="${y}" class="title">${escape(title)}</text>`);
    y += 10;
    parts.push(...group(found, y));
    y += found.length * ROW + 34;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">`,
    '<style>text{font:13px sans-serif;fill:#222}.title{font-weight:bold}.small{font-size:12px;fill:#555}</style>',
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    `<text x="${LABELS}" y="16" class="small">requests per second, Node ${machine.node.slice(1)}</text>`,
    `<text x="${LABELS + BARS + GAP}" y="16" class="small">p99 of the answer, ms</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function group(found: readonly Line[], top: number): string[] {
  const [fastest, slowest] = [(of: Line) => of.perSecond.median, (of: Line) => of.p99Ms.median].map((of) =>
    Math.max(...found.map(of)),
  ) as [number, number];
  return found.flatMap((line, index) => {
    const y = top + index * ROW;
    const { title, perSecond, p99Ms } = line;
    const color = title.includes('Runhooks') || title.includes('WebhooksModule') ? '#1f6feb' : '#9aa4b2';
    return [
      `<text x="8" y="${y + 15}">${escape(title)}</text>`,
      bar(LABELS, y, (perSecond.median / fastest) * BARS, color, Math.round(perSecond.median).toLocaleString('en')),
      bar(LABELS + BARS + GAP, y, (p99Ms.median / slowest) * BARS, color, p99Ms.median.toFixed(1)),
    ];
  });
}

function bar(x: number, y: number, width: number, color: string, label: string): string {
  const shown = Math.max(1, width).toFixed(1);
  return (
    `<rect x="${x}" y="${y + 3}" width="${shown}" height="${ROW - 6}" fill="${color}"/>` +
    `<text x="${x + Number(shown) + 6}" y="${y + 15}" class="small">${label}</text>`
  );
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
