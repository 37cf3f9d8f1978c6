import { configFields, type Field } from './fields';

function shown(field: Field): string {
  const text = JSON.stringify(field.default) ?? '';
  return text.length > 40 ? 'see source' : text;
}

/** The configuration as a Markdown table: key, flag, default, allowed, meaning. */
export function configTable(): string {
  const rows = configFields().map((field) =>
    [
      `\`${field.path}\``,
      field.flag ? `\`--${field.flag}\`` : '',
      `\`${shown(field)}\``,
      field.range.replace(/\|/g, '\\|') || field.type,
      field.description,
    ].join(' | '),
  );
  return [
    '| key | flag | default | allowed | meaning |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}
