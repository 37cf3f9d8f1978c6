import type { CommandModule } from 'yargs';

import { isReady, runSetup } from '../../setup';
import type { SetupDevice } from '../../setup/install-libtorch';

interface SetupArguments {
  device: SetupDevice;
  'index-url'?: string;
  wheel?: string;
  force: boolean;
  verbose: boolean;
  'quiet-if-ready': boolean;
}

export const setupCommand: CommandModule<object, SetupArguments> = {
  command: 'setup',
  describe: 'fetch libtorch and compile the native addon, whatever is missing',
  builder: (yargs) =>
    yargs
      .option('device', {
        choices: ['auto', 'cpu', 'cuda'] as const,
        default: 'auto' as const,
        describe: 'which libtorch to set up; auto: CUDA where a driver is present',
      })
      .option('index-url', {
        type: 'string',
        describe: 'package index for pip, instead of the one it is configured with',
      })
      .option('wheel', { type: 'string', describe: 'a torch wheel on disk, instead of fetching one' })
      .option('force', { type: 'boolean', default: false, describe: 'set up again what is there' })
      .option('verbose', { type: 'boolean', default: false, describe: "show the compiler's output" })
      .option('quiet-if-ready', {
        type: 'boolean',
        default: false,
        describe: 'print nothing when nothing is missing',
      })
      .epilogue(
        'An existing libtorch is used when TOOL_R0_LIBTORCH names it: a libtorch folder, or the site-packages or environment of a ' +
          'Python that has torch (2.11 to 2.14). Otherwise it goes to TOOL_R0_CACHE, or ~/.cache/tool-r0.',
      ),
  handler: async (args) => {
    if (args.quietIfReady && isReady()) return;
    await runSetup(args);
  },
};

export default setupCommand;
