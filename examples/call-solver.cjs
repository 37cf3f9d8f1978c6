'use strict';
// The high-level layer from CommonJS: ask a Solver for tool calls.
//   node examples/call-solver.cjs [MODEL_DIR] [QUESTION]
const path = require('node:path');
const { ensureReady, Solver } = require('tool-r0-native');

async function main() {
  await ensureReady();
  const [
    dir = path.join(__dirname, '../assets/tiny-base'),
    question = 'Can you start the movie in Manel in genre Jazz?',
  ] = process.argv.slice(2);
  const solver = await Solver.load(dir);
  const string = { type: 'string' };
  const calls = await solver.call(question, [
    { name: 'start_movie', parameters: { city: string, genre: string }, required: ['city', 'genre'] },
    {
      name: 'send_playlist',
      parameters: { genre: string, minutes: { type: 'integer' } },
      required: ['genre', 'minutes'],
    },
  ]);
  console.log(JSON.stringify(calls));
  await solver.dispose();
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
