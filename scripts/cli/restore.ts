/** The command `restore`: a backup in, a database and photos out. */

import { Argument, Command } from 'commander';

import { restoreBackup, type RestoreOptions, type RestoreReport } from '../../index.js';
import { Layers } from './config/layers.js';
import { localState } from './config/local.js';
import { Missing } from './config/missing.js';
import { r2Endpoint } from './config/remote.js';
import { exitCode, type ExitCode, exitCodeOf, UsageError } from './errors.js';
import { addOutputFlags } from './flags.js';
import { count, counted, size } from './format.js';
import { labelled, remarks, type Row } from './lines.js';
import type { Terminal } from './terminal.js';

/** Flags as commander hands them over. */
interface Flags {
  database?: string;
  photosDir?: string;
  config?: string;
  databaseId?: string;
  bucket?: string;
  stateDir?: string;
  accountId?: string;
  s3Bucket?: string;
  s3Endpoint?: string;
  s3Region?: string;
  tables?: string[];
  keys?: string[];
  dryRun?: true;
}

/** Something that was chosen is not back, or not all of it is sound. */
const incomplete = new Set([
  'PHOTO_UNNAMEABLE',
  'PHOTO_MISSING',
  'KEYS_UNMATCHED',
  'ENTRY_UNKNOWN',
  'ENTRY_MISSING',
]);
/** More would push what matters off the screen; `--json` names all of them. */
const namedAtMost = 10;

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('bring a backup back: its rows as a new SQLite file, its photos as files')
    .addArgument(new Argument('<archive>', 'a backup'))
    .usage('<archive> [options]')
    .option('--database <file>', 'the SQLite file that is made; it must not exist')
    .option('--photos-dir <dir>', 'the folder that receives the photos, each under its key')
    .option('--database-id <id>', "the D1 database that is made in wrangler's local state")
    .option('--bucket <name>', "the R2 bucket in wrangler's local state that receives the photos")
    .option(
      '--state-dir <dir>',
      "wrangler's local state (default: .wrangler/state/v3 beside the configuration or in a workspace)",
    )
    .option('--config <file>', 'the wrangler configuration (default: looked for from here upwards)')
    .option(
      '--s3-bucket <name>',
      'the bucket of R2 that receives the photos (keys: $R2_ACCESS_KEY_ID, $R2_SECRET_ACCESS_KEY)',
    )
    .option('--account-id <id>', 'its Cloudflare account (default: $CLOUDFLARE_ACCOUNT_ID)')
    .option('--s3-endpoint <url>', 'another S3 server than R2 that has the bucket')
    .option('--s3-region <name>', 'its region (default: auto)')
    .option('--tables <names...>', 'only these tables')
    .option('--keys <globs...>', 'only photos whose key is one of these, such as originals/2025/**')
    .option('--dry-run', 'say what would come back, and write nothing');
  return addOutputFlags(command, 'nothing but the exit code');
}

/** Restores what `command` was parsed for. */
export async function runRestore(
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const path = command.args[0] ?? '';
  const flags = command.opts<Flags>();
  terminal.say(`${flags.dryRun ? 'Dry run: restoring' : 'Restoring'} ${path}`);
  try {
    refuseWithoutTarget(flags);
    const { wrangler, s3 } = storesOf(flags);
    const report = await restoreBackup(path, {
      database: flags.database,
      photosDir: flags.photosDir,
      wrangler,
      s3,
      tables: flags.tables,
      keys: flags.keys,
      dryRun: flags.dryRun,
      signal,
      onProgress: (progress) => {
        terminal.progress(progress);
      },
    });
    terminal.close();
    terminal.result(report);
    summariseRestore(report, flags, wrangler).forEach((line) => {
      terminal.say(line);
    });
    const isPart = !flags.dryRun && report.warnings.some(({ code }) => incomplete.has(code));
    return isPart ? exitCode.incomplete : exitCode.complete;
  } catch (error) {
    terminal.close();
    terminal.error(error);
    return exitCodeOf(error);
  }
}

function refuseWithoutTarget(flags: Flags): void {
  const { database, photosDir, databaseId, bucket, ...others } = flags;
  const ofS3 = [others.s3Bucket, others.s3Endpoint, others.s3Region, others.accountId];
  const targets = [database, photosDir, databaseId, bucket, ...ofS3];
  if (targets.some((target) => target !== undefined)) return;
  throw new UsageError(
    'a restore needs a target: --database, --photos-dir, --database-id, --bucket or --s3-bucket',
  );
}

type Stores = Pick<RestoreOptions, 'wrangler' | 's3'>;

/** The targets that are no files. Settings are read where they count: a broken one keeps no file from coming back. */
function storesOf(flags: Flags): Stores {
  let read: Layers | undefined;
  const layers = (): Layers => (read ??= new Layers(flags, process.env));
  return { wrangler: localTarget(flags, layers), s3: s3Target(flags, layers) };
}

/** In the state that `backup --local` reads, so that the site runs on what came back. */
function localTarget(flags: Flags, layers: () => Layers): Stores['wrangler'] {
  const { databaseId, bucket, stateDir } = flags;
  const isNamed = [databaseId, bucket, stateDir].some((flag) => flag !== undefined);
  if (!isNamed) return undefined;
  return { databaseId, bucket, stateDir: stateDir ?? localState(layers()) };
}

/** The bucket is named by a flag alone, so that nothing is written to a live site by a setting that lies around. */
function s3Target(flags: Flags, layers: () => Layers): Stores['s3'] {
  const { s3Bucket: bucket, s3Endpoint, s3Region, accountId } = flags;
  const isNamed = [bucket, s3Endpoint, s3Region, accountId].some((flag) => flag !== undefined);
  if (!isNamed) return undefined;
  const { settings } = layers();
  const missing = new Missing('a restore into a bucket');
  const needed = (name: string, what: string): string =>
    missing.require(settings.get(name), what, [name]);
  const account = (): string =>
    missing.require(accountId ?? settings.get('CLOUDFLARE_ACCOUNT_ID'), 'the account id', [
      'CLOUDFLARE_ACCOUNT_ID',
      '--account-id',
      'or --s3-endpoint',
    ]);
  const target = {
    bucket: missing.require(bucket, 'the bucket', ['--s3-bucket']),
    accessKeyId: needed('R2_ACCESS_KEY_ID', 'the access key'),
    secretAccessKey: needed('R2_SECRET_ACCESS_KEY', 'the secret key'),
    endpoint: s3Endpoint ?? r2Endpoint(account()),
    ...(s3Region === undefined ? {} : { region: s3Region }),
  };
  missing.fail();
  return target;
}

/** What came back, line by line; the last line is the verdict. */
function summariseRestore(
  report: RestoreReport,
  flags: Flags,
  local: Stores['wrangler'],
): string[] {
  const { tables, photos, skipped, bytes, warnings } = report;
  const rows: Row[] = [];
  const state = local?.stateDir ?? '';
  const database = [flags.database, flags.databaseId && `local D1 ${flags.databaseId} in ${state}`];
  const photoTargets = [
    flags.photosDir,
    flags.bucket && `local bucket ${flags.bucket} in ${state}`,
    flags.s3Bucket && `bucket ${flags.s3Bucket}`,
  ];
  if (database.some((name) => name !== undefined)) {
    const restored = tables.reduce((sum, table) => sum + table.rows, 0);
    rows.push(
      [
        'database',
        `${named(database)}: ${counted(tables.length, 'table')}, ${counted(restored, 'row')}`,
      ],
      [
        'checked',
        `integrity_check ${report.integrityCheck}, ${counted(report.foreignKeyProblems, 'reference')} to a missing parent`,
      ],
    );
  }
  if (photoTargets.some((name) => name !== undefined)) {
    const there = skipped > 0 ? `, ${count(skipped)} were there already` : '';
    rows.push(['photos', `${named(photoTargets)}: ${count(photos)} (${size(bytes)})${there}`]);
  }
  rows.push(...remarks('warning', warnings, namedAtMost));
  return [...rows.map(labelled), verdict(report, flags)];
}

function named(targets: readonly (string | undefined)[]): string {
  return targets.filter((name) => name !== undefined).join(' and ');
}

function verdict({ restoredEverything, warnings }: RestoreReport, flags: Flags): string {
  if (flags.dryRun) return 'Nothing was written: dry run';
  if (restoredEverything) {
    return 'Everything that the backup holds is back, and compared with what was noted when it was made';
  }
  const { database, databaseId, photosDir, bucket, s3Bucket, tables, keys } = flags;
  const reasons = [
    [database ?? databaseId, 'the rows were not asked for'],
    [photosDir ?? bucket ?? s3Bucket, 'the photos were not asked for'],
  ].flatMap(([target, reason]) => (target === undefined && reason !== undefined ? [reason] : []));
  if (tables !== undefined) reasons.push('some tables were chosen');
  if (keys !== undefined) reasons.push('some keys were chosen');
  if (warnings.length > 0) reasons.push('see the warnings above');
  return `PART of what the platform held is back: ${reasons.join('; ')}`;
}
