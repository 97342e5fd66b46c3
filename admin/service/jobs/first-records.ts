/** A look into an archive: the first records of a file that is an array of JSON objects, however long it is. */

import { open } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

/** Records beyond this many bytes are not looked for. */
const reach = 256 * 1024;

export async function firstRecords(
  path: string,
  file: string,
  count: number,
): Promise<readonly unknown[]> {
  const text = await beginningOf(path, file);
  return objectsIn(text, count);
}

/** The first whole objects of an array whose text may be cut. */
function objectsIn(text: string, count: number): readonly unknown[] {
  const found: unknown[] = [];
  let depth = 0;
  let start = 0;
  let isText = false;
  for (let at = 0; at < text.length && found.length < count; at += 1) {
    const char = text[at];
    if (isText) {
      if (char === '\\') at += 1;
      else if (char === '"') isText = false;
    } else if (char === '"') {
      isText = true;
    } else if (char === '{') {
      if (depth === 0) start = at;
      depth += 1;
    } else if (char === '}') {
      depth -= 1;
      if (depth === 0) found.push(JSON.parse(text.slice(start, at + 1)));
    }
  }
  return found;
}

function beginningOf(path: string, file: string): Promise<string> {
  return new Promise((done, failed) => {
    open(path, { lazyEntries: true }, (error, zip) => {
      if (error !== null) {
        failed(error);
        return;
      }
      const end = (text: string): void => {
        zip.close();
        done(text);
      };
      zip.on('error', failed);
      zip.on('end', () => {
        end('');
      });
      zip.on('entry', (entry: Entry) => {
        if (entry.fileName === file) readBeginning(zip, entry).then(end, failed);
        else zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

function readBeginning(zip: ZipFile, entry: Entry): Promise<string> {
  return new Promise((done, failed) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) {
        failed(error);
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        done(Buffer.concat(chunks).toString('utf8'));
      };
      stream.on('error', failed).on('end', finish);
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < reach) return;
        stream.removeAllListeners('error').on('error', () => undefined);
        stream.destroy();
        finish();
      });
    });
  });
}
