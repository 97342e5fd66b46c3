/** What is found in the bucket: the dumps that its sidecars tell of, and what is left of others. */

import { logWarning } from '../log.js';
import { byDay } from './found.js';
import type { Found, Whole } from './found.js';
import { ownerOf, prefix, urlOf } from './names.js';
import type { DumpName } from './names.js';
import { readPublished } from './published.js';
import type { PublishedDump } from './published.js';
import type { ObjectStore } from './store.js';

/** Sidecars asked for at once. */
const width = 8;

export class Inventory {
  /** Sidecars never change while their dump is there, so each is read once. */
  readonly #sidecars = new Map<string, PublishedDump>();
  /** Sidecars that cannot be read: each is told once. */
  readonly #damaged = new Set<string>();

  /** `publicUrl`: where the world reads the bucket now, without a slash at its end. */
  constructor(
    private readonly store: ObjectStore,
    private readonly publicUrl: string,
  ) {}

  /** All there is, as if `without` were gone already. */
  async find(without?: string): Promise<Found> {
    const keys = new Set((await this.store.list(prefix)).map(({ key }) => key));
    const names = new Map<string, DumpName>();
    for (const key of keys) {
      const name = ownerOf(key);
      if (name !== undefined && name.id !== without) names.set(name.id, name);
    }
    // What another instance has taken back: its second may name another dump one day.
    for (const id of this.#sidecars.keys()) if (!names.has(id) && id !== without) this.forget(id);
    const newestFirst = [...names.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
    const isWhole = ({ archiveKey, sidecarKey }: DumpName): boolean =>
      keys.has(archiveKey) && keys.has(sidecarKey);
    const whole = await this.#readAll(newestFirst.filter(isWhole));
    return {
      ...byDay(whole),
      orphans: newestFirst.filter((name) => !isWhole(name)),
      names: newestFirst,
    };
  }

  /**
   * What the sidecar of a dump says, with its link as it is now: it was written when the bucket may have been read
   * elsewhere. Undefined where there is none that can be read.
   */
  async sidecar(name: DumpName): Promise<PublishedDump | undefined> {
    const known = this.#sidecars.get(name.id);
    if (known !== undefined) return known;
    const found = await this.store.get(name.sidecarKey);
    if (found === undefined) return undefined;
    const told = readPublished(found.body);
    if (told?.id !== name.id) {
      this.#tellDamaged(name);
      return undefined;
    }
    const dump = { ...told, download_url: urlOf(name, this.publicUrl) };
    this.#sidecars.set(name.id, dump);
    return dump;
  }

  /** Removes a dump, the archive first: where that fails, it is still listed, and can be removed again. */
  async remove(name: DumpName): Promise<void> {
    await this.store.remove(name.archiveKey);
    await this.store.remove(name.sidecarKey);
    this.forget(name.id);
  }

  /** Reads the sidecar of a dump anew when it is asked for. */
  forget(id: string): void {
    this.#sidecars.delete(id);
  }

  /** Dumps with what their sidecars say, but for those that cannot be read or have been taken back since. */
  async #readAll(names: readonly DumpName[]): Promise<readonly Whole[]> {
    const whole: Whole[] = [];
    for (let at = 0; at < names.length; at += width) {
      const some = names.slice(at, at + width).map(async (name) => {
        const dump = await this.sidecar(name);
        return dump === undefined ? [] : [{ ...name, dump }];
      });
      whole.push(...(await Promise.all(some)).flat());
    }
    return whole;
  }

  #tellDamaged({ sidecarKey }: DumpName): void {
    if (this.#damaged.has(sidecarKey)) return;
    this.#damaged.add(sidecarKey);
    logWarning(
      `${sidecarKey} is damaged or foreign: its dump is not listed. Mend it, or take it back`,
    );
  }
}
