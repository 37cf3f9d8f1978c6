import { count } from '../report/format';
import { HEAD, machineText, notesOf, ratioText, spreadText, tableCells } from './table';
import type { MeasuredRow } from './types';

export { machineText };

const escape = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const WIDTH = 360;
const BAR = 18;
const GAP = 6;
const LABEL = 14;

interface BarRow {
  label: string;
  value: number;
  low: number;
  high: number;
  isOurs: boolean;
}

/** Horizontal bars from 0, each with its lowest and highest repetition as a thin line. */
function barChart(bars: readonly BarRow[], title: string): string {
  const most = Math.max(...bars.map(({ high }) => high));
  const height = bars.length * (LABEL + BAR + GAP);
  const x = (value: number) => ((value / most) * WIDTH).toFixed(1);
  const parts = bars.map(({ label, value, low, high, isOurs }, index) => {
    const top = index * (LABEL + BAR + GAP);
    const middle = top + LABEL + BAR / 2;
    return (
      `<text x="0" y="${top + 10}">${escape(label)}</text>` +
      `<rect class="${isOurs ? 'ours' : 'peer'}" x="0" y="${top + LABEL}" width="${x(value)}" height="${BAR}"/>` +
      `<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}"/>`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">${parts.join('')}</svg>`;
}

const bar = (label: string, rates: readonly number[], isOurs: boolean): BarRow => {
  const sorted = [...rates].sort((left, right) => left - right);
  const value = sorted[sorted.length >> 1]!;
  return { label: `${label}: ${count(value)} tok/s`, value, low: sorted[0]!, high: sorted.at(-1)!, isOurs };
};

/** One figure per measured point: ours, then every peer that was there. */
function figures(rows: readonly MeasuredRow[]): string[] {
  const groups = new Map<string, MeasuredRow[]>();
  for (const row of rows) {
    const key = `${row.suite} · ${row.shape} · ${row.dtype} · ${row.metric}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups].map(([key, members]) => {
    const peers = members.filter(({ peerRates }) => peerRates.length > 0);
    const bars = [
      bar('tool-r0-native', members[0]!.ourRates, true),
      ...peers.map((row) => bar(`${row.peerName} (ours × ${ratioText(row)})`, row.peerRates, false)),
    ];
    return `<section><h2>${escape(key)}</h2><p>${escape(members[0]!.workload)}</p>${barChart(bars, key)}</section>`;
  });
}

/** A page of its own: no script, no network, narrow enough for a phone. */
export function plotHtml(rows: readonly MeasuredRow[], title: string): string {
  const cards = rows.map((row) => {
    const cells = tableCells(row)
      .map((cell, index) => `<tr><th>${HEAD[index]}</th><td>${escape(cell)}</td></tr>`)
      .join('');
    return `<table>${cells}</table>`;
  });
  const notes = notesOf(rows)
    .map((note) => `<li>${escape(note)}</li>`)
    .join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tool-r0-native bench</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; max-width: 44rem; margin: 1rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-bottom: 0; overflow-wrap: anywhere; }
p { margin: 0 0 .4rem; color: GrayText; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: CanvasText; }
svg .ours { fill: #2f7d4f; } svg .peer { fill: #8a8f98; } svg line { stroke: CanvasText; stroke-width: 2; }
table { width: 100%; border-collapse: collapse; margin: .8rem 0; font-size: .85rem; }
th { text-align: left; font-weight: normal; color: GrayText; width: 35%; vertical-align: top; }
td { overflow-wrap: anywhere; } tr:first-child td { font-weight: 600; }
</style>
</head>
<body>
<h1>tool-r0-native bench</h1>
<p>${escape(title)}</p>
${figures(rows).join('\n')}
<h2>All rows</h2>
<p>tok/s: median (lowest–highest), ours ${escape(spreadText(rows[0]?.ourRates ?? []))} in the first row. Ratio: ours / peer, above 1 is faster. Memory in brackets: above parameters, gradients and optimizer state.</p>
${cards.join('\n')}
<ul>${notes}</ul>
</body>
</html>
`;
}
