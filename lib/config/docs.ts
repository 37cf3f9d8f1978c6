import { PUBLISHED_SWITCH_NAMES } from '../rewards/published';
import { configFields, type Field } from './fields';
import { PRESETS } from './presets';

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

/** docs/configuration.md. */
export function configDocument(): string {
  const presets = Object.entries(PRESETS).map(([name, { description }]) => `- \`${name}\`: ${description}`);
  return `# Configuration

One schema (\`lib/config/schema.ts\`) gives defaults, types, flags, the JSON schema (\`configJsonSchema()\`) and this page, which is generated.
Sources, later ones on top of earlier ones: preset, \`--config FILE\` (YAML or JSON), flags, \`--set key=value\`. \`--dry-run\` prints the
result. A key without a flag is set in a file or by \`--set\`.

${presets.join('\n')}

Without \`--preset\`: \`paper\` with a model, else \`tiny\`. The table shows the defaults of \`paper\`, which are the published numbers;
\`lib/config/tiny-preset.ts\` holds what \`tiny\` changes.

${configTable()}

## Published behaviour

\`--published\` brings back everything in which this project departs from the published code, \`--published a,b\` the rows named.
\`lib/rewards/published.ts\` says what each does:
${PUBLISHED_SWITCH_NAMES.map((name) => `\`${name}\``).join(', ')}.
`;
}
