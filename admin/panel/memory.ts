/** What this tab knows after a reload, and other tabs of what was started here: ids of jobs, which are no secret. */

import { Keeping } from './keeping.js';

export class Memory {
  readonly #ours = 'cultural-archiver-jobs';
  readonly #watched = 'cultural-archiver-job';
  readonly #browser = new Keeping('localStorage');
  readonly #tab = new Keeping('sessionStorage');

  /** Jobs that were started in this browser. */
  ours(): readonly string[] {
    return (this.#browser.get(this.#ours) ?? '').split(' ').filter((id) => id !== '');
  }

  /** Adds one, and gives all. */
  started(id: string): readonly string[] {
    const ids = [...this.ours(), id].slice(-20);
    this.#browser.set(this.#ours, ids.join(' '));
    return ids;
  }

  watched(id: string): void {
    this.#tab.set(this.#watched, id);
  }

  /** The job that this tab watched last, until it is forgotten. */
  last(): string | null {
    return this.#tab.get(this.#watched);
  }

  forget(): void {
    this.#tab.remove(this.#watched);
  }
}
