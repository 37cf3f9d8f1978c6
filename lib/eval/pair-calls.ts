/** Whether calls can be paired, each with one that it may stand for. */

/** Calls that are the same, counted once. */
interface CallClass {
  /** Index of the first of them. */
  first: number;
  count: number;
}

/**
 * Whether every predicted call can have a gold call of its own that it matches. Equal keys mark calls that match alike, so that hundreds
 * of equal calls cost as much as one.
 * @param predicted one key per predicted call
 * @param gold one key per gold call, as many
 */
export function canPair(
  predicted: readonly string[],
  gold: readonly string[],
  matches: (predicted: number, gold: number) => boolean,
): boolean {
  const [sources, targets] = [classesOf(predicted), classesOf(gold)];
  const candidates = targets.map(({ first }) =>
    sources.flatMap((source, index) => (matches(source.first, first) ? [index] : [])),
  );
  return new Pairing(sources, targets, candidates).isComplete();
}

function classesOf(keys: readonly string[]): CallClass[] {
  const classes = new Map<string, CallClass>();
  keys.forEach((key, first) => {
    const known = classes.get(key);
    if (known) known.count++;
    else classes.set(key, { first, count: 1 });
  });
  return [...classes.values()];
}

/** Augmenting paths between classes, several calls at a time. */
class Pairing {
  /** Predicted calls of a class that have no partner. */
  private readonly free: number[];
  /** `given[source].get(target)`: predicted calls of one class that stand for gold calls of the other. */
  private readonly given: Map<number, number>[];

  constructor(
    sources: readonly CallClass[],
    private readonly targets: readonly CallClass[],
    private readonly candidates: readonly (readonly number[])[],
  ) {
    this.free = sources.map(({ count }) => count);
    this.given = sources.map(() => new Map<number, number>());
  }

  isComplete(): boolean {
    return this.targets.every(({ count }, target) => {
      for (let wanted = count; wanted > 0;) {
        const found = this.supply(target, wanted);
        if (found === 0) return false;
        wanted -= found;
      }
      return true;
    });
  }

  /** Gives a gold class calls along a shortest path: from a class that has free ones, or that gets others in place of those it gives away. @returns how many */
  private supply(target: number, wanted: number): number {
    // Breadth first and without recursion: hundreds of calls must not use up the stack.
    const from = new Map<number, { source: number; to: number }>();
    const seen = new Set<number>();
    const queue = [target];
    for (const at of queue) {
      for (const source of this.candidates[at]!) {
        if (seen.has(source)) continue;
        seen.add(source);
        if (this.free[source]! > 0) return this.give(source, at, target, wanted, from);
        for (const holder of this.given[source]!.keys()) {
          if (holder === target || from.has(holder)) continue;
          from.set(holder, { source, to: at });
          queue.push(holder);
        }
      }
    }
    return 0;
  }

  /** Moves calls along the path that ends at a class with free ones. */
  private give(
    source: number,
    end: number,
    target: number,
    wanted: number,
    from: ReadonlyMap<number, { source: number; to: number }>,
  ): number {
    const steps: { source: number; holder: number; to: number }[] = [];
    for (let at = end; at !== target;) {
      const step = from.get(at)!;
      steps.push({ source: step.source, holder: at, to: step.to });
      at = step.to;
    }
    const moved = steps.map((step) => this.given[step.source]!.get(step.holder)!);
    const count = Math.min(wanted, this.free[source]!, ...moved);
    this.free[source]! -= count;
    this.add(source, end, count);
    for (const step of steps) {
      this.add(step.source, step.holder, -count);
      this.add(step.source, step.to, count);
    }
    return count;
  }

  private add(source: number, target: number, count: number): void {
    const given = this.given[source]!;
    const now = (given.get(target) ?? 0) + count;
    if (now === 0) given.delete(target);
    else given.set(target, now);
  }
}
