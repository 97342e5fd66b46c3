/**
 * What the browser keeps for a page. One that is told to keep nothing of a site throws at the very question, and a full
 * one at what is to be added: then it is kept as long as the page is open.
 */
export class Keeping {
  static readonly #kept = {
    localStorage: new Map<string, string>(),
    sessionStorage: new Map<string, string>(),
  };

  /** `localStorage`: for all tabs and later visits. `sessionStorage`: for this tab, over reloads. */
  constructor(private readonly place: 'localStorage' | 'sessionStorage') {}

  get #here(): Map<string, string> {
    return Keeping.#kept[this.place];
  }

  get(key: string): string | null {
    return this.#here.get(key) ?? this.#inBrowser((storage) => storage.getItem(key)) ?? null;
  }

  set(key: string, value: string): void {
    this.#here.set(key, value);
    this.#inBrowser((storage) => {
      storage.setItem(key, value);
      this.#here.delete(key);
    });
  }

  remove(key: string): void {
    this.#here.delete(key);
    this.#inBrowser((storage) => {
      storage.removeItem(key);
    });
  }

  #inBrowser<T>(ask: (storage: Storage) => T): T | undefined {
    try {
      return ask(window[this.place]);
    } catch {
      return undefined;
    }
  }
}
