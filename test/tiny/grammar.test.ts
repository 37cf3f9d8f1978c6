import { makeTask, toolParameters, type GrammarTask, type TaskOptions } from '../../lib/tiny/grammar';
import { heldOutPhrasing, isHeldOutPair, isHeldOutValue } from '../../lib/tiny/held-out-rule';
import { categoryOf, heldOutGrammarTasks, heldOutTasks } from '../../lib/tiny/heldout';
import * as lexicon from '../../lib/tiny/lexicon';
import { TINY_SPEC_TABLE } from '../../lib/tiny/spec-table';
import { Random } from '../../lib/tasks/random';
import { sampleSpec } from '../../lib/tasks/spec';

const TRAINING: TaskOptions = { heldOut: false, distractorShare: 0.35, lookAlikeShare: 0.5 };

function trainingTasks(count: number): GrammarTask[] {
  const random = Random.seeded(3);
  return Array.from({ length: count }, () => makeTask(random, sampleSpec(random, TINY_SPEC_TABLE), TRAINING));
}

/** Reads the question on its own: which clause says which verb and object, and which value each phrase carries last. */
function check(task: GrammarTask): string[] {
  const problems: string[] = [];
  const { domain } = task.spec;
  const lastTurn = task.question.match(
    /^User: (.*)\nAgent: Sure\?\nUser: Actually, make the (\w+) (\w+)\.$/s,
  );
  const body = (lastTurn?.[1] ?? task.question).replace(/^(Last time|Ignore|My friend).*?\. /, '');
  const clauses = body.split(' and ');
  if (clauses.length !== task.gold.length) problems.push('number of clauses');
  task.gold.forEach((call, index) => {
    const [verb, object] = call.name.split('_') as [string, string];
    const clause = ` ${(clauses[index] ?? '').toLowerCase().replace(/[.?,]/g, ' ')} `;
    if (!lexicon.VERBS[verb]?.some((word) => clause.includes(` ${word} `))) problems.push(`verb ${verb}`);
    if (!clause.includes(` ${object} `)) problems.push(`object ${object}`);
    if (Object.keys(call.arguments).join() !== toolParameters(domain, verb, object).join())
      problems.push('parameters');
    for (const [name, value] of Object.entries(call.arguments as Record<string, string | number>)) {
      const corrected = lastTurn?.[2] === name && index === 0;
      const said = corrected
        ? lastTurn[3] === String(value)
        : lexicon.PHRASES[name]!.some((p) =>
            clause.includes(` ${p.replace('{}', String(value)).toLowerCase()} `),
          );
      if (!said) problems.push(`value ${name} ${value}`);
    }
  });
  return problems;
}

describe('the grammar', () => {
  const training = trainingTasks(1000);
  const heldOut = heldOutGrammarTasks(400, 1);

  it.each([
    ['training', training],
    ['held-out', heldOut],
  ])('makes %s tasks whose gold a separate reader confirms', (_, tasks) => {
    const problems = tasks.map((task) => [task.question, ...check(task)]);
    expect(problems.filter(({ length }) => length > 1)).toEqual([]);
  });

  it('follows the control spec, with distinct tools and the gold tools in the menu', () => {
    for (const { spec, tools, gold, question } of [...training, ...heldOut]) {
      const names = tools.map((tool) => tool.name);
      expect(names).toHaveLength(spec.toolMenuSize);
      expect(new Set(names).size).toBe(names.length);
      expect(gold).toHaveLength(spec.numCalls);
      for (const call of gold) {
        const tool = tools.find(({ name }) => name === call.name);
        expect(Object.keys(call.arguments)).toEqual(tool?.required);
      }
      expect(question.startsWith('User:')).toBe(spec.contextType === 'multi_turn');
    }
  });

  it('names a wrong value in every trap, never the gold one', () => {
    for (const { trap, gold, question } of training.filter((task) => task.trap)) {
      expect(question).toContain(String(trap!.wrong));
      expect(Object.values(gold[0]!.arguments)).not.toContain(trap!.wrong);
    }
  });

  it('draws every kind of task', () => {
    const counts = new Set(heldOut.map(categoryOf));
    expect([...counts].sort()).toEqual(['distractor', 'lookalike', 'multi_turn', 'plain', 'two_calls']);
  });

  it('gives each object one domain', () => {
    const objects = lexicon.DOMAIN_NAMES.flatMap(lexicon.objectsOf);
    expect(new Set(objects).size).toBe(objects.length);
    expect(objects.length * lexicon.VERB_NAMES.length).toBe(480);
    expect(lexicon.NAMES.length).toBe(156);
  });
});

describe('held-out combinations', () => {
  it('hold out a share of pairs, values and phrasings, and leave every object some verbs of both kinds', () => {
    const objects = lexicon.DOMAIN_NAMES.flatMap(lexicon.objectsOf);
    const held = objects.map(
      (object) => lexicon.VERB_NAMES.filter((verb) => isHeldOutPair(verb, object)).length,
    );
    const share = held.reduce((a, b) => a + b, 0) / 480;
    expect(share).toBeGreaterThan(0.12);
    expect(share).toBeLessThan(0.22);
    expect(Math.max(...held)).toBeLessThan(9);
  });

  it('never occur in a training task', () => {
    for (const { requests, tools, trap } of trainingTasks(5000)) {
      for (const tool of tools)
        expect(isHeldOutPair(...(tool.name.split('_') as [string, string]))).toBe(false);
      for (const { values } of requests)
        for (const [name, value] of values) expect(isHeldOutValue(name, value)).toBe(false);
      if (trap) expect(isHeldOutValue(trap.parameter, trap.wrong)).toBe(false);
    }
  });

  it('make up every held-out task', () => {
    for (const { requests, spec, question } of heldOutGrammarTasks(200, 2)) {
      for (const { verb, object, values } of requests) {
        expect(isHeldOutPair(verb, object)).toBe(true);
        for (const [name, value] of values) {
          const named = !lexicon.INTEGER_PARAMETERS.has(name) && !(name in lexicon.ENUM_VALUES);
          expect(isHeldOutValue(name, value)).toBe(named);
          const reserved = heldOutPhrasing(spec.domain, name);
          if (reserved === null || question.startsWith('User:')) continue;
          const phrase = lexicon.PHRASES[name]![reserved].replace('{}', String(value));
          expect(question).toContain(phrase);
        }
      }
    }
  });

  it('are drawn deterministically, without repetition', () => {
    const tasks = heldOutTasks(400, 1);
    expect(heldOutTasks(400, 1)).toEqual(tasks);
    expect(heldOutTasks(400, 2)).not.toEqual(tasks);
    expect(new Set(tasks.map((task) => task.question)).size).toBe(400);
    expect(new Set(tasks.map((task) => task.id)).size).toBe(400);
  });
});
