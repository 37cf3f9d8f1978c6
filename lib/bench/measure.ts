import type { OwnRequest } from './own-suites';
import { Side, SideError, type Command, type Ready, type Reply } from './side';
import { repeatsFor } from './statistics';
import type { PeerName } from './types';

/** A measured side: how to start it. The project's own has no peer name. */
export interface Contestant {
  peer: PeerName | null;
  command: Command;
}

export interface Measured {
  ready: Ready;
  warmUp: Reply;
  repetitions: Reply[];
}

export interface Round {
  ours: Measured;
  /** Those that could not be measured are absent. */
  peers: Map<PeerName, Measured>;
}

export interface MeasureOptions {
  repeats?: number;
  /** false: a side is started for each repetition, as there is not memory for all of them at once. */
  resident: boolean;
  /** Looks at our warm-up before anything is timed; what it throws ends the round. */
  check?: (warmUp: Reply) => Promise<void>;
  verbose: boolean;
  log: (line: string) => void;
}

/** A warm-up as short as this is followed by a whole repetition, which is not counted either. */
const SHORT_WARM_UP_SECONDS = 5;

interface Running {
  contestant: Contestant;
  side: Side | undefined;
  measured: Measured | undefined;
}

const nameOf = ({ contestant }: Running) => contestant.peer ?? 'ours';

async function start(running: Running, verbose: boolean): Promise<Ready> {
  const { contestant } = running;
  const side = new Side(contestant.command, verbose);
  running.side = side;
  return contestant.peer === null ? side.ask<Ready>({ load: true }) : side.reply<Ready>();
}

async function stop(running: Running): Promise<void> {
  await running.side?.stop();
  running.side = undefined;
}

async function warmUp(running: Running, { resident, log }: MeasureOptions): Promise<void> {
  const side = running.side!;
  const request: OwnRequest = { repetition: 0, warmUp: true };
  const first = await side.ask<Reply>(request);
  running.measured!.warmUp = first;
  if (first.seconds < SHORT_WARM_UP_SECONDS && resident) {
    const { peakResidentBytes, peakCudaBytes } = await side.ask<Reply>({ repetition: 0 });
    running.measured!.warmUp = { ...first, peakResidentBytes, peakCudaBytes };
  }
  log(`  ${nameOf(running)}: warm`);
}

/**
 * Times all sides in turn: ours, each peer, ours again … Never two at once. A peer that fails is left out with a line that says why; the
 * project's own failure is an error.
 */
export async function measureRound(
  contestants: readonly Contestant[],
  options: MeasureOptions,
): Promise<Round> {
  const { resident, verbose, log } = options;
  let sides: Running[] = contestants.map((contestant) => ({
    contestant,
    side: undefined,
    measured: undefined,
  }));
  /** Does `work` for every side in turn, dropping peers that fail. */
  const each = async (work: (running: Running) => Promise<void>) => {
    for (const running of [...sides]) {
      try {
        await work(running);
      } catch (error) {
        running.side?.kill();
        if (running.contestant.peer === null || !(error instanceof SideError)) throw error;
        sides = sides.filter((other) => other !== running);
        log(`skipped ${nameOf(running)}: ${error.message}`);
      }
    }
  };
  try {
    await each(async (running) => {
      const ready = await start(running, verbose);
      running.measured = {
        ready,
        warmUp: { seconds: 0, tokens: 0, peakResidentBytes: null, peakCudaBytes: null },
        repetitions: [],
      };
      await warmUp(running, options);
      if (!resident) await stop(running);
      if (running.contestant.peer === null) await options.check?.(running.measured.warmUp);
    });
    let repeats = options.repeats ?? 1;
    for (let repetition = 1; repetition <= repeats; repetition++) {
      await each(async (running) => {
        if (!running.side) {
          await start(running, verbose);
          // A new process's first request is not counted: it pays for what is done once, as an optimizer's moments.
          await running.side!.ask<Reply>({ repetition: 0, warmUp: true } satisfies OwnRequest);
        }
        const reply = await running.side!.ask<Reply>({ repetition });
        running.measured!.repetitions.push(reply);
        log(
          `  ${nameOf(running)} ${repetition}: ${reply.seconds.toFixed(2)} s, ${(reply.tokens / reply.seconds).toFixed(0)} tok/s`,
        );
        if (!resident) await stop(running);
      });
      const slowest = Math.max(...sides.map(({ measured }) => measured!.repetitions.at(-1)!.seconds));
      repeats = repeatsFor(slowest, options.repeats);
    }
  } finally {
    await Promise.all(sides.map((running) => stop(running)));
  }
  const [ours, ...peers] = sides;
  return {
    ours: ours!.measured!,
    peers: new Map(peers.map((running) => [running.contestant.peer!, running.measured!])),
  };
}
