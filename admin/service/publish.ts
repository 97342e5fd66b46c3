/**
 * `npm run publish-dump`: makes a dump and publishes it without the web service, for a schedule. Same configuration,
 * same lock, same order. Prints the published dump as JSON. Exit codes: 0 published, 1 failed, 2 usage or variables, 3
 * incomplete, 130 interrupted.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';

import './built.js';
import { assemble } from './assemble.js';
import { codeOf } from './codes.js';
import { Problem } from './envelope.js';
import { readEnvironment } from './environment.js';
import { explained } from './folders.js';
import type { MadeDump } from './jobs/dump.js';
import type { Job } from './jobs/job.js';
import type { JobRunner, Run } from './jobs/runner.js';
import { logDefect } from './log.js';
import { refuseSwallowedFlags } from './npm.js';
import { ConfigurationError } from './options.js';
import { interrupted, onSignals } from './signals.js';
import { keepClientQuiet, surviveLostOutput } from './stdio.js';

/** How long is waited for somebody who changes what is published, which takes moments; for a job it is not. */
const patienceMs = 30_000;
const pauseMs = 500;

surviveLostOutput();
keepClientQuiet();
const command = new Command('publish-dump')
  .description('makes a data dump and publishes it; the README has the variables')
  .option('--allow-shrink', 'also when far fewer records are left than in the dump before')
  .addHelpText(
    'after',
    '\nExit codes: 0 published, 1 failed, 2 usage or variables, 3 published but incomplete, 130 interrupted',
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
try {
  refuseSwallowedFlags(command);
  const { allowShrink } = command.opts<{ allowShrink?: true }>();
  process.exitCode = await publish(allowShrink ?? false);
} catch (thrown) {
  const error = explained(thrown);
  const code = error instanceof Problem ? `${error.code}: ` : '';
  console.error(`error: ${code}${error instanceof Error ? error.message : String(error)}`);
  // There is no service whose log would say why.
  if (error instanceof Problem && error.cause !== undefined) logDefect(error);
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigurationError) return 2;
  // It was told to stop before the job had begun.
  return codeOf(error) === 'SHUTTING_DOWN' ? interrupted : 1;
}

async function publish(allowShrink: boolean): Promise<number> {
  const { admin } = readEnvironment(process.env);
  const { runner, dumps } = assemble(admin, () => undefined);
  onSignals(() => void runner.close());

  const job = await start(runner, (work) => dumps.make({ allow_shrink: allowShrink }, work));
  await runner.finished();
  if (job.error !== null) {
    console.error(`error: ${job.error.code}: ${job.error.message}`);
    if (job.state === 'interrupted') return interrupted;
    return job.error.code === 'INVALID_OPTIONS' ? 2 : 1;
  }
  const { operator_warnings, ...published } = job.result as MadeDump;
  console.log(JSON.stringify(published));
  for (const warning of [...published.warnings, ...operator_warnings]) {
    console.error(`warning: ${warning}`);
  }
  return published.complete ? 0 : 3;
}

/** Starts the job, once nobody changes what is published. */
async function start(runner: JobRunner, run: Run): Promise<Job> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await runner.start('data-dump', run);
    } catch (error) {
      const isChange =
        error instanceof Problem &&
        error.code === 'JOB_RUNNING' &&
        error.details?.['job_id'] === null;
      if (!isChange || performance.now() > until) throw error;
    }
    await sleep(pauseMs);
  }
}
