/** How a backup fails that is made with a secret. */

import { folder, listing } from '../support';

export interface Failure {
  readonly code: string;
  /** Everything that it says: message, stack, and the message of its cause. */
  readonly text: string;
}

/** How `make` fails, which has a folder for its archive; that this stays empty, and that `secret` is not told. */
export async function failureOf(
  make: (outputDir: string) => Promise<unknown>,
  secret: string,
): Promise<Failure> {
  const outputDir = folder();
  const error: unknown = await make(outputDir).then(
    () => {
      throw new Error('a backup was made');
    },
    (error: unknown) => error,
  );
  const { code, message, stack, cause } = error as Error & { code: string };
  const text = [message, stack, String((cause as Error | undefined)?.message)].join('\n');
  expect(text).not.toContain(secret);
  expect(listing(outputDir)).toEqual([]);
  return { code, text };
}
