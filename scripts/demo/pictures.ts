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

type Colour = readonly [red: number, green: number, blue: number];

/** A wall, a sky and some painted discs: the same scene at any size. */
export class Scene {
  readonly #sky: Colour;
  readonly #shapes: Shape[];

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
    const height = Math.round((width * 3) / 4);
    const data = Buffer.alloc(width * height * 4, 255);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        data.set(this.#colourAt(x / width, y / height), (y * width + x) * 4);
      }
    }
    return jpeg.encode({ data, width, height }, quality).data;
  }

  #colourAt(x: number, y: number): Colour {
    const shape = this.#shapes.find(
      (disc) => Math.hypot(disc.x - x, (disc.y - y) * 0.75) < disc.radius,
    );
    if (shape !== undefined) return shape.colour;
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
