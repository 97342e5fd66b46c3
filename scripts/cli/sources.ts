/** The flags that say where rows and photos are, the same for every command that reads them. */

import { type Command, Option } from 'commander';

import type { BackupOptions } from '../../index.js';
import { type ChoiceFlags, Layers } from './config/layers.js';
import { localDatabase, localPhotos } from './config/local.js';
import { remoteDatabase, type RemoteFlags, remotePhotos, s3Photos } from './config/remote.js';
import { type Environment, Settings } from './config/settings.js';
import { UsageError } from './errors.js';

/** Flags as commander hands them over. */
export interface SourceFlags extends ChoiceFlags, RemoteFlags {
  local?: true;
  remote?: true;
  databaseFile?: string;
  databaseSql?: string;
  /** `false` by `--no-photos`. */
  photos: boolean;
  photosDir?: string;
  publicUrl?: string;
}

/** What a command reads. */
export interface Sources extends Pick<BackupOptions, 'database' | 'photos'> {
  /** For people: LOCAL or REMOTE, and which database; never a secret. */
  readonly name: string;
  /** The environment, and the `.env` files beside the configuration that was read. */
  readonly settings: Settings;
}

/** Adds the flags to a command. */
export function addSourceFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--local',
        "wrangler's local state: the database and bucket of development",
      ).conflicts('remote'),
    )
    .option('--remote', 'D1 and R2 at Cloudflare: the database and bucket of the live site')
    .option('--config <file>', 'the wrangler configuration (default: looked for from here upwards)')
    .option('--env <name>', 'an environment of that configuration')
    .addOption(
      new Option('--database-file <file>', 'the rows: a SQLite file, also one in use').conflicts([
        'databaseSql',
        'databaseId',
      ]),
    )
    .addOption(
      new Option(
        '--database-sql <file>',
        'the rows: an SQL script (wrangler d1 export, sqlite3 .dump)',
      ).conflicts('databaseId'),
    )
    .option('--database-id <id>', 'the D1 database (default: $D1_DATABASE_ID or the configuration)')
    .addOption(
      new Option(
        '--photos-dir <dir>',
        'the photos: a folder whose relative paths are the R2 keys',
      ).conflicts(['publicUrl', 'bucket', 's3Endpoint']),
    )
    .addOption(
      new Option('--public-url <url>', 'the photos: a base URL that serves them').conflicts([
        'bucket',
        's3Endpoint',
      ]),
    )
    .option('--bucket <name>', 'the R2 bucket (default: $R2_BUCKET_NAME or the configuration)')
    .addOption(
      new Option('--no-photos', 'the rows alone').conflicts([
        'photosDir',
        'publicUrl',
        'bucket',
        's3Endpoint',
      ]),
    )
    .option(
      '--state-dir <dir>',
      "wrangler's local state (default: .wrangler/state/v3 beside the configuration or in a workspace)",
    )
    .option('--account-id <id>', 'the Cloudflare account (default: $CLOUDFLARE_ACCOUNT_ID)')
    .option(
      '--s3-endpoint <url>',
      'another S3 server than R2 (keys: $R2_ACCESS_KEY_ID, $R2_SECRET_ACCESS_KEY)',
    )
    .option('--s3-region <name>', 'its region (default: auto)');
}

/** Settles what is read. Nothing is guessed: what could be two things is a usage error naming both. */
export function sourcesOf(flags: SourceFlags, environment: Environment): Sources {
  const file = fileOf(flags);
  if (file !== undefined && !flags.local && !flags.remote) {
    refuseIdle(flags);
    const settings = new Settings(environment);
    return { ...file, ...photosOf(flags, environment), settings };
  }
  const layers = new Layers(flags, environment);
  const mode = modeOf(flags, layers, environment['npm_lifecycle_event']);
  const rows = file ?? (mode === 'local' ? localDatabase(layers) : remoteDatabase(flags, layers));
  const { settings } = layers;
  if (hasPhotoFlag(flags)) return { ...rows, ...photosOf(flags, environment), settings };
  const photos = mode === 'local' ? localPhotos(layers) : remotePhotos(flags, layers);
  return { ...rows, photos, settings };
}

type Mode = 'local' | 'remote';

/** `script` is the npm script that this runs in, if any. */
function modeOf(flags: SourceFlags, layers: Layers, script?: string): Mode {
  if (flags.local) return 'local';
  if (flags.remote) return 'remote';
  const [state] = layers.states;
  const token = layers.settings.get('CLOUDFLARE_API_TOKEN');
  // `--local` is npm's own word for `--no-global`: of `npm run backup --local` nothing is left that could be noticed.
  const isUnderNpm = script === 'backup' || script === 'data-dump';
  const which = isUnderNpm ? underNpm(script) : '--local or --remote';
  if (state !== undefined && token !== undefined) {
    throw new UsageError(
      `LOCAL (wrangler's state in ${state}) and REMOTE (CLOUDFLARE_API_TOKEN is set) are both possible: say ${which}`,
    );
  }
  if (state !== undefined) return 'local';
  if (token !== undefined && isUnderNpm) {
    throw new UsageError(
      `there is no wrangler state here, and REMOTE (CLOUDFLARE_API_TOKEN is set) has to be said under npm: say ${which}`,
    );
  }
  if (token !== undefined) return 'remote';
  throw new UsageError(
    'no database was named: give --database-file FILE or --database-sql FILE, ' +
      'or --local (there is no wrangler state here), or --remote',
  );
}

function underNpm(script: string): string {
  const [local, remote] = ['--local', '--remote'].map((flag) => `\`npm run ${script} -- ${flag}\``);
  return `${local} or ${remote}, in PowerShell with quotes around the two dashes ('--'): npm keeps a --local before them for itself`;
}

function fileOf({
  databaseFile,
  databaseSql,
}: SourceFlags): Pick<Sources, 'database' | 'name'> | undefined {
  if (databaseFile !== undefined) {
    return { database: { file: databaseFile }, name: `the database file ${databaseFile}` };
  }
  if (databaseSql !== undefined) {
    return { database: { sql: databaseSql }, name: `the SQL script ${databaseSql}` };
  }
  return undefined;
}

function hasPhotoFlag({ photos, photosDir, publicUrl, s3Endpoint }: SourceFlags): boolean {
  return [photosDir, publicUrl, s3Endpoint].some((flag) => flag !== undefined) || !photos;
}

/** The photos that a flag names; none without one. */
function photosOf(flags: SourceFlags, environment: Environment): Pick<Sources, 'photos'> {
  if (!flags.photos) return {};
  if (flags.photosDir !== undefined) return { photos: { directory: flags.photosDir } };
  if (flags.publicUrl !== undefined) return { photos: { publicUrl: flags.publicUrl } };
  if (flags.s3Endpoint !== undefined)
    return { photos: s3Photos(flags, new Layers(flags, environment)) };
  return {};
}

/** Beside a plain file these would do nothing, which is not what was meant. */
function refuseIdle(flags: SourceFlags): void {
  // The bucket of another S3 server, and its keys, may stand in the configuration.
  const ofS3 = {
    '--config': flags.config,
    '--env': flags.env,
    '--bucket': flags.bucket,
    '--s3-region': flags.s3Region,
  };
  const idle = Object.entries({
    ...(flags.s3Endpoint === undefined ? ofS3 : {}),
    '--state-dir': flags.stateDir,
    '--account-id': flags.accountId,
  }).find(([, value]) => value !== undefined);
  if (idle === undefined) return;
  throw new UsageError(
    `${idle[0]} says nothing of a plain file: add --local or --remote for the photos, or leave it out`,
  );
}
