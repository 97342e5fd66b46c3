/** Small pictures drawn by code, with the position in EXIF that a phone would put there. */

import jpeg from 'jpeg-js';
import piexif from 'piexifjs';

import type { Random } from './random.js';

export interface Position {
  readonly lat: number;
  readonly lon: number;
}

interface Shape {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

/** Four bytes of each. */
interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

type Colour = readonly [red: number, green: number, blue: number];

/** A wall, a sky and some painted discs: the same scene at any size. */
export class Scene {
  readonly #sky: Colour;
  readonly #shapes: Shape[];
  /** By width: most of what a picture takes is its drawing. */
  readonly #drawn = new Map<number, Pixels>();

  constructor(random: Random) {
    const colour = (): Colour => [random.below(256), random.below(256), random.below(256)];
    this.#sky = colour();
    this.#shapes = Array.from({ length: 6 }, () => ({
      x: random.next(),
      y: random.next(),
      radius: 0.05 + random.next() / 5,
      colour: colour(),
    }));
  }

  /** A JPEG with a longest side of `width` pixels. */
  jpeg(width: number, quality: number): Buffer {
    const pixels = this.#drawn.get(width) ?? this.#draw(width);
    this.#drawn.set(width, pixels);
    return jpeg.encode(pixels, quality).data;
  }

  #draw(width: number): Pixels {
    const height = Math.round((width * 3) / 4);
    const data = Buffer.alloc(width * height * 4, 255);
    for (let y = 0; y < height; y += 1) {
      const sky = this.#skyAt(y / height);
      for (let x = 0; x < width; x += 1) {
        const [red, green, blue] = this.#discAt(x / width, y / height)?.colour ?? sky;
        const at = (y * width + x) * 4;
        data[at] = red;
        data[at + 1] = green;
        data[at + 2] = blue;
      }
    }
    return { data, width, height };
  }

  #discAt(x: number, y: number): Shape | undefined {
    return this.#shapes.find((disc) => {
      const [right, down] = [x - disc.x, (y - disc.y) * 0.75];
      return right * right + down * down < disc.radius * disc.radius;
    });
  }

  #skyAt(y: number): Colour {
    const [red, green, blue] = this.#sky;
    const light = 1 - y / 2;
    return [red * light, green * light, blue * light];
  }
}

/** The same JPEG with camera and position in its EXIF block. */
export function withPosition(picture: Buffer, { lat, lon }: Position): Buffer {
  const block = piexif.dump({
    '0th': { [piexif.ImageIFD.Make]: 'Demo', [piexif.ImageIFD.Model]: 'Pocket camera' },
    GPS: {
      [piexif.GPSIFD.GPSLatitudeRef]: lat < 0 ? 'S' : 'N',
      [piexif.GPSIFD.GPSLatitude]: piexif.GPSHelper.degToDmsRational(Math.abs(lat)),
      [piexif.GPSIFD.GPSLongitudeRef]: lon < 0 ? 'W' : 'E',
      [piexif.GPSIFD.GPSLongitude]: piexif.GPSHelper.degToDmsRational(Math.abs(lon)),
    },
  });
  return Buffer.from(piexif.insert(block, picture.toString('latin1')), 'latin1');
}
