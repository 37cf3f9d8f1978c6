import { phaseTimesText } from '../../lib/report/phase-times';

const none = {
  seconds: 0,
  rolloutSeconds: 0,
  rolloutTokens: 0,
  decodeSeconds: 0,
  decodeBytes: 0,
  trainSeconds: 0,
  trainTokens: 0,
  trainFlops: 0,
};
const machine = { name: 'x', flops: 2e12, bytesPerSecond: 3e10 };

test('a line per phase: time, rates, shares of the machine, and the rest', () => {
  const lines = phaseTimesText({
    machine,
    phases: [
      { ...none, phase: 'prepare' },
      {
        ...none,
        phase: 'solver',
        seconds: 100,
        rolloutSeconds: 40,
        rolloutTokens: 40000,
        decodeSeconds: 30,
        decodeBytes: 3e11,
        trainSeconds: 50,
        trainTokens: 100000,
        trainFlops: 5e13,
      },
      { ...none, phase: 'measure', seconds: 9, rolloutSeconds: 9, rolloutTokens: 90 },
    ],
  });
  expect(lines).toEqual([
    'Where the time went (this machine: 2.00 TFLOP/s, 30.0 GB/s)',
    '  Solver GRPO   1m40s  rollouts 40s at 1.0k tok/s, 33 % of memory bandwidth · training 50s at 2.0k tok/s, MFU 50 % · other 10s',
    '  measuring        9s  rollouts 9s at 10 tok/s',
  ]);
});

test('nothing without phases; no shares without limits', () => {
  expect(phaseTimesText({})).toEqual([]);
  const [head, line] = phaseTimesText({
    phases: [{ ...none, phase: 'solver', seconds: 5, trainSeconds: 5, trainTokens: 10, trainFlops: 1 }],
  });
  expect(head).toBe('Where the time went');
  expect(line).toBe('  Solver GRPO      5s  training 5s at 2 tok/s');
});
