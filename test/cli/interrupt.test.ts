import { interruptSignal } from '../../lib/cli/interrupt';

test('the first signal aborts, the second takes leave and ends the process', () => {
  const said: string[] = [];
  const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  const interrupt = interruptSignal(
    () => said.push('stopping'),
    () => said.push('left'),
  );
  try {
    process.emit('SIGINT', 'SIGINT');
    expect([interrupt.signal.aborted, ...said]).toEqual([true, 'stopping']);
    expect(() => process.emit('SIGINT', 'SIGINT')).toThrow('exit 130');
    expect(() => process.emit('SIGTERM', 'SIGTERM')).toThrow('exit 143');
    expect(said).toEqual(['stopping', 'left', 'left']);
  } finally {
    interrupt.release();
    exit.mockRestore();
  }
});
