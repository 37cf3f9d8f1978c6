import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';

import { packageRoot } from '../setup/paths';
import { writeGguf } from './gguf';
import type { Command } from './side';
import { SHAPES } from './shapes';
import type { PeerName, Suite, Workload } from './types';

export interface PeerPlace {
  python: string;
  /** Folder whose node_modules has node-llama-cpp. */
  nodeLlamaCpp: string;
}

interface Peer {
  suites: readonly Suite[];
  /** Where it cannot be measured, why. */
  unfit(workload: Pick<Workload, 'device' | 'shape'>): string | undefined;
  /** Why it is not here, or undefined. */
  absent(place: PeerPlace): string | undefined;
  /** Writes what it needs beside the workload. */
  command(workload: Workload, folder: string, place: PeerPlace): Command;
}

const script = (name: string) => path.join(packageRoot, 'bench/peers', name);

/** A workload file of its own, with what only this peer needs. */
function workloadFile(folder: string, name: string, workload: object): string {
  const file = path.join(folder, `${name}.json`);
  fs.writeFileSync(file, JSON.stringify(workload));
  return file;
}

const everything = { unfit: () => undefined };

/** Only looks for the modules: importing them takes seconds and says nothing more. */
function missingModules(python: string, modules: readonly string[]): string | undefined {
  const code = `import importlib.util,sys;print(",".join(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))`;
  const { status, stdout, error } = spawnSync(python, ['-c', code, ...modules], { encoding: 'utf8' });
  if (error || status !== 0) return `no Python runs as '${python}'`;
  const missing = stdout.trim();
  return missing === '' ? undefined : `${python} has no ${missing.replaceAll(',', ', ')}`;
}

function pythonPeer(
  name: string,
  file: string,
  modules: readonly string[],
): Pick<Peer, 'absent' | 'command'> {
  return {
    absent: ({ python }) => missingModules(python, modules),
    command: (workload, folder, { python }) => ({
      program: python,
      args: [script(file), workloadFile(folder, name, workload)],
      env: { TOKENIZERS_PARALLELISM: 'false', HF_HUB_OFFLINE: '1' },
    }),
  };
}

function trl(): Peer {
  const step = pythonPeer('trl', 'trl_grpo.py', ['torch', 'transformers', 'trl', 'datasets']);
  const head = pythonPeer('trl-head', 'trl_logprob_head.py', ['torch', 'transformers', 'trl']);
  return {
    suites: ['grpo-step', 'logprob-head'],
    ...everything,
    absent: step.absent,
    command: (workload, folder, place) =>
      (workload.suite === 'grpo-step' ? step : head).command(workload, folder, place),
  };
}

export const PEER_SIDES: Readonly<Record<PeerName, Peer>> = {
  transformers: {
    suites: ['rollout'],
    ...everything,
    ...pythonPeer('transformers', 'transformers_generate.py', ['torch', 'transformers']),
  },
  'transformers-cb': {
    suites: ['rollout'],
    ...everything,
    ...pythonPeer('transformers-cb', 'transformers_continuous.py', ['torch', 'transformers']),
  },
  trl: trl(),
  'node-llama-cpp': {
    suites: ['rollout'],
    unfit: ({ shape }) =>
      SHAPES[shape].model_type === 'qwen2' ? undefined : 'its model file is written for Qwen2 shapes only',
    absent({ nodeLlamaCpp }) {
      try {
        createRequire(path.join(nodeLlamaCpp, 'package.json')).resolve('node-llama-cpp');
        return undefined;
      } catch {
        return `node-llama-cpp is not installed in ${nodeLlamaCpp}`;
      }
    },
    command(workload, folder, { nodeLlamaCpp }) {
      const ggufFile = path.join(workload.modelDir, 'model.gguf');
      if (!fs.existsSync(ggufFile)) writeGguf(workload.modelDir, ggufFile);
      const threads = workload.threads || os.availableParallelism();
      const own = { ...workload, threads, ggufFile, packageFolder: path.resolve(nodeLlamaCpp) };
      return {
        program: process.execPath,
        args: [script('node-llama-cpp.mjs'), workloadFile(folder, 'node-llama-cpp', own)],
      };
    },
  },
  liger: {
    suites: ['logprob-head'],
    unfit: ({ device }) => (device === 'cpu' ? 'its kernels need a GPU' : undefined),
    ...pythonPeer('liger', 'liger_logprob_head.py', ['torch', 'transformers', 'liger_kernel']),
  },
};
