/**
 * The nth call that touches a file fails, as on a disk that dies: for every n in the full run, for some otherwise.
 * Whatever fails, there is an error or an honest result; what was there before is there still, and nothing half made.
 */

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { createBackup, createDataDump, verifyArchive, type Warning } from '../index.js';
import { folder, listing, removeFolders, root } from './support';
import { archive, now } from './support/dumps';
import { full, random } from './support/random';
import { sha256, sqlite, tool } from './support/tools';

const run = promisify(execFile);
const precious = 'nobody may lose this';
/** Errors that a failing disk may be reported as. */
const codes = [
  'ARCHIVE_CORRUPT',
  'DATABASE_NOT_FOUND',
  'DATABASE_UNREADABLE',
  'DRILL_FAILED',
  'OUTPUT_UNWRITABLE',
  'PHOTO_FAILED',
  'SOURCE_REFUSED',
  'SOURCE_UNREACHABLE',
];
/** EIO, what dying disks say. */
const errno = '5';

interface Outcome {
  readonly error?: { readonly code?: string; readonly message: string };
  readonly result?: Readonly<Record<string, unknown>>;
}

/** A call of a verb on something in a folder, and what must hold after it, however it ended. */
interface Case {
  readonly verb: string;
  readonly what: string;
  readonly args: (dir: string) => unknown[];
  readonly check: (dir: string, outcome: Outcome) => Promise<void> | void;
}

let shim: string;
let base: string;
let clean: Record<'backup' | 'dump', { path: string; sha256: string; warnings: unknown }>;

// Elsewhere nothing is preloaded like this.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a disk that fails at the nth call', () => {
  beforeAll(async () => {
    const made = archive();
    base = made.dir;
    shim = join(folder(), 'faults.so');
    const source = join(root, '__test__', 'support', 'faults.c');
    tool('cc', ['-shared', '-fPIC', '-O1', '-o', shim, source, '-ldl']);
    // A copy has the same time to the second alone.
    utimesSync(join(base, 'photos/originals/2025/09/04/heron.jpg'), 1_700_000_000, 1_700_000_000);
    const database = { file: made.file };
    const photos = { directory: join(base, 'photos') };
    const backup = await createBackup({ database, photos, outputDir: join(base, 'made'), now });
    const dump = await createDataDump({ database, photos, outputDir: join(base, 'made'), now });
    clean = { backup, dump: { ...dump, path: dump.path ?? '' } };
    mkdirSync(join(base, 'out'));
    for (const { path } of Object.values(clean)) {
      writeFileSync(join(base, 'out', basename(path)), precious);
    }
    cpSync(join(root, '__test__/fixtures/damaged/row-edited.zip'), join(base, 'damaged.zip'));
    mkdirSync(join(base, 'tmp'));
  });

  afterAll(removeFolders);

  const sources = (dir: string): object => ({
    database: { file: join(dir, 'archive.sqlite') },
    photos: { directory: join(dir, 'photos') },
    outputDir: join(dir, 'out'),
    overwrite: true,
    now,
  });

  /** The archive that a verb replaces is the old one, or the new one and whole. */
  async function checkMade(
    dir: string,
    { result }: Outcome,
    kind: 'backup' | 'dump',
  ): Promise<void> {
    const name = basename(clean[kind].path);
    const out = join(dir, 'out');
    expect(listing(out)).toEqual(listing(join(base, 'out')));
    const path = join(out, name);
    if (result === undefined) {
      expect(readFileSync(path, 'utf8').slice(0, 100)).toBe(precious);
      return;
    }
    expect(await verifyArchive(path)).toMatchObject({ ok: true });
    if (sha256(path) === clean[kind].sha256) return;
    // Something could not be read: then it says so.
    expect(result['warnings']).not.toEqual(clean[kind].warnings);
  }

  const cases: Case[] = [
    {
      verb: 'createBackup',
      what: 'a platform',
      args: (dir) => [sources(dir)],
      check: (dir, outcome) => checkMade(dir, outcome, 'backup'),
    },
    {
      verb: 'createDataDump',
      what: 'a platform',
      args: (dir) => [sources(dir)],
      check: (dir, outcome) => checkMade(dir, outcome, 'dump'),
    },
    {
      verb: 'verifyArchive',
      what: 'a damaged backup',
      args: (dir) => [join(dir, 'damaged.zip')],
      check: (_, { result }) => {
        expect(result?.['ok']).not.toBe(true);
      },
    },
    {
      verb: 'verifyArchive',
      what: 'a sound backup',
      args: (dir) => [clean.backup.path.replace(base, dir)],
      check: (_, { result }) => {
        // That the archive cannot be read is true; of what was loaded out of it nothing is.
        for (const { message } of (result?.['problems'] ?? []) as Warning[]) {
          expect(message).toMatch(/Input\/output error|could not be read to its end/);
        }
      },
    },
    {
      verb: 'restoreBackup',
      what: 'some tables',
      args: (dir) => [
        clean.backup.path.replace(base, dir),
        { database: join(dir, 'out', 'restored.sqlite'), tables: ['artwork', 'artists'] },
      ],
      check: (dir, { result, error }) => {
        expect(error?.message ?? '').not.toContain('what was loaded');
        const before = listing(join(base, 'out'));
        const made = result === undefined ? [] : ['restored.sqlite'];
        expect(listing(join(dir, 'out'))).toEqual([...before, ...made].sort());
      },
    },
    {
      verb: 'restoreBackup',
      what: 'all of a backup',
      args: (dir) => [
        clean.backup.path.replace(base, dir),
        { database: join(dir, 'out', 'restored.sqlite'), photosDir: join(dir, 'out', 'photos') },
      ],
      check: (dir, { result }) => {
        const out = join(dir, 'out');
        const database = join(out, 'restored.sqlite');
        const photos = listing(out).filter((name) => /^photos\/.*\.\w+$/.test(name));
        for (const photo of photos) {
          expect(sha256(join(out, photo))).toBe(sha256(join(base, photo)));
        }
        const rest = listing(out).filter((name) => !name.startsWith('photos'));
        const before = listing(join(base, 'out'));
        expect(rest).toEqual(result === undefined ? before : [...before, 'restored.sqlite'].sort());
        if (result === undefined) return;
        expect(result).toMatchObject({ restoredEverything: true });
        const rows = (file: string): string => sqlite(file, '.dump artwork artists');
        expect(rows(database)).toBe(rows(join(base, 'archive.sqlite')));
        expect(photos).toHaveLength(1);
      },
    },
  ];

  async function call({ verb, args }: Case, at: number): Promise<[dir: string, Outcome, number]> {
    const dir = folder();
    cpSync(base, dir, { recursive: true, preserveTimestamps: true });
    const counted = join(folder(), 'count');
    const script = join(root, '__test__', 'support', 'fault-job.mjs');
    const { stdout } = await run(process.execPath, [script, verb, JSON.stringify(args(dir))], {
      env: {
        ...process.env,
        LD_PRELOAD: shim,
        TMPDIR: join(dir, 'tmp'),
        FAULT_DIR: dir,
        FAULT_AT: String(at),
        FAULT_ERRNO: errno,
        FAULT_COUNT: counted,
      },
    });
    return [dir, JSON.parse(stdout) as Outcome, Number(readFileSync(counted, 'utf8'))];
  }

  it.each(cases)(
    'is no loss to $verb of $what, for any n',
    async (each) => {
      const [, ended, count] = await call(each, 0);
      expect(ended.error).toBeUndefined();
      expect(count).toBeGreaterThan(20);
      const pick = random();
      const every = Array.from({ length: count }, (_, n) => n + 1);
      const some = Array.from({ length: 16 }, () => 1 + Math.floor(pick() * count));
      for (const at of full ? every : new Set([1, ...some, count])) {
        const [dir, outcome] = await call(each, at);
        try {
          if (outcome.error !== undefined) expect(codes).toContain(outcome.error.code);
          await each.check(dir, outcome);
          for (const kept of ['archive.sqlite', 'damaged.zip', 'photos', 'made']) {
            expect(contentsOf(join(dir, kept))).toEqual(contentsOf(join(base, kept)));
          }
          expect(listing(join(dir, 'tmp'))).toEqual([]);
        } catch (error) {
          throw new Error(`call ${String(at)} of ${String(count)}: ${JSON.stringify(outcome)}`, {
            cause: error,
          });
        }
      }
    },
    1_800_000,
  );
});

/** Every file at a place or below it, with its SHA-256. */
function contentsOf(path: string): string[] {
  if (statSync(path).isFile()) return [sha256(path)];
  const files = listing(path).filter((name) => statSync(join(path, name)).isFile());
  return files.map((name) => `${name} ${sha256(join(path, name))}`);
}
