/**
 * What is published. The bucket is the only record: the list is the sidecars that lie in it, index.json and
 * latest.json are derived from them. Objects of a dump never change, and what points to a dump is written last and
 * taken away first, so that whoever follows a pointer finds a whole dump.
 */

import { createHash } from 'node:crypto';

import { Problem } from '../envelope.js';
import { logDefect, logWarning } from '../log.js';
import { beyond, oldIn } from './found.js';
import { Inventory } from './inventory.js';
import type { Lock } from './lock.js';
import { indexKey, latestKey, nameAt, nameOf, urlOf } from './names.js';
import type { DumpName } from './names.js';
import { readPublished, toPublished } from './published.js';
import type { LocalDump, PublishedDump } from './published.js';
import { PreconditionFailed } from './store.js';
import type { Condition, ObjectStore, StoredObject, Transfer } from './store.js';

const immutable = 'public, max-age=31536000, immutable';

export interface PublishSteps extends Transfer {
  /** Told which step begins. */
  readonly onStep: (step: 'upload' | 'check' | 'publish') => void;
}

/** A dump that a later one of its day has replaced: no pointer names it, and downloads under way go on. */
export interface ReplacedDump extends PublishedDump {
  /** From when on it is removed. */
  readonly goes_at: string;
}

export interface Page {
  readonly dumps: readonly PublishedDump[];
  readonly total: number;
  /** All of them, on every page. */
  readonly replaced: readonly ReplacedDump[];
}

export class Catalogue {
  readonly #inventory: Inventory;

  constructor(
    readonly store: ObjectStore,
    private readonly publicUrl: string,
    private readonly keep: number,
  ) {
    this.#inventory = new Inventory(store, publicUrl);
  }

  async page(page: number, limit: number): Promise<Page> {
    const { listed, superseded } = await this.#inventory.find();
    const shown = listed.slice((page - 1) * limit, page * limit);
    const replaced = superseded.map(({ dump, goesAt }) => {
      return { ...dump, goes_at: new Date(goesAt).toISOString() };
    });
    return { dumps: shown.map(({ dump }) => dump), total: listed.length, replaced };
  }

  /** The published dump that a download names; undefined when nothing of that name is published. */
  async published(id: string): Promise<DumpName | undefined> {
    const name = nameOf(id);
    return name && (await this.#inventory.sidecar(name)) && name;
  }

  /** What latest.json names; what it should name when it is missing, or somebody has damaged it. */
  async latest(): Promise<PublishedDump | undefined> {
    const found = await this.store.get(latestKey);
    const latest = found && readPublished(found.body);
    if (latest !== undefined) return latest;
    const newest = (await this.#inventory.find()).listed[0]?.dump;
    if (found !== undefined || newest !== undefined) {
      logWarning(
        `${latestKey} is missing or damaged: it is written anew when the next dump is published`,
      );
    }
    return newest;
  }

  /** Publishes a dump. Until its sidecar is there nothing points to it, and until then it can be stopped. */
  async publish(dump: LocalDump, lock: Lock, steps: PublishSteps): Promise<PublishedDump> {
    const name = nameAt(dump.generated_at);
    if (name === undefined) throw new Problem(500, 'INTERNAL_ERROR', 'The dump has no instant');
    const newest = (await this.#inventory.find()).listed[0];
    if (newest !== undefined && newest.id > name.id) {
      throw new Problem(409, 'DUMP_OUTDATED', 'A newer dump has been published: discard this one');
    }
    const published = toPublished(name, dump, urlOf(name, this.publicUrl));

    steps.onStep('upload');
    await this.#upload(name, dump, steps);
    steps.onStep('check');
    await this.#readBack(name, dump, steps);
    steps.signal?.throwIfAborted();
    await lock.confirm();

    steps.onStep('publish');
    await this.#putOnce(name.sidecarKey, published);
    // Another one had this name, if somebody has taken back what was made in the same second.
    this.#inventory.forget(name.id);
    await this.#point();
    // The dump is out: what is old and cannot be removed now is removed with the next one.
    await this.#dropOld().catch(logDefect);
    return published;
  }

  /** Takes a dump back, whole or what is left of it: pointers first, so that none ever points to nothing. */
  async takeBack(id: string): Promise<void> {
    const { names } = await this.#inventory.find();
    const own = names.find((name) => name.id === id);
    if (own === undefined) throw new Problem(404, 'NOT_FOUND', 'There is no such dump');
    await this.#point(own.id);
    await this.#inventory.remove(own);
  }

  /** Takes back a dump whose publishing did not end well, as far as it got. Another one under its name stays. */
  async withdraw({ generated_at, sha256 }: LocalDump): Promise<void> {
    const name = nameAt(generated_at);
    const sidecar = name && (await this.store.get(name.sidecarKey));
    const isAnothers = sidecar !== undefined && readPublished(sidecar.body)?.sha256 !== sha256;
    if (name === undefined || isAnothers) return;
    // Without a sidecar it never was in the list.
    if (sidecar !== undefined) await this.#point(name.id);
    await this.#inventory.remove(name);
  }

  /** Removes the archive of a dump whose publishing did not get as far as its sidecar: nothing ever showed it. */
  async forget({ generated_at }: LocalDump): Promise<void> {
    const name = nameAt(generated_at);
    if (name === undefined || (await this.store.get(name.sidecarKey)) !== undefined) return;
    await this.store.remove(name.archiveKey);
  }

  async #upload(name: DumpName, { path, size, sha256 }: LocalDump, steps: PublishSteps) {
    const before = await this.#digest(name, steps);
    if (before?.sha256 === sha256 && before.size === size) return;
    if (before !== undefined) {
      // An earlier attempt left something else under this name. No sidecar has ever shown it.
      if ((await this.store.get(name.sidecarKey)) !== undefined) throw taken();
      await this.store.remove(name.archiveKey);
    }
    const headers = { contentType: 'application/zip', cacheControl: immutable };
    await this.store.upload(name.archiveKey, path, headers, steps);
  }

  async #readBack(name: DumpName, { size, sha256 }: LocalDump, steps: PublishSteps) {
    const found = await this.#digest(name, steps);
    if (found?.size === size && found.sha256 === sha256) return;
    await this.store.remove(name.archiveKey);
    throw new Problem(502, 'UPLOAD_DAMAGED', 'The bucket holds something else than was uploaded');
  }

  async #digest(name: DumpName, { signal, onBytes }: PublishSteps) {
    const body = await this.store.read(name.archiveKey, { signal });
    if (body === undefined) return undefined;
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of body) {
      signal?.throwIfAborted();
      hash.update(chunk);
      size += chunk.length;
      onBytes?.(size);
    }
    return { size, sha256: hash.digest('hex') };
  }

  async #putOnce(key: string, dump: PublishedDump): Promise<void> {
    const body = toJson(dump);
    try {
      await this.#json(key, body, immutable, { absent: true });
    } catch (error) {
      // Sent again after a failure between the sidecar and the pointers.
      if (!(error instanceof PreconditionFailed)) throw error;
      if (!(await this.#holds(key, body))) throw taken();
    }
  }

  /** Derives index.json and then latest.json from what stays listed, as if `without` were gone already. */
  async #point(without?: string): Promise<void> {
    // They are looked at before the list is: what another instance has written since is newer than the list.
    const [index, latest] = await Promise.all([
      this.store.get(indexKey),
      this.store.get(latestKey),
    ]);
    const { listed } = await this.#inventory.find(without);
    const dumps = listed.slice(0, this.keep).map(({ dump }) => dump);
    await this.#replace(indexKey, index, toJson({ dumps, updated_at: new Date().toISOString() }));
    const [newest] = dumps;
    if (newest === undefined) await this.store.remove(latestKey);
    else await this.#replace(latestKey, latest, toJson(newest));
  }

  async #replace(key: string, before: StoredObject | undefined, body: Buffer): Promise<void> {
    const condition = before === undefined ? { absent: true as const } : { etag: before.etag };
    try {
      await this.#json(key, body, 'no-cache', condition);
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error;
      // A write whose answer got lost, and that was sent again, finds itself.
      if (await this.#holds(key, body)) return;
      throw new Problem(409, 'STORAGE_CHANGED', 'Somebody else is changing what is published');
    }
  }

  async #holds(key: string, body: Buffer): Promise<boolean> {
    return (await this.store.get(key))?.body.equals(body) === true;
  }

  #json(key: string, body: Buffer, cacheControl: string, condition: Condition): Promise<string> {
    return this.store.put(key, body, { contentType: 'application/json', cacheControl }, condition);
  }

  /** Removes what is old and not listed. Nobody else may change anything meanwhile. */
  async prune(): Promise<void> {
    for (const name of await this.#unnamed()) await this.#inventory.remove(name);
  }

  /** Whether there is anything to prune. */
  async hasOld(): Promise<boolean> {
    return (await this.#unnamed()).length > 0;
  }

  /** Removes all that is old: also what is beyond `keep`, which index.json has just been written without. */
  async #dropOld(): Promise<void> {
    const found = await this.#inventory.find();
    for (const name of [...beyond(found, this.keep), ...oldIn(found)])
      await this.#inventory.remove(name);
  }

  /** What is old and not listed, but for what pointers name that a broken publish has left behind. */
  async #unnamed(): Promise<readonly DumpName[]> {
    const old = oldIn(await this.#inventory.find());
    if (old.length === 0) return old;
    const pointers = await Promise.all([indexKey, latestKey].map((key) => this.store.get(key)));
    return old.filter(({ id }) => !pointers.some((pointer) => pointer?.body.includes(id)));
  }
}

function taken(): Problem {
  return new Problem(409, 'DUMP_EXISTS', 'Another dump of the same second is published');
}

function toJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
