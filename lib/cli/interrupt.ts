/**
 * First Ctrl-C (or SIGTERM): the signal aborts, which lets the run finish its step and save. Second: the process ends at once.
 * @param leave called before the process ends at once
 * @returns the signal and a function that takes the handlers off again
 */
export function interruptSignal(
  log: (line: string) => void,
  leave?: () => void,
): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      leave?.();
      process.exit(name === 'SIGTERM' ? 143 : 130);
    }
    log('stopping: the present step is finished and saved. Ctrl-C again to leave at once.');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
