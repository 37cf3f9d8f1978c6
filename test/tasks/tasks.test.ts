import * as fc from 'fast-check';

import { CheckpointError, ConfigError } from '../../lib/binding/errors';
import { DOMAINS, domainWeights } from '../../lib/tasks/domains';
import { declaredParameters, repeatedToolName, requiredParameters, shuffleMenu } from '../../lib/tasks/menu';
import { Random } from '../../lib/tasks/random';
import { publishedSpecTable, sampleSpec, sampleSpecs } from '../../lib/tasks/spec';

describe('Random', () => {
  it('goes on from a saved state', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(20), (seed, steps) => {
        const random = Random.seeded(seed);
        for (let i = 0; i < steps; i++) random.next();
        const other = Random.from(random.state());
        expect([other.next(), other.int(-5, 5)]).toEqual([random.next(), random.int(-5, 5)]);
      }),
    );
  });

  it('gives each purpose its own stream and leaves its own alone', () => {
    const random = Random.seeded(3);
    const [a, b, c] = [random.fork('a'), random.fork('b'), random.fork('a')];
    expect(a.next()).toBe(c.next());
    expect(a.next()).not.toBe(b.next());
    expect(random.next()).toBe(Random.seeded(3).next());
    expect(Random.seeded(1).next()).not.toBe(Random.seeded(2).next());
  });

  it('shuffles, picks and draws evenly', () => {
    const random = Random.seeded('even');
    const items = ['a', 'b', 'c'];
    const firsts = { a: 0, b: 0, c: 0 } as Record<string, number>;
    for (let i = 0; i < 6000; i++) firsts[random.shuffle(items)[0]!]!++;
    for (const count of Object.values(firsts)) expect(Math.abs(count - 2000)).toBeLessThan(150);
    expect(items).toEqual(['a', 'b', 'c']);
    expect(() => random.pick([])).toThrow(RangeError);
    expect(() => random.int(2, 1)).toThrow(RangeError);
    const draws = Array.from({ length: 2000 }, () => random.next());
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
  });

  it('refuses what is no state and no weight', () => {
    expect(() => Random.from('xyz')).toThrow(CheckpointError);
    expect(() => Random.from('0'.repeat(32))).toThrow(CheckpointError);
    const random = Random.seeded(0);
    const tables: Record<string, number>[] = [{}, { a: 0 }, { a: -1, b: 2 }, { a: NaN }, { a: Infinity }];
    for (const table of tables) expect(() => random.weighted(table)).toThrow(ConfigError);
    expect(random.weighted({ never: 0, always: 0.1 })).toBe('always');
  });
});

describe('control specs', () => {
  const specs = sampleSpecs(Random.seeded(11), 20_000);
  const share = (test: (spec: (typeof specs)[number]) => boolean, among = specs) =>
    among.filter(test).length / among.length;

  it('follow the published distribution', () => {
    const single = specs.filter(({ contextType }) => contextType === 'single_turn');
    const two = specs.filter(({ numCalls }) => numCalls === 2);
    const one = specs.filter(({ numCalls }) => numCalls === 1);
    expect(share(({ contextType }) => contextType === 'multi_turn')).toBeCloseTo(0.1, 1);
    expect(specs.every(({ contextType, numCalls }) => contextType === 'single_turn' || numCalls === 1)).toBe(
      true,
    );
    expect(share(({ numCalls }) => numCalls === 2, single)).toBeCloseTo(0.2, 1);
    expect(
      [3, 4, 5].map((size) => Math.round(10 * share((spec) => spec.toolMenuSize === size, two))),
    ).toEqual([3, 4, 3]);
    expect(share(({ toolMenuSize }) => toolMenuSize <= 4, one)).toBeCloseTo(0.4, 1);
    expect(new Set(one.map(({ toolMenuSize }) => toolMenuSize))).toEqual(new Set([2, 3, 4, 5, 6, 7, 8]));
    for (const domain of DOMAINS)
      expect(Math.abs(share((spec) => spec.domain === domain) - 1 / 33)).toBeLessThan(0.006);
  });

  it('draw customer_support only where its weight is switched on', () => {
    expect(Object.keys(domainWeights())).toHaveLength(33);
    expect(Object.keys(domainWeights({ weightlessCustomerSupport: true }))).toEqual(DOMAINS.slice(0, 32));
  });

  it('come from the caller’s table', () => {
    const table = {
      ...publishedSpecTable(),
      domains: { tiny: 1 },
      contextTypes: { single_turn: 0, multi_turn: 1 },
    };
    expect(sampleSpec(Random.seeded(1), { ...table, menuOneCall: { 2: 1 } })).toEqual({
      domain: 'tiny',
      contextType: 'multi_turn',
      toolMenuSize: 2,
      numCalls: 1,
    });
    expect(() => sampleSpec(Random.seeded(1), { ...table, menuOneCall: { many: 1 } })).toThrow(
      "'many' in a spec table",
    );
  });
});

describe('menus', () => {
  const tool = (name: string) => ({ name, parameters: {} });
  const task = { question: 'q', tools: ['a', 'b', 'c', 'd', 'e'].map(tool), gold: [] };

  it('are shuffled by their content: the same task in the same order, whatever order it came in', () => {
    const shuffled = shuffleMenu(task).tools.map(({ name }) => name);
    expect([...shuffled].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(shuffleMenu({ ...task, tools: [...task.tools].reverse() }).tools.map(({ name }) => name)).toEqual(
      shuffled,
    );
    const orders = ['1', '2', '3', '4'].map((question) => shuffleMenu({ ...task, question }).tools[0]!.name);
    expect(new Set(orders).size).toBeGreaterThan(1);
    expect(task.tools[0]!.name).toBe('a');
  });

  it('know their parameters in both forms', () => {
    const flat = { name: 'f', parameters: { x: { type: 'string' } }, required: ['x'] };
    const schema = {
      name: 's',
      parameters: { type: 'object', properties: flat.parameters, required: ['x', 'y', 3] },
    };
    expect([declaredParameters(flat), declaredParameters(schema)]).toEqual([
      flat.parameters,
      flat.parameters,
    ]);
    expect([requiredParameters(flat), requiredParameters(schema)]).toEqual([['x'], ['x', 'y']]);
    expect(declaredParameters({ parameters: { type: 'object' } })).toEqual({});
    expect([repeatedToolName([tool('a'), tool('b'), tool('a')]), repeatedToolName([])]).toEqual(['a', null]);
  });
});
