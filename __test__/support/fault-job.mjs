/** One call of a verb, named by its first argument, with the JSON in its second; prints how it ended as JSON. */

import process from 'node:process';

import index from '../../index.js';

const [, , verb, args] = process.argv;
const outcome = await index[verb](...JSON.parse(args)).then(
  (result) => ({ result }),
  ({ code, message }) => ({ error: { code, message } }),
);
process.stdout.write(JSON.stringify(outcome));
