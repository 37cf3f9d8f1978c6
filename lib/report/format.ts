import type { AgreementHistogram } from '../driver/events';

/** `1m05s`, `42s`, `2h03m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** `812 MB`, `1.9 GB` (powers of 1000). */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `940`, `3.1k`, `1.2M`. */
export function count(value: number): string {
  if (value < 1000) return String(Math.round(value));
  return value < 1e6 ? `${(value / 1e3).toFixed(1)}k` : `${(value / 1e6).toFixed(1)}M`;
}

export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

const BARS = '▁▂▃▄▅▆▇█';

/** One bar per number of right answers, 0 … K; the highest is full, an empty one is a dot. */
export function sparkline({ counts }: AgreementHistogram): string {
  const highest = Math.max(...counts);
  if (highest === 0) return '·'.repeat(counts.length);
  return counts
    .map((value) => (value === 0 ? '·' : BARS[Math.ceil((value / highest) * BARS.length) - 1]!))
    .join('');
}

export function progressBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '━'.repeat(full) + '─'.repeat(width - full);
}

/** The most frequent reasons first. */
export function rejectionText(rejections: Record<string, number>, most = 6): string {
  const sorted = Object.entries(rejections).sort(([, left], [, right]) => right - left);
  const shown = sorted.slice(0, most).map(([reason, number]) => `${reason} ${number}`);
  return [...shown, ...(sorted.length > most ? [`${sorted.length - most} more`] : [])].join(', ');
}
