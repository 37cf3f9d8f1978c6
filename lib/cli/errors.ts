import pc from 'picocolors';

import { ToolR0Error } from '../binding/errors';

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** What to try, by error code; the message itself says what was wrong. */
const HINTS: Readonly<Record<string, string>> = {
  TOOL_R0_OUT_OF_MEMORY:
    'Lower generator.tokenBudget and solver.tokenBudget, set activationCheckpointing or offloadIdleTrainer, or rollout.maxKvBytes (--set key=value).',
  TOOL_R0_SETUP: 'See what is missing: tool-r0-native doctor',
  TOOL_R0_DEVICE: 'See what this machine and build have: tool-r0-native doctor',
  TOOL_R0_NUMERIC:
    'Lower the learning rate (--set solver.optimizer.learningRate=…), then go on with --resume.',
};

/** 2 for what the user typed or configured, 1 for everything else. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || (error instanceof ToolR0Error && error.code === 'TOOL_R0_CONFIG')
    ? 2
    : 1;
}

/**
 * One clear message with a hint; the stack only when asked for, or when it is a bug.
 * @param command whose help is pointed to where the command line is wrong, e.g. `eval convert`
 */
export function errorText(error: unknown, verbose: boolean, command = ''): string {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const lines = [`${pc.red('error:')} ${message}`];
  const isExpected = error instanceof UsageError || error instanceof ToolR0Error;
  if (error instanceof ToolR0Error && HINTS[error.code]) lines.push(pc.dim(`hint: ${HINTS[error.code]}`));
  if (error instanceof UsageError)
    lines.push(pc.dim(`See ${['tool-r0-native', command].join(' ').trim()} --help`));
  if (!isExpected)
    lines.push(
      pc.dim(
        'This is a defect of tool-r0-native. Run again with --verbose for the stack trace, and please report it.',
      ),
    );
  if (verbose && stack) lines.push(stack);
  return lines.join('\n');
}

/** An error as the last line of `--json` output. */
export function errorEvent(error: unknown): { type: 'error'; code: string; message: string } {
  const code =
    error instanceof ToolR0Error
      ? error.code
      : error instanceof UsageError
        ? 'TOOL_R0_USAGE'
        : 'TOOL_R0_UNKNOWN';
  return { type: 'error', code, message: error instanceof Error ? error.message : String(error) };
}
