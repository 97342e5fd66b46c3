/** Prose, names and addresses that read and compress like what people write about public art. */

import type { Random } from '../../demo/random.js';

/** Most frequent first: low numbers are picked far more often. */
const vocabulary =
  `the of and a in to is was by on with for that it at from as its this which are an be has were
artist work mural street public city sculpture park wall bronze building art community piece painted stone steel
near one two their who history made figure large colour neighbourhood entrance light new time local first between
people water across artists designed glass concrete commissioned series river north south west east corner plaza
library school station bridge market harbour harbor square garden plaque installed restored original faces looking
memorial family story bright blue red yellow green ceramic mosaic tile panel panels wood carved cedar granite
fountain bench clock tower bird heron salmon raven eagle bear whale fish wolf horse child children woman man hands
face eyes sky sea mountain forest tree leaf flower rain sun moon wind wave shore island boat anchor rope net sail
railway workers miners fishers weavers women settlers newcomers language song dance drum mask pole house home
welcome journey memory future past present century decade spring summer autumn winter morning evening night festival
council grant program volunteer students teacher mentor studio collective gallery museum collection curator
photograph portrait abstract geometric pattern line circle spiral grid shadow reflection surface texture material
weathered faded damaged repaired cleaned repainted relocated removed temporary permanent accessible visible hidden
passage alley lane underpass stairs ramp path trail crosswalk bus stop platform roof facade window door gate fence
pillar column arch dome pedestal base height metres wide tall weight kilograms aluminium copper iron fibreglass
resin acrylic spray enamel lacquer varnish kinetic interactive sound solar lamp neon projection digital
unveiled dedicated donated inspired remembers celebrates honours depicts shows suggests invites connects reflects
tells marks stands rises leans floats hangs turns opens faces follows surrounds overlooks borders crosses
before after during until since while where when whose through around above below behind beside beyond within
several many few each every other another same different small great old young quiet busy open narrow steep
indigenous traditional territory nation elder ancestors knowledge ceremony cedar-bark copper-clad hand-cut
hand-painted site-specific large-scale low-relief mixed-media café façade naïve jubilee centennial millennium
anniversary olympic waterfront downtown industrial residential commercial heritage cultural centre university college
hospital church temple theatre cinema stadium arena pool playground cemetery courthouse hall embassy bank hotel
restaurant warehouse factory brewery cannery sawmill shipyard lighthouse observatory conservatory greenhouse
doesn't it's artist's city's viewers' there's`
    .split(/\s+/)
    .filter((word) => word !== '') as [string, ...string[]];

const syllables =
  'al an ar be bo ca cha da de do el en fa fe go ha hi jo ka ke la le li lo ma me mi mo na ne ni no o pa ra re ri ro sa se shi so ta te ti to u va ve vi wa ya yo zé ñu ö'.split(
    ' ',
  ) as [string, ...string[]];

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0',
] as const;

export class Words {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  word(): string {
    const place = Math.floor(this.#random.next() ** 2.2 * vocabulary.length);
    return vocabulary[place] ?? vocabulary[0];
  }

  /** Whole sentences until about so many characters are reached; every third text has paragraphs. */
  prose(characters: number): string {
    const gap = this.#random.below(3) === 0 ? '\n\n' : ' ';
    let text = this.#sentence();
    while (text.length < characters)
      text += (this.#random.below(4) === 0 ? gap : ' ') + this.#sentence();
    return text;
  }

  title(): string {
    const words = Array.from({ length: 1 + this.#random.below(4) }, () => capital(this.word()));
    if (this.#random.below(3) === 0) words.push(this.surname());
    return words.join(' ');
  }

  name(): string {
    return `${this.surname()} ${this.surname()}`;
  }

  surname(): string {
    const parts = Array.from({ length: 2 + this.#random.below(3) }, () =>
      this.#random.pick(syllables),
    );
    return (this.#random.below(25) === 0 ? "O'" : '') + capital(parts.join(''));
  }

  street(): string {
    return `${this.#random.below(9_900) + 100} ${capital(this.word())} Street`;
  }

  /** Of the block that belongs to nobody but benchmarks (RFC 2544, 198.18.0.0/15). */
  address(): string {
    return `198.18.${this.#random.below(256)}.${this.#random.below(256)}`;
  }

  agent(): string {
    return this.#random.pick(agents);
  }

  #sentence(): string {
    const words = Array.from({ length: 6 + this.#random.below(14) }, () =>
      this.#random.below(12) === 0 ? this.surname() : this.word(),
    );
    if (this.#random.below(6) === 0) words.push(`in ${1_900 + this.#random.below(126)}`);
    if (this.#random.below(60) === 0) words.push('🎨');
    return `${capital(words.join(' '))}.`;
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
