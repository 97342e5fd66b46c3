/** The job that makes a public data dump and publishes it. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { DumpResult, Engine } from '../engine.js';
import { comes, secondMs } from '../clock.js';
import { codeOf } from '../codes.js';
import { Problem, stateUnwritable } from '../envelope.js';
import { makeNamed } from '../folders.js';
import { logDefect } from '../log.js';
import type { AdminOptions } from '../options.js';
import type { Catalogue } from '../storage/catalogue.js';
import type { ForOperator, KeptDump, LocalDump, PublishedDump } from '../storage/published.js';
import { firstRecords } from './first-records.js';
import { isGone } from './instance.js';
import { isJobId, nothingToPublish, progressOf } from './job.js';
import type { Job, JobError, JobProgress } from './job.js';
import { Previous } from './previous.js';
import type { JobRecords } from './records.js';
import { StoppedBadly } from './runner.js';
import type { Outcome, Work } from './runner.js';

export interface DumpWish {
  readonly allow_shrink?: boolean | undefined;
  readonly publish?: boolean | undefined;
}

/** How a job that published a dump ended, as its callers are told. */
export type MadeDump = PublishedDump & ForOperator;

/** Warnings of either kind that are told; the rest of the public ones is in the archive. */
const shownWarnings = 100;
/** How far the clocks of two instances may be apart. */
const skewMs = 60_000;
/** Why a dump was given up. */
const outdated: JobError = {
  code: 'DUMP_OUTDATED',
  message: 'It could not be sent, and a newer dump has been published since',
};

export class DumpJobs {
  readonly #outbox: string;
  readonly #previous: Previous;

  constructor(
    private readonly options: AdminOptions,
    private readonly engine: Engine,
    private readonly catalogue: Catalogue,
    private readonly records: JobRecords,
  ) {
    this.#outbox = join(options.stateDir, 'outbox');
    this.#previous = new Previous(join(options.stateDir, 'previous'), catalogue);
    makeNamed(this.#outbox, 'ADMIN_STATE_DIR', 0o700);
  }

  /** Makes a dump; publishes it, or keeps it for review. */
  async make(wish: DumpWish, work: Work): Promise<Outcome> {
    try {
      const result = await this.#create(wish, work);
      const local = localOf(result);
      const review = wish.publish === false ? await reviewOf(local, result) : undefined;
      // From here on the job has a file that can be published, so that nothing may fail before its end.
      work.keep({ ...local, exposed: false });
      if (review !== undefined) return { state: 'review', result: review };
    } catch (error) {
      await this.#clear(work.job.id);
      throw error;
    }
    return this.publish(work);
  }

  /** Publishes what a job has kept. When that fails the file stays, to be sent again. */
  async publish({ job, lock, signal, report, keep }: Work): Promise<Outcome> {
    if (job.kept === null) throw nothingToPublish();
    // Where it lies now: the state folder may have been moved since it was made.
    const local = { ...job.kept, path: join(this.#outbox, job.id, job.kept.filename) };
    let step: JobProgress['phase'] = 'upload';
    let published: PublishedDump;
    try {
      published = await this.catalogue.publish(local, lock, {
        signal,
        onStep: (next) => {
          step = next;
          // From here on the archive may lie in a bucket that the world reads, under a name that can be guessed.
          if (step === 'upload') keep({ ...local, exposed: true });
          report({ phase: step, done: 0, total: null, bytes: 0, total_bytes: local.size });
        },
        onBytes: (bytes) => {
          report({ phase: step, done: 0, total: null, bytes, total_bytes: local.size });
        },
      });
    } catch (error) {
      const reason: unknown = signal.aborted ? signal.reason : error;
      if (codeOf(reason) === 'CANCELLED') {
        await this.discard(job).catch((cause: unknown) => {
          throw stillExposed(cause);
        });
        keep(null);
        throw reason;
      }
      throw existsSync(local.path) ? keptAfter(reason, local.path) : gone(reason);
    }
    await this.#previous.keep(local).catch(() => undefined);
    await this.#clear(job.id);
    await this.#giveUpOlder(published);
    // Last of all: a process that dies before it leaves a dump that can be sent again, which finds itself published.
    keep(null);
    const result: MadeDump = { ...published, operator_warnings: local.operator_warnings };
    return { state: 'succeeded', result };
  }

  /** Throws away what a job has kept. What of it the world may see is taken back, which needs the lock. */
  async discard({ id, kept }: Job): Promise<void> {
    if (kept?.exposed === true) await this.catalogue.withdraw(kept);
    await this.#clear(id);
  }

  /** Removes what dead jobs left, but not what can still be published, nor what nobody here knows about. */
  async sweep(): Promise<void> {
    for (const id of (await readdir(this.#outbox)).filter(isJobId)) {
      const job = this.records.get(id);
      const isLeft =
        job === undefined
          ? !this.records.isNoted(id)
          : job.kept === null && job.state !== 'running';
      if (isLeft) await this.#clear(id);
    }
  }

  /**
   * Gives up what could not be sent and never can be any more, since a newer dump is published, or one of the same
   * second, which has its name. What a living process has is its own: there somebody looks at it, and discards it.
   */
  async #giveUpOlder({ generated_at }: PublishedDump): Promise<void> {
    for (const { id } of this.records.all()) {
      const job = this.records.get(id);
      if (job === undefined || !isUnsent(job) || job.kept.generated_at > generated_at) continue;
      try {
        if (job.kept.exposed) await this.catalogue.forget(job.kept);
        this.records.save(Object.assign(job, { kept: null, error: outdated }));
        await this.#clear(id);
      } catch (error) {
        // It stays, for the next dump to give up.
        logDefect(error);
      }
    }
  }

  async #create(wish: DumpWish, { job, signal, report }: Work): Promise<DumpResult> {
    const allowShrink = wish.allow_shrink ?? false;
    const previous = await this.#previous.archive(allowShrink, signal, (bytes, total) => {
      report({ phase: 'previous', done: 0, total: null, bytes, total_bytes: total });
    });
    await this.#afterLatest(signal);
    const outputDir = join(this.#outbox, job.id);
    await mkdir(outputDir, { recursive: true, mode: 0o700 }).catch(stateUnwritable);
    const { database, photos, source } = this.options;
    return this.engine.createDataDump({
      database,
      ...(photos === undefined ? {} : { photos }),
      ...(source === undefined ? {} : { source }),
      ...(previous === undefined ? {} : { previous }),
      outputDir,
      allowShrink,
      signal,
      onProgress: (progress) => {
        report(progressOf(progress));
      },
    });
  }

  /** A dump is called by the second it was made in: one made right after another, or by a clock behind, waits. */
  async #afterLatest(signal: AbortSignal): Promise<void> {
    const latest = await this.catalogue.latest();
    if (latest === undefined) return;
    const next = Date.parse(latest.generated_at) + secondMs;
    if (next - Date.now() > skewMs) throw ofTheFuture(latest);
    await comes(next, signal);
  }

  /**
   * Removes what a job has on the disk; again for a second or two where Windows refuses because somebody has it open. What
   * cannot be removed then is left to the next sweep.
   */
  async #clear(jobId: string): Promise<void> {
    const folder = join(this.#outbox, jobId);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(logDefect);
  }
}

/** Whether a process that is gone has left a dump that it could not send. */
function isUnsent(job: Job): job is Job & { kept: KeptDump } {
  const isFailed = job.state === 'failed' || job.state === 'interrupted';
  return isFailed && job.kept !== null && isGone(job.instance);
}

/** What is known about a dump. `warnings` are published: only what the archive says itself. */
function localOf({
  path,
  filename,
  size,
  sha256,
  complete,
  metadata,
  warnings,
}: DumpResult): LocalDump {
  if (path === undefined) throw new Problem(500, 'INTERNAL_ERROR', 'The dump was not written');
  const { total_artworks, total_creators, total_tags, total_photos } = metadata.counts;
  const open = inWords(metadata.warnings);
  return {
    path,
    filename,
    size,
    sha256,
    generated_at: metadata.generated_at,
    complete,
    metadata: { total_artworks, total_creators, total_tags, total_photos },
    warnings: open.slice(0, shownWarnings),
    operator_warnings: inWords(warnings)
      .filter((warning) => !open.includes(warning))
      .slice(0, shownWarnings),
  };
}

/** Each warning once, in words. */
function inWords(warnings: DumpResult['warnings']): readonly string[] {
  const words = warnings.map(({ message, subject }) =>
    subject === undefined ? message : `${message} (${subject})`,
  );
  return [...new Set(words)];
}

/** What somebody needs in order to decide. */
async function reviewOf({ path, ...facts }: LocalDump, { metadata }: DumpResult): Promise<object> {
  return {
    ...facts,
    redactions: metadata.privacy.redactions,
    first_records: await firstRecords(path, 'artwork.json', 5),
  };
}

function ofTheFuture({ id, generated_at }: PublishedDump): Problem {
  return new Problem(
    409,
    'DUMP_OUTDATED',
    `The latest published dump (${id}) was made at ${generated_at}, which by this machine's clock is yet to come, ` +
      'so that no newer one can be made: set the clock, or take that dump back',
  );
}

function keptAfter(cause: unknown, path: string): Problem {
  const what = cause instanceof Problem ? cause.message : 'The dump could not be published';
  const code = storageCode(cause);
  // While the other one is published, it is in the way each time.
  const isInWay = code === 'DUMP_OUTDATED' || code === 'DUMP_EXISTS';
  const message = `${what}. The finished dump is kept${isInWay ? '' : ' and can be sent again'}: ${path}`;
  return new Problem(503, code, message, { cause });
}

/** The code of what the storage said; of anything else that is in the way of publishing, as if it had said so. */
function storageCode(error: unknown): string {
  return error instanceof Problem ? error.code : 'STORAGE_UNAVAILABLE';
}

function gone(cause: unknown): Problem {
  const message = 'The file of the dump is gone: discard it, and generate another';
  return new Problem(409, 'NOTHING_TO_PUBLISH', message, { cause });
}

function stillExposed(cause: unknown): Problem {
  const message =
    'The job was cancelled, but the dump may be public already and could not be taken back: discard it once ' +
    'the storage answers';
  return new StoppedBadly(503, storageCode(cause), message, { cause });
}
