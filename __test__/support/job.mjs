/**
 * One backup in a process of its own, to be starved, paused and killed. Its argument is a JSON object:
 * `{ options, fill?: { phase, file } }`; with `fill`, that file takes all the space that is left once the phase is
 * seen. It prints one JSON object per line: `{ phase }` for each report, then `{ result }` or `{ error }`, with what
 * was in the output folder before and after, and the most memory that the process had.
 */

import { Buffer } from 'node:buffer';
import { appendFileSync, readdirSync, writeSync } from 'node:fs';
import process from 'node:process';

import index from '../../index.js';
import { peakBytes } from './peak.mjs';

const { options, fill } = JSON.parse(process.argv[2]);
const block = Buffer.alloc(1 << 16);
let filled = false;

function tell(object) {
  writeSync(1, `${JSON.stringify(object)}\n`);
}

function listing() {
  try {
    return readdirSync(options.outputDir, { recursive: true }).sort();
  } catch {
    return null;
  }
}

function fillUp(file) {
  filled = true;
  for (let size = block.length; size > 0; size >>= 4) {
    // Sixteen of these are one of the larger ones, which found no room: more of them would fill, for minutes, what
    // the job gives back as it ends.
    const most = size === block.length ? Infinity : 16;
    try {
      for (let written = 0; written < most; written += 1)
        appendFileSync(file, block.subarray(0, size));
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
}

const before = listing();
const onProgress = ({ phase }) => {
  if (!filled && phase === fill?.phase) fillUp(fill.file);
  tell({ phase });
};
function end(outcome) {
  tell({ ...outcome, before, after: listing(), peakBytes: peakBytes() });
}

await index.createBackup({ ...options, onProgress }).then(
  (result) => {
    end({ result });
  },
  ({ code, name, message, cause }) => {
    end({ error: { code, name, message, cause: cause?.message } });
  },
);
